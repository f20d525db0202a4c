//! Another library behind a pipe: one JSON object a line, each way.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use omemo::model::Version;
use rand::Rng;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use crate::network::Message;

pub(crate) struct Peer {
    name: String,
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

pub(crate) fn encode(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

pub(crate) fn decode(value: &Value) -> Vec<u8> {
    STANDARD.decode(value.as_str().unwrap()).unwrap()
}

impl Peer {
    pub(crate) fn start(python: &str, script: &str, name: &str) -> Self {
        let mut child = Command::new(python)
            .args([script, "--peer", name])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{python} does not start: {error}"));
        Self {
            name: name.to_owned(),
            input: child.stdin.take().unwrap(),
            output: BufReader::new(child.stdout.take().unwrap()),
            child,
        }
    }

    /// An answer, whatever it is.
    fn exchange(&mut self, question: &Value) -> Value {
        writeln!(self.input, "{question}").unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        serde_json::from_str(&line)
            .unwrap_or_else(|error| panic!("{} answers {line:?}: {error}", self.name))
    }

    /// An answer that says yes.
    pub(crate) fn ask(&mut self, question: &Value) -> Value {
        let answer = self.exchange(question);
        assert!(
            answer["ok"] == json!(true),
            "{}: {question} -> {answer}",
            self.name
        );
        answer
    }

    pub(crate) fn initiate(
        &mut self,
        bundle: &Value,
        rng: &mut StdRng,
        version: Version,
    ) -> Message {
        let plaintext = key_material(rng, version);
        let answer = self.ask(&json!({
            "cmd": "initiate", "bundle": bundle, "plaintext": encode(&plaintext),
        }));
        Message::new(plaintext, decode(&answer["bytes"]), true)
    }

    pub(crate) fn accept(&mut self, message: &Message) {
        let answer = self.ask(&json!({"cmd": "accept", "bytes": encode(&message.bytes)}));
        assert_eq!(decode(&answer["plaintext"]), message.plaintext);
    }

    pub(crate) fn encrypt(&mut self, rng: &mut StdRng, version: Version) -> Message {
        let plaintext = key_material(rng, version);
        let answer = self.ask(&json!({"cmd": "encrypt", "plaintext": encode(&plaintext)}));
        let key_exchange = answer["kex"].as_bool().unwrap();
        Message::new(plaintext, decode(&answer["bytes"]), key_exchange)
    }

    /// What it reads; `None` if it refuses.
    pub(crate) fn decrypt(&mut self, message: &Message) -> Option<Vec<u8>> {
        let answer = self.exchange(&json!({
            "cmd": "decrypt", "bytes": encode(&message.bytes), "kex": message.key_exchange,
        }));
        (answer["ok"] == json!(true)).then(|| decode(&answer["plaintext"]))
    }

    pub(crate) fn has_payloads(&self) -> bool {
        !self.name.starts_with("libomemo-c")
    }

    pub(crate) fn quit(mut self) {
        drop(self.input);
        assert!(self.child.wait().unwrap().success(), "{}", self.name);
    }
}

/// What a ratchet message carries: 32 bytes in legacy, 48 in OMEMO 2.
pub(crate) fn key_material(rng: &mut StdRng, version: Version) -> Vec<u8> {
    let mut bytes = vec![0; if version == Version::Legacy { 32 } else { 48 }];
    rng.fill_bytes(&mut bytes);
    bytes
}
