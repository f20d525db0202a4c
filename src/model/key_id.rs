//! How trust messages call a key.

use core::fmt;

use super::{Fingerprint, hex};
use crate::crypto::EdwardsKey;

/// The id of an OMEMO 2 identity key in trust messages (XEP-0434).
///
/// XEP-0384 §7 has fingerprints for it, the clients that send trust messages have the Ed25519 form. The
/// latter is what we make; both are understood.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId([u8; 32]);

impl KeyId {
    /// The id that has these bytes; which key it calls, if any, [`Self::calls`] says.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether the key with that fingerprint is meant: the id is the fingerprint itself, or an Ed25519
    /// form that has it.
    #[must_use]
    pub fn calls(&self, fingerprint: &Fingerprint) -> bool {
        let fingerprint = fingerprint.as_bytes();
        self.0 == *fingerprint
            || EdwardsKey::from_bytes(self.0)
                .is_ok_and(|key| key.to_curve25519().as_bytes() == fingerprint)
    }

    /// Reads 64 hexadecimal digits.
    pub(super) fn from_hex(digits: &str) -> Option<Self> {
        hex::read(digits).map(Self)
    }
}

impl From<&EdwardsKey> for KeyId {
    fn from(key: &EdwardsKey) -> Self {
        Self(*key.as_bytes())
    }
}

impl fmt::LowerHex for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        hex::write(&self.0, f)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self:x})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{EdwardsSign, IdentityKey, IdentityKeyPair, Secret};

    #[test]
    fn every_form_of_a_key_calls_it_and_no_other() {
        for value in 0..8 {
            let pair = |value, sign| IdentityKeyPair::from_private(Secret::new([value; 32]), sign);
            let (natural, zero) = (
                pair(value, EdwardsSign::Natural),
                pair(value, EdwardsSign::Zero),
            );
            let other = pair(value + 8, EdwardsSign::Natural);
            let fingerprint = Fingerprint::from(&IdentityKey::Curve25519(*natural.curve25519()));
            for id in [
                KeyId::from(natural.ed25519()),
                KeyId::from(zero.ed25519()),
                KeyId::from_bytes(*fingerprint.as_bytes()),
            ] {
                assert!(id.calls(&fingerprint));
                let other = Fingerprint::from(&IdentityKey::Ed25519(*other.ed25519()));
                assert!(!id.calls(&other));
            }
        }
        // No point of the curve: the map gives 0 for it.
        assert!(!KeyId::from_bytes([0xff; 32]).calls(&Fingerprint::from_bytes([0; 32])));
    }
}
