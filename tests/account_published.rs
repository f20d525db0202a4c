//! What the server has as the bundle of a device shows that its store was put back from a copy, where nobody
//! keeps markers; and what a server can invent does not.

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
use omemo::account::{Account, Opening, Order, PublishedBundle, Received, Rollback};
use omemo::model::{Bundle, PerVersion, Version};
use world::{DAY, HOUR, JULIET, ROMEO, World, jid, options};

const JULIETS: usize = 0;
const ROMEOS: usize = 1;

/// Juliet and Romeo, who have accepted each other and have sessions in both versions; her bundles are published.
fn acquainted() -> (World, Ledger) {
    let mut world = World::of_two(11);
    let now = world.time();
    for (device, other) in [(JULIETS, ROMEO), (ROMEOS, JULIET)] {
        let account = &world.devices[device].account;
        account.set_accepted(&jid(other), true, now).unwrap();
    }
    let mut ledger = Ledger::default();
    for version in Version::ALL {
        publish(&world, version);
        talk(&mut world, &mut ledger, version, 3);
    }
    (world, ledger)
}

fn talk(world: &mut World, ledger: &mut Ledger, version: Version, rounds: usize) {
    for _ in 0..rounds {
        for from in [JULIETS, ROMEOS] {
            let mut payloads = PerVersion::default();
            *payloads.get_mut(version) = Some(&b"talk"[..]);
            let to = world.devices[1 - from].jid().clone();
            let sent = world.send_in(from, &[to], payloads).unwrap();
            assert!(ledger.takes_all(&sent.elements), "a key was used twice");
            let stanza = world.for_device(1 - from, &sent.elements);
            world.expect(1 - from, from, &stanza, b"talk");
        }
    }
}

fn publish(world: &World, version: Version) -> Bundle {
    let account = &world.devices[JULIETS].account;
    let own = account.bundle(version).unwrap();
    account.bundle_published(version, own.revision).unwrap();
    own.bundle
}

fn check(world: &mut World, version: Version, published: &Bundle) -> PublishedBundle {
    let now = world.time();
    let account = &world.devices[JULIETS].account;
    account
        .check_published(version, Some(published), now, &mut world.rng)
        .unwrap()
}

/// Time passes, and with it a signed pre-key is replaced.
fn rotate(world: &mut World) {
    world.now += 8 * DAY;
    let now = world.time();
    let account = &world.devices[JULIETS].account;
    account.maintain(now, &mut world.rng).unwrap();
}

/// Juliet's store is put back from a copy that was made a rotation ago. What the server has then.
fn restored() -> (World, Ledger, PerVersion<Bundle>) {
    let (mut world, mut ledger) = acquainted();
    let copy = Arc::new(world.devices[JULIETS].store.copy());
    rotate(&mut world);
    for version in Version::ALL {
        talk(&mut world, &mut ledger, version, 3);
    }
    let server = PerVersion {
        legacy: publish(&world, Version::Legacy),
        omemo2: publish(&world, Version::Omemo2),
    };
    world.devices[JULIETS].store = copy;
    assert_eq!(world.reopen(JULIETS, options()), Opening::Found);
    (world, ledger, server)
}

/// Everything that is due is sent, and read. How many key exchanges there were.
fn mend(world: &mut World) -> usize {
    let now = world.time();
    let account = world.devices[JULIETS].account.clone();
    let due = account.repairs_due(now).unwrap();
    for peer in &due {
        let bundle = world.fetch(peer);
        let element = account.repair(peer, &bundle, now, &mut world.rng).unwrap();
        assert!(element.keys[0].key_exchange);
        let stanza = world.for_device(ROMEOS, &[element]);
        let read = world.read(ROMEOS, JULIETS, &stanza);
        assert!(matches!(read, Received::Empty(_)), "{read:?}");
    }
    assert_eq!(account.repairs_due(now).unwrap(), []);
    due.len()
}

#[test]
fn a41_a_bundle_that_this_store_has_not_made_proves_that_it_is_an_old_copy() {
    let (mut world, mut ledger, server) = restored();
    let before = PerVersion::from_fn(|version| {
        let account = &world.devices[JULIETS].account;
        account.bundle(version).unwrap().bundle
    });
    let found = check(&mut world, Version::Omemo2, &server.omemo2);
    assert_eq!(found, PublishedBundle::RolledBack);
    let at = world.time();
    let account = world.devices[JULIETS].account.clone();
    assert_eq!(account.rollback().unwrap(), Some(Rollback::Proven(at)));
    assert_eq!(account.bundles_due().unwrap(), Version::ALL);
    // The bundle of the other version is of the same lost time.
    let found = check(&mut world, Version::Legacy, &server.legacy);
    assert_eq!(found, PublishedBundle::Other);
    for version in Version::ALL {
        let own = publish(&world, version);
        let old = before.get(version);
        assert_ne!(own.signed_pre_key, old.signed_pre_key);
        assert!(own.pre_keys.iter().all(|key| !old.pre_keys.contains(key)));
    }
    // She has told nobody, and nobody has called a reset: one key exchange for his one device.
    assert_eq!(mend(&mut world), 1);
    for version in Version::ALL {
        for text in [b"one", b"two"] {
            for from in [JULIETS, ROMEOS] {
                let mut payloads = PerVersion::default();
                *payloads.get_mut(version) = Some(&text[..]);
                let to = world.devices[1 - from].jid().clone();
                let sent = world.send_in(from, &[to], payloads).unwrap();
                assert!(ledger.takes_all(&sent.elements), "a key was used twice");
                let stanza = world.for_device(1 - from, &sent.elements);
                world.expect(1 - from, from, &stanza, text);
            }
        }
    }
    // It is told until somebody says that it was.
    assert_eq!(world.reopen(JULIETS, options()), Opening::Found);
    let account = world.devices[JULIETS].account.clone();
    account.rollback_told(Rollback::Proven(at)).unwrap();
    assert_eq!(account.rollback().unwrap(), None);
}

/// A server that shows the same bundle again has shown nothing new.
#[test]
fn a41_one_bundle_proves_it_once() {
    let (mut world, _, server) = restored();
    let first = check(&mut world, Version::Omemo2, &server.omemo2);
    assert_eq!(first, PublishedBundle::RolledBack);
    for version in Version::ALL {
        publish(&world, version);
    }
    let own = world.devices[JULIETS].account.bundle(Version::Omemo2);
    let again = check(&mut world, Version::Omemo2, &server.omemo2);
    assert_eq!(again, PublishedBundle::Other);
    let after = world.devices[JULIETS].account.bundle(Version::Omemo2);
    assert_eq!(own.unwrap().bundle, after.unwrap().bundle);
}

/// Nothing is sent by itself to those whom the user does not know, has blocked, or while a history is read.
#[test]
fn a41_only_who_is_accepted_gets_a_key_exchange_and_not_during_a_catch_up() {
    for case in 0..3 {
        let (mut world, _, server) = restored();
        let now = world.time();
        let account = world.devices[JULIETS].account.clone();
        let mut catch_up = None;
        match case {
            0 => account.set_accepted(&jid(ROMEO), false, now).unwrap(),
            1 => account.set_blocked(&jid(ROMEO), true).unwrap(),
            _ => catch_up = Some(account.begin_catch_up(Order::OldestFirst, now).unwrap()),
        }
        check(&mut world, Version::Omemo2, &server.omemo2);
        assert_eq!(account.repairs_due(now).unwrap(), []);
        if let Some(catch_up) = catch_up {
            account.end_catch_up(catch_up, now, &mut world.rng).unwrap();
            assert_eq!(mend(&mut world), 1);
        }
    }
}

/// Whoever writes first sends the key exchange: no second one follows.
#[test]
fn a41_a_message_is_the_key_exchange() {
    let (mut world, mut ledger, server) = restored();
    check(&mut world, Version::Omemo2, &server.omemo2);
    assert_eq!(
        world.devices[JULIETS]
            .account
            .repairs_due(world.time())
            .unwrap()
            .len(),
        1
    );
    let version = Version::Omemo2;
    talk(&mut world, &mut ledger, version, 1);
    assert_eq!(
        world.devices[JULIETS]
            .account
            .repairs_due(world.time())
            .unwrap(),
        []
    );
}

/// What a server can invent, or has kept, takes nothing from anybody.
#[test]
fn a41_what_a_server_can_invent_proves_nothing() {
    for version in Version::ALL {
        let (mut world, mut ledger) = acquainted();
        let first = publish(&world, version);
        rotate(&mut world);
        let second = publish(&world, version);
        // Long after the private half is gone.
        for _ in 0..6 {
            rotate(&mut world);
        }
        let stranger = world.devices[ROMEOS]
            .account
            .bundle(version)
            .unwrap()
            .bundle;
        let mut forged = second.clone();
        forged.signed_pre_key = stranger.signed_pre_key;
        let mut with_pre_keys = first.clone();
        with_pre_keys.pre_keys = stranger.pre_keys.clone();
        for (what, invented) in [first, second, stranger, forged, with_pre_keys]
            .iter()
            .enumerate()
        {
            let own = publish(&world, version);
            let found = check(&mut world, version, invented);
            assert_eq!(found, PublishedBundle::Other);
            let account = &world.devices[JULIETS].account;
            assert_eq!(account.bundle(version).unwrap().bundle, own);
            assert_eq!(account.repairs_due(world.time()).unwrap(), []);
            // Pre-keys that nobody has signed are suspicious, and nothing more.
            let suspected = matches!(account.rollback().unwrap(), Some(Rollback::Suspected(_)));
            assert_eq!(suspected, what == 4);
        }
        talk(&mut world, &mut ledger, version, 2);
        // Told once, whatever comes.
        let account = world.devices[JULIETS].account.clone();
        let told = account.rollback().unwrap().unwrap();
        account.rollback_told(told).unwrap();
        world.now += HOUR;
        let mut again = publish(&world, version);
        again.pre_keys.truncate(1);
        again.pre_keys[0].key = world.devices[ROMEOS]
            .account
            .bundle(version)
            .unwrap()
            .bundle
            .pre_keys[0]
            .key;
        check(&mut world, version, &again);
        assert_eq!(account.rollback().unwrap(), None);
    }
}

/// An identity that was brought from another device has signed keys that this one has not made.
#[test]
fn a41_keys_of_the_device_that_an_identity_came_from_prove_nothing() {
    let (mut world, _) = acquainted();
    let version = Version::Omemo2;
    let old = publish(&world, version);
    let exported = world.devices[JULIETS].account.export_identity().unwrap();
    let store = Arc::new(omemo::store::MemoryStore::new());
    let (now, rng) = (world.time(), &mut world.rng);
    let account =
        Account::import_identity(store.clone(), jid(JULIET), options(), &exported, now, rng);
    world.devices[JULIETS].account = account.unwrap();
    publish(&world, version);
    assert_eq!(check(&mut world, version, &old), PublishedBundle::Other);
    let rollback = world.devices[JULIETS].account.rollback().unwrap();
    assert_eq!(rollback, Some(Rollback::Suspected(world.time())));
}
