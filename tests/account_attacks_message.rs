//! Messages that were changed, repeated, cut apart or written to cost much, given to an account.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod adversary;
mod world;

use std::sync::Arc;

use adversary::{
    MAC, MALLORY, Mallory, bundle, give, journalled, message, refused, text_of, unchanged,
    with_garbage_for_mac,
};
use omemo::account::{Account, Arrival, FailureReason, Opening, Received};
use omemo::error::{DecryptError, PayloadError};
use omemo::model::Version;
use omemo::protocol::{KeyExchange, KeyMaterial, RatchetMessage};
use omemo::ratchet::{Budget, SkippedKeysInMemory};
use omemo::session::Session;
use rand::seq::SliceRandom;
use world::{Device, JULIET, ROMEO, Stanza, World, jid, options};

const ROMEOS: usize = 1;

fn payload(error: PayloadError) -> FailureReason {
    FailureReason::Payload(error)
}

/// Mallory, who has written to Romeo and was answered.
fn acquainted(version: Version, seed: u64) -> (World, Mallory, Session) {
    let mut world = World::of_two(seed);
    let mallory = Mallory::new(&mut world);
    let session = greet(&mut world, &mallory, version);
    (world, mallory, session)
}

/// Another session of hers, which is the current one from now on.
fn greet(world: &mut World, mallory: &Mallory, version: Version) -> Session {
    let offered = bundle(world, ROMEOS, version);
    let mut session = mallory.session(world, &offered);
    let first = mallory.write(world, &mut session, b"hello");
    let read = give(world, ROMEOS, &[jid(MALLORY)], &first);
    assert_eq!(text_of(&read), b"hello");
    let now = world.time();
    let account = &world.devices[ROMEOS].account;
    account.set_accepted(&jid(MALLORY), true, now).unwrap();
    let peer = omemo::account::Peer {
        jid: jid(MALLORY),
        device: mallory.device,
        version,
    };
    let answer = account.encrypt_empty(&peer, None, now, &mut world.rng);
    let answer = world::received(&answer.unwrap(), &jid(MALLORY), mallory.device);
    let skipped = SkippedKeysInMemory::default();
    let answer = message(&vec![answer]);
    let mut budget = Budget::for_stanza();
    let _ = session
        .decrypt(&answer, &skipped, &mut budget)
        .unwrap()
        .commit();
    session
}

fn pass(world: &mut World, session: &mut Session, count: usize) {
    for _ in 0..count {
        let key = KeyMaterial::new(&[0; 32]);
        session.encrypt(&key, &mut world.rng).unwrap();
    }
}

#[test]
fn a03_key_material_of_every_other_length_is_refused() {
    for version in Version::ALL {
        let (mut world, mallory, mut session) = acquainted(version, 3);
        let right = match version {
            Version::Legacy => 32,
            Version::Omemo2 => 48,
        };
        for len in (0..=64).filter(|len| *len != right) {
            let mut stanza = mallory.empty(&mut world, &mut session, &vec![7; len]);
            stanza[0].payload = Some(vec![7; 32]);
            unchanged(&mut world, ROMEOS, |world| {
                let reason = payload(PayloadError::KeyMaterialLength);
                refused(world, ROMEOS, MALLORY, &stanza, reason);
            });
        }
        // Another recipient knows the key, and so can write another payload: but not under its tag.
        let mut stanza = mallory.write(&mut world, &mut session, b"text");
        stanza[0].payload = Some(vec![7; 16]);
        unchanged(&mut world, ROMEOS, |world| {
            let reason = payload(PayloadError::Authentication);
            refused(world, ROMEOS, MALLORY, &stanza, reason);
        });
        let stanza = mallory.write(&mut world, &mut session, b"good");
        let read = give(&mut world, ROMEOS, &[jid(MALLORY)], &stanza);
        assert_eq!(text_of(&read), b"good");
    }
}

#[test]
fn a06_a07_forged_jumps_put_nothing_away_and_share_one_budget() {
    for version in Version::ALL {
        let (mut world, mallory, mut session) = acquainted(version, 7);
        let near = mallory.write(&mut world, &mut session, b"near");
        let mut ahead = session.clone();
        pass(&mut world, &mut ahead, 2000);
        let two_thousand = mallory.write(&mut world, &mut ahead, b"2000");
        pass(&mut world, &mut ahead, 7000);
        let nine_thousand = mallory.write(&mut world, &mut ahead, b"9000");
        pass(&mut world, &mut ahead, 2000);
        let too_far = mallory.write(&mut world, &mut ahead, b"11000");
        let forged = with_garbage_for_mac(&nine_thousand);
        let far = FailureReason::Key(DecryptError::TooFarAhead);
        for (stanza, reason) in [(&forged, MAC), (&too_far, far)] {
            journalled(&mut world, ROMEOS, |world| {
                refused(world, ROMEOS, MALLORY, stanza, reason);
            });
        }
        // Behind a jump that was made for nothing there is not enough left for a genuine one, in another
        // key or in the element of the other version; but for a near one there is.
        let mut both = forged.clone();
        both[0].keys.extend(two_thousand[0].keys.clone());
        both[0].payload.clone_from(&two_thousand[0].payload);
        both[0].iv.clone_from(&two_thousand[0].iv);
        journalled(&mut world, ROMEOS, |world| {
            refused(world, ROMEOS, MALLORY, &both, MAC);
        });
        let mut many = near.clone();
        many[0].keys = vec![forged[0].keys[0].clone(); 4096];
        many[0].keys[7] = near[0].keys[0].clone();
        let read = give(&mut world, ROMEOS, &[jid(MALLORY)], &many);
        assert_eq!(text_of(&read), b"near");
        // Eight keys are looked at.
        let next = mallory.write(&mut world, &mut session, b"next");
        let mut many = next.clone();
        many[0].keys = vec![forged[0].keys[0].clone(); 4096];
        many[0].keys[8] = next[0].keys[0].clone();
        journalled(&mut world, ROMEOS, |world| {
            refused(world, ROMEOS, MALLORY, &many, MAC);
        });
        for (stanza, text) in [(&two_thousand, "2000"), (&nine_thousand, "9000")] {
            let read = give(&mut world, ROMEOS, &[jid(MALLORY)], stanza);
            assert_eq!(text_of(&read), text.as_bytes());
        }
    }
}

#[test]
fn a07_the_elements_of_a_stanza_share_one_budget() {
    let (mut world, mallory, mut omemo2) = acquainted(Version::Omemo2, 8);
    let mut legacy = greet(&mut world, &mallory, Version::Legacy);
    pass(&mut world, &mut omemo2, 9000);
    pass(&mut world, &mut legacy, 2000);
    let forged = mallory.write(&mut world, &mut omemo2, b"9000");
    let forged = with_garbage_for_mac(&forged);
    let genuine = mallory.write(&mut world, &mut legacy, b"2000");
    let both = [genuine.clone(), forged].concat();
    journalled(&mut world, ROMEOS, |world| {
        refused(world, ROMEOS, MALLORY, &both, MAC);
    });
    let read = give(&mut world, ROMEOS, &[jid(MALLORY)], &genuine);
    assert_eq!(text_of(&read), b"2000");
}

/// With a ratchet key that is not known any of six sessions may be meant; on the old ones no long jump is
/// made to find out.
#[test]
fn a07_old_sessions_are_no_place_for_long_jumps() {
    for version in Version::ALL {
        let (mut world, mallory, mut session) = acquainted(version, 9);
        for _ in 0..5 {
            greet(&mut world, &mallory, version);
        }
        // Its new ratchet key: his answer was read.
        pass(&mut world, &mut session, 900);
        let near = mallory.write(&mut world, &mut session.clone(), b"900");
        pass(&mut world, &mut session, 600);
        let far = mallory.write(&mut world, &mut session, b"1500");
        journalled(&mut world, ROMEOS, |world| {
            refused(world, ROMEOS, MALLORY, &far, MAC);
        });
        let read = give(&mut world, ROMEOS, &[jid(MALLORY)], &near);
        assert_eq!(text_of(&read), b"900");
        let read = give(&mut world, ROMEOS, &[jid(MALLORY)], &far);
        assert_eq!(text_of(&read), b"1500");
    }
}

#[test]
fn a09_each_of_a_thousand_shuffled_messages_is_read_exactly_once() {
    for version in Version::ALL {
        let mut world = World::of_two(10);
        let sent: Vec<_> = (0..1000_u32)
            .map(|n| world.write(0, ROMEOS, version, &n.to_be_bytes()))
            .collect();
        let mut order: Vec<usize> = (0..3000).map(|n| n % 1000).collect();
        order.shuffle(&mut world.rng);
        let mut seen = vec![false; 1000];
        for (count, at) in order.into_iter().enumerate() {
            if !core::mem::replace(&mut seen[at], true) {
                let text = u32::try_from(at).unwrap().to_be_bytes();
                world.expect(ROMEOS, 0, &sent[at], &text);
                continue;
            }
            let again = |world: &mut World| world.read(ROMEOS, 0, &sent[at]);
            let read = if count % 100 == 0 {
                unchanged(&mut world, ROMEOS, again)
            } else {
                again(&mut world)
            };
            assert!(matches!(read, Received::Duplicate(_)), "{read:?}");
        }
    }
}

/// Every bit of the key, the payload and the initialisation vector.
fn flipped(stanza: &Stanza) -> Vec<Stanza> {
    let element = &stanza[0];
    let mut all = Vec::new();
    let mut flip = |bits: usize, alter: &dyn Fn(&mut Stanza, usize, u8)| {
        for bit in 0..bits {
            let mut stanza = stanza.clone();
            alter(&mut stanza, bit / 8, 1 << (bit % 8));
            all.push(stanza);
        }
    };
    flip(8 * element.keys[0].bytes.len(), &|stanza, at, bit| {
        stanza[0].keys[0].bytes[at] ^= bit;
    });
    flip(
        8 * element.payload.as_ref().unwrap().len(),
        &|stanza, at, bit| {
            stanza[0].payload.as_mut().unwrap()[at] ^= bit;
        },
    );
    flip(
        8 * element.iv.as_ref().map_or(0, Vec::len),
        &|stanza, at, bit| {
            stanza[0].iv.as_mut().unwrap()[at] ^= bit;
        },
    );
    all
}

#[test]
fn a10_no_flipped_bit_changes_what_is_read_or_stored() {
    for version in Version::ALL {
        let mut world = World::of_two(11);
        let first = world.write(0, ROMEOS, version, b"first");
        let second = world.write(0, ROMEOS, version, b"second");
        for (stanza, text) in [(first, b"first".as_slice()), (second, b"second")] {
            let was = KeyExchange::read(version, &stanza[0].keys[0].bytes).unwrap();
            let backup = world.devices[ROMEOS].store.copy();
            for altered in flipped(&stanza) {
                let before = world.devices[ROMEOS].dump();
                match world.read(ROMEOS, 0, &altered) {
                    Received::Failed(_) => assert!(world.devices[ROMEOS].dump() == before),
                    // Numbers that nothing depends on and nobody authenticates; and, once the session is
                    // known by its base key, what a key exchange says besides.
                    Received::Message(read) => {
                        assert_eq!(read.payload.as_slice(), text);
                        let is = KeyExchange::read(version, &altered[0].keys[0].bytes);
                        if let Ok(is) = is {
                            assert!(is.message() == was.message());
                            assert!(is.ephemeral() == was.ephemeral());
                            assert!(text == b"second" || is.identity() == was.identity());
                        } else {
                            // A length that swallowed the frame around the message, which is whole.
                            let key = &altered[0].keys[0].bytes;
                            assert!(RatchetMessage::read(version, key).unwrap() == *was.message());
                            assert_eq!(text, b"second");
                        }
                        let store = Arc::new(backup.copy());
                        world.devices[ROMEOS].store = store;
                        assert_eq!(world.reopen(ROMEOS, options()), Opening::Found);
                    }
                    other => panic!("{other:?}"),
                }
            }
            world.expect(ROMEOS, 0, &stanza, text);
        }
    }
}

#[test]
fn a16_a_key_in_the_element_of_the_other_version_is_none() {
    let mut world = World::of_two(16);
    for _ in 0..2 {
        for version in Version::ALL {
            let stanza = world.write(0, ROMEOS, version, b"hello");
            let mut other = stanza.clone();
            other[0].version = match version {
                Version::Legacy => Version::Omemo2,
                Version::Omemo2 => Version::Legacy,
            };
            other[0].iv = Some(vec![7; 12]);
            let read = unchanged(&mut world, ROMEOS, |world| world.read(ROMEOS, 0, &other));
            assert!(matches!(read, Received::Failed(_)), "{read:?}");
            world.expect(ROMEOS, 0, &stanza, b"hello");
        }
    }
}

/// Somebody has a copy of Juliet's device.
#[test]
fn a23_a_clone_is_noticed_and_left_behind() {
    for version in Version::ALL {
        let mut world = World::of_two(23);
        let now = world.time();
        let account = &world.devices[ROMEOS].account;
        account.set_accepted(&jid(JULIET), true, now).unwrap();
        let stanza = world.write(0, ROMEOS, version, b"hello");
        world.expect(ROMEOS, 0, &stanza, b"hello");
        assert_eq!(world.answer(ROMEOS), 1);
        let store = Arc::new(world.devices[0].store.copy());
        let rng = &mut world.rng;
        let account = Account::open(store.clone(), jid(JULIET), options(), now, rng).unwrap();
        world.devices.push(Device { store, account });
        let clone = 2;

        let genuine = world.write(0, ROMEOS, version, b"genuine");
        let cloned = world.write(clone, ROMEOS, version, b"cloned");
        world.expect(ROMEOS, 0, &genuine, b"genuine");
        // Both have drawn a ratchet key of their own, or use the same.
        let is_same_chain = message(&genuine).header().dh == message(&cloned).header().dh;
        assert!(!is_same_chain);
        let later = world.write(clone, ROMEOS, version, b"cloned");
        for _ in 0..3 {
            let stanza = world.write(ROMEOS, 0, version, b"round");
            world.expect(0, ROMEOS, &stanza, b"round");
            let stanza = world.write(0, ROMEOS, version, b"trip");
            world.expect(ROMEOS, 0, &stanza, b"trip");
        }
        for stanza in [&cloned, &later] {
            let read = journalled(&mut world, ROMEOS, |world| world.read(ROMEOS, 0, stanza));
            assert!(matches!(read, Received::Failed(_)), "{read:?}");
        }

        // Within one chain both use the same numbers.
        let store = Arc::new(world.devices[0].store.copy());
        let now = world.time();
        let rng = &mut world.rng;
        let account = Account::open(store.clone(), jid(JULIET), options(), now, rng).unwrap();
        world.devices[clone] = Device { store, account };
        let genuine = world.write(0, ROMEOS, version, b"genuine");
        let cloned = world.write(clone, ROMEOS, version, b"cloned");
        world.expect(ROMEOS, 0, &genuine, b"genuine");
        let give = |world: &mut World| {
            refused(world, ROMEOS, JULIET, &cloned, FailureReason::CounterReused);
        };
        match version {
            // Several of them lead to a repair: they are counted.
            Version::Legacy => journalled(&mut world, ROMEOS, give),
            Version::Omemo2 => unchanged(&mut world, ROMEOS, give),
        }
        let stanza = world.write(0, ROMEOS, version, b"hello");
        world.expect(ROMEOS, 0, &stanza, b"hello");
    }
}

#[test]
fn a39_empty_messages_payloads_and_keys_for_others_are_told_apart() {
    for version in Version::ALL {
        let (mut world, mallory, mut session) = acquainted(version, 39);
        let empty = mallory.empty(&mut world, &mut session, &[0; 32]);
        // A payload put under it: in legacy its length is right, and its key is known to nobody else.
        let mut with_payload = empty.clone();
        with_payload[0].payload = Some(vec![7; 32]);
        let reason = payload(match version {
            Version::Legacy => PayloadError::Authentication,
            Version::Omemo2 => PayloadError::KeyMaterialLength,
        });
        unchanged(&mut world, ROMEOS, |world| {
            refused(world, ROMEOS, MALLORY, &with_payload, reason);
        });
        let read = give(&mut world, ROMEOS, &[jid(MALLORY)], &empty);
        assert!(matches!(read, Received::Empty(_)), "{read:?}");

        let text = mallory.write(&mut world, &mut session, b"");
        let mut for_others = text.clone();
        for_others[0].keys.clear();
        for has_payload in [true, false] {
            if !has_payload {
                for_others[0].payload = None;
            }
            let read = unchanged(&mut world, ROMEOS, |world| {
                give(world, ROMEOS, &[jid(MALLORY)], &for_others)
            });
            assert!(matches!(read, Received::NotForUs { has_payload: has } if has == has_payload));
        }
        // A key that is none beside the right one, with the attribute of the other kind.
        let mut beside = text.clone();
        beside[0].keys[0].key_exchange ^= true;
        let mut garbage = beside[0].keys[0].clone();
        garbage.bytes.truncate(20);
        beside[0].keys.insert(0, garbage);
        let read = give(&mut world, ROMEOS, &[jid(MALLORY)], &beside);
        assert_eq!(text_of(&read), b"");
        // Our own device id at another account is a coincidence; at ours it is us.
        let mut reflected = mallory.write(&mut world, &mut session, b"me");
        reflected[0].sender_device = world.devices[ROMEOS].id();
        let read = unchanged(&mut world, ROMEOS, |world| {
            give(world, ROMEOS, &[jid(ROMEO)], &reflected)
        });
        assert!(matches!(read, Received::OwnReflection));
        unchanged(&mut world, ROMEOS, |world| {
            refused(world, ROMEOS, MALLORY, &reflected, FailureReason::NoSession);
        });
    }
}

/// OMEMO 2 has no other use for a key of 48 bytes than a payload: without it, somebody took it off.
#[test]
fn a39_a_message_whose_payload_was_taken_off_is_no_empty_one() {
    let (mut world, mallory, mut session) = acquainted(Version::Omemo2, 40);
    let stanza = mallory.write(&mut world, &mut session, b"important");
    let mut stripped = stanza.clone();
    stripped[0].payload = None;
    let reason = payload(PayloadError::KeyMaterialLength);
    unchanged(&mut world, ROMEOS, |world| {
        refused(world, ROMEOS, MALLORY, &stripped, reason);
    });
    let read = give(&mut world, ROMEOS, &[jid(MALLORY)], &stanza);
    assert_eq!(text_of(&read), b"important");
}

/// An archive goes back further than the chains of a session are kept: that breaks nothing.
#[test]
fn a23_what_was_read_long_ago_is_no_reason_for_a_repair() {
    for version in Version::ALL {
        let mut world = World::of_two(41);
        let now = world.time();
        let romeo = world.devices[ROMEOS].account.clone();
        romeo.set_accepted(&jid(world::JULIET), true, now).unwrap();
        let mut archive = Vec::new();
        for _ in 0..70 {
            let stanza = world.write(0, ROMEOS, version, b"there");
            world.expect(ROMEOS, 0, &stanza, b"there");
            archive.push(stanza);
            let stanza = world.write(ROMEOS, 0, version, b"back");
            world.expect(0, ROMEOS, &stanza, b"back");
        }
        for stanza in &archive {
            match world.read_as(ROMEOS, 0, stanza, Arrival::Delayed) {
                Received::Duplicate(_) => {}
                Received::Failed(failure) => assert_eq!(failure.reason, FailureReason::KeyGone),
                other => panic!("{other:?}"),
            }
        }
        archive.reverse();
        for stanza in &archive {
            let read = world.read_as(ROMEOS, 0, stanza, Arrival::Delayed);
            assert!(matches!(read, Received::Duplicate(_) | Received::Failed(_)));
        }
        assert_eq!(romeo.repairs_due(now).unwrap(), []);
    }
}

#[test]
fn a47_half_of_a_mixed_stanza_is_a_duplicate_of_it() {
    for order in 0..4 {
        let (mut world, mallory, mut omemo2) = acquainted(Version::Omemo2, 47);
        let mut legacy = greet(&mut world, &mallory, Version::Legacy);
        let halves = [
            mallory.write(&mut world, &mut omemo2, b"both"),
            mallory.write(&mut world, &mut legacy, b"both"),
        ];
        let mixed = halves.concat();
        let [first, then] = match order {
            0 => [&mixed, &halves[0]],
            1 => [&mixed, &halves[1]],
            2 => [&halves[0], &mixed],
            _ => [&halves[1], &mixed],
        };
        let Received::Message(read) = give(&mut world, ROMEOS, &[jid(MALLORY)], first) else {
            panic!("not read");
        };
        assert_eq!(read.payload.as_slice(), b"both");
        let account = &world.devices[ROMEOS].account;
        let application = omemo::account::APPLICATION;
        account.acknowledge(&[read.id], application).unwrap();
        for stanza in [then, &halves[0], &halves[1], &mixed] {
            let read = give(&mut world, ROMEOS, &[jid(MALLORY)], stanza);
            assert!(matches!(read, Received::Duplicate(_)), "{order}: {read:?}");
        }
        let now = world.time();
        let inbox = world.devices[ROMEOS].account.inbox(application).unwrap();
        assert!(
            inbox
                .iter()
                .all(|message| message.payload.as_slice() != b"both")
        );
        assert!(
            world.devices[ROMEOS]
                .account
                .repairs_due(now)
                .unwrap()
                .is_empty()
        );
    }
}

/// A stanza has one element of a version; what else is handed over is not read, and not lost.
#[test]
fn a47_a_second_element_of_a_version_is_left_alone() {
    let (mut world, mallory, mut session) = acquainted(Version::Omemo2, 48);
    let all: Vec<_> = (0..3)
        .map(|n| mallory.write(&mut world, &mut session, &[n]))
        .collect();
    let read = give(&mut world, ROMEOS, &[jid(MALLORY)], &all.concat());
    assert_eq!(text_of(&read), [0]);
    for (n, stanza) in (0_u8..).zip(&all).skip(1) {
        let read = give(&mut world, ROMEOS, &[jid(MALLORY)], stanza);
        assert_eq!(text_of(&read), [n]);
    }
}

/// The key of a message is in its element only: moved under another payload it opens nothing.
#[test]
fn a39_a_key_under_the_payload_of_another_message_opens_nothing() {
    for version in Version::ALL {
        let mut world = World::of_two(38);
        let one = world.write(0, ROMEOS, version, b"one");
        let two = world.write(0, ROMEOS, version, b"two");
        let mut swapped = one.clone();
        swapped[0].payload.clone_from(&two[0].payload);
        swapped[0].iv.clone_from(&two[0].iv);
        unchanged(&mut world, ROMEOS, |world| {
            let reason = payload(PayloadError::Authentication);
            refused(world, ROMEOS, JULIET, &swapped, reason);
        });
        world.expect(ROMEOS, 0, &one, b"one");
        world.expect(ROMEOS, 0, &two, b"two");
    }
}
