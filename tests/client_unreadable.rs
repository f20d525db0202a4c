//! Messages that cannot be read: who they are said to be from, and those that nobody has written.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod server;

use omemo::account::Order;
use omemo::client::{Origin, UndecryptableReason};
use omemo::model::Version;
use server::stage::{JULIET, ROMEO, Stage, jid, only, text};
use server::{archived, carbon, with_from};

fn of_two(version: Version) -> Stage {
    let mut stage = Stage::new();
    stage.add(&format!("{JULIET}/balcony"), only(version));
    stage.add(&format!("{ROMEO}/orchard"), only(version));
    stage.befriend(0, 1);
    stage
}

/// Messages to Juliet that cannot be read, and of which kind they are.
fn unreadable(stage: &Stage) -> Vec<(&'static str, String)> {
    let device = stage.users[0].client.account().device();
    let element = |header: &str| {
        format!(
            "<message from='{ROMEO}/orchard' to='{JULIET}' type='chat'>\
             <encrypted xmlns='eu.siacs.conversations.axolotl'>{header}<payload>AAAA</payload></encrypted>\
             <body>fallback</body></message>"
        )
    };
    let key = |rid: &str| {
        element(&format!(
            "<header sid='5'><key rid='{rid}'>MwohBQ==</key><iv>AAAAAAAAAAAAAAAA</iv></header>"
        ))
    };
    vec![
        ("for another device", key("77")),
        ("not a key", key(&device.to_string())),
        ("no header", element("")),
        ("no device", element("<header/>")),
    ]
}

#[test]
fn it_is_told_who_is_said_to_have_sent_it() {
    let mut stage = of_two(Version::Legacy);
    let juliet = jid(JULIET);
    for (what, xml) in unreadable(&stage) {
        let now = stage.time();
        let client = &mut stage.users[0].client;
        let catch_up = client.begin_catch_up(Order::OldestFirst, now).unwrap();
        let query = client.expect_archive(catch_up, None, Some("q"));
        for (origin, xml) in [
            (Origin::Direct, xml.clone()),
            (Origin::CarbonReceived, carbon(JULIET, "received", &xml)),
            (Origin::Archive, archived(&juliet, "q", 1, &xml)),
        ] {
            stage.users[0].undecryptable.clear();
            stage.receive(0, &xml);
            let now = stage.time();
            stage.users[0].client.end_page(query, now).unwrap();
            stage.settle();
            let told = &stage.users[0].undecryptable;
            assert_eq!(told.len(), 1, "{what}");
            assert_eq!(told[0].origin, origin, "{what}");
            assert_eq!(told[0].from, Some(jid(ROMEO)), "{what}");
            assert!(
                told[0]
                    .stanza
                    .contains("from='romeo@montague.example/orchard'")
            );
        }
    }
}

#[test]
fn what_our_server_sends_without_a_name_is_said_to_be_ours() {
    let mut stage = of_two(Version::Legacy);
    for (what, xml) in unreadable(&stage) {
        let xml = xml.replacen(&format!(" from='{ROMEO}/orchard'"), "", 1);
        stage.receive(0, &xml);
        stage.settle();
        let told = stage.users[0].undecryptable.last().unwrap();
        assert_eq!(told.from, Some(jid(JULIET)), "{what}");
    }
}

#[test]
fn an_address_that_is_none_names_nobody() {
    let mut stage = of_two(Version::Legacy);
    let (_, xml) = unreadable(&stage).remove(0);
    stage.receive(0, &xml.replace("romeo@montague.example", "a@b@c"));
    stage.settle();
    let told = stage.users[0].undecryptable.last().unwrap();
    assert_eq!(
        (&told.from, &told.reason),
        (&None, &UndecryptableReason::NoSender)
    );
}

/// Nobody has written anything: there is nothing to tell the user.
#[test]
fn an_empty_message_that_cannot_be_read_is_not_told() {
    for version in Version::ALL {
        let mut stage = of_two(version);
        stage.say(1, JULIET, &text("hello"));
        // The answer of her device, which is empty, to somebody who has lost everything since.
        let empty = stage.users[0].empty.last().unwrap().clone();
        let sealed = with_from(&empty, &stage.users[0].full.clone());
        let device = stage.users[1].client.account().device().to_string();
        let (lost, other) = (of_two(version), of_two(version));
        let of = |stage: &Stage| stage.users[1].client.account().device().to_string();
        for (what, mut stage) in [("no session", lost), ("spoiled", other)] {
            let mut xml =
                sealed.replace(&format!("rid='{device}'"), &format!("rid='{}'", of(&stage)));
            if what == "spoiled" {
                let at = xml.find("</key>").unwrap();
                xml.replace_range(at - 8..at, "AAAAAAA=");
            }
            stage.receive(1, &xml);
            stage.receive(1, &xml.replace("<header", "<header xmlns='x'"));
            stage.settle();
            assert!(
                stage.users[1].undecryptable.is_empty(),
                "{version:?}, {what}: {:?}",
                stage.users[1].undecryptable
            );
        }
    }
}

#[test]
fn a_legacy_empty_message_without_a_nonce_is_read() {
    let mut stage = of_two(Version::Legacy);
    let sealed = stage.seal(1, JULIET, &text("hello"));
    stage.disconnect(1);
    stage.receive(0, &sealed);
    stage.settle();
    let empty = stage.users[0].empty.last().unwrap().clone();
    stage.server.drop_waiting(&format!("{ROMEO}/orchard"));
    let (from, to) = (empty.find("<iv>").unwrap(), empty.find("</iv>").unwrap());
    let without = [&empty[..from], &empty[to + "</iv>".len()..]].concat();
    stage.connect(1);
    stage.receive(1, &with_from(&without, &format!("{JULIET}/balcony")));
    stage.settle();
    // Romeo knows that Juliet has the session.
    let sealed = stage.seal(1, JULIET, &text("again"));
    assert!(!sealed.contains("prekey="), "{sealed}");
}

/// That somebody took the content off is told: it was no empty message. (A legacy message does not say whether
/// it had one.)
#[test]
fn a_message_whose_content_was_taken_off_is_told() {
    let mut stage = of_two(Version::Omemo2);
    let sealed = stage.seal(1, JULIET, &text("hello"));
    let (from, to) = (
        sealed.find("<payload>").unwrap(),
        sealed.find("</payload>").unwrap(),
    );
    let without = [&sealed[..from], &sealed[to + "</payload>".len()..]].concat();
    stage.receive(0, &without);
    stage.settle();
    assert_eq!(stage.users[0].undecryptable.len(), 1);
    // Nothing was used up.
    stage.receive(0, &sealed);
    stage.settle();
    assert_eq!(stage.users[0].bodies(), ["hello"]);
}
