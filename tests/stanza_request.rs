//! Requests to nodes: byte for byte, read again, and against what real clients published.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod fixtures;

use fixtures::fixtures;
use omemo::crypto::ed25519::Signature;
use omemo::crypto::{
    EdwardsSign, IdentityKey, IdentityKeyPair, PreKeyPair, Secret, SignedPreKeyPair,
};
use omemo::error::KeyError;
use omemo::model::{
    Bundle, Device, DeviceId, DeviceList, Label, PreKeyEntry, PreKeyId, SignedPreKeyId, Version,
};
use omemo::stanza::{
    Defect, Items, Limit, MAX_PRE_KEYS, MaxItems, Node, Request, RequestKind, Source, StanzaError,
    read_bundle, read_device_list, write_bundle, write_device_list,
};

fn device(id: u32) -> DeviceId {
    DeviceId::new(id).unwrap()
}

fn list(version: Version, ids: &[u32]) -> DeviceList {
    let devices = ids.iter().map(|id| Device {
        id: device(*id),
        label: None,
    });
    DeviceList {
        version,
        devices: devices.collect(),
    }
}

fn bundle(version: Version) -> Bundle {
    let identity = IdentityKeyPair::from_private(Secret::new([1; 32]), EdwardsSign::Natural);
    let pre_key = |id: u32, byte: u8| PreKeyEntry {
        id: PreKeyId::new(id).unwrap(),
        key: *PreKeyPair::from_private(Secret::new([byte; 32])).public(),
    };
    Bundle {
        version,
        identity: match version {
            Version::Legacy => IdentityKey::Curve25519(*identity.curve25519()),
            Version::Omemo2 => IdentityKey::Ed25519(*identity.ed25519()),
        },
        signed_pre_key_id: SignedPreKeyId::new(7).unwrap(),
        signed_pre_key: *SignedPreKeyPair::from_private(Secret::new([2; 32])).public(),
        signature: Signature::from_bytes([0xab; 64]),
        pre_keys: vec![pre_key(42, 3), pre_key(2_147_483_647, 4)],
    }
}

/// A request as an `<iq/>`.
fn iq(request: &Request) -> String {
    format!(
        "<iq type='{}' id='1'>{}</iq>",
        request.kind, request.payload
    )
}

const OPTIONS: &str = "<publish-options><x xmlns='jabber:x:data' type='submit'>\
    <field var='FORM_TYPE' type='hidden'>\
    <value>http://jabber.org/protocol/pubsub#publish-options</value></field>\
    <field var='pubsub#persist_items'><value>true</value></field>\
    <field var='pubsub#access_model'><value>open</value></field></x></publish-options>";

#[test]
fn device_lists_byte_for_byte() {
    let request = Request::publish_device_list(&list(Version::Legacy, &[1111111, 2222222]));
    assert_eq!(request.kind, RequestKind::Set);
    assert_eq!(
        request.payload,
        format!(
            "<pubsub xmlns='http://jabber.org/protocol/pubsub'>\
             <publish node='eu.siacs.conversations.axolotl.devicelist'><item id='current'>\
             <list xmlns='eu.siacs.conversations.axolotl'><device id='1111111'/>\
             <device id='2222222'/></list></item></publish>{OPTIONS}</pubsub>"
        )
    );
    let mut labelled = list(Version::Omemo2, &[1111111, 2222222]);
    labelled.devices[0].label = Some(Label {
        text: "Romeo's \"<&>\"\t\u{1f4bb}".to_owned(),
        signature: Signature::from_bytes([0; 64]),
    });
    assert_eq!(
        write_device_list(&labelled),
        format!(
            "<devices xmlns='urn:xmpp:omemo:2'><device id='1111111' \
             label='Romeo&apos;s &quot;&lt;&amp;&gt;&quot;&#9;\u{1f4bb}' labelsig='{}=='/>\
             <device id='2222222'/></devices>",
            "A".repeat(86)
        )
    );
    let request = Request::publish_device_list(&labelled);
    assert!(
        request
            .payload
            .contains("<publish node='urn:xmpp:omemo:2:devices'><item id='current'>")
    );
    assert!(request.payload.ends_with(&format!("{OPTIONS}</pubsub>")));
}

#[test]
fn bundles_byte_for_byte() {
    let request = Request::publish_bundle(
        device(1111111),
        &bundle(Version::Legacy),
        Some(MaxItems::Ten),
    )
    .unwrap();
    let start = "<pubsub xmlns='http://jabber.org/protocol/pubsub'>\
        <publish node='eu.siacs.conversations.axolotl.bundles:1111111'><item id='current'>\
        <bundle xmlns='eu.siacs.conversations.axolotl'>\
        <signedPreKeyPublic signedPreKeyId='7'>Bc";
    assert!(request.payload.starts_with(start), "{}", request.payload);
    assert!(
        request
            .payload
            .ends_with(&format!("</bundle></item></publish>{OPTIONS}</pubsub>"))
    );
    // 33 bytes each, of which the first is 5.
    assert_eq!(request.payload.matches(">B").count(), 4);

    let request = Request::publish_bundle(
        device(1111111),
        &bundle(Version::Omemo2),
        Some(MaxItems::Max),
    )
    .unwrap();
    let start = "<pubsub xmlns='http://jabber.org/protocol/pubsub'>\
        <publish node='urn:xmpp:omemo:2:bundles'><item id='1111111'>\
        <bundle xmlns='urn:xmpp:omemo:2'><spk id='7'>";
    assert!(request.payload.starts_with(start), "{}", request.payload);
    let room =
        "<value>open</value></field><field var='pubsub#max_items'><value>max</value></field>";
    assert!(
        request
            .payload
            .contains(&OPTIONS.replace("<value>open</value></field>", room))
    );
    for id in ["<pk id='42'>", "<pk id='2147483647'>"] {
        assert!(request.payload.contains(id));
    }
}

#[test]
fn what_is_published_is_read_again() {
    for version in Version::ALL {
        for ids in [&[][..], &[1], &[5, 3, 4_294_967_295]] {
            let list = list(version, ids);
            let iq = iq(&Request::publish_device_list(&list));
            let items = Items::read(&iq).unwrap().unwrap();
            assert_eq!(items.source, Source::Publish);
            assert_eq!(items.items[0].id.as_deref(), Some("current"));
            assert_eq!(items.device_list(), Ok(Some(list)));
        }
        let bundle = bundle(version);
        let iq = iq(&Request::publish_bundle(device(9), &bundle, Some(MaxItems::Max)).unwrap());
        let items = Items::read(&iq).unwrap().unwrap();
        assert_eq!(items.node, Node::of_bundle(version, device(9)));
        assert_eq!(items.bundle(device(9)), Ok(Some(bundle)));
    }
}

#[test]
fn labels_are_read_again_or_left_out() {
    let mut written = list(Version::Omemo2, &[1, 2]);
    written.devices[0].label = Some(Label {
        text: " a\r\nb\tc' ]]> &amp; \u{85}\u{feff}".to_owned(),
        signature: Signature::from_bytes([7; 64]),
    });
    let read =
        |list: &DeviceList| read_device_list(list.version, &write_device_list(list)).unwrap();
    assert_eq!(read(&written), written);

    let mut impossible = written.clone();
    for text in ["\0", "a\u{1b}[0m", "\u{ffff}"] {
        impossible.devices[1].label = Some(Label {
            text: text.to_owned(),
            signature: Signature::from_bytes([7; 64]),
        });
        assert_eq!(read(&impossible), written, "{text:?}");
    }

    written.version = Version::Legacy;
    assert_eq!(read(&written), list(Version::Legacy, &[1, 2]));
}

#[test]
fn the_ladder_of_a_node() {
    let node = "urn:xmpp:omemo:2:bundles";
    let mut rungs = Vec::new();
    let mut rung = Some(MaxItems::default());
    while let Some(max_items) = rung {
        let request = Request::configure(Node::Omemo2Bundles, max_items);
        assert_eq!(request.kind, RequestKind::Set);
        assert_eq!(
            request.payload,
            format!(
                "<pubsub xmlns='http://jabber.org/protocol/pubsub#owner'><configure node='{node}'>\
                 <x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'>\
                 <value>http://jabber.org/protocol/pubsub#node_config</value></field>\
                 <field var='pubsub#persist_items'><value>true</value></field>\
                 <field var='pubsub#access_model'><value>open</value></field>\
                 <field var='pubsub#max_items'><value>{max_items}</value></field>\
                 </x></configure></pubsub>"
            )
        );
        rungs.push(max_items.to_string());
        rung = max_items.lower();
    }
    assert_eq!(rungs, ["max", "1000", "100", "10"]);
    for node in [
        Node::DeviceList(Version::Legacy),
        Node::DeviceList(Version::Omemo2),
        Node::LegacyBundle(device(5)),
    ] {
        let payload = Request::configure(node, MaxItems::Max).payload;
        assert!(payload.contains(&format!("<configure node='{node}'>")));
        assert!(!payload.contains("max_items"));
    }
}

#[test]
fn fetching_and_removing_byte_for_byte() {
    let get = |request: Request, payload: &str| {
        assert_eq!(request.kind, RequestKind::Get);
        assert_eq!(
            request.payload,
            format!("<pubsub xmlns='http://jabber.org/protocol/pubsub'>{payload}</pubsub>")
        );
    };
    get(
        Request::fetch_device_list(Version::Legacy),
        "<items node='eu.siacs.conversations.axolotl.devicelist' max_items='1'/>",
    );
    get(
        Request::fetch_device_list(Version::Omemo2),
        "<items node='urn:xmpp:omemo:2:devices' max_items='1'/>",
    );
    get(
        Request::fetch_current_device_list(Version::Omemo2),
        "<items node='urn:xmpp:omemo:2:devices'><item id='current'/></items>",
    );
    get(
        Request::fetch_bundle(Version::Legacy, device(31)),
        "<items node='eu.siacs.conversations.axolotl.bundles:31' max_items='1'/>",
    );
    get(
        Request::fetch_bundle(Version::Omemo2, device(31)),
        "<items node='urn:xmpp:omemo:2:bundles'><item id='31'/></items>",
    );
    let removal = |version| {
        let request = Request::remove_bundle(version, device(31));
        assert_eq!(request.kind, RequestKind::Set);
        request.payload
    };
    assert_eq!(
        removal(Version::Legacy),
        "<pubsub xmlns='http://jabber.org/protocol/pubsub#owner'>\
         <delete node='eu.siacs.conversations.axolotl.bundles:31'/></pubsub>"
    );
    assert_eq!(
        removal(Version::Omemo2),
        "<pubsub xmlns='http://jabber.org/protocol/pubsub'>\
         <retract node='urn:xmpp:omemo:2:bundles' notify='true'><item id='31'/></retract></pubsub>"
    );
    assert_eq!(
        Version::ALL.map(Node::notify_feature),
        [
            "eu.siacs.conversations.axolotl.devicelist+notify",
            "urn:xmpp:omemo:2:devices+notify"
        ]
    );
}

#[test]
fn bundles_that_nobody_could_read_are_not_written() {
    for version in Version::ALL {
        let (element, other, pre_key) = match version {
            Version::Legacy => ("identityKey", Version::Omemo2, "preKeyPublic"),
            Version::Omemo2 => ("ik", Version::Legacy, "pk"),
        };
        let mut foreign = bundle(other);
        foreign.version = version;
        let error = KeyError::Length;
        assert_eq!(
            write_bundle(&foreign),
            Err(StanzaError::Key { element, error })
        );

        let mut empty = bundle(version);
        empty.pre_keys.clear();
        let missing = StanzaError::Malformed {
            element: pre_key,
            defect: Defect::Missing,
        };
        assert_eq!(write_bundle(&empty), Err(missing));
        assert_eq!(
            Request::publish_bundle(device(1), &empty, Some(MaxItems::Max)),
            Err(missing)
        );

        let mut many = bundle(version);
        many.pre_keys = vec![many.pre_keys[0]; MAX_PRE_KEYS];
        assert!(read_bundle(version, &write_bundle(&many).unwrap()).is_ok());
        many.pre_keys.push(many.pre_keys[0]);
        assert_eq!(write_bundle(&many), Err(Limit::PreKeys.into()));
    }
}

/// What real clients published, taken apart and written again, says the same.
#[test]
fn nodes_of_real_clients_are_written_again() {
    let (mut lists, mut bundles) = (0, 0);
    for (name, stanza) in fixtures() {
        let Some(items) = Items::read(&stanza).unwrap() else {
            continue;
        };
        if let Some(list) = items.device_list().unwrap() {
            let iq = iq(&Request::publish_device_list(&list));
            let again = Items::read(&iq).unwrap().unwrap();
            assert_eq!(again.device_list(), Ok(Some(list)), "{name}");
            lists += 1;
        }
        for device in items.bundle_devices() {
            let bundle = items.bundle(device).unwrap().unwrap();
            let iq = iq(&Request::publish_bundle(device, &bundle, Some(MaxItems::Max)).unwrap());
            let again = Items::read(&iq).unwrap().unwrap();
            assert_eq!(again.bundle(device), Ok(Some(bundle)), "{name}");
            bundles += 1;
        }
    }
    assert!(
        lists >= 60 && bundles >= 40,
        "{lists} lists, {bundles} bundles"
    );
}
