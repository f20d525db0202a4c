//! Devices that were set up anew under their old ids, and those who pretend it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod server;

use std::sync::Arc;

use omemo::account::{Account, Gap, Refusal, Trust};
use omemo::client::RefusalReason;
use omemo::model::Version;
use omemo::store::{MemoryStore, Scope, Store};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng, TryCryptoRng, TryRng};
use server::stage::{JULIET, MALLORY, ROMEO, Stage, jid, only, text};
use server::with_from;

/// Chance, but for device ids, which are always the same.
struct OneId(StdRng);

impl TryRng for OneId {
    type Error = core::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        Ok(self.0.next_u32())
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        Ok(self.0.next_u64())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        match bytes.len() {
            4 => bytes.copy_from_slice(&4711_u32.to_be_bytes()),
            _ => self.0.fill_bytes(bytes),
        }
        Ok(())
    }
}

impl TryCryptoRng for OneId {}

/// A client whose device has the id 4711.
fn add_with_one_id(stage: &mut Stage, full: &str, version: Version, seed: u64) -> usize {
    let store = Arc::new(MemoryStore::new());
    let options = only(version);
    let mut rng = OneId(StdRng::seed_from_u64(seed));
    let now = stage.time();
    let account = Account::open(
        store.clone(),
        jid(full),
        options.account.clone(),
        now,
        &mut rng,
    );
    assert_eq!(account.unwrap().device().get(), 4711);
    stage.add_with(full, options, store)
}

/// Juliet and Romeo have talked. Then Romeo's client lost its store and took its old id again; his server had
/// lost its list.
fn anew(version: Version) -> Stage {
    let mut stage = Stage::new();
    stage.add(&format!("{JULIET}/balcony"), only(version));
    let old = add_with_one_id(&mut stage, &format!("{ROMEO}/orchard"), version, 1001);
    stage.befriend(0, old);
    for (from, to) in [(0, ROMEO), (1, JULIET), (0, ROMEO)] {
        stage.say(from, to, &text("hello"));
    }
    assert_eq!(stage.users[1].bodies().len(), 2);
    stage.disconnect(old);
    for (owner, node) in stage.server.nodes() {
        if owner == jid(ROMEO) {
            stage.server.forget(&owner, &node);
        }
    }
    let new = add_with_one_id(&mut stage, &format!("{ROMEO}/orchard"), version, 1002);
    stage.befriend(0, new);
    assert_eq!(stage.users[new].client.account().device().get(), 4711);
    stage
}

/// The new device has written to Juliet, who cannot read it.
fn heard_of(version: Version) -> Stage {
    let mut stage = anew(version);
    let sent = stage.users[0].encrypted.len();
    stage.say(2, JULIET, &text("it is I"));
    assert!(stage.users[0].bodies().iter().all(|body| body != "it is I"));
    assert_eq!(stage.users[0].encrypted.len(), sent);
    stage
}

#[test]
fn a_device_that_was_set_up_anew_leads_to_a_question() {
    for version in Version::ALL {
        for restarts in [false, true] {
            let mut stage = heard_of(version);
            if restarts {
                stage.crash(0);
                stage.connect(0);
                stage.settle();
            }
            let before = stage.users[0].encrypted.len();
            let ticket = stage.say(0, ROMEO, &text("who are you?"));
            assert_eq!(
                stage.users[0].encrypted.len(),
                before,
                "nobody could read it"
            );
            let question = stage.users[0].identity_questions[0].clone();
            assert_eq!((question.ticket, question.changed.len()), (ticket, 1));
            let changed = &question.changed[0];
            let key = |user: usize| stage.users[user].client.account().fingerprint();
            assert_eq!((&changed.jid, changed.device.get()), (&jid(ROMEO), 4711));
            assert_eq!((changed.known, changed.shown), (key(1), key(2)));
            let now = stage.time();
            let client = &mut stage.users[0].client;
            client
                .accept_identity(&changed.jid, changed.device, &changed.shown, now)
                .unwrap();
            stage.settle();
            assert_eq!(stage.users[2].bodies(), ["who are you?"], "{version:?}");
            stage.say(2, JULIET, &text("Romeo"));
            assert_eq!(stage.users[0].bodies().last().unwrap(), "Romeo");
            stage.say(0, ROMEO, &text("good"));
            assert_eq!(stage.users[2].bodies().last().unwrap(), "good");
            assert_eq!(stage.users[0].identity_questions.len(), 1);
        }
    }
}

/// To trust the new key, as after its fingerprint was compared, is to accept it.
#[test]
fn to_verify_the_new_key_is_an_answer() {
    let mut stage = heard_of(Version::Omemo2);
    stage.say(0, ROMEO, &text("who are you?"));
    let changed = stage.users[0].identity_questions[0].changed[0].clone();
    let now = stage.time();
    let client = &mut stage.users[0].client;
    client
        .decide(&changed.jid, &changed.shown, Trust::Verified, now)
        .unwrap();
    stage.settle();
    assert_eq!(stage.users[2].bodies(), ["who are you?"]);
}

/// Until the user says otherwise the device is what it was: the other key may be the server's.
#[test]
fn who_refuses_the_new_key_keeps_the_old_one() {
    for version in Version::ALL {
        let mut stage = heard_of(version);
        stage.say(0, ROMEO, &text("who are you?"));
        let changed = stage.users[0].identity_questions[0].changed[0].clone();
        let before = stage.users[0].encrypted.len();
        let now = stage.time();
        let client = &mut stage.users[0].client;
        client
            .decide(&changed.jid, &changed.shown, Trust::Distrusted, now)
            .unwrap();
        stage.settle();
        assert_eq!(stage.users[0].encrypted.len(), before + 1);
        // Nobody is asked again, whatever comes.
        stage.say(2, JULIET, &text("it is I"));
        stage.say(0, ROMEO, &text("I do not know you"));
        assert_eq!(stage.users[0].identity_questions.len(), 1);
        assert_eq!(stage.users[0].encrypted.len(), before + 2);
        assert!(stage.users[2].bodies().is_empty());
        let devices = stage.users[0]
            .client
            .account()
            .devices(&jid(ROMEO))
            .unwrap();
        assert_eq!(devices[0].fingerprint, Some(changed.known));
    }
}

#[test]
fn without_an_answer_the_device_is_left_out() {
    let mut stage = heard_of(Version::Legacy);
    let ticket = stage.say(0, ROMEO, &text("who are you?"));
    let now = stage.time();
    stage.users[0].client.send_anyway(ticket, now).unwrap();
    stage.settle();
    let RefusalReason::Recipients(refusal) = &stage.users[0].refused[0].reason else {
        panic!();
    };
    let Refusal::NobodyReached(_, report) = &**refusal else {
        panic!("{refusal:?}");
    };
    assert_eq!(report.skipped().next().unwrap().1, Gap::IdentityChanged);
}

/// Without a session as well: the key is known from a bundle.
#[test]
fn a_key_that_changes_before_the_first_message_leads_to_a_question() {
    let version = Version::Omemo2;
    let mut stage = Stage::new();
    stage.add(&format!("{JULIET}/balcony"), only(version));
    let old = add_with_one_id(&mut stage, &format!("{ROMEO}/orchard"), version, 1001);
    stage.befriend(0, old);
    let now = stage.time();
    stage.users[0].client.prepare(&[jid(ROMEO)], now).unwrap();
    stage.settle();
    let known = stage.users[old].client.account().fingerprint();
    stage.disconnect(old);
    for (owner, node) in stage.server.nodes() {
        if owner == jid(ROMEO) {
            stage.server.forget(&owner, &node);
        }
    }
    add_with_one_id(&mut stage, &format!("{ROMEO}/orchard"), version, 1002);
    // What was fetched before is old by now.
    stage.wait(server::stage::HOUR);
    stage.say(0, ROMEO, &text("x"));
    let changed = &stage.users[0].identity_questions[0].changed[0];
    assert_eq!(changed.known, known);
    let (of, device, shown) = (changed.jid.clone(), changed.device, changed.shown);
    let now = stage.time();
    stage.users[0]
        .client
        .accept_identity(&of, device, &shown, now)
        .unwrap();
    stage.settle();
    assert_eq!(stage.users[2].bodies(), ["x"]);
}

/// Mallory sends key exchanges as if they were from Romeo's device. Its bundle says that it is what it was:
/// nobody is asked, nothing is held, and repeating it costs nothing.
#[test]
fn a_forged_key_exchange_is_seen_through() {
    for version in Version::ALL {
        let mut stage = Stage::new();
        let store = Arc::new(MemoryStore::new());
        stage.add_with(&format!("{JULIET}/balcony"), only(version), store.clone());
        let romeo = add_with_one_id(&mut stage, &format!("{ROMEO}/orchard"), version, 1001);
        let mallory = add_with_one_id(&mut stage, &format!("{MALLORY}/cave"), version, 1002);
        stage.befriend(0, romeo);
        for (from, to) in [(0, ROMEO), (romeo, JULIET)] {
            stage.say(from, to, &text("hello"));
        }
        let forged: Vec<_> = (0..3)
            .map(|n| {
                let sealed = stage.seal(mallory, JULIET, &text(&n.to_string()));
                with_from(
                    &sealed.replacen(&format!(" from='{MALLORY}/cave'"), "", 1),
                    &format!("{ROMEO}/orchard"),
                )
            })
            .collect();
        stage.receive(0, &forged[0]);
        stage.settle();
        let before = store.generation(&Scope::new(JULIET)).unwrap();
        for stanza in &forged[1..] {
            stage.receive(0, stanza);
            stage.settle();
        }
        assert_eq!(
            store.generation(&Scope::new(JULIET)).unwrap(),
            before,
            "{version:?}"
        );
        stage.say(0, ROMEO, &text("still you?"));
        assert!(stage.users[0].identity_questions.is_empty());
        assert_eq!(stage.users[romeo].bodies(), ["hello", "still you?"]);
        // The bundle is looked at once.
        let seen = stage.server.seen.len();
        stage.say(0, ROMEO, &text("yes"));
        let mut requests = stage.server.seen[seen..].iter();
        assert!(!requests.any(|xml| xml.contains("bundles")));
        // A bundle that nobody can get holds nothing either.
        stage.server.silent_nodes = vec!["bundles".to_owned()];
        stage.receive(0, &forged[1]);
        stage.say(0, ROMEO, &text("and now?"));
        for _ in 0..3 {
            stage.wait(server::stage::MINUTE);
        }
        assert_eq!(stage.users[romeo].bodies().last().unwrap(), "and now?");
    }
}
