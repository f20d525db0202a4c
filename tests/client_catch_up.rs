//! Archives that are read at the same time, and results that nobody has asked for.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod server;

use omemo::account::{CatchUpId, Order};
use omemo::client::{ArchiveId, ArchivedMessage, Disposition, QueryId};
use server::stage::{DAY, JULIET, MALLORY, MINUTE, ROMEO, Stage, jid, text};
use server::{archived, carbon};

fn begin(stage: &mut Stage) -> CatchUpId {
    let now = stage.time();
    let client = &mut stage.users[0].client;
    client.begin_catch_up(Order::OldestFirst, now).unwrap()
}

fn expect(stage: &mut Stage, catch_up: CatchUpId, query_id: Option<&str>) -> QueryId {
    let client = &mut stage.users[0].client;
    client.expect_archive(catch_up, None, query_id)
}

fn end_page(stage: &mut Stage, query: QueryId) {
    let now = stage.time();
    stage.users[0].client.end_page(query, now).unwrap();
    stage.settle();
}

fn end(stage: &mut Stage, catch_up: CatchUpId) {
    let now = stage.time();
    stage.users[0].client.end_catch_up(catch_up, now).unwrap();
    stage.settle();
}

fn result(query: &str, stanza: &str) -> String {
    archived(&jid(JULIET), query, 1, stanza)
}

/// Juliet, Romeo, and messages of his that only an archive has.
fn stage(texts: &[&str]) -> (Stage, Vec<String>) {
    let mut stage = Stage::of_two();
    let sealed = texts.iter().map(|body| stage.seal(1, JULIET, &text(body)));
    let sealed = sealed.collect();
    (stage, sealed)
}

/// Each page is that of its query, and is read when that ends.
#[test]
fn two_archives_are_read_at_the_same_time() {
    let (mut stage, sealed) = stage(&["old", "new"]);
    let (one, other) = (begin(&mut stage), begin(&mut stage));
    let scrolling = expect(&mut stage, one, Some("scroll"));
    let missed = expect(&mut stage, other, Some("missed"));
    for (query, stanza) in [("missed", &sealed[1]), ("scroll", &sealed[0])] {
        let disposition = stage.receive(0, &result(query, stanza));
        assert_eq!(disposition, Disposition::Pending);
    }
    end_page(&mut stage, missed);
    assert_eq!(stage.users[0].bodies(), ["new"]);
    end_page(&mut stage, missed);
    end_page(&mut stage, scrolling);
    assert_eq!(stage.users[0].bodies(), ["new", "old"]);
}

/// In whichever order they end, the end of one takes neither the page nor the results of the other.
#[test]
fn catch_ups_end_in_any_order() {
    for ends_first in [0, 1] {
        let (mut stage, sealed) = stage(&["0", "1"]);
        let catch_ups = [begin(&mut stage), begin(&mut stage)];
        for (at, catch_up) in catch_ups.into_iter().enumerate() {
            expect(&mut stage, catch_up, Some(&at.to_string()));
            let held = result(&at.to_string(), &sealed[at]);
            assert_eq!(stage.receive(0, &held), Disposition::Pending);
        }
        end(&mut stage, catch_ups[ends_first]);
        assert_eq!(stage.users[0].bodies(), [ends_first.to_string()]);
        let late = result(&ends_first.to_string(), &sealed[ends_first]);
        assert_eq!(stage.receive(0, &late), Disposition::Unexpected);
        let other = 1 - ends_first;
        let again = result(&other.to_string(), &sealed[other]);
        assert_eq!(stage.receive(0, &again), Disposition::Pending);
        end(&mut stage, catch_ups[other]);
        assert_eq!(stage.users[0].bodies().len(), 2);
        assert!(stage.users[0].undecryptable.is_empty());
    }
}

/// The user scrolls back while a timer of the application says that a day is over.
#[test]
fn the_daily_work_takes_no_page_that_is_coming() {
    let (mut stage, sealed) = stage(&["before", "behind"]);
    let scrolling = begin(&mut stage);
    let query = expect(&mut stage, scrolling, Some("scroll"));
    stage.receive(0, &result("scroll", &sealed[0]));
    stage.wait(DAY);
    let now = stage.time();
    stage.users[0].client.maintain(now).unwrap();
    stage.settle();
    let disposition = stage.receive(0, &result("scroll", &sealed[1]));
    assert_eq!(disposition, Disposition::Pending);
    end_page(&mut stage, query);
    assert_eq!(stage.users[0].bodies(), ["before", "behind"]);
}

/// The same query id in a second catch-up: results belong to the one that was announced last, and what the first
/// one holds stays its own.
#[test]
fn a_query_id_may_be_used_again() {
    let (mut stage, sealed) = stage(&["lost stream", "next stream"]);
    let lost = begin(&mut stage);
    let first = expect(&mut stage, lost, Some("q"));
    assert_eq!(
        expect(&mut stage, lost, Some("q")),
        first,
        "once for all pages"
    );
    stage.receive(0, &result("q", &sealed[0]));
    let next = begin(&mut stage);
    let second = expect(&mut stage, next, Some("q"));
    assert_ne!(first, second);
    end(&mut stage, lost);
    let disposition = stage.receive(0, &result("q", &sealed[1]));
    assert_eq!(disposition, Disposition::Pending);
    end_page(&mut stage, second);
    assert_eq!(stage.users[0].bodies(), ["lost stream", "next stream"]);
}

/// Old servers leave out the `queryid`. Their results are taken when the application says so.
#[test]
fn results_without_a_query_id_can_be_announced() {
    let (mut stage, sealed) = stage(&["from an old server"]);
    let bare = result("q", &sealed[0]).replace(" queryid='q'", "");
    assert_eq!(stage.receive(0, &bare), Disposition::Unexpected);
    let catch_up = begin(&mut stage);
    let query = expect(&mut stage, catch_up, None);
    let named = result("q", &sealed[0]);
    assert_eq!(stage.receive(0, &named), Disposition::Unexpected);
    let of_another = bare.replacen(JULIET, ROMEO, 1);
    assert_eq!(stage.receive(0, &of_another), Disposition::Unexpected);
    assert_eq!(stage.receive(0, &bare), Disposition::Pending);
    end_page(&mut stage, query);
    assert_eq!(stage.users[0].bodies(), ["from an old server"]);
}

/// What has encrypted content and is not read is never handed to the application as if it were in clear: it
/// would show the fallback text. No key is used up by it.
#[test]
fn what_nobody_asked_for_is_unexpected_and_costs_nothing() {
    let (mut stage, sealed) = stage(&["secret"]);
    let stanza = &sealed[0];
    let error = stanza.replacen("type='chat'", "type='error'", 1);
    assert_ne!(error, *stanza);
    let own = jid(JULIET);
    let unasked = result("unasked", stanza);
    for (what, expected) in [
        (unasked.clone(), Disposition::Unexpected),
        (
            unasked.replace("urn:xmpp:mam:2", "urn:xmpp:mam:1"),
            Disposition::Unexpected,
        ),
        (
            unasked.replace(" xmlns='jabber:client'", ""),
            Disposition::Unexpected,
        ),
        (
            archived(&jid(MALLORY), "q", 1, stanza),
            Disposition::Unexpected,
        ),
        (carbon(MALLORY, "received", stanza), Disposition::Unexpected),
        (
            carbon(own.as_str(), "sent", stanza),
            Disposition::Unexpected,
        ),
        (error, Disposition::Bounced),
    ] {
        assert_eq!(stage.receive(0, &what), expected, "{what}");
        assert!(!stage.users[0].client.has_actions());
    }
    // In clear it is the application's, as ever.
    let clear = format!("<message from='{ROMEO}/x' to='{JULIET}'><body>clear</body></message>");
    let mention = "<body>urn:xmpp:omemo:2</body>";
    let mention = format!("<message from='{ROMEO}/x' to='{JULIET}'>{mention}</message>");
    for plain in [clear, mention] {
        for what in [
            result("unasked", &plain),
            carbon(MALLORY, "received", &plain),
            plain,
        ] {
            assert_eq!(stage.receive(0, &what), Disposition::NotOurs, "{what}");
        }
    }
    assert_eq!(stage.receive(0, stanza), Disposition::Consumed);
    stage.wait(MINUTE);
    assert_eq!(stage.users[0].bodies(), ["secret"]);
}

fn archive_id(id: &str) -> ArchiveId {
    let archive = jid(JULIET);
    let id = id.to_owned();
    ArchiveId { archive, id }
}

/// A client fills its history: of what it reads from an archive, and of what it has, it learns the archive's id.
#[test]
fn the_archives_id_of_each_message_is_told() {
    let (mut stage, sealed) = stage(&["live", "new", "waits"]);
    stage.receive(0, &sealed[0]);
    stage.settle();
    stage.users[0].forgets = true;
    stage.receive(0, &sealed[2]);
    stage.settle();
    stage.say(0, ROMEO, &text("mine"));
    let mine = stage.users[0].encrypted.last().unwrap().stanza.clone();
    let full = stage.users[0].full.clone();
    let mine = server::with_from(&mine, &full);
    let unreadable = sealed[1].replacen("<payload>", "<payload>AAAA", 1);
    assert_ne!(unreadable, sealed[1]);
    stage.users[0].read.clear();

    let catch_up = begin(&mut stage);
    expect(&mut stage, catch_up, Some("q"));
    let own = jid(JULIET);
    let results = [&sealed[0], &mine, &unreadable, &sealed[1], &sealed[2]];
    for (id, stanza) in results.into_iter().enumerate() {
        let result = archived(&own, "q", id, stanza);
        assert_eq!(stage.receive(0, &result), Disposition::Pending);
    }
    end(&mut stage, catch_up);
    let user = &stage.users[0];
    assert_eq!(user.bodies(), ["new", "waits"]);
    assert_eq!(user.read[0].archived, Some(archive_id("3")));
    assert_eq!(user.undecryptable.len(), 1);
    assert_eq!(user.undecryptable[0].archived, Some(archive_id("2")));
    // The one that waits is handed out as it came first, and then its place is told.
    assert_eq!(
        (user.read[1].archived.clone(), user.read[1].is_again),
        (None, true)
    );
    let told: Vec<_> = user
        .archived
        .iter()
        .map(|it| it.archived.id.as_str())
        .collect();
    assert_eq!(told, ["0", "1", "4"]);
    assert!(matches!(user.archived[0].message, ArchivedMessage::Read(_)));
    let waits = ArchivedMessage::Read(user.read[1].id);
    assert_eq!(user.archived[2].message, waits);
    let ArchivedMessage::Sent(stanza) = &user.archived[1].message else {
        panic!("{:?}", user.archived[1]);
    };
    assert!(stanza.contains("id='x'") && !stanza.contains("<encrypted"));
    // It is kept with the message, also over a restart.
    stage.crash(0);
    stage.settle();
    let again = stage.users[0].read.iter().rev();
    let again = again
        .take(2)
        .find(|read| server::stage::body(&read.stanza) == "new");
    assert_eq!(again.unwrap().archived, Some(archive_id("3")));
}

/// The same message in two pages that overlap: its place is told again, which changes nothing.
#[test]
fn what_an_archive_gives_twice_is_read_once() {
    let (mut stage, sealed) = stage(&["once"]);
    let catch_up = begin(&mut stage);
    let query = expect(&mut stage, catch_up, Some("q"));
    for _ in 0..2 {
        stage.receive(0, &result("q", &sealed[0]));
        end_page(&mut stage, query);
    }
    let user = &stage.users[0];
    assert_eq!(user.bodies(), ["once"]);
    assert_eq!(user.archived.len(), 1);
    assert_eq!(
        user.archived[0].message,
        ArchivedMessage::Read(user.read[0].id)
    );
    // A message that comes twice on the stream is no matter of an archive.
    stage.receive(0, &sealed[0]);
    stage.settle();
    assert_eq!(stage.users[0].archived.len(), 1);
}
