//! AES-CBC-PKCS5.

use omemo::crypto::aes;
use serde::Deserialize;

use super::super::bytes::{Fixed, Hex, same};
use super::super::sheet::{Checked, Outcome};
use super::Verdict;

#[derive(Deserialize)]
pub(super) struct Encrypted {
    key: Hex,
    iv: Fixed<16>,
    msg: Hex,
    ct: Hex,
    result: Verdict,
}

pub(super) fn check(test: &Encrypted) -> Checked {
    let Ok(key) = <&[u8; 32]>::try_from(test.key.0.as_slice()) else {
        return match test.key.0.len() {
            16 => Ok(Outcome::NotOurs("AES-CBC, keys of 128 bits")),
            24 => Ok(Outcome::NotOurs("AES-CBC, keys of 192 bits")),
            other => Err(format!("a key of {other} bytes is unknown")),
        };
    };
    let iv = &test.iv.0;
    let came = match aes::cbc_decrypt(key, iv, &test.ct.0) {
        Ok(plaintext) => same("plaintext", &test.msg.0, &plaintext),
        Err(error) => Err(error.to_string()),
    };
    if test.result == Verdict::Valid {
        same(
            "ciphertext",
            &test.ct.0,
            &aes::cbc_encrypt(key, iv, &test.msg.0),
        )?;
    }
    test.result.compare(came)
}
