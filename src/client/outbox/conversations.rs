//! The order of messages: a line for each conversation. Only the first of a line is looked at.

use std::collections::{BTreeMap, BTreeSet};

use crate::client::action::Ticket;
use crate::model::BareJid;

/// The lines. What belongs to no conversation is always first.
#[derive(Debug, Default)]
pub(super) struct Conversations(BTreeMap<BareJid, BTreeSet<Ticket>>);

impl Conversations {
    /// Puts a ticket at the end. Whether it is the first.
    pub(super) fn push(&mut self, conversation: Option<&BareJid>, ticket: Ticket) -> bool {
        let Some(conversation) = conversation else {
            return true;
        };
        let line = self.0.entry(conversation.clone()).or_default();
        line.insert(ticket);
        line.len() == 1
    }

    /// Takes a ticket out. If it was the first: the one that is first now.
    pub(super) fn remove(
        &mut self,
        conversation: Option<&BareJid>,
        ticket: Ticket,
    ) -> Option<Ticket> {
        let conversation = conversation?;
        let line = self.0.get_mut(conversation)?;
        let was_first = line.first() == Some(&ticket);
        line.remove(&ticket);
        let next = line.first().copied().filter(|_| was_first);
        if line.is_empty() {
            self.0.remove(conversation);
        }
        next
    }

    pub(super) fn first(&self, conversation: &BareJid) -> Option<Ticket> {
        self.0.get(conversation)?.first().copied()
    }

    pub(super) fn is_first(&self, conversation: Option<&BareJid>, ticket: Ticket) -> bool {
        conversation.is_none_or(|conversation| self.first(conversation) == Some(ticket))
    }
}
