//! Another library behind a pipe: one JSON object a line, each way.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use omemo::crypto::ed25519::Signature;
use omemo::crypto::{PreKeyPublic, SignedPreKeyPublic};
use omemo::model::{Bundle, PreKeyEntry, PreKeyId, SignedPreKeyId, Version};
use rand::RngExt;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use crate::network::Message;

pub(crate) struct Peer {
    pub(crate) name: String,
    pub(crate) version: Version,
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
            version: match name {
                "twomemo" | "libomemo-c-omemo2" => Version::Omemo2,
                _ => Version::Legacy,
            },
            input: child.stdin.take().unwrap(),
            output: BufReader::new(child.stdout.take().unwrap()),
            child,
        }
    }

    /// An answer, whatever it is.
    pub(crate) fn exchange(&mut self, question: &Value) -> Value {
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

    /// Becomes a new device, and says its bundle.
    pub(crate) fn init(&mut self, rng: &mut StdRng) -> Bundle {
        self.init_with(json!({"pre_keys": 10}), rng)
    }

    /// The same with so many pre-keys, counted from 0 as is the signed one.
    pub(crate) fn init_from_zero(&mut self, pre_keys: u32, rng: &mut StdRng) -> Bundle {
        let ids = json!({"pre_keys": pre_keys, "spk_id": 0, "first_pre_key_id": 0});
        self.init_with(ids, rng)
    }

    fn init_with(&mut self, mut question: Value, rng: &mut StdRng) -> Bundle {
        // libomemo-c draws identities of one sign only.
        let sign_bit = if self.name.starts_with("libomemo-c") {
            0
        } else {
            rng.random_range(0..2)
        };
        question["cmd"] = json!("init");
        question["device_id"] = json!(22);
        question["jid"] = json!("romeo@montague.example");
        question["sign_bit"] = json!(sign_bit);
        question["seed"] = json!(format!("{}", rng.random::<u64>()));
        let hello = self.ask(&question);
        read_bundle(self.version, &hello["bundle"])
    }

    pub(crate) fn bundle(&mut self) -> Bundle {
        let answer = self.ask(&json!({"cmd": "bundle"}));
        read_bundle(self.version, &answer["bundle"])
    }

    /// Starts a session from a bundle, with the first message on it.
    pub(crate) fn initiate(
        &mut self,
        bundle: &Bundle,
        plaintext: Vec<u8>,
        rng: &mut StdRng,
    ) -> Message {
        let pre_key = &bundle.pre_keys[rng.random_range(0..bundle.pre_keys.len())];
        let answer = self.ask(&json!({
            "cmd": "initiate", "bundle": write_bundle(bundle), "pre_key_id": pre_key.id.get(),
            "plaintext": encode(&plaintext),
        }));
        Message::new(plaintext, decode(&answer["bytes"]), true)
    }

    /// Whether it takes a key exchange as the first message of a session, and reads it right.
    pub(crate) fn accepts(&mut self, message: &Message) -> bool {
        let question = json!({"cmd": "accept", "bytes": encode(&message.bytes)});
        let answer = self.exchange(&question);
        let is_read = answer["ok"] == json!(true);
        assert!(!is_read || decode(&answer["plaintext"]) == message.plaintext);
        is_read
    }

    pub(crate) fn accept(&mut self, message: &Message) {
        let answer = self.ask(&json!({"cmd": "accept", "bytes": encode(&message.bytes)}));
        assert_eq!(decode(&answer["plaintext"]), message.plaintext);
    }

    pub(crate) fn encrypt(&mut self, plaintext: Vec<u8>) -> Message {
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

fn read_bundle(version: Version, bundle: &Value) -> Bundle {
    let id = |value: &Value| u32::try_from(value.as_u64().unwrap()).unwrap();
    let unwire = |value: &Value| version.strip_key_prefix(&decode(value)).unwrap().to_vec();
    let pre_keys = bundle["pre_keys"].as_array().unwrap();
    Bundle {
        version,
        identity: version.decode_identity(&decode(&bundle["ik"])).unwrap(),
        signed_pre_key_id: SignedPreKeyId::in_bundle(id(&bundle["spk_id"])),
        signed_pre_key: SignedPreKeyPublic::from_slice(&unwire(&bundle["spk"])).unwrap(),
        signature: Signature::from_bytes(decode(&bundle["signature"]).try_into().unwrap()),
        pre_keys: pre_keys
            .iter()
            .map(|entry| PreKeyEntry {
                id: PreKeyId::in_bundle(id(&entry["id"])),
                key: PreKeyPublic::from_slice(&unwire(&entry["key"])).unwrap(),
            })
            .collect(),
    }
}

fn write_bundle(bundle: &Bundle) -> Value {
    let wire = |key: &[u8; 32]| encode(&bundle.version.encode_key(key));
    let pre_keys = bundle.pre_keys.iter();
    json!({
        "ik": wire(bundle.identity.as_bytes()),
        "spk_id": bundle.signed_pre_key_id.get(),
        "spk": wire(bundle.signed_pre_key.as_bytes()),
        "signature": encode(bundle.signature.as_bytes()),
        "pre_keys": pre_keys
            .map(|entry| json!({"id": entry.id.get(), "key": wire(entry.key.as_bytes())}))
            .collect::<Vec<_>>(),
    })
}
