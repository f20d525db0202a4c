//! Messages to rooms whose members come and go while they wait, and members who can get nothing.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod server;

use std::time::Duration;

use omemo::account::{Absence, ConversationState, LeftOut, Refusal, Trust, TrustPolicy};
use omemo::client::{EncryptRequestError, Notice, Options, RefusalReason, Room, Ticket};
use omemo::model::Version;
use server::stage::{DAY, JULIET, MINUTE, ROMEO, Stage, jid, only, options, text};
use server::with_from;

const GARDEN: &str = "garden@rooms.example";
const NURSE: &str = "nurse@capulet.example";
const TYBALT: &str = "tybalt@capulet.example";

const PEOPLE: [(&str, &str, &str); 4] = [
    (JULIET, "balcony", "J"),
    (ROMEO, "orchard", "R"),
    (NURSE, "house", "N"),
    (TYBALT, "street", "T"),
];

/// Juliet, Romeo, the nurse and Tybalt; the first three are in a room.
fn garden(juliet: Options) -> Stage {
    let mut stage = Stage::new();
    for (index, (address, resource, _)) in PEOPLE.into_iter().enumerate() {
        let options = if index == 0 {
            juliet.clone()
        } else {
            options()
        };
        stage.add(&format!("{address}/{resource}"), options);
    }
    // Tybalt may come later.
    enter(&mut stage, 3, &[JULIET, ROMEO, NURSE, TYBALT]);
    for user in 0..3 {
        enter(&mut stage, user, &[JULIET, ROMEO, NURSE]);
    }
    stage
}

fn enter(stage: &mut Stage, user: usize, members: &[&str]) {
    let there = PEOPLE.into_iter().filter(|(jid, ..)| members.contains(jid));
    let occupants: Vec<_> = there.map(|(of, _, nick)| (nick, jid(of))).collect();
    let on_server: Vec<_> = occupants.iter().map(|(nick, of)| (*nick, of)).collect();
    stage.server.make_room(&jid(GARDEN), &on_server);
    let room = Room {
        members: members.iter().map(|of| jid(of)).collect(),
        occupants: occupants
            .into_iter()
            .map(|(nick, of)| (nick.to_owned(), of))
            .collect(),
    };
    let now = stage.time();
    let client = &mut stage.users[user].client;
    client.set_room(&jid(GARDEN), room, now).unwrap();
    stage.settle();
}

fn say(stage: &mut Stage, body: &str) -> Ticket {
    let now = stage.time();
    let said = format!(
        "<message to='{GARDEN}' type='groupchat'>{}</message>",
        text(body)
    );
    let client = &mut stage.users[0].client;
    let ticket = client.encrypt(&said, &[jid(GARDEN)], now).unwrap();
    stage.settle();
    ticket
}

fn careful() -> Options {
    let mut careful = options();
    careful.account.trust = TrustPolicy::Manual;
    careful
}

fn decide(stage: &mut Stage, user: usize) {
    let (of, key) = (
        stage.users[user].jid(),
        stage.users[user].client.account().fingerprint(),
    );
    let now = stage.time();
    let client = &mut stage.users[0].client;
    client.decide(&of, &key, Trust::Verified, now).unwrap();
    stage.settle();
}

/// It is for those who are members when it goes out, whatever it has waited for.
#[test]
fn who_was_removed_gets_no_key_and_who_joined_gets_one() {
    for waits_for_bundles in [true, false] {
        let mut stage = garden(options());
        stage.users[0].holds_requests = waits_for_bundles;
        if !waits_for_bundles {
            stage.disconnect(0);
        }
        say(&mut stage, "not for the nurse");
        assert!(stage.users[0].encrypted.is_empty());
        enter(&mut stage, 0, &[JULIET, ROMEO, TYBALT]);
        stage.users[0].holds_requests = false;
        if waits_for_bundles {
            while !stage.users[0].requests.is_empty() {
                stage.answer_held(0);
            }
        } else {
            stage.now += DAY;
            stage.connect(0);
            stage.settle();
        }
        let report = &stage.users[0].encrypted[0].report;
        assert!(!report.reaches(&jid(NURSE)));
        assert!(report.left_out.is_empty());
        for user in [1, 3] {
            assert_eq!(stage.users[user].bodies(), ["not for the nurse"]);
        }
        assert!(stage.users[2].read.is_empty() && stage.users[2].undecryptable.is_empty());
    }
}

#[test]
fn nobody_gets_what_was_written_for_a_room_that_was_left() {
    let mut stage = garden(options());
    stage.users[0].holds_requests = true;
    say(&mut stage, "x");
    stage.users[0].client.leave_room(&jid(GARDEN));
    stage.settle();
    let reason = &stage.users[0].refused[0].reason;
    assert!(matches!(reason, RefusalReason::NotInRoom), "{reason:?}");
}

#[test]
fn a_question_about_somebody_who_has_left_disappears() {
    let mut stage = garden(careful());
    say(&mut stage, "x");
    decide(&mut stage, 1);
    assert!(stage.users[0].encrypted.is_empty(), "the nurse's key");
    enter(&mut stage, 0, &[JULIET, ROMEO]);
    assert_eq!(stage.users[1].bodies(), ["x"]);
    assert!(!stage.users[0].encrypted[0].report.reaches(&jid(NURSE)));
}

/// Else a server could add readers to a text that was written for others.
#[test]
fn who_joins_after_the_user_has_decided_gets_nothing() {
    for writes_to_joined in [false, true] {
        for sends_anyway in [false, true] {
            let mut juliet = careful();
            juliet.writes_to_joined = writes_to_joined;
            let mut stage = garden(juliet);
            // Tybalt is trusted; that is not the question.
            decide(&mut stage, 3);
            let ticket = say(&mut stage, "x");
            assert_eq!(stage.users[0].questions[0].keys.len(), 2);
            decide(&mut stage, 1);
            stage.users[0].holds_requests = true;
            if sends_anyway {
                // What it still needs does not come yet.
                stage.server.silent_nodes = vec!["nothing".to_owned()];
                stage.now += DAY;
                let now = stage.time();
                stage.users[0].client.send_anyway(ticket, now).unwrap();
                stage.settle();
                assert!(stage.users[0].encrypted.is_empty());
            }
            enter(&mut stage, 0, &[JULIET, ROMEO, NURSE, TYBALT]);
            stage.users[0].holds_requests = false;
            if !sends_anyway {
                decide(&mut stage, 2);
            }
            while !stage.users[0].requests.is_empty() {
                stage.answer_held(0);
            }
            let report = &stage.users[0].encrypted[0].report;
            assert!(report.reaches(&jid(ROMEO)));
            assert_eq!(report.reaches(&jid(NURSE)), !sends_anyway);
            assert_eq!(report.reaches(&jid(TYBALT)), writes_to_joined);
            let (tybalt, why) = (jid(TYBALT), Absence::Joined);
            let is_named = report.left_out.contains(&LeftOut { jid: tybalt, why });
            assert_eq!(is_named, !writes_to_joined);
            // The next message is for everybody.
            say(&mut stage, "y");
            if sends_anyway {
                decide(&mut stage, 2);
            }
            assert_eq!(stage.users[3].bodies().last().unwrap(), "y");
        }
    }
}

/// Before he has decided, the question is about those who are there.
#[test]
fn who_joins_before_the_user_has_decided_is_asked_about() {
    let mut stage = garden(careful());
    say(&mut stage, "x");
    assert_eq!(stage.users[0].questions[0].keys.len(), 2);
    enter(&mut stage, 0, &[JULIET, ROMEO, NURSE, TYBALT]);
    assert_eq!(stage.users[0].questions[1].keys.len(), 3);
    for user in 1..4 {
        decide(&mut stage, user);
    }
    for user in 1..4 {
        assert_eq!(stage.users[user].bodies(), ["x"]);
    }
}

/// The nurse has no keys, none that can be used, none that Juliet trusts, or a server that says nothing; or she
/// has ended encryption with Juliet. The others are written to.
#[test]
fn no_member_silences_a_room() {
    let nodes = ["urn:xmpp:omemo:2:devices", "urn:xmpp:omemo:2:bundles"];
    for how in [
        "empty list",
        "no bundle",
        "broken bundle",
        "distrusted",
        "dead server",
        "opted out",
    ] {
        let mut stage = garden(only(Version::Omemo2));
        let nurse = jid(NURSE);
        let id = stage.users[2].client.account().device().to_string();
        stage.disconnect(2);
        match how {
            "empty list" => {
                let none = "<devices xmlns='urn:xmpp:omemo:2'/>";
                stage.server.publish(&nurse, nodes[0], "current", none);
            }
            "no bundle" => stage.server.forget(&nurse, nodes[1]),
            "broken bundle" => {
                let broken = "<bundle xmlns='urn:xmpp:omemo:2'/>";
                stage.server.publish(&nurse, nodes[1], &id, broken);
            }
            "distrusted" => {
                let key = stage.users[2].client.account().fingerprint();
                let now = stage.time();
                let client = &mut stage.users[0].client;
                client.decide(&nurse, &key, Trust::Distrusted, now).unwrap();
            }
            "dead server" => {
                stage.server.rule = Some(|xml| {
                    (xml.contains("<items") && xml.contains(" to='nurse@"))
                        .then_some("remote-server-timeout")
                });
            }
            _ => {
                let now = stage.time();
                let account = stage.users[0].client.account();
                account.opt_out(&nurse, false, None, now).unwrap();
            }
        }
        stage.settle();
        say(&mut stage, "hello");
        assert_eq!(stage.users[1].bodies(), ["hello"], "{how}");
        let report = &stage.users[0].encrypted[0].report;
        assert_eq!(report.left_out.len(), 1, "{how}");
        assert_eq!(report.left_out[0].jid, nurse, "{how}");
        assert!(stage.users[0].refused.is_empty() && stage.users[0].questions.is_empty());
    }
}

/// A silent server costs a room one wait, and only as long as messages may wait.
#[test]
fn a_member_whose_server_is_silent_is_waited_for_once() {
    let mut juliet = options();
    juliet.patience = Duration::from_secs(20);
    let mut stage = garden(juliet);
    stage.disconnect(2);
    let id = stage.users[2].client.account().device();
    stage.server.silent_nodes = vec![format!("bundles:{id}")];
    say(&mut stage, "1");
    assert!(stage.users[1].bodies().is_empty());
    stage.wait(20_000);
    assert_eq!(stage.users[1].bodies(), ["1"]);
    stage.wait(MINUTE);
    say(&mut stage, "2");
    assert_eq!(stage.users[1].bodies(), ["1", "2"]);
}

/// It may have been said by whoever has her key: what she wants of Juliet is between the two.
#[test]
fn an_opt_out_of_one_member_concerns_him_alone() {
    let mut stage = garden(only(Version::Omemo2));
    stage.befriend(0, 2);
    stage.say(2, JULIET, &text("hello"));
    stage.say(2, JULIET, "<opt-out xmlns='urn:xmpp:omemo:2'/>");
    let mut notices = stage.users[0].notices.iter();
    assert!(notices.any(|notice| matches!(notice, Notice::OptedOut { .. })));
    say(&mut stage, "is anybody there?");
    assert_eq!(stage.users[1].bodies(), ["is anybody there?"]);
    let report = &stage.users[0].encrypted[0].report;
    let (jid, why) = (jid(NURSE), Absence::OptedOut);
    assert_eq!(report.left_out, [LeftOut { jid, why }]);
}

#[test]
fn a_room_does_not_make_a_private_conversation_an_encrypted_one() {
    let mut stage = garden(options());
    say(&mut stage, "to all");
    let said = format!(
        "<message to='{GARDEN}/R' type='chat'>{}</message>",
        text("to you")
    );
    let now = stage.time();
    let client = &mut stage.users[0].client;
    client.encrypt(&said, &[jid(GARDEN)], now).unwrap();
    stage.settle();
    assert_eq!(stage.users[1].bodies(), ["to all", "to you"]);
    let state = |stage: &Stage, user: usize, of: &str| {
        let account = stage.users[user].client.account();
        account.conversation_state(&jid(of)).unwrap()
    };
    // Nor do the empty messages with which first ones are answered.
    for (user, of) in [(0, ROMEO), (1, JULIET), (2, JULIET)] {
        assert_eq!(state(&stage, user, of), ConversationState::Plain);
    }
    stage.say(0, ROMEO, &text("alone"));
    for (user, of) in [(0, ROMEO), (1, JULIET)] {
        let state = state(&stage, user, of);
        assert!(matches!(state, ConversationState::Encrypted { .. }));
    }
}

/// A room of which nothing is known has no readers: a message to it is not one to an account of that address,
/// nor one for own devices alone.
#[test]
fn a_room_whose_members_are_not_known_is_not_written_to() {
    let mut stage = garden(options());
    stage.add(&format!("{JULIET}/phone"), options());
    let other = jid("other@rooms.example");
    let said = format!(
        "<message to='{other}' type='groupchat'>{}</message>",
        text("x")
    );
    let attempt = |stage: &mut Stage| {
        let now = stage.time();
        let client = &mut stage.users[0].client;
        client.encrypt(&said, std::slice::from_ref(&other), now)
    };
    assert_eq!(attempt(&mut stage), Err(EncryptRequestError::UnknownRoom));
    // Nobody has said yet who its members are.
    let occupants = [("R".to_owned(), jid(ROMEO)), ("J".to_owned(), jid(JULIET))];
    let mut room = Room {
        members: Vec::new(),
        occupants: occupants.into(),
    };
    let now = stage.time();
    stage.users[0]
        .client
        .set_room(&other, room.clone(), now)
        .unwrap();
    assert_eq!(attempt(&mut stage), Err(EncryptRequestError::NoRecipients));
    // Or Juliet is the only one.
    room.members = vec![jid(JULIET)];
    stage.users[0]
        .client
        .set_room(&other, room.clone(), now)
        .unwrap();
    attempt(&mut stage).unwrap();
    stage.settle();
    let RefusalReason::Recipients(refusal) = &stage.users[0].refused[0].reason else {
        panic!();
    };
    assert!(
        matches!(&**refusal, Refusal::NobodyInRoom(_)),
        "{refusal:?}"
    );
    // They leave while it waits.
    room.members.push(jid(ROMEO));
    stage.users[0]
        .client
        .set_room(&other, room.clone(), now)
        .unwrap();
    stage.users[0].holds_requests = true;
    attempt(&mut stage).unwrap();
    room.members.pop();
    stage.users[0].client.set_room(&other, room, now).unwrap();
    stage.settle();
    assert_eq!(stage.users[0].refused.len(), 2);
    assert!(stage.users[0].encrypted.is_empty());
}

/// The name of an occupant changes hands while a private message to him waits.
#[test]
fn a_private_message_is_for_who_had_the_name_when_it_was_written() {
    let mut stage = garden(options());
    stage.users[0].holds_requests = true;
    stage.users[0].holds_messages = true;
    let now = stage.time();
    let said = format!(
        "<message to='{GARDEN}/R' type='chat'>{}</message>",
        text("to Romeo")
    );
    let client = &mut stage.users[0].client;
    client.encrypt(&said, &[jid(GARDEN)], now).unwrap();
    let room = Room {
        members: [JULIET, ROMEO, NURSE].map(jid).into(),
        occupants: [("R".to_owned(), jid(NURSE))].into(),
    };
    client.set_room(&jid(GARDEN), room, now).unwrap();
    stage.settle();
    stage.users[0].holds_requests = false;
    while !stage.users[0].requests.is_empty() {
        stage.answer_held(0);
    }
    let report = &stage.users[0].encrypted[0].report;
    assert!(report.reaches(&jid(ROMEO)) && !report.reaches(&jid(NURSE)));
    // Under the name it reaches the nurse, who cannot read it.
    let sealed = with_from(&stage.users[0].encrypted[0].stanza, &format!("{GARDEN}/J"));
    stage.receive(2, &sealed);
    stage.settle();
    assert!(stage.users[2].read.is_empty());
}
