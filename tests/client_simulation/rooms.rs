//! What happens in rooms: names change hands, occupants leave, members come and go.

use omemo::model::BareJid;
use rand::RngExt;

use crate::person::PETER;
use crate::server::stage::jid;
use crate::world::{NICKS, ROOMS, World};

impl World {
    pub(crate) fn rooms_change(&mut self) {
        let room = jid(ROOMS[self.rng.random_range(0..ROOMS.len())]);
        match self.rng.random_range(0..10) {
            0..3 => self.change_name(&room),
            3 | 4 => self.swap_names(&room),
            5 | 6 => self.take_name_of_who_leaves(&room),
            7 => {
                let person = self.anybody();
                self.step_out(person, &room);
            }
            8 => self.change_members(&room),
            _ => {
                let person = self.anybody();
                self.enter(person, &room);
            }
        }
    }

    fn occupants(&self, room: &BareJid) -> Vec<(String, BareJid)> {
        let occupants = self.server.rooms[room].occupants.clone();
        occupants.into_iter().collect()
    }

    /// Two of those who are there.
    fn two(&mut self, room: &BareJid) -> Option<[(String, BareJid); 2]> {
        let mut occupants = self.occupants(room);
        if occupants.len() < 2 {
            return None;
        }
        let one = occupants.swap_remove(self.rng.random_range(0..occupants.len()));
        let other = occupants.swap_remove(self.rng.random_range(0..occupants.len()));
        Some([one, other])
    }

    fn change_name(&mut self, room: &BareJid) {
        let Some([(_, who), _]) = self.two(room) else {
            return;
        };
        let new = NICKS[self.rng.random_range(0..NICKS.len())];
        if self.server.rename(room, &who, new) {
            self.counts.add("nicknames changed");
        }
    }

    fn swap_names(&mut self, room: &BareJid) {
        let Some([(one, a), (other, b)]) = self.two(room) else {
            return;
        };
        for (who, new) in [(&a, "nobody"), (&b, &*one), (&a, &*other)] {
            assert!(self.server.rename(room, who, new));
            self.counts.add("nicknames changed");
        }
        self.counts.add("nicknames swapped");
    }

    /// One leaves, and the other takes his name.
    fn take_name_of_who_leaves(&mut self, room: &BareJid) {
        let Some([(one, a), (_, b)]) = self.two(room) else {
            return;
        };
        for person in 0..self.people.len() {
            if self.people[person].jid() == a {
                self.step_out(person, room);
            }
        }
        if self.server.rename(room, &b, &one) {
            self.counts.add("nicknames changed");
            self.counts.add("nicknames taken after a leave");
        }
    }

    /// A client leaves a room, and stays a member.
    fn step_out(&mut self, person: usize, room: &BareJid) {
        if self.people[person].seats.remove(room).is_some() {
            self.act_all(person);
            self.leave_room(person, room);
            let full = self.people[person].full.clone();
            self.server.leave(room, &full);
            self.counts.add("occupants that left");
        }
    }

    fn change_members(&mut self, room: &BareJid) {
        let who = match self.rng.random_range(0..5) {
            0 => jid(PETER),
            _ => {
                let person = self.anybody();
                self.people[person].jid()
            }
        };
        let is_member = self.server.rooms[room].members.contains(&who);
        self.server.set_member(room, &who, !is_member);
        self.counts.add(if is_member {
            "members that went"
        } else {
            "members that came"
        });
    }
}
