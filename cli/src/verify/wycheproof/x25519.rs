//! XDH: X25519, on the curve, on its twist and on the points that a protocol must refuse.

use omemo::crypto::{PreKeyPair, PreKeyPublic, dh};
use omemo::error::KeyError;
use serde::Deserialize;

use super::super::bytes::{Key, same};
use super::super::sheet::{Checked, Outcome};
use super::Verdict;

#[derive(Deserialize)]
pub(super) struct Agreement {
    public: Key,
    private: Key,
    shared: Key,
    flags: Vec<String>,
    result: Verdict,
}

pub(super) fn check(test: &Agreement) -> Checked {
    if test.result == Verdict::Invalid {
        return Err("an invalid one is not known of XDH".to_owned());
    }
    let came = dh::x25519(&test.private.secret(), test.public.0);
    same("shared secret", &test.shared.0, came.expose())?;

    let has = |flag: &str| test.flags.iter().any(|other| other == flag);
    match PreKeyPublic::from_bytes(test.public.0) {
        Ok(_) if has("ZeroSharedSecret") || has("LowOrderPublic") => {
            Err("expected the key to be refused for its order, came success".to_owned())
        }
        Ok(_) if has("NonCanonicalPublic") => {
            Err("expected the key to be refused for its encoding, came success".to_owned())
        }
        Ok(public) => {
            let own = PreKeyPair::from_private(test.private.secret());
            let came = own
                .agree(&(&public).into())
                .map_err(|error| error.to_string())?;
            same("agreed secret", &test.shared.0, came.expose())?;
            Ok(Outcome::Passed)
        }
        // RFC 7748 reduces u and masks its top bit; we take one encoding of each key.
        Err(KeyError::NonCanonical) if has("NonCanonicalPublic") => Ok(Outcome::Passed),
        Err(KeyError::NonCanonical | KeyError::LowOrder) if has("ZeroSharedSecret") => {
            Ok(Outcome::Passed)
        }
        Err(error) => Err(format!("expected the key to be taken, came: {error}")),
    }
}
