//! Payloads that somebody made up. The ids are those of the project's attack catalogue.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod support;

use std::collections::HashSet;

use omemo::crypto::{Secret, aes, random};
use omemo::error::PayloadError;
use omemo::model::Version;
use omemo::protocol::{
    KeyMaterial, SealedPayload, of, open_payload_with_tag_outside, payload_commitment,
};
use rand::RngExt;
use support::rng;

const TEXT: &[u8] = b"O Romeo, Romeo! wherefore art thou Romeo?";

fn open(version: Version, payload: &SealedPayload) -> Result<Vec<u8>, PayloadError> {
    let iv = payload.iv.as_ref().map(<[u8; 12]>::as_slice);
    of(version)
        .open_payload(&payload.key_material, iv, &payload.ciphertext)
        .map(|plaintext| plaintext.to_vec())
}

fn sealed(version: Version) -> SealedPayload {
    of(version)
        .seal_payload(TEXT, &Secret::new([3; 32]))
        .unwrap()
}

#[test]
fn a03_the_tag_must_come_inside_the_ratchet() {
    for version in Version::ALL {
        let right = if version == Version::Legacy { 32 } else { 48 };
        for len in (0..=64).filter(|len| *len != right) {
            let mut payload = sealed(version);
            payload.key_material = KeyMaterial::new(&vec![7; len]);
            assert_eq!(
                open(version, &payload),
                Err(PayloadError::KeyMaterialLength),
                "{len}"
            );
        }
    }

    // A co-recipient knows the key. What it forges does not fit the tag that others got.
    let genuine = sealed(Version::Legacy);
    let iv = genuine.iv.unwrap();
    let key: [u8; 16] = genuine.key_material.expose()[..16].try_into().unwrap();
    let (forged, tag) = aes::gcm_encrypt(&key, &iv, b"FORGED").unwrap();
    let forgery = SealedPayload {
        ciphertext: [&forged[..], &tag].concat(),
        ..genuine.clone()
    };
    assert_eq!(
        open(Version::Legacy, &forgery),
        Err(PayloadError::Authentication)
    );

    // The old form has no such tag: whoever asks for it, gets the forgery. It must be asked for by name.
    let old = KeyMaterial::new(&key);
    let read = open_payload_with_tag_outside(&old, &iv, &forgery.ciphertext).unwrap();
    assert_eq!(read.as_slice(), b"FORGED");
    let outcome = open_payload_with_tag_outside(&genuine.key_material, &iv, &forgery.ciphertext);
    assert_eq!(outcome.map(|_| ()), Err(PayloadError::KeyMaterialLength));
}

#[test]
fn a10_no_altered_payload_is_read() {
    for version in Version::ALL {
        let genuine = sealed(version);
        let mut rng = rng(10);
        for ciphertext in support::altered(&genuine.ciphertext, &mut rng) {
            let payload = SealedPayload {
                ciphertext,
                ..genuine.clone()
            };
            assert_eq!(open(version, &payload), Err(PayloadError::Authentication));
        }
        for bytes in support::altered(genuine.key_material.expose(), &mut rng) {
            let payload = SealedPayload {
                key_material: KeyMaterial::new(&bytes),
                ..genuine.clone()
            };
            assert!(open(version, &payload).is_err());
        }
        assert_eq!(open(version, &genuine).unwrap(), TEXT);
    }
}

#[test]
fn a25_a_wrong_tag_and_wrong_padding_look_the_same() {
    use omemo::crypto::kdf;
    let key = [9; 32];
    let keys = kdf::hkdf::<80>(&[&key], b"OMEMO Payload");
    let authentication: &[u8; 32] = keys.expose()[32..64].try_into().unwrap();
    let hmac = kdf::HmacKey::new(authentication);
    let mut padding_errors = 0;
    for value in 0..=255 {
        let ciphertext = [value; 16];
        let tag = hmac.mac(&[&ciphertext]);
        let mut material = [&key[..], &tag.expose()[..16]].concat();
        let material_of = |bytes: &[u8]| KeyMaterial::new(bytes);
        let omemo2 = of(Version::Omemo2);
        match omemo2.open_payload(&material_of(&material), None, &ciphertext) {
            Ok(_) => {}
            Err(error) => {
                padding_errors += 1;
                assert_eq!(error, PayloadError::Authentication);
            }
        }
        material[40] ^= 1;
        let outcome = omemo2.open_payload(&material_of(&material), None, &ciphertext);
        assert_eq!(outcome.map(|_| ()), Err(PayloadError::Authentication));
    }
    assert!(padding_errors > 200);
}

/// Not preventable on the wire: one payload, two keys, two texts. What two clients can do is compare.
#[test]
fn a27_one_payload_may_read_differently_for_two_devices_and_the_commitment_tells() {
    // Legacy: the same ciphertext is the encryption of another text under another key.
    let one = sealed(Version::Legacy);
    let iv = one.iv.unwrap();
    let (keystream, _) = aes::gcm_encrypt(&[8; 16], &iv, &vec![0; one.ciphertext.len()]).unwrap();
    let other_text: Vec<u8> = keystream
        .iter()
        .zip(&one.ciphertext)
        .map(|(a, b)| a ^ b)
        .collect();
    let (ciphertext, tag) = aes::gcm_encrypt(&[8; 16], &iv, &other_text).unwrap();
    assert_eq!(ciphertext, one.ciphertext);
    let material = KeyMaterial::new(&[[8; 16], tag].concat());
    let two = SealedPayload {
        key_material: material,
        ..one.clone()
    };
    assert_eq!(open(Version::Legacy, &one).unwrap(), TEXT);
    assert_eq!(open(Version::Legacy, &two).unwrap(), other_text);
    assert_ne!(
        payload_commitment(&one.key_material, &iv, &one.ciphertext),
        payload_commitment(&two.key_material, &iv, &two.ciphertext)
    );

    // OMEMO 2: the same, for one key in some 256 whose padding comes out right.
    use omemo::crypto::kdf;
    let one = sealed(Version::Omemo2);
    let two = (0_u32..)
        .map(|n| {
            let mut key = [0; 32];
            key[..4].copy_from_slice(&n.to_le_bytes());
            let keys = kdf::hkdf::<80>(&[&key], b"OMEMO Payload");
            let authentication: &[u8; 32] = keys.expose()[32..64].try_into().unwrap();
            let tag = kdf::HmacKey::new(authentication).mac(&[&one.ciphertext]);
            let material = KeyMaterial::new(&[&key[..], &tag.expose()[..16]].concat());
            SealedPayload {
                key_material: material,
                ..one.clone()
            }
        })
        .find(|payload| open(Version::Omemo2, payload).is_ok())
        .unwrap();
    assert_ne!(open(Version::Omemo2, &one), open(Version::Omemo2, &two));
    assert_ne!(
        payload_commitment(&one.key_material, &[], &one.ciphertext),
        payload_commitment(&two.key_material, &[], &two.ciphertext)
    );
}

#[test]
fn a28_no_key_and_iv_come_twice() {
    let count = if cfg!(debug_assertions) {
        10_000
    } else {
        1_000_000
    };
    let mut rng = rng(28);
    let mut seen = HashSet::with_capacity(count);
    for _ in 0..count {
        let payload = of(Version::Legacy)
            .seal_payload(b"", &random(&mut rng).unwrap())
            .unwrap();
        let key: [u8; 16] = payload.key_material.expose()[..16].try_into().unwrap();
        assert!(seen.insert((key, payload.iv.unwrap())));
    }
}

#[test]
fn a28_an_iv_has_twelve_bytes_or_sixteen() {
    let payload = sealed(Version::Legacy);
    for len in (0..=64).filter(|len| ![12, 16].contains(len)) {
        let outcome = of(Version::Legacy).open_payload(
            &payload.key_material,
            Some(&vec![0; len]),
            &payload.ciphertext,
        );
        assert_eq!(outcome.map(|_| ()), Err(PayloadError::IvLength));
    }
    let without =
        of(Version::Legacy).open_payload(&payload.key_material, None, &payload.ciphertext);
    assert_eq!(without.map(|_| ()), Err(PayloadError::IvLength));
    assert_eq!(payload.iv.map(|iv| iv.len()), Some(12));
}

#[test]
fn a39_an_empty_message_opens_no_payload() {
    let mut rng = rng(39);
    for version in Version::ALL {
        let material = of(version).empty_key_material(&random(&mut rng).unwrap());
        let mut ciphertext = vec![0; 32];
        rng.fill(&mut ciphertext[..]);
        let outcome = of(version).open_payload(&material, Some(&[0; 12]), &ciphertext);
        assert_eq!(outcome.map(|_| ()), Err(PayloadError::KeyMaterialLength));
    }
}

/// Devices of any width of machine word compare the same digest.
#[test]
fn the_commitment_is_a_digest_of_parts_with_lengths_of_eight_bytes() {
    let digest = payload_commitment(&KeyMaterial::new(&[7; 32]), &[], b"ciphertext");
    // Made by Python's hashlib.
    let expected = "961ac7d093a6d3dfc286b32593feede0a444e0ede9d4919621e190e506d81bb0";
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, expected);
}
