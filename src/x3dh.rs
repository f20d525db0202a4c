//! The X3DH key agreement protocol, by the paper's names.
//!
//! ```text
//! DH1 = DH(IK_A, SPK_B)   DH2 = DH(EK_A, IK_B)   DH3 = DH(EK_A, SPK_B)   DH4 = DH(EK_A, OPK_B)
//! SK  = HKDF(salt = 0^32, ikm = FF^32 || DH1 || DH2 || DH3 || DH4, info, 32)
//! ```
//!
//! What we do differently: the one-time pre-key is not optional. Without it a recorded first message
//! can be replayed (paper §4.2), and every OMEMO client sends one.
//!
//! Verifying the signed pre-key's signature (paper §3.3) is the caller's: what it covers differs.

use core::fmt;

use crate::crypto::dh::Point;
use crate::crypto::{
    EphemeralKeyPair, EphemeralPublicKey, IdentityKey, IdentityKeyPair, PreKeyPair, PreKeyPublic,
    Secret, SignedPreKeyPair, SignedPreKeyPublic, kdf,
};
use crate::error::KeyError;

/// `SK`: what both sides have in common afterwards.
#[derive(Clone)]
pub struct SharedSecret(Secret<32>);

impl SharedSecret {
    /// The bytes, to start a ratchet with.
    #[must_use]
    pub const fn as_secret(&self) -> &Secret<32> {
        &self.0
    }

    pub(crate) fn into_secret(self) -> Secret<32> {
        self.0
    }
}

impl fmt::Debug for SharedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedSecret(..)")
    }
}

/// Alice: the side that has the other's bundle (paper §3.3).
#[derive(Clone, Copy, Debug)]
pub struct Initiator<'a> {
    /// `IK_A`, own.
    pub identity: &'a IdentityKeyPair,
    /// `EK_A`, own, fresh for this agreement.
    pub ephemeral: &'a EphemeralKeyPair,
    /// `IK_B`, theirs.
    pub their_identity: &'a IdentityKey,
    /// `SPK_B`, theirs, its signature verified.
    pub their_signed_pre_key: &'a SignedPreKeyPublic,
    /// `OPK_B`, theirs.
    pub their_pre_key: &'a PreKeyPublic,
}

impl Initiator<'_> {
    /// Computes `SK`.
    ///
    /// # Errors
    /// [`KeyError::NonContributory`] if one of the four agreements gives zeros.
    pub fn agree(&self, info: &[u8]) -> Result<SharedSecret, KeyError> {
        let their_signed_pre_key = Point::from(self.their_signed_pre_key);
        let their_pre_key = Point::from(self.their_pre_key);
        Ok(derive(
            &[
                self.identity.agree(&their_signed_pre_key)?,
                self.ephemeral.agree(&self.their_identity.to_point())?,
                self.ephemeral.agree(&their_signed_pre_key)?,
                self.ephemeral.agree(&their_pre_key)?,
            ],
            info,
        ))
    }
}

/// Bob: the side whose bundle was used (paper §3.4).
#[derive(Clone, Copy, Debug)]
pub struct Responder<'a> {
    /// `IK_B`, own.
    pub identity: &'a IdentityKeyPair,
    /// `SPK_B`, own: the one that the key exchange names.
    pub signed_pre_key: &'a SignedPreKeyPair,
    /// `OPK_B`, own: the one that the key exchange names.
    pub pre_key: &'a PreKeyPair,
    /// `IK_A`, theirs.
    pub their_identity: &'a IdentityKey,
    /// `EK_A`, theirs.
    pub their_ephemeral: &'a EphemeralPublicKey,
}

impl Responder<'_> {
    /// Computes `SK`.
    ///
    /// # Errors
    /// [`KeyError::NonContributory`] if one of the four agreements gives zeros.
    pub fn agree(&self, info: &[u8]) -> Result<SharedSecret, KeyError> {
        let their_ephemeral = Point::from(self.their_ephemeral);
        Ok(derive(
            &[
                self.signed_pre_key.agree(&self.their_identity.to_point())?,
                self.identity.agree(&their_ephemeral)?,
                self.signed_pre_key.agree(&their_ephemeral)?,
                self.pre_key.agree(&their_ephemeral)?,
            ],
            info,
        ))
    }
}

/// `F` of the paper for curve25519: keeps the input apart from any encoding of a key.
const F: [u8; 32] = [0xff; 32];

fn derive([dh1, dh2, dh3, dh4]: &[Secret<32>; 4], info: &[u8]) -> SharedSecret {
    let parts: [&[u8]; 5] = [&F, dh1.expose(), dh2.expose(), dh3.expose(), dh4.expose()];
    SharedSecret(kdf::hkdf(&parts, info))
}
