//! Rooms of a server (XEP-0045): members-only, everybody's address is shown, and the history is kept.

use std::collections::{BTreeMap, BTreeSet};

use omemo::model::BareJid;

use super::{Server, with_from, with_inside};

/// A room.
#[derive(Clone, Default)]
pub(crate) struct Room {
    pub(crate) members: BTreeSet<BareJid>,
    /// Who is there: nicknames, and whose they are.
    pub(crate) occupants: BTreeMap<String, BareJid>,
    /// The clients that are there. `None`: all clients of its occupants always are, and nobody is told of
    /// who comes and goes.
    pub(crate) inside: Option<BTreeSet<String>>,
    /// Who has written what is in its archive, which has one stanza for each of them.
    pub(crate) writers: Vec<BareJid>,
    /// Its archive says who has written each stanza.
    pub(crate) shows_items: bool,
}

impl Room {
    pub(crate) fn nick_of(&self, jid: &BareJid) -> Option<&str> {
        let mut occupants = self.occupants.iter();
        let (nick, _) = occupants.find(|(_, of)| *of == jid)?;
        Some(nick)
    }

    pub(crate) fn has_inside(&self, full: &str) -> bool {
        let jid = BareJid::from_full(full).unwrap();
        match &self.inside {
            Some(inside) => inside.contains(full),
            None => self.nick_of(&jid).is_some(),
        }
    }
}

/// The element by which a room says who somebody is.
pub(crate) fn item(full: &str, affiliation: &str) -> String {
    let role = if affiliation == "none" {
        "none"
    } else {
        "participant"
    };
    format!(
        "<x xmlns='http://jabber.org/protocol/muc#user'>\
         <item affiliation='{affiliation}' role='{role}' jid='{full}'/></x>"
    )
}

fn presence(from: &str, kind: &str, inside: &str) -> String {
    format!("<presence from='{from}'{kind}>{inside}</presence>")
}

fn with_status(element: &str, code: u32) -> String {
    element.replacen("</x>", &format!("<status code='{code}'/></x>"), 1)
}

/// A stanza of a room's history, as it is sent to who enters.
fn delayed(room: &BareJid, stanza: &str) -> String {
    let delay =
        format!("<delay xmlns='urn:xmpp:delay' from='{room}' stamp='2023-11-14T20:00:00Z'/>");
    with_inside(stanza, &delay)
}

impl Server {
    /// A room whose members are its occupants, with all of their clients.
    pub(crate) fn make_room(&mut self, room: &BareJid, occupants: &[(&str, &BareJid)]) {
        let occupants = occupants.iter();
        let occupants = occupants.map(|(nick, jid)| ((*nick).to_owned(), (*jid).clone()));
        let made = self.rooms.entry(room.clone()).or_default();
        made.occupants = occupants.collect();
        made.members = made.occupants.values().cloned().collect();
    }

    /// A room that clients enter and leave.
    pub(crate) fn open_room(&mut self, room: &BareJid, shows_items: bool) {
        let made = Room {
            inside: Some(BTreeSet::new()),
            shows_items,
            ..Room::default()
        };
        self.rooms.insert(room.clone(), made);
    }

    /// A client enters under a name, or under that of its account's other clients. It is told who is there,
    /// then who it is itself, then the last of what was written. Whether it was let in.
    pub(crate) fn enter(&mut self, room: &BareJid, full: &str, nick: &str, history: usize) -> bool {
        let jid = BareJid::from_full(full).unwrap();
        let Some(entered) = self.rooms.get_mut(room) else {
            return false;
        };
        let nick = entered.nick_of(&jid).unwrap_or(nick).to_owned();
        let is_free = entered.occupants.get(&nick).is_none_or(|of| *of == jid);
        if !entered.members.contains(&jid) || !is_free {
            return false;
        }
        entered.occupants.insert(nick.clone(), jid);
        entered
            .inside
            .get_or_insert_default()
            .insert(full.to_owned());
        let others: Vec<_> = entered.occupants.clone().into_iter().collect();
        for (other, of) in others.iter().filter(|(other, _)| *other != nick) {
            let told = presence(&format!("{room}/{other}"), "", &item(of.as_str(), "member"));
            self.push(full, told);
        }
        let is_self = with_status(&item(full, "member"), 110);
        self.push(full, presence(&format!("{room}/{nick}"), "", &is_self));
        let came = presence(&format!("{room}/{nick}"), "", &item(full, "member"));
        self.tell(room, Some(full), &came);
        let archive = self.archive.get(room).cloned().unwrap_or_default();
        let older = archive.len().saturating_sub(history);
        for stanza in &archive[older..] {
            self.push(full, delayed(room, stanza));
        }
        true
    }

    /// A client leaves, or its stream is gone.
    pub(crate) fn leave(&mut self, room: &BareJid, full: &str) {
        let jid = BareJid::from_full(full).unwrap();
        let Some(left) = self.rooms.get_mut(room) else {
            return;
        };
        let inside = left.inside.get_or_insert_default();
        if !inside.remove(full) {
            return;
        }
        let is_last = !inside
            .iter()
            .any(|other| BareJid::from_full(other).unwrap() == jid);
        let nick = left.nick_of(&jid).unwrap().to_owned();
        if is_last {
            left.occupants.remove(&nick);
            let gone = item(full, "member");
            self.tell(
                room,
                None,
                &presence(&format!("{room}/{nick}"), " type='unavailable'", &gone),
            );
        }
    }

    /// An occupant takes another name; whether it was free.
    pub(crate) fn rename(&mut self, room: &BareJid, jid: &BareJid, new: &str) -> bool {
        let renamed = self.rooms.get_mut(room).unwrap();
        let Some(old) = renamed.nick_of(jid).map(str::to_owned) else {
            return false;
        };
        if renamed.occupants.contains_key(new) {
            return false;
        }
        renamed.occupants.remove(&old);
        renamed.occupants.insert(new.to_owned(), jid.clone());
        let gone =
            item(jid.as_str(), "member").replacen("<item", &format!("<item nick='{new}'"), 1);
        let gone = with_status(&gone, 303);
        let came = item(jid.as_str(), "member");
        self.tell(
            room,
            None,
            &presence(&format!("{room}/{old}"), " type='unavailable'", &gone),
        );
        self.tell(room, None, &presence(&format!("{room}/{new}"), "", &came));
        true
    }

    /// Somebody becomes a member, or is one no more, and is thrown out.
    pub(crate) fn set_member(&mut self, room: &BareJid, jid: &BareJid, is_member: bool) {
        let changed = self.rooms.get_mut(room).unwrap();
        let affiliation = if is_member { "member" } else { "none" };
        let nick = changed.nick_of(jid).map(str::to_owned);
        if is_member {
            changed.members.insert(jid.clone());
        } else {
            changed.members.remove(jid);
        }
        match nick.filter(|_| !is_member) {
            Some(nick) => {
                let gone = with_status(&item(jid.as_str(), "none"), 321);
                let gone = presence(&format!("{room}/{nick}"), " type='unavailable'", &gone);
                self.tell(room, None, &gone);
                let changed = self.rooms.get_mut(room).unwrap();
                changed.occupants.remove(&nick);
                let inside = changed.inside.get_or_insert_default();
                inside.retain(|full| BareJid::from_full(full).unwrap() != *jid);
            }
            None => {
                let told = item(jid.as_str(), affiliation);
                self.tell(
                    room,
                    None,
                    &format!("<message from='{room}'>{told}</message>"),
                );
            }
        }
    }

    /// Tells the clients that are in a room.
    fn tell(&mut self, room: &BareJid, but: Option<&str>, stanza: &str) {
        let inside = self.rooms[room].inside.clone().unwrap_or_default();
        for full in inside.iter().filter(|full| Some(full.as_str()) != but) {
            self.push(full, stanza.to_owned());
        }
    }

    /// What is written in a room goes to all who are there, or to one of them.
    pub(super) fn send_to_room(
        &mut self,
        room: &BareJid,
        full: &str,
        address: &str,
        is_for_all: bool,
        stanza: &str,
    ) -> Option<BareJid> {
        let own = BareJid::from_full(full).unwrap();
        let written = self.rooms[room].clone();
        if !written.has_inside(full) {
            return None;
        }
        let nick = written.nick_of(&own).unwrap();
        let sent = with_from(stanza, &format!("{room}/{nick}"));
        if is_for_all {
            for jid in written.occupants.values() {
                self.deliver_inside(&written, jid, &sent);
            }
            self.archive.entry(room.clone()).or_default().push(sent);
            self.rooms.get_mut(room).unwrap().writers.push(own);
            return None;
        }
        let (_, nick) = address.split_once('/').unwrap();
        let to = written.occupants.get(nick)?;
        self.deliver_inside(&written, to, &sent);
        self.copy("sent", &own, full, &with_from(stanza, full));
        if written.inside.is_some() {
            self.archive.entry(to.clone()).or_default().push(sent);
            let sent = with_from(stanza, full);
            self.archive.entry(own).or_default().push(sent);
        }
        Some(to.clone())
    }

    fn deliver_inside(&mut self, room: &Room, jid: &BareJid, stanza: &str) {
        let clients = self.clients.get(jid).cloned().unwrap_or_default();
        for client in clients.iter().filter(|client| room.has_inside(client)) {
            self.push(client, stanza.to_owned());
        }
    }

    /// A client has a new stream. What was on the old one is gone, but messages to it are kept, and come
    /// with their time.
    pub(crate) fn open_stream(&mut self, full: &str) {
        self.forget_notifications(full);
        let domain = BareJid::from_full(full).unwrap().domain().to_owned();
        let waiting = self.waiting.entry(full.to_owned()).or_default();
        waiting.retain(|stanza| stanza.starts_with("<message") && stanza.contains("type='chat'"));
        for stanza in waiting {
            if !stanza.contains("urn:xmpp:delay") {
                let delay = format!(
                    "<delay xmlns='urn:xmpp:delay' from='{domain}' stamp='2023-11-14T20:00:00Z'/>"
                );
                *stanza = with_inside(stanza, &delay);
            }
        }
    }
}
