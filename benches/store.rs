//! What an account asks of its store, with few and with many sessions in it: the times should be alike,
//! since work is to grow with what is done and not with what is stored.
//!
//! `cargo bench -p omemo --bench store`

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "nobody depends on a benchmark"
)]

use std::time::{Duration, Instant};

use omemo::crypto::Secret;
use omemo::store::{Applied, Batch, Key, MemoryStore, Range, Scope, SealKey, Sealed, Store, Table};
use rand::SeedableRng;
use rand::rngs::StdRng;

const SESSIONS: Table = Table::new(1);
const SKIPPED: Table = Table::new(2);

const SESSION: [u8; 319] = [7; 319];
const SKIPPED_KEY: [u8; 36] = [7; 36];

fn main() {
    println!("{:14} {:>8} {COLUMNS}", "store", "sessions");
    for sessions in [1_000, 100_000] {
        let key = Secret::new([1; 32]);
        let seal = SealKey::Key(&key);
        let rng = || StdRng::seed_from_u64(1);
        measure("memory", &MemoryStore::new(), sessions);
        let sealed = Sealed::open(MemoryStore::new(), &seal, rng()).unwrap();
        measure("sealed memory", &sealed, sessions);
        #[cfg(feature = "sqlite")]
        {
            let folder = tempfile::tempdir().unwrap();
            let open = |name| omemo::store::SqliteStore::open(folder.path().join(name)).unwrap();
            measure("sqlite", &open("plain.db"), sessions);
            let sealed = Sealed::open(open("sealed.db"), &seal, rng()).unwrap();
            measure("sealed sqlite", &sealed, sessions);
        }
    }
}

const COLUMNS: &str =
    "1,000 devices | one message | skip 10,000 | use a skipped key | oldest key | expire 9,000";

fn measure(name: &str, store: &dyn Store, sessions: u32) {
    for first in (0..sessions).step_by(1000) {
        apply(store, |batch| {
            for device in first..first + 1000 {
                batch.put(session(device), &SESSION);
            }
        });
    }
    let group = time(10, |round| {
        let mut batch = Batch::new();
        let generation = store.generation(&scope()).unwrap();
        for device in 0..1000 {
            let key = session((round * 1000 + device * 7) % sessions);
            assert!(store.get(&key).unwrap().is_some());
            batch.put(key, &SESSION);
        }
        let applied = store.apply(&scope(), generation, &batch).unwrap();
        assert!(matches!(applied, Applied::Done(_)));
    });
    let one = time(200, |device| {
        assert!(store.get(&session(device)).unwrap().is_some());
        apply(store, |batch| {
            drop_ref(batch.put(session(device), &SESSION))
        });
    });
    let skip = time(1, |_| {
        apply(store, |batch| {
            for n in 0..10_000 {
                batch.put(skipped(n), &SKIPPED_KEY);
            }
        });
    });
    let used = time(200, |n| {
        assert!(store.get(&skipped(n)).unwrap().is_some());
        apply(store, |batch| drop_ref(batch.delete(skipped(n))));
    });
    let all = || Range::partition(SKIPPED, scope().partition(b"session"));
    let oldest = time(20, |_| {
        assert_eq!(store.scan(&all().into(), 1).unwrap().len(), 1);
    });
    let expire = time(1, |_| {
        apply(store, |batch| {
            batch.delete_range(all().until(9_000_u32.to_be_bytes()));
        });
    });
    println!(
        "{name:14} {sessions:>8} {group:>13.2?} | {one:>11.2?} | {skip:>11.2?} | {used:>17.2?} | \
         {oldest:>10.2?} | {expire:>12.2?}"
    );
}

fn scope() -> Scope {
    Scope::new(*b"juliet@capulet.example")
}

fn session(device: u32) -> Key {
    Key::new(SESSIONS, scope().partition(&device.to_be_bytes()), [])
}

fn skipped(n: u32) -> Key {
    Key::new(SKIPPED, scope().partition(b"session"), n.to_be_bytes())
}

fn apply(store: &dyn Store, build: impl FnOnce(&mut Batch)) {
    let mut batch = Batch::new();
    build(&mut batch);
    let applied = store
        .apply(&scope(), store.generation(&scope()).unwrap(), &batch)
        .unwrap();
    assert!(matches!(applied, Applied::Done(_)));
}

const fn drop_ref(_: &mut Batch) {}

fn time(rounds: u32, mut work: impl FnMut(u32)) -> Duration {
    let begin = Instant::now();
    (0..rounds).for_each(&mut work);
    begin.elapsed() / rounds
}
