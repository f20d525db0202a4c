//! C04 to C07: a store that fails at every single call in turn, for every operation of an account.
//!
//! After each failure the error is the store's, the state is the one before or the one after, and the
//! operation succeeds when it is done again. Then everybody writes to everybody, and all of it is read,
//! and no message key has encrypted two things.

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
use omemo::account::{
    APPLICATION, Account, AccountError, Arrival, Bundles, EmptyError, EncryptError, Incarnation,
    Incoming, Opening, Options, Order, Outgoing, Peer, Received, Sent, Trust,
};
use omemo::model::{Encrypted, PerVersion, RecipientKey, Timestamp, Version};
use omemo::store::faults::{Fault, FaultPlan, Faulty};
use omemo::store::{MemoryStore, Store, StoreError};
use rand::SeedableRng;
use rand::rngs::StdRng;
use world::{DAY, Device, JULIET, ROMEO, Stanza, World, jid};

const JULIETS: usize = 0;
const ROMEOS: usize = 1;

/// Nobody is left out for not answering.
fn options() -> Options {
    let mut options = world::options();
    options.silent_after = None;
    options
}

/// An operation that opens the account of a store and does something with it.
trait Operation<T>: Fn(Arc<dyn Store>, &mut StdRng) -> Result<T, AccountError> {}
impl<T, F: Fn(Arc<dyn Store>, &mut StdRng) -> Result<T, AccountError>> Operation<T> for F {}

/// An operation on the account of that address.
fn on<T>(
    address: &'static str,
    now: Timestamp,
    operation: impl Fn(&Account, &mut StdRng) -> Result<T, AccountError>,
) -> impl Operation<T> {
    move |store, rng| {
        let account = Account::open(store, jid(address), options(), now, rng)?;
        operation(&account, rng)
    }
}

/// The same devices with stores of their own.
fn copy(world: &World) -> World {
    let mut devices = Vec::new();
    for device in &world.devices {
        devices.push(open(world, device.store.copy(), device.jid().as_str()));
    }
    World {
        devices,
        rng: StdRng::seed_from_u64(1000),
        now: world.now,
    }
}

fn open(world: &World, store: MemoryStore, address: &str) -> Device {
    let store = Arc::new(store);
    let mut rng = StdRng::seed_from_u64(0);
    let now = world.time();
    let account = Account::open(store.clone(), jid(address), options(), now, &mut rng).unwrap();
    Device { store, account }
}

/// Lets the operation fail at each of its calls, in each way. After each the operation is done again on
/// what is left, and `check` gets the world and what came of it.
fn fails_everywhere<T>(
    world: &World,
    device: usize,
    operation: &impl Operation<T>,
    check: &impl Fn(&mut World, T),
) {
    let before = &world.devices[device].store;
    let states = states(before, operation);
    let calls = states.last().unwrap().0;
    let trial = |plan: FaultPlan| {
        let store = Arc::new(Faulty::new(before.copy(), plan));
        let outcome = operation(store.clone(), &mut StdRng::seed_from_u64(1));
        (outcome.map(|_| ()), store.inner().copy())
    };
    let again = |left: MemoryStore, what: &str| {
        let mut world = copy(world);
        let store = Arc::new(left);
        let outcome = operation(store.clone(), &mut StdRng::seed_from_u64(2));
        let outcome = outcome.unwrap_or_else(|error| panic!("{what}: {error}"));
        // Where the operation has removed the account, there is nothing to open.
        if !store.dump().is_empty() {
            let address = world.devices[device].jid().to_string();
            world.devices[device] = open(&world, store.copy(), &address);
        }
        check(&mut world, outcome);
    };
    for call in 0..calls {
        let last_before = states.iter().rev().find(|(at, _)| *at <= call).unwrap();
        let next_after = states.iter().find(|(at, _)| *at > call).unwrap();
        for fault in [StoreError::Full, StoreError::Busy, StoreError::Io] {
            let what = format!("{fault:?} at call {call} of {calls}");
            let plan = FaultPlan::none().call(call, Fault::Before(fault));
            let (outcome, left) = trial(plan);
            assert_eq!(outcome, Err(AccountError::Store(fault)), "{what}");
            assert!(
                left.dump() == last_before.1,
                "{what}: something has changed"
            );
            // What is left is the same for all of them.
            if fault == StoreError::Io {
                again(left, &what);
            }
        }
        let what = format!("after call {call} of {calls}");
        let plan = FaultPlan::none().call(call, Fault::After(StoreError::Io));
        let (outcome, left) = trial(plan);
        assert_eq!(outcome, Err(AccountError::Store(StoreError::Io)), "{what}");
        let is_apply = next_after.0 == call + 1;
        let expected = if is_apply {
            &next_after.1
        } else {
            &last_before.1
        };
        assert!(left.dump() == *expected, "{what}: not the state after it");
        again(left, &what);

        let what = format!("a conflict at call {call} of {calls}");
        let (outcome, _) = trial(FaultPlan::none().call(call, Fault::Conflict));
        assert_eq!(outcome, Ok(()), "{what}");
    }
}

/// C07: lets the last `apply` of the operation write its first changes only: so many as `counts` says.
fn tears<T>(
    world: &World,
    device: usize,
    operation: &impl Operation<T>,
    counts: impl Iterator<Item = usize>,
    check: &impl Fn(&mut World, T),
) {
    let before = &world.devices[device].store;
    let address = world.devices[device].jid().to_string();
    let whole = Arc::new(Faulty::new(before.copy(), FaultPlan::none()));
    operation(whole.clone(), &mut StdRng::seed_from_u64(1)).unwrap();
    let (last, after) = (whole.applies() - 1, whole.inner().dump());
    for count in counts {
        let plan = FaultPlan::none().apply(last, Fault::Torn(count, StoreError::Io));
        let store = Arc::new(Faulty::new(before.copy(), plan));
        let outcome = operation(store.clone(), &mut StdRng::seed_from_u64(1)).map(|_| ());
        assert_eq!(outcome, Err(AccountError::Store(StoreError::Io)));
        if store.inner().dump() == after {
            break;
        }
        let mut world = copy(world);
        let left = Arc::new(store.inner().copy());
        let outcome = operation(left.clone(), &mut StdRng::seed_from_u64(2));
        let outcome = outcome.unwrap_or_else(|error| panic!("after {count} changes: {error}"));
        world.devices[device] = open(&world, left.copy(), &address);
        check(&mut world, outcome);
    }
}

/// The states that the store goes through, and how many calls were made when it was reached.
fn states<T>(
    before: &MemoryStore,
    operation: &impl Operation<T>,
) -> Vec<(u64, Vec<omemo::store::Record>)> {
    let run = |plan| {
        let store = Arc::new(Faulty::new(before.copy(), plan));
        let outcome = operation(store.clone(), &mut StdRng::seed_from_u64(1));
        (outcome.is_ok(), store)
    };
    let (is_ok, whole) = run(FaultPlan::none());
    assert!(is_ok);
    let mut states = vec![(0, before.dump())];
    for apply in 0..whole.applies() {
        let (_, store) = run(FaultPlan::none().apply(apply, Fault::After(StoreError::Io)));
        states.push((store.calls(), store.inner().dump()));
    }
    assert!(whole.inner().dump() == states.last().unwrap().1);
    states
}

/// Everybody writes to everybody in both versions, and all of it is read; no message key is used twice.
fn converse(world: &mut World, ledger: &mut Ledger) {
    for round in 0..2_u8 {
        for version in Version::ALL {
            for (from, to) in [(JULIETS, ROMEOS), (ROMEOS, JULIETS)] {
                let text = [b'c', round];
                let mut payloads = PerVersion::default();
                *payloads.get_mut(version) = Some(&text[..]);
                let recipient = world.devices[to].jid().clone();
                let sent = world.send_in(from, &[recipient], payloads).unwrap();
                assert!(ledger.takes_all(&sent.elements), "a key was used twice");
                let stanza = world.for_device(to, &sent.elements);
                world.expect(to, from, &stanza, &text);
            }
        }
    }
}

/// I2: it was read now, or waits in the inbox.
fn has_read(world: &World, device: usize, received: &Received, text: &[u8]) {
    match received {
        Received::Message(message) => assert_eq!(message.payload.as_slice(), text),
        Received::Duplicate(id) => {
            let account = &world.devices[device].account;
            let inbox = account.inbox(APPLICATION).unwrap();
            let waiting = inbox.iter().find(|message| message.id == *id).unwrap();
            assert_eq!(waiting.payload.as_slice(), text);
        }
        other => panic!("{other:?}"),
    }
}

fn account_error(error: EncryptError) -> AccountError {
    match error {
        EncryptError::Account(error) => error,
        other => panic!("{other}"),
    }
}

fn empty_error(error: EmptyError) -> AccountError {
    match error {
        EmptyError::Account(error) => error,
        other => panic!("{other}"),
    }
}

fn decrypting(
    address: &'static str,
    from: &'static str,
    stanza: Stanza,
    now: Timestamp,
) -> impl Operation<Received> {
    on(address, now, move |account, rng| {
        let incoming = Incoming {
            senders: &[jid(from)],
            elements: &stanza,
            arrival: Arrival::Live,
            attached: &[],
        };
        account.decrypt(&incoming, now, rng)
    })
}

/// Juliet and Romeo, who have talked in both versions.
fn acquainted() -> (World, Ledger) {
    let mut world = World::of_two(1);
    let mut ledger = Ledger::default();
    converse(&mut world, &mut ledger);
    (world, ledger)
}

/// Fails in every way, and tears.
fn all<T>(
    world: &World,
    device: usize,
    operation: &impl Operation<T>,
    check: &impl Fn(&mut World, T),
) {
    fails_everywhere(world, device, operation, check);
    tears(world, device, operation, 1.., check);
}

#[test]
fn c06_making_an_account() {
    let mut world = World::of_two(1);
    world.devices[JULIETS] = {
        // Not opened yet.
        let store = Arc::new(MemoryStore::new());
        let account = open(&world, MemoryStore::new(), JULIET).account;
        Device { store, account }
    };
    let now = world.time();
    let operation = |store: Arc<dyn Store>, rng: &mut StdRng| {
        let account = Account::open(store, jid(JULIET), options(), now, rng)?;
        assert_eq!(account.opening(), Opening::Created);
        Ok(account.device())
    };
    let states = states(&world.devices[JULIETS].store, &operation);
    assert_eq!(states.len(), 2);
    let calls = states[1].0;
    // Each of some hundred calls asks for a pre-key: some of them are enough.
    for call in (0..calls).filter(|call| call % 16 == 0 || call + 3 > calls) {
        for fault in [
            Fault::Before(StoreError::Full),
            Fault::Before(StoreError::Io),
            Fault::After(StoreError::Io),
        ] {
            let plan = FaultPlan::none().call(call, fault);
            let store = Arc::new(Faulty::new(MemoryStore::new(), plan));
            let outcome = operation(store.clone(), &mut StdRng::seed_from_u64(1));
            assert!(matches!(outcome, Err(AccountError::Store(_))));
            let is_there = call + 1 == calls && fault == Fault::After(StoreError::Io);
            assert_eq!(store.inner().dump().is_empty(), !is_there);
        }
    }
    // C07: what a torn batch leaves is an account that can be made, or one that is whole.
    for count in (1..).step_by(37) {
        let plan = FaultPlan::none().apply(0, Fault::Torn(count, StoreError::Io));
        let store = Arc::new(Faulty::new(MemoryStore::new(), plan));
        operation(store.clone(), &mut StdRng::seed_from_u64(1)).unwrap_err();
        let mut world = copy(&world);
        world.devices[JULIETS] = open(&world, store.inner().copy(), JULIET);
        world.publish_lists();
        converse(&mut world, &mut Ledger::default());
        if store.inner().dump() == states[1].1 {
            break;
        }
    }
}

/// Encrypting for Romeo's devices and Juliet's other one.
fn encrypting(now: Timestamp, bundles: Bundles) -> impl Operation<Sent> {
    on(JULIET, now, move |account, rng| {
        let outgoing = Outgoing {
            recipients: &[jid(ROMEO)],
            payloads: PerVersion {
                legacy: Some(b"text"),
                omemo2: Some(b"text"),
            },
            bundles: &bundles,
        };
        account.encrypt(&outgoing, now, rng).map_err(account_error)
    })
}

#[test]
fn c06_c07_encrypting_for_several_devices() {
    let mut world = World::of_two(2);
    let romeos_second = world.add(ROMEO);
    let juliets_second = world.add(JULIET);
    world.publish_lists();
    let ledger = Ledger::default();
    let used = PerVersion {
        legacy: true,
        omemo2: true,
    };
    let readers = [ROMEOS, romeos_second, juliets_second];
    let check = |ledger: &Ledger, world: &mut World, sent: &Sent| {
        assert_eq!(sent.report.encrypted().count(), readers.len());
        let mut ledger = ledger.clone();
        assert!(ledger.takes_all(&sent.elements));
        for reader in readers {
            let stanza = world.for_device(reader, &sent.elements);
            world.expect(reader, JULIETS, &stanza, b"text");
        }
        converse(world, &mut ledger);
    };

    // New sessions.
    let bundles = world.fetch_missing(JULIETS, &[jid(ROMEO)], used);
    assert_eq!(bundles.len(), readers.len());
    let operation = encrypting(world.time(), bundles);
    all(&world, JULIETS, &operation, &|world: &mut World, sent| {
        check(&ledger, world, &sent);
    });

    // Sessions that are there.
    let mut ledger = ledger;
    let sent = world.send(JULIETS, &[jid(ROMEO)], b"first").unwrap();
    assert!(ledger.takes_all(&sent.elements));
    let operation = encrypting(world.time(), Bundles::new());
    all(&world, JULIETS, &operation, &|world: &mut World, sent| {
        check(&ledger, world, &sent);
    });
}

#[test]
fn c06_c07_reading_a_key_exchange_and_a_message() {
    for version in Version::ALL {
        // A key exchange.
        let mut world = World::of_two(3);
        let stanza = world.write(JULIETS, ROMEOS, version, b"first");
        assert!(stanza[0].keys[0].key_exchange);
        let operation = decrypting(ROMEO, JULIET, stanza.clone(), world.time());
        let check = |world: &mut World, received: Received| {
            has_read(world, ROMEOS, &received, b"first");
            converse(world, &mut Ledger::default());
        };
        all(&world, ROMEOS, &operation, &check);

        // While catching up the pre-key is kept.
        let now = world.time();
        let account = &world.devices[ROMEOS].account;
        account.begin_catch_up(Order::OldestFirst, now).unwrap();
        all(&world, ROMEOS, &operation, &check);

        // A message that opens a new chain, and one behind it.
        let (mut world, ledger) = acquainted();
        let first = world.write(JULIETS, ROMEOS, version, b"first");
        let second = world.write(JULIETS, ROMEOS, version, b"second");
        let operation = decrypting(ROMEO, JULIET, first, world.time());
        all(
            &world,
            ROMEOS,
            &operation,
            &|world: &mut World, received| {
                has_read(world, ROMEOS, &received, b"first");
                let received = world.read(ROMEOS, JULIETS, &second);
                has_read(world, ROMEOS, &received, b"second");
                converse(world, &mut ledger.clone());
            },
        );
    }
}

#[test]
fn c06_c07_reading_out_of_order() {
    let (mut world, ledger) = acquainted();
    world.reopen(JULIETS, options());
    let version = Version::Omemo2;
    let late = world.write(JULIETS, ROMEOS, version, b"late");
    for _ in 0..1000 {
        world.write(JULIETS, ROMEOS, version, b"lost");
    }
    let early = world.write(JULIETS, ROMEOS, version, b"early");

    // The jump over 1,001 messages.
    let operation = decrypting(ROMEO, JULIET, early.clone(), world.time());
    fails_everywhere(
        &world,
        ROMEOS,
        &operation,
        &|world: &mut World, received| {
            has_read(world, ROMEOS, &received, b"early");
            let received = world.read(ROMEOS, JULIETS, &late);
            has_read(world, ROMEOS, &received, b"late");
            converse(world, &mut ledger.clone());
        },
    );
    let counts = (1..).filter(|count| count % 97 == 0 || *count > 995);
    tears(
        &world,
        ROMEOS,
        &operation,
        counts,
        &|world: &mut World, received| {
            has_read(world, ROMEOS, &received, b"early");
            let received = world.read(ROMEOS, JULIETS, &late);
            has_read(world, ROMEOS, &received, b"late");
            converse(world, &mut ledger.clone());
        },
    );

    // The late one, whose key is among the skipped ones.
    world.expect(ROMEOS, JULIETS, &early, b"early");
    let operation = decrypting(ROMEO, JULIET, late, world.time());
    all(
        &world,
        ROMEOS,
        &operation,
        &|world: &mut World, received| {
            has_read(world, ROMEOS, &received, b"late");
        },
    );
}

#[test]
fn c06_c07_a_page_of_an_archive() {
    let mut world = World::of_two(4);
    let romeos_second = world.add(ROMEO);
    world.publish_lists();
    let mut stanzas = Vec::new();
    for n in 0..6_u8 {
        let version = Version::ALL[usize::from(n % 2)];
        let from = [JULIETS, JULIETS, romeos_second][usize::from(n % 3)];
        let text = vec![b'p', n];
        let stanza = world.write(from, ROMEOS, version, &text);
        stanzas.push((world.devices[from].jid().clone(), stanza, text));
    }
    stanzas.swap(2, 4);
    let (page, now) = (stanzas.clone(), world.time());
    let operation = on(ROMEO, now, move |account, rng| {
        let page: Vec<_> = page
            .iter()
            .map(|(sender, stanza, _)| Incoming {
                senders: core::slice::from_ref(sender),
                elements: stanza,
                arrival: Arrival::Archived,
                attached: &[],
            })
            .collect();
        account.decrypt_page(&page, now, rng)
    });
    all(
        &world,
        ROMEOS,
        &operation,
        &|world: &mut World, outcomes| {
            for (received, (_, _, text)) in outcomes.iter().zip(&stanzas) {
                has_read(world, ROMEOS, received, text);
            }
            assert_eq!(outcomes.len(), stanzas.len());
            converse(world, &mut Ledger::default());
        },
    );
}

#[test]
fn c06_c07_acknowledging() {
    let (mut world, ledger) = acquainted();
    let account = &world.devices[ROMEOS].account;
    account.add_consumer("notifications").unwrap();
    let stanza = world.write(JULIETS, ROMEOS, Version::Legacy, b"text");
    let Received::Message(message) = world.read(ROMEOS, JULIETS, &stanza) else {
        panic!("it is one");
    };
    for (consumer, other) in [
        (APPLICATION, "notifications"),
        ("notifications", APPLICATION),
    ] {
        let id = message.id;
        let operation = on(ROMEO, world.time(), move |account, _| {
            account.acknowledge(&id, consumer)
        });
        let is_last = other == APPLICATION;
        all(&world, ROMEOS, &operation, &|world: &mut World, ()| {
            let account = &world.devices[ROMEOS].account;
            assert!(account.inbox(consumer).unwrap().is_empty());
            assert_eq!(account.inbox(other).unwrap().is_empty(), is_last);
            converse(world, &mut ledger.clone());
        });
        let account = &world.devices[ROMEOS].account;
        account.acknowledge(&id, consumer).unwrap();
    }
}

#[test]
fn c06_c07_trust_and_device_lists() {
    let (world, ledger) = acquainted();
    let now = world.time();
    let key = world.devices[ROMEOS].account.fingerprint();
    let operation = on(JULIET, now, move |account, _| {
        account.set_trust(&jid(ROMEO), &key, Trust::Verified, now)
    });
    all(&world, JULIETS, &operation, &|world: &mut World, ()| {
        let account = &world.devices[JULIETS].account;
        let trust = account.trust(&jid(ROMEO), &key).unwrap();
        assert_eq!(trust, Trust::Verified);
        converse(world, &mut ledger.clone());
    });

    // A list with a new device, and one without an old one.
    let mut later = copy(&world);
    let third = later.add(ROMEO);
    let mut list = later.list(&jid(ROMEO), Version::Omemo2);
    list.devices.remove(0);
    let operation = on(JULIET, now, move |account, _| {
        account.set_device_list(&jid(ROMEO), &list, now)
    });
    let third = later.devices[third].id();
    all(&world, JULIETS, &operation, &|world: &mut World, _| {
        let account = &world.devices[JULIETS].account;
        let devices = account.devices(&jid(ROMEO)).unwrap();
        assert_eq!(devices.len(), 2);
        for device in devices {
            assert_eq!(device.versions.omemo2.listed, device.id == third);
        }
    });
}

#[test]
fn c06_c07_ending_a_catch_up() {
    let (mut world, _) = acquainted();
    let (account, now) = (&world.devices[ROMEOS].account, world.time());
    account.begin_catch_up(Order::OldestFirst, now).unwrap();
    // A used pre-key, a skipped key, an old session, and an element that waits.
    let from = world.add(JULIET);
    world.publish_lists();
    let stanza = world.write(from, ROMEOS, Version::Legacy, b"first");
    world.read(ROMEOS, from, &stanza);
    let late = world.write(JULIETS, ROMEOS, Version::Omemo2, b"late");
    let stanza = world.write(JULIETS, ROMEOS, Version::Omemo2, b"early");
    world.read(ROMEOS, JULIETS, &stanza);
    world.now += 8 * DAY;
    let now = world.time();
    let bundle = |world: &World, version| {
        let account = &world.devices[ROMEOS].account;
        account.bundle(version).unwrap().bundle
    };
    let before: Vec<_> = Version::ALL.iter().map(|v| bundle(&world, *v)).collect();
    let operation = on(ROMEO, now, move |account, rng| {
        account.end_catch_up(now, rng)
    });
    // One that was begun for a bundle of before.
    let juliet = world.add(JULIET);
    world.publish_lists();
    let old = world.write(juliet, ROMEOS, Version::Omemo2, b"old bundle");
    all(&world, ROMEOS, &operation, &|world: &mut World, ()| {
        for (version, before) in Version::ALL.into_iter().zip(&before) {
            let bundle = bundle(world, version);
            assert_ne!(bundle.signed_pre_key_id, before.signed_pre_key_id);
            assert!(bundle.pre_keys.len() >= 100);
        }
        let received = world.read(ROMEOS, JULIETS, &late);
        has_read(world, ROMEOS, &received, b"late");
        let received = world.read(ROMEOS, juliet, &old);
        has_read(world, ROMEOS, &received, b"old bundle");
        converse(world, &mut Ledger::default());
    });
}

#[test]
fn c06_c07_repair_and_reset() {
    let (world, ledger) = acquainted();
    let now = world.time();
    let peer = world.devices[ROMEOS].peer(Version::Legacy);
    let bundle = world.fetch(&peer);
    let operation = on(JULIET, now, move |account, rng| {
        account
            .repair(&peer, &bundle, now, rng)
            .map_err(empty_error)
    });
    let check = |world: &mut World, element: Encrypted<RecipientKey>| {
        let mut ledger = ledger.clone();
        assert!(element.keys[0].key_exchange);
        assert!(ledger.takes_all(core::slice::from_ref(&element)));
        let stanza = world.for_device(ROMEOS, &[element]);
        let received = world.read(ROMEOS, JULIETS, &stanza);
        assert!(matches!(received, Received::Empty(_)), "{received:?}");
        converse(world, &mut ledger);
    };
    all(&world, JULIETS, &operation, &check);

    let operation = on(JULIET, now, move |account, _| {
        account.reset_sessions(&jid(ROMEO), None, now)
    });
    let check = |world: &mut World, peers: Vec<Peer>| {
        assert_eq!(peers.len(), 2);
        let missing = world.fetch_missing(
            JULIETS,
            &[jid(ROMEO)],
            PerVersion {
                legacy: true,
                omemo2: true,
            },
        );
        assert_eq!(missing.len(), 1);
        converse(world, &mut ledger.clone());
    };
    all(&world, JULIETS, &operation, &check);
}

#[test]
fn c06_c07_forgetting_and_removing() {
    let (mut world, ledger) = acquainted();
    let late = world.write(JULIETS, ROMEOS, Version::Legacy, b"late");
    let stanza = world.write(JULIETS, ROMEOS, Version::Legacy, b"early");
    world.read(ROMEOS, JULIETS, &stanza);
    let now = world.time();
    let operation = on(ROMEO, now, |account, _| account.forget(&jid(JULIET)));
    all(&world, ROMEOS, &operation, &|world: &mut World, ()| {
        let account = &world.devices[ROMEOS].account;
        assert!(account.inbox(APPLICATION).unwrap().is_empty());
        let devices = account.devices(&jid(JULIET)).unwrap();
        assert_eq!(devices[0].versions.legacy.sessions, 0);
        assert!(devices[0].fingerprint.is_some());
        let received = world.read(ROMEOS, JULIETS, &late);
        assert!(matches!(received, Received::Failed(_)), "{received:?}");
        // Both sides begin anew.
        let account = &world.devices[JULIETS].account;
        account.reset_sessions(&jid(ROMEO), None, now).unwrap();
        converse(world, &mut ledger.clone());
    });

    let operation = |store: Arc<dyn Store>, rng: &mut StdRng| {
        // What an earlier attempt has removed already is made again.
        let account = Account::open(store.clone(), jid(ROMEO), options(), now, rng)?;
        account.remove()?;
        Account::all_in(&*store)
    };
    fails_everywhere(&world, ROMEOS, &operation, &|_: &mut World, left| {
        assert_eq!(left, []);
    });
    // Whatever a torn batch has left, the next attempt removes all of it.
    tears(&world, ROMEOS, &operation, 1.., &|_: &mut World, left| {
        assert_eq!(left, []);
    });
}

#[test]
fn c06_carrying_an_identity() {
    let (world, ledger) = acquainted();
    let now = world.time();
    let account = &world.devices[ROMEOS].account;
    let key = world.devices[JULIETS].account.fingerprint();
    account
        .set_trust(&jid(JULIET), &key, Trust::Verified, now)
        .unwrap();
    let exporting = on(ROMEO, now, |account, _| account.export_identity());
    let exported = account.export_identity().unwrap();
    let carried = exported.clone();
    all(&world, ROMEOS, &exporting, &move |_: &mut World, again| {
        assert!(*again == *exported);
    });

    let mut world = world;
    let identity = world.devices[ROMEOS].account.fingerprint();
    world.devices[ROMEOS].store = Arc::new(MemoryStore::new());
    let whole = Arc::new(Faulty::new(MemoryStore::new(), FaultPlan::none()));
    import(whole.clone(), &carried, now).unwrap();
    assert_eq!(whole.applies(), 1);
    let calls = whole.calls();
    for call in (0..calls).filter(|call| call % 16 == 0 || call + 3 > calls) {
        for fault in [
            Fault::Before(StoreError::Full),
            Fault::After(StoreError::Io),
        ] {
            let plan = FaultPlan::none().call(call, fault);
            let store = Arc::new(Faulty::new(MemoryStore::new(), plan));
            let outcome = import(store.clone(), &carried, now).map(|_| ());
            assert!(matches!(outcome, Err(AccountError::Store(_))));
            let left = Arc::new(store.inner().copy());
            let is_there = !left.dump().is_empty();
            assert_eq!(
                is_there,
                call + 1 == calls && fault == Fault::After(StoreError::Io)
            );
            match import(left.clone(), &carried, now) {
                Ok(account) => assert!(!is_there && account.opening() == Opening::Created),
                Err(error) => assert!(is_there && error == AccountError::Gone),
            }
            let mut world = copy(&world);
            world.devices[ROMEOS] = open(&world, left.copy(), ROMEO);
            let account = &world.devices[ROMEOS].account;
            assert_eq!(account.fingerprint(), identity);
            let trust = account.trust(&jid(JULIET), &key).unwrap();
            assert_eq!(trust, Trust::Verified);
            world.publish_lists();
            converse(&mut world, &mut ledger.clone());
        }
    }
}

fn import(store: Arc<dyn Store>, carried: &[u8], now: Timestamp) -> Result<Account, AccountError> {
    let mut rng = StdRng::seed_from_u64(3);
    Account::import_identity(store, jid(ROMEO), options(), carried, now, &mut rng)
}

#[test]
fn c06_c07_incarnations() {
    let (mut world, ledger) = acquainted();
    let now = world.time();
    let marker = Incarnation::from_bytes([7; 16]);
    let operation = on(JULIET, now, move |account, _| {
        account.enter_incarnation(&marker)
    });
    all(&world, JULIETS, &operation, &|world: &mut World, ()| {
        let mut options = options();
        options.incarnations = Some(vec![marker]);
        assert_eq!(world.reopen(JULIETS, options), Opening::Found);
        converse(world, &mut ledger.clone());
    });

    // Opening an old copy of it. However it fails, nothing is sent before all is replaced.
    world.devices[JULIETS]
        .account
        .enter_incarnation(&marker)
        .unwrap();
    let old = copy(&world);
    let mut ledger = ledger;
    let first = world.write(JULIETS, ROMEOS, Version::Legacy, b"first");
    converse(&mut world, &mut ledger);
    world.devices[JULIETS] = open(&world, old.devices[JULIETS].store.copy(), JULIET);
    let operation = move |store: Arc<dyn Store>, rng: &mut StdRng| {
        let mut options = options();
        options.incarnations = Some(vec![Incarnation::from_bytes([8; 16])]);
        let account = Account::open(store, jid(JULIET), options, now, rng)?;
        assert_eq!(account.opening(), Opening::RolledBack);
        Ok(())
    };
    let check = |world: &mut World, ()| {
        let received = world.read(ROMEOS, JULIETS, &first);
        has_read(world, ROMEOS, &received, b"first");
        converse(world, &mut ledger.clone());
    };
    fails_everywhere(&world, JULIETS, &operation, &check);
    let counts = (1..).filter(|count| count % 29 == 0);
    tears(&world, JULIETS, &operation, counts, &check);
}
