//! The vectors of the RFCs: `x25519` (RFC 7748), `ed25519` (RFC 8032), `hkdf` (RFC 5869).

use omemo::crypto::kdf::{self, HmacKey};
use omemo::crypto::{IdentityKeyPair, PreKeyPair, Secret, dh};
use serde::Deserialize;

use super::bytes::{Hex, Key, same};
use super::file::{Tests, from_json};
use super::sheet::{Checked, Outcome, Sheet};
use super::xeddsa::verify_ed25519;

#[derive(Deserialize)]
struct Test<T> {
    #[serde(rename = "tcId")]
    tc_id: u32,
    #[serde(flatten)]
    content: T,
}

#[derive(Deserialize)]
#[serde(tag = "op", rename_all = "lowercase")]
enum X25519 {
    Dh {
        scalar: Key,
        u: Key,
        output: Key,
    },
    Iterate {
        count: u32,
        output: Key,
    },
    Agree {
        alice_private: Key,
        alice_public: Key,
        bob_private: Key,
        bob_public: Key,
        shared: Key,
    },
}

#[derive(Deserialize)]
struct Ed25519 {
    ed25519_seed: Key,
    public_key: Key,
    message: Hex,
    signature: Hex,
}

#[derive(Deserialize)]
struct Hkdf {
    hash: String,
    ikm: Hex,
    salt: Hex,
    info: Hex,
    length: usize,
    prk: Key,
    okm: Hex,
}

pub(super) fn x25519(text: &str, sheet: &mut Sheet) -> Result<(), String> {
    each(text, sheet, check_x25519)
}

pub(super) fn ed25519(text: &str, sheet: &mut Sheet) -> Result<(), String> {
    each(text, sheet, check_ed25519)
}

pub(super) fn hkdf(text: &str, sheet: &mut Sheet) -> Result<(), String> {
    each(text, sheet, check_hkdf)
}

fn each<'a, T: Deserialize<'a>>(
    text: &'a str,
    sheet: &mut Sheet,
    check: impl Fn(&T) -> Result<(), String>,
) -> Result<(), String> {
    let file: Tests<Test<T>> = from_json(text)?;
    for test in &file.tests {
        let checked: Checked = check(&test.content).map(|()| Outcome::Passed);
        sheet.test(test.tc_id, checked);
    }
    Ok(())
}

fn check_x25519(test: &X25519) -> Result<(), String> {
    match test {
        X25519::Dh { scalar, u, output } => {
            let came = dh::x25519(&scalar.secret(), u.0);
            same("output", &output.0, came.expose())
        }
        X25519::Iterate { count, output } => {
            let mut nine = [0; 32];
            nine[0] = 9;
            let (mut k, mut u) = (Secret::new(nine), nine);
            for _ in 0..*count {
                let next = dh::x25519(&k, u);
                u = *k.expose();
                k = next;
            }
            same("output", &output.0, k.expose())
        }
        X25519::Agree {
            alice_private,
            alice_public,
            bob_private,
            bob_public,
            shared,
        } => {
            let alice = PreKeyPair::from_private(alice_private.secret());
            let bob = PreKeyPair::from_private(bob_private.secret());
            same(
                "Alice's public key",
                &alice_public.0,
                alice.public().as_bytes(),
            )?;
            same("Bob's public key", &bob_public.0, bob.public().as_bytes())?;
            for (own, their) in [(&alice, &bob), (&bob, &alice)] {
                let came = own
                    .agree(&their.public().into())
                    .map_err(|error| error.to_string())?;
                same("shared secret", &shared.0, came.expose())?;
            }
            Ok(())
        }
    }
}

/// The library verifies these signatures. It makes none of them: its own are XEdDSA's.
fn check_ed25519(test: &Ed25519) -> Result<(), String> {
    let pair = IdentityKeyPair::from_seed(&test.ed25519_seed.secret());
    same("public key", &test.public_key.0, pair.ed25519().as_bytes())?;
    verify_ed25519(&test.public_key.0, &test.message.0, &test.signature.0)
        .map_err(|why| format!("expected that it verifies, came: {why}"))
}

fn check_hkdf(test: &Hkdf) -> Result<(), String> {
    if test.hash != "SHA-256" {
        return Err(format!("the hash {:?} is unknown", test.hash));
    }
    same(
        "length",
        &test.length.to_be_bytes(),
        &test.okm.0.len().to_be_bytes(),
    )?;
    compare_hkdf(&test.salt.0, &test.ikm.0, &test.info.0, &test.okm.0)?;
    // PRK is no output of the library; but the first block is HMAC(PRK, info || 1), RFC 5869 §2.3.
    let block = HmacKey::new(&test.prk.0).mac(&[&test.info.0, &[1]]);
    let length = test.okm.0.len().min(32);
    let (first, came) = (test.okm.0.get(..length), block.expose().get(..length));
    same(
        "first block of PRK",
        first.unwrap_or_default(),
        came.unwrap_or_default(),
    )
}

/// The longest output there is: the library's lengths are types, so all are cut from this one.
pub(super) const LONGEST: usize = 255 * 32;

/// Compares the output of HKDF-SHA-256, whatever its length.
pub(super) fn compare_hkdf(salt: &[u8], ikm: &[u8], info: &[u8], okm: &[u8]) -> Result<(), String> {
    let longest = kdf::hkdf_salted::<LONGEST>(salt, ikm, info);
    let came = longest
        .expose()
        .get(..okm.len())
        .ok_or("the output is too long")?;
    same("output", okm, came)?;
    // RFC 5869 §2.2: no salt is a salt of zeros.
    if salt.is_empty() || salt == [0; 32] {
        let longest = kdf::hkdf::<LONGEST>(&[ikm], info);
        let came = longest.expose().get(..okm.len()).unwrap_or_default();
        same("output with the salt of zeros", okm, came)?;
    }
    Ok(())
}
