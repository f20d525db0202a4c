//! AES-GCM.

use omemo::crypto::aes;
use serde::Deserialize;

use super::super::bytes::{Fixed, Hex, same};
use super::super::sheet::{Checked, Outcome};
use super::Verdict;

#[derive(Deserialize)]
pub(super) struct Encrypted {
    key: Hex,
    iv: Hex,
    aad: Hex,
    msg: Hex,
    ct: Hex,
    tag: Fixed<16>,
    result: Verdict,
}

pub(super) fn check(test: &Encrypted) -> Checked {
    let Ok(key) = <&[u8; 16]>::try_from(test.key.0.as_slice()) else {
        return match test.key.0.len() {
            24 => Ok(Outcome::NotOurs("AES-GCM, keys of 192 bits")),
            32 => Ok(Outcome::NotOurs("AES-GCM, keys of 256 bits")),
            other => Err(format!("a key of {other} bytes is unknown")),
        };
    };
    if !test.aad.0.is_empty() {
        return Ok(Outcome::NotOurs("AES-GCM, associated data"));
    }
    let opened = aes::gcm_decrypt(key, &test.iv.0, &test.ct.0, &test.tag.0);
    if test.result == Verdict::Valid && ![12, 16].contains(&test.iv.0.len()) {
        return match opened {
            Ok(_) => Err("expected a refusal of the IV's length, came success".to_owned()),
            Err(_) => Ok(Outcome::NotOurs(
                "AES-GCM, IVs of neither 12 nor 16 bytes: refused",
            )),
        };
    }
    if let (Verdict::Valid, Ok(iv)) = (test.result, test.iv.0.as_slice().try_into()) {
        let (ciphertext, tag) =
            aes::gcm_encrypt(key, iv, &test.msg.0).map_err(|error| error.to_string())?;
        same("ciphertext", &test.ct.0, &ciphertext)?;
        same("tag", &test.tag.0, &tag)?;
    }
    let came = match opened {
        Ok(plaintext) => same("plaintext", &test.msg.0, &plaintext),
        Err(error) => Err(error.to_string()),
    };
    test.result.compare(came)
}
