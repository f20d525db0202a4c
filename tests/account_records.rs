//! Accounts and time: records of a newer form (C11), and clocks that jump (C12). And I3: what was read and
//! not acknowledged is handed out again.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod world;

use std::convert::Infallible;
use std::sync::Arc;

use omemo::account::{Account, AccountError, Order, Received};
use omemo::model::{SignedPreKeyId, Version};
use omemo::store::{Applied, Batch, Scope, Store};
use rand_core::{TryCryptoRng, TryRng};
use world::{DAY, JULIET, ROMEO, World, jid, options};

const YEARS: u64 = 10 * 365 * DAY;

#[test]
fn c11_an_account_of_a_newer_form_is_left_alone() {
    let mut world = World::of_two(1);
    let account = &world.devices[0].account;
    // The record of the identity: its form, the device's id, and its keys.
    let begins = [&[1][..], &account.device().get().to_be_bytes()].concat();
    let records = world.devices[0].dump();
    let mut identities = records.iter().filter(|r| r.value.starts_with(&begins));
    let identity = identities.next().unwrap();
    assert!(identities.next().is_none());

    let store = Arc::new(world.devices[0].store.copy());
    let mut newer = identity.value.to_vec();
    newer[0] = 2;
    let mut batch = Batch::new();
    batch.put(identity.key.clone(), &newer);
    let scope = Scope::new(JULIET);
    let applied = store
        .apply(&scope, store.generation(&scope).unwrap(), &batch)
        .unwrap();
    assert!(matches!(applied, Applied::Done(_)));
    let before = store.dump();
    let now = world.time();
    let opened = Account::open(store.clone(), jid(JULIET), options(), now, &mut world.rng);
    assert_eq!(opened.unwrap_err(), AccountError::Newer);
    assert!(store.dump() == before);
}

fn signed_pre_keys(world: &World, device: usize) -> [SignedPreKeyId; 2] {
    let account = &world.devices[device].account;
    Version::ALL.map(|version| account.bundle(version).unwrap().bundle.signed_pre_key_id)
}

fn maintain(world: &mut World, device: usize) {
    let now = world.time();
    let account = &world.devices[device].account;
    account.maintain(now, &mut world.rng).unwrap();
}

#[test]
fn c12_a_clock_that_jumps_costs_no_key_and_one_rotation() {
    let (juliet, romeo) = (0, 1);
    for (there, back) in [(YEARS, false), (0, true), (YEARS, true)] {
        let mut world = World::of_two(2);
        let true_time = world.now;
        // Written before the jump: for a bundle, a message that comes late, and one on an old session.
        let second = world.add(JULIET);
        world.publish_lists();
        let stanza = world.write(juliet, romeo, Version::Omemo2, b"first");
        world.expect(romeo, juliet, &stanza, b"first");
        let exchange = world.write(second, romeo, Version::Omemo2, b"exchange");
        let late = world.write(juliet, romeo, Version::Omemo2, b"late");
        let stanza = world.write(juliet, romeo, Version::Omemo2, b"early");
        world.expect(romeo, juliet, &stanza, b"early");

        let before = signed_pre_keys(&world, romeo);
        if there > 0 {
            world.now = true_time + there;
        }
        if back && there == 0 {
            world.now = true_time - YEARS;
        }
        // However often it is asked for, there is one rotation.
        for _ in 0..5 {
            maintain(&mut world, romeo);
        }
        let jumped = signed_pre_keys(&world, romeo);
        let next = before.map(|id| SignedPreKeyId::new(id.get() + 1).unwrap());
        assert_eq!(jumped, next);
        if back && there > 0 {
            // The clock is right again: the key from the future does not stay for ten years.
            world.now = true_time;
            for _ in 0..5 {
                maintain(&mut world, romeo);
            }
            let next = next.map(|id| SignedPreKeyId::new(id.get() + 1).unwrap());
            assert_eq!(signed_pre_keys(&world, romeo), next);
        }
        world.expect(romeo, second, &exchange, b"exchange");
        // A skipped key is given up by age; a clock that was put back makes none older.
        if there == 0 {
            world.expect(romeo, juliet, &late, b"late");
        }
        for version in Version::ALL {
            let stanza = world.write(juliet, romeo, version, b"after");
            world.expect(romeo, juliet, &stanza, b"after");
            let stanza = world.write(romeo, juliet, version, b"after");
            world.expect(juliet, romeo, &stanza, b"after");
        }
    }
}

#[test]
fn i3_a_stanza_with_two_keys_is_handed_out_until_it_is_acknowledged() {
    let mut world = World::of_two(3);
    let now = world.time();
    for (device, other) in [(0, ROMEO), (1, JULIET)] {
        let account = &world.devices[device].account;
        account.set_accepted(&jid(other), true, now).unwrap();
        account.begin_catch_up(Order::OldestFirst, now).unwrap();
    }
    // An empty element in one version, beside a message in the other.
    let mut stanza = world.write(0, 1, Version::Legacy, b"text");
    let peer = world.devices[1].peer(Version::Omemo2);
    let bundle = world.fetch(&peer);
    let account = &world.devices[0].account;
    let empty = account.encrypt_empty(&peer, Some(&bundle), now, &mut world.rng);
    stanza.extend(world.for_device(1, &[empty.unwrap()]));
    let mut ids = Vec::new();
    for is_again in [false, true, true] {
        let Received::Message(message) = world.read(1, 0, &stanza) else {
            panic!("it waits");
        };
        assert_eq!(message.payload.as_slice(), b"text");
        assert_eq!(message.is_again, is_again);
        ids.push(message.id);
    }
    assert!(ids.iter().all(|id| *id == ids[0]));
    let account = &world.devices[1].account;
    account
        .acknowledge(&[ids[0]], omemo::account::APPLICATION)
        .unwrap();
    let again = world.read(1, 0, &stanza);
    assert!(matches!(again, Received::Duplicate(_)), "{again:?}");
}

/// The longest addresses that there are, on both sides.
#[test]
fn the_longest_names_have_room_in_a_store() {
    let long = |letter: &str| {
        let domain = [letter.repeat(63).as_str(); 16].join(".");
        format!("{}@{domain}", letter.repeat(1023))
    };
    let mut world = World::new(13);
    for address in [long("a"), long("b")] {
        assert_eq!(address.len(), 2047);
        world.add(&address);
    }
    world.publish_lists();
    for version in Version::ALL {
        let late = world.write(0, 1, version, b"late");
        for text in [b"one", b"two"] {
            let stanza = world.write(0, 1, version, text);
            world.expect(1, 0, &stanza, text);
        }
        world.expect(1, 0, &late, b"late");
    }
}

/// Whatever is asked of it, it gives the same.
struct Stuck;

impl TryRng for Stuck {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(7)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(7)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        bytes.fill(7);
        Ok(())
    }
}

impl TryCryptoRng for Stuck {}

#[test]
fn a_stuck_generator_draws_no_other_device_id() {
    let mut world = World::of_two(14);
    let mut account = world.devices[0].account.clone();
    let before = account.device();
    account.change_device_id(&[before], &mut Stuck).unwrap();
    let drawn = account.device();
    assert_ne!(drawn, before);
    let outcome = account.change_device_id(&[drawn], &mut Stuck);
    assert_eq!(outcome, Err(AccountError::NoId));
    assert_eq!(account.device(), drawn);
    account.change_device_id(&[drawn], &mut world.rng).unwrap();
    assert_ne!(account.device(), drawn);
}
