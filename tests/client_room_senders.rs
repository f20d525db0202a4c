//! Whose a message of a room is that comes on the stream: live, in the history, privately, as a copy, and from a
//! room that nobody has told of yet.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod server;

use omemo::client::Disposition;
use omemo::model::Version;
use server::garden::{
    GARDEN, NICKS, NURSE, all_say_hello, expect_nobodys, expect_own_keys_only, garden, seal_as,
    shown, tell,
};
use server::rooms::item;
use server::stage::{JULIET, MALLORY, MINUTE, ROMEO, Stage, jid, only, text};
use server::{archived, carbon, with_from, with_inside};

const MEMBERS: [&str; 4] = [JULIET, ROMEO, NURSE, MALLORY];

/// How a room, or a server that has kept a message, says that it is late.
const DELAYS: [&str; 2] = [
    "<delay xmlns='urn:xmpp:delay' from='garden@rooms.example' stamp='2023-11-14T20:00:00Z'/>",
    "<x xmlns='jabber:x:delay' from='garden@rooms.example' stamp='20231114T20:00:00'/>",
];

/// What makes a private message one of a room (XEP-0045 §7.5).
const PRIVATE: &str = "<x xmlns='http://jabber.org/protocol/muc#user'/>";

/// A message of one of them to an occupant alone, as it leaves.
fn seal_privately(stage: &mut Stage, from: usize, nick: &str, body: &str) -> String {
    let said = format!(
        "<message to='{GARDEN}/{nick}' type='chat'>{}</message>",
        text(body)
    );
    stage.users[from].holds_messages = true;
    let now = stage.time();
    let client = &mut stage.users[from].client;
    client.encrypt(&said, &[jid(GARDEN)], now).unwrap();
    stage.settle();
    stage.users[from].holds_messages = false;
    stage.users[from].encrypted.last().unwrap().stanza.clone()
}

#[test]
fn who_is_there_now_is_proven() {
    for version in Version::ALL {
        let mut stage = garden(Some(version));
        let sealed = seal_as(&mut stage, 1, "R", "good night");
        stage.receive(0, &sealed);
        assert_eq!(stage.users[0].client.unnamed(), 0);
        stage.settle();
        assert_eq!(shown(&stage, 0), [(jid(ROMEO), "good night".to_owned())]);
    }
}

/// Mallory sends again, under her own nickname, what Romeo has written. Nothing in a legacy message says who wrote
/// it but the identity key, which Juliet knows as Romeo's. It is not hers, and what Romeo writes afterwards is his.
#[test]
fn what_an_occupant_has_copied_is_not_hers() {
    for version in Version::ALL {
        let mut stage = garden(Some(version));
        // Juliet has fetched Romeo's bundle, and heard nothing of him.
        seal_as(&mut stage, 0, "J", "anybody there?");
        let written = seal_as(&mut stage, 1, "R", "good night");
        let copied = written.replace("garden@rooms.example/R", "garden@rooms.example/M");
        assert_ne!(written, copied);
        stage.receive(0, &copied);
        stage.settle();
        assert_eq!(shown(&stage, 0), [], "{version:?}");
        expect_own_keys_only(&stage, 0);
        stage.receive(0, &written);
        let next = seal_as(&mut stage, 1, "R", "parting");
        stage.receive(0, &next);
        stage.settle();
        let expected = ["good night", "parting"].map(|text| (jid(ROMEO), text.to_owned()));
        assert_eq!(shown(&stage, 0), expected, "{version:?}");
    }
}

/// What a room sends to who enters was written by who had the nickname then.
#[test]
fn the_history_is_not_of_who_is_there_now() {
    for version in Version::ALL {
        for delay in DELAYS {
            for have_written in [true, false] {
                let mut stage = garden(Some(version));
                if have_written {
                    all_say_hello(&mut stage);
                }
                let forged = seal_as(&mut stage, 3, "R", "I hate you");
                let honest = seal_as(&mut stage, 2, "gone", "madam!");
                for stanza in [forged, honest] {
                    stage.receive(0, &with_inside(&stanza, delay));
                    stage.settle();
                }
                let expected = [
                    (jid(MALLORY), "I hate you".to_owned()),
                    (jid(NURSE), "madam!".to_owned()),
                ];
                assert_eq!(shown(&stage, 0), expected, "{version:?} {have_written}");
                expect_own_keys_only(&stage, 0);
            }
        }
    }
}

/// An item in a message that comes on the stream is the work of its writer.
#[test]
fn an_item_on_the_stream_names_nobody() {
    for version in Version::ALL {
        for nick in ["M", "gone"] {
            let mut stage = garden(Some(version));
            let forged = seal_as(&mut stage, 3, nick, "I hate you");
            let forged = with_inside(&forged, &item("romeo@montague.example/orchard", "member"));
            stage.receive(0, &forged);
            stage.settle();
            assert_eq!(shown(&stage, 0), [(jid(MALLORY), "I hate you".to_owned())]);
            expect_own_keys_only(&stage, 0);
        }
    }
}

/// By every way on which they come, and whoever has the nickname now.
#[test]
fn a_private_message_is_its_writers() {
    for version in Version::ALL {
        for way in ["direct", "late", "copy", "archive"] {
            for is_renamed in [false, true] {
                let mut stage = garden(Some(version));
                let sealed = seal_privately(&mut stage, 1, "J", "good night");
                let mut sealed = with_inside(&with_from(&sealed, &format!("{GARDEN}/R")), PRIVATE);
                sealed = sealed.replace(
                    &format!("to='{GARDEN}/J'"),
                    &format!("to='{JULIET}/balcony'"),
                );
                // Live, a nickname is its owner's.
                if is_renamed && way != "direct" {
                    let swapped = [("J", JULIET), ("R", MALLORY), ("M", ROMEO)];
                    tell(&mut stage, 0, &MEMBERS, &swapped);
                }
                let now = stage.time();
                match way {
                    "direct" => {
                        stage.receive(0, &sealed);
                    }
                    "late" => {
                        stage.receive(0, &with_inside(&sealed, DELAYS[0]));
                    }
                    "copy" => {
                        stage.receive(0, &carbon(JULIET, "received", &sealed));
                    }
                    _ => {
                        let client = &mut stage.users[0].client;
                        let order = omemo::account::Order::OldestFirst;
                        let catch_up = client.begin_catch_up(order, now).unwrap();
                        client.expect_archive(catch_up, None, Some("q"));
                        stage.receive(0, &archived(&jid(JULIET), "q", 1, &sealed));
                        let client = &mut stage.users[0].client;
                        client.end_catch_up(catch_up, now).unwrap();
                    }
                }
                stage.settle();
                assert_eq!(
                    shown(&stage, 0),
                    [(jid(ROMEO), "good night".to_owned())],
                    "{version:?} {way} {is_renamed} {:?}",
                    stage.users[0].undecryptable
                );
                expect_own_keys_only(&stage, 0);
            }
        }
    }
}

/// A private message that somebody else's nickname is on is not his, and one that nobody can have written is
/// nobody's.
#[test]
fn a_private_message_under_a_taken_nickname() {
    for version in Version::ALL {
        let mut stage = garden(Some(version));
        let sealed = seal_privately(&mut stage, 3, "J", "I hate you");
        let forged = with_inside(&with_from(&sealed, &format!("{GARDEN}/R")), PRIVATE);
        let forged = with_inside(&forged, DELAYS[0]);
        tell(&mut stage, 0, &[JULIET, ROMEO, NURSE], &NICKS[..3]);
        stage.receive(0, &forged);
        stage.settle();
        stage.wait(3 * MINUTE);
        assert!(shown(&stage, 0).is_empty());
        expect_nobodys(&stage, 0, 1);
        expect_own_keys_only(&stage, 0);
    }
}

/// Also what another device of the account has written, whoever has the nickname now, and once more after a start,
/// when nobody has told of the room yet.
#[test]
fn a_private_message_that_the_account_has_sent_is_read_by_its_other_devices() {
    for version in Version::ALL {
        for is_archived in [false, true] {
            let mut stage = garden(Some(version));
            let phone = stage.add("juliet@capulet.example/phone", only(version));
            tell(&mut stage, phone, &MEMBERS, &NICKS);
            let sealed = seal_privately(&mut stage, 0, "R", "good night");
            let sealed = with_inside(
                &with_from(&sealed, "juliet@capulet.example/balcony"),
                PRIVATE,
            );
            stage.users[phone].forgets = true;
            if is_archived {
                let swapped = [("J", JULIET), ("R", MALLORY), ("M", ROMEO)];
                tell(&mut stage, phone, &MEMBERS, &swapped);
                read_in_own_archive(&mut stage, phone, &sealed);
            } else {
                stage.receive(phone, &carbon(JULIET, "sent", &sealed));
                stage.settle();
            }
            let expected = (jid(JULIET), "good night".to_owned());
            assert_eq!(
                shown(&stage, phone),
                std::slice::from_ref(&expected),
                "{version:?} {is_archived}"
            );
            stage.crash(phone);
            stage.settle();
            assert_eq!(shown(&stage, phone), [expected.clone(), expected]);
        }
    }
}

/// In OMEMO 2 the envelope says to whom it was written: a server cannot move it to another room.
#[test]
fn a_private_message_is_not_moved_to_a_room_of_others() {
    let version = Version::Omemo2;
    let mut stage = garden(Some(version));
    let phone = stage.add("juliet@capulet.example/phone", only(version));
    let hall = omemo::client::Room {
        members: vec![jid(JULIET), jid(MALLORY)],
        occupants: [("R".to_owned(), jid(MALLORY))].into(),
    };
    let now = stage.time();
    let client = &mut stage.users[phone].client;
    client
        .set_room(&jid("hall@rooms.example"), hall, now)
        .unwrap();
    let sealed = seal_privately(&mut stage, 0, "R", "good night");
    let sealed = with_inside(
        &with_from(&sealed, "juliet@capulet.example/balcony"),
        PRIVATE,
    );
    read_in_own_archive(
        &mut stage,
        phone,
        &sealed.replace(GARDEN, "hall@rooms.example"),
    );
    assert!(shown(&stage, phone).is_empty());
    assert_eq!(stage.users[phone].undecryptable.len(), 1);
}

fn read_in_own_archive(stage: &mut Stage, user: usize, stanza: &str) {
    let now = stage.time();
    let own = stage.users[user].jid();
    let client = &mut stage.users[user].client;
    let order = omemo::account::Order::OldestFirst;
    let catch_up = client.begin_catch_up(order, now).unwrap();
    client.expect_archive(catch_up, None, Some("q"));
    client
        .receive(&archived(&own, "q", 1, stanza), now)
        .unwrap();
    client.end_catch_up(catch_up, now).unwrap();
    stage.settle();
}

/// The room's own address is nobody's account, although nobody has told of the room.
#[test]
fn a_room_that_is_not_known_yet_is_no_account() {
    for version in Version::ALL {
        for kind in ["groupchat", "private", "private without a mark"] {
            let mut stage = garden(Some(version));
            let sealed = match kind {
                "groupchat" => seal_as(&mut stage, 1, "R", "good night"),
                _ => {
                    let sealed = seal_privately(&mut stage, 1, "J", "good night");
                    with_from(&sealed, &format!("{GARDEN}/R"))
                }
            };
            let sealed = match kind {
                "private" => with_inside(&sealed, PRIVATE),
                _ => sealed,
            };
            let now = stage.time();
            let client = &mut stage.users[0].client;
            client.leave_room(&jid(GARDEN));
            // Another room of the server is known.
            let other = omemo::client::Room {
                members: vec![jid(JULIET)],
                ..omemo::client::Room::default()
            };
            client
                .set_room(&jid("hall@rooms.example"), other, now)
                .unwrap();
            assert_eq!(
                stage.receive(0, &sealed),
                Disposition::Pending,
                "{version:?} {kind}"
            );
            stage.settle();
            assert_eq!(stage.users[0].asked_members, [jid(GARDEN)]);
            let account = stage.users[0].client.account();
            assert!(account.devices(&jid(GARDEN)).unwrap().is_empty());
            assert!(account.keys(&jid(GARDEN)).unwrap().is_empty());
            assert!(shown(&stage, 0).is_empty());
            tell(&mut stage, 0, &MEMBERS, &NICKS);
            stage.settle();
            assert_eq!(
                shown(&stage, 0),
                [(jid(ROMEO), "good night".to_owned())],
                "{version:?} {kind}"
            );
        }
    }
}

/// Anybody can write in the name of rooms that there are not. It costs little, and what the user's own rooms send
/// is read.
#[test]
fn rooms_that_somebody_makes_up_do_not_keep_others_waiting() {
    let mut stage = garden(Some(Version::Legacy));
    let sealed = seal_as(&mut stage, 1, "R", "good night");
    let made_up =
        |n: usize| sealed.replacen(&format!("{GARDEN}/R"), &format!("r{n}@verona.example/R"), 1);
    for n in 0..400 {
        stage.receive(0, &made_up(n));
        stage.receive(0, &made_up(0));
    }
    stage.settle();
    assert!(
        stage.users[0].client.unnamed() <= 100,
        "{}",
        stage.users[0].client.unnamed()
    );
    assert_eq!(stage.users[0].asked_members.len(), 8);
    tell(&mut stage, 0, &MEMBERS, &[("J", JULIET)]);
    stage.receive(0, &sealed);
    stage.settle();
    assert_eq!(shown(&stage, 0), [(jid(ROMEO), "good night".to_owned())]);
    stage.wait(3 * MINUTE);
    assert_eq!(stage.users[0].client.unnamed(), 0);
}

/// Without a stream nobody can be asked: it waits for the next one, up to its deadline.
#[test]
fn what_came_just_before_the_stream_was_lost_is_read_on_the_next() {
    let mut stage = garden(Some(Version::Omemo2));
    let sealed = seal_as(&mut stage, 2, "gone", "madam!");
    stage.users[0].holds_requests = true;
    stage.receive(0, &sealed);
    stage.settle();
    stage.disconnect(0);
    stage.wait(MINUTE);
    assert_eq!(stage.users[0].client.unnamed(), 1);
    stage.users[0].holds_requests = false;
    stage.connect(0);
    stage.settle();
    assert_eq!(shown(&stage, 0), [(jid(NURSE), "madam!".to_owned())]);
}

/// Messages that wait are read in the order in which they came, and each once.
#[test]
fn several_messages_of_one_device_wait_together() {
    for version in Version::ALL {
        let mut stage = garden(Some(version));
        let sealed: Vec<_> = (0..5)
            .map(|n| seal_as(&mut stage, 2, "gone", &n.to_string()))
            .collect();
        for stanza in sealed.iter().chain(&sealed) {
            stage.receive(0, stanza);
        }
        stage.settle();
        let bodies: Vec<_> = (0..5).map(|n| n.to_string()).collect();
        assert_eq!(stage.users[0].bodies(), bodies, "{version:?}");
        let asked = stage.server.seen.iter();
        let bundle = format!("{}", stage.users[2].client.account().device());
        let asked = asked.filter(|seen| seen.contains("type='get'") && seen.contains(&bundle));
        assert!(
            asked.count() <= 6,
            "the bundle is asked for once by each reader"
        );
    }
}
