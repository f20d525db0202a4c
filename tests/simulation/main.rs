//! Ten people with up to four devices each write to each other, in both versions, over a network that
//! loses, delays, reorders and repeats. Devices are away and catch up, come and go; processes end between
//! any two things; stores are restored from copies.
//!
//! Every message reaches every device that was meant, once, or has an outcome with an explanation: see
//! `reading`. One seed makes one run.
//!
//! `OMEMO_SIM_SEED` and `OMEMO_SIM_MESSAGES` choose another run; `ci/simulation` draws seeds.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod client;
mod device;
mod ledger;
mod network;
mod reading;
mod rest;
mod script;
mod server;
mod world;
mod writing;

use std::hash::{DefaultHasher, Hash, Hasher};

use world::World;

const SEED: u64 = 384;
const MESSAGES: u64 = 100_000;

fn variable(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |value| value.parse().unwrap())
}

fn run(seed: u64, messages: u64) -> World {
    println!("seed {seed}, {messages} messages");
    let mut world = World::new(seed);
    world.run(messages);
    println!(
        "{} devices, {} messages, {} keys lost and {} repeated on the way",
        world.devices.len(),
        world.written,
        world.network.lost,
        world.network.repeated
    );
    for (what, count) in &world.ledger.counts {
        println!("{count:>8} {what}");
    }
    world
}

#[test]
fn every_message_arrives_or_its_loss_is_explained() {
    let seed = variable("OMEMO_SIM_SEED", SEED);
    let messages = variable("OMEMO_SIM_MESSAGES", MESSAGES);
    let world = run(seed, messages);
    assert!(world.written >= messages);
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let seed = variable("OMEMO_SIM_SEED", SEED) + 1;
    assert_eq!(digest(&run(seed, 1500)), digest(&run(seed, 1500)));
    assert_ne!(digest(&run(seed, 100)), digest(&run(seed + 1, 100)));
}

/// What a run has left: every store, byte by byte.
fn digest(world: &World) -> u64 {
    let mut hasher = DefaultHasher::new();
    world.now.hash(&mut hasher);
    for device in &world.devices {
        for record in device.dump() {
            record.key.hash(&mut hasher);
            record.value.as_slice().hash(&mut hasher);
        }
    }
    hasher.finish()
}
