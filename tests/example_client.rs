//! `examples/client.rs` as two processes, with a server between them.

#![cfg(feature = "sqlite")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]

mod server;

use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use omemo::client::{IqRequest, RequestId};
use omemo::model::BareJid;
use omemo::stanza::RequestKind;
use roxmltree::Document;
use server::Server;

struct Process {
    full: String,
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    said: Vec<String>,
}

impl Process {
    fn start(full: &str, folder: &Path) -> Self {
        let test = std::env::current_exe().unwrap();
        let built = test.parent().unwrap().parent().unwrap();
        let program = built.join("examples").join("client");
        let jid = BareJid::from_full(full).unwrap();
        let mut child = Command::new(program)
            .arg(jid.as_str())
            .arg(folder.join(format!("{jid}.db")))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("`cargo test` builds the example; a single test does not");
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap()).lines();
        Self {
            full: full.to_owned(),
            child,
            input,
            output,
            said: Vec::new(),
        }
    }

    fn tell(&mut self, line: &str) -> Vec<String> {
        writeln!(self.input, "{line}").unwrap();
        self.hear()
    }

    /// What it has written, up to what a line that means nothing gives.
    fn hear(&mut self) -> Vec<String> {
        writeln!(self.input, ".").unwrap();
        let mut stanzas = Vec::new();
        for line in self.output.by_ref() {
            let line = line.unwrap();
            if line.starts_with("that did not work: to JID") {
                break;
            } else if line.starts_with('<') {
                stanzas.push(line);
            } else {
                self.said.push(line);
            }
        }
        stanzas
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn request(xml: &str) -> IqRequest {
    let document = Document::parse(xml).unwrap();
    let root = document.root_element();
    let payload = root.first_element_child().unwrap();
    let id: RequestId = root.attribute("id").unwrap().parse().unwrap();
    IqRequest {
        id,
        to: root.attribute("to").map(|to| to.parse().unwrap()),
        kind: match root.attribute("type") {
            Some("get") => RequestKind::Get,
            _ => RequestKind::Set,
        },
        payload: xml[payload.range()].to_owned(),
    }
}

/// Passes on what one has to send, and what that causes.
fn settle(server: &mut Server, processes: &mut [Process], at: usize, stanzas: Vec<String>) {
    let mut waiting: Vec<_> = stanzas.into_iter().map(|stanza| (at, stanza)).collect();
    loop {
        while !waiting.is_empty() {
            let (at, stanza) = waiting.remove(0);
            let process = &mut processes[at];
            if stanza.starts_with("<iq") {
                let answer = server.answer(&process.full, &request(&stanza)).unwrap();
                waiting.extend(process.tell(&answer).into_iter().map(|stanza| (at, stanza)));
            } else {
                server.send(&process.full, &stanza);
            }
        }
        for (at, process) in processes.iter_mut().enumerate() {
            while let Some(stanza) = server.next_for(&process.full) {
                waiting.extend(process.tell(&stanza).into_iter().map(|stanza| (at, stanza)));
            }
        }
        if waiting.is_empty() {
            break;
        }
    }
}

#[test]
fn the_example_is_a_client() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = Server::default();
    let users = [
        "juliet@capulet.example/balcony",
        "romeo@montague.example/orchard",
    ];
    users.iter().for_each(|user| server.log_in(user));
    let mut processes = users.map(|user| Process::start(user, folder.path()));
    for at in 0..2 {
        let stanzas = processes[at].hear();
        settle(&mut server, &mut processes, at, stanzas);
    }
    let stanzas = processes[0].tell("to romeo@montague.example What's <in> a name?");
    settle(&mut server, &mut processes, 0, stanzas);
    let stanzas = processes[1].tell("to juliet@capulet.example By a name I know not how");
    settle(&mut server, &mut processes, 1, stanzas);

    let [juliet, romeo] = &processes;
    let said = |process: &Process, text: &str| process.said.iter().any(|line| line == text);
    assert!(
        said(romeo, "juliet@capulet.example (Blind): What's <in> a name?"),
        "{:?}",
        romeo.said
    );
    assert!(
        said(
            juliet,
            "romeo@montague.example (Blind): By a name I know not how"
        ),
        "{:?}",
        juliet.said
    );
    assert!(server.seen.iter().all(|seen| !seen.contains("a name")));
}
