//! Two devices talk over a network that loses, reorders and repeats.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod support;

use omemo::error::{DecryptError, EncryptError};
use omemo::model::Version;
use omemo::ratchet::{MAX_CHAIN_AGE, MAX_SKIP};
use omemo::session::{EncryptedKey, HEARTBEAT_COUNTER, RECORD_LEN, Session};
use rand::RngExt;
use support::{Device, Side, acquainted, introduced, rng};

#[test]
fn every_message_that_arrives_is_read_once() {
    for seed in 0..20 {
        for version in Version::ALL {
            let mut rng = rng(seed);
            let (alice, bob) = acquainted(version, &mut rng);
            let mut sides = [alice, bob];
            let mut wires: [Vec<(Vec<u8>, EncryptedKey)>; 2] = Default::default();
            let mut read = 0;
            for round in 0_u32..600 {
                let from = rng.random_range(0..2);
                let text = [&round.to_le_bytes()[..], &[from as u8; 44]].concat();
                let key = sides[from].send(&text, &mut rng);
                if rng.random_ratio(9, 10) {
                    wires[from].push((text, key));
                }
                while !wires[from].is_empty() && rng.random_ratio(3, 5) {
                    let index = rng.random_range(0..wires[from].len());
                    let (text, key) = wires[from].swap_remove(index);
                    let to = &mut sides[1 - from];
                    assert_eq!(to.receive(&key).unwrap(), text, "{version:?} seed {seed}");
                    read += 1;
                    if rng.random_ratio(1, 5) {
                        let before = to.stored();
                        assert_eq!(to.receive(&key), Err(DecryptError::KeyUsed));
                        assert_eq!(to.stored(), before);
                    }
                }
            }
            assert!(read > 300, "only {read} of 600 were delivered");
        }
    }
}

#[test]
fn the_key_exchange_is_repeated_until_the_first_answer() {
    for version in Version::ALL {
        let mut rng = rng(1);
        let (mut alice, mut bob, _) = introduced(version, &mut rng);
        assert!(alice.session.is_unanswered() && !bob.session.is_unanswered());
        let held: Vec<_> = (0..3).map(|n| alice.send(&[n; 32], &mut rng)).collect();
        assert!(held.iter().all(|key| key.key_exchange));
        for n in [2, 0, 1] {
            assert_eq!(bob.receive(&held[n]).unwrap(), [n as u8; 32]);
        }
        let answer = bob.send(b"answer", &mut rng);
        assert!(!answer.key_exchange);
        assert_eq!(alice.receive(&answer).unwrap(), b"answer");
        assert!(!alice.session.is_unanswered());
        assert!(!alice.send(&[0; 32], &mut rng).key_exchange);
    }
}

#[test]
fn a_first_message_that_overtakes_others_keeps_their_keys() {
    for version in Version::ALL {
        let mut rng = rng(2);
        let (juliet, romeo) = (
            Device::new(version, &mut rng),
            Device::new(version, &mut rng),
        );
        let bundle = romeo.bundle(&mut rng);
        let mut alice = Side::new(juliet.initiate(&bundle, &mut rng));
        let sent: Vec<_> = (0..5).map(|n| alice.send(&[n; 32], &mut rng)).collect();
        let mut bob = Side::accepted(romeo.accept(&sent[3].bytes).unwrap());
        for n in [4, 0, 2, 1] {
            assert_eq!(bob.receive(&sent[n]).unwrap(), [n as u8; 32]);
        }
        assert!(bob.skipped.is_empty());
    }
}

#[test]
fn a_heartbeat_is_due_once_for_each_ratchet_key() {
    for version in Version::ALL {
        let mut rng = rng(3);
        let (mut alice, mut bob) = acquainted(version, &mut rng);
        for chain in 0..2 {
            let mut heartbeats = Vec::new();
            for n in 0..60 {
                let key = alice.send(&[n; 32], &mut rng);
                bob.receive(&key).unwrap();
                let due = bob.session.heartbeat_due();
                assert_eq!(
                    due,
                    u32::from(n) == HEARTBEAT_COUNTER,
                    "chain {chain}, message {n}"
                );
                if due {
                    heartbeats.push(bob.send(&[0; 32], &mut rng));
                    assert!(!bob.session.heartbeat_due());
                }
            }
            assert_eq!(heartbeats.len(), 1);
            alice.receive(&heartbeats[0]).unwrap();
            assert!(!alice.session.heartbeat_due());
        }
    }
}

#[test]
fn late_messages_of_an_old_chain_call_for_no_heartbeat() {
    for version in Version::ALL {
        let mut rng = rng(6);
        let (mut alice, mut bob) = acquainted(version, &mut rng);
        let sent: Vec<_> = (0..80).map(|n| alice.send(&[n; 32], &mut rng)).collect();
        bob.receive(&sent[79]).unwrap();
        assert!(bob.session.heartbeat_due());
        let heartbeat = bob.send(&[0; 32], &mut rng);
        alice.receive(&heartbeat).unwrap();
        let next = alice.send(b"next", &mut rng);
        bob.receive(&next).unwrap();
        for late in &sent[..79] {
            bob.receive(late).unwrap();
            assert!(!bob.session.heartbeat_due());
        }
    }
}

/// Of the old chain as many keys are kept as one message may cost, the oldest first.
#[test]
fn what_a_step_leaves_behind_is_kept_as_far_as_the_budget_goes() {
    for (missing, ahead, kept) in [
        (MAX_SKIP - 1, 0_u32, MAX_SKIP - 1),
        (MAX_SKIP, 0, MAX_SKIP),
        (5_000, 5_000, 5_000),
        (6_000, 6_000, 4_000),
    ] {
        let mut rng = rng(7);
        let (mut alice, mut bob) = acquainted(Version::Omemo2, &mut rng);
        let first = alice.send(b"first", &mut rng);
        bob.receive(&first).unwrap();
        let old: Vec<_> = (0..missing)
            .map(|n| alice.send(&n.to_le_bytes(), &mut rng))
            .collect();
        let answer = bob.send(b"answer", &mut rng);
        alice.receive(&answer).unwrap();
        for n in 0..ahead {
            alice.send(&n.to_le_bytes(), &mut rng);
        }
        let newest = alice.send(b"newest", &mut rng);
        bob.receive(&newest).unwrap();
        for (n, late) in (0..).zip(&old) {
            assert_eq!(
                bob.receive(late).is_ok(),
                n < kept,
                "{n} of {missing}, {ahead} ahead"
            );
        }
    }
}

#[test]
fn ten_thousand_messages_are_read_newest_first() {
    for version in Version::ALL {
        let mut rng = rng(4);
        let (mut alice, mut bob) = acquainted(version, &mut rng);
        let sent: Vec<_> = (0..=MAX_SKIP)
            .map(|n| (n, alice.send(&n.to_le_bytes(), &mut rng)))
            .collect();
        for (n, key) in sent.iter().rev() {
            assert_eq!(bob.receive(key).unwrap(), n.to_le_bytes());
        }
        assert!(bob.skipped.is_empty());
    }
}

#[test]
fn keys_of_a_chain_are_given_up_when_it_is_old() {
    let mut rng = rng(5);
    let (mut alice, mut bob) = acquainted(Version::Legacy, &mut rng);
    let late = alice.send(b"late", &mut rng);
    let next = alice.send(b"next", &mut rng);
    bob.receive(&next).unwrap();
    for step in 0..=MAX_CHAIN_AGE {
        let mut patient = bob.clone();
        assert_eq!(patient.receive(&late).unwrap(), b"late", "step {step}");
        let answer = bob.send(&[0; 32], &mut rng);
        alice.receive(&answer).unwrap();
        let message = alice.send(&[0; 32], &mut rng);
        bob.receive(&message).unwrap();
    }
    assert!(bob.receive(&late).is_err());
}

/// libsignal counts the previous chain's last index where the paper counts its messages: with either,
/// the last message of a chain is read when it comes late (keys are kept up to and including pn).
#[test]
fn the_last_message_of_a_chain_may_come_late() {
    for version in Version::ALL {
        let mut rng = rng(6);
        let (mut alice, mut bob) = acquainted(version, &mut rng);
        let held: Vec<_> = (0..3).map(|n| alice.send(&[n; 32], &mut rng)).collect();
        bob.receive(&held[0]).unwrap();
        let answer = bob.send(&[0; 32], &mut rng);
        alice.receive(&answer).unwrap();
        let next = alice.send(b"next chain", &mut rng);
        bob.receive(&next).unwrap();
        assert_eq!(bob.receive(&held[2]).unwrap(), [2; 32]);
        assert_eq!(bob.receive(&held[1]).unwrap(), [1; 32]);
    }
}

#[test]
fn a35_a_sending_chain_ends_before_a_counter_repeats() {
    for version in Version::ALL {
        let mut rng = rng(7);
        let (alice, _) = acquainted(version, &mut rng);
        let mut side = alice;
        side.send(&[0; 32], &mut rng);
        let mut record = *side.session.to_record();
        record[291..295].copy_from_slice(&u32::MAX.to_le_bytes());
        let mut session = Session::from_record(&record).unwrap();
        let outcome = session.encrypt(&omemo::protocol::KeyMaterial::new(&[0; 32]), &mut rng);
        assert_eq!(outcome, Err(EncryptError::ChainExhausted));
        assert_eq!(session.to_record().as_slice(), record);
    }
}

#[test]
fn a10_a_record_is_read_back_and_garbage_is_refused() {
    const { assert!(RECORD_LEN <= 320) };
    let mut rng = rng(8);
    for version in Version::ALL {
        let (alice, bob, _) = introduced(version, &mut rng);
        let (carol, dave) = acquainted(version, &mut rng);
        for side in [alice, bob, carol, dave] {
            let record = side.session.to_record();
            let again = Session::from_record(record.as_slice()).unwrap();
            assert_eq!(again.to_record(), record);

            for len in 0..record.len() {
                assert!(Session::from_record(&record[..len]).is_err());
            }
            assert!(Session::from_record(&[record.as_slice(), &[0]].concat()).is_err());
            for bit in 0..record.len() * 8 {
                let mut other = record.clone();
                other[bit / 8] ^= 1 << (bit % 8);
                // Records are not authenticated: what could have been written is read as it stands.
                if let Ok(session) = Session::from_record(other.as_slice()) {
                    assert_eq!(session.to_record(), other, "bit {bit}");
                }
            }
            for flags in 0..=u8::MAX {
                let mut other = record.clone();
                other[2] = flags;
                // Only the initiator's bit and the heartbeat's leave a state that could have been.
                if let Ok(session) = Session::from_record(other.as_slice()) {
                    assert_eq!((flags ^ record[2]) & !0b0101, 0, "{flags:#b}");
                    assert_eq!(session.to_record(), other);
                }
            }
        }
    }
    for _ in 0..100_000 {
        let mut garbage = [0_u8; RECORD_LEN];
        rng.fill(&mut garbage);
        garbage[..2].copy_from_slice(&[1, 2]);
        assert!(Session::from_record(&garbage).is_err());
    }
}
