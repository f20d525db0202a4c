//! Catching up, crashes in between, and stores that fail.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod server;

use std::collections::BTreeMap;
use std::sync::Arc;

use omemo::account::{CatchUpId, Order};
use omemo::client::{Disposition, Origin, QueryId};
use omemo::model::Timestamp;
use omemo::store::faults::{Fault, FaultPlan, Faulty};
use omemo::store::{MemoryStore, Scope, Store, StoreError};
use server::archived;
use server::stage::{DAY, HOUR, JULIET, MINUTE, ROMEO, Stage, body, jid, options, text};

/// Juliet has been away while Romeo has written so many messages; what the archive has.
fn absence(store: Arc<dyn Store>, count: usize) -> (Stage, Vec<String>) {
    let mut stage = Stage::new();
    stage.add_with("juliet@capulet.example/balcony", options(), store);
    stage.add("romeo@montague.example/orchard", options());
    stage.befriend(0, 1);
    stage.say(0, ROMEO, &text("before"));
    stage.disconnect(0);
    for number in 0..count {
        stage.say(1, JULIET, &text(&number.to_string()));
    }
    let full = stage.users[0].full.clone();
    stage.server.drop_waiting(&full);
    let archive = &stage.server.archive[&jid(JULIET)];
    let archive = archive[archive.len() - count..].to_vec();
    (stage, archive)
}

/// Begins to read Juliet's own archive.
fn expect(stage: &mut Stage, order: Order) -> (CatchUpId, QueryId) {
    let now = stage.time();
    let client = &mut stage.users[0].client;
    let catch_up = client.begin_catch_up(order, now).unwrap();
    (catch_up, client.expect_archive(catch_up, None, Some("q")))
}

fn page(stage: &mut Stage, stanzas: &[String]) {
    for (id, stanza) in stanzas.iter().enumerate() {
        let result = archived(&jid(JULIET), "q", id, stanza);
        assert_eq!(stage.receive(0, &result), Disposition::Pending);
    }
}

#[test]
fn a_page_is_stored_at_once_and_read_in_either_order() {
    for order in [Order::OldestFirst, Order::NewestFirst] {
        let store = Arc::new(Faulty::new(MemoryStore::new(), FaultPlan::none()));
        let (mut stage, archive) = absence(store.clone(), 40);
        let mut pages: Vec<_> = archive.chunks(20).collect();
        if order == Order::NewestFirst {
            pages.reverse();
        }
        stage.connect(0);
        stage.settle();
        let now = stage.time();
        let (catch_up, query) = expect(&mut stage, order);
        for stanzas in pages {
            let before = store.generation(&Scope::new(JULIET)).unwrap();
            page(&mut stage, stanzas);
            assert_eq!(
                store.generation(&Scope::new(JULIET)).unwrap(),
                before,
                "{order:?}"
            );
            stage.users[0].client.end_page(query, now).unwrap();
            let after = store.generation(&Scope::new(JULIET)).unwrap().get() - before.get();
            assert_eq!(after, 1, "{order:?}");
            stage.settle();
        }
        let client = &mut stage.users[0].client;
        client.end_catch_up(catch_up, now).unwrap();
        stage.settle();
        let mut bodies: Vec<usize> = stage.users[0]
            .bodies()
            .iter()
            .map(|body| body.parse().unwrap())
            .collect();
        if order == Order::NewestFirst {
            assert_eq!(bodies[..20], (20..40).collect::<Vec<_>>());
        }
        bodies.sort_unstable();
        assert_eq!(bodies, (0..40).collect::<Vec<_>>());
        let read = &stage.users[0].read[0];
        assert_eq!(read.origin, Origin::Archive);
        assert_eq!(
            read.sent_at,
            Some(Timestamp::from_millis(1_795_388_400_000))
        );
        // Legacy says nothing of it.
        assert_eq!(read.written_at, None);
        assert!(read.stanza.contains("to='juliet@capulet.example'"));
        assert!(stage.users[0].undecryptable.is_empty());
        // Both go on.
        stage.say(1, JULIET, &text("live"));
        stage.say(0, ROMEO, &text("live"));
        assert_eq!(stage.users[0].bodies().last().unwrap(), "live");
        assert_eq!(stage.users[1].bodies().last().unwrap(), "live");
    }
}

/// Whatever time an archive puts on a message, that of its sender is there too.
#[test]
fn the_time_of_the_envelope_is_not_hidden_by_the_archives() {
    let mut stage = Stage::new();
    let omemo2 = || server::stage::only(omemo::model::Version::Omemo2);
    stage.add("juliet@capulet.example/balcony", omemo2());
    stage.add("romeo@montague.example/orchard", omemo2());
    stage.befriend(0, 1);
    let sealed = stage.seal(1, JULIET, &text("x"));
    let written = stage.time();
    stage.now += DAY;
    let now = stage.time();
    let (_, query) = expect(&mut stage, Order::OldestFirst);
    page(&mut stage, &[sealed]);
    stage.users[0].client.end_page(query, now).unwrap();
    stage.settle();
    let read = &stage.users[0].read[0];
    assert_eq!(read.written_at, Some(written));
    assert_eq!(
        read.sent_at,
        Some(Timestamp::from_millis(1_795_388_400_000))
    );
}

/// The same messages live, as offline messages and from the archive: each is handed out once.
#[test]
fn what_comes_twice_is_handed_out_once() {
    let (mut stage, archive) = absence(Arc::new(MemoryStore::new()), 6);
    stage.connect(0);
    stage.settle();
    let now = stage.time();
    let (catch_up, query) = expect(&mut stage, Order::OldestFirst);
    for stanza in &archive[2..4] {
        stage.receive(0, stanza);
    }
    stage.settle();
    for stanzas in [&archive[..], &archive[3..]] {
        page(&mut stage, stanzas);
        stage.users[0].client.end_page(query, now).unwrap();
        stage.settle();
    }
    for stanza in &archive {
        assert_eq!(stage.receive(0, stanza), Disposition::Consumed);
    }
    let client = &mut stage.users[0].client;
    client.end_catch_up(catch_up, now).unwrap();
    stage.settle();
    assert_eq!(stage.users[0].bodies(), ["2", "3", "0", "1", "4", "5"]);
    assert!(stage.users[0].undecryptable.is_empty());
}

/// A page that is larger than what is held is read in parts, without being told to.
#[test]
fn an_endless_page_is_read_on_the_way() {
    let (mut stage, archive) = absence(Arc::new(MemoryStore::new()), 1);
    stage.connect(0);
    stage.settle();
    expect(&mut stage, Order::OldestFirst);
    for _ in 0..1001 {
        page(&mut stage, &archive);
    }
    stage.settle();
    assert_eq!(stage.users[0].bodies(), ["0"]);
}

/// A store that fails when it is read: what is given again is held once.
#[test]
fn an_endless_page_holds_nothing_twice() {
    let nobodys = format!(
        "<message from='{ROMEO}/x' to='{JULIET}'><encrypted xmlns='eu.siacs.conversations.axolotl'>\
         <header sid='1'><iv/></header><payload>AAAA</payload></encrypted></message>"
    );
    let nobodys = archived(&jid(JULIET), "q", 1, &nobodys);
    let mut faults = FaultPlan::none();
    for is_counted in [true, false] {
        let store = Arc::new(Faulty::new(MemoryStore::new(), faults.clone()));
        let mut stage = Stage::new();
        stage.add_with("juliet@capulet.example/balcony", options(), store.clone());
        let now = stage.time();
        let (_, query) = expect(&mut stage, Order::OldestFirst);
        let client = &mut stage.users[0].client;
        for _ in 0..1000 {
            client.receive(&nobodys, now).unwrap();
        }
        if is_counted {
            for call in 0..20 {
                faults = faults.call(store.calls() + call, Fault::Before(StoreError::Io));
            }
            continue;
        }
        let mut failures = 0;
        while client.receive(&nobodys, now).is_err() {
            failures += 1;
        }
        assert!(failures > 3, "{failures}");
        client.end_page(query, now).unwrap();
        stage.settle();
        assert_eq!(stage.users[0].undecryptable.len(), 1001);
    }
}

/// Nor does it matter in which part of the messages the bytes are.
#[test]
fn a_page_of_many_bytes_is_read_on_the_way() {
    let mut stage = Stage::of_two();
    let device = stage.users[0].client.account().device();
    let key = format!("<key rid='{device}'>{}</key>", "AAAA".repeat(2700));
    let keys = key.repeat(8);
    let long_iv = "AAAA".repeat(2700);
    for (keys, iv, most) in [(keys, "", 300), (key.repeat(2), &*long_iv, 800)] {
        expect(&mut stage, Order::OldestFirst);
        let stanza = format!(
            "<message from='{ROMEO}/x' to='{JULIET}'>\
             <encrypted xmlns='eu.siacs.conversations.axolotl'>\
             <header sid='1'>{keys}<iv>{iv}</iv></header><payload>AAAA</payload></encrypted></message>"
        );
        let mut held = 0;
        while stage.users[0].client.next_action().is_none() {
            page(&mut stage, core::slice::from_ref(&stanza));
            held += 1;
            assert!(held < most, "{held}");
        }
        while stage.users[0].client.next_action().is_some() {}
    }
}

/// The store fails at each call once, before its effect or after it: the page is read when it is asked
/// for again, and every message is handed out, under one id.
#[test]
fn a_page_survives_a_store_that_fails() {
    for fault in [
        Fault::Before(StoreError::Io),
        Fault::After(StoreError::Io),
        Fault::Conflict,
    ] {
        let mut range = None;
        for nth in 0.. {
            let plan = match range {
                None => FaultPlan::none(),
                Some((start, _)) => FaultPlan::none().call(start + nth, fault),
            };
            let store = Arc::new(Faulty::new(MemoryStore::new(), plan));
            let (mut stage, archive) = absence(store.clone(), 3);
            stage.connect(0);
            stage.settle();
            let now = stage.time();
            let (_, query) = expect(&mut stage, Order::OldestFirst);
            page(&mut stage, &archive);
            let start = store.calls();
            if stage.users[0].client.end_page(query, now).is_err() {
                stage.users[0].client.end_page(query, now).unwrap();
            }
            let end = store.calls();
            stage.settle();
            let mut ids = BTreeMap::new();
            for read in &stage.users[0].read {
                let before = ids.insert(body(&read.stanza), read.id);
                assert!(before.is_none_or(|id| id == read.id));
            }
            assert_eq!(ids.len(), 3, "{fault:?} {nth}");
            assert!(stage.users[0].undecryptable.is_empty());
            match range {
                None => range = Some((start, end)),
                Some((start, end)) if start + nth + 1 >= end => break,
                Some(_) => {}
            }
        }
    }
}

/// The process dies at some point: what was not acknowledged is handed out again under the same id, what
/// is owed is sent then, and nobody notices.
#[test]
fn after_a_crash_what_was_due_is_due_again() {
    let mut stage = Stage::of_two();
    stage.users[0].forgets = true;
    stage.say(1, JULIET, &text("1"));
    stage.say(1, JULIET, &text("2"));
    let ids: Vec<_> = stage.users[0].read.iter().map(|read| read.id).collect();
    for _ in 0..3 {
        stage.crash(0);
        stage.connect(0);
        stage.settle();
        let read = &stage.users[0].read;
        let again: Vec<_> = read[read.len() - 2..].iter().map(|read| read.id).collect();
        assert_eq!(again, ids);
        assert!(read.last().unwrap().is_again);
        assert_eq!(body(&read.last().unwrap().stanza), "2");
    }
    stage.users[0].forgets = false;
    stage.crash(0);
    stage.settle();
    let count = stage.users[0].read.len();
    stage.crash(0);
    stage.settle();
    assert_eq!(stage.users[0].read.len(), count, "acknowledged");
}

#[test]
fn an_answer_that_was_not_sent_is_sent_after_the_crash() {
    let mut stage = Stage::of_two();
    // The first message of a session calls for an answer; the stream is gone before it.
    let sealed = stage.seal(1, JULIET, &text("1"));
    stage.disconnect(0);
    stage.receive(0, &sealed);
    while stage.act(0) {}
    assert!(stage.users[0].empty.is_empty());
    stage.crash(0);
    stage.connect(0);
    stage.settle();
    assert_eq!(stage.users[0].empty.len(), 1);
    // Romeo has it: his next message is no key exchange any more.
    stage.say(1, JULIET, &text("2"));
    let sent = &stage.users[1].encrypted.last().unwrap();
    assert!(!sent.stanza.contains("prekey"), "{}", sent.stanza);
    stage.connect(0);
    stage.settle();
    assert_eq!(stage.users[0].empty.len(), 1, "once");
}

/// Dies before each single action, and after each stanza.
#[test]
fn a_client_that_dies_all_the_time_loses_nothing() {
    let mut stage = Stage::of_two();
    for number in 0..20 {
        // The outbox is the application's: what was not encrypted is given again.
        let from = number % 2;
        let to = [ROMEO, JULIET][from];
        let before = stage.users[from].encrypted.len();
        let mut patience = number;
        while stage.users[from].encrypted.len() == before {
            stage.give(from, to, &text(&number.to_string()));
            for _ in 0..patience {
                stage.act(from);
            }
            patience += 1;
            stage.crash(from);
            stage.connect(from);
        }
        let reader = 1 - from;
        let full = stage.users[reader].full.clone();
        while let Some(stanza) = stage.server.next_for(&full) {
            stage.receive(reader, &stanza);
            stage.crash(reader);
            stage.connect(reader);
            stage.act(reader);
        }
        stage.settle();
    }
    for user in 0..2 {
        let mut numbers: Vec<usize> = stage.users[user]
            .bodies()
            .iter()
            .map(|body| body.parse().unwrap())
            .collect();
        numbers.sort_unstable();
        numbers.dedup();
        let expected: Vec<_> = (0..20).filter(|number| number % 2 != user).collect();
        assert_eq!(numbers, expected, "{:?}", stage.users[user].undecryptable);
        assert!(stage.users[user].undecryptable.is_empty());
    }
}

/// The user ends all sessions: the next message starts new ones, and is read.
#[test]
fn reset_sessions_start_anew() {
    let mut stage = Stage::of_two();
    stage.say(0, ROMEO, &text("1"));
    stage.say(1, JULIET, &text("2"));
    let now = stage.time();
    stage.users[0].client.reset(&jid(ROMEO), now).unwrap();
    stage.say(0, ROMEO, &text("3"));
    assert!(
        stage.users[0]
            .encrypted
            .last()
            .unwrap()
            .stanza
            .contains("prekey")
    );
    stage.say(1, JULIET, &text("4"));
    assert_eq!(stage.users[1].bodies(), ["1", "3"]);
    assert_eq!(stage.users[0].bodies(), ["2", "4"]);
}

/// An answer that did not come puts the repair off by an hour, not by days; or until the next stream.
#[test]
fn a_lost_answer_does_not_put_a_repair_off_for_long() {
    for (is_silent, reconnects) in [(true, false), (false, false), (true, true)] {
        let mut stage = Stage::of_two();
        stage.say(0, ROMEO, &text("1"));
        stage.say(1, JULIET, &text("2"));
        stage.say(0, ROMEO, &text("3"));
        let peer = stage.users[1].client.account().device();
        let account = stage.users[0].client.account();
        account.forget_device(&jid(ROMEO), peer).unwrap();
        stage.befriend(0, 1);
        if is_silent {
            stage.server.silent_nodes = vec!["bundles".to_owned()];
        } else {
            let refused = |xml: &str| xml.contains("bundles").then_some("remote-server-timeout");
            stage.server.rule = Some(refused);
        }
        let asked = |stage: &Stage| stage.server.seen.len();
        stage.say(1, JULIET, &text("4"));
        stage.wait(2 * MINUTE);
        let before = asked(&stage);
        stage.wait(2 * MINUTE);
        assert_eq!(asked(&stage), before, "not again and again");
        stage.server.silent_nodes.clear();
        stage.server.rule = None;
        if reconnects {
            stage.disconnect(0);
            stage.connect(0);
            stage.settle();
        } else {
            let at = stage.users[0].wake_at.unwrap().as_millis();
            assert!(
                at > stage.now && at <= stage.now + HOUR,
                "it is to be woken"
            );
            stage.wait(at - stage.now);
        }
        stage.say(1, JULIET, &text("5"));
        assert_eq!(stage.users[0].bodies(), ["2", "5"]);
    }
}

/// Juliet's device has lost all its sessions: what Romeo writes cannot be read; her client mends that by
/// itself, once, and what he writes then is read.
#[test]
fn a_lost_session_is_mended() {
    for is_lost_device in [false, true] {
        let mut stage = Stage::of_two();
        stage.say(0, ROMEO, &text("1"));
        stage.say(1, JULIET, &text("2"));
        stage.say(0, ROMEO, &text("3"));
        let peer = stage.users[1].client.account().device();
        let account = stage.users[0].client.account();
        if is_lost_device {
            account.forget_device(&jid(ROMEO), peer).unwrap();
        } else {
            account.forget(&jid(ROMEO)).unwrap();
        }
        stage.befriend(0, 1);
        stage.say(1, JULIET, &text("4"));
        assert_eq!(
            stage.users[0].undecryptable.len(),
            1,
            "{:?}",
            stage.users[0].bodies()
        );
        // What comes next is a message of a new session.
        stage.say(1, JULIET, &text("5"));
        assert_eq!(stage.users[0].bodies(), ["2", "5"]);
        assert_eq!(stage.users[0].empty.len(), 1);
        stage.wait(DAY);
        stage.say(1, JULIET, &text("6"));
        assert_eq!(stage.users[0].bodies(), ["2", "5", "6"]);
        assert_eq!(stage.users[0].undecryptable.len(), 1);
    }
}
