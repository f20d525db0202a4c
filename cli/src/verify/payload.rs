//! `kind: payload`: payloads with the key material that opens them, or should not.

use omemo::crypto::Secret;
use omemo::model::Version;
use omemo::protocol::{self, KeyMaterial};
use serde::Deserialize;

use super::bytes::{Base64, Hex, same};
use super::class::{Class, Wanted};
use super::file::{ProtocolName, Tests, from_json};
use super::sheet::{Checked, Sheet};

#[derive(Deserialize)]
struct Payloads {
    protocol: ProtocolName,
    #[serde(flatten)]
    tests: Tests<Payload>,
}

#[derive(Deserialize)]
struct Payload {
    #[serde(rename = "tcId")]
    tc_id: u32,
    key_material: Hex,
    iv: Option<Hex>,
    ciphertext: Base64,
    #[serde(default)]
    lenient: bool,
    #[serde(flatten)]
    wanted: Wanted<Opened>,
}

#[derive(Deserialize)]
struct Opened {
    plaintext: Hex,
}

/// Replays payloads: each is opened, and what opens is sealed again.
pub(super) fn replay(text: &str, sheet: &mut Sheet) -> Result<(), String> {
    let payloads: Payloads = from_json(text)?;
    for test in &payloads.tests.tests {
        sheet.test(test.tc_id, check(payloads.protocol.into(), test));
    }
    Ok(())
}

fn check(version: Version, test: &Payload) -> Checked {
    let protocol = protocol::of(version);
    let key_material = KeyMaterial::new(&test.key_material.0);
    let iv = test.iv.as_ref().map(|iv| iv.0.as_slice());
    let opened = protocol
        .open_payload(&key_material, iv, &test.ciphertext.0)
        .map_err(|_| Class::Payload);
    test.wanted.judge(test.lenient, opened, |wanted, opened| {
        same("plaintext", &wanted.plaintext.0, &opened)?;
        let Some(random) = draw(version, &test.key_material.0, iv) else {
            return Ok(());
        };
        let sealed = protocol
            .seal_payload(&opened, &random)
            .map_err(|error| format!("does not seal: {error}"))?;
        same("ciphertext", &test.ciphertext.0, &sealed.ciphertext)?;
        let key_material = sealed.key_material.expose();
        same("key material", &test.key_material.0, key_material)?;
        let came = sealed.iv.map(Vec::from).unwrap_or_default();
        same("iv", iv.unwrap_or_default(), &came)
    })
}

/// The randomness that seals the payload as it was sealed. `None` for the 16-byte IV, which is read only.
fn draw(version: Version, key_material: &[u8], iv: Option<&[u8]>) -> Option<Secret<32>> {
    let mut random = [0; 32];
    match version {
        Version::Omemo2 => random.copy_from_slice(key_material.get(..32)?),
        Version::Legacy => {
            random
                .get_mut(..16)?
                .copy_from_slice(key_material.get(..16)?);
            let iv: &[u8; 12] = iv?.try_into().ok()?;
            random.get_mut(16..28)?.copy_from_slice(iv);
        }
    }
    Some(Secret::new(random))
}
