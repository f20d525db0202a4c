//! What a message waits for, and what it costs: answers, deadlines, decisions, and a line for each
//! conversation.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod server;

use std::sync::Arc;
use std::time::Duration;

use omemo::account::{Gap, Refusal, Trust, TrustPolicy};
use omemo::client::{EncryptRequestError, Options, RefusalReason, Room};
use omemo::model::Version;
use omemo::store::MemoryStore;
use omemo::store::faults::{FaultPlan, Faulty};
use server::event;
use server::stage::{DAY, HOUR, JULIET, MINUTE, ROMEO, Stage, chat, jid, options, text};

const LEGACY_LIST: &str = "eu.siacs.conversations.axolotl.devicelist";

fn careful() -> Options {
    let mut careful = options();
    careful.account.trust = TrustPolicy::Manual;
    careful
}

/// Juliet, who is asked about each key, and Romeo.
fn asking() -> Stage {
    let mut stage = Stage::new();
    stage.add(&format!("{JULIET}/balcony"), careful());
    stage.add(&format!("{ROMEO}/orchard"), options());
    stage.befriend(0, 1);
    stage
}

fn with_options(change: impl Fn(&mut Options)) -> Stage {
    let mut stage = Stage::new();
    let mut juliet = options();
    change(&mut juliet);
    stage.add(&format!("{JULIET}/balcony"), juliet);
    stage.add(&format!("{ROMEO}/orchard"), options());
    stage.befriend(0, 1);
    stage
}

fn decide(stage: &mut Stage, user: usize, trust: Trust) {
    let (of, key) = (
        stage.users[user].jid(),
        stage.users[user].client.account().fingerprint(),
    );
    let now = stage.time();
    stage.users[0].client.decide(&of, &key, trust, now).unwrap();
    stage.settle();
}

fn bundles_fetched(stage: &Stage) -> usize {
    let seen = stage.server.seen.iter();
    seen.filter(|xml| xml.contains("bundles") && xml.contains("<items"))
        .count()
}

fn refusal(stage: &Stage) -> &Refusal {
    match &stage.users[0].refused.last().unwrap().reason {
        RefusalReason::Recipients(refusal) => refusal,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_stands_behind_a_cancelled_message_goes_on() {
    // It is asked about.
    let mut stage = asking();
    let first = stage.say(0, ROMEO, &text("1"));
    let second = stage.say(0, ROMEO, &text("2"));
    assert_eq!(stage.users[0].questions.len(), 1);
    stage.users[0].client.cancel(first);
    stage.settle();
    assert_eq!(stage.users[0].questions[1].ticket, second);
    // It goes out at once, if it has what it needs.
    let third = stage.say(0, ROMEO, &text("3"));
    let now = stage.time();
    stage.users[0].client.send_anyway(third, now).unwrap();
    stage.settle();
    assert!(
        stage.users[0].refused.is_empty(),
        "it stands behind another"
    );
    stage.users[0].client.cancel(second);
    stage.settle();
    assert_eq!(stage.users[0].refused[0].ticket, third);
    // One that stands in the middle lets nobody overtake.
    let mut stage = asking();
    let tickets = [1, 2, 3].map(|n| stage.say(0, ROMEO, &text(&n.to_string())));
    stage.users[0].client.cancel(tickets[1]);
    stage.settle();
    assert_eq!(stage.users[0].questions.len(), 1);
    decide(&mut stage, 1, Trust::Verified);
    assert_eq!(stage.users[1].bodies(), ["1", "3"]);
}

#[test]
fn a_decision_about_one_key_repeats_no_other_question() {
    let mut stage = Stage::new();
    stage.add(&format!("{JULIET}/balcony"), careful());
    let people = 10;
    for n in 0..people {
        let address = format!("romeo{n}@montague.example");
        let user = stage.add(&format!("{address}/x"), options());
        stage.befriend(0, user);
        stage.say(0, &address, &text("x"));
    }
    assert_eq!(stage.users[0].questions.len(), people);
    for n in 1..=people {
        decide(&mut stage, n, Trust::Verified);
        assert_eq!(stage.users[0].encrypted.len(), n);
        assert_eq!(stage.users[0].questions.len(), people);
    }
}

#[test]
fn a_question_is_asked_once_for_each_set_of_keys() {
    let mut stage = asking();
    stage.say(0, ROMEO, &text("x"));
    for _ in 0..5 {
        stage.wait(HOUR);
    }
    assert_eq!(stage.users[0].questions.len(), 1);
    // Another device comes: now there are two keys.
    stage.add(&format!("{ROMEO}/phone"), options());
    assert_eq!(stage.users[0].questions.len(), 2);
    assert_eq!(stage.users[0].questions[1].keys.len(), 2);
    // It goes again: what was asked about it needs no answer, and the first key is asked about.
    let first = stage.users[1].client.account().device();
    let list =
        format!("<list xmlns='eu.siacs.conversations.axolotl'><device id='{first}'/></list>");
    stage
        .server
        .publish(&jid(ROMEO), LEGACY_LIST, "current", &list);
    let list = format!("<devices xmlns='urn:xmpp:omemo:2'><device id='{first}'/></devices>");
    stage.users[2].is_online = false;
    stage
        .server
        .publish(&jid(ROMEO), "urn:xmpp:omemo:2:devices", "current", &list);
    stage.settle();
    decide(&mut stage, 1, Trust::Verified);
    assert_eq!(stage.users[1].bodies(), ["x"]);
}

/// Each bundle is 10 kB, and others use up its pre-keys: it is fetched for a key that nobody has seen, and again
/// when the message is about to go.
#[test]
fn no_bundles_are_fetched_while_the_user_thinks() {
    let mut stage = Stage::new();
    let mut usual = options();
    usual.account.trust_own = TrustPolicy::Manual;
    stage.add(&format!("{JULIET}/balcony"), usual);
    stage.add(&format!("{JULIET}/phone"), options());
    for n in 0..5 {
        stage.add(&format!("{ROMEO}/{n}"), options());
    }
    stage.befriend(0, 2);
    stage.say(0, ROMEO, &text("secret"));
    assert_eq!(stage.users[0].questions.len(), 1);
    let before = bundles_fetched(&stage);
    for _ in 0..48 {
        stage.wait(HOUR / 2);
    }
    assert_eq!(bundles_fetched(&stage), before);
    decide(&mut stage, 1, Trust::Verified);
    assert_eq!(bundles_fetched(&stage), before + 6);
    let report = &stage.users[0].encrypted[0].report;
    assert_eq!(report.encrypted().count(), 6);
    for user in 2..7 {
        assert_eq!(stage.users[user].bodies(), ["secret"]);
    }
}

#[test]
fn a_message_waits_for_answers_no_longer_than_it_may() {
    let patience = |options: &mut Options| options.patience = Duration::from_secs(10);
    let mut stage = with_options(patience);
    stage.add(&format!("{ROMEO}/phone"), options());
    let phone = stage.users[2].client.account().device();
    stage.server.silent_nodes = vec![format!("bundles:{phone}")];
    stage.say(0, ROMEO, &text("x"));
    assert!(stage.users[0].encrypted.is_empty());
    assert_eq!(
        stage.users[0].wake_at.unwrap().as_millis(),
        stage.now + 10_000
    );
    stage.wait(9_999);
    assert!(stage.users[0].encrypted.is_empty());
    stage.wait(1);
    let report = &stage.users[0].encrypted[0].report;
    assert_eq!(report.skipped().next().unwrap().0.device, phone);
    assert_eq!(stage.users[1].bodies(), ["x"]);
    // If nobody is known to write to, it is refused.
    let mut stage = with_options(patience);
    stage.server.silent_nodes = vec!["devices".to_owned(), "devicelist".to_owned()];
    stage.say(0, "nurse@capulet.example", &text("y"));
    stage.wait(10_000);
    assert_eq!(stage.users[0].refused.len(), 1);
}

/// What is waited for is what servers say. The time without a stream is not theirs.
#[test]
fn time_without_a_stream_does_not_count() {
    let mut stage = with_options(|options| options.patience = Duration::from_secs(10));
    stage.server.silent_nodes = vec!["bundles".to_owned()];
    stage.say(0, ROMEO, &text("x"));
    stage.wait(5_000);
    stage.disconnect(0);
    stage.wait(DAY);
    assert!(stage.users[0].refused.is_empty() && stage.users[0].encrypted.is_empty());
    stage.server.silent_nodes.clear();
    stage.connect(0);
    stage.settle();
    assert_eq!(stage.users[1].bodies(), ["x"]);
}

#[test]
fn the_user_has_all_the_time_that_the_application_gives_him() {
    let mut stage = asking();
    stage.say(0, ROMEO, &text("x"));
    for _ in 0..100 {
        stage.wait(DAY);
    }
    assert!(stage.users[0].refused.is_empty());
    decide(&mut stage, 1, Trust::Verified);
    assert_eq!(stage.users[1].bodies(), ["x"]);
    // A day, and not another one for each time that something happens.
    let mut stage = with_options(|options| {
        options.account.trust = TrustPolicy::Manual;
        options.decision_patience = Some(Duration::from_secs(24 * 60 * 60));
    });
    stage.say(0, ROMEO, &text("x"));
    for _ in 0..23 {
        stage.wait(HOUR);
    }
    assert!(stage.users[0].refused.is_empty());
    assert!(stage.users[0].wake_at.unwrap().as_millis() <= stage.now + HOUR);
    stage.wait(HOUR);
    assert!(matches!(refusal(&stage), Refusal::NobodyReached(..)));
}

/// A contact announces another device every half minute, and his server says nothing of its bundle.
#[test]
fn a_list_that_changes_all_the_time_holds_no_message_for_ever() {
    let mut stage = Stage::of_two();
    stage.say(0, ROMEO, &text("before"));
    let real = stage.users[1].client.account().device();
    stage.server.silent_nodes = vec!["bundles".to_owned()];
    let announce = |stage: &mut Stage, n: u64| {
        let list = format!(
            "<list xmlns='eu.siacs.conversations.axolotl'><device id='{real}'/><device id='{}'/></list>",
            1000 + n
        );
        let told = event(&jid(ROMEO), LEGACY_LIST, "current", &list);
        stage.receive(0, &told);
        stage.settle();
    };
    announce(&mut stage, 0);
    for round in 0..3 {
        stage.say(0, ROMEO, &text("is it urgent?"));
        let mut waited = 0;
        while stage.users[0].encrypted.len() < round + 2 {
            waited += 1;
            assert!(waited < 10, "it waits for {waited} half minutes");
            stage.wait(MINUTE / 2);
            announce(&mut stage, 100 * round as u64 + waited);
        }
    }
}

/// 16,000 messages wait. What comes next costs what it would cost if there were none.
#[test]
fn what_waits_costs_nothing() {
    const MANY: usize = 16_000;
    let work = |waiting: usize, is_one_conversation: bool| {
        let store = Arc::new(Faulty::new(MemoryStore::new(), FaultPlan::none()));
        let mut stage = Stage::new();
        stage.add_with(&format!("{JULIET}/balcony"), careful(), store.clone());
        stage.add(&format!("{ROMEO}/orchard"), options());
        stage.befriend(0, 1);
        let sealed = stage.seal(1, JULIET, &text("hello"));
        // All of them wait for bundles.
        stage.users[0].holds_requests = true;
        let now = stage.time();
        let before = store.calls();
        for n in 0..waiting {
            let to = match is_one_conversation {
                true => ROMEO.to_owned(),
                false => format!("romeo{n}@montague.example"),
            };
            let client = &mut stage.users[0].client;
            client
                .encrypt(&chat(&to, &text("x")), &[jid(&to)], now)
                .unwrap();
        }
        stage.settle();
        let given = store.calls() - before;
        let before = store.calls();
        stage.receive(0, &sealed);
        stage.settle();
        assert_eq!(stage.users[0].bodies(), ["hello"]);
        (given, store.calls() - before)
    };
    let (one, heard) = work(1, true);
    let (few, heard_behind_few) = work(101, true);
    let (many, heard_behind_many) = work(MANY, true);
    assert_eq!((heard, heard), (heard_behind_few, heard_behind_many));
    let each = (few - one).div_ceil(100);
    assert!(many <= one + each * MANY as u64, "{one} {few} {many}");
    let (some, heard_beside_some) = work(50, false);
    let (more, heard_beside_more) = work(200, false);
    assert_eq!(heard_beside_some, heard_beside_more);
    assert!(more < 5 * some, "{some} {more}");
}

/// When the answer comes, all of them go: the work for each does not depend on how many there are.
#[test]
fn the_work_of_a_long_line_is_linear() {
    let work = |waiting: usize| {
        let store = Arc::new(Faulty::new(MemoryStore::new(), FaultPlan::none()));
        let mut stage = Stage::new();
        stage.add_with(&format!("{JULIET}/balcony"), careful(), store.clone());
        stage.add(&format!("{ROMEO}/orchard"), options());
        stage.befriend(0, 1);
        stage.users[0].holds_messages = true;
        for _ in 0..waiting {
            stage.give(0, ROMEO, &text("x"));
        }
        stage.settle();
        let before = store.calls();
        decide(&mut stage, 1, Trust::Verified);
        assert_eq!(stage.users[0].encrypted.len(), waiting);
        store.calls() - before
    };
    let (some, more) = (work(20), work(80));
    assert!(more < 5 * some, "{some} {more}");
}

/// A stanza that comes while a message to a large room waits is not paid for by each member.
#[test]
fn a_room_that_is_waited_for_costs_nothing_to_others() {
    let work = |members: usize| {
        let store = Arc::new(Faulty::new(MemoryStore::new(), FaultPlan::none()));
        let mut stage = Stage::new();
        stage.add_with(&format!("{JULIET}/balcony"), options(), store.clone());
        stage.add(&format!("{ROMEO}/orchard"), options());
        stage.befriend(0, 1);
        let sealed = stage.seal(1, JULIET, &text("hello"));
        let members = (0..members).map(|member| jid(&format!("m{member}@verona.example")));
        let room = Room {
            members: members.collect(),
            ..Room::default()
        };
        let (now, garden) = (stage.time(), jid("garden@rooms.example"));
        stage.users[0].client.set_room(&garden, room, now).unwrap();
        stage.users[0].holds_requests = true;
        let said = format!(
            "<message to='{garden}' type='groupchat'>{}</message>",
            text("x")
        );
        stage.users[0]
            .client
            .encrypt(&said, &[garden], now)
            .unwrap();
        stage.settle();
        let before = store.calls();
        stage.receive(0, &sealed);
        stage.settle();
        assert_eq!(stage.users[0].bodies(), ["hello"]);
        store.calls() - before
    };
    assert_eq!(work(10), work(300));
}

#[test]
fn keys_can_be_learnt_before_there_is_a_message() {
    let mut stage = asking();
    let now = stage.time();
    let romeo = jid(ROMEO);
    let client = &mut stage.users[0].client;
    let ticket = client.prepare(std::slice::from_ref(&romeo), now).unwrap();
    stage.settle();
    let prepared = &stage.users[0].prepared[0];
    let key = stage.users[1].client.account().fingerprint();
    assert_eq!(prepared.ticket, ticket);
    assert_eq!(prepared.keys.len(), 1);
    assert_eq!(
        (&prepared.keys[0].jid, prepared.keys[0].fingerprint),
        (&romeo, key)
    );
    assert!(stage.users[0].questions.is_empty() && stage.users[0].encrypted.is_empty());
    decide(&mut stage, 1, Trust::Verified);
    // What was fetched is there for the message.
    let before = bundles_fetched(&stage);
    stage.say(0, ROMEO, &text("x"));
    assert_eq!(bundles_fetched(&stage), before);
    assert_eq!(stage.users[1].bodies(), ["x"]);
    // It does not wait for ever, nor behind messages; somebody without devices has no keys.
    stage.server.silent_nodes = vec!["devices".to_owned(), "devicelist".to_owned()];
    let now = stage.time();
    let nurse = jid("nurse@capulet.example");
    stage.users[0].client.prepare(&[nurse], now).unwrap();
    stage.settle();
    assert_eq!(stage.users[0].prepared.len(), 1);
    for _ in 0..3 {
        stage.wait(MINUTE);
    }
    assert_eq!(stage.users[0].prepared.len(), 2);
    assert!(stage.users[0].prepared[1].keys.is_empty());
    let error = stage.users[0].client.prepare(&[], now).unwrap_err();
    assert_eq!(error, EncryptRequestError::NoRecipients);
}

#[test]
fn a_note_to_oneself_says_what_is_the_case() {
    let mut stage = Stage::new();
    stage.add(&format!("{JULIET}/balcony"), options());
    stage.say(0, JULIET, &text("note"));
    assert_eq!(*refusal(&stage), Refusal::NoOtherDevice);
    let phone = stage.add(&format!("{JULIET}/phone"), options());
    stage.say(0, JULIET, &text("note"));
    assert_eq!(stage.users[phone].bodies(), ["note"]);
}

#[test]
fn what_legacy_cannot_carry_is_named() {
    let reaction =
        "<reactions xmlns='urn:xmpp:reactions:0' id='x'><reaction>!</reaction></reactions>";
    let reply = "<reply xmlns='urn:xmpp:reply:0' id='x'/>";
    let second = "<body xml:lang='it'>ciao</body>";
    for version in Version::ALL {
        let mut stage = with_options(|options| *options = server::stage::only(version));
        stage.say(0, ROMEO, reaction);
        stage.say(0, ROMEO, &format!("{}{second}{reply}", text("hello")));
        let is_legacy = version == Version::Legacy;
        let user = &stage.users[0];
        assert_eq!(user.refused.len(), usize::from(is_legacy));
        if let Some(refused) = user.refused.first() {
            assert_eq!(refused.left_out[0].name, "reactions");
        }
        let names: Vec<_> = user.encrypted.last().unwrap().left_out.iter().collect();
        assert_eq!(names.is_empty(), !is_legacy);
        for name in ["body", "reply"] {
            let is_named = names.iter().any(|left| left.name == name);
            assert_eq!(is_named, is_legacy, "{name}");
        }
    }
}

/// Servers end the stream of who sends a stanza that is too large: nobody could be written to any more.
#[test]
fn a_contact_with_a_thousand_devices_does_not_make_messages_too_large() {
    for version in Version::ALL {
        let mut stage = Stage::new();
        stage.add(&format!("{JULIET}/balcony"), server::stage::only(version));
        stage.add(&format!("{ROMEO}/orchard"), server::stage::only(version));
        stage.befriend(0, 1);
        let (romeo, real) = (jid(ROMEO), stage.users[1].client.account().device());
        let legacy = |id: &str| format!("eu.siacs.conversations.axolotl.bundles:{id}");
        let node = |id: &str| match version {
            Version::Legacy => (legacy(id), "current".to_owned()),
            Version::Omemo2 => ("urn:xmpp:omemo:2:bundles".to_owned(), id.to_owned()),
        };
        let bundle = stage.server.items(&romeo, &node(&real.to_string()).0)[0].clone();
        stage.server.tells_nobody = true;
        let mut devices = String::new();
        for id in 1..=1000 {
            let (node, item) = node(&id.to_string());
            stage.server.publish(&romeo, &node, &item, &bundle);
            devices.push_str(&format!("<device id='{id}'/>"));
        }
        let (list, xml) = match version {
            Version::Legacy => (
                LEGACY_LIST,
                format!("<list xmlns='eu.siacs.conversations.axolotl'>{devices}</list>"),
            ),
            Version::Omemo2 => (
                "urn:xmpp:omemo:2:devices",
                format!("<devices xmlns='urn:xmpp:omemo:2'>{devices}</devices>"),
            ),
        };
        stage.server.tells_nobody = false;
        stage.server.publish(&romeo, list, "current", &xml);
        stage.receive(0, &event(&romeo, list, "current", &xml));
        stage.settle();
        stage.users[0].holds_messages = true;
        let sizes = [
            (None, 256 << 10),
            (Some(64 << 10), 64 << 10),
            (Some(1 << 20), 256 << 10),
        ];
        for (announced, limit) in sizes {
            stage.users[0].client.set_stanza_limit(announced);
            stage.say(0, ROMEO, &text("x"));
            let sent = stage.users[0].encrypted.last().unwrap();
            let size = sent.stanza.len();
            assert!(
                size < limit && size > limit / 2,
                "{version:?}: {size} of {limit}"
            );
            let gaps = sent.report.skipped();
            let too_many = gaps.filter(|(_, gap)| *gap == Gap::TooManyDevices);
            assert!(too_many.count() > 0);
        }
        // A text that is too long for anybody is refused.
        stage.say(0, ROMEO, &text(&"x".repeat(300_000)));
        assert!(matches!(refusal(&stage), Refusal::TooLarge(_)));
    }
}
