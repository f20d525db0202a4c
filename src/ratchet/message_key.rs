//! `mk`, and what it is expanded to.

use core::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::crypto::{Secret, kdf};

/// The key of one message, as `KDF_CK` gives it.
#[derive(Clone, Debug)]
pub struct MessageKey(Secret<32>);

impl MessageKey {
    /// The message key of these bytes.
    #[must_use]
    pub const fn new(bytes: Secret<32>) -> Self {
        Self(bytes)
    }

    /// The bytes, for storing them.
    #[must_use]
    pub const fn as_secret(&self) -> &Secret<32> {
        &self.0
    }

    /// The keys that encrypt and authenticate the message (§5.2, `ENCRYPT`).
    #[must_use]
    pub fn expand(&self, info: &[u8]) -> MessageKeys {
        MessageKeys::from_bytes(kdf::hkdf::<80>(&[self.0.expose()], info).expose())
    }
}

/// What a message key is expanded to: for AES-256-CBC and HMAC-SHA-256.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct MessageKeys {
    /// The AES-256 key.
    pub encryption: [u8; 32],
    /// The HMAC key.
    pub authentication: [u8; 32],
    /// The CBC initialisation vector.
    pub iv: [u8; 16],
}

impl MessageKeys {
    /// Divides 80 bytes.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 80]) -> Self {
        let mut keys = Self {
            encryption: [0; 32],
            authentication: [0; 32],
            iv: [0; 16],
        };
        let (encryption, rest) = bytes.split_at(32);
        let (authentication, iv) = rest.split_at(32);
        keys.encryption.copy_from_slice(encryption);
        keys.authentication.copy_from_slice(authentication);
        keys.iv.copy_from_slice(iv);
        keys
    }
}

impl fmt::Debug for MessageKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MessageKeys(..)")
    }
}
