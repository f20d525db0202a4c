//! Strangers: accounts that the user has not accepted. However many write, they make nothing slower.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod adversary;
mod world;

use std::ops::Range;
use std::sync::Arc;

use adversary::{MALLORY, Mallory, bundle, give, text_of};
use omemo::account::{Account, Arrival, Incoming, Received, Sender};
use omemo::model::{DeviceId, Version};
use omemo::store::faults::{FaultPlan, Faulty};
use omemo::store::{Batch, Key, MemoryStore, Scope, Store, Table};
use world::{DAY, ROMEO, World, jid, options};

const ANSWERS: Table = Table::new(9);
const VERSION: Version = Version::Omemo2;

/// So many strangers write a first message each.
fn flood(world: &mut World, account: &Account, numbers: Range<usize>) {
    for number in numbers {
        let mallory = Mallory::new(world);
        let offered = account.bundle(VERSION).unwrap().bundle;
        let mut session = mallory.session(world, &offered);
        let stanza = mallory.write(world, &mut session, b"spam");
        let senders = [jid(&format!("stranger{number}@verona.example"))];
        let incoming = Incoming {
            sender: Sender::among(&senders),
            elements: &stanza,
            arrival: Arrival::Live,
            author: None,
            attached: &[],
        };
        let now = world.time();
        let read = account.decrypt(&incoming, now, &mut world.rng).unwrap();
        assert!(matches!(read, Received::Message(_)), "{read:?}");
    }
}

/// What is looked through after each stanza is not what strangers have left.
#[test]
fn a_flood_of_first_messages_makes_no_stanza_slower() {
    let mut world = World::of_two(31);
    let store = Arc::new(Faulty::new(MemoryStore::new(), FaultPlan::none()));
    let now = world.time();
    let mut options = options();
    options.inbox = None;
    let account = Account::open(store.clone(), jid(ROMEO), options, now, &mut world.rng).unwrap();
    let mut calls = Vec::new();
    for numbers in [0..0, 0..11, 11..1000, 1000..4000] {
        flood(&mut world, &account, numbers);
        let before = store.calls();
        assert_eq!(account.answers_due().unwrap(), []);
        assert_eq!(account.repairs_due(now).unwrap(), []);
        calls.push(store.calls() - before);
    }
    println!("after 0, 11, 1,000 and 4,000 strangers {calls:?} calls");
    assert!(calls.iter().all(|count| *count == calls[0]), "{calls:?}");
}

/// What is owed follows the user's wish: held for a stranger, due once he is accepted, and held again.
#[test]
fn an_answer_is_held_until_the_user_accepts_who_waits_for_it() {
    let mut world = World::of_two(32);
    let mut mallory = Mallory::new(&mut world);
    for id in [7, 8] {
        mallory.device = DeviceId::new(id).unwrap();
        let offered = bundle(&world, 1, VERSION);
        let mut session = mallory.session(&mut world, &offered);
        let stanza = mallory.write(&mut world, &mut session, b"hello");
        assert_eq!(
            text_of(&give(&mut world, 1, &[jid(MALLORY)], &stanza)),
            b"hello"
        );
    }
    let account = world.devices[1].account.clone();
    let due = |account: &Account| account.answers_due().unwrap().len();
    let now = world.time();
    assert_eq!(due(&account), 0);
    account.set_accepted(&jid(MALLORY), true, now).unwrap();
    assert_eq!(due(&account), 2);
    account.set_accepted(&jid(MALLORY), false, now).unwrap();
    assert_eq!(due(&account), 0);
    account.set_accepted(&jid(MALLORY), true, now).unwrap();
    let answer = account.answers_due().unwrap().remove(0);
    account
        .encrypt_empty(&answer.peer, None, now, &mut world.rng)
        .unwrap();
    assert_eq!(due(&account), 1);
    // Nothing of it stays when its sessions go.
    account.set_accepted(&jid(MALLORY), false, now).unwrap();
    account.forget(&jid(MALLORY)).unwrap();
    account.set_accepted(&jid(MALLORY), true, now).unwrap();
    assert_eq!(due(&account), 0);
    let dump = world.devices[1].dump();
    assert!(dump.iter().all(|record| record.key.table != ANSWERS));
}

/// Older versions kept all answers in one place. The daily upkeep puts those of strangers apart.
#[test]
fn what_an_older_version_owes_to_strangers_is_held_as_well() {
    let mut world = World::of_two(33);
    let account = world.devices[1].account.clone();
    flood(&mut world, &account, 0..50);
    let store = world.devices[1].store.clone();
    let scope = Scope::new(ROMEO);
    let mut batch = Batch::new();
    for record in store.dump() {
        if record.key.table == ANSWERS {
            let (_, stranger) = record.key.partition.split_at(ROMEO.len() + 1);
            let sort = [stranger, &[0], &record.key.sort].concat();
            batch.put(Key::new(ANSWERS, ROMEO, sort), &record.value);
            batch.delete(record.key);
        }
    }
    assert_eq!(batch.changes().len(), 100);
    let generation = store.generation(&scope).unwrap();
    let _ = store.apply(&scope, generation, &batch).unwrap();
    let of_all = |store: &MemoryStore| {
        let records = store.dump().into_iter();
        let answers = records.filter(|record| record.key.table == ANSWERS);
        answers
            .filter(|record| record.key.partition == ROMEO.as_bytes())
            .count()
    };
    assert_eq!(of_all(&store), 50);
    world.now += DAY;
    let now = world.time();
    account.maintain(now, &mut world.rng).unwrap();
    assert_eq!(of_all(&store), 0);
    let stranger = jid("stranger7@verona.example");
    account.set_accepted(&stranger, true, now).unwrap();
    assert_eq!(account.answers_due().unwrap()[0].peer.jid, stranger);
}
