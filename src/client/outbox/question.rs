//! What the user is asked about a message: once for each message and set of keys.

use crate::account::{ChangedIdentity, UndecidedKey};
use crate::model::{BareJid, Fingerprint, Timestamp};

/// A question that was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Question {
    pub(super) keys: Vec<UndecidedKey>,
    pub(super) changed: Vec<ChangedIdentity>,
    /// Who was to read the message.
    pub(super) members: Vec<BareJid>,
    pub(super) asked_at: Timestamp,
}

impl Question {
    /// Whether there is something to ask.
    pub(super) const fn is_open(&self) -> bool {
        !self.keys.is_empty() || !self.changed.is_empty()
    }

    pub(super) fn is_about(&self, jid: &BareJid, key: &Fingerprint) -> bool {
        let mut keys = self.keys.iter();
        let mut changed = self.changed.iter();
        keys.any(|it| it.jid == *jid && it.fingerprint == *key)
            || changed.any(|it| it.jid == *jid && it.shown == *key)
    }
}
