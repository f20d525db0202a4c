//! Accounts that write to each other: versions, several devices, crossing first messages, trust, repair.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod world;

use omemo::account::{EncryptError, Fate, Gap, Received, Refusal, SessionState};
use omemo::model::Version;
use world::{JULIET, ROMEO, World, jid};

#[test]
fn two_accounts_write_to_each_other_in_both_versions() {
    for version in Version::ALL {
        let mut world = World::of_two(1);
        let (juliet, romeo) = (0, 1);
        let now = world.time();
        world.devices[romeo]
            .account
            .set_accepted(&jid(JULIET), true, now)
            .unwrap();
        for round in 0..60_u8 {
            let text = [b'a', round];
            let stanza = world.write(juliet, romeo, version, &text);
            assert_eq!(stanza[0].keys[0].key_exchange, round == 0, "{round}");
            world.expect(romeo, juliet, &stanza, &text);
            if round == 0 {
                assert_eq!(world.answer(romeo), 1);
                assert_eq!(world.answer(romeo), 0);
            }
            assert!(matches!(
                world.read(romeo, juliet, &stanza),
                Received::Duplicate(_)
            ));
        }
        // After 53 messages without an answer Romeo owes a sign of life.
        assert_eq!(world.answer(romeo), 1);
        let stanza = world.write(romeo, juliet, version, b"neither");
        world.expect(juliet, romeo, &stanza, b"neither");
    }
}

#[test]
fn a_message_for_nobody_is_refused_and_a_message_for_some_is_reported() {
    let mut world = World::new(2);
    let juliet = world.add(JULIET);
    let romeo = jid(ROMEO);
    let refused = world
        .send(juliet, core::slice::from_ref(&romeo), b"hello")
        .unwrap_err();
    let EncryptError::Refused(refusal) = refused else {
        panic!("{refused:?}");
    };
    assert!(matches!(*refusal, Refusal::NoDevices(..)));

    let second = world.add(ROMEO);
    let third = world.add(ROMEO);
    world.publish_lists();
    let key = world.devices[third].account.fingerprint();
    let now = world.time();
    world.devices[juliet]
        .account
        .set_trust(&romeo, &key, omemo::account::Trust::Distrusted, now)
        .unwrap();
    let sent = world
        .send(juliet, core::slice::from_ref(&romeo), b"hello")
        .unwrap();
    let fates: Vec<_> = sent.report.devices.iter().collect();
    assert_eq!(fates.len(), 2);
    for device in fates {
        let is_third = device.device == world.devices[third].id();
        match device.fate {
            Fate::Encrypted { version, .. } => {
                assert!(!is_third && version == Version::Legacy);
            }
            Fate::Skipped(gap) => assert!(is_third && gap == Gap::Distrusted(key)),
        }
    }
    let stanza = world.for_device(second, &sent.elements);
    world.expect(second, juliet, &stanza, b"hello");
    let stanza = world.for_device(third, &sent.elements);
    assert!(matches!(
        world.read(third, juliet, &stanza),
        Received::NotForUs { has_payload: true }
    ));
}

#[test]
fn crossing_first_messages_lose_nothing_and_settle() {
    for version in Version::ALL {
        let mut world = World::of_two(3);
        let (juliet, romeo) = (0, 1);
        let from_juliet: Vec<_> = (0..4_u8)
            .map(|n| world.write(juliet, romeo, version, &[n]))
            .collect();
        let from_romeo: Vec<_> = (0..4_u8)
            .map(|n| world.write(romeo, juliet, version, &[n]))
            .collect();
        for n in [2_usize, 0, 3, 1] {
            let text = [u8::try_from(n).unwrap()];
            world.expect(romeo, juliet, &from_juliet[n], &text);
            world.expect(juliet, romeo, &from_romeo[n], &text);
        }
        for round in 0..4_u8 {
            let stanza = world.write(juliet, romeo, version, &[round]);
            world.expect(romeo, juliet, &stanza, &[round]);
            let stanza = world.write(romeo, juliet, version, &[round]);
            assert!(round == 0 || !stanza[0].keys[0].key_exchange);
            world.expect(juliet, romeo, &stanza, &[round]);
        }
    }
}

#[test]
fn after_a_repair_nothing_is_sent_on_the_session_that_was_broken() {
    let version = Version::Legacy;
    let mut world = World::of_two(4);
    let (juliet, romeo) = (0, 1);
    for (from, to) in [(juliet, romeo), (romeo, juliet)] {
        let stanza = world.write(from, to, version, b"known");
        world.expect(to, from, &stanza, b"known");
    }
    let late = world.write(romeo, juliet, version, b"late");
    for text in [b"a", b"b", b"c"] {
        let mut broken = world.write(romeo, juliet, version, text);
        *broken[0].keys[0].bytes.last_mut().unwrap() ^= 1;
        let read = world.read(juliet, romeo, &broken);
        assert!(matches!(read, Received::Failed(_)), "{read:?}");
    }
    let now = world.time();
    let due = world.devices[juliet].account.repairs_due(now).unwrap();
    let bundle = world.fetch(&due[0]);
    let account = &world.devices[juliet].account;
    let element = account
        .repair(&due[0], &bundle, now, &mut world.rng)
        .unwrap();
    let stanza = world.for_device(romeo, &[element]);
    assert!(matches!(
        world.read(romeo, juliet, &stanza),
        Received::Empty(_)
    ));
    let answer = world.write(romeo, juliet, version, b"on the new one");
    world.expect(juliet, romeo, &answer, b"on the new one");

    // What was written before on the old one is read, and leads nowhere.
    world.expect(juliet, romeo, &late, b"late");
    let romeos = world.devices[romeo].jid().clone();
    let peers = world.devices[juliet].account.peers(&romeos).unwrap();
    let (current, old) = peers[0].sessions.split_first().unwrap();
    assert_eq!((current.number, current.state), (2, SessionState::Current));
    assert_eq!(old[0].state, SessionState::ReceiveOnly);
    let stanza = world.write(juliet, romeo, version, b"next");
    world.expect(romeo, juliet, &stanza, b"next");
}
