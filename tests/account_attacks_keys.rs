//! Keys that run out, come back, pile up or are left behind.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod adversary;
mod world;

use std::collections::BTreeSet;
use std::sync::Arc;

use adversary::{MALLORY, Mallory, bundle, give, journalled, message, refused, text_of, unchanged};
use omemo::account::{
    APPLICATION, Account, Arrival, EncryptError, FailureReason, Gap, Incarnation, Incoming,
    LabelError, Opening, Order, Received, Refusal, Sender,
};
use omemo::error;
use omemo::model::{DeviceId, Version};
use omemo::protocol::KeyMaterial;
use omemo::session::Session;
use omemo::store::faults::{FaultPlan, Faulty};
use omemo::store::{Batch, MemoryStore, Scope, Store, Table};
use rand::rngs::StdRng;
use world::{DAY, JULIET, ROMEO, Stanza, World, jid, options};

const ROMEOS: usize = 1;
const MESSAGE_KEYS: Table = Table::new(2);
const CHAINS: Table = Table::new(3);
const SESSIONS: Table = Table::new(4);

/// How many keys were put away. A digest of a message that was read is shorter.
fn put_away(store: &MemoryStore) -> usize {
    let records = store.dump().into_iter();
    records
        .filter(|record| record.key.table == MESSAGE_KEYS && record.value.len() > 16)
        .count()
}

fn left_of_sessions(store: &MemoryStore) -> usize {
    let tables = [MESSAGE_KEYS, CHAINS, SESSIONS];
    let records = store.dump().into_iter();
    records
        .filter(|record| tables.contains(&record.key.table))
        .count()
}

fn pass(world: &mut World, session: &mut Session, count: usize) {
    for _ in 0..count {
        let key = KeyMaterial::new(&[0; 32]);
        session.encrypt(&key, &mut world.rng).unwrap();
    }
}

/// Romeo's account on a store that counts.
fn counted(world: &mut World) -> (Arc<Faulty<MemoryStore>>, Account) {
    let store = Arc::new(Faulty::new(MemoryStore::new(), FaultPlan::none()));
    let mut options = options();
    options.inbox = None;
    let now = world.time();
    let account = Account::open(store.clone(), jid(ROMEO), options, now, &mut world.rng).unwrap();
    (store, account)
}

fn read(account: &Account, stanza: &Stanza, world: &mut World) -> Received {
    let senders = [jid(MALLORY)];
    let incoming = Incoming {
        sender: Sender::among(&senders),
        elements: stanza,
        arrival: Arrival::Live,
        author: None,
        attached: &[],
    };
    let now = world.time();
    account.decrypt(&incoming, now, &mut world.rng).unwrap()
}

fn failed(received: &Received) -> FailureReason {
    match received {
        Received::Failed(failure) => failure.reason,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a08_thirty_thousand_gaps_leave_ten_thousand_keys() {
    let mut world = World::new(8);
    let (store, account) = counted(&mut world);
    let mallory = Mallory::new(&mut world);
    let offered = account.bundle(Version::Omemo2).unwrap().bundle;
    let mut session = mallory.session(&mut world, &offered);
    let first = mallory.write(&mut world, &mut session, b"first");
    assert_eq!(text_of(&read(&account, &first, &mut world)), b"first");
    let mut kept = Vec::new();
    for _ in 0..3 {
        kept.push(mallory.write(&mut world, &mut session, b"kept"));
        pass(&mut world, &mut session, 9_998);
        kept.push(mallory.write(&mut world, &mut session, b"kept"));
        let stanza = mallory.write(&mut world, &mut session, b"jump");
        assert_eq!(text_of(&read(&account, &stanza, &mut world)), b"jump");
        // None of the ten thousand of one jump is lost.
        assert_eq!(put_away(store.inner()), 10_000);
    }
    for stanza in &kept[..4] {
        assert_eq!(
            failed(&read(&account, stanza, &mut world)),
            FailureReason::KeyGone
        );
    }
    for stanza in &kept[4..] {
        assert_eq!(text_of(&read(&account, stanza, &mut world)), b"kept");
        assert!(matches!(
            read(&account, stanza, &mut world),
            Received::Duplicate(_)
        ));
    }
    assert!(matches!(
        read(&account, &first, &mut world),
        Received::Duplicate(_)
    ));

    // At the limit a gap costs no more than elsewhere, but for once in a thousand.
    let before = store.calls();
    for _ in 0..500 {
        pass(&mut world, &mut session, 1);
        let stanza = mallory.write(&mut world, &mut session, b"gap");
        assert_eq!(text_of(&read(&account, &stanza, &mut world)), b"gap");
        assert!(put_away(store.inner()) <= 10_000);
    }
    let each = (store.calls() - before) / 500;
    assert!(each <= 20, "{each} calls a message");
    account.remove().unwrap();
    assert_eq!(store.inner().dump().len(), 0);
}

#[test]
fn a08_a_hundred_thousand_keys_are_kept_of_all() {
    let mut world = World::new(9);
    let (store, account) = counted(&mut world);
    let mut mallory = Mallory::new(&mut world);
    let mut sessions = Vec::new();
    for id in 1..=10 {
        mallory.device = DeviceId::new(id).unwrap();
        let offered = account.bundle(Version::Omemo2).unwrap().bundle;
        let mut session = mallory.session(&mut world, &offered);
        pass(&mut world, &mut session, 10_000);
        let stanza = mallory.write(&mut world, &mut session, b"jump");
        assert_eq!(text_of(&read(&account, &stanza, &mut world)), b"jump");
        world.now += 1;
        sessions.push(session);
    }
    assert_eq!(put_away(store.inner()), 100_000);
    // Each at its limit, and all at theirs.
    let before = store.calls();
    for round in 0..50 {
        let at = round % sessions.len();
        mallory.device = DeviceId::new(u32::try_from(at + 1).unwrap()).unwrap();
        let session = &mut sessions[at];
        pass(&mut world, session, 1);
        let stanza = mallory.write(&mut world, session, b"gap");
        assert_eq!(text_of(&read(&account, &stanza, &mut world)), b"gap");
    }
    assert!(put_away(store.inner()) <= 100_000);
    let each = (store.calls() - before) / 50;
    assert!(each <= 40, "{each} calls a message");
}

/// What a stranger's longest address makes of the names of 40,000 keys is more than a store takes at once.
#[test]
fn a08_keys_with_long_names_expire_in_several_writes() {
    let mut world = World::new(8);
    let romeo = world.add(ROMEO);
    let mut mallory = Mallory::new(&mut world);
    let label = "m".repeat(63);
    let domain = [label.as_str(); 16].join(".");
    let sender = jid(&format!("{}@{domain}", "m".repeat(1023)));
    for id in 1..=4 {
        mallory.device = DeviceId::new(id).unwrap();
        let offered = bundle(&world, romeo, Version::Omemo2);
        let mut session = mallory.session(&mut world, &offered);
        pass(&mut world, &mut session, 10_000);
        let stanza = mallory.write(&mut world, &mut session, b"jump");
        let read = give(&mut world, romeo, core::slice::from_ref(&sender), &stanza);
        assert_eq!(text_of(&read), b"jump");
    }
    assert_eq!(put_away(&world.devices[romeo].store), 40_000);
    // The same for a copy of the store that is too old.
    let (now, copy) = (world.time(), Arc::new(world.devices[romeo].store.copy()));
    let mut options = options();
    options.incarnations = Some(vec![Incarnation::from_bytes([1; 16])]);
    let restored = Account::open(copy.clone(), jid(ROMEO), options, now, &mut world.rng).unwrap();
    assert_eq!(restored.opening(), Opening::RolledBack);
    assert_eq!(put_away(&copy), 0);
    let offered = bundle(&world, romeo, Version::Omemo2).signed_pre_key_id;
    world.now += 31 * DAY;
    let (now, rng) = (world.time(), &mut world.rng);
    let account = &world.devices[romeo].account;
    account.maintain(now, rng).unwrap();
    let bundle = account.bundle(Version::Omemo2).unwrap().bundle;
    assert_ne!(bundle.signed_pre_key_id, offered);
    assert_eq!(put_away(&world.devices[romeo].store), 0);
}

/// A sealed store decrypts a whole partition each time that it is asked for a part of it.
#[test]
fn a08_the_keys_of_a_chain_are_asked_for_at_once() {
    let mut world = World::new(10);
    let (store, account) = counted(&mut world);
    let mallory = Mallory::new(&mut world);
    let offered = account.bundle(Version::Omemo2).unwrap().bundle;
    let mut session = mallory.session(&mut world, &offered);
    for (skipped, most) in [(10_000, 25), (1, 25), (9000, 25)] {
        pass(&mut world, &mut session, skipped);
        let stanza = mallory.write(&mut world, &mut session, b"jump");
        let before = store.calls();
        assert_eq!(text_of(&read(&account, &stanza, &mut world)), b"jump");
        let calls = store.calls() - before;
        println!("{skipped}: {calls}");
        assert!(calls <= most, "{calls} calls for a jump over {skipped}");
    }
}

#[test]
fn a24_a_hundred_peers_use_up_a_bundle_that_stays_full() {
    for version in Version::ALL {
        let mut world = World::of_two(24);
        let mut mallory = Mallory::new(&mut world);
        let mut ids = BTreeSet::new();
        for id in 1..=100 {
            let offered = world.devices[ROMEOS].account.bundle(version).unwrap();
            assert_eq!(offered.bundle.pre_keys.len(), 100);
            let (revision, account) = (offered.revision, &world.devices[ROMEOS].account);
            account.bundle_published(version, revision).unwrap();
            let others = Version::ALL.into_iter().filter(|other| *other != version);
            let due = account.bundles_due().unwrap();
            assert!(due.into_iter().eq(others));
            ids.extend(offered.bundle.pre_keys.iter().map(|key| key.id.get()));
            mallory.device = DeviceId::new(id).unwrap();
            let exchange = mallory.exchange(&mut world, &offered.bundle, b"hello");
            let read = give(&mut world, ROMEOS, &[jid(MALLORY)], &exchange);
            assert_eq!(text_of(&read), b"hello");
            let account = &world.devices[ROMEOS].account;
            assert!(account.bundles_due().unwrap().contains(&version));
        }
        assert!(ids.into_iter().eq(1..=199));
    }
}

#[test]
fn a35_a_counter_at_its_end_is_reported_and_not_used_again() {
    for version in Version::ALL {
        let mut world = World::new(35);
        let mut options = options();
        options.silent_after = None;
        let juliet = world.add_with(JULIET, options);
        let romeo = world.add(ROMEO);
        world.publish_lists();
        let stanza = world.write(juliet, romeo, version, b"hello");
        world.expect(romeo, juliet, &stanza, b"hello");
        let store = &world.devices[juliet].store;
        let mut record = store
            .dump()
            .into_iter()
            .find(|record| record.key.table == SESSIONS)
            .unwrap();
        record.value[291..295].copy_from_slice(&u32::MAX.to_le_bytes());
        let mut batch = Batch::new();
        batch.put(record.key, &record.value);
        let scope = Scope::new(JULIET);
        let generation = store.generation(&scope).unwrap();
        let _ = store.apply(&scope, generation, &batch).unwrap();
        let mut payloads = omemo::model::PerVersion::default();
        *payloads.get_mut(version) = Some(b"hello".as_slice());
        let outcome = unchanged(&mut world, juliet, |world| {
            world.send_in(juliet, &[jid(ROMEO)], payloads)
        });
        let Err(EncryptError::Refused(refusal)) = outcome else {
            panic!("{outcome:?}");
        };
        let Refusal::NobodyReached(_, report) = *refusal else {
            panic!("{refusal:?}");
        };
        let exhausted = Gap::Session(error::EncryptError::ChainExhausted);
        assert_eq!(report.skipped().next().unwrap().1, exhausted);
        let now = world.time();
        let account = &world.devices[juliet].account;
        account.reset_sessions(&jid(ROMEO), None, now).unwrap();
        let stanza = world.write(juliet, romeo, version, b"anew");
        world.expect(romeo, juliet, &stanza, b"anew");
    }
}

/// A backup is put back: nothing that it has is used a second time.
#[test]
fn a41_c09_a_store_that_was_put_back_uses_no_key_again() {
    for version in Version::ALL {
        let mut world = World::of_two(41);
        let now = world.time();
        let marker = {
            let account = &world.devices[0].account;
            let marker = account.next_incarnation(&mut world.rng).unwrap();
            account.enter_incarnation(&marker).unwrap();
            marker
        };
        let account = &world.devices[0].account;
        account.set_accepted(&jid(ROMEO), true, now).unwrap();
        let stanza = world.write(0, ROMEOS, version, b"hello");
        world.expect(ROMEOS, 0, &stanza, b"hello");
        for round in 0..3 {
            let stanza = world.write(ROMEOS, 0, version, &[round]);
            world.expect(0, ROMEOS, &stanza, &[round]);
        }
        let offered = bundle(&world, 0, version);
        let mallory = Mallory::new(&mut world);
        let backup = world.devices[0].store.copy();
        let next = {
            let account = &world.devices[0].account;
            let next = account.next_incarnation(&mut world.rng).unwrap();
            account.enter_incarnation(&next).unwrap();
            next
        };
        let exchange = mallory.exchange(&mut world, &offered, b"once");
        let read = give(&mut world, 0, &[jid(MALLORY)], &exchange);
        assert_eq!(text_of(&read), b"once");
        let before = world.write(0, ROMEOS, version, b"A");

        world.devices[0].store = Arc::new(backup);
        let mut kept = options();
        kept.incarnations = Some(vec![next]);
        assert_eq!(world.reopen(0, kept), Opening::RolledBack);
        assert_ne!(marker, next);
        unchanged(&mut world, 0, |world| {
            refused(world, 0, MALLORY, &exchange, FailureReason::UnknownPreKey);
        });
        let new = bundle(&world, 0, version);
        let old: BTreeSet<_> = offered.pre_keys.iter().map(|key| key.id).collect();
        assert!(new.pre_keys.iter().all(|key| !old.contains(&key.id)));
        let account = &world.devices[0].account;
        assert_eq!(account.bundles_due().unwrap(), Version::ALL);
        let after = world.write(0, ROMEOS, version, b"B");
        assert_ne!(message(&before).header().dh, message(&after).header().dh);
        world.expect(ROMEOS, 0, &before, b"A");
        world.expect(ROMEOS, 0, &after, b"B");

        // What Romeo writes on the old session meanwhile is read, late ones among them; and when it is
        // forgotten nothing of it stays.
        let mut world = world_where_romeo_is_put_back(version);
        let late: Vec<_> = (0..4)
            .map(|n| world.write(0, ROMEOS, version, &[n]))
            .collect();
        for n in [3, 1, 0, 2_u8] {
            world.expect(ROMEOS, 0, &late[usize::from(n)], &[n]);
        }
        world.devices[ROMEOS].account.forget(&jid(JULIET)).unwrap();
        assert_eq!(left_of_sessions(&world.devices[ROMEOS].store), 0);
    }
}

fn world_where_romeo_is_put_back(version: Version) -> World {
    let mut world = World::of_two(42);
    let stanza = world.write(0, ROMEOS, version, b"hello");
    world.expect(ROMEOS, 0, &stanza, b"hello");
    let account = &world.devices[ROMEOS].account;
    let marker = account.next_incarnation(&mut world.rng).unwrap();
    let mut kept = options();
    kept.incarnations = Some(vec![marker]);
    assert_eq!(world.reopen(ROMEOS, kept), Opening::RolledBack);
    world
}

#[test]
fn a48_a_label_of_a_keys_length_is_not_signed() {
    let mut world = World::of_two(48);
    for text in ["a".repeat(32), "a".repeat(33), "é".repeat(16)] {
        let outcome = unchanged(&mut world, 0, |world| {
            let account = &world.devices[0].account;
            account.set_label(Some(&text), &mut world.rng)
        });
        let refused = LabelError::Text(error::LabelError::KeyLength);
        assert_eq!(outcome, Err(refused));
    }
    let account = &world.devices[0].account;
    for text in ["a".repeat(31), "a".repeat(34)] {
        account.set_label(Some(&text), &mut world.rng).unwrap();
        let list = account.own_device_list(Version::Omemo2).unwrap();
        assert_eq!(
            list.devices.last().unwrap().label.as_ref().unwrap().text,
            text
        );
    }
}

fn signed_pre_key(world: &World) -> [u8; 32] {
    *bundle(world, ROMEOS, Version::Omemo2)
        .signed_pre_key
        .as_bytes()
}

fn maintain(world: &mut World) {
    let now = world.time();
    let rng: &mut StdRng = &mut world.rng;
    let account = &world.devices[ROMEOS].account;
    account.maintain(now, rng).unwrap();
}

#[test]
fn c12_a_clock_that_jumps_costs_no_key_and_stops_no_rotation() {
    let mut world = World::of_two(12);
    let offered = bundle(&world, ROMEOS, Version::Omemo2);
    let mallory = Mallory::new(&mut world);
    let exchange = mallory.exchange(&mut world, &offered, b"hello");
    let start = world.now;
    // Backwards: everything stays.
    world.now = start - 3650 * DAY;
    let before = world.devices[ROMEOS].dump().len();
    maintain(&mut world);
    assert!(world.devices[ROMEOS].dump().len() >= before);
    let read = give(&mut world, ROMEOS, &[jid(MALLORY)], &exchange);
    assert_eq!(text_of(&read), b"hello");
    // Forwards: one rotation, and what was written for the old one is still read.
    world.now = start + 3650 * DAY;
    let offered = bundle(&world, ROMEOS, Version::Omemo2);
    let mut other = Mallory::new(&mut world);
    other.device = DeviceId::new(667).unwrap();
    let exchange = other.exchange(&mut world, &offered, b"hello");
    let first = signed_pre_key(&world);
    maintain(&mut world);
    let second = signed_pre_key(&world);
    assert_ne!(first, second);
    maintain(&mut world);
    assert_eq!(signed_pre_key(&world), second);
    let read = give(&mut world, ROMEOS, &[jid(MALLORY)], &exchange);
    assert_eq!(text_of(&read), b"hello");
    // And back: a key of the future is not kept for ten years.
    world.now = start + DAY;
    let mut rotations = 0;
    for _ in 0..21 {
        let before = signed_pre_key(&world);
        maintain(&mut world);
        rotations += u32::from(signed_pre_key(&world) != before);
        world.now += DAY;
    }
    assert!((3..=4).contains(&rotations), "{rotations}");
}

/// Sessions that come in while the clock is wrong do not push each other out, and leave nothing behind.
#[test]
fn c12_a_session_that_comes_when_the_clock_was_put_back_has_its_place() {
    for version in Version::ALL {
        let mut world = World::of_two(13);
        let now = world.time();
        let account = &world.devices[ROMEOS].account;
        account.begin_catch_up(Order::OldestFirst, now).unwrap();
        let mallory = Mallory::new(&mut world);
        let offered = bundle(&world, ROMEOS, version);
        for _ in 0..7 {
            let exchange = mallory.exchange(&mut world, &offered, b"hello");
            let _ = give(&mut world, ROMEOS, &[jid(MALLORY)], &exchange);
        }
        // One more on a pre-key that was used, so that it is an old one from the beginning.
        let account = &world.devices[ROMEOS].account;
        let left: BTreeSet<_> = account
            .bundle(version)
            .unwrap()
            .bundle
            .pre_keys
            .iter()
            .map(|key| key.id)
            .collect();
        let mut used = offered.clone();
        used.pre_keys.retain(|key| !left.contains(&key.id));
        assert!(!used.pre_keys.is_empty());
        world.now -= 3650 * DAY;
        let mut session = mallory.session(&mut world, &used);
        for text in [b"one", b"two"] {
            let stanza = mallory.write(&mut world, &mut session, text);
            let Received::Message(message) = give(&mut world, ROMEOS, &[jid(MALLORY)], &stanza)
            else {
                panic!("not read");
            };
            assert_eq!(message.payload.as_slice(), text);
        }
        let account = &world.devices[ROMEOS].account;
        account.forget(&jid(MALLORY)).unwrap();
        assert_eq!(left_of_sessions(&world.devices[ROMEOS].store), 0);
    }
}

#[test]
fn a05_what_is_forgotten_leaves_nothing_but_what_was_thought_of_it() {
    for version in Version::ALL {
        let mut world = World::of_two(14);
        let now = world.time();
        let account = &world.devices[ROMEOS].account;
        account.set_accepted(&jid(JULIET), true, now).unwrap();
        let sent: Vec<_> = (0..20)
            .map(|n| world.write(0, ROMEOS, version, &[n]))
            .collect();
        for n in [7, 3, 12_u8] {
            world.expect(ROMEOS, 0, &sent[usize::from(n)], &[n]);
        }
        let unread = world.read(ROMEOS, 0, &sent[1]);
        assert_eq!(text_of(&unread), [1]);
        world.devices[ROMEOS].account.forget(&jid(JULIET)).unwrap();
        let account = &world.devices[ROMEOS].account;
        assert_eq!(left_of_sessions(&world.devices[ROMEOS].store), 0);
        assert!(account.inbox(APPLICATION).unwrap().is_empty());
        assert!(account.answers_due().unwrap().is_empty());
        assert_eq!(account.keys(&jid(JULIET)).unwrap().len(), 1);
        journalled(&mut world, ROMEOS, |world| {
            refused(
                world,
                ROMEOS,
                JULIET,
                &sent[2],
                FailureReason::UnknownPreKey,
            );
        });
    }
}
