//! HKDF-SHA-256.

use serde::Deserialize;

use super::super::bytes::{Hex, same};
use super::super::rfc::{LONGEST, compare_hkdf};
use super::super::sheet::{Checked, Outcome};
use super::Verdict;

#[derive(Deserialize)]
pub(super) struct Derivation {
    ikm: Hex,
    salt: Hex,
    info: Hex,
    size: usize,
    okm: Hex,
    result: Verdict,
}

pub(super) fn check(test: &Derivation) -> Checked {
    match test.result {
        Verdict::Invalid if test.size > LONGEST => Ok(Outcome::NotOurs(
            "HKDF, more than 255 blocks of output: refused when it is compiled",
        )),
        Verdict::Invalid | Verdict::Acceptable => {
            Err("one that is not valid is only known for its length".to_owned())
        }
        Verdict::Valid => {
            same(
                "size",
                &test.size.to_be_bytes(),
                &test.okm.0.len().to_be_bytes(),
            )?;
            compare_hkdf(&test.salt.0, &test.ikm.0, &test.info.0, &test.okm.0)?;
            Ok(Outcome::Passed)
        }
    }
}
