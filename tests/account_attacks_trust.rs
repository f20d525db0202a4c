//! Keys and addresses that do not belong together, answers that would betray, repairs that are provoked.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod adversary;
mod world;

use adversary::{
    MAC, MALLORY, Mallory, bundle, give, journalled, refused, replaced, text_of, unchanged,
    with_garbage_for_mac,
};
use omemo::account::{
    Account, EmptyError, FailureReason, FetchedBundle, Gap, Options, Order, Peer, Received, Trust,
    TrustPolicy,
};
use omemo::model::{Device, DeviceList, Fingerprint, PerVersion, PreKeyId, Version};
use omemo::protocol::of;
use omemo::store::MemoryStore;
use std::sync::Arc;
use world::{DAY, HOUR, JULIET, ROMEO, World, jid, options};

/// Mallory publishes Juliet's bundle as one of her own devices: whoever writes to her writes to Juliet.
fn world_where_mallory_shows_juliets_bundle(version: Version) -> World {
    let mut world = World::of_two(21);
    let mallory = jid(MALLORY);
    let mut bundles = omemo::account::Bundles::new();
    let now = world.time();
    for version in Version::ALL {
        let list = world.list(&jid(JULIET), version);
        let account = &world.devices[1].account;
        account.set_device_list(&mallory, &list, now).unwrap();
    }
    let of_juliet = bundle(&world, 0, version);
    let copied = Peer {
        jid: mallory.clone(),
        ..world.devices[0].peer(version)
    };
    bundles.insert(copied, FetchedBundle::Bundle(Box::new(of_juliet)));
    let mut payloads = PerVersion::default();
    *payloads.get_mut(version) = Some(b"to Mallory".as_slice());
    let outgoing = omemo::account::Outgoing {
        recipients: &[mallory],
        payloads,
        bundles: &bundles,
    };
    let account = &world.devices[1].account;
    account.encrypt(&outgoing, now, &mut world.rng).unwrap();
    let for_juliet = world.fetch_missing(1, &[jid(JULIET)], PerVersion::from_fn(|v| v == version));
    let mut payloads = PerVersion::default();
    *payloads.get_mut(version) = Some(b"to Juliet".as_slice());
    let outgoing = omemo::account::Outgoing {
        recipients: &[jid(JULIET)],
        payloads,
        bundles: &for_juliet,
    };
    let account = &world.devices[1].account;
    account.encrypt(&outgoing, now, &mut world.rng).unwrap();
    world
}

#[test]
fn a21_who_shows_the_key_of_another_is_not_taken_for_the_other() {
    for version in Version::ALL {
        let mut world = world_where_mallory_shows_juliets_bundle(version);
        let stanza = world.write(0, 1, version, b"hello");
        // In a room that hides who has sent it, in any order: nobody can say who it was.
        for senders in [[jid(MALLORY), jid(JULIET)], [jid(JULIET), jid(MALLORY)]] {
            let read = unchanged(&mut world, 1, |world| give(world, 1, &senders, &stanza));
            let Received::Failed(failure) = read else {
                panic!("{read:?}");
            };
            assert_eq!(failure.reason, FailureReason::AmbiguousSender);
            assert!(failure.reason.may_be_read_later());
        }
        // Who copied whom cannot be told either, where no envelope says who wrote it, until the user has compared
        // the key.
        let read = unchanged(&mut world, 1, |world| {
            give(world, 1, &[jid(JULIET)], &stanza)
        });
        let Received::Failed(failure) = read else {
            panic!("{read:?}");
        };
        assert_eq!(failure.reason, FailureReason::AmbiguousSender);
        let key = world.devices[0].account.fingerprint();
        let (account, now) = (&world.devices[1].account, world.time());
        account
            .set_trust(&jid(JULIET), &key, Trust::Verified, now)
            .unwrap();
        world.expect(1, 0, &stanza, b"hello");
    }
}

/// Where a room does not say who it was, nobody is blamed for what cannot be read.
#[test]
fn a22_a_sender_that_was_guessed_is_not_the_one_to_be_repaired() {
    let version = Version::Legacy;
    let mut world = settled(version, 30);
    for _ in 0..3 {
        let stanza = spoiled(&mut world, version, 0, 1);
        unchanged(&mut world, 1, |world| {
            let read = give(world, 1, &[jid(JULIET), jid(MALLORY)], &stanza);
            assert!(matches!(read, Received::Failed(_)), "{read:?}");
        });
    }
    assert_eq!(repairs(&world, 1), 0);
}

#[test]
fn a_sender_that_is_named_twice_is_one() {
    for version in Version::ALL {
        let mut world = settled(version, 31);
        let now = world.time();
        let juliet = &world.devices[0].account;
        juliet.reset_sessions(&jid(ROMEO), None, now).unwrap();
        let stanza = world.write(0, 1, version, b"anew");
        assert!(stanza[0].keys[0].key_exchange);
        let read = give(&mut world, 1, &[jid(JULIET), jid(JULIET)], &stanza);
        assert_eq!(text_of(&read), b"anew");
    }
}

#[test]
fn a21_our_own_identity_at_another_account_is_not_trusted() {
    for version in Version::ALL {
        let mut world = World::of_two(22);
        let now = world.time();
        let list = world.list(&jid(JULIET), version);
        let account = &world.devices[0].account;
        account.set_device_list(&jid(MALLORY), &list, now).unwrap();
        let own = bundle(&world, 0, version);
        let peer = Peer {
            jid: jid(MALLORY),
            ..world.devices[0].peer(version)
        };
        let bundles = [(peer, FetchedBundle::Bundle(Box::new(own)))].into();
        let mut payloads = PerVersion::default();
        *payloads.get_mut(version) = Some(b"hello".as_slice());
        let outgoing = omemo::account::Outgoing {
            recipients: &[jid(MALLORY)],
            payloads,
            bundles: &bundles,
        };
        let account = &world.devices[0].account;
        let outcome = account.encrypt(&outgoing, now, &mut world.rng);
        let Err(omemo::account::EncryptError::Refused(refusal)) = outcome else {
            panic!("{outcome:?}");
        };
        let omemo::account::Refusal::NobodyReached(_, report) = *refusal else {
            panic!("{refusal:?}");
        };
        let key = world.devices[0].account.fingerprint();
        assert_eq!(report.skipped().next().unwrap().1, Gap::Distrusted(key));
    }
}

/// A room of several accounts whose devices have the same id by chance or on purpose.
#[test]
fn a21_in_a_room_the_mac_says_who_it_was() {
    for version in Version::ALL {
        let mut world = World::of_two(23);
        let mut mallory = Mallory::new(&mut world);
        mallory.device = world.devices[0].id();
        let offered = bundle(&world, 1, version);
        let mut session = mallory.session(&mut world, &offered);
        let hers = mallory.write(&mut world, &mut session, b"mallory");
        let read = give(&mut world, 1, &[jid(MALLORY)], &hers);
        assert_eq!(text_of(&read), b"mallory");
        let stanza = world.write(0, 1, version, b"juliet");
        world.expect(1, 0, &stanza, b"juliet");
        world.now += 1;
        let now = world.time();
        let account = &world.devices[1].account;
        account.set_accepted(&jid(JULIET), true, now).unwrap();
        assert_eq!(world.answer(1), 1);
        for senders in [[jid(MALLORY), jid(JULIET)], [jid(JULIET), jid(MALLORY)]] {
            let stanza = world.write(0, 1, version, b"who am I?");
            let Received::Message(message) = give(&mut world, 1, &senders, &stanza) else {
                panic!("not read");
            };
            assert_eq!(message.sender.jid, jid(JULIET));
            assert_eq!(message.fingerprint, world.devices[0].account.fingerprint());
            let hers = mallory.write(&mut world, &mut session, b"and I?");
            let Received::Message(message) = give(&mut world, 1, &senders, &hers) else {
                panic!("not read");
            };
            assert_eq!(message.sender.jid, jid(MALLORY));
        }
    }
}

/// Garbage where the MAC is, each time other bytes.
fn spoiled(world: &mut World, version: Version, from: usize, to: usize) -> world::Stanza {
    let stanza = world.write(from, to, version, b"hello");
    with_garbage_for_mac(&stanza)
}

fn settled(version: Version, seed: u64) -> World {
    let mut world = World::of_two(seed);
    let now = world.time();
    let account = &world.devices[1].account;
    account.set_accepted(&jid(JULIET), true, now).unwrap();
    let stanza = world.write(0, 1, version, b"hello");
    world.expect(1, 0, &stanza, b"hello");
    assert_eq!(world.answer(1), 1);
    world
}

fn repairs(world: &World, device: usize) -> usize {
    let now = world.time();
    world.devices[device]
        .account
        .repairs_due(now)
        .unwrap()
        .len()
}

#[test]
fn a22_nothing_is_repaired_because_omemo_2_messages_were_garbled() {
    let mut world = settled(Version::Omemo2, 24);
    for _ in 0..990 {
        let stanza = spoiled(&mut world, Version::Omemo2, 0, 1);
        unchanged(&mut world, 1, |world| {
            refused(world, 1, JULIET, &stanza, MAC)
        });
    }
    assert_eq!(repairs(&world, 1), 0);
    let stanza = world.write(0, 1, Version::Omemo2, b"hello");
    world.expect(1, 0, &stanza, b"hello");
}

#[test]
fn a22_a_legacy_session_is_repaired_seldom() {
    let version = Version::Legacy;
    let mut world = settled(version, 25);
    let now = world.time();
    let account = &world.devices[1].account;
    let catch_up = account.begin_catch_up(Order::OldestFirst, now).unwrap();
    // One message, however often it comes, and however many keys it has.
    let one = spoiled(&mut world, version, 0, 1);
    for _ in 0..100 {
        journalled(&mut world, 1, |world| refused(world, 1, JULIET, &one, MAC));
    }
    let mut many = one.clone();
    for _ in 0..7 {
        let other = spoiled(&mut world, version, 0, 1);
        many[0].keys.extend(other[0].keys.clone());
    }
    journalled(&mut world, 1, |world| refused(world, 1, JULIET, &many, MAC));
    let account = &world.devices[1].account;
    account.end_catch_up(catch_up, now, &mut world.rng).unwrap();
    assert_eq!(repairs(&world, 1), 0);

    let fail = |world: &mut World| {
        for _ in 0..5 {
            let stanza = spoiled(world, version, 0, 1);
            journalled(world, 1, |world| refused(world, 1, JULIET, &stanza, MAC));
        }
    };
    let now = world.time();
    let account = &world.devices[1].account;
    let catch_up = account.begin_catch_up(Order::OldestFirst, now).unwrap();
    fail(&mut world);
    assert_eq!(repairs(&world, 1), 0);
    let account = &world.devices[1].account;
    account.end_catch_up(catch_up, now, &mut world.rng).unwrap();
    assert_eq!(repairs(&world, 1), 1);
    let mut pauses = Vec::new();
    for round in 0..8 {
        let peer = world.devices[0].peer(version);
        let bundle = world.fetch(&peer);
        let now = world.time();
        let account = &world.devices[1].account;
        if round < 5 {
            account.repair(&peer, &bundle, now, &mut world.rng).unwrap();
        } else {
            account.repair_failed(&peer, now).unwrap();
        }
        fail(&mut world);
        // The pause is stored.
        world.reopen(1, options());
        let mut hours = 0_u64;
        while repairs(&world, 1) == 0 {
            world.now += HOUR;
            hours += 1;
        }
        pauses.push(hours / 24);
    }
    assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 32, 32]);
    // A message that is read ends it.
    let stanza = world.write(0, 1, version, b"hello");
    world.expect(1, 0, &stanza, b"hello");
    assert_eq!(repairs(&world, 1), 0);
}

/// Anybody on the way can make key exchanges for pre-keys that are not there, under her identity.
#[test]
fn a22_forged_key_exchanges_replace_no_omemo_2_session_that_works() {
    let version = Version::Omemo2;
    let mut world = settled(version, 29);
    let mut mallory = Mallory::new(&mut world);
    mallory.device = world.devices[0].id();
    let mut offered = bundle(&world, 1, version);
    offered.pre_keys.truncate(1);
    offered.pre_keys[0].id = PreKeyId::new(1_000_000).unwrap();
    let juliet = *bundle(&world, 0, version).identity.as_bytes();
    let own = *of(version).identity(&mallory.identity).as_bytes();
    let forge = |world: &mut World| {
        for _ in 0..3 {
            let stanza = mallory.exchange(world, &offered, b"forged");
            let stanza = replaced(&stanza, &own, &juliet);
            refused(world, 1, JULIET, &stanza, FailureReason::UnknownPreKey);
        }
        repairs(world, 1)
    };
    assert_eq!(unchanged(&mut world, 1, forge), 0);
    // If nothing else has come for long, it may be true that she has lost the session.
    world.now += 2 * DAY;
    assert_eq!(forge(&mut world), 1);
}

#[test]
fn a22_strangers_cannot_ask_for_a_repair() {
    for version in Version::ALL {
        let mut world = World::of_two(26);
        let mallory = Mallory::new(&mut world);
        let offered = bundle(&world, 1, version);
        let mut session = mallory.session(&mut world, &offered);
        let first = mallory.write(&mut world, &mut session, b"hello");
        let read = give(&mut world, 1, &[jid(MALLORY)], &first);
        assert_eq!(text_of(&read), b"hello");
        for _ in 0..10 {
            let stanza = mallory.write(&mut world, &mut session, b"hello");
            let stanza = with_garbage_for_mac(&stanza);
            unchanged(&mut world, 1, |world| {
                refused(world, 1, MALLORY, &stanza, MAC)
            });
        }
        world.devices[1].account.forget(&jid(MALLORY)).unwrap();
        let stanza = mallory.write(&mut world, &mut session, b"hello");
        let read = unchanged(&mut world, 1, |world| {
            give(world, 1, &[jid(MALLORY)], &stanza)
        });
        assert!(matches!(read, Received::Failed(_)), "{read:?}");
        assert_eq!(repairs(&world, 1), 0);
    }
}

#[test]
fn a38_one_sign_of_life_for_each_ratchet_key_and_none_for_who_is_distrusted() {
    for version in Version::ALL {
        let mut world = settled(version, 27);
        let mut answers = 0;
        for n in 0..900_u32 {
            let stanza = world.write(0, 1, version, b"are you there?");
            world.expect(1, 0, &stanza, b"are you there?");
            let due = world.devices[1].account.answers_due().unwrap();
            assert!(due.len() <= 1);
            if n < 500 {
                // It is not answered: it stays one.
                answers = due.len();
            }
        }
        assert_eq!(answers, 1);
        assert_eq!(world.answer(1), 1);
        for _ in 0..40 {
            let stanza = world.write(0, 1, version, b"are you there?");
            world.expect(1, 0, &stanza, b"are you there?");
            assert_eq!(world.answer(1), 0);
        }
        let now = world.time();
        let key = world.devices[0].account.fingerprint();
        let account = &world.devices[1].account;
        let distrusted = Trust::Distrusted;
        account
            .set_trust(&jid(JULIET), &key, distrusted, now)
            .unwrap();
        for _ in 0..100 {
            let stanza = world.write(0, 1, version, b"are you there?");
            world.expect(1, 0, &stanza, b"are you there?");
            assert_eq!(world.answer(1), 0);
        }
        let peer = world.devices[0].peer(version);
        let account = &world.devices[1].account;
        let outcome = account.encrypt_empty(&peer, None, now, &mut world.rng);
        assert!(matches!(outcome, Err(EmptyError::Gap(Gap::Distrusted(_)))));
    }
}

#[test]
fn a49_a_stranger_is_read_and_not_answered() {
    for version in Version::ALL {
        let mut world = World::of_two(28);
        for _ in 0..60 {
            let stanza = world.write(0, 1, version, b"hello");
            world.expect(1, 0, &stanza, b"hello");
        }
        let account = &world.devices[1].account;
        assert_eq!(account.answers_due().unwrap(), []);
        let peer = world.devices[0].peer(version);
        let now = world.time();
        let fetched = world.fetch(&peer);
        unchanged(&mut world, 1, |world| {
            let account = &world.devices[1].account;
            for bundle in [None, Some(&fetched)] {
                let outcome = account.encrypt_empty(&peer, bundle, now, &mut world.rng);
                assert!(matches!(outcome, Err(EmptyError::NotAccepted)));
            }
            let outcome = account.repair(&peer, &fetched, now, &mut world.rng);
            assert!(matches!(outcome, Err(EmptyError::NotAccepted)));
        });
        let account = &world.devices[1].account;
        account.set_accepted(&jid(JULIET), true, now).unwrap();
        assert_eq!(world.answer(1), 1);
    }
}

/// The server shows a list late, or twice in a moment, or a clock goes back: what is on it then was not
/// there from the beginning.
#[test]
fn a18_only_the_first_list_counts_for_trust_on_first_use() {
    for (version, advance) in [
        (Version::Legacy, 0),
        (Version::Legacy, -i64::try_from(3650 * DAY).unwrap()),
        (Version::Omemo2, i64::try_from(2 * HOUR).unwrap()),
    ] {
        let mut world = World::new(29);
        let juliet = world.add_with(JULIET, Options::new(TrustPolicy::FirstUse));
        let first = world.add(ROMEO);
        world.publish_lists_of(&[Version::Legacy]);
        let inserted = world.add(ROMEO);
        world.now = world.now.checked_add_signed(advance).unwrap();
        let now = world.time();
        let list = DeviceList {
            version,
            devices: [first, inserted]
                .map(|device| Device {
                    id: world.devices[device].id(),
                    label: None,
                })
                .to_vec(),
        };
        let account = &world.devices[juliet].account;
        account.set_device_list(&jid(ROMEO), &list, now).unwrap();
        for use_ in Version::ALL {
            let mut payloads = PerVersion::default();
            *payloads.get_mut(use_) = Some(b"hello".as_slice());
            let _ = world.send_in(juliet, &[jid(ROMEO)], payloads);
        }
        let account = &world.devices[juliet].account;
        let trust = |device: usize| {
            let key = world.devices[device].account.fingerprint();
            account.trust(&jid(ROMEO), &key).unwrap()
        };
        assert_eq!(trust(first), Trust::Blind);
        assert_eq!(trust(inserted), Trust::Undecided, "{version:?} {advance}");
    }
}

/// A fingerprint that was scanned before anything else was known of its owner.
#[test]
fn a_decision_about_a_key_is_carried_and_removed_like_every_other() {
    let mut world = World::new(30);
    let juliet = world.add(JULIET);
    let now = world.time();
    let key = Fingerprint::from_bytes([9; 32]);
    let account = &world.devices[juliet].account;
    let verified = Trust::Verified;
    account.set_trust(&jid(ROMEO), &key, verified, now).unwrap();
    let exported = account.export_identity().unwrap();
    let store = Arc::new(MemoryStore::new());
    let address = jid(JULIET);
    let rng = &mut world.rng;
    let copy =
        Account::import_identity(store.clone(), address, options(), &exported, now, rng).unwrap();
    assert_eq!(copy.trust(&jid(ROMEO), &key).unwrap(), verified);
    copy.remove().unwrap();
    assert_eq!(store.dump().len(), 0);
    let device = world.devices.remove(juliet);
    device.account.remove().unwrap();
    assert_eq!(device.store.dump().len(), 0);
}
