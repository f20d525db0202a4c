//! Removing an account, and forgetting a contact, when there is much of it: in bounded steps, and to the end also
//! after a crash.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod adversary;
mod world;

use std::sync::Arc;

use adversary::{MALLORY, Mallory, bundle, give, text_of};
use omemo::account::{Account, AccountError, Opening};
use omemo::model::{BareJid, Device, DeviceId, DeviceList, Timestamp, Version};
use omemo::store::faults::{Fault, FaultPlan, Faulty};
use omemo::store::{MemoryStore, Store, StoreError, Table};
use world::{JULIET, ROMEO, World, jid, options};

const CHAINS: Table = Table::new(3);
const SESSIONS: Table = Table::new(4);
const VERSION: Version = Version::Omemo2;

/// Juliet's account and so many contacts, each with a device.
fn with_contacts(count: u32) -> World {
    let mut world = World::new(5);
    world.add(JULIET);
    let now = world.time();
    for number in 0..count {
        let contact: BareJid = jid(&format!("contact{number}@montague.example"));
        let devices = vec![Device {
            id: DeviceId::new(number + 1).unwrap(),
            label: None,
        }];
        let list = DeviceList {
            version: VERSION,
            devices,
        };
        let account = &world.devices[0].account;
        account.set_device_list(&contact, &list, now).unwrap();
    }
    world
}

fn open(world: &mut World, store: Arc<dyn Store>) -> Result<Account, AccountError> {
    let now = world.time();
    Account::open(store, jid(JULIET), options(), now, &mut world.rng)
}

#[test]
fn a_removal_that_was_begun_is_finished_and_nobody_sees_a_half() {
    let mut world = with_contacts(5000);
    let store = Arc::new(Faulty::new(
        world.devices[0].store.copy(),
        FaultPlan::none(),
    ));
    let account = open(&mut world, store.clone()).unwrap();
    let before = store.applies();
    account.remove().unwrap();
    let applies = store.applies() - before;
    println!("5,000 contacts are removed with {applies} applies");
    assert!((4..=12).contains(&applies), "{applies} applies");
    assert_eq!(store.inner().dump().len(), 0);
    for nth in before..before + applies {
        for fault in [Fault::Before(StoreError::Io), Fault::After(StoreError::Io)] {
            let plan = FaultPlan::none().apply(nth, fault);
            let store = Arc::new(Faulty::new(world.devices[0].store.copy(), plan));
            let account = open(&mut world, store.clone()).unwrap();
            let other = account.clone();
            let (old, device) = (other.fingerprint(), other.device());
            account.remove().unwrap_err();
            let is_whole = nth == before && matches!(fault, Fault::Before(_));
            // The account is there, or is not.
            let listed = Account::all_in(&*store).unwrap();
            let kept = other.devices(&jid("contact4999@montague.example"));
            if is_whole {
                assert_eq!(listed, [jid(JULIET)]);
                assert_eq!(kept.unwrap().len(), 1);
                continue;
            }
            assert_eq!(listed, []);
            assert_eq!(kept, Err(AccountError::Gone));
            let account = open(&mut world, store.clone()).unwrap();
            assert_eq!(account.opening(), Opening::Created);
            assert!(account.fingerprint() != old && account.device() != device);
            assert_eq!(account.contacts().unwrap(), [jid(JULIET)]);
            let fresh = World::new(6).add_alone();
            assert_eq!(store.inner().dump().len(), fresh);
        }
    }
}

impl World {
    /// How many records a new account has.
    fn add_alone(mut self) -> usize {
        self.add(JULIET);
        self.devices[0].dump().len()
    }
}

/// A store that is asked for a number of records in proportion to the number of contacts.
#[test]
fn a_removal_takes_calls_in_proportion_to_the_contacts() {
    let calls = [500, 2000].map(|count| {
        let mut world = with_contacts(count);
        let store = Arc::new(Faulty::new(
            world.devices[0].store.copy(),
            FaultPlan::none(),
        ));
        let account = open(&mut world, store.clone()).unwrap();
        let before = store.calls();
        account.remove().unwrap();
        store.calls() - before
    });
    println!("500 and 2,000 contacts: {calls:?} calls");
    assert!(calls[1] <= 4 * calls[0] + 20, "{calls:?}");
    // Its devices, those that were evicted, and its chains are read.
    assert!(calls[1] <= 3 * 2000 + 50, "{calls:?}");
}

/// Mallory has 300 devices with a session each, and the store fails somewhere on the way.
#[test]
fn forgetting_that_was_begun_is_finished() {
    let mut world = World::new(7);
    let romeo = world.add(ROMEO);
    let now: Timestamp = world.time();
    let account = world.devices[romeo].account.clone();
    account.set_accepted(&jid(MALLORY), true, now).unwrap();
    let mut last = None;
    for id in 1..=300 {
        let mallory = Mallory {
            device: DeviceId::new(id).unwrap(),
            ..Mallory::new(&mut world)
        };
        let offered = bundle(&world, romeo, VERSION);
        let mut session = mallory.session(&mut world, &offered);
        for n in 0..40 {
            let stanza = mallory.write(&mut world, &mut session, b"text");
            // Each second is lost.
            if n % 20 == 1 {
                let read = give(&mut world, romeo, &[jid(MALLORY)], &stanza);
                assert_eq!(text_of(&read), b"text");
            }
        }
        last = Some((mallory, session));
    }
    let of_mallory = |store: &MemoryStore| {
        let records = store.dump().into_iter();
        let tables = [CHAINS, SESSIONS];
        records
            .filter(|record| tables.contains(&record.key.table))
            .count()
    };
    let whole = world.devices[romeo].store.copy();
    assert_eq!(of_mallory(&whole), 600);
    let mut is_partly = 0;
    for (nth, fault) in [
        (0, Fault::After(StoreError::Io)),
        (1, Fault::Before(StoreError::Io)),
        (1, Fault::After(StoreError::Io)),
    ] {
        let count = |plan| Arc::new(Faulty::new(whole.copy(), plan));
        let now = world.time();
        let store = count(FaultPlan::none());
        Account::open(store.clone(), jid(ROMEO), options(), now, &mut world.rng).unwrap();
        let store = count(FaultPlan::none().apply(store.applies() + nth, fault));
        let opened = Account::open(store.clone(), jid(ROMEO), options(), now, &mut world.rng);
        opened.unwrap().forget(&jid(MALLORY)).unwrap_err();
        is_partly += usize::from(of_mallory(store.inner()) > 0);
        let opened = Account::open(store.clone(), jid(ROMEO), options(), now, &mut world.rng);
        assert_eq!(of_mallory(store.inner()), 0);
        assert_eq!(opened.unwrap().devices(&jid(MALLORY)).unwrap().len(), 300);
    }
    assert!(is_partly > 0);
    // What begins afterwards stays.
    account.forget(&jid(MALLORY)).unwrap();
    let (mallory, _) = last.unwrap();
    let offered = bundle(&world, romeo, VERSION);
    let mut session = mallory.session(&mut world, &offered);
    let stanza = mallory.write(&mut world, &mut session, b"again");
    let read = give(&mut world, romeo, &[jid(MALLORY)], &stanza);
    assert_eq!(text_of(&read), b"again");
    world.reopen(romeo, options());
    assert_eq!(of_mallory(&world.devices[romeo].store), 2);
}
