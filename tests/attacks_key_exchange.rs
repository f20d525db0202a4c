//! Key exchanges and bundles that somebody made up. The ids are those of the project's attack catalogue.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod support;

use curve25519_dalek::constants::EIGHT_TORSION;
use curve25519_dalek::edwards::CompressedEdwardsY;
use omemo::crypto::ed25519::Signature;
use omemo::crypto::{
    EphemeralPublicKey, IdentityKey, IdentityKeyPair, PreKeyPublic, RatchetPublicKey, Secret,
    SignedPreKeyPublic,
};
use omemo::error::{DecryptError, InitiateError, KeyError, MessageError, SignatureError};
use omemo::model::{Bundle, DeviceId, Version};
use omemo::protocol::{self, KeyExchange, KeyMaterial, RatchetMessage};
use omemo::session::Session;
use support::{Device, Side, acquainted, altered, introduced, rng};

/// `u` of every vector of Wycheproof whose shared secret is zero.
fn zero_shared() -> Vec<[u8; 32]> {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/test-vectors/wycheproof/x25519_test.json"
    );
    let file: serde_json::Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let tests = file["testGroups"][0]["tests"].as_array().unwrap();
    let points: Vec<_> = tests
        .iter()
        .filter(|test| {
            test["flags"]
                .as_array()
                .unwrap()
                .contains(&"ZeroSharedSecret".into())
        })
        .map(|test| unhex(test["public"].as_str().unwrap()))
        .collect();
    assert_eq!(points.len(), 31);
    points
}

fn unhex(hex: &str) -> [u8; 32] {
    std::array::from_fn(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap())
}

/// The Edwards encoding of the point over u, by the birational map done with the library's own types:
/// only points of small order are asked for, so a table does.
fn small_order_encodings() -> Vec<[u8; 32]> {
    let mut encodings: Vec<[u8; 32]> = [
        "0100000000000000000000000000000000000000000000000000000000000000",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "0000000000000000000000000000000000000000000000000000000000000000",
        "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
        "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
    ]
    .map(unhex)
    .to_vec();
    for index in 0..encodings.len() {
        let mut signed = encodings[index];
        signed[31] |= 0x80;
        encodings.push(signed);
    }
    encodings
}

fn replace(bytes: &[u8], from: &[u8; 32], to: &[u8; 32]) -> Vec<u8> {
    let at = bytes.windows(32).position(|window| window == from).unwrap();
    let mut bytes = bytes.to_vec();
    bytes[at..at + 32].copy_from_slice(to);
    bytes
}

#[test]
fn a01_a_forged_key_exchange_leaves_nothing_behind() {
    for version in Version::ALL {
        let mut rng = rng(1);
        let romeo = Device::new(version, &mut rng);
        let bundle = romeo.bundle(&mut rng);
        let mallory = Device::new(version, &mut rng);
        let mut exchange = Side::new(mallory.initiate(&bundle, &mut rng)).send(&[0; 32], &mut rng);
        let genuine = exchange.bytes.clone();
        // Valid ids and keys; the inner MAC is garbage.
        let mac = KeyExchange::read(version, &genuine).unwrap();
        let mac = mac.message().mac();
        let at = genuine
            .windows(mac.len())
            .position(|window| window == mac)
            .unwrap();
        exchange.bytes[at..at + mac.len()].fill(0x5a);
        assert_eq!(
            romeo.accept(&exchange.bytes).map(|_| ()),
            Err(DecryptError::Mac)
        );
        // The pre-key is unused: the genuine exchange still works.
        assert!(romeo.accept(&genuine).is_ok());
    }
}

#[test]
fn a02_no_role_takes_a_key_of_small_order() {
    let refused = [KeyError::LowOrder, KeyError::NonCanonical];
    let mut cases = 0;
    for u in zero_shared() {
        for outcome in [
            IdentityKey::from_curve25519(&u).map(|_| ()),
            SignedPreKeyPublic::from_bytes(u).map(|_| ()),
            PreKeyPublic::from_bytes(u).map(|_| ()),
            EphemeralPublicKey::from_bytes(u).map(|_| ()),
            RatchetPublicKey::from_bytes(u).map(|_| ()),
        ] {
            assert!(refused.contains(&outcome.unwrap_err()));
            cases += 1;
        }
    }
    for encoding in small_order_encodings() {
        assert!(IdentityKey::from_ed25519(&encoding).is_err());
    }
    assert_eq!(cases, 31 * 5);
}

#[test]
fn a02_no_message_brings_a_key_of_small_order_in() {
    for version in Version::ALL {
        let mut rng = rng(2);
        let (juliet, romeo) = (
            Device::new(version, &mut rng),
            Device::new(version, &mut rng),
        );
        let bundle = romeo.bundle(&mut rng);
        let exchange = Side::new(juliet.initiate(&bundle, &mut rng)).send(&[0; 32], &mut rng);
        let read = KeyExchange::read(version, &exchange.bytes).unwrap();
        let identities = match version {
            Version::Legacy => zero_shared(),
            Version::Omemo2 => small_order_encodings(),
        };
        let attempts = identities
            .into_iter()
            .map(|key| replace(&exchange.bytes, read.identity().as_bytes(), &key))
            .chain(zero_shared().into_iter().flat_map(|key| {
                [
                    read.ephemeral().as_bytes(),
                    read.message().header().dh.as_bytes(),
                ]
                .map(|from| replace(&exchange.bytes, from, &key))
            }));
        for attempt in attempts {
            let outcome = romeo.accept(&attempt).map(|_| ());
            assert!(
                matches!(
                    outcome,
                    Err(DecryptError::Message(MessageError::Key(..)) | DecryptError::Key(_))
                ),
                "{outcome:?}"
            );
        }

        let (mut alice, mut bob) = acquainted(version, &mut rng);
        let message = alice.send(&[0; 32], &mut rng);
        let read = RatchetMessage::read(version, &message.bytes).unwrap();
        let dh = read.header().dh.as_bytes();
        let before = bob.stored();
        for key in zero_shared() {
            let outcome = bob.receive_bytes(&replace(&message.bytes, dh, &key));
            assert!(matches!(
                outcome,
                Err(DecryptError::Message(MessageError::Key(..)))
            ));
        }
        assert_eq!(bob.stored(), before);
        assert!(bob.receive(&message).is_ok());
    }
}

#[test]
fn a04_the_pre_key_of_id_zero_is_none() {
    for version in Version::ALL {
        let mut rng = rng(4);
        let (juliet, romeo) = (
            Device::new(version, &mut rng),
            Device::new(version, &mut rng),
        );
        let bundle = romeo.bundle(&mut rng);
        let session = juliet.initiate(&bundle, &mut rng);
        let mut record = *session.to_record();
        record[307..311].fill(0);
        let mut session = Session::from_record(&record).unwrap();
        let key = KeyMaterial::new(&[0; 32]);
        let exchange = session.encrypt(&key, &mut rng).unwrap();
        let read = KeyExchange::read(version, &exchange.bytes).unwrap();
        assert_eq!(read.pre_key_id(), None);
        assert!(read.signed_pre_key_id().is_some());
    }
}

#[test]
fn a05_a_key_exchange_without_a_pre_key_is_refused_and_a_replayed_one_is_known() {
    for version in Version::ALL {
        let mut rng = rng(5);
        let (juliet, romeo) = (
            Device::new(version, &mut rng),
            Device::new(version, &mut rng),
        );
        let bundle = romeo.bundle(&mut rng);
        let exchange = Side::new(juliet.initiate(&bundle, &mut rng)).send(&[0; 32], &mut rng);
        // Field 1 is the pre-key's id in both versions: tag 0x08, id 42.
        let at = usize::from(version == Version::Legacy);
        let mut without = exchange.bytes.clone();
        assert_eq!(without[at..at + 2], [0x08, 42]);
        without.drain(at..at + 2);
        assert_eq!(
            KeyExchange::read(version, &without),
            Err(MessageError::NoPreKey)
        );

        let mut bob = Side::accepted(romeo.accept(&exchange.bytes).unwrap());
        let before = bob.stored();
        let again = KeyExchange::read(version, &exchange.bytes).unwrap();
        assert_eq!(again.ephemeral(), bob.session.base_key());
        assert_eq!(bob.receive(&exchange), Err(DecryptError::KeyUsed));
        assert_eq!(bob.stored(), before);
    }
}

#[test]
fn a13_a_signed_pre_key_must_be_signed_by_its_identity_in_its_version() {
    let mut rng = rng(13);
    for version in Version::ALL {
        let (juliet, romeo) = (
            Device::new(version, &mut rng),
            Device::new(version, &mut rng),
        );
        let bundle = romeo.bundle(&mut rng);
        let try_bundle = |bundle: &Bundle| {
            let device = DeviceId::new(1).unwrap();
            Session::initiate(&juliet.identity, device, bundle, &mut support::rng(0)).map(|_| ())
        };
        let bad = Err(InitiateError::Signature(SignatureError));
        assert_eq!(try_bundle(&bundle), Ok(()));
        for bit in 0..512 {
            let mut signature = *bundle.signature.as_bytes();
            signature[bit / 8] ^= 1 << (bit % 8);
            let signature = Signature::from_bytes(signature);
            assert_eq!(
                try_bundle(&Bundle {
                    signature,
                    ..bundle.clone()
                }),
                bad,
                "bit {bit}"
            );
        }
        let signed_pre_key =
            *omemo::crypto::SignedPreKeyPair::from_private(Secret::new([3; 32])).public();
        assert_eq!(
            try_bundle(&Bundle {
                signed_pre_key,
                ..bundle.clone()
            }),
            bad
        );

        // The same identity in the form of the other version.
        let identity = match &bundle.identity {
            IdentityKey::Ed25519(_) => IdentityKey::Curve25519(bundle.identity.to_curve25519()),
            IdentityKey::Curve25519(_) => IdentityKey::Ed25519(*romeo.identity.ed25519()),
        };
        let other_form = Bundle {
            identity,
            ..bundle.clone()
        };
        assert_eq!(try_bundle(&other_form), bad);

        // Somebody else's signature, and the other version's over the same key by the same identity.
        let other = IdentityKeyPair::generate(&mut rng).unwrap();
        let z = Secret::new([0; 64]);
        let signature = protocol::of(version).sign(&other, &bundle.signed_pre_key, &z);
        assert_eq!(
            try_bundle(&Bundle {
                signature,
                ..bundle.clone()
            }),
            bad
        );
        for wrong in Version::ALL.into_iter().filter(|wrong| *wrong != version) {
            let signature = protocol::of(wrong).sign(&romeo.identity, &bundle.signed_pre_key, &z);
            assert_eq!(
                try_bundle(&Bundle {
                    signature,
                    ..bundle.clone()
                }),
                bad
            );
        }
        let pre_keys = Vec::new();
        let empty = Bundle {
            pre_keys,
            ..bundle.clone()
        };
        assert_eq!(try_bundle(&empty), Err(InitiateError::NoPreKey));
    }
}

/// A point with a part of small order gives the same agreements, as scalars are multiples of eight: the
/// MAC of such an exchange is right, and it is refused nevertheless.
#[test]
fn a14_an_identity_outside_the_prime_order_group_is_refused_behind_a_mac_that_verifies() {
    for version in Version::ALL {
        let mut rng = rng(14);
        let (juliet, romeo) = (
            Device::new(version, &mut rng),
            Device::new(version, &mut rng),
        );
        let bundle = romeo.bundle(&mut rng);
        let edwards = CompressedEdwardsY(*juliet.identity.ed25519().as_bytes());
        let point = edwards.decompress().unwrap();
        for (index, torsion) in EIGHT_TORSION.iter().enumerate() {
            let tweaked = point + torsion;
            let session = juliet.initiate(&bundle, &mut rng);
            let mut record = *session.to_record();
            record[3..35].copy_from_slice(&match version {
                Version::Legacy => tweaked.to_montgomery().to_bytes(),
                Version::Omemo2 => tweaked.compress().to_bytes(),
            });
            let mut session = Session::from_record(&record).unwrap();
            let exchange = session
                .encrypt(&KeyMaterial::new(&[0; 32]), &mut rng)
                .unwrap();
            let outcome = romeo.accept(&exchange.bytes).map(|_| ());
            let mixed = KeyError::MixedOrder;
            match (index, version) {
                (0, _) => assert_eq!(outcome, Ok(())),
                (_, Version::Legacy) => assert_eq!(outcome, Err(DecryptError::Key(mixed))),
                (_, Version::Omemo2) => {
                    let refused = MessageError::Key("ik", mixed);
                    assert_eq!(outcome, Err(DecryptError::Message(refused)));
                }
            }
        }
    }
}

/// No MAC covers the ephemeral key, and the top bit does not change a secret: everything else fits.
#[test]
fn a17_an_ephemeral_key_in_a_second_encoding_is_refused() {
    for version in Version::ALL {
        let mut rng = rng(18);
        let (juliet, romeo) = (
            Device::new(version, &mut rng),
            Device::new(version, &mut rng),
        );
        let bundle = romeo.bundle(&mut rng);
        let exchange = Side::new(juliet.initiate(&bundle, &mut rng)).send(&[0; 32], &mut rng);
        let read = KeyExchange::read(version, &exchange.bytes).unwrap();
        let mut second = *read.ephemeral().as_bytes();
        second[31] |= 0x80;
        let bytes = replace(&exchange.bytes, read.ephemeral().as_bytes(), &second);
        let outcome = romeo.accept(&bytes).map(|_| ());
        assert_eq!(outcome, Err(DecryptError::Key(KeyError::NonCanonical)));

        // The identity is associated data: in a second encoding the message does not authenticate.
        let mut second = *read.identity().as_bytes();
        second[31] ^= 0x80;
        let bytes = replace(&exchange.bytes, read.identity().as_bytes(), &second);
        let outcome = romeo.accept(&bytes).map(|_| ());
        assert_eq!(outcome, Err(DecryptError::Mac));
        assert!(romeo.accept(&exchange.bytes).is_ok());
    }
}

#[test]
fn a17_two_encodings_are_never_two_identities() {
    let mut rng = rng(17);
    for _ in 0..100 {
        let pair = IdentityKeyPair::generate(&mut rng).unwrap();
        let mut top_bit = *pair.curve25519().as_bytes();
        top_bit[31] |= 0x80;
        assert_eq!(
            IdentityKey::from_curve25519(&top_bit),
            Err(KeyError::NonCanonical)
        );
    }
    // u >= p and y >= p.
    for low in 0xed..=0xff {
        for (top, form) in [(0x7f, 0), (0xff, 0), (0x7f, 1), (0xff, 1)] {
            let mut bytes = [0xff; 32];
            (bytes[0], bytes[31]) = (low, top);
            let outcome = match form {
                0 => IdentityKey::from_curve25519(&bytes),
                _ => IdentityKey::from_ed25519(&bytes),
            };
            assert_eq!(outcome, Err(KeyError::NonCanonical));
        }
    }
}

#[test]
fn a10_no_altered_key_exchange_is_accepted() {
    for version in Version::ALL {
        let mut rng = rng(10);
        let (mut alice, _, romeo) = introduced(version, &mut rng);
        let exchange = alice.send(&[7; 32], &mut rng);
        let genuine = KeyExchange::read(version, &exchange.bytes).unwrap();
        // What no key depends on may change unnoticed: ids (the caller looks them up), the registration
        // id, the low half of a version byte. Everything else is refused.
        let harmless = |bytes: &[u8]| {
            KeyExchange::read(version, bytes).is_ok_and(|read| {
                read.message() == genuine.message()
                    && read.identity() == genuine.identity()
                    && read.ephemeral() == genuine.ephemeral()
            })
        };
        let mut refused = 0;
        for (index, bytes) in altered(&exchange.bytes, &mut rng).into_iter().enumerate() {
            match romeo.accept(&bytes) {
                Ok(_) => assert!(harmless(&bytes), "case {index}"),
                Err(_) => refused += 1,
            }
        }
        assert!(refused > 8 * 150, "only {refused}");
        assert!(romeo.accept(&exchange.bytes).is_ok());
    }
}
