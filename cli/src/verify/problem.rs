//! Why nothing was received.

use omemo::error::{DecryptError, MessageError};
use omemo::protocol::KeyMaterial;

use super::class::Class;

/// Why nothing was received.
#[derive(Debug)]
pub(super) enum Problem {
    /// The device refuses it.
    Refused(Class),
    /// A session took it, and what it decrypted does not open the rest of the stanza.
    Unopened(Class),
    /// Something that must never happen, whatever is received.
    Broken(String),
}

/// Is asked whether the rest of the stanza opens, before the session moves.
pub(super) type Open<'a> = &'a mut dyn FnMut(&KeyMaterial) -> Result<(), Class>;

impl Problem {
    /// The refusal, unless something is broken.
    pub(super) fn class(self) -> Result<Class, String> {
        match self {
            Self::Refused(class) | Self::Unopened(class) => Ok(class),
            Self::Broken(text) => Err(text),
        }
    }
}

impl From<Class> for Problem {
    fn from(class: Class) -> Self {
        Self::Refused(class)
    }
}

impl From<String> for Problem {
    fn from(text: String) -> Self {
        Self::Broken(text)
    }
}

impl From<MessageError> for Problem {
    fn from(error: MessageError) -> Self {
        Self::Refused(error.into())
    }
}

impl From<DecryptError> for Problem {
    fn from(error: DecryptError) -> Self {
        Self::Refused(error.into())
    }
}
