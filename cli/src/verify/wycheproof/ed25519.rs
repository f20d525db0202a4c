//! EDDSA: verifying Ed25519 signatures.

use serde::Deserialize;

use super::super::bytes::{Hex, Key};
use super::super::file::from_json;
use super::super::sheet::Sheet;
use super::super::xeddsa::verify_ed25519;
use super::{File, Test, Verdict};

#[derive(Deserialize)]
struct Group {
    #[serde(rename = "publicKey")]
    public_key: PublicKey,
    tests: Vec<Test<Signed>>,
}

#[derive(Deserialize)]
struct PublicKey {
    curve: String,
    pk: Key,
}

#[derive(Deserialize)]
struct Signed {
    msg: Hex,
    sig: Hex,
    result: Verdict,
}

pub(super) fn replay(text: &str, sheet: &mut Sheet) -> Result<usize, String> {
    let file: File<Group> = from_json(text)?;
    for group in &file.groups {
        let key = &group.public_key;
        if key.curve != "edwards25519" {
            return Err(format!("the curve {:?} is unknown", key.curve));
        }
        for test in &group.tests {
            let signed = &test.content;
            let came = verify_ed25519(&key.pk.0, &signed.msg.0, &signed.sig.0);
            sheet.test(test.tc_id, signed.result.compare(came));
        }
    }
    Ok(file.number_of_tests)
}
