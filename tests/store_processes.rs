//! C08: several processes that write into one file at once, with one of them suspended and one of them
//! killed. Nothing is lost, and nobody sees an error but "busy" and "somebody was faster".

#![cfg(all(feature = "sqlite", unix))]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

use std::io::{Read, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use omemo::store::{Applied, Batch, Key, Scope, SqliteStore, Store, StoreError, Table};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

const COUNTERS: Table = Table::new(1);
const PROCESSES: usize = 4;
const EACH: u64 = 2500;

/// The one that is killed on the way.
const KILLED: usize = 3;

#[test]
fn c08_processes_lose_no_update() {
    let seed: u64 = std::env::var("OMEMO_SEED")
        .ok()
        .and_then(|seed| seed.parse().ok())
        .unwrap_or_else(|| rand::rng().random());
    println!("OMEMO_SEED={seed}");
    let mut rng = StdRng::seed_from_u64(seed);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("omemo.db");
    let mut children: Vec<Child> = (0..PROCESSES).map(|number| start(&path, number)).collect();
    // What they say is read while they run, so that nobody waits for a full pipe.
    let readers: Vec<_> = children
        .iter_mut()
        .map(|child| {
            let mut out = child.stdout.take().unwrap();
            thread::spawn(move || {
                let mut said = String::new();
                out.read_to_string(&mut said).unwrap();
                said
            })
        })
        .collect();
    for round in 0..8 {
        thread::sleep(Duration::from_millis(rng.random_range(50..150)));
        let suspended = &mut children[rng.random_range(0..PROCESSES - 1)];
        if suspended.try_wait().unwrap().is_none() {
            signal(suspended, "-STOP");
            thread::sleep(Duration::from_millis(rng.random_range(50..500)));
            signal(suspended, "-CONT");
        }
        if round == 1 {
            children[KILLED].kill().unwrap();
        }
    }
    let statuses: Vec<_> = children.iter_mut().map(|c| c.wait().unwrap()).collect();
    let said: Vec<_> = readers.into_iter().map(|r| r.join().unwrap()).collect();

    let store = SqliteStore::open(&path).unwrap();
    store.integrity_check().unwrap();
    let own: Vec<_> = (0..PROCESSES)
        .map(|number| read(&store, &own(number)))
        .collect();
    let told = |number: usize, word: &str| -> Vec<u64> {
        let whole = &said[number][..said[number].rfind('\n').map_or(0, |end| end + 1)];
        let lines = whole.lines().filter_map(|line| line.strip_prefix(word));
        lines.map(|text| text.trim().parse().unwrap()).collect()
    };
    for number in 0..PROCESSES {
        let acknowledged = told(number, "ack ").last().copied().unwrap_or(0);
        if number == KILLED && !statuses[number].success() {
            assert!((acknowledged..=acknowledged + 1).contains(&own[number]));
        } else {
            assert!(statuses[number].success(), "{}", said[number]);
            assert_eq!(own[number], EACH);
        }
    }
    assert_eq!(read(&store, &shared()), own.iter().sum::<u64>());
    assert_eq!(
        store.generation(&scope()).unwrap().get(),
        own.iter().sum::<u64>()
    );
    let sum = |word| {
        (0..PROCESSES)
            .flat_map(|number| told(number, word))
            .sum::<u64>()
    };
    println!(
        "{own:?} batches; {} conflicts, {} times busy",
        sum("conflicts "),
        sum("busy ")
    );
}

/// A second handle in one process must not take the marks of the first one from the file (on Unix any
/// `close` would): another process would think itself alone, and clean up behind those who still write.
#[test]
fn c08_a_second_handle_leaves_the_first_its_locks() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("omemo.db");
    let write = |store: &SqliteStore, value: &[u8]| {
        let mut batch = Batch::new();
        batch.put(shared(), value);
        let applied = store
            .apply(&scope(), store.generation(&scope()).unwrap(), &batch)
            .unwrap();
        assert!(matches!(applied, Applied::Done(_)));
    };
    let first = SqliteStore::open(&path).unwrap();
    write(&first, b"1");
    drop(SqliteStore::open(&path).unwrap());
    let _second = SqliteStore::open(&path).unwrap();
    let visitor = Command::new(std::env::current_exe().unwrap())
        .args(["visitor", "--exact"])
        .env("OMEMO_PROCESSES_VISIT", &path)
        .stdout(Stdio::null())
        .status();
    assert!(visitor.unwrap().success());
    assert!(path.with_extension("db-wal").exists());
    write(&first, b"2");
}

/// Opens a store and closes it, if the environment asks for it.
#[test]
fn visitor() {
    if let Some(path) = std::env::var_os("OMEMO_PROCESSES_VISIT") {
        drop(SqliteStore::open(path).unwrap());
    }
}

/// One of the processes, if the environment asks for it.
#[test]
fn child() {
    let Some(path) = std::env::var_os("OMEMO_PROCESSES_PATH") else {
        return;
    };
    let number = std::env::var("OMEMO_PROCESSES_NUMBER").unwrap();
    let own = own(number.parse().unwrap());
    let store = patiently(|| SqliteStore::open_with(&path, Duration::from_millis(100)));
    let (mut conflicts, mut busy) = (0, 0);
    for count in 1..=EACH {
        loop {
            let generation = store.generation(&scope()).unwrap();
            let mut batch = Batch::new();
            for key in [&own, &shared()] {
                let next = read(&store, key) + 1;
                batch.put(key.clone(), &next.to_be_bytes());
            }
            match store.apply(&scope(), generation, &batch) {
                Ok(Applied::Done(_)) => break,
                Ok(Applied::Conflict) => conflicts += 1,
                Err(StoreError::Busy) => busy += 1,
                Err(error) => panic!("{error}"),
            }
        }
        say("ack", count);
    }
    say("conflicts", conflicts);
    say("busy", busy);
}

fn start(path: &Path, number: usize) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["child", "--exact", "--nocapture"])
        .env("OMEMO_PROCESSES_PATH", path)
        .env("OMEMO_PROCESSES_NUMBER", number.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

fn signal(child: &Child, name: &str) {
    let pid = child.id().to_string();
    let sent = Command::new("kill").args([name, &pid]).status().unwrap();
    assert!(sent.success());
}

fn patiently<T>(mut attempt: impl FnMut() -> Result<T, StoreError>) -> T {
    loop {
        match attempt() {
            Err(StoreError::Busy) => {}
            outcome => return outcome.unwrap(),
        }
    }
}

fn say(word: &str, number: u64) {
    let mut out = std::io::stdout().lock();
    write!(out, "\n{word} {number}\n").unwrap();
    out.flush().unwrap();
}

fn scope() -> Scope {
    Scope::new(*b"juliet")
}

fn own(number: usize) -> Key {
    Key::new(COUNTERS, *b"juliet\0own", number.to_be_bytes())
}

fn shared() -> Key {
    Key::new(COUNTERS, *b"juliet\0shared", *b"")
}

fn read(store: &SqliteStore, key: &Key) -> u64 {
    let value = store.get(key).unwrap();
    value.map_or(0, |value| u64::from_be_bytes((**value).try_into().unwrap()))
}
