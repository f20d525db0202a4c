//! C01, C10 with accounts: a process that is killed at any moment while two accounts write to each other.
//! No message key is used for two messages (I1), every message that was let out is read in the end (I2),
//! and the file is sound (I5).
//!
//! The child is this program, started with `OMEMO_CRASH=child`; what it says is the journal of what it
//! let out and read, and a later child goes on from there. `ci/crash` starts it too, under `strace`, to
//! kill it at every system call that writes and to let those fail; then it asks with `OMEMO_CRASH=look`.

#![cfg(all(feature = "sqlite", unix))]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod couple;
mod ledger;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use couple::{Couple, version};
use ledger::Ledger;
use omemo::account::{Account, AccountError, Order, Received};
use omemo::crypto::Secret;
use omemo::model::Timestamp;
use omemo::store::{Remedy, SealKey, Sealed, SqliteStore, Store, StoreError};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

const DAY: u64 = 24 * 60 * 60 * 1000;
const KILLS: usize = 80;

/// So many of them are of a file that was just begun.
const EARLY: usize = 30;

#[test]
fn c01_c10_what_was_let_out_is_read_after_sigkill() {
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
    let mut most = 0;
    for kill in 0..KILLS {
        let is_sealed = kill % 2 == 1;
        let name = match kill {
            _ if kill < EARLY => format!("{kill}"),
            _ if is_sealed => "sealed".to_owned(),
            _ => "plain".to_owned(),
        };
        let path = folder.path().join(format!("{name}.db"));
        let said = folder.path().join(format!("{name}.said"));
        let mut child = start(&path, &said, is_sealed);
        let longest = if kill < EARLY { 60_000 } else { 250_000 };
        thread::sleep(Duration::from_micros(rng.random_range(0..longest)));
        child.kill().unwrap();
        let status = child.wait().unwrap();
        assert_eq!(
            status.signal(),
            Some(9),
            "kill {kill}: it has failed by itself"
        );
        if kill < EARLY || kill + 2 >= KILLS {
            most = most.max(look(&path, &said, is_sealed));
        }
    }
    println!("{KILLS} kills; {most} messages in the longer file");
    assert!(
        most > 50,
        "the children were killed too early to show anything"
    );
}

fn start(path: &Path, said: &Path, is_sealed: bool) -> Child {
    let journal = OpenOptions::new().create(true).append(true).open(said);
    Command::new(std::env::current_exe().unwrap())
        .args(["child", "--exact", "--nocapture"])
        .env("OMEMO_CRASH", "child")
        .env("OMEMO_CRASH_PATH", path)
        .env("OMEMO_CRASH_SAID", said)
        .env("OMEMO_CRASH_SEALED", if is_sealed { "1" } else { "0" })
        .stdout(Stdio::from(journal.unwrap()))
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// The child, if the environment asks for it.
#[test]
fn child() {
    if std::env::var("OMEMO_CRASH").as_deref() != Ok("child") {
        return;
    }
    let mut worker = Worker::new(path(), is_sealed());
    worker.is_heard = true;
    if let Some(seed) = number("OMEMO_CRASH_SEED") {
        // `ci/crash` wants to meet the same calls each time.
        worker.rng = StdRng::seed_from_u64(seed);
    }
    let mut journal = Journal::read(&said());
    worker.catch_up(&mut journal);
    let limit = number("OMEMO_CRASH_APPLIES").unwrap_or(u64::MAX);
    while journal.count() < limit {
        worker.work(&mut journal);
    }
    worker.catch_up(&mut journal);
    worker.say("done");
}

/// Looks at what a child has left, if the environment asks for it.
#[test]
fn looker() {
    if std::env::var("OMEMO_CRASH").as_deref() == Ok("look") {
        look(&path(), &said(), is_sealed());
    }
}

/// The number of messages that were let out: each with a key of its own, and all of them are read.
fn look(path: &Path, said: &Path, is_sealed: bool) -> u64 {
    SqliteStore::open(path).unwrap().integrity_check().unwrap();
    let mut journal = Journal::read(said);
    let mut ledger = Ledger::default();
    for (_, xml) in journal.sent.values() {
        ledger.note(xml);
    }
    let before = journal.count();
    let mut worker = Worker::new(path.to_owned(), is_sealed);
    worker.catch_up(&mut journal);
    // They go on.
    for _ in 0..4 {
        worker.work(&mut journal);
    }
    worker.catch_up(&mut journal);
    for (_, xml) in journal.sent.values().skip(usize::try_from(before).unwrap()) {
        ledger.note(xml);
    }
    before
}

/// What was let out, and which of it was read.
#[derive(Default)]
struct Journal {
    /// By number: the reader and the stanza.
    sent: BTreeMap<u64, (usize, String)>,
    read: BTreeSet<u64>,
}

impl Journal {
    fn read(path: &Path) -> Self {
        let mut journal = Self::default();
        let text = fs::read_to_string(path).unwrap_or_default();
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        for line in text[..whole].lines() {
            let words: Vec<_> = line.splitn(4, ' ').collect();
            match words[..] {
                ["sent", n, reader, xml] if xml.ends_with("</message>") => {
                    let sent = (reader.parse().unwrap(), xml.to_owned());
                    journal.sent.insert(n.parse().unwrap(), sent);
                }
                ["read", n] => {
                    journal.read.insert(n.parse().unwrap());
                }
                _ => {}
            }
        }
        journal
    }

    /// The number of the next message.
    fn count(&self) -> u64 {
        self.sent.last_key_value().map_or(0, |(n, _)| n + 1)
    }

    fn unread(&self) -> Vec<u64> {
        let sent = self.sent.keys().copied();
        sent.filter(|n| !self.read.contains(n)).collect()
    }

    fn time(&self) -> Timestamp {
        Timestamp::from_millis(1_700_000_000_000 + self.count() * DAY)
    }
}

/// Two accounts in a file that may fail.
struct Worker {
    path: PathBuf,
    is_sealed: bool,
    couple: Option<Couple>,
    rng: StdRng,
    errors: u32,
    /// Whether somebody keeps what it says.
    is_heard: bool,
}

impl Worker {
    fn new(path: PathBuf, is_sealed: bool) -> Self {
        Self {
            path,
            is_sealed,
            couple: None,
            rng: rand::make_rng(),
            errors: 0,
            is_heard: false,
        }
    }

    fn open(&mut self, now: Timestamp) -> Result<Couple, AccountError> {
        let store = SqliteStore::open(&self.path)?;
        let store: Arc<dyn Store> = if self.is_sealed {
            let key = Secret::new([7; 32]);
            let rng: StdRng = rand::make_rng();
            Arc::new(Sealed::open(store, &SealKey::Key(&key), rng)?)
        } else {
            Arc::new(store)
        };
        Couple::open(&store, now, &mut self.rng)
    }

    /// Does something until it succeeds: the same again, or with a new handle.
    fn patiently<T>(
        &mut self,
        now: Timestamp,
        mut operation: impl FnMut(&Couple, &mut StdRng) -> Result<T, AccountError>,
    ) -> T {
        loop {
            let couple = match self.couple.take() {
                Some(couple) => Ok(couple),
                None => self.open(now),
            };
            let outcome = couple.and_then(|couple| {
                let outcome = operation(&couple, &mut self.rng);
                self.couple = Some(couple);
                outcome
            });
            let error = match outcome {
                Ok(done) => return done,
                Err(AccountError::Store(error)) => error,
                Err(error) => panic!("{error}"),
            };
            self.say(&format!("error {error}"));
            match error.remedy() {
                Remedy::Retry | Remedy::Mend => {}
                Remedy::Reopen => self.couple = None,
                _ if error == StoreError::Corrupt => self.couple = None,
                _ => panic!("{error}"),
            }
            self.errors += 1;
            assert!(self.errors < 100, "it does not end");
        }
    }

    /// One line on the standard output, in one piece, whatever the test harness has written there.
    fn say(&self, what: &str) {
        if self.is_heard {
            let out = std::io::stdout().as_fd().try_clone_to_owned().unwrap();
            let line = format!("\n{what}\n");
            File::from(out).write_all(line.as_bytes()).unwrap();
        }
    }

    /// One message, and what else happens on such a day.
    fn work(&mut self, journal: &mut Journal) {
        let (n, now) = (journal.count(), journal.time());
        let from = usize::try_from(n % 2).unwrap();
        let text = n.to_string();
        let xml = self.patiently(now, |couple, rng| {
            couple.write(from, version(n), &text, now, rng)
        });
        self.say(&format!("sent {n} {} {xml}", 1 - from));
        journal.sent.insert(n, (1 - from, xml));
        // Some are late.
        if n % 5 != 0 {
            self.deliver(journal, n);
        }
        if n % 5 == 3 {
            self.catch_up(journal);
        }
        match n % 12 {
            2 => self.patiently(now, |couple, _| {
                couple.0[from].begin_catch_up(Order::OldestFirst, now)?;
                Ok(())
            }),
            7 => self.patiently(now, |couple, rng| end_catch_ups(&couple.0[0], now, rng)),
            8 => self.patiently(now, |couple, rng| end_catch_ups(&couple.0[1], now, rng)),
            10 => self.patiently(now, |couple, _| {
                let other = couple.0[1 - from].jid();
                let peers = couple.0[from].reset_sessions(other, None, now)?;
                assert!(!peers.is_empty());
                Ok(())
            }),
            _ => {}
        }
    }

    /// Gives a message to its reader, who reads what was written.
    fn deliver(&mut self, journal: &mut Journal, n: u64) {
        let now = journal.time();
        let (reader, xml) = &journal.sent[&n];
        let received = self.patiently(now, |couple, rng| couple.read(*reader, xml, now, rng));
        match received {
            Received::Message(message) => {
                assert_eq!(message.payload.as_slice(), n.to_string().as_bytes());
                self.say(&format!("read {n}"));
                journal.read.insert(n);
                let text = n.to_string();
                self.patiently(now, |couple, _| {
                    couple.acknowledge(|waiting| waiting == text).map(drop)
                });
            }
            other => panic!("message {n} is lost: {other:?}"),
        }
    }

    /// Everything that was let out is read, and nothing waits.
    fn catch_up(&mut self, journal: &mut Journal) {
        let now = journal.time();
        let taken = journal.read.clone();
        self.patiently(now, |couple, _| {
            couple
                .acknowledge(|text| taken.contains(&text.parse().unwrap()))
                .map(drop)
        });
        for n in journal.unread() {
            self.deliver(journal, n);
        }
    }
}

/// Ends those that were begun, also by a process that has died since.
fn end_catch_ups(account: &Account, now: Timestamp, rng: &mut StdRng) -> Result<(), AccountError> {
    for catch_up in account.survey()?.catch_ups {
        account.end_catch_up(catch_up.id, now, rng)?;
    }
    account.maintain(now, rng)
}

fn path() -> PathBuf {
    std::env::var_os("OMEMO_CRASH_PATH").unwrap().into()
}

fn said() -> PathBuf {
    std::env::var_os("OMEMO_CRASH_SAID")
        .unwrap_or_default()
        .into()
}

fn is_sealed() -> bool {
    number("OMEMO_CRASH_SEALED") == Some(1)
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}
