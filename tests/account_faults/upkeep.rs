//! What is done between messages.

use std::sync::Arc;

use omemo::account::{APPLICATION, Account, Order, Peer, Received, Trust};
use omemo::model::{Encrypted, PerVersion, RecipientKey, Version};
use omemo::store::{Scan, Store, Table};
use rand::rngs::StdRng;

use crate::ledger::Ledger;
use crate::trial::{
    JULIETS, ROMEOS, acquainted, all, converse, copy, empty_error, fails_everywhere, has_read, on,
    options, tears,
};
use crate::world::{DAY, JULIET, ROMEO, World, jid};

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
    let catch_up = account.begin_catch_up(Order::OldestFirst, now).unwrap();
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
        account.end_catch_up(catch_up, now, rng)
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
        assert_eq!(Account::all_in(&*store)?, []);
        let mut left = 0;
        for table in 0..=u8::MAX {
            left += store.scan(&Scan::partitions(Table::new(table)), 10)?.len();
        }
        Ok(left)
    };
    fails_everywhere(&world, ROMEOS, &operation, &|_: &mut World, left| {
        assert_eq!(left, 0);
    });
    // Whatever a torn batch has left, the next attempt removes all of it.
    tears(&world, ROMEOS, &operation, 1.., &|_: &mut World, left| {
        assert_eq!(left, 0);
    });
}
