//! Archives: read in pages, from either end, several at once, and ended in any order.

use std::collections::VecDeque;

use omemo::account::{CatchUpId, Order};
use omemo::client::QueryId;
use omemo::model::BareJid;
use rand::RngExt;

use crate::server::rooms::item;
use crate::server::stage::jid;
use crate::server::{archived, with_inside};
use crate::world::{ROOMS, World};

/// An archive that is being read.
#[derive(Clone)]
pub(crate) struct Reading {
    archive: BareJid,
    query: String,
    pub(crate) catch_up: CatchUpId,
    query_id: QueryId,
    order: Order,
    pages: VecDeque<Vec<(usize, String)>>,
    end: usize,
}

impl World {
    /// A client asks its own archive and those of its rooms for what came since.
    pub(crate) fn begin_to_catch_up(&mut self, person: usize) {
        let own = self.people[person].jid();
        let mut archives = vec![own];
        archives.extend(ROOMS.map(jid));
        if !self.people[person].is_online || self.people[person].readings.len() > archives.len() {
            return;
        }
        for archive in archives {
            self.begin_to_read(person, archive);
        }
        let (now, reader) = (self.time(), &mut self.people[person]);
        for lost in core::mem::take(&mut reader.lost) {
            reader.client.end_catch_up(lost, now).unwrap();
        }
        if self.people[person].readings.len() > 1 {
            self.counts.add("catch-ups at once");
        }
    }

    pub(crate) fn begin_to_read(&mut self, person: usize, archive: BareJid) {
        let now = self.time();
        let own = self.people[person].jid();
        let room = self.server.rooms.get(&archive);
        // A room opens its archive to members alone.
        if room.is_some_and(|room| !room.members.contains(&own)) {
            return;
        }
        let stanzas = self
            .server
            .archive
            .get(&archive)
            .cloned()
            .unwrap_or_default();
        let place = self.people[person].places[&archive];
        let results: Vec<_> = (place..).zip(stanzas[place..].iter().cloned()).collect();
        let order = [Order::OldestFirst, Order::NewestFirst][self.rng.random_range(0..2)];
        let size = self.rng.random_range(1..30);
        let mut pages: VecDeque<_> = results.chunks(size).map(<[_]>::to_vec).collect();
        if order == Order::NewestFirst {
            pages = pages.into_iter().rev().collect();
        }
        let query = format!("q{:x}", self.rng.random::<u64>());
        let reader = &mut self.people[person];
        let catch_up = reader.client.begin_catch_up(order, now).unwrap();
        let query_id = reader
            .client
            .expect_archive(catch_up, Some(&archive), Some(&query));
        if archive != own {
            self.counts.add("archives read late");
        }
        let end = stanzas.len();
        self.people[person].readings.push(Reading {
            archive,
            query,
            catch_up,
            query_id,
            order,
            pages,
            end,
        });
    }

    /// One page of one of the archives comes, or its end.
    pub(crate) fn read_on(&mut self, person: usize) {
        let readings = self.people[person].readings.len();
        if readings == 0 {
            return;
        }
        let which = self.rng.random_range(0..readings);
        let page = self.people[person].readings[which].pages.pop_front();
        let Some(page) = page else {
            if which > 0 {
                self.counts.add("catch-ups ended in another order");
            }
            return self.end_reading(person, which);
        };
        let reading = self.people[person].readings[which].clone();
        let is_oldest_first = reading.order == Order::OldestFirst;
        self.counts.add(if is_oldest_first {
            "pages read oldest first"
        } else {
            "pages read newest first"
        });
        let now = self.time();
        for (id, stanza) in &page {
            let stanza = self.as_archived(&reading.archive, *id, stanza);
            let result = archived(&reading.archive, &reading.query, *id, &stanza);
            let outcome = self.people[person].client.receive(&result, now).unwrap();
            self.trace(|| {
                let full = &self.people[person].full;
                format!(
                    "{full} reads {id} of {}: {outcome:?} {stanza}",
                    reading.archive
                )
            });
        }
        let query_id = reading.query_id;
        self.people[person].client.end_page(query_id, now).unwrap();
        if let Some((last, _)) = page.last().filter(|_| is_oldest_first) {
            self.read_up_to(person, &reading.archive, last + 1);
        }
    }

    fn read_up_to(&mut self, person: usize, archive: &BareJid, end: usize) {
        let place = self.people[person].places.get_mut(archive).unwrap();
        *place = end.max(*place);
    }

    fn end_reading(&mut self, person: usize, which: usize) {
        let now = self.time();
        let reading = self.people[person].readings.swap_remove(which);
        self.read_up_to(person, &reading.archive, reading.end);
        let client = &mut self.people[person].client;
        client.end_catch_up(reading.catch_up, now).unwrap();
    }

    /// A stanza as the archive has it: some rooms say who has written it.
    fn as_archived(&mut self, archive: &BareJid, id: usize, stanza: &str) -> String {
        let Some(room) = self.server.rooms.get(archive) else {
            return stanza.to_owned();
        };
        let writer = room.writers[id].clone();
        let is_former = !room.members.contains(&writer);
        let shown = room
            .shows_items
            .then(|| with_inside(stanza, &item(writer.as_str(), "member")));
        if is_former {
            self.counts.add("messages of former members in archives");
        }
        self.counts.add(if shown.is_some() {
            "results with an item"
        } else {
            "results without an item"
        });
        shown.unwrap_or_else(|| stanza.to_owned())
    }
}
