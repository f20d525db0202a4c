//! Stanzas as some servers and clients write them, which are not as the specifications say.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod server;

use omemo::account::Order;
use omemo::client::{Disposition, Origin};
use omemo::model::Version;
use server::stage::{JULIET, ROMEO, Stage, body, only, text};

fn two(version: Version) -> Stage {
    let mut stage = Stage::new();
    stage.add(&format!("{JULIET}/balcony"), only(version));
    stage.add(&format!("{ROMEO}/orchard"), only(version));
    stage.befriend(0, 1);
    stage
}

/// A forwarded message that does not say its namespace is in that of what is around it.
#[test]
fn a_copy_without_a_namespace_of_its_own_is_read() {
    let forwarded = "<forwarded xmlns='urn:xmpp:forward:0'>M</forwarded>";
    for version in Version::ALL {
        for forwarded in [forwarded, "<forwarded>M</forwarded>"] {
            let mut stage = two(version);
            for (name, from, to, origin) in [
                ("received", 0, ROMEO, Origin::CarbonReceived),
                ("sent", 1, JULIET, Origin::CarbonSent),
            ] {
                let reader = if name == "received" {
                    1
                } else {
                    stage.add(&format!("{ROMEO}/phone"), only(version))
                };
                let sealed = stage.seal(from, to, &text("copy"));
                assert!(!sealed.contains("jabber:client"), "{sealed}");
                let copy = format!(
                    "<message from='{ROMEO}'><{name} xmlns='urn:xmpp:carbons:2'>{forwarded}</{name}></message>"
                );
                let copy = copy.replace('M', &sealed);
                assert_eq!(stage.receive(reader, &copy), Disposition::Consumed);
                stage.settle();
                let read = stage.users[reader].read.last().unwrap();
                assert_eq!((read.origin, &*body(&read.stanza)), (origin, "copy"));
            }
        }
    }
}

/// Copies are the own account's to make, however they are written.
#[test]
fn a_copy_of_somebody_else_is_not_taken() {
    let mut stage = two(Version::Legacy);
    let sealed = stage.seal(0, ROMEO, &text("copy"));
    let copy = format!(
        "<message from='mallory@verona.example'><received xmlns='urn:xmpp:carbons:2'>\
         <forwarded xmlns='urn:xmpp:forward:0'>{sealed}</forwarded></received></message>"
    );
    stage.receive(1, &copy);
    stage.settle();
    assert!(stage.users[1].read.is_empty() && stage.users[1].undecryptable.is_empty());
}

#[test]
fn a_result_of_an_old_archive_is_read() {
    for version in Version::ALL {
        for namespace in ["urn:xmpp:mam:0", "urn:xmpp:mam:1", "urn:xmpp:mam:2"] {
            let mut stage = two(version);
            let sealed = stage.seal(0, ROMEO, &text("old"));
            let now = stage.time();
            let client = &mut stage.users[1].client;
            let catch_up = client.begin_catch_up(Order::OldestFirst, now).unwrap();
            let query = client.expect_archive(catch_up, None, Some("q"));
            let result = format!(
                "<message from='{ROMEO}'><result xmlns='{namespace}' queryid='q' id='1'>\
                 <forwarded xmlns='urn:xmpp:forward:0'>{sealed}</forwarded></result></message>"
            );
            assert_eq!(stage.receive(1, &result), Disposition::Pending);
            stage.users[1].client.end_page(query, now).unwrap();
            stage.settle();
            assert_eq!(stage.users[1].bodies(), ["old"]);
        }
    }
}

/// There is nothing in it that a nonce would be for.
#[test]
fn an_empty_legacy_message_without_a_nonce_is_taken() {
    let mut stage = two(Version::Legacy);
    stage.users[0].is_online = false;
    stage.users[1].is_online = false;
    let sealed = stage.seal(0, ROMEO, &text("one"));
    stage.receive(1, &sealed);
    stage.settle();
    // Romeo's answer to a first message, without which Juliet goes on sending key exchanges.
    let answer = stage.users[1].empty[0].clone();
    assert!(!answer.contains("<payload>"));
    let (start, end) = (
        answer.find("<iv>").unwrap(),
        answer.find("</iv>").unwrap() + 5,
    );
    let answer = answer.replace(&answer[start..end], "");
    let answer = server::with_from(&answer, &format!("{ROMEO}/orchard"));
    assert_eq!(stage.receive(0, &answer), Disposition::Consumed);
    stage.settle();
    assert!(stage.users[0].undecryptable.is_empty());
    // It was taken: what Juliet writes is no key exchange any more.
    let next = stage.seal(0, ROMEO, &text("two"));
    assert!(!next.contains("prekey"), "{next}");
}

/// Malayalam chillu (Unicode 5.1), and an emoji: Prosody routes to such addresses.
#[test]
fn addresses_with_newer_characters_are_written_to_and_read() {
    for version in Version::ALL {
        for name in ["\u{d1c}\u{d4b}\u{d7a}", "\u{1f339}"] {
            let address = format!("{name}@capulet.example");
            let mut stage = Stage::new();
            stage.add(&format!("{address}/balcony"), only(version));
            stage.add(&format!("{ROMEO}/orchard"), only(version));
            stage.befriend(0, 1);
            stage.say(0, ROMEO, &text("one"));
            stage.say(1, &address, &text("two"));
            assert_eq!(stage.users[1].bodies(), ["one"]);
            assert_eq!(stage.users[0].bodies(), ["two"]);
        }
    }
}
