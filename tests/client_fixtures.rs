//! Stanzas of real clients, and hostile ones, given to a client as they are.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod fixtures;
mod heap;
mod server;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use fixtures::fixtures;
use heap::counted;
use omemo::account::FailureReason;
use omemo::client::{Disposition, Room, UndecryptableReason};
use omemo::model::{BareJid, DeviceId, Version};
use omemo::stanza::{MAX_BYTES, Message, Node};
use omemo::store::MemoryStore;
use server::stage::{JULIET, ROMEO, Stage, options};

/// Who gets a message, and in which room it is.
fn addressee(stanza: &str) -> (BareJid, Option<BareJid>) {
    let message = Message::list(stanza).unwrap();
    let to = message.recipient().unwrap().unwrap();
    match message.kind.as_deref() {
        Some("groupchat") => ("whoever@example.org".parse().unwrap(), Some(to)),
        _ => (to, None),
    }
}

/// A client that has none of the keys says so of each message; it follows the lists; and it leaves alone
/// what is not for it.
#[test]
fn every_stanza_of_the_fixtures_is_received() {
    let mut dispositions = BTreeMap::new();
    for (name, stanza) in fixtures() {
        let is_message = name.contains("-message-");
        let is_event = name.starts_with("event-");
        let (account, room) = match is_message {
            true => addressee(&stanza),
            false => (JULIET.parse().unwrap(), None),
        };
        let mut stage = Stage::new();
        let store = Arc::new(MemoryStore::new());
        stage.add_offline(&format!("{account}/here"), options(), store.clone());
        let now = stage.time();
        let document = roxmltree::Document::parse(&stanza).unwrap();
        let from = document.root_element().attribute("from");
        let from = from.map(|from| BareJid::from_full(from).unwrap());
        let client = &mut stage.users[0].client;
        if let Some(room) = &room {
            let members = Room {
                members: vec![account.clone(), ROMEO.parse().unwrap()],
                ..Room::default()
            };
            client.set_room(room, members, now).unwrap();
        } else if let Some(from) = &from {
            client.set_contact(from, true, true, now).unwrap();
        }
        let before = store.dump();
        let disposition = stage.receive(0, &stanza);
        stage.settle();
        let user = &stage.users[0];
        *dispositions.entry(format!("{disposition:?}")).or_insert(0) += 1;
        if is_message {
            assert_eq!(disposition, Disposition::Consumed, "{name}");
            assert!(user.read.is_empty(), "{name}");
            let is_empty = name.contains("-empty-");
            assert_eq!(user.undecryptable.is_empty(), is_empty, "{name}");
            for what in &user.undecryptable {
                assert_eq!(what.reason, UndecryptableReason::NotForThisDevice, "{name}");
                assert!(!what.stanza.contains("<encrypted"), "{name}");
            }
        } else if is_event && name.contains("device") {
            assert_eq!(disposition, Disposition::Consumed, "{name}");
            let devices = user.client.account().devices(&from.unwrap()).unwrap();
            assert_eq!(devices.len(), stanza.matches("<device ").count(), "{name}");
        } else {
            let expected = [Disposition::NotOurs, Disposition::Consumed][usize::from(is_event)];
            assert_eq!(disposition, expected, "{name}");
            assert_eq!(store.dump(), before, "{name}");
        }
    }
    assert!(dispositions["Consumed"] >= 80, "{dispositions:?}");
    assert!(dispositions["NotOurs"] >= 10, "{dispositions:?}");
}

/// The same messages with this device in the place of one that they were for: the keys are of nobody that
/// it knows.
#[test]
fn messages_of_the_fixtures_for_this_device_fail_for_a_reason() {
    let (mut reasons, mut empty) = (BTreeMap::new(), 0);
    for (name, stanza) in fixtures() {
        if !name.contains("-message-") || name.contains("-muc-") {
            continue;
        }
        let message = Message::list(&stanza).unwrap();
        let key = &message.encrypted[0].keys[0];
        let account = match &key.account {
            Some(account) => account.parse().unwrap(),
            None => addressee(&stanza).0,
        };
        let mut stage = Stage::new();
        let store = Arc::new(MemoryStore::new());
        stage.add_offline(&format!("{account}/here"), options(), store.clone());
        let own = stage.users[0].client.account().device();
        let (was, is) = (format!("rid='{}'", key.device), format!("rid='{own}'"));
        let ours = stanza
            .replace(&was, &is)
            .replace(&was.replace('\'', "\""), &is);
        assert_ne!(ours, stanza, "{name}");
        let before = store.dump();
        assert_eq!(stage.receive(0, &ours), Disposition::Consumed, "{name}");
        stage.settle();
        let user = &stage.users[0];
        if message.encrypted[0].payload.is_none() {
            // Nobody has written anything.
            assert!(
                user.undecryptable.is_empty(),
                "{name}: {:?}",
                user.undecryptable
            );
            assert_eq!(store.dump(), before, "{name}");
            empty += 1;
            continue;
        }
        let UndecryptableReason::Failure(failure) = &user.undecryptable[0].reason else {
            panic!("{name}: {:?}", user.undecryptable);
        };
        *reasons.entry(format!("{:?}", failure.reason)).or_insert(0) += 1;
        let is_exchange = !matches!(failure.reason, FailureReason::NoSession);
        assert_eq!(is_exchange, key.key_exchange, "{name}: {failure:?}");
        assert_eq!(store.dump(), before, "{name}");
    }
    assert!(
        reasons["NoSession"] > 10 && reasons.len() > 1 && empty > 5,
        "{reasons:?}, {empty} empty ones"
    );
}

/// What a stanza asks of the heap is in proportion to its length, whatever is in it.
#[test]
fn a12_hostile_stanzas_are_refused_within_bounds() {
    let own = Node::DeviceList(Version::Omemo2);
    let hostile =
        |inside: &str| format!("<message from='{ROMEO}/x' to='{JULIET}'>{inside}</message>");
    let encrypted = |inside: &str| {
        hostile(&format!(
            "<encrypted xmlns='urn:xmpp:omemo:2'>{inside}</encrypted>"
        ))
    };
    let ids: String = (1..200_000)
        .map(|id| format!("<device id='{id}'/>"))
        .collect();
    let keys: String = (1..200_000)
        .map(|id| format!("<key rid='{id}'/>"))
        .collect();
    let nested =
        "<forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client'>".repeat(5000);
    let (mut stage, store) = {
        let mut stage = Stage::new();
        let store = Arc::new(MemoryStore::new());
        stage.add_with(&format!("{JULIET}/balcony"), options(), store.clone());
        stage.add(&format!("{ROMEO}/orchard"), options());
        stage.befriend(0, 1);
        (stage, store)
    };
    for stanza in [
        "urn:xmpp:omemo:2".to_owned(),
        "<urn:xmpp:omemo:2".to_owned(),
        hostile("<encrypted xmlns='urn:xmpp:omemo:2'>"),
        encrypted(""),
        encrypted("<header sid='0'/>"),
        encrypted("<header/><payload>!</payload>"),
        encrypted(&format!(
            "<header sid='1'><keys jid='{JULIET}'>{keys}</keys></header>"
        )),
        encrypted("<header sid='1'/>").replace("<message", "<!DOCTYPE a><message"),
        encrypted(&"<a>".repeat(100_000)),
        encrypted(&"A".repeat(3 * MAX_BYTES)),
        hostile(&format!(
            "<event xmlns='http://jabber.org/protocol/pubsub#event'><items node='{own}'><item>\
             <devices xmlns='urn:xmpp:omemo:2'>{ids}</devices></item></items></event>"
        )),
        hostile(&format!(
            "<sent xmlns='urn:xmpp:carbons:2'>{nested}urn:xmpp:omemo:2"
        )),
        hostile(&"<x xmlns='urn:xmpp:omemo:2' a='&lt;'/>".repeat(50_000)),
    ] {
        let before = store.dump();
        let now = stage.time();
        let client = &mut stage.users[0].client;
        let (disposition, cost) = counted(|| client.receive(&stanza, now).unwrap());
        let bound = 4 * stanza.len().min(MAX_BYTES) + 64 * 1024;
        assert!(cost.peak <= bound, "{} for {}", cost.peak, stanza.len());
        assert!(disposition != Disposition::Pending);
        assert_eq!(store.dump(), before);
        stage.settle();
    }
    assert!(stage.users[0].read.is_empty());
    // Good after.
    stage.say(1, JULIET, "<body>x</body>");
    assert_eq!(stage.users[0].bodies(), ["x"]);
}

/// A message to a thousand devices: the memory that its reading takes is for the one key that is ours,
/// and the text.
#[test]
fn a_message_to_a_thousand_devices_costs_what_one_to_one_costs() {
    let own: BareJid = JULIET.parse().unwrap();
    let key = "MwohBQ".repeat(40);
    for version in Version::ALL {
        let stanza = |others: usize| {
            let mut keys = format!("<key rid='7'>{key}</key>");
            for other in 0..others {
                write!(keys, "<key rid='{}'>{key}</key>", 1000 + other).unwrap();
            }
            let (keys, iv) = match version {
                Version::Legacy => (keys, "<iv>AAAAAAAAAAAAAAAA</iv>"),
                Version::Omemo2 => (format!("<keys jid='{own}'>{keys}</keys>"), ""),
            };
            format!(
                "<message from='{ROMEO}/x' to='{own}' type='groupchat'><encrypted xmlns='{}'>\
                 <header sid='1'>{keys}{iv}</header><payload>AAAA</payload></encrypted></message>",
                version.namespace()
            )
        };
        let cost = |others: usize| {
            let xml = stanza(others);
            let device = DeviceId::new(7).unwrap();
            let (message, cost) = counted(|| Message::read(&xml, &own, device));
            let message = message.unwrap();
            assert_eq!(message.encrypted[0].keys.len(), 1);
            assert_eq!(message.encrypted[0].keys[0].bytes.len(), key.len() / 4 * 3);
            cost.total
        };
        let (alone, thousand) = (cost(0), cost(999));
        assert_eq!(thousand, alone, "{version:?}");
        assert!(alone < 4096, "{alone}");
    }
}
