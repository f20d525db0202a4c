//! A room of several people, who are told of its members and occupants as a test says.

use omemo::account::{FailureReason, Order};
use omemo::client::{Room, UndecryptableReason};
use omemo::model::{BareJid, Version};

use super::stage::{JULIET, MALLORY, ROMEO, Stage, jid, only, options, text};
use super::{archived, with_from};

pub(crate) const GARDEN: &str = "garden@rooms.example";
pub(crate) const NURSE: &str = "nurse@capulet.example";

/// The nicknames that they have at first.
pub(crate) const NICKS: [(&str, &str); 4] =
    [("J", JULIET), ("R", ROMEO), ("N", NURSE), ("M", MALLORY)];

/// Juliet, Romeo, the nurse and Mallory are in the garden, and nobody has written yet. They speak one version,
/// or all.
pub(crate) fn garden(version: Option<Version>) -> Stage {
    let mut stage = Stage::new();
    for full in [
        "juliet@capulet.example/balcony",
        "romeo@montague.example/orchard",
        "nurse@capulet.example/house",
        "mallory@verona.example/cave",
    ] {
        stage.add(full, version.map_or_else(options, only));
    }
    let occupants: Vec<_> = NICKS.iter().map(|(nick, of)| (*nick, jid(of))).collect();
    let occupants: Vec<_> = occupants.iter().map(|(nick, of)| (*nick, of)).collect();
    stage.server.make_room(&jid(GARDEN), &occupants);
    for user in 0..4 {
        tell(&mut stage, user, &[JULIET, ROMEO, NURSE, MALLORY], &NICKS);
    }
    stage.settle();
    stage
}

/// Tells a client who is in the garden.
pub(crate) fn tell(stage: &mut Stage, user: usize, members: &[&str], occupants: &[(&str, &str)]) {
    let occupants = occupants.iter();
    let room = Room {
        members: members.iter().map(|of| jid(of)).collect(),
        occupants: occupants
            .map(|(nick, of)| ((*nick).to_owned(), jid(of)))
            .collect(),
    };
    let now = stage.time();
    let client = &mut stage.users[user].client;
    client.set_room(&jid(GARDEN), room, now).unwrap();
}

/// A message of one of them to all, as the room would pass it on under a nickname, and does not.
pub(crate) fn seal_as(stage: &mut Stage, from: usize, nick: &str, body: &str) -> String {
    let said = format!(
        "<message to='{GARDEN}' type='groupchat' id='g'>{}</message>",
        text(body)
    );
    stage.users[from].holds_messages = true;
    let now = stage.time();
    let client = &mut stage.users[from].client;
    client.encrypt(&said, &[jid(GARDEN)], now).unwrap();
    stage.settle();
    stage.users[from].holds_messages = false;
    let sealed = &stage.users[from].encrypted.last().unwrap().stanza;
    with_from(sealed, &format!("{GARDEN}/{nick}"))
}

/// Everybody writes to all, so that there are sessions, and everybody has heard everybody.
pub(crate) fn all_say_hello(stage: &mut Stage) {
    for _ in 0..2 {
        for user in 0..4 {
            let said = format!(
                "<message to='{GARDEN}' type='groupchat' id='g'>{}</message>",
                text("hello")
            );
            let now = stage.time();
            let client = &mut stage.users[user].client;
            client.encrypt(&said, &[jid(GARDEN)], now).unwrap();
            stage.settle();
        }
    }
    for user in &mut stage.users {
        assert_eq!(user.read.len(), 6, "{:?}", user.undecryptable);
        user.read.clear();
    }
}

/// Somebody reads stanzas in the archive of the garden.
pub(crate) fn read_in_archive(stage: &mut Stage, user: usize, order: Order, stanzas: &[&str]) {
    let now = stage.time();
    let client = &mut stage.users[user].client;
    let catch_up = client.begin_catch_up(order, now).unwrap();
    let query = client.expect_archive(catch_up, Some(&jid(GARDEN)), Some("q"));
    for (id, stanza) in stanzas.iter().enumerate() {
        client
            .receive(&archived(&jid(GARDEN), "q", id, stanza), now)
            .unwrap();
    }
    client.end_page(query, now).unwrap();
    client.end_catch_up(catch_up, now).unwrap();
    stage.settle();
}

/// What somebody has read, and whose it is shown as.
pub(crate) fn shown(stage: &Stage, user: usize) -> Vec<(BareJid, String)> {
    let read = &stage.users[user].read;
    let senders = read.iter().map(|read| read.sender.jid.clone());
    senders.zip(stage.users[user].bodies()).collect()
}

/// What somebody could not read is nobody's: this many messages, and no name.
pub(crate) fn expect_nobodys(stage: &Stage, user: usize, count: usize) {
    let told = &stage.users[user].undecryptable;
    assert_eq!(told.len(), count, "{told:?}");
    for what in told {
        let UndecryptableReason::Failure(failure) = &what.reason else {
            panic!("{what:?}");
        };
        assert_eq!(failure.reason, FailureReason::AmbiguousSender);
        assert_eq!((&failure.sender, &what.sender), (&None, &None));
        assert_eq!(what.from, Some(jid(GARDEN)));
    }
}

/// Nobody is taken for the owner of another's key, and nobody is to be repaired.
pub(crate) fn expect_own_keys_only(stage: &Stage, user: usize) {
    let account = stage.users[user].client.account();
    for other in &stage.users {
        let key = other.client.account().fingerprint();
        for stranger in &stage.users {
            let keys = account.keys(&stranger.jid()).unwrap();
            let has_it = keys.iter().any(|known| known.fingerprint == key);
            assert!(
                !has_it || stranger.jid() == other.jid(),
                "{} has the key of {}",
                stranger.full,
                other.full
            );
        }
    }
    assert!(account.repairs_due(stage.time()).unwrap().is_empty());
}
