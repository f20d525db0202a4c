//! Messages: to accounts, into rooms, and to single occupants of rooms.

use std::collections::BTreeSet;

use omemo::client::EncryptRequestError;
use omemo::model::BareJid;
use rand::RngExt;

use crate::person::{PETER, TYBALT};
use crate::server::stage::jid;
use crate::world::{ROOMS, World};

/// A part of every text, which nothing in base64 contains.
pub(crate) const MARK: &str = "in-clear";

/// Whom a message is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum To {
    Account(BareJid),
    Room(BareJid),
    /// An occupant of a room: his name, and who had it, as the writer saw it.
    Occupant(BareJid, String, BareJid),
}

pub(crate) struct Message {
    pub(crate) from: usize,
    pub(crate) to: To,
    pub(crate) is_refused: bool,
    /// Those for whom it was encrypted, when it was sent.
    pub(crate) readers: Option<BTreeSet<usize>>,
    /// Those who can read it, as somebody has copied their keys.
    pub(crate) readable: BTreeSet<usize>,
    /// The accounts whose server has taken it in. `None`: all of the room.
    pub(crate) taken_by: Option<BTreeSet<BareJid>>,
    /// What its attacker has done to it.
    pub(crate) has_other_device: bool,
}

impl World {
    pub(crate) fn write(&mut self, from: usize) {
        let own = self.people[from].jid();
        let to = match self.rng.random_range(0..10) {
            0..4 => self.anybody_but(&own).map(To::Account),
            4..8 => self.a_room(from).map(To::Room),
            8 => self.an_occupant(from),
            _ if self.one_in(4) => {
                let other = [PETER, TYBALT][self.rng.random_range(0..2)];
                Some(To::Account(jid(other)))
            }
            _ => None,
        };
        let Some(to) = to else {
            return;
        };
        self.write_to(from, to);
    }

    pub(crate) fn write_to(&mut self, from: usize, to: To) {
        if matches!(to, To::Occupant(..)) {
            self.counts.add("private messages in rooms");
        }
        self.messages.push(Message {
            from,
            to,
            is_refused: false,
            readers: None,
            readable: BTreeSet::new(),
            taken_by: Some(BTreeSet::new()),
            has_other_device: false,
        });
        self.give(from, self.messages.len() - 1);
    }

    fn anybody_but(&mut self, own: &BareJid) -> Option<BareJid> {
        let others: BTreeSet<_> = self.people.iter().map(crate::person::Person::jid).collect();
        let others: Vec<_> = others.into_iter().filter(|jid| jid != own).collect();
        let which = self.rng.random_range(0..others.len().max(1));
        others.get(which).cloned()
    }

    /// A room that the client was told of.
    fn a_room(&mut self, from: usize) -> Option<BareJid> {
        let room = jid(ROOMS[self.rng.random_range(0..ROOMS.len())]);
        let is_inside = self.people[from].seats.get(&room)?.is_inside;
        is_inside.then_some(room)
    }

    fn an_occupant(&mut self, from: usize) -> Option<To> {
        let room = self.a_room(from)?;
        let own = self.people[from].jid();
        let told = self.told(from, &room)?;
        let others = told.occupants.iter().filter(|(_, of)| **of != own);
        let others: Vec<_> = others
            .map(|(nick, of)| (nick.clone(), of.clone()))
            .collect();
        if others.is_empty() {
            return None;
        }
        let (nick, of) = others[self.rng.random_range(0..others.len())].clone();
        Some(To::Occupant(room, nick, of))
    }

    /// Gives a message to the client, for the first time or after a restart.
    pub(crate) fn give(&mut self, from: usize, number: usize) {
        let (to, kind, recipient) = match &self.messages[number].to {
            To::Account(jid) => (jid.to_string(), "chat", jid.clone()),
            To::Room(room) => (room.to_string(), "groupchat", room.clone()),
            To::Occupant(room, nick, _) => (format!("{room}/{nick}"), "chat", room.clone()),
        };
        // After a restart nobody knows who is in a room, and the name may be somebody else's.
        let is_lost = match &self.messages[number].to {
            To::Account(_) => false,
            To::Room(room) => self.told(from, room).is_none(),
            To::Occupant(room, nick, of) => {
                let told = self.told(from, room);
                told.and_then(|told| told.occupants.get(nick)) != Some(of)
            }
        };
        if is_lost {
            self.counts.add("given up by the application");
            self.messages[number].is_refused = true;
            return;
        }
        let stanza = format!(
            "<message to='{to}' type='{kind}' id='{number}'><body>{number} {MARK}</body></message>"
        );
        let now = self.time();
        let person = &mut self.people[from];
        match person.client.encrypt(&stanza, &[recipient], now) {
            Ok(ticket) => {
                person.given.insert(ticket, number);
            }
            Err(EncryptRequestError::NoRecipients) => {
                self.counts.add("refused at once");
                self.messages[number].is_refused = true;
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// What a client was told of a room.
    pub(crate) fn told(&self, person: usize, room: &BareJid) -> Option<&omemo::client::Room> {
        self.people[person].told.get(room)
    }

    /// A client sends a stanza, and nothing in it is in clear.
    pub(crate) fn send(&mut self, person: usize, stanza: &str) -> Option<BareJid> {
        let full = self.people[person].full.clone();
        let taken_by = self.server.send(&full, stanza);
        self.look_for_clear_text();
        taken_by
    }

    pub(crate) fn look_for_clear_text(&mut self) {
        for seen in self.server.seen.drain(..) {
            assert!(!seen.contains(MARK), "{seen}");
        }
    }

    /// An encrypted message leaves.
    pub(crate) fn send_message(&mut self, person: usize, number: usize, stanza: &str) {
        let stanza = self.forge(person, number, stanza);
        let full = self.people[person].full.clone();
        let room = match &self.messages[number].to {
            To::Account(_) => None,
            To::Room(room) | To::Occupant(room, ..) => Some(room.clone()),
        };
        let is_let_in = room.is_none_or(|room| self.server.rooms[&room].has_inside(&full));
        let taken_by = self.send(person, &stanza);
        let is_for_all = matches!(self.messages[number].to, To::Room(_));
        if !is_let_in || (taken_by.is_none() && !is_for_all) {
            self.counts.add("sent back by a room");
        } else if is_for_all {
            self.messages[number].taken_by = None;
        } else {
            let own = self.people[person].jid();
            let taken_by = [own].into_iter().chain(taken_by).collect();
            self.messages[number].taken_by = Some(taken_by);
        }
    }
}
