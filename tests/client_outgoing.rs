//! Messages that wait: for lists, bundles and decisions, in order for each conversation.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod server;

use std::sync::Arc;

use omemo::account::{DowngradePolicy, Fate, Gap, LookupError, Refusal, Trust, TrustPolicy};
use omemo::client::{EncryptRequestError, Notice, RefusalReason};
use omemo::model::Version;
use omemo::store::faults::{Fault, FaultPlan, Faulty};
use omemo::store::{MemoryStore, StoreError};
use server::stage::{
    HOUR, JULIET, MALLORY, MINUTE, ROMEO, Stage, body, chat, jid, only, options, text,
};

fn refusal(stage: &Stage, user: usize) -> &Refusal {
    match &stage.users[user].refused.last().unwrap().reason {
        RefusalReason::Recipients(refusal) => refusal,
        other => panic!("{other:?}"),
    }
}

#[test]
fn messages_of_a_conversation_keep_their_order_and_others_do_not_wait() {
    let mut stage = Stage::of_two();
    stage.add("mallory@verona.example/den", options());
    stage.say(0, MALLORY, &text("0"));
    // Romeo's bundle does not come.
    stage.users[0].holds_requests = true;
    let first = stage.say(0, ROMEO, &text("1"));
    let second = stage.say(0, ROMEO, &text("2"));
    let other = stage.say(0, MALLORY, &text("3"));
    let sent = |stage: &Stage| -> Vec<_> {
        let sent = stage.users[0].encrypted.iter();
        sent.map(|sent| sent.ticket).skip(1).collect()
    };
    assert_eq!(sent(&stage), [other]);
    stage.users[0].holds_requests = false;
    while !stage.users[0].requests.is_empty() {
        stage.answer_held(0);
    }
    assert_eq!(sent(&stage), [other, first, second]);
    assert_eq!(stage.users[1].bodies(), ["1", "2"]);
    assert_eq!(stage.users[2].bodies(), ["0", "3"]);
}

#[test]
fn who_does_not_wait_gets_what_is_there() {
    let mut stage = Stage::of_two();
    let now = stage.time();
    let said = chat(ROMEO, &text("now"));
    let client = &mut stage.users[0].client;
    let ticket = client.encrypt_now(&said, &[jid(ROMEO)], now).unwrap();
    stage.settle();
    assert_eq!(stage.users[0].refused[0].ticket, ticket);
    assert!(matches!(refusal(&stage, 0), Refusal::NoDevices(..)));
    // With a session it goes, without a stream too.
    stage.say(0, ROMEO, &text("first"));
    stage.disconnect(0);
    let client = &mut stage.users[0].client;
    client.encrypt_now(&said, &[jid(ROMEO)], now).unwrap();
    stage.settle();
    assert_eq!(stage.users[1].bodies(), ["first", "now"]);
}

#[test]
fn what_waits_for_a_stream_can_be_cancelled() {
    let mut stage = Stage::of_two();
    stage.disconnect(0);
    let first = stage.give(0, ROMEO, &text("1"));
    let second = stage.give(0, ROMEO, &text("2"));
    stage.settle();
    assert!(stage.users[0].encrypted.is_empty());
    stage.users[0].client.cancel(first);
    stage.users[0].client.cancel(first);
    stage.connect(0);
    stage.settle();
    assert_eq!(stage.users[1].bodies(), ["2"]);
    assert_eq!(stage.users[0].encrypted[0].ticket, second);
}

#[test]
fn devices_without_an_answer_are_skipped_and_reported() {
    let mut stage = Stage::of_two();
    stage.add("romeo@montague.example/phone", options());
    let phone = stage.users[2].client.account().device();
    stage.server.silent_nodes = vec![format!("bundles:{phone}")];
    stage.say(0, ROMEO, &text("x"));
    assert!(stage.users[0].encrypted.is_empty(), "it is waited for");
    let wake_at = stage.users[0].wake_at.unwrap().as_millis();
    assert!(wake_at > stage.now);
    stage.wait(wake_at - stage.now);
    let report = &stage.users[0].encrypted[0].report;
    let skipped: Vec<_> = report
        .skipped()
        .map(|(device, gap)| (device.device, gap))
        .collect();
    assert_eq!(skipped, [(phone, Gap::Unreachable(LookupError::NoAnswer))]);
    assert_eq!(stage.users[1].bodies(), ["x"]);
    // The phone is told that something came that it cannot read. Its bundle is asked for again after a
    // pause, while the next message goes out; the one after that reaches it.
    assert_eq!(stage.users[2].undecryptable.len(), 1);
    stage.server.silent_nodes.clear();
    let asked = stage.server.seen.len();
    stage.say(0, ROMEO, &text("y"));
    let requests = stage.server.seen[asked..].iter();
    assert_eq!(requests.filter(|xml| xml.starts_with("<iq")).count(), 0);
    stage.wait(5 * MINUTE);
    stage.say(0, ROMEO, &text("z"));
    stage.say(0, ROMEO, &text("a"));
    assert_eq!(stage.users[1].bodies(), ["x", "y", "z", "a"]);
    assert_eq!(stage.users[2].bodies(), ["a"]);
}

/// A contact's server is away for some minutes: messages are refused then, and not for ever.
#[test]
fn a_list_that_did_not_come_is_asked_for_again_later() {
    let mut stage = Stage::new();
    stage.add("romeo@montague.example/orchard", options());
    let juliet = stage.add("juliet@capulet.example/balcony", options());
    stage.server.silent_nodes = vec!["devicelist".to_owned(), "devices".to_owned()];
    stage.say(juliet, ROMEO, &text("1"));
    stage.wait(MINUTE);
    let Refusal::Unreachable(_, error, report) = refusal(&stage, juliet) else {
        panic!("{:?}", refusal(&stage, juliet));
    };
    assert_eq!(*error, LookupError::NoAnswer);
    assert!(report.lists.iter().all(|list| !list.is_known));
    // The user tries again at once, twice; the second time the server is there.
    stage.say(juliet, ROMEO, &text("2"));
    stage.wait(MINUTE);
    assert_eq!(stage.users[juliet].refused.len(), 2);
    stage.server.silent_nodes.clear();
    stage.say(juliet, ROMEO, &text("3"));
    assert_eq!(stage.users[0].bodies(), ["3"]);
}

/// Nobody tells of changes: the list is asked for again before a message, once it is old.
#[test]
fn the_list_of_who_is_not_subscribed_to_is_asked_for_when_it_is_old() {
    let mut stage = Stage::new();
    stage.add("romeo@montague.example/orchard", options());
    stage.server.unsubscribed.insert(jid(ROMEO));
    let juliet = stage.add("juliet@capulet.example/balcony", options());
    stage.say(juliet, ROMEO, &text("1"));
    stage.add("romeo@montague.example/phone", options());
    stage.say(juliet, ROMEO, &text("2"));
    assert!(stage.users[2].read.is_empty(), "she cannot know");
    stage.wait(HOUR);
    stage.say(juliet, ROMEO, &text("3"));
    assert_eq!(stage.users[2].bodies(), ["3"]);
    assert_eq!(stage.users[0].bodies(), ["1", "2", "3"]);
}

fn manual() -> Stage {
    let mut stage = Stage::new();
    let mut careful = options();
    careful.account.trust = TrustPolicy::Manual;
    stage.add("juliet@capulet.example/balcony", careful);
    stage.add("romeo@montague.example/orchard", options());
    stage.add("romeo@montague.example/phone", options());
    stage.befriend(0, 1);
    stage
}

#[test]
fn a_message_waits_for_decisions_about_keys() {
    let mut stage = manual();
    let ticket = stage.say(0, ROMEO, &text("x"));
    stage.say(0, ROMEO, &text("y"));
    let question = &stage.users[0].questions;
    assert_eq!(question.len(), 1, "asked once");
    assert_eq!(question[0].ticket, ticket);
    assert_eq!(question[0].keys.len(), 2);
    let keys = question[0].keys.clone();
    let now = stage.time();
    let decide = |stage: &mut Stage, key: usize, trust| {
        let key = &keys[key];
        let client = &mut stage.users[0].client;
        client
            .decide(&key.jid, &key.fingerprint, trust, now)
            .unwrap();
        stage.settle();
    };
    decide(&mut stage, 0, Trust::Verified);
    assert!(stage.users[0].encrypted.is_empty());
    assert_eq!(stage.users[0].questions[1].keys.len(), 1, "the other");
    decide(&mut stage, 1, Trust::Distrusted);
    let user = |device| {
        let mut users = stage.users.iter();
        users.position(|user| user.client.account().device() == device)
    };
    let (trusted, distrusted) = (user(keys[0].device).unwrap(), user(keys[1].device).unwrap());
    assert_eq!(stage.users[trusted].bodies(), ["x", "y"]);
    assert!(stage.users[distrusted].read.is_empty());
    let report = &stage.users[0].encrypted[0].report;
    let gaps: Vec<_> = report.skipped().map(|(_, gap)| gap).collect();
    assert_eq!(gaps, [Gap::Distrusted(keys[1].fingerprint)]);
}

#[test]
fn without_a_decision_it_goes_to_the_others_or_not_at_all() {
    let mut stage = manual();
    let ticket = stage.say(0, ROMEO, &text("x"));
    let now = stage.time();
    stage.users[0].client.send_anyway(ticket, now).unwrap();
    stage.settle();
    assert!(matches!(refusal(&stage, 0), Refusal::NobodyReached(..)));
    // One key is decided about; the next message asks for the other alone.
    let key = stage.users[0].questions[0].keys[0].clone();
    let client = &mut stage.users[0].client;
    client
        .decide(&key.jid, &key.fingerprint, Trust::Verified, now)
        .unwrap();
    let ticket = stage.say(0, ROMEO, &text("y"));
    assert_eq!(stage.users[0].questions.last().unwrap().keys.len(), 1);
    stage.users[0].client.send_anyway(ticket, now).unwrap();
    stage.settle();
    let report = &stage.users[0].encrypted[0].report;
    assert_eq!(report.undecided().count(), 1);
    // Cancelled, it is gone, and the next one goes on.
    let ticket = stage.say(0, ROMEO, &text("z"));
    stage.users[0].client.cancel(ticket);
    stage.settle();
    assert_eq!(stage.users[0].encrypted.len(), 1);
    // Who does not want to be asked is not.
    let mut stage = manual();
    stage.users[0].options.ask_about_keys = false;
    stage.crash(0);
    stage.connect(0);
    stage.say(0, ROMEO, &text("x"));
    assert!(stage.users[0].questions.is_empty());
    assert!(matches!(refusal(&stage, 0), Refusal::NobodyReached(..)));
}

/// In the time that a decision takes, others use up pre-keys.
#[test]
fn bundles_from_before_a_decision_are_not_used_after_it() {
    for version in Version::ALL {
        let mut stage = Stage::new();
        let mut careful = only(version);
        careful.account.trust = TrustPolicy::Manual;
        stage.add("juliet@capulet.example/balcony", careful);
        stage.add("romeo@montague.example/orchard", only(version));
        stage.befriend(0, 1);
        stage.say(0, ROMEO, &text("x"));
        let fetched = |stage: &Stage| {
            let seen = stage.server.seen.iter();
            seen.filter(|xml| xml.contains("type='get'") && xml.contains("bundles"))
                .count()
        };
        let before = fetched(&stage);
        stage.now += 24 * HOUR;
        let now = stage.time();
        let key = stage.users[0].questions[0].keys[0].clone();
        let client = &mut stage.users[0].client;
        client
            .decide(&key.jid, &key.fingerprint, Trust::Verified, now)
            .unwrap();
        stage.settle();
        assert_eq!(fetched(&stage), before + 1);
        assert_eq!(stage.users[1].bodies(), ["x"]);
    }
}

/// A50: a device that the server has put on the own list gets nothing, and the user is told.
#[test]
fn a50_a_new_own_device_is_asked_about() {
    let mut stage = Stage::new();
    let mut usual = options();
    usual.account.trust_own = TrustPolicy::Manual;
    stage.add("juliet@capulet.example/balcony", usual);
    stage.add("romeo@montague.example/orchard", options());
    stage.befriend(0, 1);
    stage.say(0, ROMEO, &text("1"));
    let inserted = stage.add("juliet@capulet.example/inserted", options());
    let device = stage.users[inserted].client.account().device();
    assert_eq!(stage.users[0].notices, [Notice::NewOwnDevice(device)]);
    let ticket = stage.say(0, ROMEO, &text("2"));
    let question = &stage.users[0].questions[0];
    assert_eq!(question.ticket, ticket);
    assert_eq!(question.keys[0].jid, jid(JULIET));
    assert_eq!(question.keys[0].device, device);
    let now = stage.time();
    stage.users[0].client.send_anyway(ticket, now).unwrap();
    stage.settle();
    assert_eq!(stage.users[1].bodies(), ["1", "2"]);
    assert!(stage.users[inserted].read.is_empty());
}

/// The older list comes first, and the newer one, which has the device, after it.
#[test]
fn a_list_that_has_not_come_yet_is_no_downgrade() {
    let mut stage = Stage::new();
    stage.server.tells_nobody = true;
    let mut newest = options();
    newest.account.versions = omemo::account::VersionPolicy::Newest;
    stage.add("juliet@capulet.example/balcony", options());
    stage.add("romeo@montague.example/orchard", newest);
    stage.say(1, JULIET, &text("in OMEMO 2"));
    assert_eq!(stage.users[0].read[0].sender.version, Version::Omemo2);
    stage.say(0, ROMEO, &text("answer"));
    assert_eq!(stage.users[1].bodies(), ["answer"]);
    assert_eq!(stage.users[0].notices, []);
}

/// A device that has spoken OMEMO 2 is announced for legacy alone.
#[test]
fn a16_a_downgrade_is_reported_or_refused() {
    for policy in [DowngradePolicy::Report, DowngradePolicy::Skip] {
        let mut stage = Stage::new();
        let mut strict = options();
        strict.account.downgrades = policy;
        stage.add("juliet@capulet.example/balcony", strict);
        let mut newest = options();
        newest.account.versions = omemo::account::VersionPolicy::Newest;
        stage.add("romeo@montague.example/orchard", newest);
        stage.befriend(0, 1);
        stage.say(0, ROMEO, &text("first"));
        stage.say(1, JULIET, &text("in OMEMO 2"));
        assert_eq!(stage.users[0].read[0].sender.version, Version::Omemo2);
        // Romeo's server takes that list away.
        let gone = "<message from='romeo@montague.example'>\
            <event xmlns='http://jabber.org/protocol/pubsub#event'>\
            <delete node='urn:xmpp:omemo:2:devices'/></event></message>";
        stage.receive(0, gone);
        stage.settle();
        let downgraded = |notice: &Notice| matches!(notice, Notice::Downgraded(_));
        assert!(stage.users[0].notices.iter().any(downgraded));
        // Once.
        let mut notices = stage.users[0].notices.len();
        stage.receive(0, gone);
        stage.settle();
        assert_eq!(stage.users[0].notices.len(), notices);
        // It is there again, and gone again.
        let node = "urn:xmpp:omemo:2:devices";
        let list = stage.server.items(&jid(ROMEO), node);
        let there = server::event(&jid(ROMEO), node, "current", &list[0]);
        for (stanza, is_told) in [(&*there, false), (gone, true)] {
            stage.receive(0, stanza);
            stage.settle();
            notices += usize::from(is_told);
            assert_eq!(stage.users[0].notices.len(), notices);
        }
        stage.say(0, ROMEO, &text("answer"));
        match policy {
            DowngradePolicy::Report => {
                let report = &stage.users[0].encrypted[1].report;
                assert!(report.devices[0].is_downgraded);
                assert_eq!(stage.users[1].read[1].sender.version, Version::Legacy);
            }
            _ => {
                let Refusal::NobodyReached(_, report) = refusal(&stage, 0) else {
                    panic!();
                };
                assert_eq!(report.devices[0].fate, Fate::Skipped(Gap::Downgraded));
            }
        }
    }
}

/// Whatever goes wrong, the text does not go out.
#[test]
fn a40_nothing_goes_out_in_clear() {
    let mut stage = Stage::of_two();
    let now = stage.time();
    let secret = "<body>se-cret</body>";
    let rooms = "unknown@rooms.example";
    for (to, recipient) in [
        ("nobody@capulet.example", "nobody@capulet.example"),
        (rooms, rooms),
        (ROMEO, "nobody@capulet.example"),
        (ROMEO, JULIET),
    ] {
        let client = &mut stage.users[0].client;
        client
            .encrypt(&chat(to, secret), &[jid(recipient)], now)
            .unwrap();
        stage.settle();
    }
    let client = &mut stage.users[0].client;
    let nobody = client.encrypt(&chat(ROMEO, secret), &[], now);
    assert_eq!(nobody, Err(EncryptRequestError::NoRecipients));
    stage.settle();
    assert_eq!(stage.users[0].refused.len(), 4);
    assert!(!stage.was_seen("se-cret"));

    let client = &mut stage.users[0].client;
    let mut refused = |stanza: &str| client.encrypt(stanza, &[jid(ROMEO)], now).unwrap_err();
    for (stanza, expected) in [
        (
            "<message><body>x</body></message>",
            EncryptRequestError::Address(None),
        ),
        ("<message to='a@b'/>", EncryptRequestError::NothingToEncrypt),
        (
            "<message to='a@b'><store xmlns='urn:xmpp:hints'/></message>",
            EncryptRequestError::NothingToEncrypt,
        ),
    ] {
        assert_eq!(refused(stanza), expected);
    }
    assert!(matches!(
        refused("<message"),
        EncryptRequestError::Stanza(_)
    ));
    assert!(matches!(
        refused("<iq to='a@b'><body/></iq>"),
        EncryptRequestError::Stanza(_)
    ));
    assert!(matches!(
        refused("<message to='@'><body>x</body></message>"),
        EncryptRequestError::Address(Some(_))
    ));
}

/// A store that fails at any call: there is a ticket and the message goes out, or there is none and
/// nothing does. Given again, it goes out once.
#[test]
fn a_store_that_fails_makes_no_message_go_out_twice() {
    let mut store = Arc::new(Faulty::new(MemoryStore::new(), FaultPlan::none()));
    let mut calls = (0, 0);
    for nth in 0..400 {
        if nth > 0 && nth + calls.0 >= calls.1 {
            break;
        }
        let plan = match nth {
            0 => FaultPlan::none(),
            _ => FaultPlan::none().call(calls.0 + nth - 1, Fault::Before(StoreError::Io)),
        };
        store = Arc::new(Faulty::new(MemoryStore::new(), plan));
        let mut stage = Stage::new();
        stage.add_with("juliet@capulet.example/balcony", options(), store.clone());
        stage.add("romeo@montague.example/orchard", options());
        stage.befriend(0, 1);
        stage.say(0, ROMEO, &text("0"));
        let start = store.calls();
        let now = stage.time();
        let said = chat(ROMEO, &text("1"));
        let client = &mut stage.users[0].client;
        let taken = client.encrypt(&said, &[jid(ROMEO)], now);
        if taken.is_err() {
            client.encrypt(&said, &[jid(ROMEO)], now).unwrap();
        }
        if nth == 0 {
            calls = (start, store.calls());
        }
        stage.settle();
        assert_eq!(stage.users[1].bodies(), ["0", "1"], "{nth}");
    }
    assert!(calls.1 > calls.0 + 5 && store.calls() > 0);
}

/// The same where the answers to requests come: what they bring is not lost.
#[test]
fn a_store_that_fails_while_answers_come_loses_none() {
    let mut first = None;
    let mut failed = 0;
    for nth in 0.. {
        let store = Arc::new(Faulty::new(
            MemoryStore::new(),
            match first {
                Some(first) => FaultPlan::none().call(first + nth, Fault::Before(StoreError::Io)),
                None => FaultPlan::none(),
            },
        ));
        let mut stage = Stage::new();
        stage.add("romeo@montague.example/orchard", options());
        let juliet = stage.add_with("juliet@capulet.example/balcony", options(), store.clone());
        stage.users[juliet].holds_requests = true;
        let ready = store.calls();
        let now = stage.time();
        let said = chat(ROMEO, &text("1"));
        let client = &mut stage.users[juliet].client;
        if client.encrypt(&said, &[jid(ROMEO)], now).is_err() {
            failed += 1;
            client.encrypt(&said, &[jid(ROMEO)], now).unwrap();
        }
        while stage.act(juliet) {}
        while !stage.users[juliet].requests.is_empty() {
            for request in core::mem::take(&mut stage.users[juliet].requests) {
                let full = stage.users[juliet].full.clone();
                let answer = stage.server.answer(&full, &request).unwrap();
                let answer = omemo::client::Answer::Stanza(&answer);
                let client = &mut stage.users[juliet].client;
                if client.answer(request.id, answer, now).is_err() {
                    failed += 1;
                    client.answer(request.id, answer, now).unwrap();
                }
            }
            while stage.act(juliet) {}
        }
        stage.users[juliet].holds_requests = false;
        let used = store.calls() - ready;
        stage.settle();
        assert_eq!(stage.users[0].bodies(), ["1"], "{nth}");
        let sent = &stage.users[juliet].encrypted[0];
        assert_eq!(body(&stage.users[0].read[0].stanza), "1");
        assert_eq!(sent.report.encrypted().count(), 1);
        match first {
            None => first = Some(ready),
            Some(_) if nth > used => break,
            Some(_) => {}
        }
    }
    assert!(failed > 10, "{failed}");
}
