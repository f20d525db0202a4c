//! Accounts that are made, carried over, and numbered.

use std::sync::Arc;

use omemo::account::{Account, AccountError, Incarnation, Opening, Trust};
use omemo::model::{Timestamp, Version};
use omemo::store::faults::{Fault, FaultPlan, Faulty};
use omemo::store::{MemoryStore, Store, StoreError};
use rand::SeedableRng;
use rand::rngs::StdRng;

use crate::ledger::Ledger;
use crate::trial::{
    JULIETS, ROMEOS, acquainted, all, converse, copy, fails_everywhere, has_read, on, open,
    options, states, tears,
};
use crate::world::{Device, JULIET, ROMEO, World, jid};

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
        for version in Version::ALL {
            let bundle = world.devices[JULIETS].account.bundle(version);
            assert!(bundle.unwrap().bundle.pre_keys.len() >= 100);
        }
        world.publish_lists();
        converse(&mut world, &mut Ledger::default());
        if store.inner().dump() == states[1].1 {
            break;
        }
    }
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
