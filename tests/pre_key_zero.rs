//! Devices that count their keys from 0, as Converse.js does: their bundles are used, and a key exchange names
//! their keys as the bundle does. Keys of ours are never 0.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod server;
mod support;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use omemo::model::{Bundle, PreKeyEntry, PreKeyId, SignedPreKeyId, Version};
use omemo::protocol::KeyExchange;
use omemo::stanza::{Message, read_bundle, write_bundle};
use server::stage::{JULIET, ROMEO, Stage, jid, only, text};
use support::{Device, PRE_KEY_ID, Side};

/// Whether a key exchange has these fields as they are, zeros included.
fn names(version: Version, bytes: &[u8], pre_key: u8, signed_pre_key: u8) -> bool {
    match version {
        // Fields 1 and 6 behind the version byte; the last one is at the end.
        Version::Legacy => {
            bytes[1..3] == [0x08, pre_key] && bytes.ends_with(&[0x30, signed_pre_key])
        }
        // Fields 1 and 2.
        Version::Omemo2 => bytes[..4] == [0x08, pre_key, 0x10, signed_pre_key],
    }
}

#[test]
fn a_key_exchange_names_zeros_as_the_bundle_does() {
    for version in Version::ALL {
        for (pre_key, signed_pre_key) in [(PRE_KEY_ID as u8, 0), (0, 7), (0, 0)] {
            let mut rng = support::rng(1);
            let juliet = Device::new(version, &mut rng);
            let romeo = Device::new(version, &mut rng);
            let mut bundle = romeo.bundle(&mut rng);
            bundle.signed_pre_key_id = SignedPreKeyId::in_bundle(signed_pre_key.into());
            bundle.pre_keys[0].id = PreKeyId::in_bundle(pre_key.into());
            // What was written is what is read.
            let bundle = read_bundle(version, &write_bundle(&bundle).unwrap()).unwrap();

            let mut alice = Side::new(juliet.initiate(&bundle, &mut rng));
            // By way of the session's record, as each message goes.
            let first = alice.send(&[1; 32], &mut rng);
            let second = alice.send(&[2; 32], &mut rng);
            assert!(names(version, &first.bytes, pre_key, signed_pre_key));
            assert!(names(version, &second.bytes, pre_key, signed_pre_key));
            let mut bob = Side::accepted(romeo.accept(&first.bytes).unwrap());
            assert_eq!(bob.receive(&second).unwrap(), [2; 32]);
        }
    }
}

fn with_pre_keys(bundle: &Bundle, ids: &[u32]) -> Bundle {
    let key = bundle.pre_keys[0].key;
    let entry = |id: &u32| PreKeyEntry {
        id: PreKeyId::in_bundle(*id),
        key,
    };
    let mut bundle = bundle.clone();
    bundle.pre_keys = ids.iter().map(entry).collect();
    bundle
}

#[test]
fn a_pre_key_zero_is_drawn_only_where_there_is_no_other() {
    let mut rng = support::rng(2);
    let bundle = Device::new(Version::Omemo2, &mut rng).bundle(&mut rng);
    let mut draw = |ids: &[u32]| {
        let bundle = with_pre_keys(&bundle, ids);
        let drawn = bundle.draw_pre_key(&mut rng).unwrap();
        drawn.map(|entry| entry.id.get())
    };
    let mut seen = [0; 3];
    for _ in 0..300 {
        match draw(&[0, 1, 2, 3]) {
            Some(id @ 1..=3) => seen[id as usize - 1] += 1,
            other => panic!("{other:?}"),
        }
    }
    assert!(seen.iter().all(|count| *count > 50), "{seen:?}");
    assert_eq!(draw(&[0, 9]), Some(9));
    assert_eq!(draw(&[0]), Some(0));
    assert_eq!(draw(&[]), None);
}

/// The bundle of a device in a stage, as Converse.js would number it.
fn renumbered(version: Version, bundle: &str) -> String {
    let mut bundle = read_bundle(version, bundle).unwrap();
    bundle.signed_pre_key_id = SignedPreKeyId::in_bundle(0);
    for (index, entry) in bundle.pre_keys.iter_mut().enumerate() {
        entry.id = PreKeyId::in_bundle(index as u32);
    }
    write_bundle(&bundle).unwrap()
}

#[test]
fn somebody_whose_client_counts_from_zero_can_be_written_to_first() {
    for version in Version::ALL {
        let mut stage = Stage::new();
        stage.add(&format!("{JULIET}/balcony"), only(version));
        stage.add(&format!("{ROMEO}/orchard"), only(version));
        stage.befriend(0, 1);
        let device = stage.users[1].client.account().device();
        let (node, item) = match version {
            Version::Legacy => (
                format!("eu.siacs.conversations.axolotl.bundles:{device}"),
                "current".to_owned(),
            ),
            Version::Omemo2 => ("urn:xmpp:omemo:2:bundles".to_owned(), device.to_string()),
        };
        let published = stage.server.items(&jid(ROMEO), &node)[0].clone();
        let genuine = read_bundle(version, &published).unwrap();
        let renumbered = renumbered(version, &published);
        stage.server.publish(&jid(ROMEO), &node, &item, &renumbered);

        let sealed = stage.seal(0, ROMEO, &text("one"));
        assert!(stage.users[0].refused.is_empty());
        let message = Message::read(&sealed, &jid(ROMEO), device).unwrap();
        let key = message.encrypted[0].keys[0].bytes.clone();
        assert!(
            KeyExchange::read(version, &key)
                .unwrap()
                .signed_pre_key_id()
                .is_none()
        );

        // The device itself knows which of its keys are meant: with their names the message is read.
        let mut meant = key.clone();
        let [spk, first] = [
            genuine.signed_pre_key_id.get() as u8,
            genuine.pre_keys[0].id.get() as u8,
        ];
        let (pre_key, signed_pre_key) = match version {
            Version::Legacy => (2, key.len() - 1),
            Version::Omemo2 => (1, 3),
        };
        assert!(key[pre_key] > 0 && key[signed_pre_key] == 0);
        meant[pre_key] += first;
        meant[signed_pre_key] = spk;
        let [key, meant] = [key, meant].map(|key| BASE64_STANDARD.encode(key));
        // As it is, it names a key of ours by 0: refused, and nothing has changed.
        stage.receive(1, &sealed);
        stage.settle();
        assert_eq!(
            (
                stage.users[1].read.len(),
                stage.users[1].undecryptable.len()
            ),
            (0, 1)
        );
        stage.receive(1, &sealed.replace(&key, &meant));
        stage.settle();
        assert_eq!(stage.users[1].bodies(), ["one"]);
    }
}
