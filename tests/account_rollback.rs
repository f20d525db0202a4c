//! C09, A41: a store that is put back from a copy, at random points, by an application that keeps the
//! marker of its incarnation outside of the copies.
//!
//! Where the marker is renewed after each operation, and what came of it is let out after that, no
//! message key is used twice and no key exchange is accepted twice. Where it is renewed in blocks, that
//! can happen with copies that are younger than the last renewal, and with no others.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod ledger;
mod world;

use std::sync::Arc;

use ledger::Ledger;
use omemo::account::{Account, Incarnation, Opening, Options, Received};
use omemo::model::{Encrypted, PerVersion, RecipientKey, Version};
use omemo::store::MemoryStore;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use world::{HOUR, JULIET, ROMEO, Stanza, World, jid, options};

/// The device whose store is put back, and one that it talks to.
const JULIETS: usize = 0;
const ROMEOS: usize = 1;

/// How many copies are kept, and old key exchanges tried.
const KEPT: usize = 12;

/// What was written.
type Elements = Vec<Encrypted<RecipientKey>>;

/// Juliet's application: the markers that it keeps, and what it has let out.
struct Application {
    world: World,
    rng: StdRng,
    kept: Vec<Incarnation>,
    ledger: Ledger,
    /// Copies of the store, and the marker that each has.
    copies: Vec<(MemoryStore, Option<Incarnation>)>,
    /// Key exchanges that Juliet has read.
    exchanges: Vec<Stanza>,
}

/// What becomes of the store that was put back.
#[derive(Debug, PartialEq, Eq)]
enum Copy {
    /// Younger than the last renewal.
    Young,
    Old,
}

impl Application {
    fn new(seed: u64) -> Self {
        let mut application = Self {
            world: World::of_two(seed),
            rng: StdRng::seed_from_u64(!seed),
            kept: Vec::new(),
            ledger: Ledger::default(),
            copies: Vec::new(),
            exchanges: Vec::new(),
        };
        application.renew();
        application
    }

    fn account(&self) -> &Account {
        &self.world.devices[JULIETS].account
    }

    fn options(&self) -> Options {
        let mut options = options();
        options.incarnations = Some(self.kept.clone());
        options
    }

    /// The two steps of a renewal; between them it may be interrupted.
    fn renew(&mut self) {
        let account = &self.world.devices[JULIETS].account;
        let next = account.next_incarnation(&mut self.rng).unwrap();
        self.kept.push(next);
        self.account().enter_incarnation(&next).unwrap();
        self.kept = vec![next];
    }

    /// Copies the store, in place of an older copy.
    fn copy(&mut self) {
        let copy = self.world.devices[JULIETS].store.copy();
        self.copies.push((copy, self.kept.last().copied()));
        if self.copies.len() > KEPT {
            let at = self.rng.random_range(0..KEPT);
            self.copies.remove(at);
        }
    }

    /// Juliet writes or reads something, or starts anew. What she has written is to be let out.
    fn operate(&mut self) -> Option<Elements> {
        let version = Version::ALL[self.rng.random_range(0..2)];
        match self.rng.random_range(0..10) {
            0..6 => return Some(self.write(version)),
            6..8 => {
                let stanza = self.world.write(ROMEOS, JULIETS, version, b"from Romeo");
                if self.rng.random_bool(0.8) {
                    self.deliver(&stanza);
                }
            }
            8 => {
                // Romeo starts a new session.
                let now = self.world.time();
                let romeo = &self.world.devices[ROMEOS].account;
                romeo.reset_sessions(&jid(JULIET), None, now).unwrap();
                let stanza = self.world.write(ROMEOS, JULIETS, version, b"anew");
                self.deliver(&stanza);
            }
            _ => {
                self.world.now += HOUR;
                let now = self.world.time();
                let account = &self.world.devices[JULIETS].account;
                account.maintain(now, &mut self.rng).unwrap();
            }
        }
        None
    }

    fn deliver(&mut self, stanza: &Stanza) {
        let read = self.world.read(JULIETS, ROMEOS, stanza);
        if let Received::Message(message) = &read {
            let id = message.id;
            self.account()
                .acknowledge(&[id], omemo::account::APPLICATION)
                .unwrap();
            if stanza[0].keys[0].key_exchange {
                self.exchanges.push(stanza.clone());
                if self.exchanges.len() > KEPT {
                    self.exchanges.remove(0);
                }
            }
        }
    }

    fn write(&mut self, version: Version) -> Elements {
        let text = self.rng.random::<u64>().to_be_bytes();
        let mut payloads = PerVersion::default();
        *payloads.get_mut(version) = Some(&text[..]);
        let sent = self.world.send_in(JULIETS, &[jid(ROMEO)], payloads);
        sent.unwrap().elements
    }

    /// Lets out what was written. False if a message key was used before.
    fn let_out(&mut self, elements: &[Encrypted<RecipientKey>]) -> bool {
        let is_new = self.ledger.takes_all(elements);
        if self.rng.random_bool(0.8) {
            let stanza = self.world.for_device(ROMEOS, elements);
            let read = self.world.read(ROMEOS, JULIETS, &stanza);
            if is_new {
                assert!(matches!(read, Received::Message(_)), "{read:?}");
            }
        }
        is_new
    }

    /// Puts a copy back, and says whether the application could notice.
    fn put_back(&mut self, at: usize) -> Copy {
        let (copy, marker) = &self.copies[at];
        let is_young = marker.is_some_and(|marker| self.kept.contains(&marker));
        self.world.devices[JULIETS].store = Arc::new(copy.copy());
        let options = self.options();
        let opening = self.world.reopen(JULIETS, options);
        let expected = if is_young {
            Opening::Found
        } else {
            Opening::RolledBack
        };
        assert_eq!(opening, expected);
        if is_young { Copy::Young } else { Copy::Old }
    }

    fn sessions(&self) -> usize {
        let devices = self.account().devices(&jid(ROMEO)).unwrap();
        let versions = devices
            .iter()
            .flat_map(|device| [&device.versions.legacy, &device.versions.omemo2]);
        versions.map(|version| version.sessions).sum()
    }

    /// No key exchange that was read before is accepted again.
    fn replay(&mut self) {
        let before = self.sessions();
        for stanza in self.exchanges.clone() {
            self.world.read(JULIETS, ROMEOS, &stanza);
        }
        assert_eq!(self.sessions(), before, "an old key exchange was accepted");
    }
}

/// How many points there are: `OMEMO_ROLLBACKS`, or fewer than in `ci/crash`.
fn points() -> usize {
    let points = std::env::var("OMEMO_ROLLBACKS").ok();
    points.map_or(400, |points| points.parse().unwrap())
}

fn seed() -> u64 {
    let seed = std::env::var("OMEMO_SEED").ok();
    let seed = seed.and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| rand::rng().random());
    println!("OMEMO_SEED={seed}");
    seed
}

#[test]
fn c09_a41_renewed_after_each_operation_no_key_is_used_twice() {
    let mut application = Application::new(seed());
    let mut old = 0;
    for _ in 0..points() {
        for _ in 0..application.rng.random_range(1..4) {
            let written = application.operate();
            if application.rng.random_bool(0.2) {
                // Done, and not renewed yet.
                application.copy();
            }
            application.renew();
            if let Some(elements) = written {
                assert!(application.let_out(&elements), "a key was used twice");
            }
            if application.rng.random_bool(0.5) {
                application.copy();
            }
        }
        let at = application.rng.random_range(0..=application.copies.len());
        if at < application.copies.len() && application.put_back(at) == Copy::Old {
            old += 1;
            application.renew();
            application.replay();
        }
    }
    println!("{old} old copies; {} keys", application.ledger.len());
    assert!(old * 2 > points());
}

#[test]
fn c09_a41_renewed_in_blocks_only_young_copies_can_use_a_key_twice() {
    let mut application = Application::new(seed());
    let (mut old, mut young, mut reused) = (0, 0, 0);
    while old + young < points() {
        for _ in 0..application.rng.random_range(1..80) {
            let written = application.operate();
            if let Some(elements) = written {
                assert!(application.let_out(&elements), "a key was used twice");
            }
            if application.account().incarnation_due().unwrap() {
                application.renew();
            }
            if application.rng.random_bool(0.1) {
                application.copy();
            }
        }
        if application.copies.is_empty() {
            continue;
        }
        let at = application.rng.random_range(0..application.copies.len());
        let before = application.world.devices[JULIETS].store.copy();
        match application.put_back(at) {
            Copy::Old => {
                old += 1;
                application.renew();
                application.replay();
            }
            // Nobody can notice. What it would write is looked at, and it is undone.
            Copy::Young => {
                young += 1;
                let mut ledger = application.ledger.clone();
                for version in Version::ALL {
                    let elements = application.write(version);
                    reused += usize::from(!ledger.takes_all(&elements));
                }
                application.world.devices[JULIETS].store = Arc::new(before);
                let options = application.options();
                assert_eq!(application.world.reopen(JULIETS, options), Opening::Found);
            }
        }
    }
    println!("{old} old copies, {young} young ones: {reused} keys used twice");
    assert!(old > 0 && young > 0 && reused > 0);
}
