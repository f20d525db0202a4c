//! Rooms whose members are known.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod server;

use std::sync::Arc;

use omemo::account::{Absence, FailureReason, LeftOut, Refusal, RoomPolicy};
use omemo::client::{
    Disposition, EncryptRequestError, Origin, RefusalReason, Room, UndecryptableReason,
};
use omemo::model::{BareJid, Version};
use omemo::store::MemoryStore;
use omemo::store::faults::{FaultPlan, Faulty};
use server::stage::{HOUR, JULIET, MALLORY, MINUTE, ROMEO, Stage, jid, only, options, text};
use server::with_from;

const GARDEN: &str = "garden@rooms.example";
const NURSE: &str = "nurse@capulet.example";

/// Juliet, Romeo and the nurse, in a room; all speak one version, or all.
fn garden(version: Option<Version>) -> Stage {
    let mut stage = Stage::new();
    let options = || version.map_or_else(options, only);
    for full in [
        "juliet@capulet.example/balcony",
        "romeo@montague.example/orchard",
        "nurse@capulet.example/house",
    ] {
        stage.add(full, options());
    }
    let occupants = [("J", jid(JULIET)), ("R", jid(ROMEO)), ("N", jid(NURSE))];
    let on_server: Vec<_> = occupants.iter().map(|(nick, jid)| (*nick, jid)).collect();
    stage.server.make_room(&jid(GARDEN), &on_server);
    for user in 0..3 {
        enter(&mut stage, user, &occupants);
    }
    stage.settle();
    stage
}

fn enter(stage: &mut Stage, user: usize, occupants: &[(&str, BareJid)]) {
    let room = Room {
        members: [JULIET, ROMEO, NURSE].map(jid).into(),
        occupants: occupants
            .iter()
            .map(|(nick, jid)| ((*nick).to_owned(), jid.clone()))
            .collect(),
    };
    let now = stage.time();
    let client = &mut stage.users[user].client;
    client.set_room(&jid(GARDEN), room, now).unwrap();
}

fn say(stage: &mut Stage, from: usize, body: &str) {
    let now = stage.time();
    let said = format!(
        "<message to='{GARDEN}' type='groupchat' id='g'>{}</message>",
        text(body)
    );
    let client = &mut stage.users[from].client;
    client.encrypt(&said, &[jid(GARDEN)], now).unwrap();
    stage.settle();
}

#[test]
fn all_members_read_it_and_the_sender_has_its_text() {
    for version in [None, Some(Version::Legacy), Some(Version::Omemo2)] {
        let mut stage = garden(version);
        stage.add(
            "juliet@capulet.example/phone",
            version.map_or_else(options, only),
        );
        enter(
            &mut stage,
            3,
            &[("J", jid(JULIET)), ("R", jid(ROMEO)), ("N", jid(NURSE))],
        );
        stage.settle();
        say(&mut stage, 0, "to all");
        for user in [1, 2, 3] {
            assert_eq!(stage.users[user].bodies(), ["to all"], "{version:?} {user}");
            let read = &stage.users[user].read[0];
            assert_eq!(read.sender.jid, jid(JULIET));
            assert!(
                read.stanza.contains("from='garden@rooms.example/J'"),
                "{}",
                read.stanza
            );
            assert!(read.stanza.contains("type='groupchat'"));
        }
        assert!(stage.users[0].read.is_empty() && stage.users[0].undecryptable.is_empty());
        say(&mut stage, 1, "and back");
        assert_eq!(stage.users[0].bodies(), ["and back"]);
        assert!(!stage.was_seen("to all") && !stage.was_seen("and back"));
    }
}

#[test]
fn the_own_message_comes_back_as_a_reflection() {
    let mut stage = garden(None);
    stage.users[0].holds_messages = true;
    say(&mut stage, 0, "x");
    let sealed = stage.users[0].encrypted[0].stanza.clone();
    for nick in ["garden@rooms.example/J", "garden@rooms.example/unknown"] {
        let disposition = stage.receive(0, &with_from(&sealed, nick));
        assert_eq!(disposition, Disposition::OwnReflection);
    }
    stage.settle();
    assert!(stage.users[0].undecryptable.is_empty());
}

#[test]
fn members_who_are_away_are_written_to() {
    let mut stage = garden(None);
    stage.disconnect(2);
    let there = [("J", jid(JULIET)), ("R", jid(ROMEO))];
    enter(&mut stage, 0, &there);
    say(&mut stage, 0, "x");
    let report = &stage.users[0].encrypted[0].report;
    assert!(report.reaches(&jid(NURSE)) && report.reaches(&jid(ROMEO)));
    stage.connect(2);
    stage.settle();
    assert_eq!(stage.users[2].bodies(), ["x"]);
}

/// The writer has left, and nobody knows whose the name was: of the members, who has that device.
#[test]
fn the_sender_is_found_among_the_members() {
    for version in Version::ALL {
        let mut stage = garden(Some(version));
        // So that the lists of the members are known.
        for user in 0..3 {
            say(&mut stage, user, "hello");
        }
        stage.users[0].holds_messages = true;
        say(&mut stage, 0, "x");
        let sealed = stage.users[0].encrypted.last().unwrap().stanza.clone();
        enter(&mut stage, 1, &[]);
        stage.receive(1, &with_from(&sealed, "garden@rooms.example/gone"));
        stage.settle();
        let read = stage.users[1].read.last().unwrap();
        assert_eq!(
            (
                read.sender.jid.as_str(),
                stage.users[1].bodies().last().unwrap().as_str()
            ),
            (JULIET, "x")
        );
    }
}

/// Out of a room that nobody has told of, anything may be anybody's.
#[test]
fn a_message_of_an_unknown_room_is_nobodys() {
    let mut stage = garden(None);
    stage.users[0].holds_messages = true;
    say(&mut stage, 0, "x");
    let sealed = stage.users[0].encrypted[0].stanza.clone();
    for from in ["garden@rooms.example/J", "other@rooms.example/J", ROMEO] {
        stage.users[1].client.leave_room(&jid(GARDEN));
        stage.users[1].undecryptable.clear();
        assert_eq!(
            stage.receive(1, &with_from(&sealed, from)),
            Disposition::Pending
        );
        stage.settle();
        assert_eq!(stage.users[1].asked_members.last(), Some(&jid(from)));
        assert!(stage.users[1].undecryptable.is_empty());
        // Nobody says who is in it.
        stage.wait(3 * MINUTE);
        let UndecryptableReason::Failure(failure) =
            &stage.users[1].undecryptable.last().unwrap().reason
        else {
            panic!();
        };
        assert_eq!(failure.reason, FailureReason::AmbiguousSender);
        assert_eq!(failure.sender, None);
    }
    assert!(stage.users[1].read.is_empty());
    // When the room is known, it is read: nothing was used up.
    enter(&mut stage, 1, &[("J", jid(JULIET))]);
    stage.receive(1, &with_from(&sealed, "garden@rooms.example/J"));
    stage.settle();
    assert_eq!(stage.users[1].bodies(), ["x"]);
}

/// The nick of somebody else does not make somebody's message his.
#[test]
fn under_another_name_it_is_not_read_as_anothers() {
    for version in Version::ALL {
        let mut stage = garden(Some(version));
        for user in 0..3 {
            say(&mut stage, user, "hello");
        }
        stage.users[0].holds_messages = true;
        say(&mut stage, 0, "x");
        let sealed = stage.users[0].encrypted.last().unwrap().stanza.clone();
        stage.receive(1, &with_from(&sealed, "garden@rooms.example/N"));
        stage.settle();
        assert_ne!(stage.users[1].bodies().last().unwrap(), "x");
        assert_eq!(stage.users[1].undecryptable.len(), 1);
    }
}

#[test]
fn a_private_message_is_for_one_occupant() {
    for version in [None, Some(Version::Legacy), Some(Version::Omemo2)] {
        let mut stage = garden(version);
        stage.add(
            "juliet@capulet.example/phone",
            version.map_or_else(options, only),
        );
        enter(
            &mut stage,
            3,
            &[("J", jid(JULIET)), ("R", jid(ROMEO)), ("N", jid(NURSE))],
        );
        let now = stage.time();
        for recipient in [ROMEO, GARDEN] {
            let said = format!(
                "<message to='{GARDEN}/R' type='chat'>{}</message>",
                text(recipient)
            );
            let client = &mut stage.users[0].client;
            client.encrypt(&said, &[jid(recipient)], now).unwrap();
            stage.settle();
        }
        assert_eq!(
            stage.users[1].bodies(),
            [ROMEO, GARDEN],
            "{version:?} {:?}",
            stage.users[1].undecryptable
        );
        assert_eq!(stage.users[1].read[0].sender.jid, jid(JULIET));
        assert!(stage.users[2].read.is_empty() && stage.users[2].undecryptable.is_empty());
        let report = &stage.users[0].encrypted[1].report;
        assert!(!report.reaches(&jid(NURSE)));
        // The other device of Juliet has a copy.
        assert_eq!(stage.users[3].bodies(), [ROMEO, GARDEN]);
        assert_eq!(stage.users[3].read[0].origin, Origin::CarbonSent);
    }
}

/// What a name has to be written with in XML is no part of it.
#[test]
fn a_private_message_reaches_who_has_an_odd_name() {
    let mut stage = garden(None);
    let name = "R & \"J\" <'3>";
    let occupants = [("J", jid(JULIET)), (name, jid(ROMEO))];
    enter(&mut stage, 0, &occupants);
    stage.users[0].holds_messages = true;
    let now = stage.time();
    let to = "garden@rooms.example/R &amp; &quot;J&quot; &lt;&#39;3>";
    let said = format!("<message to='{to}' type='chat'>{}</message>", text("x"));
    let client = &mut stage.users[0].client;
    client.encrypt(&said, &[jid(GARDEN)], now).unwrap();
    stage.settle();
    let sent = stage.users[0].encrypted.last().unwrap();
    assert!(sent.report.reaches(&jid(ROMEO)));
    let document = roxmltree::Document::parse(&sent.stanza).unwrap();
    let expected = format!("{GARDEN}/{name}");
    assert_eq!(document.root_element().attribute("to"), Some(&*expected));
}

/// Also not to the own devices alone, as if all were well.
#[test]
fn a_message_to_nobody_does_not_go_out() {
    let mut stage = garden(None);
    stage.add("juliet@capulet.example/phone", options());
    let now = stage.time();
    let client = &mut stage.users[0].client;
    client
        .set_room(&jid("empty@rooms.example"), Room::default(), now)
        .unwrap();
    for (kind, to, recipients) in [
        ("chat", "garden@rooms.example/gone", vec![jid(GARDEN)]),
        (
            "groupchat",
            "empty@rooms.example",
            vec![jid("empty@rooms.example")],
        ),
        ("chat", ROMEO, vec![]),
    ] {
        let said = format!("<message to='{to}' type='{kind}'>{}</message>", text("x"));
        let client = &mut stage.users[0].client;
        let error = client.encrypt(&said, &recipients, now).unwrap_err();
        assert_eq!(error, EncryptRequestError::NoRecipients, "{to}");
        let error = client.encrypt_now(&said, &recipients, now).unwrap_err();
        assert_eq!(error, EncryptRequestError::NoRecipients, "{to}");
    }
    stage.settle();
    assert!(stage.users[0].encrypted.is_empty() && stage.users[0].refused.is_empty());
}

/// The work for an answer does not grow with the number of those who are still to answer.
#[test]
fn a_large_room_is_asked_in_one_go() {
    let work = |members: usize| {
        let store = Arc::new(Faulty::new(MemoryStore::new(), FaultPlan::none()));
        let mut stage = Stage::new();
        stage.add_with("juliet@capulet.example/balcony", options(), store.clone());
        let members = (0..members).map(|member| jid(&format!("m{member}@verona.example")));
        let room = Room {
            members: members.collect(),
            ..Room::default()
        };
        let now = stage.time();
        let client = &mut stage.users[0].client;
        client.set_room(&jid(GARDEN), room, now).unwrap();
        say(&mut stage, 0, "x");
        assert_eq!(stage.users[0].refused.len(), 1);
        stage.now += HOUR;
        stage.users[0].holds_requests = true;
        say(&mut stage, 0, "y");
        let before = store.calls();
        stage.answer_held(0);
        assert_eq!(stage.users[0].refused.len(), 2);
        store.calls() - before
    };
    let (some, more) = (work(20), work(80));
    assert!(more < 5 * some, "{some} {more}");
}

/// A member without OMEMO is not left out in silence, and does not silence the others unless the user wants it.
#[test]
fn a_member_who_would_get_nothing_is_left_out_or_a_refusal() {
    for policy in [RoomPolicy::LeaveOut, RoomPolicy::Refuse] {
        let mut stage = garden(None);
        stage.users[0].options.rooms = policy;
        stage.crash(0);
        stage.connect(0);
        let now = stage.time();
        let room = Room {
            members: [JULIET, ROMEO, MALLORY].map(jid).into(),
            ..Room::default()
        };
        let client = &mut stage.users[0].client;
        client.set_room(&jid(GARDEN), room, now).unwrap();
        say(&mut stage, 0, "x");
        if policy == RoomPolicy::LeaveOut {
            let report = &stage.users[0].encrypted[0].report;
            let (jid, why) = (jid(MALLORY), Absence::NoDevices);
            assert_eq!(report.left_out, [LeftOut { jid, why }]);
            assert_eq!(stage.users[1].bodies(), ["x"]);
            continue;
        }
        let RefusalReason::Recipients(refusal) = &stage.users[0].refused[0].reason else {
            panic!();
        };
        assert!(matches!(&**refusal, Refusal::NoDevices(who, _) if *who == jid(MALLORY)));
        assert!(stage.users[1].read.is_empty());
    }
}

/// One of them wants no encryption any more: the others can go on, and with him too.
#[test]
fn an_opt_out_in_a_room_ends_nothing() {
    let mut stage = garden(Some(Version::Omemo2));
    let now = stage.time();
    let opt_out = format!(
        "<message to='{GARDEN}' type='groupchat'><opt-out xmlns='urn:xmpp:omemo:2'/></message>"
    );
    let client = &mut stage.users[1].client;
    client.encrypt(&opt_out, &[jid(GARDEN)], now).unwrap();
    stage.settle();
    assert_eq!(stage.users[0].read.len(), 1);
    assert!(stage.users[0].notices.is_empty());
    say(&mut stage, 0, "to all");
    assert_eq!(stage.users[1].bodies(), ["to all"]);
    assert!(stage.users[0].refused.is_empty());
}
