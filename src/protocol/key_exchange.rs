//! A key exchange, as it came.

use super::message::{RatchetMessage, bounded};
use super::of;
use crate::crypto::{EphemeralPublicKey, IdentityKey};
use crate::error::{KeyError, MessageError};
use crate::model::{PreKeyId, SignedPreKeyId, Version};

/// The first message of a session: what X3DH needs, and a message inside (X3DH §3.4).
///
/// The initiator repeats it until it is answered. It is well-formed and not authentic: everything but
/// the inner message is covered by no MAC, and by the MAC only as far as the keys derive from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyExchange {
    pub(super) version: Version,
    pub(super) pre_key_id: u32,
    pub(super) signed_pre_key_id: u32,
    pub(super) identity: IdentityKey,
    pub(super) ephemeral: EphemeralPublicKey,
    /// Whether the ephemeral key came in its one encoding; as in [`RatchetMessage`].
    pub(super) canonical: bool,
    pub(super) message: RatchetMessage,
}

impl KeyExchange {
    /// Reads a key exchange of `version`.
    ///
    /// # Errors
    /// See [`MessageError`].
    pub fn read(version: Version, wire: &[u8]) -> Result<Self, MessageError> {
        of(version).read_key_exchange(bounded(wire)?)
    }

    /// The version whose key exchange this is.
    #[must_use]
    pub const fn version(&self) -> Version {
        self.version
    }

    /// The one-time pre-key of ours that it uses; `None` for the id 0, which names none of ours.
    #[must_use]
    pub const fn pre_key_id(&self) -> Option<PreKeyId> {
        PreKeyId::new(self.pre_key_id)
    }

    /// The signed pre-key of ours that it uses; `None` for the id 0, which names none of ours.
    #[must_use]
    pub const fn signed_pre_key_id(&self) -> Option<SignedPreKeyId> {
        SignedPreKeyId::new(self.signed_pre_key_id)
    }

    /// The identity key of the sender, as it claims: to be compared with the one that is expected. In
    /// legacy it may be any 32 bytes until a session has accepted the exchange, and is not to be kept
    /// before.
    #[must_use]
    pub const fn identity(&self) -> &IdentityKey {
        &self.identity
    }

    /// The ephemeral key: the same one means the same session.
    #[must_use]
    pub const fn ephemeral(&self) -> &EphemeralPublicKey {
        &self.ephemeral
    }

    /// Whether the keys are such as somebody can have computed. To be asked once the message inside has
    /// verified, and not before: what was garbled on the way does not authenticate.
    pub(crate) fn check_keys(&self) -> Result<(), KeyError> {
        if !self.canonical {
            return Err(KeyError::NonCanonical);
        }
        self.identity.check()
    }

    /// The message inside.
    #[must_use]
    pub const fn message(&self) -> &RatchetMessage {
        &self.message
    }
}
