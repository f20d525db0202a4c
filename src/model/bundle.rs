//! What a device publishes so that others can start a session with it while it is offline.

use rand_core::TryCryptoRng;

use super::{PreKeyId, SignedPreKeyId, Version};
use crate::crypto::ed25519::Signature;
use crate::crypto::{IdentityKey, PreKeyPublic, SignedPreKeyPublic, random};
use crate::error::RngError;

/// A bundle (XEP-0384 §5.3.2, X3DH §3.2) whose keys are well-formed. Its signature is *not* verified
/// yet: starting a session does that first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    /// The version whose bundle this is: a device has one for each, and only the identity in common.
    pub version: Version,
    /// The identity key, in that version's form.
    pub identity: IdentityKey,
    /// The id by which a key exchange names the signed pre-key. Never a cache key: clients reuse it. Of others
    /// it may be 0.
    pub signed_pre_key_id: SignedPreKeyId,
    /// The signed pre-key.
    pub signed_pre_key: SignedPreKeyPublic,
    /// The identity's signature over the signed pre-key's encoding.
    pub signature: Signature,
    /// The one-time pre-keys, at least one.
    pub pre_keys: Vec<PreKeyEntry>,
}

/// A one-time pre-key and its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PreKeyEntry {
    /// The id by which a key exchange names it. Of others it may be 0.
    pub id: PreKeyId,
    /// The public key.
    pub key: PreKeyPublic,
}

impl Bundle {
    /// Draws one of the pre-keys, each as likely as the others (XEP-0384 §5.4). `None` if there is none.
    ///
    /// A pre-key with the id 0 is drawn only if there is no other: omemo-dr and libomemo.js take a key exchange
    /// that names it for one that names none.
    ///
    /// # Errors
    /// [`RngError`] when the generator fails.
    pub fn draw_pre_key<G: TryCryptoRng + ?Sized>(
        &self,
        rng: &mut G,
    ) -> Result<Option<&PreKeyEntry>, RngError> {
        let zero = PreKeyId::in_bundle(0);
        let usual = self.pre_keys.iter().filter(|entry| entry.id != zero);
        let Ok(count) = u64::try_from(usual.clone().count()) else {
            return Ok(None);
        };
        let drawn = u64::from_le_bytes(*random(rng)?.expose());
        // The bias of the remainder is below count / 2^64.
        let index = drawn.checked_rem(count);
        let index = index.and_then(|index| usize::try_from(index).ok());
        Ok(match index {
            Some(index) => usual.clone().nth(index),
            None => self.pre_keys.first(),
        })
    }
}
