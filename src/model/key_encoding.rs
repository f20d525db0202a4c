//! Public keys as each version writes them (XEP-0384 §4.3, "Encode(PK)"; libsignal's encoding in legacy).
//!
//! | | identity key | other keys |
//! |---|---|---|
//! | legacy | `05`, u: 33 bytes | `05`, u: 33 bytes |
//! | OMEMO 2 | Ed25519: 32 bytes | u: 32 bytes |

use super::Version;
use crate::crypto::IdentityKey;
use crate::error::KeyError;

/// What libsignal puts in front of a Curve25519 key.
const TYPE_BYTE: u8 = 0x05;

impl Version {
    /// What stands in front of the 32 bytes of every public key.
    #[must_use]
    pub const fn key_prefix(self) -> &'static [u8] {
        match self {
            Self::Legacy => &[TYPE_BYTE],
            Self::Omemo2 => &[],
        }
    }

    /// A public key as it is written, from its 32 bytes in the form of this version.
    #[must_use]
    pub fn encode_key(self, key: &[u8; 32]) -> Vec<u8> {
        [self.key_prefix(), key].concat()
    }

    /// What follows the prefix. Its length and its value are for the key's type to check.
    ///
    /// # Errors
    /// [`KeyError::Length`] if the prefix is not there.
    pub fn strip_key_prefix(self, wire: &[u8]) -> Result<&[u8], KeyError> {
        wire.strip_prefix(self.key_prefix()).ok_or(KeyError::Length)
    }

    /// An identity key as it is written.
    ///
    /// # Errors
    /// [`KeyError`], whatever is wrong with it.
    pub fn decode_identity(self, wire: &[u8]) -> Result<IdentityKey, KeyError> {
        let key = self.strip_key_prefix(wire)?;
        match self {
            Self::Legacy => IdentityKey::from_curve25519(key),
            Self::Omemo2 => IdentityKey::from_ed25519(key),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{EdwardsSign, IdentityKeyPair, Secret};

    #[test]
    fn a_key_is_read_as_its_own_version_writes_it() {
        let pair = IdentityKeyPair::from_private(Secret::new([8; 32]), EdwardsSign::Natural);
        let legacy = Version::Legacy.encode_key(pair.curve25519().as_bytes());
        let omemo2 = Version::Omemo2.encode_key(pair.ed25519().as_bytes());
        assert_eq!((legacy.len(), omemo2.len()), (33, 32));

        let read = Version::Legacy.decode_identity(&legacy).unwrap();
        assert_eq!(read, IdentityKey::Curve25519(*pair.curve25519()));
        let read = Version::Omemo2.decode_identity(&omemo2).unwrap();
        assert_eq!(read, IdentityKey::Ed25519(*pair.ed25519()));

        for (version, wire) in [
            (Version::Legacy, &omemo2[..]),
            (Version::Legacy, &legacy[1..]),
            (Version::Legacy, &[]),
            (Version::Omemo2, &legacy),
        ] {
            assert_eq!(version.decode_identity(wire), Err(KeyError::Length));
        }
    }
}
