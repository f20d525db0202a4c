//! A message that waits, and how far it has come.

use core::fmt;
use std::collections::BTreeSet;

use zeroize::Zeroizing;

use super::question::Question;
use crate::client::knowledge::Resource;
use crate::model::{BareJid, Fingerprint, Timestamp};

/// A message that waits.
pub(super) struct Draft {
    /// The conversation in whose order it stands, if it waits for others.
    pub(super) conversation: Option<BareJid>,
    pub(super) destination: Destination,
    pub(super) content: Content,
    /// Devices whose keys nobody has decided about are left out.
    pub(super) leaves_out: bool,
    /// What the user was asked last.
    pub(super) question: Option<Question>,
    /// The members of the room for whom the user has decided that they may read it.
    pub(super) agreed: Option<BTreeSet<BareJid>>,
    /// Until when it waits.
    pub(super) deadline: Option<Timestamp>,
    /// The deadline is over: it goes with what is there.
    pub(super) is_late: bool,
    /// The answers that it waits for.
    pub(super) awaits: BTreeSet<Resource>,
    /// The accounts whose changes count while it waits for the user.
    pub(super) watches: Vec<BareJid>,
}

/// What goes out.
pub(super) enum Content {
    /// A message, and the address that its envelope names.
    Message(Zeroizing<String>, BareJid),
    /// Nothing yet: keys are to be learnt for a message that may come.
    Nothing,
}

/// To whom it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Destination {
    Accounts(Vec<BareJid>),
    /// One occupant of a room: the account that had the name when the message was given.
    Occupant(BareJid),
    /// Rooms, whose members are looked up when it goes out, and accounts besides.
    Room(Vec<BareJid>, Vec<BareJid>),
}

impl Draft {
    pub(super) const fn new(
        conversation: Option<BareJid>,
        destination: Destination,
        content: Content,
        leaves_out: bool,
    ) -> Self {
        Self {
            conversation,
            destination,
            content,
            leaves_out,
            question: None,
            agreed: None,
            deadline: None,
            is_late: false,
            awaits: BTreeSet::new(),
            watches: Vec::new(),
        }
    }

    /// The user has decided about a key. If this message has asked for it, he has seen who was to read it.
    pub(super) fn was_decided(&mut self, jid: &BareJid, key: &Fingerprint) {
        if let Some(question) = self.question.as_ref().filter(|it| it.is_about(jid, key)) {
            let members = || question.members.iter().cloned().collect();
            self.agreed.get_or_insert_with(members);
        }
    }
}

/// Without the message, which is in clear.
impl fmt::Debug for Draft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draft").finish_non_exhaustive()
    }
}
