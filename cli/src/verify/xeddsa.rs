//! `kind: xeddsa`: signatures with Curve25519 keys, and the maps between the forms of a key.

use omemo::crypto::ed25519::{self, Signature};
use omemo::crypto::{EdwardsKey, EdwardsSign, IdentityKey, IdentityKeyPair, xeddsa};
use omemo::model::Fingerprint;
use serde::Deserialize;

use super::bytes::{Fixed, Hex, Key, same};
use super::file::{Tests, from_json};
use super::sheet::{Checked, Outcome, Sheet};

#[derive(Deserialize)]
struct Test {
    #[serde(rename = "tcId")]
    tc_id: u32,
    #[serde(default)]
    lenient: bool,
    #[serde(flatten)]
    operation: Operation,
}

#[derive(Deserialize)]
#[serde(tag = "op", rename_all = "lowercase")]
enum Operation {
    Sign(Sign),
    Verify(Verify),
    Convert(Convert),
}

#[derive(Deserialize)]
struct Sign {
    form: Form,
    private: Key,
    message: Hex,
    random: Fixed<64>,
    signature: Hex,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Form {
    /// With the sign that the key has.
    Natural,
    /// The same, and the sign in bit 7 of byte 63.
    Libsignal,
    /// With the positive sign: the scalar negated if need be.
    Xeddsa,
}

#[derive(Deserialize)]
struct Verify {
    scheme: Scheme,
    public_key: Key,
    message: Hex,
    signature: Hex,
    result: Verdict,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Scheme {
    Legacy,
    Ed25519,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Ok,
    Error,
}

#[derive(Deserialize)]
struct Convert {
    ed25519_seed: Key,
    private: Key,
    curve25519_public: Key,
    ed25519_public: Key,
    sign_bit: u8,
    ed25519_public_sign0: Key,
    fingerprint: String,
}

/// Replays signatures and conversions.
pub(super) fn replay(text: &str, sheet: &mut Sheet) -> Result<(), String> {
    let file: Tests<Test> = from_json(text)?;
    for test in &file.tests {
        sheet.test(test.tc_id, check(test));
    }
    Ok(())
}

fn check(test: &Test) -> Checked {
    match &test.operation {
        Operation::Verify(signature) if test.lenient => {
            // Both verdicts are fine, as long as there is one.
            let _ = verify(signature);
            return Ok(Outcome::Lenient);
        }
        Operation::Verify(test) => verify(test)?,
        Operation::Sign(test) => sign(test)?,
        Operation::Convert(test) => convert(test)?,
    }
    Ok(Outcome::Passed)
}

fn sign(test: &Sign) -> Result<(), String> {
    let pair = |sign| IdentityKeyPair::from_private(test.private.secret(), sign);
    let (message, z) = (&test.message.0, test.random.secret());
    let came = match test.form {
        Form::Natural => xeddsa::sign(&pair(EdwardsSign::Natural), message, &z),
        Form::Libsignal => xeddsa::sign_with_sign_bit(&pair(EdwardsSign::Natural), message, &z),
        Form::Xeddsa => xeddsa::sign(&pair(EdwardsSign::Zero), message, &z),
    };
    same("signature", &test.signature.0, came.as_bytes())
}

fn verify(test: &Verify) -> Result<(), String> {
    let came = match test.scheme {
        Scheme::Legacy => verify_curve25519(&test.public_key.0, &test.message.0, &test.signature.0),
        Scheme::Ed25519 => verify_ed25519(&test.public_key.0, &test.message.0, &test.signature.0),
    };
    match (test.result, came) {
        (Verdict::Ok, Ok(())) | (Verdict::Error, Err(_)) => Ok(()),
        (Verdict::Ok, Err(why)) => Err(format!("expected that it verifies, came: {why}")),
        (Verdict::Error, Ok(())) => Err("expected a refusal, came: it verifies".to_owned()),
    }
}

/// Verifies with the key in its Curve25519 form, which the signature's last bit completes.
pub(super) fn verify_curve25519(key: &[u8], message: &[u8], bytes: &[u8]) -> Result<(), String> {
    let key = IdentityKey::from_curve25519(key).map_err(|error| error.to_string())?;
    xeddsa::verify(&key.to_curve25519(), message, &signature(bytes)?)
        .map_err(|error| error.to_string())
}

/// Verifies with the key in its Ed25519 form.
pub(super) fn verify_ed25519(key: &[u8; 32], message: &[u8], bytes: &[u8]) -> Result<(), String> {
    let key = EdwardsKey::from_bytes(*key).map_err(|error| error.to_string())?;
    ed25519::verify(&key, message, &signature(bytes)?).map_err(|error| error.to_string())
}

/// A signature of another length does not exist: its type refuses it.
pub(super) fn signature(bytes: &[u8]) -> Result<Signature, String> {
    let bytes = bytes.try_into().map_err(|_| "not 64 bytes")?;
    Ok(Signature::from_bytes(bytes))
}

fn convert(test: &Convert) -> Result<(), String> {
    let seeded = IdentityKeyPair::from_seed(&test.ed25519_seed.secret());
    same(
        "private key of the seed",
        &test.private.0,
        seeded.private().expose(),
    )?;

    let natural = IdentityKeyPair::from_private(test.private.secret(), EdwardsSign::Natural);
    let zero = IdentityKeyPair::from_private(test.private.secret(), EdwardsSign::Zero);
    same(
        "Curve25519 form",
        &test.curve25519_public.0,
        natural.curve25519().as_bytes(),
    )?;
    same(
        "Ed25519 form",
        &test.ed25519_public.0,
        natural.ed25519().as_bytes(),
    )?;
    same(
        "Ed25519 form of the seed",
        &test.ed25519_public.0,
        seeded.ed25519().as_bytes(),
    )?;
    let sign_bit = natural.ed25519().as_bytes()[31] >> 7;
    same("sign bit", &[test.sign_bit], &[sign_bit])?;
    same(
        "Ed25519 form with sign 0",
        &test.ed25519_public_sign0.0,
        zero.ed25519().as_bytes(),
    )?;
    for form in [&test.ed25519_public, &test.ed25519_public_sign0] {
        let key = IdentityKey::from_ed25519(&form.0).map_err(|error| error.to_string())?;
        same(
            "Curve25519 of Ed25519",
            &test.curve25519_public.0,
            key.to_curve25519().as_bytes(),
        )?;
        compare_fingerprint(&test.fingerprint, &key)?;
    }
    let key = IdentityKey::from_curve25519(&test.curve25519_public.0)
        .map_err(|error| error.to_string())?;
    compare_fingerprint(&test.fingerprint, &key)
}

/// The vectors write fingerprints without the spaces between the groups.
pub(super) fn compare_fingerprint(expected: &str, key: &IdentityKey) -> Result<(), String> {
    let came = format!("{:x}", Fingerprint::from(key));
    if came == expected {
        return Ok(());
    }
    Err(format!("fingerprint: expected {expected}, came {came}"))
}
