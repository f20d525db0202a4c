//! A device of a contact that was restored from an old copy of its store: it writes under counters that it has
//! used, on chains that were left.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod world;

use std::sync::Arc;

use omemo::account::{Account, Arrival, CatchUpId, FailureReason, Order, Received};
use omemo::model::Version;
use world::{JULIET, ROMEO, World, jid, options};

const JULIETS: usize = 0;
const ROMEOS: usize = 1;

/// Juliet and Romeo, who have a session. She is restored from a copy that was made before so many rounds.
fn restored(version: Version, rounds: usize) -> World {
    let mut world = World::of_two(9);
    let now = world.time();
    for (device, other) in [(JULIETS, ROMEO), (ROMEOS, JULIET)] {
        let account = &world.devices[device].account;
        account.set_accepted(&jid(other), true, now).unwrap();
    }
    let talk = |world: &mut World, from: usize| {
        let stanza = world.write(from, 1 - from, version, b"talk");
        world.expect(1 - from, from, &stanza, b"talk");
    };
    for from in [JULIETS, ROMEOS, JULIETS, ROMEOS, JULIETS] {
        talk(&mut world, from);
    }
    let copy = Arc::new(world.devices[JULIETS].store.copy());
    for _ in 0..10 {
        talk(&mut world, JULIETS);
    }
    for _ in 0..rounds {
        talk(&mut world, ROMEOS);
        talk(&mut world, JULIETS);
    }
    let account = Account::open(copy.clone(), jid(JULIET), options(), now, &mut world.rng);
    world.devices[JULIETS].store = copy;
    world.devices[JULIETS].account = account.unwrap();
    world
}

/// So many messages of hers, which Romeo cannot read.
fn write(world: &mut World, version: Version, count: usize, arrival: Arrival, why: FailureReason) {
    for n in 0..count {
        let text = format!("after the copy, {n}");
        let stanza = world.write(JULIETS, ROMEOS, version, text.as_bytes());
        // However often it comes, it is one.
        for _ in 0..3 {
            let Received::Failed(failure) = world.read_as(ROMEOS, JULIETS, &stanza, arrival) else {
                panic!("it is not one of before");
            };
            assert_eq!(failure.reason, why);
        }
    }
}

fn repairs(world: &World) -> usize {
    let account = &world.devices[ROMEOS].account;
    account.repairs_due(world.time()).unwrap().len()
}

/// The rounds since the copy, and what her messages look like then.
const CASES: [(usize, FailureReason); 2] = [
    (0, FailureReason::CounterReused),
    (60, FailureReason::KeyGone),
];

#[test]
fn a_legacy_device_that_was_restored_is_healed() {
    let version = Version::Legacy;
    for (rounds, why) in CASES {
        let mut world = restored(version, rounds);
        write(&mut world, version, 2, Arrival::Live, why);
        assert_eq!(repairs(&world), 0, "two are not enough");
        write(&mut world, version, 1, Arrival::Live, why);
        assert_eq!(repairs(&world), 1);
        let peer = world.devices[JULIETS].peer(version);
        let bundle = world.fetch(&peer);
        let now = world.time();
        let account = world.devices[ROMEOS].account.clone();
        let empty = account.repair(&peer, &bundle, now, &mut world.rng).unwrap();
        let empty = world.for_device(JULIETS, &[empty]);
        let read = world.read(JULIETS, ROMEOS, &empty);
        assert!(matches!(read, Received::Empty(_)), "{read:?}");
        for from in [JULIETS, ROMEOS, JULIETS] {
            let stanza = world.write(from, 1 - from, version, b"whole again");
            world.expect(1 - from, from, &stanza, b"whole again");
        }
        // Anybody on the way can provoke it: the next one is a day away.
        assert_eq!(repairs(&world), 0);
    }
}

/// What comes late, from an archive or through a room looks the same without being that.
#[test]
fn only_what_comes_live_counts() {
    let version = Version::Legacy;
    for (rounds, why) in CASES {
        for is_archived in [true, false] {
            let mut world = restored(version, rounds);
            let now = world.time();
            let account = world.devices[ROMEOS].account.clone();
            let catch_up = account.begin_catch_up(Order::OldestFirst, now).unwrap();
            let arrival = match is_archived {
                true => Arrival::Archived(catch_up),
                false => Arrival::Delayed,
            };
            write(&mut world, version, 4, arrival, why);
            let rng = &mut world.rng;
            account.end_catch_up(catch_up, now, rng).unwrap();
            assert_eq!(repairs(&world), 0);
            let ended = Arrival::Archived(CatchUpId::from_number(0));
            write(&mut world, version, 4, ended, why);
            assert_eq!(repairs(&world), 0);
        }
    }
}

/// OMEMO 2 forbids a new session for what cannot be decrypted (XEP-0384 §7).
#[test]
fn omemo_2_is_not_healed_by_what_cannot_be_decrypted() {
    let version = Version::Omemo2;
    for (rounds, why) in CASES {
        let mut world = restored(version, rounds);
        write(&mut world, version, 4, Arrival::Live, why);
        assert_eq!(repairs(&world), 0);
    }
}

/// Nor is a contact that the user has blocked, or does not know.
#[test]
fn who_is_blocked_or_unknown_is_not_healed() {
    let version = Version::Legacy;
    for is_blocked in [true, false] {
        let mut world = restored(version, 0);
        let now = world.time();
        let account = world.devices[ROMEOS].account.clone();
        if is_blocked {
            account.set_blocked(&jid(JULIET), true).unwrap();
        } else {
            account.set_accepted(&jid(JULIET), false, now).unwrap();
        }
        write(&mut world, version, 4, Arrival::Live, CASES[0].1);
        assert_eq!(repairs(&world), 0);
        account.set_blocked(&jid(JULIET), false).unwrap();
        account.set_accepted(&jid(JULIET), true, now).unwrap();
        assert_eq!(repairs(&world), 0, "nothing was noted");
    }
}
