//! Two to five clients of both versions on a server that delays, refuses and forgets, with stanzas as
//! text: they are away and catch up from archives, die at any point, and write to each other and into a
//! room.
//!
//! Every message reaches every device that it was encrypted for, once after its stable id is taken into
//! account, or has a typed outcome there; and every message that was given is encrypted or refused.
//!
//! One seed makes one run. `OMEMO_CLIENT_SEED` and `OMEMO_CLIENT_MESSAGES` choose others.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod server;

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use omemo::account::{MessageId, Order, VersionPolicy};
use omemo::client::{
    Action, Answer, Client, Options, RefusalReason, RequestId, Room, Ticket, UndecryptableReason,
};
use omemo::model::{BareJid, Timestamp, Version};
use omemo::store::MemoryStore;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use server::stage::{DAY, HOUR, JULIET, MINUTE, ROMEO, body, jid, options};
use server::{Server, archived};

const NURSE: &str = "nurse@capulet.example";
const GARDEN: &str = "garden@rooms.example";

/// The people, in the order in which they come.
const PEOPLE: [&str; 5] = [
    "juliet@capulet.example/balcony",
    "romeo@montague.example/orchard",
    "juliet@capulet.example/phone",
    "nurse@capulet.example/house",
    "romeo@montague.example/phone",
];

/// A part of every text, which nothing in base64 contains.
const MARK: &str = "in-clear";

struct Person {
    full: String,
    options: Options,
    store: Arc<MemoryStore>,
    client: Client<StdRng>,
    is_online: bool,
    /// What the server keeps of messages for it while it is away is lost; the archive has it.
    is_forgotten: bool,
    /// Messages that were given and have not come back.
    given: BTreeMap<Ticket, usize>,
    /// Answers that are late.
    late: Vec<(RequestId, String)>,
    read: BTreeMap<usize, MessageId>,
    failed: BTreeMap<usize, UndecryptableReason>,
    /// What came since there was nothing to do: not acknowledged to the server.
    taken: Vec<String>,
    /// How far each archive was read, and how far when there was nothing to do.
    places: BTreeMap<BareJid, usize>,
    kept_places: BTreeMap<BareJid, usize>,
}

#[derive(Default)]
struct Message {
    from: usize,
    to: String,
    is_refused: bool,
    /// Those for whom it was encrypted, when it was sent.
    readers: Option<BTreeSet<usize>>,
}

struct World {
    server: Server,
    people: Vec<Person>,
    messages: Vec<Message>,
    rng: StdRng,
    now: u64,
    counts: BTreeMap<String, u64>,
}

fn variable(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().unwrap())
}

#[test]
fn every_message_arrives_or_says_why_not() {
    let seed = variable("OMEMO_CLIENT_SEED", 384);
    let messages = variable("OMEMO_CLIENT_MESSAGES", 4000);
    let of_one = 400;
    let mut counts = BTreeMap::new();
    for run in 0..messages.div_ceil(of_one) {
        let world = run_once(seed + run, of_one);
        for (what, count) in world.counts {
            *counts.entry(what).or_insert(0) += count;
        }
    }
    for (what, count) in &counts {
        println!("{count:>8} {what}");
    }
    let (read, failed) = (counts["read"], counts.get("not read").copied().unwrap_or(0));
    // Stale bundles, as the server's answers are late: their pre-keys were used by somebody else.
    assert!(read > 100 * failed, "{failed} of {read}");
    assert!(counts["encrypted"] > 5 * counts.get("refused").copied().unwrap_or(0));
}

#[test]
fn one_seed_makes_one_run() {
    let seed = variable("OMEMO_CLIENT_SEED", 384);
    let digest = |seed: u64| {
        let world = run_once(seed, 60);
        let mut hasher = DefaultHasher::new();
        for person in &world.people {
            for record in person.store.dump() {
                record.key.hash(&mut hasher);
                record.value.as_slice().hash(&mut hasher);
            }
        }
        hasher.finish()
    };
    assert_eq!(digest(seed), digest(seed));
    assert_ne!(digest(seed), digest(seed + 1));
}

fn run_once(seed: u64, messages: u64) -> World {
    println!("OMEMO_CLIENT_SEED={seed}");
    let mut world = World {
        server: Server::default(),
        people: Vec::new(),
        messages: Vec::new(),
        rng: StdRng::seed_from_u64(seed),
        now: 1_700_000_000_000,
        counts: BTreeMap::new(),
    };
    let people = world.rng.random_range(2..=PEOPLE.len());
    let messages = usize::try_from(messages).unwrap();
    while world.messages.len() < messages {
        let due = 2 + world.messages.len() * (people - 1) / messages;
        if world.people.len() < due.min(people) {
            world.join();
        }
        world.step();
    }
    world.come_to_rest();
    world.judge();
    world
}

impl World {
    fn time(&self) -> Timestamp {
        Timestamp::from_millis(self.now)
    }

    fn count(&mut self, what: &str) {
        *self.counts.entry(what.to_owned()).or_insert(0) += 1;
    }

    fn one_in(&mut self, of: u32) -> bool {
        self.rng.random_ratio(1, of)
    }

    fn anybody(&mut self) -> usize {
        self.rng.random_range(0..self.people.len())
    }

    fn join(&mut self) {
        let full = PEOPLE[self.people.len()].to_owned();
        let mut options = options();
        options.account.versions = match self.rng.random_range(0..6) {
            // The first two understand each other.
            0 if self.people.len() >= 2 => VersionPolicy::Only(Version::Legacy),
            1 if self.people.len() >= 2 => VersionPolicy::Only(Version::Omemo2),
            2 | 3 => VersionPolicy::Newest,
            _ => VersionPolicy::ByEvidence,
        };
        let store = Arc::new(MemoryStore::new());
        let client = self.open(&full, &options, &store);
        let archives = [jid(&full), jid(GARDEN)];
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
            read: BTreeMap::new(),
            failed: BTreeMap::new(),
            taken: Vec::new(),
            places: places.clone().into(),
            kept_places: places.into(),
        });
        let nicks = self.nicks();
        let nicks: Vec<_> = nicks.iter().map(|(nick, jid)| (&**nick, jid)).collect();
        self.server.make_room(&jid(GARDEN), &nicks);
        for person in 0..self.people.len() {
            self.introduce(person);
        }
        let person = self.people.len() - 1;
        self.connect(person);
        // A new device is not there before it is announced.
        for _ in 0..50 {
            self.act(person);
            self.hear(person);
        }
    }

    fn open(&mut self, full: &str, options: &Options, store: &Arc<MemoryStore>) -> Client<StdRng> {
        let rng = StdRng::from_rng(&mut self.rng);
        let store = store.clone();
        Client::open_with_rng(store, jid(full), options.clone(), rng, self.time()).unwrap()
    }

    fn nicks(&self) -> BTreeMap<String, BareJid> {
        let people = self.people.iter().map(|person| jid(&person.full));
        people
            .map(|jid| (jid.local().unwrap().to_owned(), jid))
            .collect()
    }

    /// What an application says after each start.
    fn introduce(&mut self, person: usize) {
        let now = self.time();
        let occupants = self.nicks();
        let members = occupants.values().cloned().collect();
        let client = &mut self.people[person].client;
        for contact in [JULIET, ROMEO, NURSE] {
            client.set_contact(&jid(contact), true, true, now).unwrap();
        }
        let room = Room { members, occupants };
        client.set_room(&jid(GARDEN), room, now).unwrap();
    }

    fn step(&mut self) {
        let person = self.anybody();
        match self.rng.random_range(0..100) {
            0..50 => self.act(person),
            50..80 => self.hear(person),
            80..86 => self.write(person),
            86..92 => self.answer_late(person),
            92 => self.disconnect(person),
            93 | 94 if !self.people[person].is_online => self.connect(person),
            95 => self.crash(person),
            96 if self.one_in(4) => self.server_forgets(),
            97 if self.one_in(4) => self.server_refuses(),
            98 => {
                let most = if self.one_in(20) {
                    3 * DAY
                } else {
                    20 * MINUTE
                };
                self.pass(most);
            }
            _ => {}
        }
    }

    fn pass(&mut self, most: u64) {
        self.now += self.rng.random_range(1000..most);
        let now = self.time();
        for person in &mut self.people {
            person.client.tick(now).unwrap();
        }
    }

    fn write(&mut self, from: usize) {
        let own = jid(&self.people[from].full);
        let others: BTreeSet<_> = self.people.iter().map(|person| jid(&person.full)).collect();
        let others: Vec<_> = others.into_iter().filter(|jid| *jid != own).collect();
        let to = match self.rng.random_range(0..others.len() + 1) {
            0 => GARDEN.to_owned(),
            number => others[number - 1].to_string(),
        };
        self.messages.push(Message {
            from,
            to,
            ..Message::default()
        });
        self.give(from, self.messages.len() - 1);
    }

    fn give(&mut self, from: usize, number: usize) {
        let to = &self.messages[number].to;
        let kind = if to == GARDEN { "groupchat" } else { "chat" };
        let stanza = format!(
            "<message to='{to}' type='{kind}' id='{number}'><body>{number} {MARK}</body></message>"
        );
        let now = self.time();
        let recipient = jid(to);
        let person = &mut self.people[from];
        let ticket = person.client.encrypt(&stanza, &[recipient], now).unwrap();
        person.given.insert(ticket, number);
    }

    /// One action of a client.
    fn act(&mut self, person: usize) {
        let is_online = self.people[person].is_online;
        let Some(action) = self.people[person].client.next_action() else {
            let person = &mut self.people[person];
            person.taken.clear();
            person.kept_places.clone_from(&person.places);
            return;
        };
        match action {
            Action::Request(request) => {
                assert!(is_online);
                let fate = self.rng.random_range(0..40);
                let full = self.people[person].full.clone();
                if fate == 0 {
                    return self.count("requests lost");
                }
                let answer = self.server.answer(&full, &request).unwrap();
                match fate {
                    1 => self.count("answers lost"),
                    2..8 => self.people[person].late.push((request.id, answer)),
                    _ => self.answer(person, request.id, &answer),
                }
            }
            Action::Encrypted(message) => {
                let ticket = message.ticket;
                let Some(number) = self.people[person].given.remove(&ticket) else {
                    panic!("{ticket:?} was not given, or came twice");
                };
                let mut readers = BTreeSet::new();
                for device in message.report.encrypted() {
                    let reader = self.people.iter().position(|reader| {
                        let account = reader.client.account();
                        (account.jid(), account.device()) == (&device.jid, device.device)
                    });
                    readers.insert(reader.unwrap());
                }
                for (_, gap) in message.report.skipped() {
                    self.count(&format!("skipped: {gap}"));
                }
                self.messages[number].readers = Some(readers);
                self.count("encrypted");
                self.send(person, &message.stanza);
            }
            Action::Refused(refused) => {
                let number = self.people[person].given.remove(&refused.ticket).unwrap();
                assert!(matches!(refused.reason, RefusalReason::Recipients(_)));
                self.messages[number].is_refused = true;
                self.count("refused");
            }
            Action::Send(stanza) => {
                self.count("empty");
                self.send(person, &stanza);
            }
            Action::Deliver(delivery) => {
                let text = body(&delivery.stanza);
                let (number, _) = text.split_once(' ').unwrap();
                let number: usize = number.parse().unwrap();
                assert_eq!(text, format!("{number} {MARK}"));
                let from = &self.people[self.messages[number].from].full;
                assert_eq!(delivery.sender.jid, jid(from));
                let is_kept = !self.one_in(10);
                let reader = &mut self.people[person];
                let known = reader.read.insert(number, delivery.id);
                assert!(known.is_none_or(|id| id == delivery.id), "read twice");
                if is_kept {
                    reader.client.acknowledge(&delivery.id).unwrap();
                }
            }
            Action::Undecryptable(what) => {
                let document = roxmltree::Document::parse(&what.stanza).unwrap();
                let id = document.root_element().attribute("id");
                let number: usize = id.unwrap().parse().unwrap();
                self.people[person].failed.insert(number, what.reason);
            }
            Action::DecideTrust(question) => panic!("{question:?}"),
            Action::Notice(notice) => {
                let what = format!("{notice:?}");
                let (what, _) = what.split_once(['(', ' ']).unwrap_or((&what, ""));
                self.count(&format!("notice: {what}"));
            }
            _ => {}
        }
    }

    fn send(&mut self, person: usize, stanza: &str) {
        let full = self.people[person].full.clone();
        self.server.send(&full, stanza);
        for seen in self.server.seen.drain(..) {
            assert!(!seen.contains(MARK), "{seen}");
        }
    }

    fn answer(&mut self, person: usize, id: RequestId, answer: &str) {
        let now = self.time();
        let client = &mut self.people[person].client;
        client.answer(id, Answer::Stanza(answer), now).unwrap();
    }

    fn answer_late(&mut self, person: usize) {
        let late = self.people[person].late.len();
        if late > 0 {
            let which = self.rng.random_range(0..late);
            let (id, answer) = self.people[person].late.swap_remove(which);
            self.count("late answers");
            self.answer(person, id, &answer);
        }
    }

    /// A client takes a stanza. It may die before the server knows that it has it.
    fn hear(&mut self, person: usize) {
        if !self.people[person].is_online {
            return;
        }
        let full = self.people[person].full.clone();
        let Some(stanza) = self.server.next_for(&full) else {
            return;
        };
        let now = self.time();
        let client = &mut self.people[person].client;
        client.receive(&stanza, now).unwrap();
        self.people[person].taken.push(stanza);
        if self.one_in(100) {
            self.crash(person);
        }
    }

    fn disconnect(&mut self, person: usize) {
        let is_forgotten = self.one_in(2);
        let person = &mut self.people[person];
        person.client.disconnected();
        person.is_online = false;
        person.late.clear();
        person.is_forgotten |= is_forgotten;
    }

    fn connect(&mut self, person: usize) {
        let now = self.time();
        let full = self.people[person].full.clone();
        if core::mem::take(&mut self.people[person].is_forgotten) {
            self.server.drop_waiting(&full);
        }
        self.server.log_in(&full);
        self.server.greet(&full);
        self.people[person].is_online = true;
        self.people[person].client.connected(now).unwrap();
        self.catch_up(person);
    }

    fn catch_up(&mut self, person: usize) {
        let now = self.time();
        let order = [Order::OldestFirst, Order::NewestFirst][self.rng.random_range(0..2)];
        let client = &mut self.people[person].client;
        client.begin_catch_up(order, now).unwrap();
        let own = client.account().jid().clone();
        for (archive, place) in self.people[person].places.clone() {
            let stanzas = self
                .server
                .archive
                .get(&archive)
                .cloned()
                .unwrap_or_default();
            let size = self.rng.random_range(1..30);
            let mut pages: Vec<_> = stanzas[place..].chunks(size).collect();
            if order == Order::NewestFirst {
                pages.reverse();
            }
            let client = &mut self.people[person].client;
            client.expect_archive((archive != own).then_some(&archive), "q");
            for page in pages {
                for (id, stanza) in page.iter().enumerate() {
                    let result = archived(&archive, "q", id, stanza);
                    client.receive(&result, now).unwrap();
                }
                client.end_page(now).unwrap();
            }
            self.people[person].places.insert(archive, stanzas.len());
        }
        // What the server has kept comes before the end, too, or behind it.
        if self.one_in(2) {
            let full = self.people[person].full.clone();
            while self.people[person].is_online && !self.server.is_quiet_for(&full) {
                self.hear(person);
            }
        }
        if self.people[person].is_online {
            let client = &mut self.people[person].client;
            client.end_catch_up(now).unwrap();
        }
    }

    /// The process dies, and is started again. The outbox is the application's.
    fn crash(&mut self, person: usize) {
        self.count("crashes");
        let (full, options, store) = {
            let person = &self.people[person];
            (
                person.full.clone(),
                person.options.clone(),
                person.store.clone(),
            )
        };
        self.people[person].client = self.open(&full, &options, &store);
        self.people[person].is_online = false;
        self.people[person].late.clear();
        self.introduce(person);
        let given = core::mem::take(&mut self.people[person].given);
        for number in given.into_values() {
            self.give(person, number);
        }
        let dead = &mut self.people[person];
        dead.places.clone_from(&dead.kept_places);
        for stanza in core::mem::take(&mut dead.taken) {
            self.server.push(&full, stanza);
        }
        if self.one_in(2) {
            self.connect(person);
        }
    }

    fn server_forgets(&mut self) {
        let nodes = self.server.nodes();
        if !nodes.is_empty() {
            let (owner, node) = &nodes[self.rng.random_range(0..nodes.len())];
            self.server.forget(owner, node);
            self.count("nodes forgotten");
        }
    }

    fn server_refuses(&mut self) {
        let conditions = [
            "precondition-not-met",
            "conflict",
            "not-acceptable",
            "internal-server-error",
        ];
        let condition = conditions[self.rng.random_range(0..conditions.len())];
        self.server.refusals.push_back(condition.to_owned());
        self.count("refusals of servers");
    }

    /// Everybody comes, and everything that is due is done.
    fn come_to_rest(&mut self) {
        self.server.refusals.clear();
        for _ in 0..3 {
            for person in 0..self.people.len() {
                self.disconnect(person);
                self.connect(person);
            }
            for _ in 0..3 {
                for _ in 0..2000 {
                    for person in 0..self.people.len() {
                        self.act(person);
                        self.hear(person);
                        self.answer_late(person);
                    }
                }
                self.now += HOUR;
                self.pass(2 * MINUTE);
            }
        }
    }

    fn judge(&mut self) {
        for person in &self.people {
            assert!(
                person.given.is_empty(),
                "neither encrypted nor refused: {:?}",
                person.given
            );
        }
        for number in 0..self.messages.len() {
            let message = &self.messages[number];
            assert!(message.is_refused || message.readers.is_some(), "{number}");
            for reader in message.readers.clone().unwrap_or_default() {
                let person = &self.people[reader];
                let what = match (person.read.get(&number), person.failed.get(&number)) {
                    (Some(_), _) => "read".to_owned(),
                    (None, Some(reason)) => {
                        let reason = match reason {
                            UndecryptableReason::Failure(failure) => {
                                format!("{:?}", failure.reason)
                            }
                            other => format!("{other:?}"),
                        };
                        self.count("not read");
                        format!("not read: {reason}")
                    }
                    (None, None) => panic!(
                        "message {number} has vanished on its way to {}",
                        person.full
                    ),
                };
                self.count(&what);
            }
        }
        for person in &self.people {
            for number in person.read.keys() {
                let readers = self.messages[*number].readers.as_ref().unwrap();
                let index = self
                    .people
                    .iter()
                    .position(|other| other.full == person.full);
                assert!(
                    readers.contains(&index.unwrap()),
                    "read by who was not meant"
                );
            }
        }
    }
}
