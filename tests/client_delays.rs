//! When a message was sent, as others say who have kept it (XEP-0203).

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod server;

use omemo::client::Delivery;
use omemo::model::{Timestamp, Version};
use server::carbon;
use server::stage::{DAY, HOUR, JULIET, ROMEO, Stage, only, text};

/// A minute after the beginning of the stage, whose time is 2023-11-14T22:13:20Z.
const STAMP: &str = "2023-11-14T22:14:20Z";

fn stamped() -> Timestamp {
    Timestamp::from_millis(1_700_000_060_000)
}

fn stage(version: Version) -> Stage {
    let mut stage = Stage::new();
    stage.add(&format!("{JULIET}/balcony"), only(version));
    stage.add(&format!("{ROMEO}/orchard"), only(version));
    stage.befriend(0, 1);
    stage.now += DAY;
    stage
}

fn delay(from: &str, stamp: &str) -> String {
    format!("<delay xmlns='urn:xmpp:delay' {from} stamp='{stamp}'/>")
}

/// Juliet reads a message of Romeo's to which this was added on the way.
fn read(stage: &mut Stage, added: &str) -> Delivery {
    let sealed = stage.seal(1, JULIET, &text("x"));
    let stanza = sealed.replacen("</message>", &format!("{added}</message>"), 1);
    stage.receive(0, &stanza);
    stage.settle();
    stage.users[0].read.pop().unwrap()
}

/// Legacy says nothing of the time. Who may have kept a message does; nobody else.
#[test]
fn an_offline_message_has_the_time_at_which_it_was_kept() {
    let mut stage = stage(Version::Legacy);
    for by in ["from='capulet.example'", "from='Romeo@Montague.example'"] {
        let read = read(&mut stage, &delay(by, STAMP));
        assert_eq!(read.sent_at, Some(stamped()), "{by}");
        assert_eq!(read.written_at, None);
        assert!(!read.is_sent_at_authenticated());
        assert!(read.stanza.contains("<delay "), "the element stays");
    }
    for by in [
        "",
        "from=''",
        "from='montague.example'",
        "from='verona.example'",
        "from='juliet@verona.example'",
        "from='romeo@montague.example/orchard'",
        "from='capulet.example.verona.example'",
    ] {
        let read = read(&mut stage, &delay(by, STAMP));
        assert_eq!(read.sent_at, None, "{by}");
    }
    // Of several the one that counts, and of those the first.
    let several = [
        delay("from='verona.example'", "2001-01-01T00:00:00Z"),
        delay("from='capulet.example'", STAMP),
        delay("from='capulet.example'", "2023-11-14T22:15:20Z"),
    ];
    let read = read(&mut stage, &several.concat());
    assert_eq!(read.sent_at, Some(stamped()));
}

/// A clock of others that is wrong, or a lie, puts no message behind those to come.
#[test]
fn a_delay_from_the_future_is_now() {
    let mut stage = stage(Version::Legacy);
    let now = stage.time();
    let read = read(
        &mut stage,
        &delay("from='capulet.example'", "2099-01-01T00:00:00Z"),
    );
    assert_eq!(read.sent_at, Some(now));
}

/// The time in the envelope is the sender's: no server can change it.
#[test]
fn the_envelopes_time_wins() {
    let mut stage = stage(Version::Omemo2);
    let now = stage.time();
    let read = read(&mut stage, &delay("from='capulet.example'", STAMP));
    assert_eq!((read.sent_at, read.written_at), (Some(now), Some(now)));
    assert!(read.is_sent_at_authenticated());
}

/// A copy of a message that was kept, and a message that waits over a restart.
#[test]
fn the_time_is_kept_with_the_message() {
    let mut stage = stage(Version::Legacy);
    stage.users[0].forgets = true;
    let sealed = stage.seal(1, JULIET, &text("x"));
    let kept = delay("from='capulet.example'", STAMP);
    let stanza = sealed.replacen("</message>", &format!("{kept}</message>"), 1);
    stage.receive(0, &carbon(JULIET, "received", &stanza));
    stage.settle();
    stage.wait(HOUR);
    stage.crash(0);
    stage.settle();
    let times = stage.users[0].read.iter().map(|read| read.sent_at);
    assert_eq!(times.collect::<Vec<_>>(), [Some(stamped()); 2]);
}
