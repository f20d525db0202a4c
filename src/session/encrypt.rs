//! Sending.

use rand_core::TryCryptoRng;

use super::Session;
use crate::crypto::aes;
use crate::crypto::kdf::HmacKey;
use crate::error::{EncryptError, RngError};
use crate::protocol::{Direction, KeyExchangeHead, KeyMaterial};
use crate::ratchet::SendError;

/// What goes into a `<key/>` element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncryptedKey {
    /// The element's bytes, before base64.
    pub bytes: Vec<u8>,
    /// Whether they are a key exchange: for the attribute `prekey` or `kex`.
    pub key_exchange: bool,
}

impl Session {
    /// Encrypts key material for the other device. The session moves at once: store it before the bytes
    /// leave, or two messages may share a key after a crash.
    ///
    /// # Errors
    /// See [`EncryptError`]; the session is what it was.
    pub fn encrypt<G: TryCryptoRng + ?Sized>(
        &mut self,
        plaintext: &KeyMaterial,
        rng: &mut G,
    ) -> Result<EncryptedKey, EncryptError> {
        let (header, key) = self.ratchet.send(self.protocol.root_info(), rng)?;
        let keys = key.expand(self.protocol.message_info());
        let ciphertext = aes::cbc_encrypt(&keys.encryption, &keys.iv, plaintext.expose());
        let hmac = HmacKey::new(&keys.authentication);
        let [a, b, c, d] = self
            .protocol
            .associated_data(&self.parties, Direction::Sending);
        let message = self
            .protocol
            .write_message(&header, ciphertext, &|covered| {
                hmac.mac(&[a, b, c, d, covered])
            });
        self.heartbeat_due = false;
        let Some(unanswered) = self.unanswered else {
            return Ok(EncryptedKey {
                bytes: message,
                key_exchange: false,
            });
        };
        let head = KeyExchangeHead {
            pre_key_id: unanswered.pre_key_id,
            signed_pre_key_id: unanswered.signed_pre_key_id,
            identity: self.parties.local,
            ephemeral: self.base_key,
            device_id: unanswered.device_id,
        };
        Ok(EncryptedKey {
            bytes: self.protocol.write_key_exchange(&head, message),
            key_exchange: true,
        })
    }
}

impl From<SendError> for EncryptError {
    fn from(error: SendError) -> Self {
        match error {
            SendError::NothingReceived => Self::NothingReceived,
            SendError::ChainExhausted => Self::ChainExhausted,
            SendError::Key(error) => Self::Key(error),
            SendError::Rng => Self::Rng(RngError),
        }
    }
}
