//! An operation, and everything that can go wrong while it is done.

use std::sync::Arc;

use omemo::account::{
    APPLICATION, Account, AccountError, Arrival, EmptyError, EncryptError, Incoming, Options,
    Received, Sender,
};
use omemo::model::{PerVersion, Timestamp, Version};
use omemo::store::faults::{Fault, FaultPlan, Faulty};
use omemo::store::{MemoryStore, Store, StoreError};
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::ledger::Ledger;
use crate::world::{self, Device, Stanza, World, jid};

pub(crate) const JULIETS: usize = 0;
pub(crate) const ROMEOS: usize = 1;

/// Nobody is left out for not answering.
pub(crate) fn options() -> Options {
    let mut options = world::options();
    options.silent_after = None;
    options
}

/// An operation that opens the account of a store and does something with it.
pub(crate) trait Operation<T>:
    Fn(Arc<dyn Store>, &mut StdRng) -> Result<T, AccountError>
{
}
impl<T, F: Fn(Arc<dyn Store>, &mut StdRng) -> Result<T, AccountError>> Operation<T> for F {}

/// An operation on the account of that address.
pub(crate) fn on<T>(
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
pub(crate) fn copy(world: &World) -> World {
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

pub(crate) fn open(world: &World, store: MemoryStore, address: &str) -> Device {
    let store = Arc::new(store);
    let mut rng = StdRng::seed_from_u64(0);
    let now = world.time();
    let account = Account::open(store.clone(), jid(address), options(), now, &mut rng).unwrap();
    Device { store, account }
}

/// Lets the operation fail at each of its calls, in each way. After each the operation is done again on
/// what is left, and `check` gets the world and what came of it.
pub(crate) fn fails_everywhere<T>(
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

/// C07: lets each `apply` of the operation write its first changes only: so many as `counts` says.
pub(crate) fn tears<T>(
    world: &World,
    device: usize,
    operation: &impl Operation<T>,
    counts: impl Iterator<Item = usize> + Clone,
    check: &impl Fn(&mut World, T),
) {
    let before = &world.devices[device].store;
    let address = world.devices[device].jid().to_string();
    for (apply, states) in (0..).zip(states(before, operation).windows(2)) {
        for count in counts.clone() {
            let plan = FaultPlan::none().apply(apply, Fault::Torn(count, StoreError::Io));
            let store = Arc::new(Faulty::new(before.copy(), plan));
            let outcome = operation(store.clone(), &mut StdRng::seed_from_u64(1)).map(|_| ());
            assert_eq!(outcome, Err(AccountError::Store(StoreError::Io)));
            if store.inner().dump() == states[1].1 {
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
}

/// The states that the store goes through, and how many calls were made when it was reached.
pub(crate) fn states<T>(
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
pub(crate) fn converse(world: &mut World, ledger: &mut Ledger) {
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
pub(crate) fn has_read(world: &World, device: usize, received: &Received, text: &[u8]) {
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

pub(crate) fn account_error(error: EncryptError) -> AccountError {
    match error {
        EncryptError::Account(error) => error,
        other => panic!("{other}"),
    }
}

pub(crate) fn empty_error(error: EmptyError) -> AccountError {
    match error {
        EmptyError::Account(error) => error,
        other => panic!("{other}"),
    }
}

pub(crate) fn decrypting(
    address: &'static str,
    from: &'static str,
    stanza: Stanza,
    now: Timestamp,
) -> impl Operation<Received> {
    on(address, now, move |account, rng| {
        let incoming = Incoming {
            sender: Sender::Known(&jid(from)),
            elements: &stanza,
            arrival: Arrival::Live,
            author: None,
            attached: &[],
        };
        account.decrypt(&incoming, now, rng)
    })
}

/// Juliet and Romeo, who have talked in both versions.
pub(crate) fn acquainted() -> (World, Ledger) {
    let mut world = World::of_two(1);
    let mut ledger = Ledger::default();
    converse(&mut world, &mut ledger);
    (world, ledger)
}

/// Fails in every way, and tears.
pub(crate) fn all<T>(
    world: &World,
    device: usize,
    operation: &impl Operation<T>,
    check: &impl Fn(&mut World, T),
) {
    fails_everywhere(world, device, operation, check);
    tears(world, device, operation, 1.., check);
}
