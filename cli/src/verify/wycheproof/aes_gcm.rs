//! AES-GCM.

use omemo::crypto::aes;
use omemo::files::{self, Cipher, Claim, FileKey};
use serde::Deserialize;

use super::super::bytes::{Fixed, Hex, same};
use super::super::script::Script;
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

/// As a payload of legacy is encrypted, if the key is one for it, and as a file is.
pub(super) fn check(test: &Encrypted) -> Checked {
    let cipher = match test.key.0.len() {
        16 => Cipher::Aes128Gcm,
        24 => return Ok(Outcome::NotOurs("AES-GCM, keys of 192 bits")),
        32 => Cipher::Aes256Gcm,
        other => return Err(format!("a key of {other} bytes is unknown")),
    };
    if !test.aad.0.is_empty() {
        return Ok(Outcome::NotOurs("AES-GCM, associated data"));
    }
    let mut opened = vec![open_file(test, cipher)];
    if let Ok(key) = test.key.0.as_slice().try_into() {
        let payload = aes::gcm_decrypt(key, &test.iv.0, &test.ct.0, &test.tag.0);
        opened.push(
            payload
                .map(|text| text.to_vec())
                .map_err(|error| error.to_string()),
        );
    }
    if test.result == Verdict::Valid && ![12, 16].contains(&test.iv.0.len()) {
        return if opened.iter().any(Result::is_ok) {
            Err("expected a refusal of the IV's length, came success".to_owned())
        } else {
            Ok(Outcome::NotOurs(
                "AES-GCM, IVs of neither 12 nor 16 bytes: refused",
            ))
        };
    }
    if test.result == Verdict::Valid && test.iv.0.len() == 12 {
        encrypts(test, cipher)?;
    }
    let mut outcome = Ok(Outcome::Passed);
    for opened in opened {
        let came = opened.and_then(|plaintext| same("plaintext", &test.msg.0, &plaintext));
        outcome = outcome.and(test.result.compare(came));
    }
    outcome
}

fn open_file(test: &Encrypted, cipher: Cipher) -> Result<Vec<u8>, String> {
    let key = FileKey::new(cipher, &test.key.0, &test.iv.0).map_err(|error| error.to_string())?;
    let uploaded = [&test.ct.0[..], &test.tag.0].concat();
    let opened = files::decrypt(&key, Claim::default(), &uploaded);
    opened
        .map(|text| text.to_vec())
        .map_err(|error| error.to_string())
}

fn encrypts(test: &Encrypted, cipher: Cipher) -> Result<(), String> {
    let mut script = Script::new([test.key.0.as_slice(), &test.iv.0]);
    let file = files::encrypt(cipher, &test.msg.0, &mut script);
    let file = file.map_err(|error| error.to_string())?;
    let uploaded = [&test.ct.0[..], &test.tag.0].concat();
    same("file", &uploaded, &file.sink)?;
    let (Ok(key), Ok(iv)) = (
        test.key.0.as_slice().try_into(),
        test.iv.0.as_slice().try_into(),
    ) else {
        return Ok(());
    };
    let (ciphertext, tag) =
        aes::gcm_encrypt(key, iv, &test.msg.0).map_err(|error| error.to_string())?;
    same("ciphertext", &test.ct.0, &ciphertext)?;
    same("tag", &test.tag.0, &tag)
}
