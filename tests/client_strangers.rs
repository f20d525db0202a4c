//! What is sent by itself, and to whom not.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod server;

use omemo::account::{Order, Trust};
use omemo::client::UndecryptableReason;
use omemo::model::Version;
use server::stage::{DAY, JULIET, MALLORY, Stage, jid, only, text};

/// Juliet, and Mallory whom she has not accepted; both speak one version.
fn strangers(version: Version) -> Stage {
    let mut stage = Stage::new();
    stage.add("juliet@capulet.example/balcony", only(version));
    stage.add("mallory@verona.example/den", only(version));
    stage
}

/// What Juliet's client has sent to others since.
fn sent_out(stage: &Stage, since: usize) -> Vec<&String> {
    let seen = stage.server.seen[since..].iter();
    seen.filter(|xml| xml.contains("to='mallory")).collect()
}

/// A character of the first key is another one: its MAC does not verify.
fn garbled(stanza: &str) -> String {
    let key = stanza.find("<key ").unwrap();
    let end = key + stanza[key..].find("</key>").unwrap() - 8;
    let other = if stanza.as_bytes()[end] == b'A' {
        "B"
    } else {
        "A"
    };
    format!("{}{other}{}", &stanza[..end], &stanza[end + 1..])
}

#[test]
fn a49_nobody_is_answered_who_was_not_accepted() {
    for version in Version::ALL {
        let mut stage = strangers(version);
        let sealed: Vec<_> = (0..3)
            .map(|_| stage.seal(1, JULIET, &text("hello")))
            .collect();
        let since = stage.server.seen.len();
        // A first message, of a device whose list nobody has seen; and what cannot be read.
        stage.receive(0, &sealed[0]);
        stage.receive(0, &garbled(&sealed[1]));
        stage.receive(0, &garbled(&sealed[2]));
        stage.settle();
        let forwarded = sealed[1].replace("mallory@verona", "unknown@verona");
        stage.receive(0, &garbled(&forwarded));
        stage.settle();
        assert_eq!(stage.users[0].bodies(), ["hello"]);
        stage.disconnect(0);
        stage.connect(0);
        stage.wait(DAY);
        assert!(stage.users[0].empty.is_empty());
        assert_eq!(
            sent_out(&stage, since),
            Vec::<&String>::new(),
            "{version:?}"
        );
        // Accepted, Mallory gets the answer that is owed.
        let now = stage.time();
        let client = &mut stage.users[0].client;
        client.set_contact(&jid(MALLORY), true, false, now).unwrap();
        stage.settle();
        assert_eq!(stage.users[0].empty.len(), 1);
    }
}

/// Nor is anything answered to a key that the user does not want.
#[test]
fn a49_a_distrusted_key_is_not_answered() {
    let mut stage = strangers(Version::Legacy);
    stage.say(1, JULIET, &text("hello"));
    let key = stage.users[0].read[0].fingerprint;
    let now = stage.time();
    let client = &mut stage.users[0].client;
    client
        .decide(&jid(MALLORY), &key, Trust::Distrusted, now)
        .unwrap();
    client.set_contact(&jid(MALLORY), true, true, now).unwrap();
    stage.settle();
    assert!(stage.users[0].empty.is_empty());
}

/// Lists of strangers are not kept: anybody can send them.
#[test]
fn lists_of_strangers_are_not_kept() {
    let mut stage = Stage::of_two();
    for number in 0..50 {
        let from = format!("stranger{number}@verona.example");
        let list = "<devices xmlns='urn:xmpp:omemo:2'><device id='1'/></devices>";
        let event = server::event(&jid(&from), "urn:xmpp:omemo:2:devices", "current", list);
        stage.receive(0, &event);
        let account = stage.users[0].client.account();
        assert!(account.devices(&jid(&from)).unwrap().is_empty());
    }
    let contacts = stage.users[0].client.account().contacts().unwrap();
    assert!(contacts.len() <= 2, "{contacts:?}");
}

/// A22: one garbled message mends nothing; several do, in legacy alone, after the catch-up, once, and
/// then not for a day.
#[test]
fn a22_broken_sessions_are_mended_once() {
    for version in Version::ALL {
        let mut stage = strangers(version);
        stage.befriend(0, 1);
        stage.say(0, MALLORY, &text("1"));
        stage.say(1, JULIET, &text("2"));
        stage.say(0, MALLORY, &text("3"));
        let broken: Vec<_> = (0..12)
            .map(|_| garbled(&stage.seal(1, JULIET, &text("lost"))))
            .collect();
        let bundles = |stage: &Stage| {
            let seen = stage.server.seen.iter();
            let asked = seen.filter(|xml| xml.contains("to='mallory") && xml.contains("bundles"));
            asked.count()
        };
        let before = (bundles(&stage), stage.users[0].empty.len());
        let now = stage.time();
        let client = &mut stage.users[0].client;
        let catch_up = client.begin_catch_up(Order::OldestFirst, now).unwrap();
        for stanza in &broken[..6] {
            stage.receive(0, stanza);
            stage.receive(0, stanza);
            stage.settle();
        }
        assert_eq!((bundles(&stage), stage.users[0].empty.len()), before);
        stage.users[0].client.end_catch_up(catch_up, now).unwrap();
        stage.settle();
        let mended = usize::from(version == Version::Legacy);
        let after = (before.0 + mended, before.1 + mended);
        assert_eq!(
            (bundles(&stage), stage.users[0].empty.len()),
            after,
            "{version:?}"
        );
        for stanza in &broken[6..] {
            stage.receive(0, stanza);
            stage.settle();
        }
        stage.wait(DAY / 2);
        assert_eq!(
            (bundles(&stage), stage.users[0].empty.len()),
            after,
            "{version:?}"
        );
        let user = &stage.users[0];
        assert!(user.undecryptable.len() >= 12);
        for what in &user.undecryptable {
            assert!(matches!(what.reason, UndecryptableReason::Failure(_)));
        }
        stage.say(1, JULIET, &text("4"));
        assert_eq!(stage.users[0].bodies(), ["2", "4"]);
    }
}

/// Without it the keys of who writes and writes would never change.
#[test]
fn a_chain_that_is_long_is_answered_with_a_sign_of_life() {
    for version in Version::ALL {
        let mut stage = strangers(version);
        stage.befriend(0, 1);
        stage.say(1, JULIET, &text("first"));
        let before = stage.users[0].empty.len();
        for _ in 0..60 {
            stage.say(1, JULIET, &text("more"));
        }
        assert_eq!(stage.users[0].empty.len(), before + 1, "{version:?}");
        assert_eq!(stage.users[1].empty.len(), 0, "which is not answered");
        for empty in &stage.users[0].empty {
            assert!(empty.contains("<store xmlns='urn:xmpp:hints'/>"));
            assert!(!empty.contains("<body") && !empty.contains("<payload"));
        }
    }
}
