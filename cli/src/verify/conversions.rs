//! `kind: conversions`: identities in all their forms, with the signatures that each form makes.

use omemo::crypto::{EdwardsSign, IdentityKeyPair, PreKeyPair, Secret, SignedPreKeyPublic, xeddsa};
use omemo::files::{self, AesgcmUri, Cipher, Claim};
use omemo::model::{Label, Version};
use omemo::protocol;

use super::bytes::{read_base64, same};
use super::script::Script;
use super::sheet::Sheet;
use super::transcript::Transcript;
use super::xeddsa::{signature, verify_curve25519, verify_ed25519};

/// Replays the identities, an unclamped private key, and encrypted files.
pub(super) fn replay(text: &str, sheet: &mut Sheet) -> Result<(), String> {
    let items = [
        "keys_and_signatures",
        "unclamped_private",
        "aesgcm_12",
        "aesgcm_16",
    ];
    let mut values = Transcript::new(text, &items, sheet)?;
    for index in 0..values.count("keys_and_signatures") {
        identity(&format!("keys_and_signatures.{index}"), &mut values)?;
    }

    let stored = Secret::new(values.fixed("unclamped_private.stored")?);
    let clamped = Secret::new(values.fixed("unclamped_private.clamped")?);
    for private in [stored, clamped] {
        let pair = PreKeyPair::from_private(private);
        values.compare("unclamped_private.pub", pair.public().as_bytes());
    }

    for file in ["aesgcm_12", "aesgcm_16"] {
        encrypted_file(file, &mut values)?;
    }
    values.finish();
    Ok(())
}

fn encrypted_file(path: &str, values: &mut Transcript<'_>) -> Result<(), String> {
    let at = |name: &str| format!("{path}.{name}");
    let url = values.text(&at("url"))?;
    let uri = AesgcmUri::parse(&url).map_err(|error| error.to_string())?;
    values.add(
        &at("url"),
        same("URI", url.as_bytes(), uri.to_uri().as_bytes()),
    );
    let (key, iv) = (uri.key().key(), uri.key().iv());
    values.compare(&at("key"), key);
    values.compare(&at("iv"), iv);
    let digits = u32::try_from(2 * (iv.len() + key.len())).map_err(|error| error.to_string())?;
    values.compare_number(&at("fragment_chars"), digits);

    let uploaded = values.hex(&at("uploaded_bytes"))?;
    let text = values.text(&at("plaintext_utf8"))?;
    let opened = files::decrypt(uri.key(), Claim::default(), &uploaded);
    let opened = opened.map_err(|error| error.to_string());
    let checked = opened.and_then(|opened| same("plaintext", text.as_bytes(), &opened));
    values.add(&at("uploaded_bytes"), checked);
    if iv.len() == Cipher::Aes256Gcm.iv_len() {
        let mut script = Script::new([key, iv]);
        let file = files::encrypt(Cipher::Aes256Gcm, text.as_bytes(), &mut script);
        let file = file.map_err(|error| error.to_string());
        let checked = file.and_then(|file| same("file", &uploaded, &file.sink));
        values.add(&at("uploaded_bytes"), checked);
    }
    Ok(())
}

fn identity(path: &str, values: &mut Transcript<'_>) -> Result<(), String> {
    let at = |name: &str| format!("{path}.{name}");
    let seed = Secret::new(values.fixed(&at("ed25519_seed"))?);
    let seeded = IdentityKeyPair::from_seed(&seed);
    values.compare(&at("scalar_priv"), seeded.private().expose());

    let private = Secret::new(values.fixed(&at("scalar_priv"))?);
    let natural = IdentityKeyPair::from_private(private.clone(), EdwardsSign::Natural);
    let zero = IdentityKeyPair::from_private(private, EdwardsSign::Zero);
    values.compare(&at("curve25519_pub"), natural.curve25519().as_bytes());
    values.compare(&at("ed25519_pub"), natural.ed25519().as_bytes());
    let sign = u32::from(natural.ed25519().as_bytes()[31] >> 7);
    values.compare_number(&at("ed_sign_bit"), sign);
    let of_edwards = natural.ed25519().to_curve25519();
    values.compare(&at("curve25519_pub"), of_edwards.as_bytes());
    // Never handed out; it shows in the signatures with sign 0, which are compared.
    values.pass_over(&at("negated_scalar"));

    let spk = SignedPreKeyPublic::from_bytes(values.fixed(&at("spk_pub"))?)
        .map_err(|error| error.to_string())?;
    let z = Secret::new(values.fixed(&at("random_Z"))?);
    for (form, version) in [
        ("legacy_33", Version::Legacy),
        ("omemo2_32", Version::Omemo2),
    ] {
        let at = |name: &str| format!("{path}.{form}.{name}");
        // Whether the message is what the version signs is seen from the signature over it.
        let message = values.hex(&at("message"))?;
        let libsignal = xeddsa::sign_with_sign_bit(&natural, &message, &z);
        values.compare(&at("libsignal_signature"), libsignal.as_bytes());
        let positive = xeddsa::sign(&zero, &message, &z);
        values.compare(&at("xeddsa_signature_sign0"), positive.as_bytes());
        let own = protocol::of(version).sign(&natural, &spk, &z);
        let unmarked = xeddsa::sign(&natural, &message, &z);
        let expected = match version {
            Version::Legacy => &libsignal,
            Version::Omemo2 => &unmarked,
        };
        let checked = same("signature", expected.as_bytes(), own.as_bytes());
        values.add(&at("message"), checked);

        let curve = *natural.curve25519().as_bytes();
        for name in [
            "libsignal_signature",
            "xeddsa_signature_sign0",
            "rfc8032_as_legacy",
        ] {
            let signature = values.hex(&at(name))?;
            values.add(&at(name), verify_curve25519(&curve, &message, &signature));
        }
        let plain = values.hex(&at("rfc8032_signature_from_seed"))?;
        let checked = verify_ed25519(natural.ed25519().as_bytes(), &message, &plain);
        values.add(&at("rfc8032_signature_from_seed"), checked);
    }

    let label = values.text(&at("label_example.label"))?;
    let bytes = read_base64(&values.text(&at("label_example.labelsig_base64"))?)?;
    let label = Label {
        text: label,
        signature: signature(&bytes)?,
    };
    let identity = protocol::of(Version::Omemo2).identity(&natural);
    let checked = protocol::verify_label(&identity, &label).map_err(|error| error.to_string());
    values.add(&at("label_example"), checked);
    Ok(())
}
