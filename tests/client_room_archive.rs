//! Whose a message in a room's archive is: nicknames change hands, members leave, and bundles can be copied.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod server;

use omemo::account::Order;
use omemo::client::Disposition;
use omemo::model::Version;
use server::garden::{
    GARDEN, NICKS, NURSE, all_say_hello, expect_nobodys, expect_own_keys_only, garden,
    read_in_archive, seal_as, shown, tell,
};
use server::rooms::item;
use server::stage::{JULIET, MALLORY, MINUTE, ROMEO, Stage, jid, only};
use server::{archived, with_inside};

const MEMBERS: [&str; 4] = [JULIET, ROMEO, NURSE, MALLORY];

const ORDERS: [Order; 2] = [Order::OldestFirst, Order::NewestFirst];

/// Mallory has entered under Romeo's nickname while he was away, written, and gone.
#[test]
fn who_had_a_nickname_is_not_who_has_it() {
    for version in Version::ALL {
        for order in ORDERS {
            let mut stage = garden(Some(version));
            let forged = seal_as(&mut stage, 3, "R", "I hate you");
            read_in_archive(&mut stage, 0, order, &[&forged]);
            assert_eq!(
                shown(&stage, 0),
                [(jid(MALLORY), "I hate you".to_owned())],
                "{version:?} {:?}",
                stage.users[0].undecryptable
            );
            expect_own_keys_only(&stage, 0);
        }
    }
}

/// Two members have swapped their nicknames since. What they have written before is theirs, whether they have
/// written ever before or not.
#[test]
fn what_was_written_under_swapped_nicknames_is_its_writers() {
    for version in Version::ALL {
        for order in ORDERS {
            for have_written in [true, false] {
                let mut stage = garden(Some(version));
                if have_written {
                    all_say_hello(&mut stage);
                }
                let romeos = seal_as(&mut stage, 1, "R", "good night");
                let nurses = seal_as(&mut stage, 2, "N", "madam!");
                let swapped = [("J", JULIET), ("N", ROMEO), ("R", NURSE)];
                tell(&mut stage, 0, &MEMBERS, &swapped);
                read_in_archive(&mut stage, 0, order, &[&romeos, &nurses]);
                let expected = [
                    (jid(ROMEO), "good night".to_owned()),
                    (jid(NURSE), "madam!".to_owned()),
                ];
                assert_eq!(
                    shown(&stage, 0),
                    expected,
                    "{version:?} {have_written} {:?}",
                    stage.users[0].undecryptable
                );
                expect_own_keys_only(&stage, 0);
            }
        }
    }
}

/// Nobody has his nickname, and nothing was known of anybody's devices: they are asked for.
#[test]
fn the_first_message_of_a_member_who_is_away_is_read_after_asking() {
    for version in Version::ALL {
        let mut stage = garden(Some(version));
        let sealed = seal_as(&mut stage, 2, "N", "madam!");
        tell(&mut stage, 0, &MEMBERS, &[("J", JULIET)]);
        stage.users[0].holds_requests = true;
        read_in_archive(&mut stage, 0, Order::OldestFirst, &[&sealed]);
        assert_eq!(
            (stage.users[0].client.unnamed(), shown(&stage, 0)),
            (1, vec![])
        );
        for _ in 0..3 {
            stage.answer_held(0);
        }
        assert_eq!(shown(&stage, 0), [(jid(NURSE), "madam!".to_owned())]);
        assert_eq!(stage.users[0].client.unnamed(), 0);
    }
}

/// The archive names the writer, who is no member any more.
#[test]
fn what_a_former_member_wrote_is_read() {
    for version in Version::ALL {
        let mut stage = garden(Some(version));
        all_say_hello(&mut stage);
        let sealed = seal_as(&mut stage, 2, "N", "madam!");
        let named = with_inside(&sealed, &item("nurse@capulet.example/house", "none"));
        tell(
            &mut stage,
            0,
            &[JULIET, ROMEO, MALLORY],
            &[("J", JULIET), ("N", MALLORY)],
        );
        read_in_archive(&mut stage, 0, Order::OldestFirst, &[&named]);
        assert_eq!(
            shown(&stage, 0),
            [(jid(NURSE), "madam!".to_owned())],
            "{version:?}"
        );
    }
}

/// An item says who may have written a message, and proves nothing.
#[test]
fn an_item_makes_nobody_the_writer_of_anothers_message() {
    let named = |of: &str| item(&format!("{of}/x"), "member");
    for version in Version::ALL {
        for (what, items) in [
            ("forged alone", named(ROMEO)),
            ("forged beside the room's", named(ROMEO) + &named(MALLORY)),
            (
                "twice in one",
                named(ROMEO).replace("/></x>", "/><item jid='mallory@verona.example'/></x>"),
            ),
        ] {
            for have_written in [true, false] {
                let mut stage = garden(Some(version));
                if have_written {
                    all_say_hello(&mut stage);
                }
                let forged = with_inside(&seal_as(&mut stage, 3, "R", "I hate you"), &items);
                read_in_archive(&mut stage, 0, Order::OldestFirst, &[&forged]);
                let shown = shown(&stage, 0);
                assert_eq!(
                    shown,
                    [(jid(MALLORY), "I hate you".to_owned())],
                    "{version:?} {what}"
                );
                expect_own_keys_only(&stage, 0);
            }
        }
    }
}

/// Somebody whom the archive names, and who is neither a member nor known, is not asked for anything.
#[test]
fn a_stranger_whom_an_item_names_is_not_asked() {
    let mut stage = garden(Some(Version::Legacy));
    let forged = seal_as(&mut stage, 3, "M", "hello");
    let stranger = "paris@verona.example";
    let forged = with_inside(&forged, &item(&format!("{stranger}/x"), "none"));
    tell(&mut stage, 0, &[JULIET, ROMEO], &[("J", JULIET)]);
    let before = stage.server.seen.len();
    read_in_archive(&mut stage, 0, Order::OldestFirst, &[&forged]);
    stage.wait(3 * MINUTE);
    let asked = &stage.server.seen[before..];
    assert!(
        !asked.iter().any(|request| request.contains(stranger)),
        "{asked:?}"
    );
    assert!(shown(&stage, 0).is_empty());
    expect_nobodys(&stage, 0, 1);
}

/// Mallory has a device of the id of Romeo's, and publishes Romeo's bundle as its own.
fn with_a_copied_bundle(version: Version) -> Stage {
    let mut stage = garden(Some(version));
    let id = stage.users[1].client.account().device().to_string();
    let names = match version {
        Version::Legacy => (
            "eu.siacs.conversations.axolotl.devicelist",
            "eu.siacs.conversations.axolotl.bundles",
        ),
        Version::Omemo2 => ("urn:xmpp:omemo:2:devices", "urn:xmpp:omemo:2:bundles"),
    };
    let (romeo, mallory) = (jid(ROMEO), jid(MALLORY));
    stage.disconnect(3);
    let (node, item) = match version {
        Version::Legacy => (format!("{}:{id}", names.1), "current"),
        Version::Omemo2 => (names.1.to_owned(), &*id),
    };
    let copied = stage.server.entries(&romeo, &node);
    let (_, bundle) = copied.iter().find(|(name, _)| name == item).unwrap();
    stage.server.publish(&mallory, &node, item, bundle);
    let list = stage.server.items(&romeo, names.0).pop().unwrap();
    stage.server.publish(&mallory, names.0, "current", &list);
    stage.settle();
    // He writes nothing to somebody who shows his own key.
    tell(&mut stage, 1, &[JULIET, ROMEO, NURSE], &NICKS);
    stage
}

#[test]
fn a_copied_bundle_makes_nobody_the_writer() {
    for version in Version::ALL {
        for order in ORDERS {
            let mut stage = with_a_copied_bundle(version);
            let sealed = seal_as(&mut stage, 1, "R", "good night");
            read_in_archive(&mut stage, 0, order, &[&sealed]);
            assert!(shown(&stage, 0).is_empty(), "{version:?}");
            expect_nobodys(&stage, 0, 1);
            expect_own_keys_only(&stage, 0);
            // It can be read later: nothing was used up.
            stage.receive(0, &sealed);
            stage.settle();
            assert_eq!(shown(&stage, 0), [(jid(ROMEO), "good night".to_owned())]);
        }
    }
}

/// Whose messages were read before, under this key, is who he is, whoever shows the key meanwhile.
#[test]
fn a_copied_bundle_does_not_take_the_name_of_who_was_heard() {
    for version in Version::ALL {
        let mut stage = with_a_copied_bundle(version);
        let hello = seal_as(&mut stage, 1, "R", "hello");
        stage.receive(0, &hello);
        stage.settle();
        // He starts anew, so that it is a key exchange.
        let now = stage.time();
        stage.users[1].client.reset(&jid(JULIET), now).unwrap();
        stage.settle();
        let sealed = seal_as(&mut stage, 1, "R", "good night");
        tell(&mut stage, 0, &MEMBERS, &[("J", JULIET), ("R", MALLORY)]);
        read_in_archive(&mut stage, 0, Order::OldestFirst, &[&sealed]);
        let shown = shown(&stage, 0);
        assert_eq!(
            shown.last(),
            Some(&(jid(ROMEO), "good night".to_owned())),
            "{version:?}"
        );
        assert_eq!(shown.len(), 2);
    }
}

/// What waits for bundles that never come is told in the end, and does not stop the rest of the page.
#[test]
fn a_message_whose_writer_cannot_be_asked_for_stops_nothing() {
    for version in Version::ALL {
        let mut stage = garden(Some(version));
        let sealed = seal_as(&mut stage, 2, "N", "madam!");
        let romeos = seal_as(&mut stage, 1, "R", "hello");
        stage.receive(0, &romeos);
        stage.settle();
        let later = seal_as(&mut stage, 1, "R", "good night");
        stage.server.silent_nodes = vec!["bundles".to_owned()];
        tell(&mut stage, 0, &MEMBERS, &[("J", JULIET)]);
        read_in_archive(&mut stage, 0, Order::OldestFirst, &[&sealed, &later]);
        assert_eq!(
            shown(&stage, 0),
            [
                (jid(ROMEO), "hello".to_owned()),
                (jid(ROMEO), "good night".to_owned())
            ],
            "{version:?}"
        );
        assert_eq!(stage.users[0].client.unnamed(), 1);
        assert!(stage.users[0].undecryptable.is_empty());
        stage.wait(3 * MINUTE);
        assert_eq!(stage.users[0].client.unnamed(), 0);
        expect_nobodys(&stage, 0, 1);
        // Nothing was used up: it is read when it is given again.
        stage.server.silent_nodes.clear();
        stage.wait(120 * MINUTE);
        read_in_archive(&mut stage, 0, Order::OldestFirst, &[&sealed]);
        assert_eq!(
            shown(&stage, 0).last(),
            Some(&(jid(NURSE), "madam!".to_owned()))
        );
    }
}

/// The archive is read before anybody has told who is in the room.
#[test]
fn the_archive_of_a_room_that_is_not_known_yet() {
    for version in Version::ALL {
        for is_named in [true, false] {
            let mut stage = garden(Some(version));
            let mut sealed = seal_as(&mut stage, 1, "R", "good night");
            if is_named {
                sealed = with_inside(&sealed, &item("romeo@montague.example/orchard", "member"));
            }
            stage.users[0].client.leave_room(&jid(GARDEN));
            read_in_archive(&mut stage, 0, Order::OldestFirst, &[&sealed]);
            assert_eq!(stage.users[0].asked_members, [jid(GARDEN)]);
            assert!(shown(&stage, 0).is_empty());
            tell(&mut stage, 0, &MEMBERS, &NICKS);
            stage.settle();
            assert_eq!(
                shown(&stage, 0),
                [(jid(ROMEO), "good night".to_owned())],
                "{version:?}"
            );
        }
    }
}

/// A process that has died while messages waited has lost them; the archive gives them again.
#[test]
fn what_waits_comes_again_after_a_crash() {
    let mut stage = garden(Some(Version::Legacy));
    let sealed = seal_as(&mut stage, 2, "N", "madam!");
    tell(&mut stage, 0, &MEMBERS, &[("J", JULIET)]);
    stage.users[0].holds_requests = true;
    read_in_archive(&mut stage, 0, Order::OldestFirst, &[&sealed]);
    assert_eq!(stage.users[0].client.unnamed(), 1);
    stage.crash(0);
    stage.users[0].holds_requests = false;
    stage.connect(0);
    tell(&mut stage, 0, &MEMBERS, &[("J", JULIET)]);
    stage.settle();
    read_in_archive(&mut stage, 0, Order::OldestFirst, &[&sealed]);
    assert_eq!(shown(&stage, 0), [(jid(NURSE), "madam!".to_owned())]);
}

/// A second device of the account reads in the archive what the first has written, and the first nothing.
#[test]
fn what_the_account_itself_has_written() {
    for version in Version::ALL {
        let mut stage = garden(Some(version));
        let phone = stage.add("juliet@capulet.example/phone", only(version));
        tell(&mut stage, phone, &MEMBERS, &NICKS);
        let sealed = seal_as(&mut stage, 0, "J", "to all");
        let swapped = [("J", ROMEO), ("R", JULIET)];
        tell(&mut stage, 0, &MEMBERS, &swapped);
        tell(&mut stage, phone, &MEMBERS, &swapped);
        read_in_archive(&mut stage, phone, Order::OldestFirst, &[&sealed]);
        assert_eq!(
            shown(&stage, phone),
            [(jid(JULIET), "to all".to_owned())],
            "{version:?}"
        );
        read_in_archive(&mut stage, 0, Order::OldestFirst, &[&sealed]);
        assert!(shown(&stage, 0).is_empty() && stage.users[0].undecryptable.is_empty());
    }
}

/// A result that is held is no reason to show its fallback text.
#[test]
fn what_waits_is_pending() {
    let mut stage = garden(Some(Version::Legacy));
    let sealed = seal_as(&mut stage, 2, "N", "madam!");
    let now = stage.time();
    let client = &mut stage.users[0].client;
    let catch_up = client.begin_catch_up(Order::OldestFirst, now).unwrap();
    client.expect_archive(catch_up, Some(&jid(GARDEN)), Some("q"));
    let disposition = stage.receive(0, &archived(&jid(GARDEN), "q", 1, &sealed));
    assert_eq!(disposition, Disposition::Pending);
}
