//! Whom a message is for.

use omemo::model::BareJid;

/// Whom a message is for. What is meant for a room goes to a room that was entered, or nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recipient {
    /// An account.
    Account(BareJid),
    /// Everybody in a members-only room.
    Room(BareJid),
}

impl Recipient {
    /// Its address.
    #[must_use]
    pub const fn jid(&self) -> &BareJid {
        match self {
            Self::Account(jid) | Self::Room(jid) => jid,
        }
    }
}
