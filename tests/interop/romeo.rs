//! The other library as a device with an address: it writes and reads stanzas.
//!
//! Where it has no payloads of its own (libomemo-c leaves them to clients), ours are around its keys.

use omemo::model::{Bundle, DeviceId, OwnKey, Version};
use rand::rngs::StdRng;
use serde_json::json;

use crate::letter::{Content, Letter};
use crate::network::Message;
use crate::peer::{Peer, decode, encode};

pub(crate) const JID: &str = "romeo@montague.example";

pub(crate) struct Romeo<'a> {
    peer: &'a mut Peer,
}

impl<'a> Romeo<'a> {
    /// A new device.
    pub(crate) fn new(peer: &'a mut Peer, rng: &mut StdRng) -> Self {
        peer.init(rng);
        Self { peer }
    }

    pub(crate) const fn version(&self) -> Version {
        self.peer.version
    }

    pub(crate) fn device() -> DeviceId {
        DeviceId::new(22).unwrap()
    }

    pub(crate) fn bundle(&mut self) -> Bundle {
        self.peer.bundle()
    }

    /// python-omemo stores one session for a device: whatever is on another one is lost there.
    pub(crate) fn keeps_old_sessions(&self) -> bool {
        !matches!(self.peer.name.as_str(), "twomemo" | "oldmemo")
    }

    /// The first message of a new session.
    pub(crate) fn greet(&mut self, bundle: &Bundle, text: &str, rng: &mut StdRng) -> Letter {
        let content = self.seal(text, rng);
        let message = self
            .peer
            .initiate(bundle, content.key_material.clone(), rng);
        self.letter(content, Some(text), message)
    }

    pub(crate) fn write(&mut self, text: &str, rng: &mut StdRng) -> Letter {
        let content = self.seal(text, rng);
        let message = self.peer.encrypt(content.key_material.clone());
        self.letter(content, Some(text), message)
    }

    pub(crate) fn write_empty(&mut self, rng: &mut StdRng) -> Letter {
        let content = Content::empty(self.version(), rng);
        let message = self.peer.encrypt(content.key_material.clone());
        self.letter(content, None, message)
    }

    /// Whether it reads it. Panics if it reads something else.
    pub(crate) fn read(&mut self, letter: &Letter) -> bool {
        self.read_by("decrypt", letter)
    }

    /// Whether it could read it if it had kept the sessions that it has replaced.
    pub(crate) fn would_have_read(&mut self, letter: &Letter) -> bool {
        self.read_by("decrypt_replaced", letter)
    }

    fn read_by(&mut self, command: &str, letter: &Letter) -> bool {
        let key = letter.key();
        let answer = self.peer.exchange(&json!({
            "cmd": command, "bytes": encode(&key.bytes), "kex": key.key_exchange,
        }));
        if answer["ok"] != json!(true) {
            return false;
        }
        let content = Content {
            key_material: decode(&answer["plaintext"]),
            iv: letter.element.iv.clone(),
            payload: letter.element.payload.clone(),
        };
        assert_eq!(self.open(&content), letter.text);
        true
    }

    fn letter(&self, content: Content, text: Option<&str>, message: Message) -> Letter {
        let key = OwnKey {
            key_exchange: message.key_exchange,
            bytes: message.bytes,
        };
        let sender = (self.version(), Self::device());
        content.into_letter(sender, text.map(str::to_owned), key)
    }

    fn seal(&mut self, text: &str, rng: &mut StdRng) -> Content {
        if !self.peer.has_payloads() {
            return Content::seal(self.version(), text, rng);
        }
        let answer = self.peer.ask(&json!({
            "cmd": "payload_encrypt", "plaintext": encode(text.as_bytes()),
        }));
        Content {
            key_material: decode(&answer["key_material"]),
            iv: answer.get("iv").map(decode),
            payload: Some(decode(&answer["ciphertext"])),
        }
    }

    fn open(&mut self, content: &Content) -> Option<String> {
        let payload = content.payload.as_ref()?;
        if !self.peer.has_payloads() {
            return content.open(self.version());
        }
        let mut question = json!({
            "cmd": "payload_decrypt",
            "key_material": encode(&content.key_material),
            "ciphertext": encode(payload),
        });
        if let Some(iv) = &content.iv {
            question["iv"] = encode(iv).into();
        }
        let answer = self.peer.ask(&question);
        Some(String::from_utf8(decode(&answer["plaintext"])).unwrap())
    }
}
