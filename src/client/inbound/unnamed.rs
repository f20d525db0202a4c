//! Messages of rooms that wait until it is known who wrote them: for the members of a room, which the application
//! knows, or for the device lists and bundles of those who may have written them.
//!
//! They are in memory alone, so few of them wait, and not for long. One that does not wait any more and has no
//! name is told as unreadable.

use std::collections::{BTreeSet, VecDeque};

use rand_core::TryCryptoRng;

use super::evidence::{Evidence, Suspects};
use super::held::Held;
use crate::account::{AccountError, Arrival, FailureReason, Incoming, Listing, Received};
use crate::client::Client;
use crate::client::action::Action;
use crate::client::knowledge::{LookUp, Resource};
use crate::model::{BareJid, Timestamp};
use crate::stanza::author;

/// The messages that wait, in the order in which they came.
#[derive(Default)]
pub(in crate::client) struct Unnamed {
    waiting: VecDeque<Waiting>,
    bytes: usize,
}

struct Waiting {
    held: Held,
    arrival: Arrival,
    until: Timestamp,
    /// What was asked for and is still to come.
    awaits: Vec<Resource>,
}

/// No more messages wait.
const MAX_WAITING: usize = 256;

/// Nor do more bytes.
const MAX_BYTES: usize = 4 << 20;

/// Messages wait for the members of so many rooms at most: strangers can make up rooms.
const MAX_UNKNOWN_ROOMS: usize = 8;

/// Nor do more messages of one such room.
const MAX_OF_UNKNOWN_ROOM: usize = 64;

/// So many accounts at most are looked up for one message.
const MAX_LOOKED_UP: usize = 1024;

impl Unnamed {
    /// When the first message stops waiting.
    pub(in crate::client) fn next_deadline(&self) -> Option<Timestamp> {
        self.waiting.iter().map(|waiting| waiting.until).min()
    }

    fn rooms(&self) -> impl Iterator<Item = &BareJid> {
        self.waiting
            .iter()
            .filter_map(|waiting| waiting.held.room())
    }

    fn has_place_for(&self, held: &Held) -> bool {
        self.waiting.len() < MAX_WAITING && self.bytes.saturating_add(held.size()) <= MAX_BYTES
    }

    fn insert(&mut self, index: usize, waiting: Waiting) {
        self.bytes = self.bytes.saturating_add(waiting.held.size());
        self.waiting.insert(index.min(self.waiting.len()), waiting);
    }

    fn remove(&mut self, index: usize) -> Option<Waiting> {
        let waiting = self.waiting.remove(index)?;
        self.bytes = self.bytes.saturating_sub(waiting.held.size());
        Some(waiting)
    }
}

impl Held {
    fn room(&self) -> Option<&BareJid> {
        match &self.evidence {
            Evidence::Room { room, .. } => Some(room),
            Evidence::Account(_) | Evidence::Occupant { .. } => None,
        }
    }
}

impl<R: TryCryptoRng> Client<R> {
    /// How many messages wait until it is known who wrote them. They are in memory alone: before the application
    /// acknowledges what has come to the server (XEP-0198), or moves its place in an archive, this has to be 0.
    /// Else they are lost in a crash. It becomes 0 in three times [`request_timeout`](crate::client::Options) at most.
    #[must_use]
    pub fn unnamed(&self) -> usize {
        self.unnamed.waiting.len()
    }

    /// Whether a message that could not be read can be when more is known of those who may have sent it.
    pub(super) fn waits_for_its_sender(
        &self,
        held: &Held,
        received: &Received,
    ) -> Result<bool, AccountError> {
        let is_ambiguous = matches!(received, Received::Failed(failure)
            if failure.reason == FailureReason::AmbiguousSender);
        let may_wait = is_ambiguous && held.room().is_some();
        let Some(suspects) = self.suspects(&held.evidence).filter(|_| may_wait) else {
            return Ok(false);
        };
        if !held.is_for_us() || !self.unnamed.has_place_for(held) {
            return Ok(false);
        }
        if suspects.are_all() {
            let incoming = self.incoming(held, &suspects);
            return Ok(!self.account.bundles_to_tell(&incoming)?.is_empty());
        }
        let is_unknown = |room: &&BareJid| {
            let room = self.rooms.get(*room);
            room.is_none_or(|room| room.members.is_empty())
        };
        let rooms = || self.unnamed.rooms().filter(is_unknown);
        let of_this = rooms().filter(|room| held.room() == Some(room));
        Ok(match of_this.count() {
            0 => rooms().collect::<BTreeSet<_>>().len() < MAX_UNKNOWN_ROOMS,
            count => count < MAX_OF_UNKNOWN_ROOM,
        })
    }

    fn incoming<'a>(&'a self, held: &'a Held, suspects: &'a Suspects) -> Incoming<'a> {
        let bundles = self.knowledge.bundles();
        Incoming {
            sender: held.evidence.sender(Some(suspects), bundles),
            elements: &held.elements,
            arrival: Arrival::Delayed,
            author: Some(author),
            attached: &[],
        }
    }

    /// Holds a message back, and asks the application who is in its room, if nobody has told.
    pub(super) fn wait_for_sender(&mut self, held: Held, arrival: Arrival, now: Timestamp) {
        if let Some(room) = held.room() {
            let is_known = self
                .rooms
                .get(room)
                .is_some_and(|room| !room.members.is_empty());
            let was_asked = self.unnamed.rooms().any(|other| other == room);
            if !is_known && !was_asked {
                let ask = Action::AskMembers(room.clone());
                self.actions.push_back(ask);
            }
        }
        let waiting = Waiting {
            held,
            arrival,
            until: now.after(self.options.request_timeout.saturating_mul(3)),
            awaits: Vec::new(),
        };
        self.unnamed.insert(usize::MAX, waiting);
    }

    /// Reads the messages for which everything has come, and those that have waited long enough.
    pub(in crate::client) fn read_unnamed(&mut self, now: Timestamp) -> Result<(), AccountError> {
        let mut index = 0;
        while let Some(waiting) = self.unnamed.waiting.get_mut(index) {
            let is_late = waiting.until <= now;
            let has_come = |what: &mut Resource| !self.requests.is_asked(what);
            while waiting.awaits.pop_if(has_come).is_some() {}
            if !waiting.awaits.is_empty() && !is_late {
                index += 1;
                continue;
            }
            let Some(mut waiting) = self.unnamed.remove(index) else {
                break;
            };
            let read = self.read_waiting(&mut waiting, is_late, now);
            match read {
                Ok(Some(received)) => {
                    self.conclude(received, waiting.held.attached, now)?;
                }
                Ok(None) => {
                    self.unnamed.insert(index, waiting);
                    index += 1;
                }
                Err(error) => {
                    self.unnamed.insert(index, waiting);
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// What became of a message; `None` if it goes on waiting.
    fn read_waiting(
        &mut self,
        waiting: &mut Waiting,
        is_late: bool,
        now: Timestamp,
    ) -> Result<Option<Received>, AccountError> {
        let held = &waiting.held;
        let Some(mut suspects) = self.suspects(&held.evidence) else {
            return self.read_held(held, waiting.arrival, now).map(Some);
        };
        let can_ask = suspects.are_all() && self.is_connected;
        if !can_ask && !is_late {
            return Ok(None);
        }
        if can_ask {
            let (awaits, ruled_out) = self.look_for_sender(held, &suspects, now)?;
            if !awaits.is_empty() && !is_late {
                waiting.awaits = awaits;
                return Ok(None);
            }
            suspects.rule_out(&ruled_out);
        }
        let record = held.attached.to_record();
        let incoming = Incoming {
            arrival: waiting.arrival,
            author: Some(author),
            attached: &record,
            sender: held
                .evidence
                .sender(Some(&suspects), self.knowledge.bundles()),
            elements: &held.elements,
        };
        let received = self.account.decrypt(&incoming, now, &mut self.rng)?;
        Ok(Some(received))
    }

    /// Looks up who of those who may have written a message has the device that it names: first the device
    /// lists, then the bundles of those who have it. What is still to come, and who has no such device.
    fn look_for_sender(
        &mut self,
        held: &Held,
        suspects: &Suspects,
        now: Timestamp,
    ) -> Result<(Vec<Resource>, BTreeSet<BareJid>), AccountError> {
        let peers = self
            .account
            .bundles_to_tell(&self.incoming(held, suspects))?;
        let (mut awaits, mut absent, mut there) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
        for peer in peers.into_iter().take(MAX_LOOKED_UP) {
            // A request tells a stranger that somebody is there, and an archive can name anybody.
            if !self.may_look_up(held, &peer.jid)? {
                there.insert(peer.jid);
                continue;
            }
            let list = Resource::List(peer.jid.clone(), peer.version);
            let known = self.look_up(&list, now)?;
            if self.requests.is_asked(&list) {
                awaits.push(list);
            } else if matches!(known, LookUp::Fresh | LookUp::Absent)
                && self.account.listing(&peer)? == Listing::Never
            {
                absent.insert(peer.jid);
                continue;
            } else {
                let bundle = Resource::Bundle(peer.clone());
                self.look_up(&bundle, now)?;
                if self.requests.is_asked(&bundle) {
                    awaits.push(bundle);
                }
            }
            there.insert(peer.jid);
        }
        // In another version it may be there.
        absent.retain(|jid| !there.contains(jid));
        Ok((awaits, absent))
    }

    /// Whether an account may be asked what it publishes: one that the user has accepted, or that is in the room.
    fn may_look_up(&self, held: &Held, jid: &BareJid) -> Result<bool, AccountError> {
        let room = held.room().and_then(|room| self.rooms.get(room));
        let is_inside = room.is_some_and(|room| room.occupants.values().any(|of| of == jid));
        Ok(is_inside || jid == self.account.jid() || self.account.is_accepted(jid)?)
    }
}
