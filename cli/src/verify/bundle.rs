//! `kind: bundle`: bundles, read and with their signatures verified.

use omemo::crypto::PreKeyPublic;
use omemo::model::{Bundle, Version};
use omemo::protocol;
use omemo::stanza::read_bundle;
use serde::Deserialize;

use super::bytes::{Fixed, Hex, Key, same};
use super::class::{Class, Wanted};
use super::file::{ProtocolName, Tests, from_json};
use super::sheet::{Checked, Sheet};

#[derive(Deserialize)]
struct Bundles {
    protocol: ProtocolName,
    #[serde(flatten)]
    tests: Tests<Test>,
}

#[derive(Deserialize)]
struct Test {
    #[serde(rename = "tcId")]
    tc_id: u32,
    xml: String,
    #[serde(default)]
    lenient: bool,
    #[serde(flatten)]
    wanted: Wanted<Answer>,
}

#[derive(Deserialize)]
struct Answer {
    expected: Expected,
}

#[derive(Deserialize)]
struct Expected {
    /// In the version's form.
    ik: Hex,
    spk_id: u32,
    spk: Key,
    signature: Fixed<64>,
    pre_keys: Vec<PreKey>,
}

#[derive(Deserialize)]
struct PreKey {
    id: u32,
    public: Key,
}

/// Replays bundles.
pub(super) fn replay(text: &str, sheet: &mut Sheet) -> Result<(), String> {
    let bundles: Bundles = from_json(text)?;
    for test in &bundles.tests.tests {
        sheet.test(test.tc_id, check(bundles.protocol.into(), test));
    }
    Ok(())
}

fn check(version: Version, test: &Test) -> Checked {
    let came = read_verified(version, &test.xml);
    test.wanted.judge(test.lenient, came, |wanted, came| {
        wanted.expected.compare(&came)
    })
}

/// Reads a bundle and verifies its signature.
pub(super) fn read_verified(version: Version, xml: &str) -> Result<Bundle, Class> {
    let bundle = read_bundle(version, xml)?;
    verify(&bundle)?;
    Ok(bundle)
}

/// Verifies a bundle's signature.
pub(super) fn verify(bundle: &Bundle) -> Result<(), Class> {
    protocol::of(bundle.version)
        .verify(&bundle.identity, &bundle.signed_pre_key, &bundle.signature)
        .map_err(|_| Class::BadSignature)
}

impl Expected {
    fn compare(&self, came: &Bundle) -> Result<(), String> {
        let identity = came
            .version
            .decode_identity(&self.ik.0)
            .map_err(|error| format!("expected identity: {error}"))?;
        same("identity", identity.as_bytes(), came.identity.as_bytes())?;
        if self.spk_id != came.signed_pre_key_id.get() {
            return Err(format!(
                "id of the signed pre-key: expected {}, came {}",
                self.spk_id, came.signed_pre_key_id
            ));
        }
        same(
            "signed pre-key",
            &self.spk.0,
            came.signed_pre_key.as_bytes(),
        )?;
        same("signature", &self.signature.0, came.signature.as_bytes())?;

        let ids: Vec<u32> = came.pre_keys.iter().map(|entry| entry.id.get()).collect();
        let mut expected: Vec<&PreKey> = self.pre_keys.iter().collect();
        expected.sort_unstable_by_key(|key| key.id);
        let expected_ids: Vec<u32> = expected.iter().map(|key| key.id).collect();
        if expected_ids != ids {
            return Err(format!("pre-keys: expected {expected_ids:?}, came {ids:?}"));
        }
        for (expected, came) in expected.iter().zip(&came.pre_keys) {
            let key: &PreKeyPublic = &came.key;
            let what = format!("pre-key {}", expected.id);
            same(&what, &expected.public.0, key.as_bytes())?;
        }
        Ok(())
    }
}
