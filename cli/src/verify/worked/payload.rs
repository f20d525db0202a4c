//! The payload of the conversation.

use omemo::crypto::{Secret, kdf};
use omemo::model::Version;
use omemo::protocol::{KeyMaterial, open_payload_with_tag_outside};
use omemo::ratchet::MessageKeys;

use super::super::bytes::same;
use super::super::transcript::Transcript;
use super::cast::Cast;

pub(super) fn replay(cast: &Cast, values: &mut Transcript<'_>) -> Result<(), String> {
    match cast.version() {
        Version::Legacy => legacy(cast, values),
        Version::Omemo2 => omemo2(cast, values),
    }
}

fn omemo2(cast: &Cast, values: &mut Transcript<'_>) -> Result<(), String> {
    let protocol = cast.protocol();
    let key: [u8; 32] = values.fixed("payload.key")?;
    let expanded = kdf::hkdf::<80>(&[&key], b"OMEMO Payload");
    values.compare("payload.hkdf_80", expanded.expose());
    let keys = MessageKeys::from_bytes(expanded.expose());
    values.compare("payload.enc_key", &keys.encryption);
    values.compare("payload.auth_key", &keys.authentication);
    values.compare("payload.iv", &keys.iv);

    let plaintext = values.text("payload.plaintext_utf8")?;
    let sealed = protocol
        .seal_payload(plaintext.as_bytes(), &Secret::new(key))
        .map_err(|error| error.to_string())?;
    values.compare("payload.ciphertext", &sealed.ciphertext);
    values.compare(
        "payload.key_material_in_ratchet",
        sealed.key_material.expose(),
    );
    let tag = sealed.key_material.expose().get(32..).unwrap_or_default();
    values.compare("payload.hmac16", tag);
    let opened = protocol.open_payload(&sealed.key_material, None, &sealed.ciphertext);
    values.add("payload.plaintext_utf8", is_plaintext(&plaintext, opened));
    Ok(())
}

fn legacy(cast: &Cast, values: &mut Transcript<'_>) -> Result<(), String> {
    let protocol = cast.protocol();
    let plaintext = values.text("payload.plaintext_utf8")?;
    let key: [u8; 16] = values.fixed("payload.aes128_key")?;
    let iv: [u8; 12] = values.fixed("payload.iv")?;
    let mut random = [0; 32];
    for (place, byte) in random.iter_mut().zip(key.iter().chain(&iv)) {
        *place = *byte;
    }
    let sealed = protocol
        .seal_payload(plaintext.as_bytes(), &Secret::new(random))
        .map_err(|error| error.to_string())?;
    values.compare("payload.iv", &sealed.iv.unwrap_or_default());
    values.compare("payload.ciphertext", &sealed.ciphertext);
    values.compare(
        "payload.key_material_in_ratchet",
        sealed.key_material.expose(),
    );
    let tag = sealed.key_material.expose().get(16..).unwrap_or_default();
    values.compare("payload.tag", tag);
    let opened = protocol.open_payload(&sealed.key_material, Some(&iv), &sealed.ciphertext);
    values.add("payload.plaintext_utf8", is_plaintext(&plaintext, opened));

    let variant = "payload.variant_16_byte_iv";
    let tag: [u8; 16] = values.fixed(&format!("{variant}.tag"))?;
    let material = KeyMaterial::new(&[key, tag].concat());
    let iv16 = values.hex(&format!("{variant}.iv"))?;
    let ciphertext = values.hex(&format!("{variant}.ciphertext"))?;
    let opened = protocol.open_payload(&material, Some(&iv16), &ciphertext);
    values.add(variant, is_plaintext(&plaintext, opened));

    let variant = "payload.variant_legacy_tag_in_payload";
    let material = KeyMaterial::new(&values.hex(&format!("{variant}.key_material_in_ratchet"))?);
    let payload = values.hex(&format!("{variant}.payload"))?;
    let opened = open_payload_with_tag_outside(&material, &iv, &payload);
    values.add(variant, is_plaintext(&plaintext, opened));
    let refused = match protocol.open_payload(&material, Some(&iv), &payload) {
        Ok(_) => Err("expected a refusal unless it is asked for, came success".to_owned()),
        Err(_) => Ok(()),
    };
    values.add(variant, refused);
    Ok(())
}

fn is_plaintext<T: AsRef<Vec<u8>>, E: ToString>(
    expected: &str,
    came: Result<T, E>,
) -> Result<(), String> {
    let came = came.map_err(|error| error.to_string())?;
    same("plaintext", expected.as_bytes(), came.as_ref())
}
