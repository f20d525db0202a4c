//! Conversations that would stay broken: the two sides hold different sessions, and one does not know.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod adversary;
mod world;

use std::sync::Arc;

use adversary::with_garbage_for_mac;
use omemo::account::{
    Account, Arrival, Bundles, FailureReason, FetchedBundle, Opening, Order, Outgoing, Received,
};
use omemo::model::{Bundle, PerVersion, Version};
use world::{HOUR, JULIET, ROMEO, Stanza, World, jid, options};

/// Two devices of Juliet, and Romeo, who has accepted her.
fn three(seed: u64) -> World {
    let mut world = World::new(seed);
    for address in [JULIET, JULIET, ROMEO] {
        world.add(address);
    }
    world.publish_lists();
    let now = world.time();
    let romeo = &world.devices[ROMEO_DEVICE].account;
    romeo.set_accepted(&jid(JULIET), true, now).unwrap();
    world
}

const ROMEO_DEVICE: usize = 2;

/// Writes to Romeo on a new session from this bundle, or on the one that there is.
fn write(world: &mut World, from: usize, version: Version, bundle: &Bundle) -> Stanza {
    let peer = world.devices[ROMEO_DEVICE].peer(version);
    let bundle = FetchedBundle::Bundle(Box::new(bundle.clone()));
    let mut payloads = PerVersion::default();
    *payloads.get_mut(version) = Some(&b"hello"[..]);
    let outgoing = Outgoing {
        recipients: &[jid(ROMEO)],
        payloads,
        bundles: &Bundles::from([(peer, bundle)]),
    };
    let now = world.time();
    let account = &world.devices[from].account;
    let sent = account.encrypt(&outgoing, now, &mut world.rng).unwrap();
    world.for_device(ROMEO_DEVICE, &sent.elements)
}

/// A bundle as the server has it, with one pre-key left.
fn nearly_empty(world: &World, version: Version) -> Bundle {
    let mut bundle = world.devices[ROMEO_DEVICE]
        .account
        .bundle(version)
        .unwrap()
        .bundle;
    bundle.pre_keys.truncate(1);
    bundle
}

/// Romeo starts a new session with a device, as is due, and it is read.
fn repair(world: &mut World, with: usize, version: Version) {
    let now = world.time();
    let peer = world.devices[with].peer(version);
    let romeo = &world.devices[ROMEO_DEVICE].account;
    assert_eq!(
        romeo.repairs_due(now).unwrap(),
        core::slice::from_ref(&peer)
    );
    let bundle = world.fetch(&peer);
    let element = romeo.repair(&peer, &bundle, now, &mut world.rng).unwrap();
    assert_eq!(romeo.repairs_due(now).unwrap(), []);
    let stanza = world.for_device(with, &[element]);
    let read = world.read(with, ROMEO_DEVICE, &stanza);
    assert!(matches!(read, Received::Empty(_)), "{read:?}");
}

#[test]
fn whoever_came_second_to_a_pre_key_gets_a_session() {
    for version in Version::ALL {
        let mut world = three(1);
        let bundle = nearly_empty(&world, version);
        let first = write(&mut world, 0, version, &bundle);
        world.expect(ROMEO_DEVICE, 0, &first, b"hello");
        for _ in 0..3 {
            let now = world.time();
            let romeo = &world.devices[ROMEO_DEVICE].account;
            assert_eq!(romeo.repairs_due(now).unwrap(), []);
            let second = write(&mut world, 1, version, &bundle);
            let Received::Failed(failure) = world.read(ROMEO_DEVICE, 1, &second) else {
                panic!("the pre-key is gone");
            };
            assert_eq!(failure.reason, FailureReason::UnknownPreKey);
        }
        repair(&mut world, 1, version);
        let next = write(&mut world, 1, version, &bundle);
        assert!(!next[0].keys[0].key_exchange);
        world.expect(ROMEO_DEVICE, 1, &next, b"hello");
    }
}

#[test]
fn whoever_writes_on_a_session_that_is_not_answered_gets_another() {
    for version in Version::ALL {
        let mut world = three(2);
        let bundle = nearly_empty(&world, version);
        let now = world.time();
        let romeo = &world.devices[ROMEO_DEVICE].account;
        let catch_up = romeo.begin_catch_up(Order::OldestFirst, now).unwrap();
        for from in [0, 1] {
            let stanza = write(&mut world, from, version, &bundle);
            world.expect(ROMEO_DEVICE, from, &stanza, b"hello");
        }
        world.devices[ROMEO_DEVICE]
            .account
            .end_catch_up(catch_up, now, &mut world.rng)
            .unwrap();
        repair(&mut world, 1, version);
        let next = write(&mut world, 1, version, &bundle);
        assert!(!next[0].keys[0].key_exchange);
        world.expect(ROMEO_DEVICE, 1, &next, b"hello");
    }
}

#[test]
fn whoever_writes_to_a_restored_store_gets_another_session() {
    for version in Version::ALL {
        let mut world = three(3);
        let bundle = nearly_empty(&world, version);
        let stanza = write(&mut world, 0, version, &bundle);
        world.expect(ROMEO_DEVICE, 0, &stanza, b"hello");
        world.answer(ROMEO_DEVICE);
        let romeo = &world.devices[ROMEO_DEVICE];
        let backup = Arc::new(romeo.store.copy());
        // In the time that is lost the session goes on by some steps.
        for _ in 0..2 {
            let stanza = write(&mut world, 0, version, &bundle);
            world.expect(ROMEO_DEVICE, 0, &stanza, b"hello");
            let stanza = world.write(ROMEO_DEVICE, 0, version, b"answer");
            world.expect(0, ROMEO_DEVICE, &stanza, b"answer");
        }
        let (mut options, now) = (options(), world.time());
        let romeo = &mut world.devices[ROMEO_DEVICE];
        let kept = romeo.account.next_incarnation(&mut world.rng).unwrap();
        options.incarnations = Some(vec![kept]);
        romeo.store = backup.clone();
        romeo.account = Account::open(backup, jid(ROMEO), options, now, &mut world.rng).unwrap();
        assert_eq!(romeo.account.opening(), Opening::RolledBack);
        for _ in 0..3 {
            let stanza = write(&mut world, 0, version, &bundle);
            let read = world.read(ROMEO_DEVICE, 0, &stanza);
            assert!(matches!(read, Received::Failed(_)), "{read:?}");
        }
        repair(&mut world, 0, version);
        let stanza = write(&mut world, 0, version, &bundle);
        world.expect(ROMEO_DEVICE, 0, &stanza, b"hello");
    }
}

#[test]
fn no_answer_is_owed_on_a_session_that_was_repaired() {
    let version = Version::Legacy;
    let mut world = three(5);
    let bundle = nearly_empty(&world, version);
    let stanza = write(&mut world, 0, version, &bundle);
    world.expect(ROMEO_DEVICE, 0, &stanza, b"hello");
    for _ in 0..3 {
        let stanza = write(&mut world, 0, version, &bundle);
        let stanza = with_garbage_for_mac(&stanza);
        let read = world.read(ROMEO_DEVICE, 0, &stanza);
        assert!(matches!(read, Received::Failed(_)), "{read:?}");
    }
    let romeo = &world.devices[ROMEO_DEVICE].account;
    assert_eq!(romeo.answers_due().unwrap().len(), 1);
    repair(&mut world, 0, version);
    let romeo = &world.devices[ROMEO_DEVICE].account;
    assert_eq!(romeo.answers_due().unwrap(), []);
}

#[test]
fn no_answer_is_owed_on_a_session_that_was_given_up() {
    for version in Version::ALL {
        let mut world = three(4);
        let bundle = nearly_empty(&world, version);
        let stanza = write(&mut world, 0, version, &bundle);
        world.expect(ROMEO_DEVICE, 0, &stanza, b"hello");
        let now = world.time();
        let romeo = &world.devices[ROMEO_DEVICE].account;
        assert_eq!(romeo.answers_due().unwrap().len(), 1);
        romeo.reset_sessions(&jid(JULIET), None, now).unwrap();
        assert_eq!(romeo.answers_due().unwrap(), []);
    }
}

/// From an archive that comes backwards the newest session is read first, and is the one to be answered on.
#[test]
fn an_answer_is_owed_on_the_newest_session() {
    for version in Version::ALL {
        let mut world = three(6);
        let bundle = nearly_empty(&world, version);
        let first = world.write(0, ROMEO_DEVICE, version, b"first");
        // She loses that session and starts another.
        world.devices[0].account.forget(&jid(ROMEO)).unwrap();
        let second = world.write(0, ROMEO_DEVICE, version, b"second");
        world.now += HOUR;
        let now = world.time();
        let romeo = &world.devices[ROMEO_DEVICE].account;
        let catch_up = romeo.begin_catch_up(Order::NewestFirst, now).unwrap();
        let archived = Arrival::Archived(catch_up);
        for stanza in [&second, &first] {
            let read = world.read_as(ROMEO_DEVICE, 0, stanza, archived);
            assert!(matches!(read, Received::Message(_)), "{read:?}");
        }
        assert_eq!(world.answer(ROMEO_DEVICE), 1);
        let stanza = write(&mut world, 0, version, &bundle);
        assert!(!stanza[0].keys[0].key_exchange);
    }
}

/// A clock that was put back while a history comes backwards: what is older stays older.
#[test]
fn c12_the_newest_session_stays_the_current_one_when_the_clock_is_put_back() {
    for version in Version::ALL {
        let mut world = three(7);
        let first = world.write(0, ROMEO_DEVICE, version, b"first");
        world.devices[0].account.forget(&jid(ROMEO)).unwrap();
        let second = world.write(0, ROMEO_DEVICE, version, b"second");
        let now = world.time();
        let romeo = &world.devices[ROMEO_DEVICE].account;
        let catch_up = romeo.begin_catch_up(Order::NewestFirst, now).unwrap();
        let archived = Arrival::Archived(catch_up);
        world.now -= HOUR / 2;
        for stanza in [&second, &first] {
            let read = world.read_as(ROMEO_DEVICE, 0, stanza, archived);
            assert!(matches!(read, Received::Message(_)), "{read:?}");
        }
        let (now, rng) = (world.time(), &mut world.rng);
        let romeo = &world.devices[ROMEO_DEVICE].account;
        romeo.end_catch_up(catch_up, now, rng).unwrap();
        let stanza = world.write(ROMEO_DEVICE, 0, version, b"to Juliet");
        world.expect(0, ROMEO_DEVICE, &stanza, b"to Juliet");
    }
}
