//! C01: a process that is killed at any moment. What it has acknowledged is there, nothing is there by
//! half, and the file is sound.
//!
//! The child is this program, started with `OMEMO_CRASH=child`. `ci/crash` starts it too, under
//! `strace`, to kill it at every system call that writes and to let those fail; then it asks with
//! `OMEMO_CRASH=look`.

#![cfg(all(feature = "sqlite", unix))]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use omemo::crypto::Secret;
use omemo::store::{
    Applied, Batch, Generation, Key, Range, Remedy, Scope, SealKey, Sealed, SqliteStore, Store,
    StoreError, Table,
};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

const COUNTER: Table = Table::new(1);
const LOG: Table = Table::new(2);
const SESSIONS: Table = Table::new(3);

/// Entries of the log that are kept; the rest is deleted in ranges.
const KEPT: u32 = 8;
const KILLS: usize = 240;

#[test]
fn c01_what_was_acknowledged_survives_sigkill() {
    if std::env::var_os("OMEMO_CRASH").is_some() {
        return;
    }
    let seed: u64 = std::env::var("OMEMO_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or_else(|| rand::rng().random());
    println!("OMEMO_SEED={seed}");
    let mut rng = StdRng::seed_from_u64(seed);
    let folder = tempfile::tempdir().unwrap();
    let (mut applies, mut unacknowledged, mut in_log) = (0, 0, 0);
    for kill in 0..KILLS {
        let sealed = kill % 2 == 1;
        let path = folder.path().join(["plain.db", "sealed.db"][kill % 2]);
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["child", "--exact", "--nocapture"])
            .env("OMEMO_CRASH", "child")
            .env("OMEMO_CRASH_PATH", &path)
            .env("OMEMO_CRASH_SEALED", if sealed { "1" } else { "0" })
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Starting takes some milliseconds; the first kills hit the making of the file.
        let most = if kill < 40 { 8_000 } else { 40_000 };
        thread::sleep(Duration::from_micros(rng.random_range(0..most)));
        child.kill().unwrap();
        child.wait().unwrap();
        let mut said = String::new();
        child.stdout.unwrap().read_to_string(&mut said).unwrap();
        let acknowledged = last_acknowledged(&said);
        in_log += usize::from(path.with_extension("db-wal").exists());
        let found = look(&path, sealed).unwrap();
        let at_least = acknowledged.unwrap_or(0);
        assert!(
            found >= at_least,
            "kill {kill}: {at_least} was acknowledged, {found} is there"
        );
        if let Some(acknowledged) = acknowledged {
            assert!(found <= acknowledged + 1, "kill {kill}");
            unacknowledged += found - acknowledged;
        }
        applies = applies.max(found);
    }
    println!(
        "{KILLS} kills, {in_log} with a log left behind; {unacknowledged} batches were stored and \
         not acknowledged; {applies} batches in the longer file"
    );
    assert!(
        applies > 100,
        "the children were killed too early to show anything"
    );
}

/// The child, if the environment asks for it.
#[test]
fn child() {
    if std::env::var("OMEMO_CRASH").as_deref() != Ok("child") {
        return;
    }
    let limit = number("OMEMO_CRASH_APPLIES").unwrap_or(u32::MAX);
    let mut store = None;
    let mut done = 0;
    // An error is not the end: the same again, or with a new handle. `ci/crash` makes errors.
    let mut errors = 0;
    while done < limit {
        let outcome = match store.take() {
            None => open(&path(), is_sealed()).map(|opened| store = Some(opened)),
            Some(opened) => {
                let outcome = write(&*opened).map(|count| {
                    done += 1;
                    say("ack", &count.to_string());
                });
                store = Some(opened);
                outcome
            }
        };
        if let Err(error) = outcome {
            say("error", &error.to_string());
            match error.remedy() {
                Remedy::Reopen => store = None,
                Remedy::Retry | Remedy::Mend => {}
                // A page that could not be read.
                _ if error == StoreError::Corrupt => store = None,
                _ => panic!("{error}"),
            }
            errors += 1;
            assert!(errors < 100, "it does not end");
        }
    }
    say("done", "");
}

/// Looks at what a child has left, if the environment asks for it.
#[test]
fn looker() {
    if std::env::var("OMEMO_CRASH").as_deref() != Ok("look") {
        return;
    }
    let said = std::env::var("OMEMO_CRASH_SAID").unwrap();
    let said = fs::read_to_string(said).unwrap_or_default();
    let found = look(&path(), is_sealed()).unwrap();
    let acknowledged = last_acknowledged(&said).unwrap_or(0);
    let errors = said.lines().any(|line| line.starts_with("error "));
    // A batch that failed may be stored, and the next one is made on top of it.
    assert!(
        found >= acknowledged,
        "{acknowledged} was acknowledged, {found} is there"
    );
    assert!(errors || found <= acknowledged + 1);
    // It goes on.
    assert_eq!(write(&*open(&path(), is_sealed()).unwrap()), Ok(found + 1));
}

fn path() -> PathBuf {
    std::env::var_os("OMEMO_CRASH_PATH").unwrap().into()
}

fn is_sealed() -> bool {
    number("OMEMO_CRASH_SEALED") == Some(1)
}

fn number(name: &str) -> Option<u32> {
    std::env::var(name).ok()?.parse().ok()
}

/// One line on the standard output, whatever the test harness has written there.
fn say(word: &str, what: &str) {
    let mut out = std::io::stdout().lock();
    write!(out, "\n{word} {what}\n").unwrap();
    out.flush().unwrap();
}

fn last_acknowledged(said: &str) -> Option<u32> {
    let whole = &said[..said.rfind('\n').map_or(0, |end| end + 1)];
    let mut acks = whole.lines().filter_map(|line| line.strip_prefix("ack "));
    acks.next_back().map(|count| count.parse().unwrap())
}

fn open(path: &Path, sealed: bool) -> Result<Box<dyn Store>, StoreError> {
    let store = SqliteStore::open(path)?;
    if !sealed {
        return Ok(Box::new(store));
    }
    let rng: StdRng = rand::make_rng();
    let key = Secret::new([7; 32]);
    Ok(Box::new(Sealed::open(store, &SealKey::Key(&key), rng)?))
}

fn scope() -> Scope {
    Scope::new(*b"juliet")
}

fn counter() -> Key {
    Key::new(COUNTER, *b"juliet", *b"")
}

fn count(store: &dyn Store) -> Result<u32, StoreError> {
    let value = store.get(&counter())?;
    Ok(value.map_or(0, |value| u32::from_be_bytes((**value).try_into().unwrap())))
}

fn session(device: u8) -> Key {
    Key::new(SESSIONS, scope().partition(&[device]), *b"")
}

/// The entry of a batch: its length and bytes follow from its number.
fn entry(count: u32) -> Vec<u8> {
    let long = count.is_multiple_of(3);
    let len = if long { 20_000 } else { 36 + count % 400 };
    (0..len).map(|at| (at ^ count) as u8).collect()
}

/// One batch: a count, ten sessions with it, an entry of the log, and the old ones deleted.
fn write(store: &dyn Store) -> Result<u32, StoreError> {
    let generation = store.generation(&scope())?;
    let next = count(store)? + 1;
    let mut batch = Batch::new();
    for device in 0..10 {
        batch.put(session(device), &next.to_be_bytes().repeat(80));
    }
    let old = Range::partition(LOG, *b"juliet\0log").until(next.saturating_sub(KEPT).to_be_bytes());
    batch
        .delete_range(old)
        .put(
            Key::new(LOG, *b"juliet\0log", next.to_be_bytes()),
            &entry(next),
        )
        .put(counter(), &next.to_be_bytes());
    match store.apply(&scope(), generation, &batch)? {
        Applied::Done(_) => Ok(next),
        Applied::Conflict => panic!("nobody else writes"),
    }
}

/// The count that is stored, if everything else agrees with it.
fn look(path: &Path, sealed: bool) -> Result<u32, StoreError> {
    SqliteStore::open(path)?.integrity_check()?;
    let store = open(path, sealed)?;
    let count = count(&*store)?;
    assert_eq!(
        store.generation(&scope())?,
        Generation::new(u64::from(count))
    );
    if count > 0 {
        for device in 0..10 {
            let value = store.get(&session(device))?.unwrap();
            assert_eq!(**value, count.to_be_bytes().repeat(80), "a batch in part");
        }
    }
    let log = store.scan(&Range::partition(LOG, *b"juliet\0log").into(), 100)?;
    let expected: Vec<_> = (count.saturating_sub(KEPT).max(1)..=count).collect();
    assert_eq!(log.len(), expected.len());
    for (record, number) in log.iter().zip(expected) {
        assert_eq!(*record.key.sort, number.to_be_bytes());
        assert_eq!(*record.value, entry(number));
    }
    Ok(count)
}
