//! Accounts with more devices than are kept: which of them make room, and what stays of them.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod adversary;
mod world;

use adversary::{MALLORY, Mallory, bundle, give, refused, text_of};
use omemo::account::{APPLICATION, FailureReason, Listing, Trust, TrustPolicy};
use omemo::model::{Device, DeviceId, DeviceList, Fingerprint, Version};
use world::{JULIET, ROMEO, World, jid, options};

const VERSION: Version = Version::Omemo2;

fn list(ids: impl IntoIterator<Item = u32>) -> DeviceList {
    let devices = ids.into_iter().map(|id| Device {
        id: DeviceId::new(id).unwrap(),
        label: None,
    });
    DeviceList {
        version: VERSION,
        devices: devices.collect(),
    }
}

/// Romeo's list, as Juliet is told of it.
fn tell(world: &World, ids: impl IntoIterator<Item = u32>) {
    let account = &world.devices[0].account;
    let now = world.time();
    account
        .set_device_list(&jid(ROMEO), &list(ids), now)
        .unwrap();
}

/// Somebody who writes as a device of Romeo's, with an identity of its own.
fn login(world: &mut World, id: u32) -> Mallory {
    Mallory {
        device: DeviceId::new(id).unwrap(),
        ..Mallory::new(world)
    }
}

/// A web client is another device at each login, and takes itself off the list: it is read, and written to, at
/// each of them.
#[test]
fn a_contact_with_a_thousand_former_devices_can_still_write() {
    for is_told_first in [true, false] {
        let mut world = World::of_two(73);
        let now = world.time();
        let account = &world.devices[0].account;
        account.set_accepted(&jid(ROMEO), true, now).unwrap();
        let mut first = None;
        for id in 1..=1005 {
            world.now += 1000;
            let client = login(&mut world, id);
            if is_told_first {
                tell(&world, [id]);
            }
            let offered = bundle(&world, 0, VERSION);
            let exchange = client.exchange(&mut world, &offered, b"me again");
            let read = give(&mut world, 0, &[jid(ROMEO)], &exchange);
            assert_eq!(text_of(&read), b"me again", "{id}");
            let account = &world.devices[0].account;
            let omemo::account::Received::Message(message) = &read else {
                panic!("not read");
            };
            account.acknowledge(&[message.id], APPLICATION).unwrap();
            if is_told_first {
                assert_eq!(message.listing, Listing::Active);
            } else {
                tell(&world, [id]);
            }
            first.get_or_insert(message.fingerprint);
        }
        let account = &world.devices[0].account;
        let known = account.devices(&jid(ROMEO)).unwrap();
        assert!(known.len() <= 1000);
        // The one that was heard least lately has gone; what is thought of its key has not.
        assert!(known.iter().all(|device| device.id.get() != 1));
        let keys = account.keys(&jid(ROMEO)).unwrap();
        assert!(keys.iter().any(|key| Some(key.fingerprint) == first));
    }
}

/// A server takes a device off the list, fills the account up, and lists the device again with another key. What
/// the user has accepted is not forgotten by that: nor what was decided, nor what waits to be shown.
#[test]
fn a_flood_does_not_replace_a_key_that_was_seen() {
    let mut world = World::of_two(74);
    let now = world.time();
    let romeo = world.devices[1].id();
    let key = world.devices[1].account.fingerprint();
    let account = world.devices[0].account.clone();
    account.set_accepted(&jid(ROMEO), true, now).unwrap();
    account
        .set_trust(&jid(ROMEO), &key, Trust::Verified, now)
        .unwrap();
    let greeting = world.write(1, 0, VERSION, b"not shown yet");
    let read = give(&mut world, 0, &[jid(ROMEO)], &greeting);
    assert_eq!(text_of(&read), b"not shown yet");

    for version in Version::ALL {
        let empty = DeviceList {
            version,
            devices: Vec::new(),
        };
        account.set_device_list(&jid(ROMEO), &empty, now).unwrap();
    }
    for round in 0..3 {
        world.now += 1000;
        tell(&world, 1000 * round + 1..=1000 * (round + 1));
        // A list that has left again makes room by itself: it has shown no key.
        tell(&world, []);
        for id in 0..350 {
            let id = 10_000 + 1000 * round + id;
            let client = login(&mut world, id);
            let offered = bundle(&world, 0, VERSION);
            let exchange = client.exchange(&mut world, &offered, b"flood");
            let read = give(&mut world, 0, &[jid(ROMEO)], &exchange);
            let omemo::account::Received::Message(message) = &read else {
                panic!("not read");
            };
            // Shown: the inbox has a limit of its own.
            account.acknowledge(&[message.id], APPLICATION).unwrap();
        }
    }
    let known = account.devices(&jid(ROMEO)).unwrap();
    assert!(known.iter().all(|device| device.id != romeo), "evicted");

    // It is listed again, and shows another key.
    tell(&world, [romeo.get()]);
    let known = account.devices(&jid(ROMEO)).unwrap();
    let device = known.iter().find(|device| device.id == romeo).unwrap();
    assert_eq!(device.fingerprint, Some(key));
    let forger = login(&mut world, romeo.get());
    let offered = bundle(&world, 0, VERSION);
    let forged = forger.exchange(&mut world, &offered, b"it is I");
    refused(
        &mut world,
        0,
        ROMEO,
        &forged,
        FailureReason::IdentityChanged,
    );
    assert_eq!(account.trust(&jid(ROMEO), &key).unwrap(), Trust::Verified);
    let inbox = account.inbox(APPLICATION).unwrap();
    assert_eq!(&inbox[0].payload[..], b"not shown yet");
}

/// The same while it is off the list: its key is known although nothing else of it is.
#[test]
fn an_evicted_device_does_not_write_with_another_key() {
    let mut world = World::of_two(75);
    let now = world.time();
    let account = world.devices[0].account.clone();
    account.set_accepted(&jid(ROMEO), true, now).unwrap();
    let first = login(&mut world, 1);
    for id in 1..=1001 {
        world.now += 1000;
        let client = if id == 1 {
            Mallory { ..first_of(&first) }
        } else {
            login(&mut world, id)
        };
        let offered = bundle(&world, 0, VERSION);
        let exchange = client.exchange(&mut world, &offered, b"x");
        let read = give(&mut world, 0, &[jid(ROMEO)], &exchange);
        assert_eq!(text_of(&read), b"x");
    }
    let other = login(&mut world, 1);
    let offered = bundle(&world, 0, VERSION);
    let forged = other.exchange(&mut world, &offered, b"x");
    refused(
        &mut world,
        0,
        ROMEO,
        &forged,
        FailureReason::IdentityChanged,
    );
    // The device itself is known again, and the user can say that another key is right.
    let real = first.exchange(&mut world, &offered, b"again");
    let read = give(&mut world, 0, &[jid(ROMEO)], &real);
    assert_eq!(text_of(&read), b"again");
    account.forget_device(&jid(ROMEO), first.device).unwrap();
    let read = give(&mut world, 0, &[jid(ROMEO)], &forged);
    assert_eq!(text_of(&read), b"x");
}

fn first_of(client: &Mallory) -> Mallory {
    Mallory {
        identity: client.identity.clone(),
        device: client.device,
    }
}

/// Nothing that is on a list makes room, whoever asks.
#[test]
fn devices_on_a_list_make_no_room() {
    let mut world = World::of_two(76);
    let now = world.time();
    let account = world.devices[0].account.clone();
    account.set_accepted(&jid(ROMEO), true, now).unwrap();
    tell(&world, 1..=1000);
    let known = account.devices(&jid(ROMEO)).unwrap();
    let listed = known
        .iter()
        .filter(|device| device.versions.get(VERSION).listed);
    assert_eq!(
        listed.count(),
        999,
        "Romeo's own device is on the other list"
    );
    let client = login(&mut world, 5000);
    let offered = bundle(&world, 0, VERSION);
    let exchange = client.exchange(&mut world, &offered, b"x");
    refused(
        &mut world,
        0,
        ROMEO,
        &exchange,
        FailureReason::TooManyDevices,
    );
}

/// A key exchange that does not verify evicts nobody.
#[test]
fn a_forged_key_exchange_makes_no_room() {
    let mut world = World::of_two(77);
    let now = world.time();
    let account = world.devices[0].account.clone();
    account.set_accepted(&jid(ROMEO), true, now).unwrap();
    for id in 1..=999 {
        let client = login(&mut world, id);
        let offered = bundle(&world, 0, VERSION);
        let exchange = client.exchange(&mut world, &offered, b"x");
        give(&mut world, 0, &[jid(ROMEO)], &exchange);
    }
    let known = |world: &World| -> Vec<(DeviceId, Option<Fingerprint>)> {
        let devices = world.devices[0].account.devices(&jid(ROMEO)).unwrap();
        devices
            .iter()
            .map(|device| (device.id, device.fingerprint))
            .collect()
    };
    let before = known(&world);
    assert_eq!(before.len(), 1000);
    let client = login(&mut world, 5000);
    let offered = bundle(&world, 0, VERSION);
    let exchange = client.exchange(&mut world, &offered, b"x");
    let garbage = adversary::with_garbage_for_mac(&exchange);
    let read = give(&mut world, 0, &[jid(ROMEO)], &garbage);
    assert!(
        matches!(read, omemo::account::Received::Failed(_)),
        "{read:?}"
    );
    assert_eq!(known(&world), before);
}

/// An account that is removed leaves no evicted identities behind.
#[test]
fn nothing_is_left_of_an_account_that_is_removed() {
    let mut world = World::new(78);
    let mut manual = options();
    manual.trust = TrustPolicy::Manual;
    world.add_with(JULIET, manual);
    let now = world.time();
    let account = world.devices[0].account.clone();
    account.set_accepted(&jid(MALLORY), true, now).unwrap();
    for id in 1..=1003 {
        let client = login(&mut world, id);
        let offered = bundle(&world, 0, VERSION);
        let exchange = client.exchange(&mut world, &offered, b"x");
        give(&mut world, 0, &[jid(MALLORY)], &exchange);
    }
    account.remove().unwrap();
    assert_eq!(world.devices[0].dump().len(), 0);
}
