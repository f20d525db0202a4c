//! A33: a process that forks while it has a store open. The child is told so; the parent goes on, and
//! nothing is cleaned up behind it.

#![cfg(all(feature = "sqlite", unix))]
#![allow(
    unsafe_code,
    reason = "a fork cannot be had without: three functions of the C library, called by nobody else"
)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test says no by panicking"
)]

use std::ffi::c_int;

use omemo::store::{Applied, Batch, Key, Scope, SqliteStore, Store, StoreError, Table};

unsafe extern "C" {
    safe fn fork() -> c_int;
    safe fn _exit(status: c_int) -> !;
    fn waitpid(pid: c_int, status: *mut c_int, options: c_int) -> c_int;
}

fn scope() -> Scope {
    Scope::new(*b"p")
}

fn key() -> Key {
    Key::new(Table::new(1), *b"p", *b"s")
}

fn put(store: &SqliteStore, value: &[u8]) -> Result<Applied, StoreError> {
    let mut batch = Batch::new();
    batch.put(key(), value);
    store.apply(&scope(), store.generation(&scope())?, &batch)
}

#[test]
fn a33_the_child_of_a_fork_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("omemo.db");
    let store = SqliteStore::open(&path).unwrap();
    assert!(matches!(put(&store, b"before"), Ok(Applied::Done(_))));
    let child = fork();
    if child == 0 {
        // No panic here: the child of a fork says what it found and is gone.
        let told = store.get(&key()) == Err(StoreError::Forked)
            && store.generation(&scope()) == Err(StoreError::Forked)
            && put(&store, b"child") == Err(StoreError::Forked);
        drop(store);
        let wal = path.with_extension("db-wal").exists();
        _exit(if told && wal { 0 } else { 1 });
    }
    assert!(child > 0);
    let mut status = 0;
    // SAFETY: `status` is a place for one int, and the child is ours.
    assert_eq!(unsafe { waitpid(child, &raw mut status, 0) }, child);
    assert_eq!(status, 0);
    assert!(matches!(put(&store, b"after"), Ok(Applied::Done(_))));
    store.integrity_check().unwrap();
    drop(store);
    let store = SqliteStore::open(&path).unwrap();
    assert_eq!(**store.get(&key()).unwrap().unwrap(), *b"after");
}
