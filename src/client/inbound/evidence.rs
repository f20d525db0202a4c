//! Who sent a stanza: what its way here proves, made once, when the stanza is taken apart.
//!
//! | what came | evidence |
//! |---|---|
//! | from an account, directly or as a copy, or in the own archive | that account |
//! | live from a room, without a delay, under the nickname of an occupant | that occupant |
//! | all else from a room: its history, its archive, copies, unknown nicknames | nobody: candidates |
//!
//! Candidates are the members and the occupants of now, the account itself, and whom the room's archive names in
//! a result of our own query. Nicknames change hands, so who has one now is only one of them. The account weighs
//! them ([`Candidates`](crate::account::Candidates)).

use rand_core::TryCryptoRng;

use super::take::Route;
use crate::account::{AccountError, Bundles, Candidates, Sender};
use crate::client::action::Origin;
use crate::client::{Client, Room};
use crate::model::{BareJid, OwnKey};
use crate::stanza::{Message, RoomMarks};

/// What is known of who sent a stanza.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::client) enum Evidence {
    /// This account.
    Account(BareJid),
    /// This occupant of a room.
    Occupant { room: BareJid, jid: BareJid },
    /// Somebody in a room.
    Room {
        room: BareJid,
        /// Whom the room's archive names.
        item: Option<BareJid>,
    },
}

/// Those who may have written in a room.
pub(in crate::client) struct Suspects {
    accounts: Vec<BareJid>,
    /// It is known who the members are.
    are_all: bool,
}

impl<R: TryCryptoRng> Client<R> {
    /// The evidence of a stanza; `None` if it names nobody.
    pub(super) fn evidence(
        &self,
        message: &Message<'_, OwnKey>,
        marks: &RoomMarks,
        route: &Route,
    ) -> Result<Option<Evidence>, AccountError> {
        let own = self.account.jid();
        let Ok(from) = message.sender() else {
            return Ok(None);
        };
        let from = from.unwrap_or_else(|| own.clone());
        if !self.is_of_room(&from, message, marks)? {
            return Ok(Some(Evidence::Account(from)));
        }
        let room = self.rooms.get(&from);
        let occupant = room.and_then(|room| room.occupant(message.from.as_deref()?));
        let is_live = route.origin == Origin::Direct && !marks.is_delayed;
        if let Some(occupant) = occupant.filter(|_| is_live) {
            let (room, jid) = (from, occupant.clone());
            return Ok(Some(Evidence::Occupant { room, jid }));
        }
        // An occupant can put an item into what he writes. Only where the room itself answers about its
        // archive can a single one be its own.
        let is_from_its_archive = route
            .query
            .as_ref()
            .is_some_and(|(_, archive)| *archive == from);
        let item = marks.item.clone().filter(|_| is_from_its_archive);
        Ok(Some(Evidence::Room { room: from, item }))
    }

    /// Whether an address is that of a room, whose occupants speak under it, and not of an account.
    fn is_of_room(
        &self,
        from: &BareJid,
        message: &Message<'_, OwnKey>,
        marks: &RoomMarks,
    ) -> Result<bool, AccountError> {
        let is_group = message.kind.as_deref() == Some("groupchat");
        if is_group || self.rooms.contains_key(from) {
            return Ok(true);
        }
        // What another device of ours has written to an occupant has the mark of a room too.
        if from == self.account.jid() {
            return Ok(false);
        }
        // The room may be one that nobody has told us of yet. Servers have rooms at addresses of their own, so a
        // stranger beside a room is a room.
        let is_beside = || {
            let mut rooms = self.rooms.keys();
            rooms.any(|room| room.domain() == from.domain())
        };
        Ok(marks.is_of_room || is_beside() && !self.account.is_accepted(from)?)
    }

    /// Those in a room who may have sent something, unless the evidence names an account.
    pub(super) fn suspects(&self, evidence: &Evidence) -> Option<Suspects> {
        let (room, item) = match evidence {
            Evidence::Account(_) | Evidence::Occupant { .. } => return None,
            Evidence::Room { room, item } => (room, item),
        };
        let room = self.rooms.get(room);
        let members = room.into_iter().flat_map(Room::everybody);
        // Nobody has told of anybody else but of the account itself.
        let mut accounts: Vec<_> = members.chain(item).cloned().collect();
        if !accounts.is_empty() {
            accounts.push(self.account.jid().clone());
        }
        accounts.sort();
        accounts.dedup();
        let are_all = room.is_some_and(|room| !room.members.is_empty());
        Some(Suspects { accounts, are_all })
    }
}

impl Evidence {
    /// The same for the account.
    pub(super) fn sender<'a>(
        &'a self,
        suspects: Option<&'a Suspects>,
        bundles: &'a Bundles,
    ) -> Sender<'a> {
        match (self, suspects) {
            (Self::Account(jid), _) => Sender::Known(jid),
            (Self::Occupant { jid, .. }, _) => Sender::Occupant(jid),
            (Self::Room { .. }, Some(suspects)) if !suspects.accounts.is_empty() => {
                Sender::OneOf(Candidates {
                    accounts: &suspects.accounts,
                    are_all: suspects.are_all,
                    bundles,
                })
            }
            (Self::Room { .. }, _) => Sender::Nobody,
        }
    }
}

impl Suspects {
    /// Whether everybody is among them.
    pub(super) const fn are_all(&self) -> bool {
        self.are_all
    }

    /// These have no such device.
    pub(super) fn rule_out(&mut self, accounts: &std::collections::BTreeSet<BareJid>) {
        self.accounts.retain(|jid| !accounts.contains(jid));
    }
}
