//! What a client does again: what failed here, and what a server said nothing to.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod server;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use omemo::client::{Action, Answer, Client, Notice};
use omemo::model::Timestamp;
use omemo::store::MemoryStore;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand_core::{Rng, TryCryptoRng, TryRng};
use server::Server;
use server::publishing::{LISTS, published, reconnect};
use server::stage::{HOUR, JULIET, MINUTE, ROMEO, Stage, jid, options, text};

/// Draws fail once, at the one that is said.
struct Flaky {
    rng: StdRng,
    is_counted: Arc<AtomicBool>,
    left: usize,
    has_failed: Arc<AtomicBool>,
}

#[derive(Debug)]
struct NoRandomness;

impl core::fmt::Display for NoRandomness {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("no randomness")
    }
}

impl core::error::Error for NoRandomness {}

impl TryRng for Flaky {
    type Error = NoRandomness;

    fn try_next_u32(&mut self) -> Result<u32, NoRandomness> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, NoRandomness> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), NoRandomness> {
        if self.is_counted.load(Ordering::Relaxed) && !self.has_failed.load(Ordering::Relaxed) {
            if self.left == 0 {
                self.has_failed.store(true, Ordering::Relaxed);
                return Err(NoRandomness);
            }
            self.left -= 1;
        }
        self.rng.fill_bytes(bytes);
        Ok(())
    }
}

impl TryCryptoRng for Flaky {}

/// Does what the actions say; what fails is done again.
fn settle(client: &mut Client<Flaky>, server: &mut Server, full: &str, now: Timestamp) {
    while let Some(action) = client.next_action() {
        if let Action::Request(request) = action {
            let answer = server.answer(full, &request).unwrap();
            let answer = Answer::Stanza(&answer);
            if client.answer(request.id, answer, now).is_err() {
                client.answer(request.id, answer, now).unwrap();
            }
        }
    }
}

/// A call that fails forgets nothing of what is to be announced, or taken off.
#[test]
fn what_could_not_be_asked_for_is_asked_for_again() {
    let full = "juliet@capulet.example/balcony";
    let now = Timestamp::from_millis(1_700_000_000_000);
    for nth in 0.. {
        let [is_counted, has_failed] = [(); 2].map(|()| Arc::new(AtomicBool::new(false)));
        let rng = Flaky {
            rng: StdRng::seed_from_u64(1),
            is_counted: is_counted.clone(),
            left: nth,
            has_failed: has_failed.clone(),
        };
        let mut server = Server::default();
        let store = Arc::new(MemoryStore::new());
        let mut client = Client::open_with_rng(store, jid(JULIET), options(), rng, now).unwrap();
        is_counted.store(true, Ordering::Relaxed);
        if client.connected(now).is_err() {
            client.connected(now).unwrap();
        }
        settle(&mut client, &mut server, full, now);
        assert!(client.is_published().unwrap(), "{nth}");
        for list in LISTS {
            assert_eq!(server.items(&jid(JULIET), list).len(), 1, "{nth}");
        }
        if client.switch_off(now).is_err() {
            client.tick(now).unwrap();
        }
        settle(&mut client, &mut server, full, now);
        for list in LISTS {
            let items = server.items(&jid(JULIET), list);
            assert!(!items[0].contains("<device "), "{nth}");
        }
        if !has_failed.load(Ordering::Relaxed) {
            assert!(nth > 8, "{nth}");
            break;
        }
    }
}

/// A publication whose answer is lost is made again on the same stream.
#[test]
fn a_publication_without_an_answer_is_made_again() {
    let mut stage = Stage::new();
    stage.server.silent_nodes = vec!["bundles".to_owned()];
    stage.add("juliet@capulet.example/balcony", options());
    stage.wait(MINUTE);
    stage.wait(MINUTE);
    assert_eq!(stage.users[0].notices.len(), 2);
    stage.server.silent_nodes.clear();
    let since = stage.server.seen.len();
    stage.wait(MINUTE);
    assert!(published(&stage, since).is_empty());
    assert!(!stage.users[0].client.is_published().unwrap());
    let at = stage.users[0].wake_at.unwrap().as_millis();
    assert!(at > stage.now && at < stage.now + HOUR);
    stage.wait(at - stage.now);
    assert!(stage.users[0].client.is_published().unwrap());
    assert_eq!(published(&stage, since).len(), 4);

    stage.server.silent_nodes = vec!["devices".to_owned()];
    let now = stage.time();
    let juliet = &mut stage.users[0].client;
    juliet.set_label(Some("Balcony"), now).unwrap();
    stage.settle();
    stage.wait(MINUTE);
    assert!(!stage.users[0].client.is_published().unwrap());
    stage.server.silent_nodes.clear();
    stage.wait(10 * MINUTE);
    assert!(stage.users[0].client.is_published().unwrap());
    let list = &stage.server.items(&jid(JULIET), LISTS[1])[0];
    assert!(list.contains("Balcony"), "{list}");
    assert_eq!(stage.users[0].notices.len(), 2, "told once");
}

/// A server that does not answer at all: messages are refused for a reason, and nothing hangs.
#[test]
fn a_silent_server_is_waited_for_and_reported() {
    let mut stage = Stage::new();
    stage.server.silent_nodes = vec!["urn".to_owned(), "eu".to_owned()];
    stage.add("juliet@capulet.example/balcony", options());
    stage.give(0, ROMEO, &text("x"));
    for _ in 0..6 {
        stage.wait(MINUTE);
    }
    let user = &stage.users[0];
    assert_eq!(user.refused.len(), 1);
    let nodes = user.notices.iter().filter(|notice| {
        matches!(
            notice,
            Notice::NotPublished {
                condition: None,
                ..
            }
        )
    });
    assert_eq!(nodes.count(), 2, "{:?}", user.notices);
    // When it has come to itself, everything is there after the next connection.
    stage.server.silent_nodes.clear();
    assert_eq!(reconnect(&mut stage).len(), 4);
}
