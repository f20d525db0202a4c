//! Our device: a bundle, one session, its skipped keys. Each step goes through the session's record.

use omemo::crypto::{EdwardsSign, IdentityKeyPair, PreKeyPair, Secret, SignedPreKeyPair, random};
use omemo::model::{Bundle, DeviceId, PreKeyEntry, PreKeyId, SignedPreKeyId, Version};
use omemo::protocol::{KeyExchange, KeyMaterial, RatchetMessage, of};
use omemo::ratchet::{Budget, SkippedKeysInMemory};
use omemo::session::{ResponderKeys, Session};
use rand::rngs::StdRng;
use serde_json::json;

use crate::conversation::key_material;
use crate::network::Message;
use crate::peer::{Peer, decode, encode};

pub(crate) struct Ours {
    pub(crate) version: Version,
    identity: IdentityKeyPair,
    signed_pre_key: SignedPreKeyPair,
    pre_keys: Vec<PreKeyPair>,
    session: Option<Session>,
    skipped: SkippedKeysInMemory,
}

impl Ours {
    pub(crate) fn new(version: Version, rng: &mut StdRng) -> Self {
        let private: Secret<32> = random(rng).unwrap();
        Self {
            version,
            // Of either sign: not only those that new identities are drawn with.
            identity: IdentityKeyPair::from_private(private, EdwardsSign::Natural),
            signed_pre_key: SignedPreKeyPair::generate(rng).unwrap(),
            pre_keys: (0..10)
                .map(|_| PreKeyPair::generate(rng).unwrap())
                .collect(),
            session: None,
            skipped: SkippedKeysInMemory::default(),
        }
    }

    pub(crate) fn bundle(&self, rng: &mut StdRng) -> Bundle {
        let protocol = of(self.version);
        let z = random(rng).unwrap();
        let pre_keys = self.pre_keys.iter().zip(100..);
        Bundle {
            version: self.version,
            identity: protocol.identity(&self.identity),
            signed_pre_key_id: SignedPreKeyId::new(7).unwrap(),
            signed_pre_key: *self.signed_pre_key.public(),
            signature: protocol.sign(&self.identity, self.signed_pre_key.public(), &z),
            pre_keys: pre_keys
                .map(|(pair, id)| PreKeyEntry {
                    id: PreKeyId::new(id).unwrap(),
                    key: *pair.public(),
                })
                .collect(),
        }
    }

    pub(crate) fn initiate(&mut self, bundle: &Bundle, rng: &mut StdRng) {
        let device = DeviceId::new(11).unwrap();
        self.session = Some(Session::initiate(&self.identity, device, bundle, rng).unwrap());
    }

    pub(crate) fn accept(&mut self, message: &Message) {
        let exchange = KeyExchange::read(self.version, &message.bytes).unwrap();
        let id = exchange.pre_key_id().unwrap().get() as usize;
        let keys = ResponderKeys {
            identity: &self.identity,
            signed_pre_key: &self.signed_pre_key,
            pre_key: &self.pre_keys[id - 100],
        };
        let accepted = Session::accept(&keys, &exchange, &mut Budget::for_stanza()).unwrap();
        assert_eq!(accepted.plaintext.expose(), message.plaintext);
        self.skipped.apply(accepted.skipped);
        self.session = Some(accepted.session);
    }

    fn session(&mut self) -> &mut Session {
        let session = self.session.as_mut().unwrap();
        *session = Session::from_record(session.to_record().as_slice()).unwrap();
        session
    }

    pub(crate) fn encrypt(&mut self, rng: &mut StdRng) -> Message {
        let plaintext = key_material(rng, self.version);
        let key = self
            .session()
            .encrypt(&KeyMaterial::new(&plaintext), rng)
            .unwrap();
        Message::new(plaintext, key.bytes, key.key_exchange)
    }

    /// What we read; `None` if we refuse.
    pub(crate) fn decrypt(&mut self, message: &Message) -> Option<Vec<u8>> {
        let exchange;
        let read;
        let message = if message.key_exchange {
            exchange = KeyExchange::read(self.version, &message.bytes).unwrap();
            exchange.message()
        } else {
            read = RatchetMessage::read(self.version, &message.bytes).unwrap();
            &read
        };
        let skipped = std::mem::take(&mut self.skipped);
        let outcome = self
            .session()
            .decrypt(message, &skipped, &mut Budget::for_stanza())
            .map(omemo::session::Decrypted::commit);
        self.skipped = skipped;
        let (plaintext, changes) = outcome.ok()?;
        self.skipped.apply(changes);
        Some(plaintext.expose().to_vec())
    }

    /// Payloads, both ways.
    pub(crate) fn exchange_payloads(&self, peer: &mut Peer) {
        let protocol = of(self.version);
        let text = "Wherefore art thou? – héllo 🌹";
        let sealed = protocol
            .seal_payload(text.as_bytes(), &Secret::new([5; 32]))
            .unwrap();
        let mut question = json!({
            "cmd": "payload_decrypt",
            "key_material": encode(sealed.key_material.expose()),
            "ciphertext": encode(&sealed.ciphertext),
        });
        if let Some(iv) = sealed.iv {
            question["iv"] = encode(&iv).into();
        }
        let answer = peer.ask(&question);
        assert_eq!(decode(&answer["plaintext"]), text.as_bytes());

        let answer = peer.ask(&json!({
            "cmd": "payload_encrypt", "plaintext": encode(text.as_bytes()),
        }));
        let iv = answer.get("iv").map(decode);
        let opened = protocol
            .open_payload(
                &KeyMaterial::new(&decode(&answer["key_material"])),
                iv.as_deref(),
                &decode(&answer["ciphertext"]),
            )
            .unwrap();
        assert_eq!(opened.as_slice(), text.as_bytes());
    }
}
