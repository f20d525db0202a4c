//! Clients of both versions on servers that delay, fail, fall silent and forget, with stanzas as text. They
//! are away and catch up from archives, die at any point, write to each other, into rooms, and to single
//! occupants of rooms. Nicknames change hands, members come and go, and one member is an attacker.
//!
//! Every text is shown as its writer's and nobody else's. Every message reaches every device that it was
//! encrypted for, once after its stable id is taken into account, or has a typed outcome there. Every
//! message that was given is encrypted or refused, and whoever it was meant for gets a key or is in the
//! report. See `judge`.
//!
//! One seed makes one run. `OMEMO_CLIENT_SEED` and `OMEMO_CLIENT_MESSAGES` choose others,
//! `OMEMO_CLIENT_TRACE` prints what happens, and `ci/client-simulation` draws seeds.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod actions;
mod archives;
mod counts;
mod faults;
mod judge;
mod mallory;
mod messages;
mod person;
mod questions;
mod report;
mod rooms;
mod seats;
#[path = "../server/mod.rs"]
mod server;
mod world;

use std::hash::{DefaultHasher, Hash, Hasher};

use counts::Counts;
use world::World;

/// Messages in the life of one world.
const OF_ONE: usize = 400;

fn variable(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().unwrap())
}

#[test]
fn every_message_arrives_under_its_writers_name_or_says_why_not() {
    let seed = variable("OMEMO_CLIENT_SEED", 384);
    let messages = variable("OMEMO_CLIENT_MESSAGES", 4000);
    let mut counts = Counts::default();
    let runs = messages.div_ceil(OF_ONE as u64);
    for run in 0..runs {
        counts.add_all(&World::run(seed + run, OF_ONE).counts);
    }
    counts.print();
    counts.assert_least(runs * OF_ONE as u64);
}

#[test]
fn one_seed_makes_one_run() {
    let seed = variable("OMEMO_CLIENT_SEED", 384);
    let digest = |seed: u64| {
        let world = World::run(seed, 60);
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
