//! A store of each kind, empty, with a second handle on the same records.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::sync::Arc;

use omemo::crypto::Secret;
use omemo::store::faults::{FaultPlan, Faulty};
use omemo::store::{
    Applied, Batch, Generation, Key, MemoryStore, Range, Scan, Scope, SealKey, Sealed, Store, Table,
};
use rand::SeedableRng;
use rand::rngs::StdRng;

pub(crate) const ONE: Table = Table::new(1);
pub(crate) const TWO: Table = Table::new(2);

/// A store, and a second handle on the same records.
type Pair = (Arc<dyn Store>, Arc<dyn Store>);

fn memory() -> Pair {
    let store = Arc::new(MemoryStore::new());
    (store.clone(), store)
}

fn faulty() -> Pair {
    let store = Arc::new(Faulty::new(MemoryStore::new(), FaultPlan::none()));
    (store.clone(), store)
}

fn sealed((first, second): Pair) -> Pair {
    let key = Secret::new([7; 32]);
    let seal = |store, seed| {
        let rng = StdRng::seed_from_u64(seed);
        Arc::new(Sealed::open(store, &SealKey::Key(&key), rng).unwrap())
    };
    (seal(first, 1), seal(second, 2))
}

#[cfg(feature = "sqlite")]
fn sqlite(folder: &std::path::Path) -> Pair {
    use omemo::store::SqliteStore;
    let path = folder.join("omemo.db");
    let open = || Arc::new(SqliteStore::open(&path).unwrap());
    (open(), open())
}

/// Runs `test` with an empty store of each kind.
pub(crate) fn with_each(test: impl Fn(&dyn Store, &dyn Store)) {
    let run = |name: &str, (first, second): Pair| {
        println!("{name}");
        test(&*first, &*second);
    };
    run("memory", memory());
    run("faulty", faulty());
    run("sealed memory", sealed(memory()));
    run("sealed twice", sealed(sealed(memory())));
    #[cfg(feature = "sqlite")]
    {
        let folder = tempfile::tempdir().unwrap();
        run("sqlite", sqlite(folder.path()));
        let folder = tempfile::tempdir().unwrap();
        run("sealed sqlite", sealed(sqlite(folder.path())));
    }
}

pub(crate) fn apply(store: &dyn Store, build: impl FnOnce(&mut Batch)) -> Generation {
    let mut batch = Batch::new();
    build(&mut batch);
    let generation = store.generation(&scope()).unwrap();
    match store.apply(&scope(), generation, &batch).unwrap() {
        Applied::Done(now) => now,
        Applied::Conflict => panic!("nobody else writes"),
    }
}

/// Where the records of most tests are.
pub(crate) fn scope() -> Scope {
    Scope::new(*b"juliet")
}

/// A partition of that scope.
pub(crate) fn within(name: &[u8]) -> Vec<u8> {
    scope().partition(name)
}

pub(crate) fn key(partition: &[u8], sort: &[u8]) -> Key {
    Key::new(ONE, within(partition), sort)
}

pub(crate) fn range(partition: &[u8]) -> Range {
    Range::partition(ONE, within(partition))
}

/// The partitions of that scope, all that there are.
pub(crate) fn partitions(store: &dyn Store, table: Table) -> Vec<Vec<u8>> {
    let records = store.scan(&Scan::partitions(table), usize::MAX).unwrap();
    let name = |partition: &[u8]| partition.strip_prefix(&*within(b"")).unwrap().to_vec();
    let mut names: Vec<_> = records.iter().map(|r| name(&r.key.partition)).collect();
    names.sort();
    names
}
