//! Key exchanges and bundles that somebody made up, given to an account.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod adversary;
mod world;

use adversary::{
    MAC, MALLORY, Mallory, bundle, give, journalled, refused, replaced, state, text_of, unchanged,
    with_garbage_for_mac,
};
use omemo::account::{
    EmptyError, EncryptError, FailureReason, FetchedBundle, Gap, Order, Outgoing, Received, Refusal,
};
use omemo::crypto::{EdwardsSign, IdentityKeyPair, Secret, random};
use omemo::error::{DecryptError, InitiateError, KeyError, MessageError, SignatureError};
use omemo::model::{Bundle, DeviceId, PerVersion, Version};
use omemo::protocol::{KeyExchange, of};
use world::{DAY, JULIET, ROMEO, Stanza, World, jid};

const JULIETS: usize = 0;
const ROMEOS: usize = 1;

fn exchange_of(stanza: &Stanza) -> KeyExchange {
    KeyExchange::read(stanza[0].version, &stanza[0].keys[0].bytes).unwrap()
}

#[test]
fn a01_a_forged_key_exchange_leaves_nothing_behind() {
    for version in Version::ALL {
        let mut world = World::of_two(1);
        let mallory = Mallory::new(&mut world);
        let offered = bundle(&world, ROMEOS, version);
        let genuine = mallory.exchange(&mut world, &offered, b"hello");
        let forged = with_garbage_for_mac(&genuine);
        let empty = {
            let mut stanza = forged.clone();
            stanza[0].payload = None;
            stanza
        };
        // From a stranger, as from a device that is on Juliet's list, and from an unknown one of hers.
        let mut as_juliets = forged.clone();
        as_juliets[0].sender_device = world.devices[JULIETS].id();
        for (sender, stanza) in [
            (MALLORY, &forged),
            (MALLORY, &empty),
            (JULIET, &forged),
            (JULIET, &as_juliets),
        ] {
            unchanged(&mut world, ROMEOS, |world| {
                refused(world, ROMEOS, sender, stanza, MAC);
            });
        }
        let account = &world.devices[ROMEOS].account;
        assert_eq!(account.devices(&jid(MALLORY)).unwrap(), []);
        assert_eq!(account.keys(&jid(MALLORY)).unwrap(), []);
        assert!(!account.contacts().unwrap().contains(&jid(MALLORY)));
        assert_eq!(bundle(&world, ROMEOS, version), offered);

        // A payload that the key does not open: the key exchange is not used up either.
        let mut altered = genuine.clone();
        altered[0].payload.as_mut().unwrap()[0] ^= 1;
        unchanged(&mut world, ROMEOS, |world| {
            let reason = FailureReason::Payload(omemo::error::PayloadError::Authentication);
            refused(world, ROMEOS, MALLORY, &altered, reason);
        });
        let read = give(&mut world, ROMEOS, &[jid(MALLORY)], &genuine);
        assert_eq!(text_of(&read), b"hello");
    }
}

#[test]
fn a01_an_accepted_contact_cannot_be_impersonated_either() {
    for version in Version::ALL {
        let mut world = World::of_two(2);
        let now = world.time();
        let account = &world.devices[ROMEOS].account;
        account.set_accepted(&jid(JULIET), true, now).unwrap();
        let genuine = world.write(JULIETS, ROMEOS, version, b"hello");
        journalled(&mut world, ROMEOS, |world| {
            refused(world, ROMEOS, JULIET, &with_garbage_for_mac(&genuine), MAC);
        });
        world.expect(ROMEOS, JULIETS, &genuine, b"hello");
    }
}

#[test]
fn a02_no_key_of_small_order_comes_into_an_account() {
    let mut one = [0; 32];
    one[0] = 1;
    let mut minus_one = [0xff; 32];
    (minus_one[0], minus_one[31]) = (0xec, 0x7f);
    let mut with_top_bit = one;
    with_top_bit[31] = 0x80;
    for version in Version::ALL {
        let mut world = World::of_two(3);
        let genuine = world.write(JULIETS, ROMEOS, version, b"hello");
        let exchange = exchange_of(&genuine);
        let parts = [
            exchange.ephemeral().as_bytes(),
            exchange.message().header().dh.as_bytes(),
            exchange.identity().as_bytes(),
        ];
        for part in parts {
            for key in [[0; 32], one, minus_one, with_top_bit] {
                let stanza = replaced(&genuine, part, &key);
                let read = unchanged(&mut world, ROMEOS, |world| {
                    give(world, ROMEOS, &[jid(JULIET)], &stanza)
                });
                let Received::Failed(failure) = read else {
                    panic!("{read:?}");
                };
                let FailureReason::Key(error) = failure.reason else {
                    panic!("{failure:?}");
                };
                assert!(
                    matches!(
                        error,
                        DecryptError::Message(MessageError::Key(
                            _,
                            KeyError::LowOrder | KeyError::NonCanonical | KeyError::NotOnCurve
                        )) | DecryptError::Key(_)
                    ),
                    "{error:?}"
                );
            }
        }
        world.expect(ROMEOS, JULIETS, &genuine, b"hello");
    }
}

#[test]
fn a04_pre_key_zero_and_pre_keys_that_are_not_there_are_none() {
    for version in Version::ALL {
        let mut world = World::of_two(4);
        let genuine = world.write(JULIETS, ROMEOS, version, b"hello");
        // Field 1 in both versions, behind legacy's version byte.
        let at = usize::from(version == Version::Legacy);
        assert_eq!(genuine[0].keys[0].bytes[at], 0x08);
        for id in [0, 101, 127] {
            let mut stanza = genuine.clone();
            stanza[0].keys[0].bytes[at + 1] = id;
            for _ in 0..2 {
                unchanged(&mut world, ROMEOS, |world| {
                    refused(world, ROMEOS, JULIET, &stanza, FailureReason::UnknownPreKey);
                });
            }
        }
        // Field 2 of OMEMO 2 is behind it; field 6 of legacy is the last one.
        let mut unsigned = genuine.clone();
        let bytes = &mut unsigned[0].keys[0].bytes;
        let at_signed = match version {
            Version::Legacy => bytes.len() - 2,
            Version::Omemo2 => 2,
        };
        assert!(matches!(bytes[at_signed..at_signed + 2], [0x30 | 0x10, 1]));
        bytes[at_signed + 1] = 0;
        unchanged(&mut world, ROMEOS, |world| {
            refused(
                world,
                ROMEOS,
                JULIET,
                &unsigned,
                FailureReason::UnknownSignedPreKey,
            );
        });
        let mut without = genuine.clone();
        without[0].keys[0].bytes.drain(at..at + 2);
        let reason = FailureReason::Key(DecryptError::Message(MessageError::NoPreKey));
        unchanged(&mut world, ROMEOS, |world| {
            refused(world, ROMEOS, JULIET, &without, reason);
        });
        world.expect(ROMEOS, JULIETS, &genuine, b"hello");
    }
}

#[test]
fn a05_a_repeated_key_exchange_is_a_duplicate_or_refused() {
    for version in Version::ALL {
        for is_catching_up in [false, true] {
            let mut world = World::of_two(5);
            let now = world.time();
            let account = &world.devices[ROMEOS].account;
            let begin = || account.begin_catch_up(Order::OldestFirst, now).unwrap();
            let catch_up = is_catching_up.then(begin);
            let stanza = world.write(JULIETS, ROMEOS, version, b"hello");
            world.expect(ROMEOS, JULIETS, &stanza, b"hello");
            let duplicate = |world: &mut World| {
                let read = unchanged(world, ROMEOS, |world| world.read(ROMEOS, JULIETS, &stanza));
                assert!(matches!(read, Received::Duplicate(_)), "{read:?}");
            };
            duplicate(&mut world);
            world.reopen(ROMEOS, world::options());
            duplicate(&mut world);
            let account = &world.devices[ROMEOS].account;
            account.reset_sessions(&jid(JULIET), None, now).unwrap();
            duplicate(&mut world);
            world.devices[ROMEOS].account.forget(&jid(JULIET)).unwrap();
            let reason = if is_catching_up {
                FailureReason::Replayed
            } else {
                FailureReason::UnknownPreKey
            };
            unchanged(&mut world, ROMEOS, |world| {
                refused(world, ROMEOS, JULIET, &stanza, reason);
            });
            let account = &world.devices[ROMEOS].account;
            match catch_up {
                Some(id) => account.end_catch_up(id, now, &mut world.rng).unwrap(),
                None => account.maintain(now, &mut world.rng).unwrap(),
            }
            let device = world.devices[JULIETS].id();
            let account = &world.devices[ROMEOS].account;
            account.forget_device(&jid(JULIET), device).unwrap();
            unchanged(&mut world, ROMEOS, |world| {
                refused(world, ROMEOS, JULIET, &stanza, FailureReason::UnknownPreKey);
            });
            // Nor as somebody else's.
            unchanged(&mut world, ROMEOS, |world| {
                refused(
                    world,
                    ROMEOS,
                    MALLORY,
                    &stanza,
                    FailureReason::UnknownPreKey,
                );
            });
        }
    }
}

fn altered(bundle: &Bundle, alter: impl FnOnce(&mut Bundle)) -> Bundle {
    let mut bundle = bundle.clone();
    alter(&mut bundle);
    bundle
}

fn send_with(world: &mut World, bundle: Bundle) -> Result<omemo::account::Sent, EncryptError> {
    let version = bundle.version;
    let peer = world.devices[ROMEOS].peer(version);
    let bundles = [(peer, FetchedBundle::Bundle(Box::new(bundle)))].into();
    let mut payloads = PerVersion::default();
    *payloads.get_mut(version) = Some(b"hello".as_slice());
    let outgoing = Outgoing {
        recipients: &[jid(ROMEO)],
        payloads,
        bundles: &bundles,
    };
    let now = world.time();
    let account = &world.devices[JULIETS].account;
    account.encrypt(&outgoing, now, &mut world.rng)
}

fn gap_of(outcome: Result<omemo::account::Sent, EncryptError>) -> Gap {
    let Err(EncryptError::Refused(refusal)) = outcome else {
        panic!("{outcome:?}");
    };
    let Refusal::NobodyReached(_, report) = *refusal else {
        panic!("{refusal:?}");
    };
    report.skipped().next().unwrap().1
}

#[test]
fn a13_a_bundle_that_its_identity_did_not_sign_is_not_used() {
    for version in Version::ALL {
        let mut world = World::of_two(13);
        let genuine = bundle(&world, ROMEOS, version);
        let other = match version {
            Version::Legacy => Version::Omemo2,
            Version::Omemo2 => Version::Legacy,
        };
        let other = bundle(&world, ROMEOS, other);
        let mallory = Mallory::new(&mut world);
        let z = random(&mut world.rng).unwrap();
        let by_mallory = of(version).sign(&mallory.identity, &genuine.signed_pre_key, &z);
        let unsigned = Gap::UnusableBundle(InitiateError::Signature(SignatureError));
        for bundle in [
            altered(&genuine, |bundle| bundle.signature = by_mallory),
            altered(&genuine, |bundle| bundle.signature = other.signature),
            altered(&genuine, |bundle| {
                bundle.signed_pre_key = other.signed_pre_key;
            }),
            altered(&genuine, |bundle| {
                bundle.signed_pre_key = other.signed_pre_key;
                bundle.signature = other.signature;
            }),
        ] {
            let outcome = unchanged(&mut world, JULIETS, |world| send_with(world, bundle));
            assert_eq!(gap_of(outcome), unsigned);
        }
        let empty = altered(&genuine, |bundle| bundle.pre_keys.clear());
        let outcome = unchanged(&mut world, JULIETS, |world| send_with(world, empty));
        let gap = Gap::UnusableBundle(InitiateError::NoPreKey);
        assert_eq!(gap_of(outcome), gap);
        assert!(send_with(&mut world, genuine).is_ok());
    }
}

#[test]
fn a20_a_device_keeps_its_identity() {
    for version in Version::ALL {
        let mut world = World::of_two(20);
        let stanza = world.write(JULIETS, ROMEOS, version, b"hello");
        world.expect(ROMEOS, JULIETS, &stanza, b"hello");

        // In a key exchange: everything is right but whose it is.
        let mallory = Mallory {
            device: world.devices[JULIETS].id(),
            ..Mallory::new(&mut world)
        };
        // The first leaves a note that the device's bundle has to be looked at. The others leave nothing.
        let known = |world: &World| {
            let account = &world.devices[ROMEOS].account;
            let keys = account.keys(&jid(JULIET)).unwrap();
            (account.devices(&jid(JULIET)).unwrap(), keys)
        };
        let before = known(&world);
        for (count, offered) in Version::ALL.into_iter().chain(Version::ALL).enumerate() {
            let offered = bundle(&world, ROMEOS, offered);
            let exchange = mallory.exchange(&mut world, &offered, b"it is me");
            let give = |world: &mut World| {
                let reason = FailureReason::IdentityChanged;
                refused(world, ROMEOS, JULIET, &exchange, reason);
            };
            match count {
                0 => give(&mut world),
                _ => unchanged(&mut world, ROMEOS, give),
            }
        }
        assert_eq!(known(&world), before);
        // In a bundle: the session stays, and without one nothing is sent.
        let genuine = bundle(&world, ROMEOS, version);
        let z = random(&mut world.rng).unwrap();
        let forged = altered(&genuine, |bundle| {
            bundle.identity = of(version).identity(&mallory.identity);
            bundle.signature = of(version).sign(&mallory.identity, &bundle.signed_pre_key, &z);
        });
        let kept = send_with(&mut world, forged.clone()).unwrap();
        let kept = world.for_device(ROMEOS, &kept.elements);
        world.expect(ROMEOS, JULIETS, &kept, b"hello");
        let now = world.time();
        let account = &world.devices[JULIETS].account;
        account.reset_sessions(&jid(ROMEO), None, now).unwrap();
        let outcome = unchanged(&mut world, JULIETS, |world| {
            send_with(world, forged.clone())
        });
        assert_eq!(gap_of(outcome), Gap::IdentityChanged);
        // Nor does a repair take it.
        let peer = world.devices[ROMEOS].peer(version);
        let forged = FetchedBundle::Bundle(Box::new(forged));
        let outcome = unchanged(&mut world, JULIETS, |world| {
            let now = world.time();
            let account = &world.devices[JULIETS].account;
            account.repair(&peer, &forged, now, &mut world.rng)
        });
        let Err(EmptyError::Gap(gap)) = outcome else {
            panic!("{outcome:?}");
        };
        assert_eq!(gap, Gap::IdentityChanged);
        let stanza = world.write(JULIETS, ROMEOS, version, b"again");
        world.expect(ROMEOS, JULIETS, &stanza, b"again");
    }
}

/// The Edwards key with the other sign has the same Curve25519 form, and so the same fingerprint.
#[test]
fn a17_a20_the_other_edwards_form_of_an_identity_is_another_one() {
    let mut world = World::of_two(21);
    let private = (1..).map(|byte| Secret::new([byte; 32]));
    let [natural, zero] = private
        .map(|private| {
            [EdwardsSign::Natural, EdwardsSign::Zero]
                .map(|sign| IdentityKeyPair::from_private(private.clone(), sign))
        })
        .find(|[natural, zero]| natural.ed25519() != zero.ed25519())
        .unwrap();
    assert_eq!(natural.curve25519(), zero.curve25519());
    let device = DeviceId::new(666).unwrap();
    let [natural, zero] = [natural, zero].map(|identity| Mallory { identity, device });

    // Legacy shows only what both have in common; the first OMEMO 2 message says which of them it is.
    let legacy = bundle(&world, ROMEOS, Version::Legacy);
    let omemo2 = bundle(&world, ROMEOS, Version::Omemo2);
    for (sender, bundle, taken) in [
        (&natural, &legacy, true),
        (&natural, &omemo2, true),
        (&zero, &omemo2, false),
        (&zero, &legacy, true),
    ] {
        let exchange = sender.exchange(&mut world, bundle, b"hello");
        if taken {
            let read = give(&mut world, ROMEOS, &[jid(MALLORY)], &exchange);
            assert_eq!(text_of(&read), b"hello");
        } else {
            unchanged(&mut world, ROMEOS, |world| {
                let reason = FailureReason::IdentityChanged;
                refused(world, ROMEOS, MALLORY, &exchange, reason);
            });
        }
    }
    let account = &world.devices[ROMEOS].account;
    assert_eq!(account.keys(&jid(MALLORY)).unwrap().len(), 1);
}

/// Two people who have fetched the same bundle while a device was away.
#[test]
fn a42_a_pre_key_that_two_have_used_is_read_twice_and_sent_on_once() {
    for version in Version::ALL {
        let mut world = World::of_two(42);
        let now = world.time();
        let account = &world.devices[ROMEOS].account;
        account.set_accepted(&jid(MALLORY), true, now).unwrap();
        account.set_accepted(&jid(JULIET), true, now).unwrap();
        account.begin_catch_up(Order::OldestFirst, now).unwrap();
        let one = altered(&bundle(&world, ROMEOS, version), |bundle| {
            bundle.pre_keys.truncate(1);
        });
        let mallory = Mallory::new(&mut world);
        let (first, second) = (
            send_with(&mut world, one.clone()).unwrap(),
            mallory.exchange(&mut world, &one, b"second"),
        );
        let third = mallory.exchange(&mut world, &one, b"third");
        let first = world.for_device(ROMEOS, &first.elements);
        world.expect(ROMEOS, JULIETS, &first, b"hello");
        let Received::Message(message) = give(&mut world, ROMEOS, &[jid(MALLORY)], &second) else {
            panic!("not read");
        };
        assert!(message.is_pre_key_reused && message.payload.as_slice() == b"second");

        // Nothing goes out on it: no answer, no empty message, no text.
        let peer = omemo::account::Peer {
            jid: jid(MALLORY),
            device: mallory.device,
            version,
        };
        let account = &world.devices[ROMEOS].account;
        let due = account.answers_due().unwrap();
        assert_eq!(due.len(), 1);
        assert_eq!(due[0].peer.jid, jid(JULIET));
        let outcome = account.encrypt_empty(&peer, None, now, &mut world.rng);
        assert!(matches!(outcome, Err(EmptyError::Gap(Gap::NoSession))));
        assert!(
            !account.devices(&jid(MALLORY)).unwrap()[0]
                .versions
                .get(version)
                .has_session
        );
        // It is not offered any more.
        assert!(
            !bundle(&world, ROMEOS, version)
                .pre_keys
                .contains(&one.pre_keys[0])
        );
        assert_eq!(bundle(&world, ROMEOS, version).pre_keys.len(), 100);

        // Seven days at most, also in a catch-up that nobody ends.
        world.now += 7 * DAY;
        journalled(&mut world, ROMEOS, |world| {
            refused(world, ROMEOS, MALLORY, &third, FailureReason::UnknownPreKey);
        });
        let before = state(&world, ROMEOS).0.len();
        let now = world.time();
        let account = &world.devices[ROMEOS].account;
        account.begin_catch_up(Order::OldestFirst, now).unwrap();
        assert_eq!(state(&world, ROMEOS).0.len(), before - 1);
    }
}
