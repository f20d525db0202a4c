//! Stanzas of real clients on a real server: each file is what its name says.
//!
//! ```text
//! <version>-message-<what>-<sent or received>-…      encrypted messages
//! <version>-<publish or result>-<node>-…, event-<version>-<node>-…   device lists and bundles
//! ```

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod fixtures;

use std::collections::BTreeMap;

use fixtures::fixtures;
use omemo::crypto::{IdentityKey, ed25519, xeddsa};
use omemo::model::{Bundle, Version};
use omemo::stanza::{Items, Message, Node, Source};

#[test]
fn every_stanza_is_what_its_name_says() {
    let fixtures = fixtures();
    assert!(fixtures.len() >= 150, "only {}", fixtures.len());
    let mut kinds = BTreeMap::new();
    for (name, stanza) in &fixtures {
        let version = match name.trim_start_matches("event-").split_once('-').unwrap().0 {
            "legacy" => Version::Legacy,
            "omemo2" => Version::Omemo2,
            other => panic!("{other}"),
        };
        let kind = if name.contains("-message-") {
            message(name, version, stanza);
            "message"
        } else if name.contains("-bundle-") {
            bundle(name, version, stanza);
            "bundle"
        } else if name.contains("-devicelist-") || name.contains("-devices-") {
            device_list(name, version, stanza);
            "device list"
        } else {
            panic!("{name}");
        };
        *kinds.entry((version, kind)).or_insert(0) += 1;
    }
    assert!(
        kinds.len() == 6 && kinds.values().all(|count| *count >= 10),
        "{kinds:?}"
    );
}

fn message(name: &str, version: Version, stanza: &str) {
    let list = Message::list(stanza).unwrap();
    assert!(list.recipient().unwrap().is_some(), "{name}");
    assert_eq!(list.encrypted.len(), 1, "{name}");
    let encrypted = list.of(version).unwrap();
    assert_eq!(
        encrypted.payload.is_none(),
        name.contains("-empty-"),
        "{name}"
    );
    assert_eq!(encrypted.iv.is_some(), version == Version::Legacy, "{name}");
    assert_eq!(
        list.kind.as_deref() == Some("groupchat"),
        name.contains("-muc-"),
        "{name}"
    );
    let exchanges = encrypted.keys.iter().any(|key| key.key_exchange);
    assert_eq!(exchanges, name.contains("-prekey-"), "{name}");

    // As each of the devices that it is for.
    assert!(!encrypted.keys.is_empty(), "{name}");
    for key in &encrypted.keys {
        let account = key.account.as_deref().unwrap_or("whoever@example.org");
        let own = Message::read(stanza, &account.parse().unwrap(), key.device).unwrap();
        let keys = &own.of(version).unwrap().keys;
        assert!(
            keys.iter().any(|own| own.key_exchange == key.key_exchange),
            "{name}"
        );
        assert!(keys.iter().all(|own| own.bytes.len() > 32), "{name}");
        assert_eq!(
            own.of(version).unwrap().payload,
            encrypted.payload,
            "{name}"
        );
    }
    assert_eq!(Items::read(stanza), Ok(None), "{name}");
}

fn bundle(name: &str, version: Version, stanza: &str) {
    let items = items(name, stanza);
    assert_eq!(items.node.version(), version, "{name}");
    let devices: Vec<_> = items.bundle_devices().collect();
    assert_eq!(devices.len(), 1, "{name}");
    let bundle = items.bundle(devices[0]).unwrap().unwrap();
    assert_eq!(bundle.version, version, "{name}");
    assert!(bundle.pre_keys.len() >= 25, "{name}");
    verify(name, &bundle);
}

fn verify(name: &str, bundle: &Bundle) {
    let key = bundle.signed_pre_key.as_bytes();
    let outcome = match &bundle.identity {
        IdentityKey::Curve25519(identity) => {
            let signed = [&[5], &key[..]].concat();
            xeddsa::verify(identity, &signed, &bundle.signature)
        }
        IdentityKey::Ed25519(identity) => ed25519::verify(identity, key, &bundle.signature),
    };
    assert!(outcome.is_ok(), "{name}");
}

fn device_list(name: &str, version: Version, stanza: &str) {
    let items = items(name, stanza);
    assert_eq!(items.node, Node::DeviceList(version), "{name}");
    let list = items.device_list().unwrap().unwrap();
    assert_eq!(list.version, version, "{name}");
    assert_eq!(
        list.devices.len(),
        stanza.matches("<device ").count(),
        "{name}"
    );
}

fn items<'x>(name: &str, stanza: &'x str) -> Items<'x> {
    let items = Items::read(stanza).unwrap().unwrap();
    let source = match () {
        () if name.starts_with("event-") => Source::Event,
        () if name.contains("-publish-") => Source::Publish,
        () => Source::Result,
    };
    assert_eq!(items.source, source, "{name}");
    items
}
