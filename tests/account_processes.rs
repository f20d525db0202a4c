//! C08, A32: several processes, and several threads, that encrypt and decrypt with the same accounts in
//! one store. No message key is used twice, nothing is lost, and nobody sees an error but "busy"; also
//! when one of them is suspended or killed on the way.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod couple;
mod ledger;

use std::sync::{Arc, Mutex};
use std::thread;

use couple::Couple;
use ledger::Ledger;
use omemo::account::Received;
use omemo::model::{Timestamp, Version};
use omemo::store::{MemoryStore, Store};
use rand::rngs::StdRng;

fn now() -> Timestamp {
    Timestamp::from_millis(1_700_000_000_000)
}

/// Eight threads write as Juliet, while Romeo reads and writes, so that her keys change.
#[test]
fn a32_threads_share_a_handle() {
    const THREADS: u64 = 8;
    const EACH: u64 = 400;
    /// Fewer than the chains that are remembered.
    const ANSWERS: u64 = 30;
    let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
    let mut rng: StdRng = rand::make_rng();
    let couple = Couple::open(&store, now(), &mut rng).unwrap();
    let version = Version::Legacy;
    let first = couple.write(0, version, "first", now(), &mut rng).unwrap();
    let written = Mutex::new(vec![("first".to_owned(), first)]);
    let answers = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (couple, written) = (&couple, &written);
            scope.spawn(move || {
                let mut rng: StdRng = rand::make_rng();
                for n in 0..EACH {
                    let text = format!("{thread}-{n}");
                    let xml = couple.write(0, version, &text, now(), &mut rng).unwrap();
                    written.lock().unwrap().push((text, xml));
                }
            });
        }
        scope.spawn(|| {
            let mut rng: StdRng = rand::make_rng();
            for n in 0..ANSWERS {
                let (_, last) = written.lock().unwrap().last().unwrap().clone();
                couple.read(1, &last, now(), &mut rng).unwrap();
                let text = n.to_string();
                let xml = couple.write(1, version, &text, now(), &mut rng).unwrap();
                let read = couple.read(0, &xml, now(), &mut rng).unwrap();
                assert!(matches!(read, Received::Message(_)), "{read:?}");
                answers.lock().unwrap().push(xml);
            }
        });
    });
    let mut written = written.into_inner().unwrap();
    let mut ledger = Ledger::default();
    written.iter().for_each(|(_, xml)| ledger.note(xml));
    answers
        .into_inner()
        .unwrap()
        .iter()
        .for_each(|xml| ledger.note(xml));
    let expected = THREADS * EACH + 1 + ANSWERS;
    assert_eq!(
        ledger.len() as u64,
        expected,
        "each message has a key of its own"
    );
    // In another order than the one in which they were written.
    written.sort();
    for (text, xml) in &written {
        match couple.read(1, xml, now(), &mut rng).unwrap() {
            Received::Message(message) => {
                assert_eq!(message.payload.as_slice(), text.as_bytes());
            }
            other => panic!("{text}: {other:?}"),
        }
        couple.acknowledge(|waiting| waiting == text).unwrap();
    }
}

#[cfg(all(feature = "sqlite", unix))]
mod processes {
    use std::collections::BTreeMap;
    use std::io::{BufRead, BufReader, Write};
    use std::path::Path;
    use std::process::{Child, Command, Stdio};
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::time::Duration;

    use omemo::account::AccountError;
    use omemo::store::{SqliteStore, StoreError};
    use rand::{RngExt, SeedableRng};

    use super::couple::version;
    use super::*;

    /// How many messages each process writes, unless `OMEMO_PROCESSES_MESSAGES` says so.
    fn each() -> u64 {
        let count = std::env::var("OMEMO_PROCESSES_MESSAGES").ok();
        count.map_or(5000, |count| count.parse().unwrap())
    }

    /// So many messages of each process are on their way: fewer than chains are remembered.
    const AHEAD: usize = 8;

    /// A message on its way.
    struct Sent {
        reader: usize,
        xml: String,
        /// The process that is to read it.
        to: usize,
    }

    /// A line of a process; `None` at its end. The processes that were started are numbered.
    type Said = (usize, u64, Option<String>);

    struct Process {
        child: Child,
        /// Lines for it.
        lines: Sender<String>,
        life: u64,
    }

    /// The two processes, and the server between them.
    struct Server<'a> {
        path: &'a Path,
        processes: Vec<Process>,
        said: Receiver<Said>,
        sayer: Sender<Said>,
        ledger: Ledger,
        on_the_way: BTreeMap<String, Sent>,
        /// How many messages of each process were let out.
        written: [u64; 2],
        read: u64,
        lives: u64,
    }

    #[test]
    fn c08_two_processes_write_to_each_other() {
        if std::env::var_os("OMEMO_PROCESSES_PATH").is_some() {
            return;
        }
        let seed: u64 = std::env::var("OMEMO_SEED")
            .ok()
            .and_then(|seed| seed.parse().ok())
            .unwrap_or_else(|| rand::rng().random());
        println!("OMEMO_SEED={seed}");
        let mut rng = StdRng::seed_from_u64(seed);
        // What is tried here does not depend on the disk.
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() {
            tempfile::tempdir_in(memory)
        } else {
            tempfile::tempdir()
        };
        let folder = folder.unwrap();
        let path = folder.path().join("omemo.db");
        let (sayer, said) = channel();
        let mut server = Server {
            path: &path,
            processes: Vec::new(),
            said,
            sayer,
            ledger: Ledger::default(),
            on_the_way: BTreeMap::new(),
            written: [0; 2],
            read: 0,
            lives: 0,
        };
        for number in 0..2 {
            let process = server.start(number, AHEAD);
            server.processes.push(process);
        }
        let all = 2 * each();
        for quarter in 1..=4 {
            server.run_until(all * quarter / 5);
            let number = rng.random_range(0..2);
            if quarter % 2 == 0 {
                server.kill(number);
            } else {
                signal(&server.processes[number].child, "-STOP");
                thread::sleep(Duration::from_millis(rng.random_range(50..300)));
                signal(&server.processes[number].child, "-CONT");
            }
        }
        server.run_until(all);
        assert_eq!(server.read, all);
        assert!(server.on_the_way.is_empty());
        assert!(server.ledger.len() as u64 >= all);
        for number in 0..2 {
            server.stop(number);
        }
        let store = SqliteStore::open(&path).unwrap();
        store.integrity_check().unwrap();
        let store: Arc<dyn Store> = Arc::new(store);
        let couple = Couple::open(&store, now(), &mut rng).unwrap();
        // A process may have been killed before it could acknowledge what it said it had read.
        assert!(couple.acknowledge(|_| false).unwrap() <= 2, "they wait");
        println!("{all} messages, {} lives", server.lives);
    }

    impl Server<'_> {
        fn start(&mut self, number: usize, ahead: usize) -> Process {
            self.lives += 1;
            let life = self.lives;
            let mut child = Command::new(std::env::current_exe().unwrap())
                .args(["processes::child", "--exact", "--nocapture"])
                .env("OMEMO_PROCESSES_PATH", self.path)
                .env("OMEMO_PROCESSES_NUMBER", number.to_string())
                .env("OMEMO_PROCESSES_FIRST", self.written[number].to_string())
                .env("OMEMO_PROCESSES_AHEAD", ahead.to_string())
                .env("OMEMO_PROCESSES_MESSAGES", each().to_string())
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            let out = BufReader::new(child.stdout.take().unwrap());
            let sayer = self.sayer.clone();
            thread::spawn(move || {
                for line in out.lines() {
                    sayer.send((number, life, Some(line.unwrap()))).unwrap();
                }
                // Nobody listens any more once all is done.
                let _ = sayer.send((number, life, None));
            });
            let mut input = child.stdin.take().unwrap();
            let (lines, queue) = channel::<String>();
            thread::spawn(move || {
                for line in queue {
                    // The process may be gone; then its messages are given to the next one.
                    let _ = writeln!(input, "{line}");
                }
            });
            Process { child, lines, life }
        }

        /// Passes messages on until so many were read.
        fn run_until(&mut self, count: u64) {
            while self.read < count {
                let said = self.said.recv_timeout(Duration::from_secs(60));
                let (number, life, line) = said.unwrap();
                match line {
                    Some(line) => self.hear(number, &line),
                    None => assert_ne!(life, self.processes[number].life, "it has ended by itself"),
                }
            }
        }

        fn hear(&mut self, number: usize, line: &str) {
            let words: Vec<_> = line.splitn(4, ' ').collect();
            match words[..] {
                ["sent", text, reader, xml] => {
                    self.ledger.note(xml);
                    self.written[number] += 1;
                    let sent = Sent {
                        reader: reader.parse().unwrap(),
                        xml: xml.to_owned(),
                        to: 1 - number,
                    };
                    self.pass_on(text, &sent);
                    assert!(self.on_the_way.insert(text.to_owned(), sent).is_none());
                }
                ["read", text] => {
                    assert!(self.on_the_way.remove(text).is_some(), "{text}: read twice");
                    self.read += 1;
                }
                _ => {}
            }
        }

        fn pass_on(&self, text: &str, sent: &Sent) {
            let line = format!("{text} {} {}", sent.reader, sent.xml);
            self.processes[sent.to].lines.send(line).unwrap();
        }

        /// Kills a process, starts another, and gives it what the first has not read.
        fn kill(&mut self, number: usize) {
            let life = self.processes[number].life;
            self.processes[number].child.kill().unwrap();
            self.processes[number].child.wait().unwrap();
            loop {
                match self.said.recv().unwrap() {
                    (_, ended, None) if ended == life => break,
                    (number, _, Some(line)) => self.hear(number, &line),
                    (_, _, None) => panic!("the other one has ended by itself"),
                }
            }
            // It has read something, perhaps, and not written for it.
            let ahead = (2 * AHEAD).saturating_sub(self.on_the_way.len());
            self.processes[number] = self.start(number, ahead);
            let to_it = self.on_the_way.iter();
            for (text, sent) in to_it.filter(|(_, sent)| sent.to == number) {
                self.pass_on(text, sent);
            }
        }

        /// A process ends when there is nothing more to read for it.
        fn stop(&mut self, number: usize) {
            let (unused, _) = channel();
            self.processes[number].lines = unused;
            assert!(self.processes[number].child.wait().unwrap().success());
        }
    }

    /// One of the processes, if the environment asks for it. It is some messages ahead, and writes one
    /// for each that it reads.
    #[test]
    fn child() {
        let Some(path) = std::env::var_os("OMEMO_PROCESSES_PATH") else {
            return;
        };
        let number = |name| -> u64 { std::env::var(name).unwrap().parse().unwrap() };
        let own = number("OMEMO_PROCESSES_NUMBER");
        let first = number("OMEMO_PROCESSES_FIRST");
        let mut rng: StdRng = rand::make_rng();
        let couple = patiently(|| {
            let store = SqliteStore::open_with(&path, Duration::from_millis(200))?;
            let store: Arc<dyn Store> = Arc::new(store);
            Couple::open(&store, now(), &mut rng)
        });
        let mut next = first;
        let mut write = |rng: &mut StdRng| {
            if next < each() {
                let from = usize::try_from(next % 2).unwrap();
                let text = format!("{own}-{next}");
                let xml = patiently(|| couple.write(from, version(next), &text, now(), rng));
                say(&format!("sent {text} {} {xml}", 1 - from));
                next += 1;
            }
        };
        for _ in 0..number("OMEMO_PROCESSES_AHEAD") {
            write(&mut rng);
        }
        for line in std::io::stdin().lines() {
            let line = line.unwrap();
            let words: Vec<_> = line.splitn(3, ' ').collect();
            let (text, reader) = (words[0], words[1].parse::<usize>().unwrap());
            let read = patiently(|| couple.read(reader, words[2], now(), &mut rng));
            match read {
                Received::Message(message) => {
                    assert_eq!(message.payload.as_slice(), text.as_bytes());
                    say(&format!("read {text}"));
                    let account = &couple.0[reader];
                    let consumer = omemo::account::APPLICATION;
                    patiently(|| account.acknowledge(&[message.id], consumer));
                }
                other => panic!("{text} is lost: {other:?}"),
            }
            write(&mut rng);
        }
    }

    fn patiently<T>(mut attempt: impl FnMut() -> Result<T, AccountError>) -> T {
        loop {
            match attempt() {
                Err(AccountError::Store(StoreError::Busy)) => {}
                outcome => return outcome.unwrap(),
            }
        }
    }

    fn signal(child: &Child, name: &str) {
        let pid = child.id().to_string();
        let sent = Command::new("kill").args([name, &pid]).status().unwrap();
        assert!(sent.success());
    }

    fn say(what: &str) {
        let mut out = std::io::stdout().lock();
        write!(out, "\n{what}\n").unwrap();
        out.flush().unwrap();
    }
}
