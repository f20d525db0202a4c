//! A message of the ratchet, as it came.

use prost::bytes::Bytes;

use super::{Direction, Parties, of};
use crate::crypto::aes;
use crate::crypto::kdf::HmacKey;
use crate::error::{DecryptError, KeyError, MessageError};
use crate::model::Version;
use crate::protocol::KeyMaterial;
use crate::ratchet::{Header, MessageKeys};

/// No key element decodes to more. What the ratchet carries has 16 to 48 bytes; the rest is for fields
/// that nobody knows yet.
pub const MAX_MESSAGE_LEN: usize = 8192;

/// A message between two devices: what `<key/>` contains once a session is established.
///
/// It is well-formed and not authentic: only a session can tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RatchetMessage {
    pub(super) version: Version,
    pub(super) header: Header,
    /// Whether the ratchet key came in its one encoding. If not, the message is refused, but only once it
    /// has verified: a bit that flipped on the way makes a MAC fail, not a key.
    pub(super) canonical: bool,
    pub(super) ciphertext: Bytes,
    /// What the MAC covers besides the associated data: the bytes that came, never written again.
    pub(super) authenticated: Bytes,
    pub(super) mac: Bytes,
}

impl RatchetMessage {
    /// Reads a message of `version`.
    ///
    /// # Errors
    /// See [`MessageError`].
    pub fn read(version: Version, wire: &[u8]) -> Result<Self, MessageError> {
        of(version).read_message(bounded(wire)?)
    }

    /// The version whose message this is.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.version
    }

    /// Where the message stands in the conversation, as it claims.
    #[must_use]
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The encrypted key material.
    #[must_use]
    pub fn ciphertext(&self) -> &[u8] {
        &self.ciphertext
    }

    /// The MAC, of whatever length it came with.
    #[must_use]
    pub fn mac(&self) -> &[u8] {
        &self.mac
    }

    /// What the MAC covers of the message itself, as it came.
    pub(crate) fn authenticated(&self) -> &[u8] {
        &self.authenticated
    }

    /// Verifies the MAC, and only then decrypts.
    pub(crate) fn open(
        &self,
        keys: &MessageKeys,
        parties: &Parties,
    ) -> Result<KeyMaterial, DecryptError> {
        let protocol = of(self.version);
        let [a, b, c, d] = protocol.associated_data(parties, Direction::Receiving);
        let parts: [&[u8]; 5] = [a, b, c, d, &self.authenticated];
        let hmac = HmacKey::new(&keys.authentication);
        if !hmac.verify_truncated(&parts, &self.mac, protocol.mac_len()) {
            return Err(DecryptError::Mac);
        }
        if !self.canonical {
            return Err(KeyError::NonCanonical.into());
        }
        aes::cbc_decrypt(&keys.encryption, &keys.iv, &self.ciphertext)
            .map(KeyMaterial::from_plaintext)
            .map_err(|_| DecryptError::Padding)
    }
}

/// Takes over the bytes of a message, unless there are too many.
pub(super) fn bounded(wire: &[u8]) -> Result<Bytes, MessageError> {
    if wire.len() > MAX_MESSAGE_LEN {
        return Err(MessageError::TooLong);
    }
    Ok(Bytes::copy_from_slice(wire))
}

/// The ciphertext of a message: AES-256-CBC, so whole blocks and at least one.
pub(super) fn check_ciphertext(field: Option<Bytes>) -> Result<Bytes, MessageError> {
    let ciphertext = field
        .filter(|ciphertext| !ciphertext.is_empty())
        .ok_or(MessageError::Missing("ciphertext"))?;
    if !ciphertext.len().is_multiple_of(16) {
        return Err(MessageError::CiphertextLength);
    }
    Ok(ciphertext)
}
