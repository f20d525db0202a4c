//! What each message waits for, the other way round: who is to be looked at when something has come.

use std::collections::{BTreeMap, BTreeSet};

use super::draft::Draft;
use crate::client::action::Ticket;
use crate::client::knowledge::Resource;
use crate::model::{BareJid, Timestamp};

#[derive(Debug, Default)]
pub(super) struct Waits {
    /// Who waits for an answer.
    resources: BTreeMap<Resource, BTreeSet<Ticket>>,
    /// Who waits for the user, by the accounts that the message is for.
    accounts: BTreeMap<BareJid, BTreeSet<Ticket>>,
    for_the_user: BTreeSet<Ticket>,
    deadlines: BTreeSet<(Timestamp, Ticket)>,
}

impl Waits {
    /// It waits for answers until the deadline.
    pub(super) fn wait_for(
        &mut self,
        ticket: Ticket,
        draft: &mut Draft,
        awaits: BTreeSet<Resource>,
        deadline: Timestamp,
    ) {
        for resource in &awaits {
            let tickets = self.resources.entry(resource.clone()).or_default();
            tickets.insert(ticket);
        }
        draft.awaits = awaits;
        self.set_deadline(ticket, draft, Some(deadline));
    }

    /// It waits for the user, until a list of one of these accounts changes, or a deadline if there is one.
    pub(super) fn wait_for_the_user(
        &mut self,
        ticket: Ticket,
        draft: &mut Draft,
        accounts: Vec<BareJid>,
        deadline: Option<Timestamp>,
    ) {
        for jid in &accounts {
            let tickets = self.accounts.entry(jid.clone()).or_default();
            tickets.insert(ticket);
        }
        draft.watches = accounts;
        self.for_the_user.insert(ticket);
        self.set_deadline(ticket, draft, deadline);
    }

    fn set_deadline(&mut self, ticket: Ticket, draft: &mut Draft, deadline: Option<Timestamp>) {
        if let Some(before) = core::mem::replace(&mut draft.deadline, deadline) {
            self.deadlines.remove(&(before, ticket));
        }
        self.deadlines.extend(deadline.map(|at| (at, ticket)));
    }

    /// It waits for nothing. Its deadline stays its own.
    pub(super) fn forget(&mut self, ticket: Ticket, draft: &mut Draft) {
        for resource in core::mem::take(&mut draft.awaits) {
            leave(&mut self.resources, &resource, ticket);
        }
        for jid in core::mem::take(&mut draft.watches) {
            leave(&mut self.accounts, &jid, ticket);
        }
        self.for_the_user.remove(&ticket);
        if let Some(deadline) = draft.deadline {
            self.deadlines.remove(&(deadline, ticket));
        }
    }

    /// Those that have waited for it.
    pub(super) fn has_come(&mut self, resource: &Resource) -> BTreeSet<Ticket> {
        self.resources.remove(resource).unwrap_or_default()
    }

    /// Those that wait for the user about a message for this account.
    pub(super) fn watching(&self, jid: &BareJid) -> BTreeSet<Ticket> {
        self.accounts.get(jid).cloned().unwrap_or_default()
    }

    pub(super) const fn for_the_user(&self) -> &BTreeSet<Ticket> {
        &self.for_the_user
    }

    /// All that wait for something.
    pub(super) fn tickets(&self) -> BTreeSet<Ticket> {
        let waiting = self.resources.values().flatten().copied();
        let deadlines = self.deadlines.iter().map(|(_, ticket)| *ticket);
        waiting
            .chain(deadlines)
            .chain(self.for_the_user.iter().copied())
            .collect()
    }

    /// Takes out those whose deadline is over.
    pub(super) fn expired(&mut self, now: Timestamp) -> Vec<Ticket> {
        let mut expired = Vec::new();
        while let Some((at, ticket)) = self.deadlines.first().copied().filter(|(at, _)| *at <= now)
        {
            self.deadlines.remove(&(at, ticket));
            expired.push(ticket);
        }
        expired
    }

    pub(super) fn next_deadline(&self) -> Option<Timestamp> {
        self.deadlines.first().map(|(at, _)| *at)
    }
}

fn leave<K: Ord>(waiting: &mut BTreeMap<K, BTreeSet<Ticket>>, key: &K, ticket: Ticket) {
    if let Some(tickets) = waiting.get_mut(key) {
        tickets.remove(&ticket);
        if tickets.is_empty() {
            waiting.remove(key);
        }
    }
}
