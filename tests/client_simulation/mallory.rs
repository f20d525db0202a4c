//! Mallory, who is a member of the rooms like everybody else, and would like to speak as somebody else.

use omemo::model::{BareJid, DeviceId, Version};
use rand::RngExt;

use crate::messages::To;
use crate::server::publishing::LISTS;
use crate::server::rooms::item;
use crate::server::stage::{MALLORY, jid};
use crate::server::with_inside;
use crate::world::{ROOMS, World};

impl World {
    pub(crate) fn intrigue(&mut self) {
        let Some(mallory) = self.mallory() else {
            return;
        };
        match self.rng.random_range(0..4) {
            0 | 1 => self.take_a_name(mallory),
            2 => self.copy_keys(mallory),
            _ => self.copy_a_message(mallory),
        }
    }

    /// A client of somebody else.
    fn a_victim(&mut self) -> Option<usize> {
        let people = 0..self.people.len();
        let others: Vec<_> = people
            .filter(|person| !self.people[*person].is_mallory())
            .collect();
        Some(*others.get(self.rng.random_range(0..others.len().max(1)))?)
    }

    /// She takes a name that somebody else has had last, and writes under it.
    fn take_a_name(&mut self, mallory: usize) {
        let room = jid(ROOMS[self.rng.random_range(0..ROOMS.len())]);
        let entries = self.server.archive.get(&room).cloned().unwrap_or_default();
        let from_others = entries.iter().zip(&self.server.rooms[&room].writers);
        let from_others = from_others.filter(|(_, writer)| **writer != jid(MALLORY));
        let names: Vec<_> = from_others.filter_map(|(stanza, _)| nick(stanza)).collect();
        let recent = names.iter().rev().nth(self.rng.random_range(0..4));
        if recent.is_some_and(|name| self.server.rename(&room, &jid(MALLORY), name)) {
            self.counts.add("names taken by Mallory");
            self.counts.add("nicknames changed");
            while self.people[mallory].is_online
                && !self.server.is_quiet_for(&self.people[mallory].full)
            {
                self.hear(mallory);
            }
            if self.told(mallory, &room).is_some() {
                self.write_to(mallory, To::Room(room));
            }
        }
    }

    /// She puts a device with somebody's id on her list, with his bundle, or with her own keys.
    fn copy_keys(&mut self, mallory: usize) {
        let Some(victim) = self.a_victim() else {
            return;
        };
        let version = Version::ALL[self.rng.random_range(0..2)];
        let her = self.people[mallory].client.account().device();
        let his = self.people[victim].client.account().device();
        let is_copied = self.one_in(2);
        let (owner, from) = if is_copied {
            (self.people[victim].jid(), his)
        } else {
            (jid(MALLORY), her)
        };
        let Some(bundle) = self.bundle(&owner, version, from) else {
            return;
        };
        let (node, item) = node_and_item(version, his);
        self.server.publish(&jid(MALLORY), &node, &item, &bundle);
        let list = LISTS[if version == Version::Legacy { 0 } else { 1 }];
        let Some((item, shown)) = self.server.entries(&jid(MALLORY), list).pop() else {
            return;
        };
        if !shown.contains(&format!("'{his}'")) && !shown.contains(&format!("\"{his}\"")) {
            let at = shown.rfind("</").unwrap_or(shown.len());
            let (before, after) = shown.split_at(at);
            let more = format!("{before}<device id='{his}'/>{after}");
            self.server.publish(&jid(MALLORY), list, &item, &more);
        }
        self.counts.add("devices whose id was copied");
        if is_copied {
            self.counts.add("bundles that were copied");
        }
    }

    fn bundle(&self, owner: &BareJid, version: Version, device: DeviceId) -> Option<String> {
        let (node, item) = node_and_item(version, device);
        let entries = self.server.entries(owner, &node);
        entries
            .into_iter()
            .find(|(id, _)| *id == item)
            .map(|(_, bundle)| bundle)
    }

    /// She says again what somebody has said, as if it were hers.
    fn copy_a_message(&mut self, mallory: usize) {
        let room = jid(ROOMS[self.rng.random_range(0..ROOMS.len())]);
        let entries = self.server.archive.get(&room).cloned().unwrap_or_default();
        let full = self.people[mallory].full.clone();
        if entries.is_empty() || !self.server.rooms[&room].has_inside(&full) {
            return;
        }
        let recent = entries.len().saturating_sub(5);
        let which = self.rng.random_range(recent..entries.len());
        let stanza = &entries[which];
        let from = format!(" from='{room}/{}'", nick(stanza).unwrap());
        let copied = stanza
            .replacen(&from, "", 1)
            .replacen(" id='", " id='copy-", 1);
        self.send(mallory, &copied);
        self.counts.add("messages copied by Mallory");
    }

    /// What she does with a message of hers before it leaves.
    pub(crate) fn forge(&mut self, person: usize, number: usize, stanza: &str) -> String {
        let is_in_room = !matches!(self.messages[number].to, To::Account(_));
        if !self.people[person].is_mallory() || self.is_at_rest {
            return stanza.to_owned();
        }
        let Some(victim) = self.a_victim() else {
            return stanza.to_owned();
        };
        let mut forged = stanza.to_owned();
        if is_in_room && self.one_in(2) {
            self.counts.add("items forged");
            let inside = item(self.people[victim].jid().as_str(), "member");
            forged = with_inside(&forged, &inside);
        }
        if self.one_in(4) {
            let her = self.people[person].client.account().device();
            let his = self.people[victim].client.account().device();
            for quote in ["'", "\""] {
                let sid = |id: DeviceId| format!(" sid={quote}{id}{quote}");
                forged = forged.replace(&sid(her), &sid(his));
            }
            assert_ne!(forged, stanza);
            self.messages[number].has_other_device = true;
            self.counts
                .add("messages with the device id of somebody else");
        }
        if is_in_room {
            self.note_her_name(number);
        }
        forged
    }

    /// Whether she has a name that somebody else has had.
    fn note_her_name(&mut self, number: usize) {
        let To::Room(room) = &self.messages[number].to else {
            return;
        };
        let room = &self.server.rooms[room];
        let Some(name) = room.nick_of(&jid(MALLORY)) else {
            return;
        };
        let To::Room(address) = &self.messages[number].to else {
            return;
        };
        let entries = self.server.archive.get(address).into_iter().flatten();
        let mut with_writers = entries.zip(&room.writers);
        let is_of_others = with_writers.any(|(stanza, writer)| {
            *writer != jid(MALLORY) && nick(stanza).as_deref() == Some(name)
        });
        if is_of_others {
            self.counts.add("messages under a name of somebody else");
        }
    }
}

/// The name in a room from which a stanza comes.
fn nick(stanza: &str) -> Option<String> {
    let document = roxmltree::Document::parse(stanza).ok()?;
    let from = document.root_element().attribute("from")?;
    from.split_once('/').map(|(_, nick)| nick.to_owned())
}

fn node_and_item(version: Version, device: DeviceId) -> (String, String) {
    match version {
        Version::Legacy => (
            format!("eu.siacs.conversations.axolotl.bundles:{device}"),
            "current".to_owned(),
        ),
        Version::Omemo2 => ("urn:xmpp:omemo:2:bundles".to_owned(), device.to_string()),
    }
}
