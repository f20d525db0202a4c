//! What a client sends by itself: what goes wrong with it stays there, and blocked accounts get nothing.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod server;

use std::sync::Arc;

use omemo::account::AccountError;
use omemo::client::{Disposition, Notice};
use omemo::model::Version;
use omemo::store::{Applied, Batch, Key, MemoryStore, Scope, Store, Table};
use server::stage::{HOUR, JULIET, MALLORY, ROMEO, Stage, jid, only, options, text};

/// The tables of what is owed: new sessions, and answers.
const OWED: [u8; 2] = [8, 9];

/// Juliet, whose store can be damaged, and Romeo.
fn stage() -> (Stage, Arc<MemoryStore>) {
    let store = Arc::new(MemoryStore::new());
    let mut stage = Stage::new();
    stage.add_with(&format!("{JULIET}/balcony"), options(), store.clone());
    stage.add(&format!("{ROMEO}/orchard"), options());
    stage.befriend(0, 1);
    (stage, store)
}

fn damage(store: &MemoryStore, table: u8, sort: Vec<u8>) {
    let mut batch = Batch::new();
    let key = Key::new(Table::new(table), JULIET.as_bytes(), sort);
    batch.put(key, b"\xff");
    let scope = Scope::new(JULIET);
    let applied = store
        .apply(&scope, store.generation(&scope).unwrap(), &batch)
        .unwrap();
    assert!(matches!(applied, Applied::Done(_)));
}

/// A record of what is owed to Mallory's device 7 is damaged: Romeo's messages are read and answered.
#[test]
fn a_damaged_record_of_what_is_owed_stops_only_itself() {
    let named = [MALLORY.as_bytes(), &[0, 0, 0, 0, 7, 1]].concat();
    for table in OWED {
        for sort in [named.clone(), b"no name".to_vec()] {
            let (mut stage, store) = stage();
            damage(&store, table, sort);
            stage.say(1, JULIET, &text("1"));
            stage.say(1, JULIET, &text("2"));
            assert_eq!(stage.users[0].bodies(), ["1", "2"]);
            assert_eq!(stage.users[0].empty.len(), 1, "he is answered");
            stage.wait(HOUR);
        }
    }
}

/// The session on which an answer is owed is damaged. Nothing can be sent on it; everybody else is answered, and
/// the user is told once.
#[test]
fn a_damaged_session_is_told_once_and_stops_nobody_else() {
    let (mut stage, store) = stage();
    stage.add(&format!("{MALLORY}/cave"), options());
    stage.befriend(0, 2);
    let sealed = stage.seal(1, JULIET, &text("1"));
    stage.disconnect(0);
    stage.receive(0, &sealed);
    while stage.act(0) {}
    let sessions = store.dump().into_iter();
    let session = sessions
        .map(|record| record.key)
        .find(|key| key.table == Table::new(4));
    let session = session.unwrap();
    let mut batch = Batch::new();
    // As a later version of the library may write it.
    batch.put(session, b"\xff");
    let scope = Scope::new(JULIET);
    let applied = store
        .apply(&scope, store.generation(&scope).unwrap(), &batch)
        .unwrap();
    assert!(matches!(applied, Applied::Done(_)));
    stage.connect(0);
    stage.settle();
    stage.say(2, JULIET, &text("2"));
    stage.say(2, JULIET, &text("3"));
    assert_eq!(stage.users[0].bodies(), ["1", "2", "3"]);
    assert_eq!(stage.users[0].empty.len(), 1, "Mallory is answered");
    stage.wait(2 * HOUR);
    let told = Notice::UpkeepFailed(AccountError::Newer);
    assert_eq!(stage.users[0].notices, [told]);
}

/// To whom the user has blocked, nothing goes by itself, and nothing about him is asked for: nor to anybody at a
/// domain that is blocked. When he is not blocked any more, he gets what is owed.
#[test]
fn a_blocked_contact_gets_no_answer_and_is_not_asked() {
    for blocked in [ROMEO, "montague.example"] {
        for version in Version::ALL {
            let mut stage = Stage::new();
            stage.add(&format!("{JULIET}/balcony"), only(version));
            stage.add(&format!("{ROMEO}/orchard"), only(version));
            stage.befriend(0, 1);
            let set = |stage: &mut Stage, is_blocked| {
                let now = stage.time();
                let client = &mut stage.users[0].client;
                client.set_blocked(&jid(blocked), is_blocked, now).unwrap();
                stage.settle();
            };
            set(&mut stage, true);
            let before = stage.server.seen.len();
            stage.say(1, JULIET, &text("let me in"));
            // A device that is on no list makes nobody ask for the list.
            stage.server.tells_nobody = true;
            let other = stage.add(&format!("{ROMEO}/phone"), only(version));
            stage.say(other, JULIET, &text("please"));
            stage.wait(HOUR);
            // It holds after a restart, before the application has said anything.
            stage.crash(0);
            stage.connect(0);
            stage.settle();
            assert_eq!(stage.users[0].empty, Vec::<String>::new());
            let asked = stage.server.seen[before..].iter();
            let to_him =
                |xml: &&String| xml.starts_with("<iq") && xml.contains(&format!("to='{ROMEO}'"));
            let asked = asked.filter(to_him);
            assert_eq!(asked.collect::<Vec<_>>(), Vec::<&String>::new());
            assert_eq!(stage.users[0].bodies(), ["let me in", "please"]);
            let account = stage.users[0].client.account();
            assert_eq!(account.blocked().unwrap(), [jid(blocked)]);
            set(&mut stage, false);
            assert_eq!(stage.users[0].empty.len(), 2);
            let account = stage.users[0].client.account();
            assert_eq!(account.blocked().unwrap(), []);
        }
    }
}

/// A new session is not made with somebody who is blocked, though his messages cannot be read.
#[test]
fn a_blocked_contact_is_not_mended() {
    let mut stage = Stage::of_two();
    stage.say(0, ROMEO, &text("1"));
    stage.say(1, JULIET, &text("2"));
    stage.say(0, ROMEO, &text("3"));
    let peer = stage.users[1].client.account().device();
    let account = stage.users[0].client.account();
    account.forget_device(&jid(ROMEO), peer).unwrap();
    stage.befriend(0, 1);
    let now = stage.time();
    let client = &mut stage.users[0].client;
    client.set_blocked(&jid(ROMEO), true, now).unwrap();
    let before = (stage.server.seen.len(), stage.users[0].empty.len());
    let sealed = stage.seal(1, JULIET, &text("4"));
    let asked = stage.server.seen.len() - before.0;
    assert_eq!(stage.receive(0, &sealed), Disposition::Consumed);
    stage.wait(HOUR);
    assert_eq!(stage.users[0].empty.len(), before.1);
    assert_eq!(stage.server.seen.len() - before.0, asked, "nobody is asked");
}

/// The application was not running while an extension has read more than the inbox holds. It is told how many
/// messages are lost, after each start, until it says that the user knows.
#[test]
fn what_is_pushed_out_of_the_inbox_is_told() {
    const SENT: usize = 25;
    let mut small = options();
    small.account.inbox.as_mut().unwrap().messages = 10;
    let mut stage = Stage::new();
    stage.add(&format!("{JULIET}/balcony"), small);
    stage.add(&format!("{ROMEO}/orchard"), options());
    stage.befriend(0, 1);
    stage.users[0].forgets = true;
    for n in 0..SENT {
        stage.say(1, JULIET, &text(&n.to_string()));
    }
    for _ in 0..2 {
        stage.users[0].read.clear();
        stage.users[0].notices.clear();
        stage.crash(0);
        stage.settle();
        let left = stage.users[0].read.len();
        let messages = u64::try_from(SENT - left).unwrap();
        assert!(messages > 0);
        assert_eq!(stage.users[0].notices, [Notice::Evicted { messages }]);
    }
    let messages = stage.users[0].client.account().evicted().unwrap();
    let client = &mut stage.users[0].client;
    client.acknowledge_evicted(messages).unwrap();
    stage.users[0].notices.clear();
    stage.crash(0);
    stage.settle();
    assert_eq!(stage.users[0].notices, []);
    // A running client is told of the next ones as they go; those of before are not counted again.
    stage.connect(0);
    for n in 0..SENT {
        stage.say(1, JULIET, &text(&n.to_string()));
    }
    let told = stage.users[0].notices.last().cloned();
    let messages = stage.users[0].client.account().evicted().unwrap();
    assert!(messages > 0 && messages <= SENT as u64);
    assert_eq!(told, Some(Notice::Evicted { messages }));
}

/// What becomes too old is told of as well; what the application has taken is not.
#[test]
fn what_is_too_old_for_the_inbox_is_told() {
    let mut stage = Stage::of_two();
    stage.say(1, JULIET, &text("taken"));
    stage.users[0].forgets = true;
    stage.say(1, JULIET, &text("not taken"));
    stage.wait(31 * 24 * HOUR);
    let now = stage.time();
    stage.users[0].client.maintain(now).unwrap();
    stage.settle();
    assert_eq!(stage.users[0].notices, [Notice::Evicted { messages: 1 }]);
}
