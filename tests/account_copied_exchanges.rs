//! Key exchanges that somebody sends again as his own: nothing in a legacy one says whose it was but the identity
//! key, so one that is known at another account is nobody's. In OMEMO 2 the envelope says it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod adversary;
mod world;

use core::ops::Range;
use std::sync::Arc;

use adversary::{MALLORY, give, text_of, unchanged};
use omemo::account::{
    Account, Arrival, Bundles, FailureReason, FetchedBundle, Incoming, Order, Peer, Received,
    Sender, Trust,
};
use omemo::model::{Device, DeviceId, DeviceList, Version};
use omemo::stanza::author;
use omemo::store::{Applied, Batch, MemoryStore, Scope, Store, Table};
use world::{JULIET, ROMEO, Stanza, World, jid, options};

const LEGACY: Version = Version::Legacy;

/// The index of identity keys.
const OWNERS: Table = Table::new(15);

fn read(world: &mut World, sender: Sender<'_>, arrival: Arrival, stanza: &Stanza) -> Received {
    let incoming = Incoming {
        sender,
        elements: stanza,
        arrival,
        author: Some(author),
        attached: &[],
    };
    let now = world.time();
    let account = &world.devices[0].account;
    account.decrypt(&incoming, now, &mut world.rng).unwrap()
}

/// It is nobody's, changes nothing, and uses nothing up.
fn is_nobodys(world: &mut World, sender: Sender<'_>, arrival: Arrival, stanza: &Stanza) {
    let received = unchanged(world, 0, |world| read(world, sender, arrival, stanza));
    let Received::Failed(failure) = received else {
        panic!("{received:?}");
    };
    assert_eq!(failure.reason, FailureReason::AmbiguousSender);
    assert_eq!(failure.sender, None);
}

/// Juliet sees the bundle of a device, at this account.
fn meet(world: &World, of: usize, at: &str, version: Version) {
    let (account, now) = (&world.devices[0].account, world.time());
    let shown = world.fetch(&world.devices[of].peer(version));
    let device = world.devices[of].id();
    let mut on_list = account.devices(&jid(at)).unwrap();
    on_list.retain(|known| known.id != device && known.versions.get(version).listed);
    let ids = on_list.iter().map(|known| known.id).chain([device]);
    let list = DeviceList {
        version,
        devices: ids.map(|id| Device { id, label: None }).collect(),
    };
    account.set_device_list(&jid(at), &list, now).unwrap();
    let bundles: Bundles = [(Peer::new(jid(at), device, version), shown)].into();
    account.meet(&bundles, now).unwrap();
}

fn open(store: &Arc<MemoryStore>, world: &mut World) -> Account {
    let now = world.time();
    Account::open(store.clone(), jid(JULIET), options(), now, &mut world.rng).unwrap()
}

/// The index, and whether it is whole.
fn index(store: &MemoryStore) -> Vec<omemo::store::Record> {
    let mut records = store.dump();
    records.retain(|record| record.key.table == OWNERS || record.key.sort == b"owners");
    records
}

/// The store as a version without the index has left it.
fn without_index(store: &MemoryStore) {
    let mut batch = Batch::new();
    for record in index(store) {
        batch.delete(record.key);
    }
    assert!(!batch.changes().is_empty());
    let generation = store.generation(&Scope::new(JULIET)).unwrap();
    assert!(matches!(
        store
            .apply(&Scope::new(JULIET), generation, &batch)
            .unwrap(),
        Applied::Done(_)
    ));
    assert!(index(store).is_empty());
}

#[test]
fn a21_a_copied_key_exchange_is_nobodys_by_any_way() {
    for way in ["direct", "room", "copy of our own", "archive"] {
        for memory in ["fresh", "restarted", "from an older store", "evicted"] {
            let mut world = World::of_two(201);
            meet(&world, 1, ROMEO, LEGACY);
            let now = world.time();
            let account = &world.devices[0].account;
            account.set_accepted(&jid(ROMEO), true, now).unwrap();
            match memory {
                "evicted" => evict(&mut world),
                "restarted" => assert!(format!("{:?}", world.reopen(0, options())) == "Found"),
                "from an older store" => {
                    without_index(&world.devices[0].store);
                    world.reopen(0, options());
                }
                _ => {}
            }
            let stanza = world.write(1, 0, LEGACY, b"it is I, Romeo");
            let account = &world.devices[0].account;
            let arrival = match way {
                "archive" => {
                    let catch_up = account.begin_catch_up(Order::OldestFirst, now).unwrap();
                    Arrival::Archived(catch_up)
                }
                _ => Arrival::Live,
            };
            let (mallory, own, romeo) = (jid(MALLORY), jid(JULIET), jid(ROMEO));
            let sender = match way {
                "room" => Sender::Occupant(&mallory),
                "copy of our own" => Sender::Known(&own),
                _ => Sender::Known(&mallory),
            };
            is_nobodys(&mut world, sender, arrival, &stanza);
            // Whatever device it says it is of.
            let mut renamed = stanza.clone();
            renamed[0].sender_device = DeviceId::new(4711).unwrap();
            is_nobodys(&mut world, sender, arrival, &renamed);
            assert_eq!(world.devices[0].account.repairs_due(now).unwrap(), []);
            if memory == "evicted" {
                // There is room for him again.
                set_list(&world, LEGACY, 1..2);
            }
            let genuine = read(&mut world, Sender::Known(&romeo), arrival, &stanza);
            assert_eq!(text_of(&genuine), b"it is I, Romeo", "{way} {memory}");
            assert_eq!(world.devices[0].account.keys(&mallory).unwrap(), []);
        }
    }
}

/// Romeo's device makes room for others. Its identity stays.
fn evict(world: &mut World) {
    set_list(world, Version::Omemo2, 0..0);
    set_list(world, LEGACY, 1..1001);
    let account = &world.devices[0].account;
    let known = account.devices(&jid(ROMEO)).unwrap();
    assert!(known.iter().all(|known| known.id.get() <= 1000));
}

fn set_list(world: &World, version: Version, ids: Range<u32>) {
    let list = DeviceList {
        version,
        devices: ids
            .map(|id| Device {
                id: DeviceId::new(id).unwrap(),
                label: None,
            })
            .collect(),
    };
    let (account, now) = (&world.devices[0].account, world.time());
    account.set_device_list(&jid(ROMEO), &list, now).unwrap();
}

/// Nobody else has the private key of this account.
#[test]
fn a21_our_own_identity_is_nobody_elses() {
    let mut world = World::of_two(202);
    let exported = world.devices[0].account.export_identity().unwrap();
    let now = world.time();
    let store = Arc::new(MemoryStore::new());
    let own = jid(JULIET);
    let account = Account::import_identity(
        store.clone(),
        own.clone(),
        options(),
        &exported,
        now,
        &mut world.rng,
    );
    let account = account.unwrap();
    world.devices.push(world::Device { store, account });
    world.publish_lists();
    let stanza = world.write(2, 0, LEGACY, b"a note");
    let mallory = jid(MALLORY);
    for sender in [Sender::Known(&mallory), Sender::Occupant(&mallory)] {
        is_nobodys(&mut world, sender, Arrival::Live, &stanza);
    }
    let genuine = read(&mut world, Sender::Known(&own), Arrival::Live, &stanza);
    assert_eq!(text_of(&genuine), b"a note");
}

fn envelope(from: &str) -> Vec<u8> {
    format!(
        "<envelope xmlns='urn:xmpp:sce:1'><content><body xmlns='jabber:client'>x</body></content>\
         <rpad/>{from}<to jid='{JULIET}'/></envelope>"
    )
    .into_bytes()
}

/// The envelope is the word of who has the key: it counts before anything is stored, also where nothing is known.
#[test]
fn a21_the_envelope_says_whose_a_key_exchange_is() {
    let (mallory, romeo) = (jid(MALLORY), jid(ROMEO));
    for is_known in [false, true] {
        for from in [format!("<from jid='{ROMEO}'/>"), String::new()] {
            let mut world = World::of_two(203);
            if is_known {
                meet(&world, 1, ROMEO, Version::Omemo2);
            }
            let stanza = world.write(1, 0, Version::Omemo2, &envelope(&from));
            if is_known || !from.is_empty() {
                for sender in [Sender::Known(&mallory), Sender::Occupant(&mallory)] {
                    is_nobodys(&mut world, sender, Arrival::Live, &stanza);
                }
            }
            let genuine = read(&mut world, Sender::Known(&romeo), Arrival::Live, &stanza);
            assert!(
                matches!(genuine, Received::Message(_)),
                "{is_known} {from:?} {genuine:?}"
            );
        }
    }
}

/// Who publishes the bundle of somebody else can neither speak as he does, nor keep him from speaking: what he has
/// said before, and what the user has verified, decides.
#[test]
fn a21_a_copied_bundle_is_no_claim_against_who_was_heard_or_verified() {
    let (mallory, romeo) = (jid(MALLORY), jid(ROMEO));
    for (is_heard, is_verified, is_first) in [
        (true, false, false),
        (true, false, true),
        (false, true, true),
        (false, false, false),
        (false, false, true),
    ] {
        let mut world = World::of_two(204);
        let owners: [&str; 2] = if is_first {
            [MALLORY, ROMEO]
        } else {
            [ROMEO, MALLORY]
        };
        if is_heard {
            let hello = world.write(1, 0, LEGACY, b"hello");
            assert_eq!(
                text_of(&give(&mut world, 0, &[jid(ROMEO)], &hello)),
                b"hello"
            );
            let now = world.time();
            let juliet = jid(JULIET);
            world.devices[1]
                .account
                .reset_sessions(&juliet, None, now)
                .unwrap();
        }
        for owner in owners {
            meet(&world, 1, owner, LEGACY);
        }
        if is_verified {
            let (account, now) = (&world.devices[0].account, world.time());
            let key = world.devices[1].account.fingerprint();
            account
                .set_trust(&jid(ROMEO), &key, Trust::Verified, now)
                .unwrap();
        }
        let stanza = world.write(1, 0, LEGACY, b"again");
        assert!(stanza[0].keys[0].key_exchange);
        is_nobodys(&mut world, Sender::Known(&mallory), Arrival::Live, &stanza);
        if is_heard || is_verified {
            let genuine = read(&mut world, Sender::Known(&romeo), Arrival::Live, &stanza);
            assert_eq!(text_of(&genuine), b"again");
        } else {
            // Neither is believed on his word alone.
            is_nobodys(&mut world, Sender::Known(&romeo), Arrival::Live, &stanza);
        }
    }
}

/// What is kept of keys is what is made of the devices, whatever has happened to them; and nothing is left of it.
#[test]
fn the_index_is_as_the_devices_are() {
    let mut world = World::of_two(205);
    let check = |world: &mut World| {
        let store = world.devices[0].store.clone();
        let before = index(&store);
        without_index(&store);
        open(&store, world);
        let keys = |records: Vec<omemo::store::Record>| {
            let owners = records.into_iter().filter(|it| it.key.table == OWNERS);
            owners
                .map(|it| (it.key, it.value.to_vec()))
                .collect::<Vec<_>>()
        };
        let (before, after) = (keys(before), keys(index(&store)));
        assert_eq!(before, after);
        after.len()
    };
    meet(&world, 1, ROMEO, LEGACY);
    assert_eq!(check(&mut world), 1);
    meet(&world, 1, MALLORY, LEGACY);
    assert_eq!(check(&mut world), 2);
    // The same device shows another key.
    let other = world.add(ROMEO);
    let now = world.time();
    let peer = world.devices[1].peer(LEGACY);
    let FetchedBundle::Bundle(bundle) = world.fetch(&world.devices[other].peer(LEGACY)) else {
        panic!();
    };
    let account = world.devices[0].account.clone();
    let bundles: Bundles = [(peer.clone(), FetchedBundle::Bundle(bundle))].into();
    account.meet(&bundles, now).unwrap();
    assert_eq!(check(&mut world), 3);
    let key = world.devices[other].account.fingerprint();
    account
        .accept_identity(&jid(ROMEO), peer.device, &key, now)
        .unwrap();
    assert_eq!(check(&mut world), 2);
    account.forget_device(&jid(ROMEO), peer.device).unwrap();
    assert_eq!(check(&mut world), 1);
    meet(&world, 1, ROMEO, LEGACY);
    account.set_accepted(&jid(ROMEO), true, now).unwrap();
    evict(&mut world);
    assert_eq!(check(&mut world), 2);
    // Of accounts that the user has not accepted nothing stays.
    world.devices.pop();
    account.set_accepted(&jid(ROMEO), false, now).unwrap();
    account.remove().unwrap();
    assert!(world.devices[0].dump().is_empty());
}

#[test]
fn the_index_of_many_accounts_is_made_when_the_store_is_opened() {
    let mut world = World::of_two(206);
    for n in 0..250 {
        meet(&world, 1, &format!("n{n}@verona.example"), LEGACY);
    }
    let store = world.devices[0].store.clone();
    let before = index(&store);
    without_index(&store);
    open(&store, &mut world);
    let owners = |records: &[omemo::store::Record]| {
        let owners = records.iter().filter(|record| record.key.table == OWNERS);
        owners.count()
    };
    assert_eq!(owners(&before), 250);
    assert_eq!(owners(&index(&store)), 250);
    let generation = store.generation(&Scope::new(JULIET)).unwrap();
    open(&store, &mut world);
    assert_eq!(
        store.generation(&Scope::new(JULIET)).unwrap(),
        generation,
        "it is made once"
    );
}
