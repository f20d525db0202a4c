//! `CK`, and `KDF_CK`.

use super::MessageKey;
use crate::crypto::Secret;
use crate::crypto::kdf::HmacKey;

/// A chain key.
#[derive(Clone, Debug)]
pub struct ChainKey(Secret<32>);

impl ChainKey {
    /// The chain key of these bytes.
    #[must_use]
    pub const fn new(bytes: Secret<32>) -> Self {
        Self(bytes)
    }

    /// The bytes, for storing them.
    #[must_use]
    pub const fn as_secret(&self) -> &Secret<32> {
        &self.0
    }

    /// `KDF_CK(ck)`: the next chain key, and the key of the message that this one stands for.
    #[must_use]
    pub fn step(&self) -> (Self, MessageKey) {
        let hmac = HmacKey::new(self.0.expose());
        (
            Self(hmac.mac(&[&[0x02]])),
            MessageKey::new(hmac.mac(&[&[0x01]])),
        )
    }
}
