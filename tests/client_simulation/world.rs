//! Everything at once: people, servers, rooms, chance, and the time.

use omemo::model::Timestamp;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::counts::Counts;
use crate::faults::Outage;
use crate::messages::Message;
use crate::person::{NURSE, PEOPLE, PETER, Person, TYBALT};
use crate::server::Server;
use crate::server::stage::{DAY, HOUR, MALLORY, MINUTE, jid};

/// In the first one everybody can be reached. The members of the second are so many more.
pub(crate) const ROOMS: [&str; 2] = ["garden@rooms.example", "tomb@rooms.example"];

/// The names that people have in rooms. There are few, so that they change hands.
pub(crate) const NICKS: [&str; 7] = ["rose", "moon", "star", "lark", "owl", "swan", "sun"];

pub(crate) struct World {
    pub(crate) seed: u64,
    pub(crate) server: Server,
    pub(crate) people: Vec<Person>,
    pub(crate) messages: Vec<Message>,
    pub(crate) outages: Vec<Outage>,
    pub(crate) rng: StdRng,
    pub(crate) now: u64,
    pub(crate) step: u64,
    pub(crate) counts: Counts,
    is_traced: bool,
    /// Nothing fails any more.
    pub(crate) is_at_rest: bool,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut world = Self {
            seed,
            server: Server::default(),
            people: Vec::new(),
            messages: Vec::new(),
            outages: Vec::new(),
            rng: StdRng::seed_from_u64(seed),
            now: 1_700_000_000_000,
            step: 0,
            counts: Counts::default(),
            is_traced: std::env::var_os("OMEMO_CLIENT_TRACE").is_some(),
            is_at_rest: false,
        };
        for (room, others) in ROOMS.iter().zip([&[][..], &[PETER, TYBALT]]) {
            let shows_items = world.one_in(2);
            world.server.open_room(&jid(room), shows_items);
            for other in others {
                world.server.set_member(&jid(room), &jid(other), true);
            }
        }
        world
    }

    /// A life of so many messages, and what became of them.
    pub(crate) fn run(seed: u64, messages: usize) -> Self {
        println!("OMEMO_CLIENT_SEED={seed}");
        let mut world = Self::new(seed);
        let people = world.rng.random_range(3..=PEOPLE.len());
        while world.messages.len() < messages {
            let due = 3 + world.messages.len() * (people - 2) / messages;
            if world.people.len() < due.min(people) {
                world.join();
            }
            world.step();
        }
        world.come_to_rest();
        world.judge();
        world
    }

    pub(crate) fn time(&self) -> Timestamp {
        Timestamp::from_millis(self.now)
    }

    pub(crate) fn one_in(&mut self, of: u32) -> bool {
        self.rng.random_ratio(1, of)
    }

    pub(crate) fn anybody(&mut self) -> usize {
        self.rng.random_range(0..self.people.len())
    }

    /// The client of a device.
    pub(crate) fn find(&self, device: &omemo::account::DeviceReport) -> Option<usize> {
        let mut people = self.people.iter();
        people.position(|person| {
            let account = person.client.account();
            (account.jid(), account.device()) == (&device.jid, device.device)
        })
    }

    fn step(&mut self) {
        self.step += 1;
        let person = self.anybody();
        match self.rng.random_range(0..200) {
            0..85 => {
                for _ in 0..self.rng.random_range(1..6) {
                    self.act(person);
                }
            }
            85..140 => {
                for _ in 0..self.rng.random_range(1..8) {
                    self.hear(person);
                }
            }
            140..152 => self.write(person),
            152..158 => self.answer_late(person),
            158 | 159 => self.decide(person),
            160..166 => self.read_on(person),
            166 => self.disconnect(person),
            167..171 if !self.people[person].is_online => self.connect(person),
            171 if self.one_in(2) => self.crash(person),
            172 => self.resume(person),
            173 if self.one_in(2) => self.open_second_process(person),
            173 => self.begin_to_catch_up(person),
            174 => self.learn(person),
            175 if !self.people[person].asked.is_empty() => self.learn(person),
            175..181 => self.rooms_change(),
            181 | 182 => self.fault(),
            183 | 184 => self.intrigue(),
            185..187 => {
                self.server.catch_up_notifications();
            }
            187 | 188 => {
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
        self.outages.retain(|outage| outage.until > now.as_millis());
        for person in &mut self.people {
            person.client.tick(now).unwrap();
        }
    }

    /// Everybody comes, and everything that is due is done.
    fn come_to_rest(&mut self) {
        self.is_at_rest = true;
        self.end_faults();
        // The nurse stays away from one room. What she has written there is read all the same.
        let is_gone = self.one_in(2);
        for room in ROOMS.map(jid) {
            for person in 0..self.people.len() {
                let own = self.people[person].jid();
                let is_member = !(is_gone && own == jid(NURSE) && room == jid(ROOMS[1]));
                self.server.set_member(&room, &own, is_member);
            }
        }
        for _ in 0..3 {
            for person in 0..self.people.len() {
                self.disconnect(person);
                self.connect(person);
            }
            for _ in 0..3 {
                self.rest_a_while();
                self.now += HOUR;
                self.pass(2 * MINUTE);
            }
        }
    }

    fn rest_a_while(&mut self) {
        for turn in 0..2000 {
            let mut is_quiet = !self.server.catch_up_notifications();
            for person in 0..self.people.len() {
                is_quiet &= !self.act(person);
                is_quiet &= self.server.is_quiet_for(&self.people[person].full);
                self.hear(person);
                self.answer_late(person);
                self.decide(person);
                self.learn(person);
                self.read_on(person);
                is_quiet &= self.people[person].readings.is_empty();
                is_quiet &= self.people[person].late.is_empty();
                is_quiet &= self.people[person].asked.is_empty();
                is_quiet &= self.people[person].questions.is_empty();
                is_quiet &= self.people[person].identity_questions.is_empty();
                is_quiet &= self.people[person].is_online;
                if turn % 100 == 99 {
                    self.come_back(person);
                }
            }
            if is_quiet {
                break;
            }
        }
    }

    /// Comes back, and into the rooms.
    fn come_back(&mut self, person: usize) {
        if !self.people[person].is_online {
            self.connect(person);
        }
        for room in ROOMS {
            self.enter(person, &jid(room));
        }
    }

    /// Somebody who attacks is there.
    pub(crate) fn mallory(&self) -> Option<usize> {
        self.people
            .iter()
            .position(|person| person.jid() == jid(MALLORY))
    }

    /// Something that must not be.
    pub(crate) fn wrong(&self, what: &str, detail: &str) {
        panic!("seed {} step {}: {what}: {detail}", self.seed, self.step);
    }

    /// Prints what happens, if somebody wants to know.
    pub(crate) fn trace(&self, what: impl FnOnce() -> String) {
        if self.is_traced {
            println!("seed {} step {}: {}", self.seed, self.step, what());
        }
    }
}
