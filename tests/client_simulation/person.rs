//! A client, and what its application knows and keeps.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use omemo::account::{CatchUpId, MessageId, TrustPolicy, VersionPolicy};
use omemo::client::{
    Client, IdentityQuestion, IqRequest, Options, Room, Ticket, TrustQuestion, UndecryptableReason,
};
use omemo::model::{BareJid, Fingerprint, Version};
use omemo::store::MemoryStore;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::archives::Reading;
use crate::seats::Seat;
use crate::server::stage::{JULIET, MALLORY, ROMEO, jid, options};
use crate::world::{ROOMS, World};

pub(crate) const NURSE: &str = "nurse@capulet.example";

/// Has no device that speaks OMEMO.
pub(crate) const PETER: &str = "peter@capulet.example";

/// Has an account on a server that is gone.
pub(crate) const TYBALT: &str = "tybalt@grave.example";

/// The people, in the order in which they come.
pub(crate) const PEOPLE: [&str; 6] = [
    "juliet@capulet.example/balcony",
    "romeo@montague.example/orchard",
    "mallory@verona.example/cave",
    "nurse@capulet.example/house",
    "juliet@capulet.example/phone",
    "romeo@montague.example/phone",
];

pub(crate) struct Person {
    pub(crate) full: String,
    options: Options,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) client: Client<StdRng>,
    pub(crate) is_online: bool,
    /// What the server keeps of messages for it while it is away is lost; the archive has it.
    is_forgotten: bool,
    /// Messages that were given and have not come back.
    pub(crate) given: BTreeMap<Ticket, usize>,
    /// Requests whose answers are late; what a change was answered with is known already.
    pub(crate) late: Vec<(IqRequest, Option<String>)>,
    /// Questions that the user has not answered yet.
    pub(crate) questions: Vec<TrustQuestion>,
    pub(crate) identity_questions: Vec<IdentityQuestion>,
    /// Rooms that are asked for their members.
    pub(crate) asked: Vec<BareJid>,
    pub(crate) read: BTreeMap<usize, MessageId>,
    pub(crate) failed: BTreeMap<usize, UndecryptableReason>,
    /// What came since there was nothing to do: not acknowledged to the server.
    pub(crate) taken: Vec<String>,
    /// How far each archive was read, and how far when there was nothing to do.
    pub(crate) places: BTreeMap<BareJid, usize>,
    pub(crate) kept_places: BTreeMap<BareJid, usize>,
    /// Archives that are being read.
    pub(crate) readings: Vec<Reading>,
    /// Catch-ups whose stream was lost: they end when others have begun.
    pub(crate) lost: Vec<CatchUpId>,
    /// Rooms that it is in.
    pub(crate) seats: BTreeMap<BareJid, Seat>,
    /// What the client was told of rooms.
    pub(crate) told: BTreeMap<BareJid, Room>,
    /// Since when each account's device list may have changed without its knowing, because of a fault.
    pub(crate) blind: BTreeMap<BareJid, u64>,
    /// Keys that Mallory was believed to have, as nothing was known of their owners.
    pub(crate) deceived: HashSet<Fingerprint>,
    /// When there was nothing to do last.
    pub(crate) idle_at: u64,
}

impl Person {
    pub(crate) fn jid(&self) -> BareJid {
        jid(&self.full)
    }

    pub(crate) fn is_mallory(&self) -> bool {
        self.jid() == jid(MALLORY)
    }

    /// There was nothing to do: all that came is acknowledged.
    pub(crate) fn keep(&mut self) {
        self.taken.clear();
        self.kept_places.clone_from(&self.places);
    }
}

impl World {
    pub(crate) fn join(&mut self) {
        let full = PEOPLE[self.people.len()].to_owned();
        let mut options = options();
        options.account.versions = match self.rng.random_range(0..6) {
            // The first two understand each other.
            0 if self.people.len() >= 3 => VersionPolicy::Only(Version::Legacy),
            1 if self.people.len() >= 3 => VersionPolicy::Only(Version::Omemo2),
            2 | 3 => VersionPolicy::Newest,
            _ => VersionPolicy::ByEvidence,
        };
        // Somebody who is asked about every key.
        if self.one_in(6) {
            options.account.trust = TrustPolicy::Manual;
            options.account.trust_own = TrustPolicy::Manual;
        }
        let store = Arc::new(MemoryStore::new());
        let client = self.open(&full, &options, &store);
        let archives = [&*full, ROOMS[0], ROOMS[1]].map(jid);
        let places = archives.map(|archive| {
            let length = self.server.archive.get(&archive).map_or(0, Vec::len);
            (archive, length)
        });
        self.people.push(Person {
            full,
            options,
            store,
            client,
            is_online: false,
            is_forgotten: false,
            given: BTreeMap::new(),
            late: Vec::new(),
            questions: Vec::new(),
            identity_questions: Vec::new(),
            asked: Vec::new(),
            read: BTreeMap::new(),
            failed: BTreeMap::new(),
            taken: Vec::new(),
            places: places.clone().into(),
            kept_places: places.into(),
            readings: Vec::new(),
            lost: Vec::new(),
            seats: BTreeMap::new(),
            told: BTreeMap::new(),
            blind: BTreeMap::new(),
            deceived: HashSet::new(),
            idle_at: 0,
        });
        let person = self.people.len() - 1;
        let own = self.people[person].jid();
        for room in ROOMS {
            self.server.set_member(&jid(room), &own, true);
        }
        self.introduce(person);
        self.connect(person);
        // A new device is not there before it is announced.
        for _ in 0..50 {
            self.act(person);
            self.hear(person);
        }
    }

    /// Another process of the application opens the same store, reads what has come to the account, and ends.
    pub(crate) fn open_second_process(&mut self, person: usize) {
        self.act_all(person);
        let first = &self.people[person];
        let (full, options) = (first.full.clone(), first.options.clone());
        let store = first.store.clone();
        let second = self.open(&full, &options, &store);
        let first = &mut self.people[person];
        let archive = first.jid();
        let client = core::mem::replace(&mut first.client, second);
        let readings = core::mem::take(&mut first.readings);
        let taken = core::mem::take(&mut first.taken);
        let places = first.places.clone();
        self.begin_to_read(person, archive);
        while !self.people[person].readings.is_empty() {
            self.read_on(person);
            // It may be killed at any time: the archive is read again.
            if self.one_in(40) {
                self.people[person].readings.clear();
            }
        }
        self.act_all(person);
        let first = &mut self.people[person];
        // What waits for its writer's name ends with the process: it is read again.
        if first.client.unnamed() > 0 {
            first.places = places;
            self.counts
                .add("archives that a second process did not finish");
        }
        let first = &mut self.people[person];
        (first.client, first.readings, first.taken) = (client, readings, taken);
        self.counts.add("archives read by a second process");
    }

    fn open(&mut self, full: &str, options: &Options, store: &Arc<MemoryStore>) -> Client<StdRng> {
        let rng = StdRng::from_rng(&mut self.rng);
        let store = store.clone();
        Client::open_with_rng(store, jid(full), options.clone(), rng, self.time()).unwrap()
    }

    /// What an application says after each start. It knows its rooms, but not yet who is in them.
    fn introduce(&mut self, person: usize) {
        let now = self.time();
        let client = &mut self.people[person].client;
        for contact in [JULIET, ROMEO, NURSE, MALLORY, PETER, TYBALT] {
            client.set_contact(&jid(contact), true, true, now).unwrap();
        }
        for room in ROOMS {
            client.set_room(&jid(room), Room::default(), now).unwrap();
        }
    }

    /// A client takes a stanza. It may die before the server knows that it has it.
    pub(crate) fn hear(&mut self, person: usize) {
        if !self.people[person].is_online {
            return;
        }
        let full = self.people[person].full.clone();
        let Some(stanza) = self.server.next_for(&full) else {
            return;
        };
        self.take(person, stanza);
        if self.one_in(200) {
            self.crash(person);
        }
    }

    fn take(&mut self, person: usize, stanza: String) {
        self.trace(|| {
            let (full, shown) = (&self.people[person].full, stanza.chars().take(600));
            format!("{full} takes {}", shown.collect::<String>())
        });
        if !self.is_of_a_room(person, &stanza) {
            let now = self.time();
            let client = &mut self.people[person].client;
            client.receive(&stanza, now).unwrap();
        }
        self.people[person].taken.push(stanza);
    }

    pub(crate) fn disconnect(&mut self, person: usize) {
        let is_forgotten = self.one_in(2);
        self.people[person].client.disconnected();
        self.is_gone(person);
        self.people[person].is_forgotten |= is_forgotten;
    }

    /// The server notices that a stream is gone.
    fn is_gone(&mut self, person: usize) {
        let gone = &mut self.people[person];
        gone.is_online = false;
        gone.late.clear();
        gone.seats.clear();
        let lost = gone.readings.drain(..).map(|reading| reading.catch_up);
        gone.lost.extend(lost);
        let full = gone.full.clone();
        for room in ROOMS {
            self.server.leave(&jid(room), &full);
        }
    }

    pub(crate) fn connect(&mut self, person: usize) {
        let now = self.time();
        let full = self.people[person].full.clone();
        self.server.open_stream(&full);
        if core::mem::take(&mut self.people[person].is_forgotten) {
            if !self.server.is_quiet_for(&full) {
                self.counts.add("offline messages lost");
            }
            self.server.drop_waiting(&full);
        }
        self.server.log_in(&full);
        self.server.greet(&full);
        let came = &mut self.people[person];
        came.is_online = true;
        came.client.connected(now).unwrap();
        self.begin_to_catch_up(person);
        for room in ROOMS {
            if !self.one_in(4) {
                self.enter(person, &jid(room));
            }
        }
    }

    /// A stream breaks and is resumed (XEP-0198): nothing is lost, and what was not acknowledged comes again.
    pub(crate) fn resume(&mut self, person: usize) {
        if !self.people[person].is_online {
            return;
        }
        self.counts.add("streams resumed");
        let now = self.time();
        let resumed = &mut self.people[person];
        resumed.client.disconnected();
        resumed.late.clear();
        resumed.client.resumed(now).unwrap();
        let taken = self.people[person].taken.clone();
        let is_again = |stanza: &&String| !stanza.starts_with("<presence");
        for stanza in taken.iter().filter(is_again) {
            let now = self.time();
            if !self.is_of_a_room(person, stanza) {
                let client = &mut self.people[person].client;
                client.receive(stanza, now).unwrap();
            }
        }
    }

    /// The process dies, and is started again. The outbox is the application's.
    pub(crate) fn crash(&mut self, person: usize) {
        self.counts.add("clients that died");
        let dead = &self.people[person];
        let (full, options) = (dead.full.clone(), dead.options.clone());
        let store = dead.store.clone();
        self.people[person].client = self.open(&full, &options, &store);
        self.is_gone(person);
        self.introduce(person);
        let dead = &mut self.people[person];
        let given = core::mem::take(&mut dead.given);
        dead.questions.clear();
        dead.identity_questions.clear();
        dead.asked.clear();
        dead.lost.clear();
        dead.told.clear();
        dead.places.clone_from(&dead.kept_places);
        // What was said in rooms is in their archives; the rest comes again, as the server kept it.
        for stanza in core::mem::take(&mut dead.taken) {
            self.server.push(&full, stanza);
        }
        self.server.open_stream(&full);
        for number in given.into_values() {
            self.give(person, number);
        }
        if self.one_in(2) {
            self.connect(person);
        }
    }
}
