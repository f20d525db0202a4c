//! Messages on an established session that somebody made up, altered or repeated. The ids are those of
//! the project's attack catalogue.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod support;

use omemo::crypto::kdf::HmacKey;
use omemo::crypto::{Secret, random};
use omemo::error::{DecryptError, KeyError, MessageError};
use omemo::model::Version;
use omemo::protocol::{Direction, KeyMaterial, Parties, RatchetMessage, of};
use omemo::ratchet::{Budget, Header, MAX_SKIP, Sending};
use rand::RngExt;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use support::{Side, acquainted, altered, rng};

/// A message with this header under a MAC that nobody could have made.
fn forged(version: Version, header: &Header) -> RatchetMessage {
    let wire = of(version).write_message(header, vec![0; 48], &|_| Secret::new([0x5a; 32]));
    RatchetMessage::read(version, &wire).unwrap()
}

fn next_header(side: &mut Side, rng: &mut StdRng) -> Header {
    let key = side.clone().send(&[0; 32], rng);
    *RatchetMessage::read(side.session.version(), &key.bytes)
        .unwrap()
        .header()
}

#[test]
fn a06_a_forged_header_stores_no_key() {
    for version in Version::ALL {
        let mut rng = rng(6);
        let (mut alice, mut bob) = acquainted(version, &mut rng);
        let header = next_header(&mut alice, &mut rng);
        let before = bob.stored();
        let fresh = *omemo::crypto::RatchetKeyPair::generate(&mut rng)
            .unwrap()
            .public();
        for forgery in [
            Header { n: 500, ..header },
            Header { n: 999, ..header },
            Header {
                dh: fresh,
                pn: 999,
                n: 999,
            },
        ] {
            let outcome = bob.receive_message(&forged(version, &forgery));
            assert_eq!(outcome, Err(DecryptError::Mac));
            assert_eq!(bob.stored(), before);
        }
        let genuine = alice.send(b"good after", &mut rng);
        assert_eq!(bob.receive(&genuine).unwrap(), b"good after");
    }
}

#[test]
fn a07_work_is_refused_before_it_is_done() {
    for version in Version::ALL {
        let mut rng = rng(7);
        let (mut alice, mut bob) = acquainted(version, &mut rng);
        let first = alice.send(&[0; 32], &mut rng);
        bob.receive(&first).unwrap();
        let current = next_header(&mut alice, &mut rng);
        let unanswered = {
            let key = bob.send(&[0; 32], &mut rng);
            RatchetMessage::read(version, &key.bytes).unwrap()
        };
        assert_eq!(unanswered.header().n, 0);
        let fresh = *omemo::crypto::RatchetKeyPair::generate(&mut rng)
            .unwrap()
            .public();

        let before = bob.stored();
        for n in [
            9_999,
            10_000,
            10_001,
            10_002,
            1 << 31,
            (1 << 31) - 1,
            u32::MAX,
        ] {
            for (dh, stands_at) in [(current.dh, current.n), (fresh, 0)] {
                for pn in [0, 9_999, 10_000, 10_001, 1 << 31, u32::MAX] {
                    let message = forged(version, &Header { dh, pn, n });
                    let mut budget = Budget::for_stanza();
                    let outcome = bob
                        .session
                        .decrypt(&message, &bob.skipped, &mut budget)
                        .map(|_| ())
                        .unwrap_err();
                    let spent = MAX_SKIP - budget.chain_steps();
                    let jump = n - stands_at;
                    if jump > MAX_SKIP || n == u32::MAX {
                        assert_eq!((outcome, spent), (DecryptError::TooFarAhead, 0));
                        assert_eq!(budget.dh_steps(), 24);
                    } else {
                        assert_eq!(outcome, DecryptError::Mac);
                        assert!(spent >= jump && spent <= MAX_SKIP, "{spent} steps");
                    }
                }
            }
        }
        assert_eq!(bob.stored(), before);

        // One budget over all keys of a stanza: the second jump is not made.
        let mut budget = Budget::for_stanza();
        let jump = forged(
            version,
            &Header {
                n: 9_000,
                ..current
            },
        );
        for expected in [
            DecryptError::Mac,
            DecryptError::Budget,
            DecryptError::Budget,
        ] {
            let outcome = bob.session.decrypt(&jump, &bob.skipped, &mut budget);
            assert_eq!(outcome.map(|_| ()).unwrap_err(), expected);
        }
        let mut budget = Budget::new(MAX_SKIP, 2);
        let step = forged(
            version,
            &Header {
                dh: fresh,
                pn: 0,
                n: 0,
            },
        );
        for expected in [DecryptError::Mac, DecryptError::Mac, DecryptError::Budget] {
            let outcome = bob.session.decrypt(&step, &bob.skipped, &mut budget);
            assert_eq!(outcome.map(|_| ()).unwrap_err(), expected);
        }
        assert_eq!(bob.stored(), before);
    }
}

#[test]
fn a08_the_oldest_skipped_keys_go_first() {
    let mut rng = rng(8);
    let (mut alice, mut bob) = acquainted(Version::Omemo2, &mut rng);
    let mut skipped = Vec::new();
    for _ in 0..30_000 {
        skipped.push(alice.send(&[0; 32], &mut rng));
        let key = alice.send(&[0; 32], &mut rng);
        bob.receive(&key).unwrap();
        assert!(bob.skipped.len() <= MAX_SKIP as usize);
    }
    // One too many makes a thousand more go: after 10,000 gaps, and 19 times after another 1,001.
    let kept = 9000 + (30_000 - 10_000) % 1001;
    assert_eq!(bob.skipped.len(), kept);
    let oldest = 30_000 - kept;
    assert_eq!(
        bob.receive(&skipped[oldest - 1]),
        Err(DecryptError::KeyUsed)
    );
    for index in [oldest, 29_999] {
        assert!(bob.receive(&skipped[index]).is_ok());
    }
}

#[test]
fn a09_each_of_a_thousand_shuffled_messages_is_read_exactly_once() {
    for version in Version::ALL {
        let mut rng = rng(9);
        let (mut alice, mut bob) = acquainted(version, &mut rng);
        let sent: Vec<_> = (0..1000_u32)
            .map(|n| alice.send(&n.to_le_bytes(), &mut rng))
            .collect();
        let mut order: Vec<usize> = (0..1000).chain(0..1000).chain(0..1000).collect();
        order.shuffle(&mut rng);
        let mut seen = vec![false; 1000];
        for index in order {
            let before = bob.stored();
            let outcome = bob.receive(&sent[index]);
            if std::mem::replace(&mut seen[index], true) {
                assert_eq!(outcome, Err(DecryptError::KeyUsed));
                assert_eq!(bob.stored(), before);
            } else {
                assert_eq!(outcome.unwrap(), (index as u32).to_le_bytes());
            }
        }
    }
}

#[test]
fn a10_no_altered_message_moves_the_session() {
    for version in Version::ALL {
        for plaintext in [&[7; 48][..], &[0; 32]] {
            let mut rng = rng(10);
            let (mut alice, mut bob) = acquainted(version, &mut rng);
            let message = alice.send(plaintext, &mut rng);
            let genuine = RatchetMessage::read(version, &message.bytes).unwrap();
            let before = bob.stored();
            let mut cases = 0;
            for bytes in altered(&message.bytes, &mut rng) {
                // OMEMO 2's outer protobuf is covered by nothing: another writing of the same fields.
                if RatchetMessage::read(version, &bytes).is_ok_and(|read| read == genuine) {
                    assert_eq!(version, Version::Omemo2);
                    continue;
                }
                assert!(bob.receive_bytes(&bytes).is_err());
                cases += 1;
            }
            assert!(cases > 8 * 98);
            assert_eq!(bob.stored(), before);
            assert_eq!(bob.receive(&message).unwrap(), plaintext);
        }
    }
}

#[test]
fn a11_protobuf_is_read_by_its_rules_and_within_bounds() {
    let mut rng = rng(11);
    for version in Version::ALL {
        let (mut alice, mut bob) = acquainted(version, &mut rng);
        let genuine = alice.send(&[0; 48], &mut rng);
        let genuine_read = RatchetMessage::read(version, &genuine.bytes).unwrap();
        let before = bob.stored();
        let (mut refused, mut equal) = (0, 0);
        for bytes in odd_protobufs(&genuine.bytes) {
            match RatchetMessage::read(version, &bytes) {
                // Fields that nobody knows, around an intact OMEMO 2 message.
                Ok(read) if read == genuine_read => equal += 1,
                _ => {
                    assert!(bob.receive_bytes(&bytes).is_err());
                    refused += 1;
                }
            }
        }
        assert!(refused > 200 && (equal > 0) == (version == Version::Omemo2));
        let groups = vec![0x0b; 8000];
        assert!(RatchetMessage::read(version, &groups).is_err());
        let long = vec![0; 8193];
        assert_eq!(
            RatchetMessage::read(version, &long),
            Err(MessageError::TooLong)
        );
        assert_eq!(bob.stored(), before);
        assert!(bob.receive(&genuine).is_ok());
    }
}

/// Every wire type under known and unknown field numbers, with varints of 1 to 13 bytes (lengths of 2^32
/// and 2^64 among them): alone, behind a version byte, in front of a message and behind it.
fn odd_protobufs(message: &[u8]) -> Vec<Vec<u8>> {
    let varints = (1..=12).flat_map(|len| {
        [
            vec![0xff; len],
            [vec![0xff; len], vec![0x01]].concat(),
            [vec![0x80; len], vec![0x00]].concat(),
        ]
    });
    let tags = [0_u8, 1, 2, 3, 4, 5, 6, 15]
        .into_iter()
        .flat_map(|field| (0..8).map(move |wire_type| field << 3 | wire_type));
    let varints: Vec<_> = varints.collect();
    tags.flat_map(|tag| {
        varints
            .iter()
            .map(move |value| [&[tag][..], value].concat())
    })
    .flat_map(|field| {
        [
            [&[0x33][..], &field, &[0; 8]].concat(),
            [&field[..], message].concat(),
            [message, &field].concat(),
            field,
        ]
    })
    .collect()
}

#[test]
fn a16_a_message_of_the_other_version_is_refused() {
    let mut rng = rng(16);
    let mut sides: Vec<_> = Version::ALL
        .map(|version| acquainted(version, &mut rng))
        .into_iter()
        .collect();
    let wires: Vec<_> = sides
        .iter_mut()
        .map(|(alice, _)| {
            let key = alice.send(&[0; 32], &mut rng);
            RatchetMessage::read(alice.session.version(), &key.bytes).unwrap()
        })
        .collect();
    for (index, (_, bob)) in sides.iter_mut().enumerate() {
        let outcome = bob.receive_message(&wires[1 - index]);
        assert_eq!(outcome, Err(DecryptError::OtherVersion));
        assert!(bob.receive_message(&wires[index]).is_ok());
    }
}

/// X25519 ignores the top bit of a key, so the secrets are the right ones: only the encoding is wrong. With
/// the MAC of the message that was sent it does not authenticate; with one made for it, it is refused.
#[test]
fn a17_a_ratchet_key_in_a_second_encoding_is_refused_behind_a_mac_that_verifies() {
    for version in Version::ALL {
        let mut rng = rng(17);
        let (mut alice, mut bob) = acquainted(version, &mut rng);
        let opening = alice.send(&[0; 32], &mut rng);
        bob.receive(&opening).unwrap();
        let Sending::Open { chain, .. } = alice.session.ratchet().sending() else {
            panic!("a chain was opened");
        };
        let keys = chain.step().1.expand(of(version).message_info());
        let genuine = alice.send(&[0; 32], &mut rng);

        let read = RatchetMessage::read(version, &genuine.bytes).unwrap();
        let dh = read.header().dh;
        let key_at = find(&genuine.bytes, dh.as_bytes());
        let mut bytes = genuine.bytes.clone();
        bytes[key_at + 31] |= 0x80;
        let before = bob.stored();
        assert_eq!(bob.receive_bytes(&bytes), Err(DecryptError::Mac));

        // What the MAC covers: all in front of it in legacy, the inner message in OMEMO 2.
        let mac_at = find(&bytes, read.mac());
        let covered = match version {
            Version::Legacy => bytes[..mac_at].to_vec(),
            Version::Omemo2 => bytes[20..].to_vec(),
        };
        let record = alice.session.to_record();
        let identity =
            |at: usize| of(version).stored_identity(record[at..at + 32].try_into().unwrap());
        let parties = Parties {
            local: identity(3),
            remote: identity(35),
            local_is_initiator: true,
        };
        let [a, b, c, d] = of(version).associated_data(&parties, Direction::Sending);
        let mac = HmacKey::new(&keys.authentication).mac(&[a, b, c, d, &covered]);
        bytes[mac_at..mac_at + read.mac().len()].copy_from_slice(&mac.expose()[..read.mac().len()]);
        let refused = DecryptError::Key(KeyError::NonCanonical);
        assert_eq!(bob.receive_bytes(&bytes), Err(refused));
        assert_eq!(bob.stored(), before);
        assert!(bob.receive(&genuine).is_ok());
    }
}

fn find(bytes: &[u8], part: &[u8]) -> usize {
    let mut windows = bytes.windows(part.len());
    windows.position(|window| window == part).unwrap()
}

#[test]
fn a25_padding_is_looked_at_only_behind_a_mac_that_verifies() {
    for version in Version::ALL {
        let mut rng = rng(25);
        let (mut alice, mut bob) = acquainted(version, &mut rng);
        let header = next_header(&mut alice, &mut rng);
        // A ciphertext whose padding is wrong for sure, or right by chance: under a wrong MAC all are one.
        for _ in 0..500 {
            let mut ciphertext = vec![0; 48];
            rng.fill(&mut ciphertext[..]);
            let wire = of(version).write_message(&header, ciphertext, &|_| {
                random(&mut support::rng(1)).unwrap()
            });
            assert_eq!(bob.receive_bytes(&wire), Err(DecryptError::Mac));
        }
    }
}

#[test]
fn a26_a_mac_is_exactly_as_long_as_its_version_says() {
    for version in Version::ALL {
        let mut rng = rng(26);
        let (mut alice, mut bob) = acquainted(version, &mut rng);
        let genuine = alice.send(&[0; 32], &mut rng);
        let mac = RatchetMessage::read(version, &genuine.bytes)
            .unwrap()
            .mac()
            .to_vec();
        let before = bob.stored();
        if version == Version::Omemo2 {
            let inner = &genuine.bytes[18..];
            for len in (0..=32).filter(|len| *len != mac.len()) {
                let long = [&mac[..], &[0; 16]].concat();
                let bytes = [&[0x0a, len as u8][..], &long[..len], inner].concat();
                assert_eq!(bob.receive_bytes(&bytes), Err(DecryptError::Mac));
            }
        }
        let at = genuine
            .bytes
            .windows(mac.len())
            .position(|window| window == mac)
            .unwrap();
        let mut forgery = genuine.bytes.clone();
        for _ in 0..1 << 16 {
            rng.fill(&mut forgery[at..at + mac.len()]);
            assert_eq!(bob.receive_bytes(&forgery), Err(DecryptError::Mac));
        }
        assert_eq!(bob.stored(), before);
        assert!(bob.receive(&genuine).is_ok());
    }
}

#[test]
fn a34_a_failing_generator_changes_nothing() {
    for version in Version::ALL {
        let mut rng = rng(34);
        let (_, mut bob, _) = support::introduced(version, &mut rng);
        let before = bob.stored();
        let outcome = bob
            .session
            .encrypt(&KeyMaterial::new(&[0; 32]), &mut Broken);
        assert_eq!(
            outcome,
            Err(omemo::error::EncryptError::Rng(omemo::error::RngError))
        );
        assert_eq!(bob.stored(), before);
        assert!(random::<32, _>(&mut Broken).is_err());
    }
}

struct Broken;
impl rand_core::TryRng for Broken {
    type Error = std::fmt::Error;
    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        Err(std::fmt::Error)
    }
    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        Err(std::fmt::Error)
    }
    fn try_fill_bytes(&mut self, _: &mut [u8]) -> Result<(), Self::Error> {
        Err(std::fmt::Error)
    }
}
impl rand_core::TryCryptoRng for Broken {}
