//! What an application knows of a room that it is in, from the presence that the room sends.

use std::collections::{BTreeMap, BTreeSet};

use omemo::client::Room;
use omemo::model::BareJid;
use rand::RngExt;
use roxmltree::{Document, Node};

use crate::server::stage::jid;
use crate::world::{NICKS, ROOMS, World};

/// A room, as a client sees it.
#[derive(Clone, Default)]
pub(crate) struct Seat {
    /// Its own presence has come back: it is in.
    pub(crate) is_inside: bool,
    pub(crate) members: BTreeSet<BareJid>,
    pub(crate) occupants: BTreeMap<String, BareJid>,
    /// Occupants that came, and that the client is not told of yet.
    new: BTreeMap<String, BareJid>,
}

impl World {
    /// Asks a room to be let in.
    pub(crate) fn enter(&mut self, person: usize, room: &BareJid) {
        let full = self.people[person].full.clone();
        let is_in = self.people[person].seats.contains_key(room);
        if is_in || !self.people[person].is_online {
            return;
        }
        let start = self.rng.random_range(0..NICKS.len());
        let nicks = NICKS.iter().cycle().skip(start);
        let taken = self.server.rooms[room].occupants.clone();
        let nick = nicks.into_iter().find(|nick| !taken.contains_key(**nick));
        let history = self.rng.random_range(0..8);
        if self.server.enter(room, &full, nick.unwrap(), history) {
            self.counts.add("clients that entered a room");
            if history > 0
                && self
                    .server
                    .archive
                    .get(room)
                    .is_some_and(|kept| !kept.is_empty())
            {
                self.counts.add("histories sent on entering");
            }
            let seat = Seat::default();
            self.people[person].seats.insert(room.clone(), seat);
        }
    }

    /// Takes a stanza by which a room says who is there or who is a member; whether it was one.
    pub(crate) fn is_of_a_room(&mut self, person: usize, stanza: &str) -> bool {
        if stanza.contains("<encrypted") || !stanza.contains("muc#user") {
            return false;
        }
        let document = Document::parse(stanza).unwrap();
        let root = document.root_element();
        let from = root.attribute("from").unwrap();
        let room = jid(from);
        let item = root
            .descendants()
            .find(|node| node.has_tag_name(("http://jabber.org/protocol/muc#user", "item")));
        let item = item.unwrap();
        let who = jid(item.attribute("jid").unwrap());
        let is_member = item.attribute("affiliation") != Some("none");
        let is_me = has_status(&root, "110") || who == self.people[person].jid();
        let Some(mut seat) = self.people[person].seats.remove(&room) else {
            return true;
        };
        // What it was given before is as it was.
        self.act_all(person);
        let Some(nick) = from.split_once('/').map(|(_, nick)| nick.to_owned()) else {
            self.member_changed(&mut seat, &who, is_member);
            self.tell(person, &room, seat);
            return true;
        };
        if root.attribute("type") == Some("unavailable") {
            seat.occupants.remove(&nick);
            seat.new.remove(&nick);
            if !is_member {
                seat.members.remove(&who);
                if is_me {
                    self.leave_room(person, &room);
                    return true;
                }
            }
        } else {
            seat.members.insert(who.clone());
            seat.occupants.remove(&nick);
            seat.new.insert(nick, who);
            if is_me && !seat.is_inside {
                seat.is_inside = true;
                // It asks for the list of members when it is in. The answer may take some time.
                if self.one_in(2) {
                    seat.members = self.server.rooms[&room].members.clone();
                }
            }
        }
        // An application may gather those who come. A name that is gone it takes back at once.
        if !self.one_in(3) {
            seat.occupants.append(&mut seat.new);
        }
        self.tell(person, &room, seat);
        true
    }

    /// A change of a member who is not there. Not every application looks at it.
    fn member_changed(&mut self, seat: &mut Seat, who: &BareJid, is_member: bool) {
        if self.one_in(4) {
            self.counts.add("members that somebody hears of late");
        } else if is_member {
            seat.members.insert(who.clone());
        } else {
            seat.members.remove(who);
        }
    }

    /// Tells the client what is known, as soon as the room is entered.
    fn tell(&mut self, person: usize, room: &BareJid, seat: Seat) {
        let now = self.time();
        let said = Room {
            members: seat.members.iter().cloned().collect(),
            occupants: seat.occupants.clone(),
        };
        let told = &mut self.people[person];
        if seat.is_inside && told.told.get(room) != Some(&said) {
            told.told.insert(room.clone(), said.clone());
            told.client.set_room(room, said, now).unwrap();
        }
        told.seats.insert(room.clone(), seat);
    }

    /// The client is told that the room is left.
    pub(crate) fn leave_room(&mut self, person: usize, room: &BareJid) {
        let now = self.time();
        let left = &mut self.people[person];
        left.told.remove(room);
        left.client.leave_room(room);
        // What it wrote privately to somebody may come from an archive yet.
        let unknown = omemo::client::Room::default();
        left.client.set_room(room, unknown, now).unwrap();
    }

    /// A client asks a room for its members, and tells of those who came.
    pub(crate) fn learn(&mut self, person: usize) {
        let asked = self.people[person].asked.pop();
        let asked = asked.filter(|asked| ROOMS.contains(&asked.as_str()));
        let any = jid(ROOMS[self.rng.random_range(0..ROOMS.len())]);
        let room = asked.unwrap_or(any);
        let Some(mut seat) = self.people[person].seats.remove(&room) else {
            return self.enter(person, &room);
        };
        self.act_all(person);
        // A room tells its members alone, and those it has thrown out are about to hear of that.
        if self.server.rooms[&room]
            .members
            .contains(&self.people[person].jid())
        {
            seat.members = self.server.rooms[&room].members.clone();
        }
        seat.occupants.append(&mut seat.new);
        self.tell(person, &room, seat);
    }
}

fn has_status(root: &Node<'_, '_>, code: &str) -> bool {
    let mut all = root.descendants();
    all.any(|node| node.tag_name().name() == "status" && node.attribute("code") == Some(code))
}
