//! Records of an older version open for ever: a store of each released format is in
//! `test-vectors/stores`, with messages that are still to be read from it.
//!
//! The store of the version that is being made is written by
//!
//! ```text
//! cargo test --release --test account_stored -- --ignored
//! ```
//!
//! which is for changes of formats before they are released. Afterwards the files are never touched again.

#![cfg(feature = "sqlite")]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod couple;
mod ledger;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use couple::Couple;
use omemo::account::{
    APPLICATION, Account, Incarnation, Opening, Options, Order, Received, Trust, TrustPolicy,
};
use omemo::crypto::Secret;
use omemo::model::{BareJid, Fingerprint, Timestamp, Version};
use omemo::store::{Applied, Batch, MemoryStore, Scope, SealKey, Sealed, SqliteStore, Store};
use rand::SeedableRng;
use rand::rngs::StdRng;
use serde_json::{Value, json};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/test-vectors/stores");
const SEAL: [u8; 32] = [0x5e; 32];
const MARKER: [u8; 16] = [0xa5; 16];
const DAY: u64 = 24 * 60 * 60 * 1000;

/// Somebody of whom only a fingerprint and a decision are known.
const NURSE: &str = "nurse@capulet.example";

#[test]
fn stores_of_every_released_format_open() {
    let mut releases: Vec<_> = fs::read_dir(FOLDER).unwrap().collect();
    assert!(!releases.is_empty());
    for release in releases.drain(..) {
        let release = release.unwrap().path();
        for is_sealed in [false, true] {
            println!("{} {is_sealed}", release.display());
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("omemo.db");
            let name = if is_sealed { "sealed.db" } else { "plain.db" };
            fs::copy(release.join(name), &path).unwrap();
            reads_everything(&open(&path, is_sealed), &Expected::read(&release));
        }
    }
}

fn open(path: &Path, is_sealed: bool) -> Arc<dyn Store> {
    let store = SqliteStore::open(path).unwrap();
    store.integrity_check().unwrap();
    if !is_sealed {
        return Arc::new(store);
    }
    let key = Secret::new(SEAL);
    let rng = StdRng::seed_from_u64(1);
    Arc::new(Sealed::open(store, &SealKey::Key(&key), rng).unwrap())
}

/// What `expected.jsonl` says: a head, then what is in the store, one thing in each line.
struct Expected {
    head: Value,
    lines: Vec<Value>,
}

impl Expected {
    fn read(release: &Path) -> Self {
        let text = fs::read_to_string(release.join("expected.jsonl")).unwrap();
        let mut lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
        Self {
            head: lines.next().unwrap(),
            lines: lines.collect(),
        }
    }

    fn of(&self, what: &str) -> Vec<&Value> {
        let lines = self.lines.iter();
        let found: Vec<_> = lines.filter(|line| line["what"] == what).collect();
        assert!(!found.is_empty(), "nothing is said about any {what}");
        found
    }
}

fn reads_everything(store: &Arc<dyn Store>, expected: &Expected) {
    let now = Timestamp::from_millis(expected.head["now"].as_u64().unwrap());
    let mut rng: StdRng = rand::make_rng();
    for (account, line) in accounts(store, now).iter().zip(expected.of("account")) {
        assert_eq!(account.jid().as_str(), line["jid"]);
        assert_eq!(
            account.device().get(),
            line["device"].as_u64().unwrap() as u32
        );
        assert_eq!(account.fingerprint().to_string(), line["fingerprint"]);
        for version in Version::ALL {
            let bundle = account.bundle(version).unwrap().bundle;
            let key = BASE64_STANDARD.encode(bundle.signed_pre_key.as_bytes());
            let line = &line["bundles"][usize::from(version == Version::Omemo2)];
            assert_eq!(line["signed_pre_key"], key);
            assert_eq!(line["pre_keys"], bundle.pre_keys.len());
        }
    }
    let couple = Couple::open(store, now, &mut rng).unwrap();
    let find = |line: &Value| usize::from(couple.0[0].jid().as_str() != line["account"]);
    for line in expected.of("trust") {
        let of: BareJid = line["of"].as_str().unwrap().parse().unwrap();
        let key: Fingerprint = line["fingerprint"].as_str().unwrap().parse().unwrap();
        let trust = couple.0[find(line)].trust(&of, &key).unwrap();
        assert_eq!(format!("{trust:?}"), line["trust"]);
    }
    for line in expected.of("waiting") {
        let consumer = line["consumer"].as_str().unwrap();
        let inbox = couple.0[find(line)].inbox(consumer).unwrap();
        let texts = inbox
            .iter()
            .map(|m| core::str::from_utf8(&m.payload).unwrap());
        let expected: Vec<_> = line["texts"].as_array().unwrap().iter().collect();
        assert_eq!(texts.collect::<Vec<_>>(), expected);
    }
    for line in expected.of("message") {
        let stanza = BASE64_STANDARD
            .decode(line["stanza"].as_str().unwrap())
            .unwrap();
        let stanza = String::from_utf8(stanza).unwrap();
        let (reader, text) = (find(line), line["text"].as_str());
        match (couple.read(reader, &stanza, now, &mut rng).unwrap(), text) {
            (Received::Message(message), Some(text)) => {
                assert_eq!(message.payload.as_slice(), text.as_bytes());
                let account = &couple.0[reader];
                account.acknowledge(&[message.id], APPLICATION).unwrap();
            }
            (Received::Duplicate(_), None) => {}
            (other, _) => panic!("{line}: {other:?}"),
        }
    }
    for n in 0..8_u64 {
        let (from, text) = (usize::try_from(n % 2).unwrap(), n.to_string());
        let stanza = couple.write(from, couple::version(n), &text, now, &mut rng);
        let read = couple
            .read(1 - from, &stanza.unwrap(), now, &mut rng)
            .unwrap();
        assert!(matches!(read, Received::Message(_)), "{read:?}");
    }
    for account in couple.0 {
        account.maintain(now, &mut rng).unwrap();
        account.export_identity().unwrap();
        account.remove().unwrap();
    }
    assert_eq!(Account::all_in(&**store).unwrap(), []);
}

/// Opens the accounts as an application does that keeps the marker.
fn accounts(store: &Arc<dyn Store>, now: Timestamp) -> Vec<Account> {
    let mut rng: StdRng = rand::make_rng();
    let mut open = |jid| {
        let mut options = Options::new(TrustPolicy::Manual);
        options.incarnations = Some(vec![Incarnation::from_bytes(MARKER)]);
        let account = Account::open(store.clone(), jid, options, now, &mut rng).unwrap();
        assert_eq!(account.opening(), Opening::Found);
        account
    };
    let jids = Account::all_in(&**store).unwrap();
    jids.into_iter().map(&mut open).collect()
}

#[test]
#[ignore = "it writes the files that the other test reads"]
fn write_the_stores_of_this_version() {
    let folder = PathBuf::from(FOLDER).join(env!("CARGO_PKG_VERSION"));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    let store = Arc::new(MemoryStore::new());
    let lines = live(&(store.clone() as Arc<dyn Store>));
    let lines: Vec<_> = lines.iter().map(Value::to_string).collect();
    fs::write(folder.join("expected.jsonl"), lines.join("\n") + "\n").unwrap();
    for (name, is_sealed) in [("plain.db", false), ("sealed.db", true)] {
        let copy = open(&folder.join(name), is_sealed);
        let mut batches = BTreeMap::<_, Batch>::new();
        for record in store.dump() {
            let batch = batches.entry(Scope::of(&record.key.partition)).or_default();
            batch.put(record.key, &record.value);
        }
        for (scope, batch) in batches {
            let generation = copy.generation(&scope).unwrap();
            let applied = copy.apply(&scope, generation, &batch).unwrap();
            assert!(matches!(applied, Applied::Done(_)));
        }
    }
}

/// Some weeks of two accounts, and what is left to read.
fn live(store: &Arc<dyn Store>) -> Vec<Value> {
    let mut rng = StdRng::seed_from_u64(1);
    let mut time = 1_700_000_000_000;
    let at = Timestamp::from_millis;
    let couple = Couple::open(store, at(time), &mut rng).unwrap();
    let [juliet, romeo] = &couple.0;
    let mut lines = Vec::new();
    let mut message = |reader: usize, stanza: &str, text: Option<&str>| {
        lines.push(json!({
            "what": "message",
            "account": couple.0[reader].jid().as_str(),
            "stanza": BASE64_STANDARD.encode(stanza),
            "text": text,
        }));
    };
    let mut write = |from: usize, version, text: &str, time| {
        couple
            .write(from, version, text, at(time), &mut rng)
            .unwrap()
    };
    let mut reading = StdRng::seed_from_u64(2);
    let mut read = |reader: usize, stanza: &str, time| {
        let read = couple.read(reader, stanza, at(time), &mut reading).unwrap();
        let Received::Message(message) = read else {
            panic!("{read:?}");
        };
        message.id
    };
    let acknowledge = |reader: usize, id| couple.0[reader].acknowledge(&[id], APPLICATION).unwrap();

    romeo.add_consumer("notifications").unwrap();
    juliet.begin_catch_up(Order::OldestFirst, at(time)).unwrap();
    for version in Version::ALL {
        // First messages that cross, and answers on each session.
        let crossing = [
            write(0, version, "crossing", time),
            write(1, version, "crossing", time),
        ];
        acknowledge(1, read(1, &crossing[0], time));
        acknowledge(0, read(0, &crossing[1], time));
        message(0, &crossing[1], None);
        for round in 0..3 {
            for from in [0, 1] {
                let stanza = write(from, version, "talk", time + round);
                acknowledge(1 - from, read(1 - from, &stanza, time + round));
            }
        }
        // Late ones, whose keys are put away.
        for n in 0..3 {
            let text = format!("late {n}");
            message(1, &write(0, version, &text, time), Some(&text));
        }
        acknowledge(1, read(1, &write(0, version, "early", time), time));
        // One that comes on a session which is old by then.
        message(
            0,
            &write(1, version, "on an old session", time),
            Some("on an old session"),
        );
        time += DAY;
        let now = at(time);
        romeo.reset_sessions(juliet.jid(), None, now).unwrap();
        acknowledge(0, read(0, &write(1, version, "anew", time), time));
    }
    // A key exchange for a signed pre-key that is replaced before it comes.
    juliet.reset_sessions(romeo.jid(), None, at(time)).unwrap();
    let exchange = write(0, Version::Legacy, "for an old bundle", time);
    message(1, &exchange, Some("for an old bundle"));
    time += 8 * DAY;
    romeo
        .maintain(at(time), &mut StdRng::seed_from_u64(3))
        .unwrap();

    // What waits for both consumers, and for one.
    for (text, is_taken) in [("waits for both", false), ("waits for one", true)] {
        let stanza = write(0, Version::Omemo2, text, time);
        let id = read(1, &stanza, time);
        if is_taken {
            acknowledge(1, id);
        }
    }
    let key = juliet.fingerprint();
    romeo
        .set_trust(juliet.jid(), &key, Trust::Verified, at(time))
        .unwrap();
    let nurse: BareJid = NURSE.parse().unwrap();
    let other = Fingerprint::from_bytes([9; 32]);
    juliet
        .set_trust(&nurse, &other, Trust::Distrusted, at(time))
        .unwrap();
    juliet
        .opt_out(&nurse, true, Some("a reason"), at(time))
        .unwrap();
    juliet
        .set_label(Some("Balcony"), &mut StdRng::seed_from_u64(4))
        .unwrap();
    for account in &couple.0 {
        account
            .enter_incarnation(&Incarnation::from_bytes(MARKER))
            .unwrap();
    }

    let mut all = vec![json!({
        "schema": "omemo-store/1",
        "producer": { "name": "omemo", "version": env!("CARGO_PKG_VERSION") },
        "now": time,
        "key": BASE64_STANDARD.encode(SEAL),
        "incarnation": BASE64_STANDARD.encode(MARKER),
    })];
    for account in [juliet, romeo] {
        let bundles = Version::ALL.map(|version| {
            let bundle = account.bundle(version).unwrap().bundle;
            json!({
                "signed_pre_key": BASE64_STANDARD.encode(bundle.signed_pre_key.as_bytes()),
                "pre_keys": bundle.pre_keys.len(),
            })
        });
        all.push(json!({
            "what": "account",
            "jid": account.jid().as_str(),
            "device": account.device().get(),
            "fingerprint": account.fingerprint().to_string(),
            "bundles": bundles,
        }));
    }
    let trusts = [
        (romeo, juliet.jid(), key, "Verified"),
        (juliet, romeo.jid(), romeo.fingerprint(), "Blind"),
        (juliet, &nurse, other, "Distrusted"),
    ];
    for (account, of, key, trust) in trusts {
        all.push(json!({
            "what": "trust",
            "account": account.jid().as_str(),
            "of": of.as_str(),
            "fingerprint": key.to_string(),
            "trust": trust,
        }));
    }
    for consumer in [APPLICATION, "notifications"] {
        let texts: Vec<_> = romeo.inbox(consumer).unwrap();
        let texts = texts
            .iter()
            .map(|m| String::from_utf8(m.payload.to_vec()).unwrap());
        all.push(json!({
            "what": "waiting",
            "account": romeo.jid().as_str(),
            "consumer": consumer,
            "texts": texts.collect::<Vec<_>>(),
        }));
    }
    all.extend(lines);
    all
}
