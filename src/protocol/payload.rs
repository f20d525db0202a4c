//! What a stanza carries once for all devices, and what the ratchet carries to each of them.

use core::fmt;

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// The plaintext of a ratchet message: a payload's key and its tag, or filling in an empty message.
///
/// Wiped when dropped, printed as `KeyMaterial(..)`.
#[derive(Clone)]
pub struct KeyMaterial(Zeroizing<Vec<u8>>);

impl KeyMaterial {
    /// Takes a copy of `bytes`.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(bytes.to_vec()))
    }

    pub(super) const fn from_plaintext(plaintext: Zeroizing<Vec<u8>>) -> Self {
        Self(plaintext)
    }

    /// The bytes.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for KeyMaterial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyMaterial(..)")
    }
}

/// An encrypted payload and the key material that opens it.
#[derive(Clone, Debug)]
pub struct SealedPayload {
    /// For the ratchet: encrypted for each device.
    pub key_material: KeyMaterial,
    /// For `<iv/>`, where the version has one.
    pub iv: Option<[u8; 12]>,
    /// For `<payload/>`.
    pub ciphertext: Vec<u8>,
}

/// A digest that two recipients can compare to know that they were sent the same payload.
///
/// Neither version's payload cipher commits to its key: a malicious sender can make one `<payload/>`
/// that two devices decrypt to different texts, by giving them different keys. Nothing on the wire
/// prevents that. This digest is over the key material, the nonce (legacy; empty in OMEMO 2) and the payload,
/// and differs between the two. Sessions hand out key material; [`Account`](crate::account::Account) and what
/// is above do not.
#[must_use]
pub fn payload_commitment(key_material: &KeyMaterial, iv: &[u8], ciphertext: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new_with_prefix(b"omemo payload commitment");
    for part in [key_material.expose(), iv, ciphertext] {
        // Of the same width everywhere: phones of 32 bits compare with others.
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}
