//! How fresh device lists and bundles are, and what happens while nobody can say what is in them.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod server;

use std::sync::Arc;

use omemo::account::{Fate, Gap, LookupError, Refusal, Report};
use omemo::client::{Notice, RefusalReason};
use omemo::model::Version;
use omemo::store::{MemoryStore, Scope, Store};
use server::event;
use server::publishing::LISTS;
use server::stage::{HOUR, JULIET, MINUTE, ROMEO, Stage, jid, only, options, text};

/// Juliet knows Romeo's address, and nobody has told her of his devices. Her user comes first.
fn of_strangers() -> Stage {
    let mut stage = Stage::new();
    stage.add(&format!("{JULIET}/balcony"), options());
    stage.server.tells_nobody = true;
    stage.add(&format!("{ROMEO}/orchard"), options());
    stage.server.tells_nobody = false;
    stage
}

fn refusal(stage: &Stage) -> &Refusal {
    match &stage.users[0].refused.last().unwrap().reason {
        RefusalReason::Recipients(refusal) => refusal,
        other => panic!("{other:?}"),
    }
}

fn last_report(stage: &Stage) -> &Report {
    &stage.users[0].encrypted.last().unwrap().report
}

/// How many requests went out since then.
fn requests(stage: &Stage, since: usize) -> usize {
    let seen = stage.server.seen[since..].iter();
    seen.filter(|xml| xml.starts_with("<iq")).count()
}

/// Seconds until a message of Juliet's to Romeo has gone out, or was refused.
fn seconds_for(stage: &mut Stage, body: &str) -> u64 {
    let start = stage.now;
    let done = |stage: &Stage| stage.users[0].encrypted.len() + stage.users[0].refused.len();
    let before = done(stage);
    stage.say(0, ROMEO, &text(body));
    while done(stage) == before {
        stage.wait(1000);
    }
    (stage.now - start) / 1000
}

fn asks_romeo(xml: &str) -> bool {
    xml.contains("to='romeo")
}

/// Each condition with which a server says that it cannot tell: nobody claims that there are no devices.
#[test]
fn a_server_that_cannot_tell_is_not_taken_for_an_account_without_devices() {
    type Rule = fn(&str) -> Option<&'static str>;
    let rules: [(Rule, LookupError); 7] = [
        (
            |xml| asks_romeo(xml).then_some("remote-server-timeout"),
            LookupError::ServerTimeout,
        ),
        (
            |xml| asks_romeo(xml).then_some("remote-server-not-found"),
            LookupError::ServerNotFound,
        ),
        (
            |xml| asks_romeo(xml).then_some("internal-server-error"),
            LookupError::ServerError,
        ),
        (
            |xml| asks_romeo(xml).then_some("resource-constraint"),
            LookupError::ServerError,
        ),
        (
            |xml| asks_romeo(xml).then_some("undefined-condition"),
            LookupError::ServerError,
        ),
        (
            |xml| asks_romeo(xml).then_some("service-unavailable"),
            LookupError::Refused,
        ),
        (
            |xml| asks_romeo(xml).then_some("policy-violation"),
            LookupError::Refused,
        ),
    ];
    for (rule, expected) in rules {
        let mut stage = of_strangers();
        stage.server.rule = Some(rule);
        stage.say(0, ROMEO, &text("one"));
        let Refusal::Unreachable(who, error, report) = refusal(&stage) else {
            panic!("{:?}", refusal(&stage));
        };
        assert_eq!((who, *error), (&jid(ROMEO), expected));
        assert_eq!(report.lists.len(), 2);
        assert!(report.lists.iter().all(|list| !list.is_known));
        // The user gives the message again, and the server is there.
        stage.server.rule = None;
        stage.say(0, ROMEO, &text("one"));
        assert_eq!(stage.users[1].bodies(), ["one"]);
        assert_eq!(last_report(&stage).lists, []);
    }
}

/// What servers say of a node that does not exist is an answer: there are no devices.
#[test]
fn a_node_that_does_not_exist_is_an_empty_list() {
    type Rule = fn(&str) -> Option<&'static str>;
    let rules: [Rule; 3] = [
        |xml| asks_romeo(xml).then_some("item-not-found"),
        |xml| asks_romeo(xml).then_some("forbidden"),
        |xml| asks_romeo(xml).then_some("not-authorized"),
    ];
    for rule in rules {
        let mut stage = of_strangers();
        stage.server.rule = Some(rule);
        stage.say(0, ROMEO, &text("one"));
        assert!(matches!(refusal(&stage), Refusal::NoDevices(..)));
    }
}

/// The list that is known is used while it cannot be refreshed. The report says so, until it can.
#[test]
fn a_list_that_cannot_be_refreshed_is_used_and_reported() {
    let mut stage = Stage::of_two();
    stage.say(0, ROMEO, &text("1"));
    stage.wait(2 * HOUR);
    stage.server.rule = Some(|xml| asks_romeo(xml).then_some("remote-server-timeout"));
    stage.say(0, ROMEO, &text("2"));
    let lists = &last_report(&stage).lists;
    let romeo = jid(ROMEO);
    assert_eq!(lists.len(), 2);
    for list in lists {
        assert!(list.is_known && list.jid == romeo);
        assert_eq!(list.error, LookupError::ServerTimeout);
    }
    stage.server.rule = None;
    stage.wait(5 * MINUTE);
    stage.say(0, ROMEO, &text("3"));
    stage.say(0, ROMEO, &text("4"));
    assert_eq!(last_report(&stage).lists, []);
    assert_eq!(stage.users[1].bodies(), ["1", "2", "3", "4"]);
}

/// "Forbidden" means nothing where a list was seen before.
#[test]
fn a_server_that_forbids_a_list_that_was_seen_takes_nobody_off_it() {
    let mut stage = Stage::of_two();
    stage.say(0, ROMEO, &text("1"));
    stage.wait(2 * HOUR);
    stage.server.rule = Some(|xml| asks_romeo(xml).then_some("forbidden"));
    stage.say(0, ROMEO, &text("2"));
    assert_eq!(last_report(&stage).lists[0].error, LookupError::Refused);
    assert_eq!(stage.users[1].bodies(), ["1", "2"]);
}

/// Juliet writes before Romeo has logged in for the first time, and again just after it. Nobody tells her
/// that he has. Her client may have been started again.
#[test]
fn somebody_who_logs_in_for_the_first_time_is_found_at_once() {
    for (restarts, waits) in [(false, 0), (true, 0), (false, MINUTE), (true, 2 * MINUTE)] {
        let mut stage = Stage::new();
        stage.add(&format!("{JULIET}/balcony"), options());
        let now = stage.time();
        let juliet = &mut stage.users[0].client;
        juliet.set_contact(&jid(ROMEO), true, false, now).unwrap();
        stage.say(0, ROMEO, &text("1"));
        assert!(matches!(refusal(&stage), Refusal::NoDevices(..)));
        stage.server.tells_nobody = true;
        stage.add(&format!("{ROMEO}/orchard"), options());
        stage.wait(waits);
        if restarts {
            stage.crash(0);
            stage.connect(0);
            stage.settle();
        }
        stage.say(0, ROMEO, &text("2"));
        assert_eq!(stage.users[1].bodies(), ["2"], "{restarts} {waits}");
    }
}

/// A notification of a new device, and of one that was taken off, is lost. On the same stream the list is
/// asked for again when it is old; on a new one before the first message.
#[test]
fn a_lost_notification_is_made_up_for() {
    for is_subscribed in [false, true] {
        for reconnects in [false, true] {
            let mut stage = Stage::of_two();
            let now = stage.time();
            let juliet = &mut stage.users[0].client;
            juliet
                .set_contact(&jid(ROMEO), true, is_subscribed, now)
                .unwrap();
            let tablet = stage.add(&format!("{ROMEO}/tablet"), options());
            stage.say(0, ROMEO, &text("1"));
            stage.server.tells_nobody = true;
            // The tablet is stolen, and Romeo has a phone in its place.
            stage.disconnect(tablet);
            let stolen = stage.users[tablet].client.account().device();
            let now = stage.time();
            let romeo = &mut stage.users[1].client;
            romeo.remove_own_devices(&[stolen], now).unwrap();
            stage.settle();
            let phone = stage.add(&format!("{ROMEO}/phone"), options());
            if reconnects {
                stage.disconnect(0);
                stage.connect(0);
                stage.settle();
            } else {
                stage.wait(HOUR);
            }
            stage.say(0, ROMEO, &text("2"));
            assert_eq!(stage.users[phone].bodies(), ["2"]);
            let report = last_report(&stage);
            assert!(report.encrypted().all(|device| device.device != stolen));
        }
    }
}

/// What was pushed or answered on a stream is fresh on it, and on the same stream resumed (XEP-0198).
#[test]
fn a_resumed_stream_is_the_same_stream() {
    for resumes in [true, false] {
        let mut stage = Stage::of_two();
        stage.say(0, ROMEO, &text("1"));
        stage.disconnect(0);
        let since = stage.server.seen.len();
        if resumes {
            stage.resume(0);
        } else {
            stage.connect(0);
        }
        stage.settle();
        stage.say(0, ROMEO, &text("2"));
        let asked = stage.server.seen[since..].iter();
        let asked = asked.filter(|xml| xml.starts_with("<iq") && asks_romeo(xml));
        assert_eq!(asked.count(), if resumes { 0 } else { 2 });
        assert_eq!(requests(&stage, since), if resumes { 0 } else { 6 });
        assert!(stage.users[0].client.is_published().unwrap());
        assert_eq!(stage.users[1].bodies(), ["1", "2"]);
    }
}

/// The stream breaks, and is resumed, while the device announces itself and a message waits.
#[test]
fn what_was_asked_before_a_resumption_is_asked_again() {
    let mut stage = Stage::new();
    stage.add(&format!("{ROMEO}/orchard"), options());
    let store = Arc::new(MemoryStore::new());
    let juliet = stage.add_offline(&format!("{JULIET}/balcony"), options(), store);
    stage.users[juliet].holds_requests = true;
    stage.connect(juliet);
    stage.give(juliet, ROMEO, &text("1"));
    for _ in 0..4 {
        while stage.act(juliet) {}
        stage.disconnect(juliet);
        stage.resume(juliet);
    }
    stage.users[juliet].holds_requests = false;
    stage.answer_held(juliet);
    stage.settle();
    assert!(stage.users[juliet].client.is_published().unwrap());
    assert_eq!(stage.users[0].bodies(), ["1"]);
}

/// Logging in brings the lists of all contacts as they were: nothing is written, and nobody is asked, not
/// even days later.
#[test]
fn a_login_with_a_thousand_contacts_writes_nothing() {
    let store = Arc::new(MemoryStore::new());
    let mut stage = Stage::new();
    stage.add_with(&format!("{JULIET}/balcony"), options(), store.clone());
    let own = stage.users[0].jid();
    let contacts: Vec<_> = (0..1000)
        .map(|n| jid(&format!("contact{n}@verona.example")))
        .collect();
    let tell = |stage: &mut Stage| {
        for contact in &contacts {
            let now = stage.time();
            let client = &mut stage.users[0].client;
            client.set_contact(contact, true, true, now).unwrap();
            let client = stage.users[0].client.account();
            client.set_accepted(contact, true, now).unwrap();
            for (node, name) in LISTS.iter().zip(["list", "devices"]) {
                let namespace = node
                    .trim_end_matches(".devicelist")
                    .trim_end_matches(":devices");
                let list = format!("<{name} xmlns='{namespace}'><device id='7'/></{name}>");
                stage.receive(0, &event(contact, node, "current", &list));
            }
        }
        for node in LISTS {
            let list = stage.server.items(&own, node).remove(0);
            stage.receive(0, &event(&own, node, "current", &list));
        }
        stage.settle();
    };
    tell(&mut stage);
    for _ in 0..2 {
        stage.now += 30 * HOUR;
        stage.disconnect(0);
        stage.connect(0);
        stage.settle();
        let (before, since) = (
            store.generation(&Scope::new(JULIET)).unwrap(),
            stage.server.seen.len(),
        );
        tell(&mut stage);
        assert_eq!(store.generation(&Scope::new(JULIET)).unwrap(), before);
        assert_eq!(requests(&stage, since), 0);
    }
}

/// Bundles that are known already, and decisions that are made already, are no reason to write either.
#[test]
fn a_message_that_waits_for_the_user_writes_nothing_more() {
    let store = Arc::new(MemoryStore::new());
    let mut stage = Stage::new();
    let mut careful = options();
    careful.account.trust = omemo::account::TrustPolicy::Manual;
    stage.add_with(&format!("{JULIET}/balcony"), careful, store.clone());
    stage.add(&format!("{ROMEO}/orchard"), options());
    stage.befriend(0, 1);
    stage.say(0, ROMEO, &text("1"));
    assert_eq!(stage.users[0].questions.len(), 1);
    let before = store.generation(&Scope::new(JULIET)).unwrap();
    for _ in 0..10 {
        stage.wait(MINUTE);
    }
    assert_eq!(store.generation(&Scope::new(JULIET)).unwrap(), before);
}

/// One device of Romeo's is on a server that says nothing: the first message waits for it, the next ones do
/// not, and it gets keys when it is back.
#[test]
fn a_silent_bundle_costs_one_message_its_timeout() {
    let mut stage = Stage::of_two();
    let phone = stage.add(&format!("{ROMEO}/phone"), options());
    let id = stage.users[phone].client.account().device();
    stage.server.silent_nodes = vec![format!("bundles:{id}")];
    let mut waited = Vec::new();
    for n in 0..20 {
        waited.push(seconds_for(&mut stage, &n.to_string()));
        let gaps: Vec<_> = last_report(&stage).skipped().map(|(_, gap)| gap).collect();
        assert_eq!(gaps, [Gap::Unreachable(LookupError::NoAnswer)]);
        stage.wait(10 * MINUTE);
    }
    assert_eq!(waited[0], 60);
    assert!(
        waited[1..].iter().all(|seconds| *seconds == 0),
        "{waited:?}"
    );
    stage.server.silent_nodes.clear();
    stage.wait(HOUR);
    stage.say(0, ROMEO, &text("again"));
    stage.say(0, ROMEO, &text("here"));
    assert_eq!(stage.users[phone].bodies(), ["here"]);
}

/// The same for a contact whose server does not say who is on his list, and after a restart in a pause.
#[test]
fn a_silent_list_costs_one_message_its_timeout() {
    for restarts in [false, true] {
        let mut stage = Stage::of_two();
        stage.say(0, ROMEO, &text("x"));
        stage.server.silent_nodes = vec!["devices".to_owned(), "devicelist".to_owned()];
        stage.wait(2 * HOUR);
        let mut waited = vec![seconds_for(&mut stage, "0")];
        if restarts {
            stage.server.silent_nodes.clear();
            stage.crash(0);
            stage.connect(0);
            stage.settle();
            stage.server.silent_nodes = vec!["devices".to_owned(), "devicelist".to_owned()];
        }
        for n in 1..10 {
            waited.push(seconds_for(&mut stage, &n.to_string()));
            assert!(!last_report(&stage).lists.is_empty());
            stage.wait(6 * MINUTE);
        }
        assert_eq!(waited[0], 60);
        assert!(
            waited[1..].iter().all(|seconds| *seconds == 0),
            "{waited:?}"
        );
        assert_eq!(stage.users[1].bodies().len(), 11);
    }
}

/// Nobody hammers a server that fails: what is asked for gets less with each failure, restarts or not.
#[test]
fn pauses_grow_across_restarts() {
    for restarts in [false, true] {
        let mut stage = Stage::of_two();
        stage.say(0, ROMEO, &text("x"));
        stage.wait(2 * HOUR);
        stage.server.rule = Some(|xml| asks_romeo(xml).then_some("remote-server-timeout"));
        let mut times = Vec::new();
        let start = stage.now;
        for _ in 0..100 {
            if restarts {
                stage.crash(0);
                stage.connect(0);
                stage.settle();
            }
            let since = stage.server.seen.len();
            stage.say(0, ROMEO, &text("y"));
            let mut seen = stage.server.seen[since..].iter();
            if seen.any(|xml| xml.starts_with("<iq") && asks_romeo(xml)) {
                times.push((stage.now - start) / MINUTE);
            }
            stage.wait(MINUTE);
        }
        assert_eq!(times, [0, 5, 15, 35, 75], "{restarts}");
        // One answer, and everything is as new.
        stage.server.rule = None;
        stage.wait(HOUR);
        stage.say(0, ROMEO, &text("z"));
        let account = stage.users[0].client.account();
        for version in Version::ALL {
            let failed = account.failed_list_lookup(&jid(ROMEO), version).unwrap();
            assert_eq!(failed, None);
        }
    }
}

/// A contact announces another device every half minute, and his server says nothing of its bundle: messages
/// go out all the same, and his server is not asked for each of them.
#[test]
fn a_list_that_changes_all_the_time_does_not_hold_messages_for_ever() {
    let mut stage = Stage::of_two();
    stage.say(0, ROMEO, &text("before"));
    let romeo = jid(ROMEO);
    let real = stage.users[1].client.account().device();
    stage.server.silent_nodes = vec!["bundles".to_owned()];
    let announce = |stage: &mut Stage, n: u64| {
        let list = format!(
            "<list xmlns='eu.siacs.conversations.axolotl'><device id='{real}'/>\
             <device id='{}'/></list>",
            1000 + n
        );
        stage.receive(0, &event(&romeo, LISTS[0], "current", &list));
        stage.settle();
    };
    announce(&mut stage, 0);
    let since = stage.server.seen.len();
    let start = stage.now;
    stage.say(0, ROMEO, &text("is it urgent?"));
    let mut sent_after = None;
    for n in 1..240 {
        stage.wait(MINUTE / 2);
        announce(&mut stage, n);
        if sent_after.is_none() && stage.users[0].encrypted.len() == 2 {
            sent_after = Some((stage.now - start) / MINUTE);
        }
    }
    let minutes = sent_after.unwrap_or(u64::MAX);
    assert!(minutes <= 5, "{minutes}");
    assert!(requests(&stage, since) <= 10);
    let gaps = last_report(&stage).skipped();
    assert!(gaps.count() == 1);
}

/// His server sends the list of before with the presence of a new device, and tells nobody that the device has
/// been put on it, as ejabberd does. The device writes, and is answered a moment later.
#[test]
fn a_list_that_was_pushed_a_moment_ago_is_old_when_another_device_writes() {
    let mut stage = Stage::of_two();
    stage.say(0, ROMEO, &text("before"));
    let romeo = jid(ROMEO);
    let before = LISTS.map(|node| stage.server.items(&romeo, node)[0].clone());
    stage.server.tells_nobody = true;
    let tower = stage.add(&format!("{ROMEO}/tower"), options());
    for (node, list) in LISTS.iter().zip(&before) {
        stage.receive(0, &event(&romeo, node, "current", list));
    }
    stage.settle();
    stage.say(tower, JULIET, &text("from the tower"));
    let since = stage.server.seen.len();
    stage.say(0, ROMEO, &text("to both of you"));
    let device = stage.users[tower].client.account().device();
    let report = last_report(&stage);
    assert!(
        report.encrypted().any(|reached| reached.device == device),
        "{report:?}"
    );
    // Whoever keeps writing from a device on no list does not make us ask each time.
    let gone = "<list xmlns='eu.siacs.conversations.axolotl'/>";
    stage.server.publish(&romeo, LISTS[0], "current", gone);
    let gone = "<devices xmlns='urn:xmpp:omemo:2'/>";
    stage.server.publish(&romeo, LISTS[1], "current", gone);
    for _ in 0..20 {
        stage.say(tower, JULIET, &text("still here"));
    }
    let seen = stage.server.seen[since..].iter();
    let asked = seen.filter(|xml| asks_romeo(xml) && xml.contains("<items node"));
    assert!(asked.count() <= 4);
}

/// The server stumbles when a new device asks who is on the account's own lists. It asks again, the user is
/// told meanwhile, and the device is announced in the end.
#[test]
fn an_own_list_that_answers_with_an_error_is_asked_for_again() {
    for condition in ["internal-server-error", "none"] {
        let mut stage = Stage::new();
        if condition == "none" {
            stage.server.silent_nodes = vec!["devicelist".to_owned(), "devices".to_owned()];
        } else {
            stage.server.rule =
                Some(|xml| xml.contains("<items").then_some("internal-server-error"));
        }
        stage.add(&format!("{JULIET}/balcony"), options());
        stage.wait(2 * MINUTE);
        let told: Vec<_> = stage.users[0].notices.iter().collect();
        assert_eq!(told.len(), 2, "one for each version: {told:?}");
        for notice in told {
            let Notice::NotPublished {
                node,
                condition: said,
            } = notice
            else {
                panic!("{notice:?}");
            };
            assert!(LISTS.contains(&node.as_str()));
            assert_eq!(said.as_deref().unwrap_or("none"), condition);
        }
        assert!(!stage.users[0].client.is_published().unwrap());
        stage.server.rule = None;
        stage.server.silent_nodes.clear();
        // It says when it wants to be woken.
        let at = stage.users[0].wake_at.unwrap().as_millis();
        assert!(at > stage.now && at <= stage.now + 10 * MINUTE);
        stage.wait(at - stage.now);
        assert!(stage.users[0].client.is_published().unwrap());
        let own = stage.users[0].jid();
        for node in LISTS {
            assert_eq!(stage.server.items(&own, node).len(), 1);
        }
    }
}

/// Nobody says which devices the account itself has: the sender is told in the report.
#[test]
fn own_devices_that_could_not_be_looked_up_are_in_the_report() {
    let mut stage = Stage::new();
    let phone = stage.add(&format!("{JULIET}/phone"), options());
    stage.add(&format!("{ROMEO}/orchard"), options());
    stage.server.tells_nobody = true;
    stage.server.rule = Some(|xml| {
        (xml.contains("<items") && !xml.contains(" to=")).then_some("internal-server-error")
    });
    let balcony = stage.add(&format!("{JULIET}/balcony"), options());
    stage.befriend(1, 2);
    stage.say(balcony, ROMEO, &text("x"));
    assert_eq!(stage.users[1].bodies(), ["x"]);
    assert!(stage.users[phone].read.is_empty());
    let report = &stage.users[balcony].encrypted[0].report;
    let own = jid(JULIET);
    assert_eq!(report.lists.len(), 2);
    for list in &report.lists {
        assert!(list.jid == own && !list.is_known);
        assert_eq!(list.error, LookupError::ServerError);
    }
    // When the server has come to itself, the phone reads again.
    stage.server.rule = None;
    stage.wait(5 * MINUTE);
    stage.say(balcony, ROMEO, &text("y"));
    assert_eq!(stage.users[phone].bodies(), ["y"]);
    assert_eq!(stage.users[balcony].encrypted[1].report.lists, []);
}

/// Another device of the account, which knows no others, publishes the list a dozen times within some
/// seconds. That is one removal, not twelve.
#[test]
fn a_burst_of_lists_is_one_reason_to_come_back() {
    let mut stage = Stage::new();
    stage.add(&format!("{JULIET}/balcony"), only(Version::Omemo2));
    let own = stage.users[0].jid();
    let gone = "<devices xmlns='urn:xmpp:omemo:2'><device id='7'/></devices>";
    for _ in 0..12 {
        stage.server.publish(&own, LISTS[1], "current", gone);
        stage.now += 500;
        stage.settle();
    }
    let id = stage.users[0].client.account().device();
    let at = stage.users[0].wake_at.unwrap().as_millis();
    assert!(at <= stage.now + 2 * MINUTE);
    stage.wait(at - stage.now);
    let list = &stage.server.items(&own, LISTS[1])[0];
    assert!(list.contains(&format!("'{id}'")) && list.contains("'7'"));
}

/// A device of the account whose key is trusted leaves the list and comes back. It is not a new one. One
/// whose key nobody has seen is.
#[test]
fn a_known_own_device_that_comes_back_is_not_a_new_one() {
    let mut stage = Stage::new();
    stage.add(&format!("{JULIET}/balcony"), only(Version::Omemo2));
    let phone = stage.add(&format!("{JULIET}/phone"), only(Version::Omemo2));
    stage.settle();
    stage.say(0, JULIET, &text("note to self"));
    let own = stage.users[0].jid();
    let key = stage.users[phone].client.account().fingerprint();
    let now = stage.time();
    let verified = omemo::account::Trust::Verified;
    let juliet = &mut stage.users[0].client;
    juliet.decide(&own, &key, verified, now).unwrap();
    let here = stage.users[0].client.account().device().get();
    let there = stage.users[phone].client.account().device().get();
    let list = |ids: &[u32]| {
        let ids = ids.iter().map(|id| format!("<device id='{id}'/>"));
        let ids: String = ids.collect();
        let list = format!("<devices xmlns='urn:xmpp:omemo:2'>{ids}</devices>");
        event(&own, LISTS[1], "current", &list)
    };
    stage.users[0].notices.clear();
    for _ in 0..5 {
        stage.receive(0, &list(&[here]));
        stage.receive(0, &list(&[here, there]));
    }
    stage.settle();
    assert_eq!(stage.users[0].notices, []);
    stage.receive(0, &list(&[here, there, 7]));
    stage.settle();
    assert_eq!(stage.users[0].notices.len(), 1);
}

/// Some servers answer from the account's full address, or with an empty one.
#[test]
fn answers_from_the_own_full_address_are_taken() {
    let full = format!("{JULIET}/balcony");
    for (from, to, is_taken) in [
        (full.as_str(), None, true),
        (full.as_str(), Some(full.as_str()), true),
        ("", None, true),
        (JULIET, Some(full.as_str()), true),
        ("capulet.example", None, true),
        // Another client of the account, a stranger, and who only looks like us.
        ("juliet@capulet.example/tomb", Some(full.as_str()), false),
        ("mallory@verona.example/balcony", None, false),
        ("juliet@capulet.example.verona.example/balcony", None, false),
    ] {
        let mut stage = Stage::new();
        let to = to.map(|to| format!(" to='{to}'")).unwrap_or_default();
        stage.server.answers_with = Some(format!("from='{from}'{to}"));
        stage.add(&full, options());
        let is_published = stage.users[0].client.is_published().unwrap();
        assert_eq!(is_published, is_taken, "{from} {to}");
    }
}

/// A device that has published no bundle is not asked for with each message, and is found when it has.
#[test]
fn a_bundle_that_is_absent_is_looked_for_less_and_less() {
    let mut stage = Stage::of_two();
    let phone = stage.add(&format!("{ROMEO}/phone"), only(Version::Legacy));
    let id = stage.users[phone].client.account().device();
    let node = format!("eu.siacs.conversations.axolotl.bundles:{id}");
    let bundle = stage.server.items(&jid(ROMEO), &node).remove(0);
    stage.server.forget(&jid(ROMEO), &node);
    let mut times = Vec::new();
    let start = stage.now;
    for _ in 0..20 {
        let since = stage.server.seen.len();
        stage.say(0, ROMEO, &text("x"));
        let asked = stage.server.seen[since..].iter();
        if asked.clone().any(|xml| xml.contains(&node)) {
            times.push((stage.now - start) / 1000);
        }
        let device = last_report(&stage).devices.iter().find(|d| d.device == id);
        assert_eq!(device.unwrap().fate, Fate::Skipped(Gap::NoBundle));
        stage.wait(MINUTE / 2);
    }
    assert_eq!(times, [0, 30, 90, 210, 450]);
    stage.server.publish(&jid(ROMEO), &node, "current", &bundle);
    stage.wait(10 * MINUTE);
    stage.say(0, ROMEO, &text("y"));
    assert_eq!(stage.users[phone].bodies(), ["y"]);
}
