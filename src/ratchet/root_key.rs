//! `RK`, and `KDF_RK`.

use super::ChainKey;
use crate::crypto::dh::Point;
use crate::crypto::{RatchetKeyPair, RatchetPublicKey, Secret, kdf};
use crate::error::KeyError;

/// A root key.
#[derive(Clone, Debug)]
pub struct RootKey(Secret<32>);

impl RootKey {
    /// The root key of these bytes: an X3DH secret, or one that was stored.
    #[must_use]
    pub const fn new(bytes: Secret<32>) -> Self {
        Self(bytes)
    }

    /// The bytes, for storing them.
    #[must_use]
    pub const fn as_secret(&self) -> &Secret<32> {
        &self.0
    }

    /// `KDF_RK(rk, DH(own, their))`: the next root key, and the key of the chain that it opens.
    ///
    /// # Errors
    /// [`KeyError::NonContributory`] if the agreement gives zeros.
    pub fn step(
        &self,
        own: &RatchetKeyPair,
        their: &RatchetPublicKey,
        info: &[u8],
    ) -> Result<(Self, ChainKey), KeyError> {
        let dh = own.agree(&Point::from(their))?;
        let output = kdf::hkdf_salted::<64>(self.0.expose(), dh.expose(), info);
        let (root, chain) = split(&output);
        Ok((Self(root), ChainKey::new(chain)))
    }
}

fn split(output: &Secret<64>) -> (Secret<32>, Secret<32>) {
    let (mut left, mut right) = (Secret::new([0; 32]), Secret::new([0; 32]));
    let (first, second) = output.expose().split_at(32);
    left.expose_mut().copy_from_slice(first);
    right.expose_mut().copy_from_slice(second);
    (left, right)
}
