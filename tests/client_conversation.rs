//! Clients that write to each other over a server, with stanzas as text.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod server;

use std::sync::Arc;

use omemo::account::TrustPolicy;
use omemo::client::{Action, Answer, Client, Delivery, Disposition, Options};
use omemo::model::{BareJid, Timestamp};
use omemo::store::MemoryStore;
use rand::SeedableRng;
use rand::rngs::StdRng;
use server::Server;

struct User {
    full: String,
    client: Client<StdRng>,
    read: Vec<Delivery>,
    other: Vec<String>,
}

struct Stage {
    server: Server,
    users: Vec<User>,
    now: u64,
}

impl Stage {
    fn new() -> Self {
        Self {
            server: Server::default(),
            users: Vec::new(),
            now: 1_700_000_000_000,
        }
    }

    fn time(&self) -> Timestamp {
        Timestamp::from_millis(self.now)
    }

    fn add(&mut self, full: &str, options: Options) -> usize {
        let now = self.time();
        let rng = StdRng::seed_from_u64(self.users.len() as u64);
        let store = Arc::new(MemoryStore::new());
        let jid = BareJid::from_full(full).unwrap();
        let mut client = Client::open_with_rng(store, jid, options, rng, now).unwrap();
        client.connected(now).unwrap();
        self.server.log_in(full);
        let full = full.to_owned();
        self.users.push(User {
            full,
            client,
            read: Vec::new(),
            other: Vec::new(),
        });
        self.settle();
        self.users.len() - 1
    }

    /// Lets everybody do what is to be done, until nothing is left.
    fn settle(&mut self) {
        let now = self.time();
        loop {
            let mut is_quiet = true;
            for user in &mut self.users {
                while let Some(action) = user.client.next_action() {
                    is_quiet = false;
                    match action {
                        Action::Request(request) => {
                            let answer = self.server.answer(&user.full, &request);
                            let answer = answer.as_deref().map_or(Answer::None, Answer::Stanza);
                            user.client.answer(request.id, answer, now).unwrap();
                        }
                        Action::Encrypted(message) => {
                            self.server.send(&user.full, &message.stanza);
                        }
                        Action::Send(stanza) => self.server.send(&user.full, &stanza),
                        Action::Deliver(delivery) => {
                            user.client.acknowledge(&delivery.id).unwrap();
                            user.read.push(*delivery);
                        }
                        Action::WakeAt(_) => {}
                        other => user.other.push(format!("{other:?}")),
                    }
                }
                while let Some(stanza) = self.server.next_for(&user.full) {
                    is_quiet = false;
                    user.client.receive(&stanza, now).unwrap();
                }
            }
            if is_quiet {
                break;
            }
        }
    }

    fn say(&mut self, from: usize, to: &str, inside: &str) {
        let stanza = format!("<message to='{to}' type='chat' id='x'>{inside}</message>");
        let now = self.time();
        let to = BareJid::from_full(to).unwrap();
        self.users[from]
            .client
            .encrypt(&stanza, &[to], now)
            .unwrap();
        self.settle();
    }
}

fn options() -> Options {
    let mut options = Options::new(TrustPolicy::BlindUntilVerified);
    options.account.trust_own = TrustPolicy::BlindUntilVerified;
    options
}

const EXTRAS: &str = "<request xmlns='urn:xmpp:receipts'/><origin-id xmlns='urn:xmpp:sid:0' id='x'/>\
    <replace xmlns='urn:xmpp:message-correct:0' id='w'/>";

#[test]
fn juliet_writes_to_romeo_and_nobody_on_the_way_reads_it() {
    let mut stage = Stage::new();
    let juliet = stage.add("juliet@capulet.example/balcony", options());
    let romeo = stage.add("romeo@montague.example/orchard", options());
    let second = stage.add("romeo@montague.example/phone", options());
    stage.say(
        juliet,
        "romeo@montague.example",
        &format!("<body>Art thou not Romeo?</body>{EXTRAS}"),
    );
    for user in [romeo, second] {
        assert_eq!(
            stage.users[user].read.len(),
            1,
            "{:?}",
            stage.users[user].other
        );
        let stanza = &stage.users[user].read[0].stanza;
        assert!(
            stanza.contains("<body>Art thou not Romeo?</body>"),
            "{stanza}"
        );
        for extra in ["receipts", "origin-id", "id='w'"] {
            assert!(stanza.contains(extra), "{stanza}");
        }
    }
    stage.say(romeo, "juliet@capulet.example", "<body>Neither</body>");
    assert_eq!(stage.users[juliet].read.len(), 1);
    // The other device of Romeo has a copy of what he wrote.
    assert_eq!(stage.users[second].read.len(), 2);
    for seen in &stage.server.seen {
        assert!(
            !seen.contains("Art thou") && !seen.contains("Neither"),
            "{seen}"
        );
    }
    for (user, notices) in [(juliet, 0), (romeo, 1), (second, 0)] {
        let other = &stage.users[user].other;
        assert_eq!(other.len(), notices, "{other:?}");
    }
}

#[test]
fn a_server_that_stumbles_is_asked_again() {
    let mut stage = Stage::new();
    stage.server.refusals = ["item-not-found", "item-not-found"]
        .map(str::to_owned)
        .into();
    let juliet = stage.add("juliet@capulet.example/balcony", options());
    assert!(stage.users[juliet].client.is_published().unwrap());
    assert!(stage.users[juliet].other.is_empty());
}

#[test]
fn a_device_that_nobody_told_of_is_found_when_it_writes() {
    let mut stage = Stage::new();
    let juliet = stage.add("juliet@capulet.example/balcony", options());
    let romeo = stage.add("romeo@montague.example/orchard", options());
    let jid: BareJid = "romeo@montague.example".parse().unwrap();
    let now = stage.time();
    stage.users[juliet]
        .client
        .set_contact(&jid, true, true, now)
        .unwrap();
    stage.say(juliet, jid.as_str(), "<body>Romeo?</body>");
    // Within the hour in which a list is not asked for again.
    stage.now += 60_000;
    stage.server.tells_nobody = true;
    let second = stage.add("romeo@montague.example/phone", options());
    stage.say(second, "juliet@capulet.example", "<body>I am here</body>");
    assert_eq!(stage.users[juliet].read.len(), 1);
    stage.say(juliet, jid.as_str(), "<body>Both of you</body>");
    for (user, what) in [(romeo, "the first"), (second, "the second")] {
        let read = stage.users[user].read.iter();
        let mut texts = read.map(|delivery| &delivery.stanza);
        assert!(texts.any(|text| text.contains("Both of you")), "{what}");
    }
}

#[test]
fn what_is_not_encrypted_is_not_touched() {
    let mut stage = Stage::new();
    let juliet = stage.add("juliet@capulet.example/balcony", options());
    let now = stage.time();
    for stanza in [
        "<message from='a@b'><body>urn:xmpp:omemo:2</body></message>",
        "<message from='a@b'><body>hello</body></message>",
        "<presence/>",
    ] {
        let disposition = stage.users[juliet].client.receive(stanza, now).unwrap();
        assert_eq!(disposition, Disposition::NotOurs);
    }
}
