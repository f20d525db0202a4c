//! Verifying Ed25519 signatures (RFC 8032 §5.1.7).
//!
//! One equation, strictly: `s < L`; `A` and `R` canonical and not of small order; and the encoding of
//! `s·B - h·A` equals `R` (without the cofactor). What one honest verifier refuses is refused.

use core::fmt;

use ed25519_dalek::VerifyingKey;

use super::EdwardsKey;
use crate::error::SignatureError;

/// 64 bytes that claim to be a signature.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Signature([u8; 64]);

impl Signature {
    /// Takes the bytes as they are; [`verify`] says whether they are worth anything.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 64]) -> Self {
        Self(bytes)
    }

    /// `R || s`.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }

    /// Bit 7 of byte 63, which is 0 in every Ed25519 signature; XEdDSA-like ones keep a sign there.
    pub(super) const fn top_bit(&self) -> bool {
        self.0[63] >> 7 == 1
    }

    pub(super) const fn with_top_bit(mut self, bit: bool) -> Self {
        self.0[63] = self.0[63] & 0x7f | (bit as u8) << 7;
        self
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signature(..)")
    }
}

/// Verifies `signature` over `message` with an identity key in its Ed25519 form.
///
/// # Errors
/// [`SignatureError`], whatever the reason.
pub fn verify(
    key: &EdwardsKey,
    message: &[u8],
    signature: &Signature,
) -> Result<(), SignatureError> {
    let key = VerifyingKey::from_bytes(key.as_bytes()).map_err(|_| SignatureError)?;
    verify_strict(&key, message, signature)
}

/// The equation, for a key that is canonical. Small order is refused here; membership in the
/// prime-order group was checked when the key arrived.
pub(super) fn verify_strict(
    key: &VerifyingKey,
    message: &[u8],
    signature: &Signature,
) -> Result<(), SignatureError> {
    let signature = ed25519_dalek::Signature::from_bytes(signature.as_bytes());
    key.verify_strict(message, &signature)
        .map_err(|_| SignatureError)
}
