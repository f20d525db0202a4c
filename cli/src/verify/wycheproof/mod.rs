//! Wycheproof's files, in their own form: `algorithm`, then groups of tests.

mod aes_cbc;
mod aes_gcm;
mod ed25519;
mod hkdf;
mod hmac;
mod x25519;

use serde::Deserialize;

use super::file::from_json;
use super::sheet::{Checked, Outcome, Sheet};

#[derive(Deserialize)]
struct File<G> {
    #[serde(rename = "numberOfTests")]
    number_of_tests: usize,
    #[serde(rename = "testGroups")]
    groups: Vec<G>,
}

/// A group that says nothing which its tests do not show.
#[derive(Deserialize)]
struct Group<T> {
    tests: Vec<Test<T>>,
}

#[derive(Deserialize)]
struct Test<T> {
    #[serde(rename = "tcId")]
    tc_id: u32,
    #[serde(flatten)]
    content: T,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Valid,
    Invalid,
    /// Some refuse it, and that is safe as well.
    Acceptable,
}

/// Replays a file of that algorithm.
pub(super) fn replay(algorithm: &str, text: &str, sheet: &mut Sheet) -> Result<(), String> {
    let expected = match algorithm {
        "XDH" => groups(text, sheet, x25519::check)?,
        "HKDF-SHA-256" => groups(text, sheet, hkdf::check)?,
        "AES-CBC-PKCS5" => groups(text, sheet, aes_cbc::check)?,
        "AES-GCM" => groups(text, sheet, aes_gcm::check)?,
        "HMACSHA256" => hmac::replay(text, sheet)?,
        "EDDSA" => ed25519::replay(text, sheet)?,
        other => return Err(format!("the algorithm {other:?} is unknown")),
    };
    let came = sheet.items();
    if came == expected {
        return Ok(());
    }
    Err(format!(
        "expected {expected} tests, as the file says, came {came}"
    ))
}

/// Replays each test of each group; the number of tests that the file says it has.
fn groups<'a, T: Deserialize<'a>>(
    text: &'a str,
    sheet: &mut Sheet,
    check: impl Fn(&T) -> Checked,
) -> Result<usize, String> {
    let file: File<Group<T>> = from_json(text)?;
    for test in file.groups.iter().flat_map(|group| &group.tests) {
        sheet.test(test.tc_id, check(&test.content));
    }
    Ok(file.number_of_tests)
}

impl Verdict {
    /// Whether accepting or refusing is what the vector says; [`Self::Acceptable`] is decided elsewhere.
    fn compare(self, came: Result<(), String>) -> Checked {
        match (self, came) {
            (Self::Invalid, Ok(())) => Err("expected a refusal, came success".to_owned()),
            (Self::Valid, Err(why)) => Err(format!("expected success, came: {why}")),
            _ => Ok(Outcome::Passed),
        }
    }
}
