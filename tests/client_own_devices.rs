//! The account's own devices on its lists: labels, and devices that are removed.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod server;

use omemo::account::DeviceInfo;
use omemo::model::{DeviceId, DeviceList, Version};
use omemo::stanza::read_device_list;
use server::event;
use server::stage::{HOUR, JULIET, Stage, jid, only, options, text};

const NODES: [(Version, &str); 2] = [
    (Version::Legacy, "eu.siacs.conversations.axolotl.devicelist"),
    (Version::Omemo2, "urn:xmpp:omemo:2:devices"),
];

/// Juliet at two clients, and Romeo, who has written to her: labels are shown of devices whose identity
/// in the form of OMEMO 2 was seen.
fn of_three() -> Stage {
    let mut stage = Stage::new();
    stage.add("juliet@capulet.example/balcony", options());
    stage.add("romeo@montague.example/orchard", only(Version::Omemo2));
    stage.add("juliet@capulet.example/chamber", options());
    stage.befriend(0, 1);
    stage.say(1, JULIET, &text("Neither, fair saint"));
    stage
}

fn published(stage: &Stage, version: Version, node: &str) -> DeviceList {
    let items = stage.server.items(&jid(JULIET), node);
    read_device_list(version, items.last().unwrap()).unwrap()
}

fn ids(stage: &Stage, (version, node): (Version, &str)) -> Vec<DeviceId> {
    let list = published(stage, version, node);
    list.devices.iter().map(|device| device.id).collect()
}

/// What Romeo knows of a device of Juliet's.
fn seen(stage: &Stage, of: usize) -> DeviceInfo {
    let device = stage.users[of].client.account().device();
    let devices = stage.users[1].client.account().devices(&jid(JULIET));
    let mut devices = devices.unwrap().into_iter();
    devices.find(|known| known.id == device).unwrap()
}

fn label(stage: &Stage, of: usize) -> Option<String> {
    let seen = seen(stage, of);
    seen.versions.get(Version::Omemo2).label.clone()
}

#[test]
fn a_label_is_published_at_once() {
    let mut stage = of_three();
    let now = stage.time();
    let juliet = &mut stage.users[0].client;
    juliet.set_label(Some("Balcony"), now).unwrap();
    assert!(!juliet.is_published().unwrap());
    stage.settle();
    assert!(stage.users[0].client.is_published().unwrap());
    assert_eq!(label(&stage, 0).as_deref(), Some("Balcony"));
    assert_eq!(label(&stage, 2), None);

    // The other one keeps it when it publishes the list.
    let juliet = &mut stage.users[2].client;
    juliet.set_label(Some("Chamber"), now).unwrap();
    stage.settle();
    assert_eq!(label(&stage, 0).as_deref(), Some("Balcony"));
    assert_eq!(label(&stage, 2).as_deref(), Some("Chamber"));

    let juliet = &mut stage.users[0].client;
    juliet.set_label(None, now).unwrap();
    stage.settle();
    assert_eq!(label(&stage, 0), None);
    assert_eq!(ids(&stage, NODES[1]).len(), 2);
}

#[test]
fn a_label_that_was_not_published_is_due_after_a_crash() {
    let mut stage = of_three();
    stage.disconnect(0);
    let now = stage.time();
    let juliet = &mut stage.users[0].client;
    juliet.set_label(Some("Balcony"), now).unwrap();
    stage.crash(0);
    stage.wait(HOUR);
    assert_eq!(label(&stage, 0), None);
    stage.connect(0);
    stage.settle();
    assert_eq!(label(&stage, 0).as_deref(), Some("Balcony"));
}

#[test]
fn a_label_that_is_changed_during_a_publication_is_published_after_it() {
    let mut stage = of_three();
    let now = stage.time();
    stage.users[0].holds_requests = true;
    let juliet = &mut stage.users[0].client;
    juliet.set_label(Some("Balcony"), now).unwrap();
    stage.settle();
    let juliet = &mut stage.users[0].client;
    juliet.set_label(Some("Garden"), now).unwrap();
    stage.settle();
    assert_eq!(stage.users[0].requests.len(), 1);
    stage.users[0].holds_requests = false;
    stage.answer_held(0);
    assert_eq!(label(&stage, 0).as_deref(), Some("Garden"));
}

#[test]
fn a_device_that_was_removed_leaves_both_lists() {
    let mut stage = of_three();
    stage.disconnect(2);
    let gone = stage.users[2].client.account().device();
    let now = stage.time();
    let juliet = &mut stage.users[0].client;
    juliet.remove_own_devices(&[gone], now).unwrap();
    stage.settle();
    let device = stage.users[0].client.account().device();
    for node in NODES {
        assert_eq!(ids(&stage, node), [device]);
    }
    stage.say(1, JULIET, &text("Neither, fair saint"));
    let report = &stage.users[1].encrypted.last().unwrap().report;
    assert!(report.devices.iter().all(|device| device.device != gone));

    // It is in use after all, and sees that twice: in a notification, and as it asks.
    stage.connect(2);
    stage.settle();
    stage.wait(HOUR);
    for node in NODES {
        assert_eq!(ids(&stage, node), [device, gone]);
    }
}

#[test]
fn a_device_that_was_removed_without_a_stream_leaves_with_the_next() {
    let mut stage = of_three();
    stage.disconnect(2);
    stage.disconnect(0);
    let gone = stage.users[2].client.account().device();
    let now = stage.time();
    let juliet = &mut stage.users[0].client;
    juliet.remove_own_devices(&[gone], now).unwrap();
    stage.settle();
    for node in NODES {
        assert_eq!(ids(&stage, node).len(), 2);
    }
    stage.connect(0);
    stage.settle();
    let device = stage.users[0].client.account().device();
    for node in NODES {
        assert_eq!(ids(&stage, node), [device]);
    }
}

#[test]
fn the_device_itself_cannot_be_removed() {
    let mut stage = of_three();
    let own = jid(JULIET);
    let device = stage.users[0].client.account().device();
    let sorted = |stage: &Stage| {
        NODES.map(|node| {
            let mut ids = ids(stage, node);
            ids.sort();
            ids
        })
    };
    let before = sorted(&stage);
    let now = stage.time();
    stage.users[0].holds_requests = true;
    let juliet = &mut stage.users[0].client;
    juliet.remove_own_devices(&[device], now).unwrap();
    stage.settle();
    assert_eq!(stage.users[0].requests.len(), 2);
    // A server tells us of what we publish before it answers.
    for (_, node) in NODES {
        let list = stage.server.items(&own, node).pop().unwrap();
        stage.receive(0, &event(&own, node, "current", &list));
    }
    stage.answer_held(0);
    // Each list once more, and no end of it.
    assert_eq!(stage.users[0].requests.len(), 0);
    assert!(stage.users[0].client.is_published().unwrap());
    assert_eq!(sorted(&stage), before);
}

/// The server sends the list once more before it has the new one: the device is not new to who removes it.
#[test]
fn a_device_that_is_being_removed_is_not_told_of() {
    let mut stage = of_three();
    stage.disconnect(2);
    let gone = stage.users[2].client.account().device();
    let old = NODES.map(|(_, node)| {
        let items = stage.server.items(&jid(JULIET), node);
        event(&jid(JULIET), node, "current", items.last().unwrap())
    });
    let before = stage.users[0].notices.len();
    stage.users[0].holds_requests = true;
    let now = stage.time();
    let juliet = &mut stage.users[0].client;
    juliet.remove_own_devices(&[gone], now).unwrap();
    for stanza in old {
        stage.receive(0, &stanza);
    }
    stage.settle();
    stage.users[0].holds_requests = false;
    stage.answer_held(0);
    assert_eq!(stage.users[0].notices.len(), before);
    for node in NODES {
        assert_eq!(ids(&stage, node).len(), 1);
    }
}

/// A store that fails while a list is taken in: the user is told of the new device all the same.
#[test]
fn a_new_device_is_told_of_once_though_the_store_fails() {
    use omemo::client::Notice;
    use omemo::store::faults::{Fault, FaultPlan, Faulty};
    let mut calls = 0..1;
    let mut nth = 0;
    while calls.start + nth < calls.end {
        let plan = match nth {
            0 => FaultPlan::none(),
            _ => {
                let fault = Fault::Before(omemo::store::StoreError::Io);
                FaultPlan::none().call(calls.start + nth - 1, fault)
            }
        };
        let store = std::sync::Arc::new(Faulty::new(omemo::store::MemoryStore::new(), plan));
        let mut stage = Stage::new();
        stage.add_with("juliet@capulet.example/balcony", options(), store.clone());
        let (_, node) = NODES[0];
        let list = stage.server.items(&jid(JULIET), node);
        let list = list[0].replace("<device ", "<device id='7'/><device ");
        let stanza = event(&jid(JULIET), node, "current", &list);
        let (start, now) = (store.calls(), stage.time());
        let client = &mut stage.users[0].client;
        if client.receive(&stanza, now).is_err() {
            client.receive(&stanza, now).unwrap();
        }
        if nth == 0 {
            calls = start..store.calls() + 1;
        }
        stage.settle();
        let new = Notice::NewOwnDevice(DeviceId::new(7).unwrap());
        // That upkeep could not be done, if it is that which fails, is told apart.
        let notices = stage.users[0].notices.iter();
        let notices = notices.filter(|notice| !matches!(notice, Notice::UpkeepFailed(_)));
        assert_eq!(notices.collect::<Vec<_>>(), [&new], "{nth}");
        nth += 1;
    }
    assert!(nth > 3, "{nth}");
}

/// The server does not say who is on the list: a label, or a device that is removed, is no reason to
/// publish it without the others.
#[test]
fn a_list_that_nobody_has_seen_is_not_replaced() {
    for removes in [false, true] {
        let mut stage = Stage::new();
        stage.add("juliet@capulet.example/balcony", options());
        stage.add("juliet@capulet.example/chamber", options());
        stage.server.tells_nobody = true;
        let before = NODES.map(|node| ids(&stage, node));
        let store = std::sync::Arc::new(omemo::store::MemoryStore::new());
        let new = stage.add_offline("juliet@capulet.example/garden", options(), store);
        stage.server.rule = Some(|xml| xml.contains("<items ").then_some("internal-server-error"));
        stage.connect(new);
        let now = stage.time();
        let client = &mut stage.users[new].client;
        if removes {
            let device = DeviceId::new(7).unwrap();
            client.remove_own_devices(&[device], now).unwrap();
        } else {
            client.set_label(Some("Garden"), now).unwrap();
        }
        stage.settle();
        stage.wait(HOUR);
        assert_eq!(NODES.map(|node| ids(&stage, node)), before, "{removes}");
        assert!(!stage.users[new].client.is_published().unwrap());
        // Once it is seen, it is published with all.
        stage.server.rule = None;
        stage.disconnect(new);
        stage.connect(new);
        stage.settle();
        for node in NODES {
            assert_eq!(ids(&stage, node).len(), 3, "{removes}");
        }
    }
}

/// What other clients have written on the list is not ours to take away: labels without a signature, attributes
/// and elements that nobody here knows.
#[test]
fn what_others_have_written_on_the_list_stays_there() {
    let entries = [
        "<device id='5' label='Laptop'/>",
        "<device id='6' x='&lt;y&gt;' label='a &amp; b'><note xmlns='urn:n'>mine</note></device>",
        "<other xmlns='urn:o'/>",
    ];
    for (_, node) in NODES {
        let (name, namespace) = match node.strip_suffix(".devicelist") {
            Some(namespace) => ("list", namespace),
            None => ("devices", "urn:xmpp:omemo:2"),
        };
        let before = format!("<{name} xmlns='{namespace}'>{}</{name}>", entries.concat());
        for is_pushed in [false, true] {
            let mut stage = Stage::new();
            let own = jid(JULIET);
            if !is_pushed {
                stage.server.publish(&own, node, "current", &before);
            }
            stage.add("juliet@capulet.example/balcony", options());
            if is_pushed {
                stage.server.publish(&own, node, "current", &before);
                stage.settle();
                stage.wait(HOUR);
            }
            let shown = |stage: &Stage| stage.server.items(&own, node).pop().unwrap();
            let id = stage.users[0].client.account().device();
            for entry in entries.iter().chain([&*format!("'{id}'")].iter()) {
                assert!(shown(&stage).contains(entry), "{}", shown(&stage));
            }
            // A label of ours, and a restart, change nothing of it.
            stage.crash(0);
            stage.connect(0);
            let now = stage.time();
            let juliet = &mut stage.users[0].client;
            juliet.set_label(Some("Balcony"), now).unwrap();
            stage.settle();
            for entry in entries {
                assert!(shown(&stage).contains(entry), "{}", shown(&stage));
            }
            // A device that is removed takes its entry with it; ours leaves the others behind.
            let juliet = &mut stage.users[0].client;
            juliet
                .remove_own_devices(&[DeviceId::new(6).unwrap()], now)
                .unwrap();
            stage.settle();
            assert!(!shown(&stage).contains("'6'"));
            stage.users[0].client.switch_off(now).unwrap();
            stage.settle();
            let left = shown(&stage);
            assert!(
                left.contains(entries[0]) && left.contains(entries[2]),
                "{left}"
            );
            assert!(!left.contains(&format!("'{id}'")));
        }
    }
}
