//! Messages that go out: held until everything that they need is there, in order for each conversation.
//!
//! ```text
//! encrypt ─→ last of its conversation ─→ first ─→ lists? bundles? ─→ keys to decide about? ─→ sealed
//!                                          ↑            │                     │
//!                                          └── answer, deadline      decision, list, room ──┘
//! ```
//!
//! Only the first message of a conversation is looked at, and only when something has changed that it waits
//! for: what waits behind it costs nothing.

mod conversations;
mod doors;
mod draft;
mod prepare;
mod question;
mod readiness;
mod recipients;
mod seal;
mod waits;

use std::collections::{BTreeMap, BTreeSet};

use rand_core::TryCryptoRng;

pub use doors::EncryptRequestError;

use self::conversations::Conversations;
use self::draft::Draft;
use self::waits::Waits;
use crate::account::AccountError;
use crate::client::Client;
use crate::client::action::Ticket;
use crate::client::knowledge::Resource;
use crate::model::{BareJid, Fingerprint, Timestamp};

/// The messages that wait.
#[derive(Debug, Default)]
pub(in crate::client) struct Outbox {
    last: u64,
    drafts: BTreeMap<Ticket, Draft>,
    conversations: Conversations,
    /// Those that are to be looked at.
    due: BTreeSet<Ticket>,
    waits: Waits,
}

impl Outbox {
    fn next_ticket(&mut self) -> Ticket {
        self.last += 1;
        Ticket(self.last)
    }

    /// Puts a draft behind those of its conversation.
    fn push(&mut self, ticket: Ticket, draft: Draft) {
        if self.conversations.push(draft.conversation.as_ref(), ticket) {
            self.due.insert(ticket);
        }
        self.drafts.insert(ticket, draft);
    }

    /// Takes a draft out. The next one of its conversation is looked at.
    fn take(&mut self, ticket: Ticket) -> Option<Draft> {
        let mut draft = self.drafts.remove(&ticket)?;
        self.waits.forget(ticket, &mut draft);
        self.due.remove(&ticket);
        let next = self
            .conversations
            .remove(draft.conversation.as_ref(), ticket);
        self.due.extend(next);
        Some(draft)
    }

    /// There is a stream: everything is looked at again, and has all its time again.
    pub(in crate::client) fn begin_stream(&mut self) {
        self.end_stream();
        for ticket in self.drafts.keys() {
            let conversation = self
                .drafts
                .get(ticket)
                .and_then(|draft| draft.conversation.as_ref());
            if self.conversations.is_first(conversation, *ticket) {
                self.due.insert(*ticket);
            }
        }
    }

    /// The stream is gone, and with it every answer.
    pub(in crate::client) fn end_stream(&mut self) {
        let waiting = self.waits.tickets();
        for ticket in waiting {
            if let Some(draft) = self.drafts.get_mut(&ticket) {
                self.waits.forget(ticket, draft);
                draft.deadline = None;
                draft.is_late = false;
            }
        }
    }

    /// What was asked for has come, or will not.
    pub(in crate::client) fn has_come(&mut self, resource: &Resource) {
        for ticket in self.waits.has_come(resource) {
            let Some(draft) = self.drafts.get_mut(&ticket) else {
                continue;
            };
            draft.awaits.remove(resource);
            if draft.awaits.is_empty() {
                self.due.insert(ticket);
            }
        }
    }

    /// The devices of an account have changed: a question about them may have another answer.
    pub(in crate::client) fn has_changed(&mut self, jid: &BareJid) {
        self.due.extend(self.waits.watching(jid));
    }

    /// Somebody is in a room, or is not any more.
    pub(in crate::client) fn room_has_changed(&mut self, room: &BareJid) {
        self.due.extend(self.conversations.first(room));
    }

    /// The user has decided about a key. For messages that waited for it he has decided who reads them.
    pub(in crate::client) fn was_decided(&mut self, jid: &BareJid, key: &Fingerprint) {
        for ticket in self.waits.watching(jid) {
            if let Some(draft) = self.drafts.get_mut(&ticket) {
                draft.was_decided(jid, key);
                self.due.insert(ticket);
            }
        }
    }

    /// The user does not want to decide: these members are to read it.
    fn send_anyway(&mut self, ticket: Ticket, members: Vec<BareJid>) {
        if let Some(draft) = self.drafts.get_mut(&ticket) {
            draft.leaves_out = true;
            draft
                .agreed
                .get_or_insert_with(|| members.into_iter().collect());
            if self
                .conversations
                .is_first(draft.conversation.as_ref(), ticket)
            {
                self.due.insert(ticket);
            }
        }
    }

    /// Time has passed. Another handle of the account may have decided about keys: what waits for the user
    /// is looked at again.
    pub(in crate::client) fn pass_time(&mut self, now: Timestamp) {
        for ticket in self.waits.expired(now) {
            if let Some(draft) = self.drafts.get_mut(&ticket) {
                draft.deadline = None;
                draft.is_late = true;
                self.due.insert(ticket);
            }
        }
        self.due.extend(self.waits.for_the_user());
    }

    pub(in crate::client) fn next_deadline(&self) -> Option<Timestamp> {
        self.waits.next_deadline()
    }
}

impl<R: TryCryptoRng> Client<R> {
    /// Sends what can be sent. What goes out makes room for the next of its conversation.
    pub(in crate::client) fn send_outbox(&mut self, now: Timestamp) -> Result<(), AccountError> {
        while let Some(ticket) = self.outbox.due.first().copied() {
            if self.is_ready(ticket, now)? {
                self.finish(ticket, now)?;
            }
            self.outbox.due.remove(&ticket);
        }
        Ok(())
    }
}
