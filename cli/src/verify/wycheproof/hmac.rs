//! HMACSHA256.

use omemo::crypto::kdf::HmacKey;
use serde::Deserialize;

use super::super::bytes::{Hex, same};
use super::super::file::from_json;
use super::super::sheet::{Checked, Outcome, Sheet};
use super::{File, Test, Verdict};

#[derive(Deserialize)]
struct Group {
    /// In bits.
    #[serde(rename = "tagSize")]
    tag_size: usize,
    tests: Vec<Test<Tagged>>,
}

#[derive(Deserialize)]
struct Tagged {
    key: Hex,
    msg: Hex,
    tag: Hex,
    result: Verdict,
}

pub(super) fn replay(text: &str, sheet: &mut Sheet) -> Result<usize, String> {
    let file: File<Group> = from_json(text)?;
    for group in &file.groups {
        for test in &group.tests {
            sheet.test(test.tc_id, check(group.tag_size / 8, &test.content));
        }
    }
    Ok(file.number_of_tests)
}

fn check(tag_len: usize, test: &Tagged) -> Checked {
    // RFC 2104 §2: a short key is filled up with zeros, so it is one of 32 bytes as well.
    let mut key = [0; 32];
    let Some(place) = key.get_mut(..test.key.0.len()) else {
        return Ok(Outcome::NotOurs("HMAC-SHA-256, keys of more than 32 bytes"));
    };
    place.copy_from_slice(&test.key.0);
    let hmac = HmacKey::new(&key);
    if test.result == Verdict::Valid {
        let mac = hmac.mac(&[&test.msg.0]);
        let came = mac.expose().get(..tag_len).ok_or("the tag is too long")?;
        same("tag", &test.tag.0, came)?;
    }
    let came = if hmac.verify_truncated(&[&test.msg.0], &test.tag.0, tag_len) {
        Ok(())
    } else {
        Err("the tag does not verify".to_owned())
    };
    test.result.compare(came)
}
