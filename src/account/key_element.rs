//! A key element for this device: what it says before anybody has tried to open it.

use sha2::{Digest as _, Sha256};

use super::message_keys::Digest;
use super::received::FailureReason;
use crate::model::{OwnKey, Version};
use crate::protocol::{KeyExchange, RatchetMessage};

/// A key element that was taken apart. Its attribute is a hint that nobody authenticates: the structure
/// decides whether it is a key exchange.
pub(super) enum Key {
    Exchange(Box<KeyExchange>),
    Message(Box<RatchetMessage>),
}

impl Key {
    pub(super) fn read(version: Version, key: &OwnKey) -> Result<Self, FailureReason> {
        let exchange =
            || KeyExchange::read(version, &key.bytes).map(|key| Self::Exchange(Box::new(key)));
        let message =
            || RatchetMessage::read(version, &key.bytes).map(|key| Self::Message(Box::new(key)));
        let read = if key.key_exchange {
            exchange().or_else(|error| message().map_err(|_| error))
        } else {
            message().or_else(|error| exchange().map_err(|_| error))
        };
        read.map_err(|error| FailureReason::Key(error.into()))
    }

    pub(super) const fn message(&self) -> &RatchetMessage {
        match self {
            Self::Exchange(exchange) => exchange.message(),
            Self::Message(message) => message,
        }
    }

    /// The key exchange, if it is one.
    pub(super) const fn exchange(&self) -> Option<&KeyExchange> {
        match self {
            Self::Exchange(exchange) => Some(exchange),
            Self::Message(_) => None,
        }
    }
}

/// By this a message is known again: its authenticated part and its MAC.
pub(super) fn digest(message: &RatchetMessage) -> Digest {
    let digest: [u8; 32] = Sha256::new_with_prefix(message.authenticated())
        .chain_update(message.mac())
        .finalize()
        .into();
    digest.first_chunk().copied().unwrap_or_default()
}
