//! Two devices and the means to let them talk, for the tests of the session.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test says no by panicking"
)]
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test file uses a part of it"
)]

use omemo::crypto::{IdentityKeyPair, PreKeyPair, SignedPreKeyPair, random};
use omemo::error::DecryptError;
use omemo::model::{Bundle, DeviceId, PreKeyEntry, PreKeyId, SignedPreKeyId, Version};
use omemo::protocol::{self, KeyExchange, KeyMaterial, RatchetMessage};
use omemo::ratchet::{Budget, SkippedKeysInMemory};
use omemo::session::{Accepted, EncryptedKey, ResponderKeys, Session};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

pub const PRE_KEY_ID: u32 = 42;
pub const SIGNED_PRE_KEY_ID: u32 = 7;

pub fn rng(seed: u64) -> StdRng {
    StdRng::seed_from_u64(seed)
}

/// A device that others can start a session with.
pub struct Device {
    pub version: Version,
    pub identity: IdentityKeyPair,
    pub signed_pre_key: SignedPreKeyPair,
    pub pre_key: PreKeyPair,
}

impl Device {
    pub fn new(version: Version, rng: &mut StdRng) -> Self {
        Self {
            version,
            identity: IdentityKeyPair::generate(rng).unwrap(),
            signed_pre_key: SignedPreKeyPair::generate(rng).unwrap(),
            pre_key: PreKeyPair::generate(rng).unwrap(),
        }
    }

    pub fn bundle(&self, rng: &mut StdRng) -> Bundle {
        let protocol = protocol::of(self.version);
        let z = random(rng).unwrap();
        Bundle {
            version: self.version,
            identity: protocol.identity(&self.identity),
            signed_pre_key_id: SignedPreKeyId::new(SIGNED_PRE_KEY_ID).unwrap(),
            signed_pre_key: *self.signed_pre_key.public(),
            signature: protocol.sign(&self.identity, self.signed_pre_key.public(), &z),
            pre_keys: vec![PreKeyEntry {
                id: PreKeyId::new(PRE_KEY_ID).unwrap(),
                key: *self.pre_key.public(),
            }],
        }
    }

    pub fn initiate(&self, bundle: &Bundle, rng: &mut StdRng) -> Session {
        let device = DeviceId::new(1111).unwrap();
        Session::initiate(&self.identity, device, bundle, rng).unwrap()
    }

    pub fn accept(&self, bytes: &[u8]) -> Result<Accepted, DecryptError> {
        let exchange = KeyExchange::read(self.version, bytes)?;
        let keys = ResponderKeys {
            identity: &self.identity,
            signed_pre_key: &self.signed_pre_key,
            pre_key: &self.pre_key,
        };
        Session::accept(&keys, &exchange, &mut Budget::for_stanza())
    }
}

/// One side of a conversation: a session and its skipped keys.
#[derive(Clone)]
pub struct Side {
    pub session: Session,
    pub skipped: SkippedKeysInMemory,
}

impl Side {
    pub fn new(session: Session) -> Self {
        Self {
            session,
            skipped: SkippedKeysInMemory::default(),
        }
    }

    pub fn accepted(accepted: Accepted) -> Self {
        let mut side = Self::new(accepted.session);
        side.skipped.apply(accepted.skipped);
        side
    }

    /// Encrypts, by way of the record.
    pub fn send(&mut self, plaintext: &[u8], rng: &mut StdRng) -> EncryptedKey {
        self.session = Session::from_record(self.session.to_record().as_slice()).unwrap();
        self.session
            .encrypt(&KeyMaterial::new(plaintext), rng)
            .unwrap()
    }

    /// Decrypts what an established session gets: a message, or the message of a repeated exchange.
    pub fn receive(&mut self, key: &EncryptedKey) -> Result<Vec<u8>, DecryptError> {
        let version = self.session.version();
        if key.key_exchange {
            let exchange = KeyExchange::read(version, &key.bytes)?;
            self.receive_message(exchange.message())
        } else {
            self.receive_bytes(&key.bytes)
        }
    }

    pub fn receive_bytes(&mut self, bytes: &[u8]) -> Result<Vec<u8>, DecryptError> {
        let message = RatchetMessage::read(self.session.version(), bytes)?;
        self.receive_message(&message)
    }

    pub fn receive_message(&mut self, message: &RatchetMessage) -> Result<Vec<u8>, DecryptError> {
        let mut budget = Budget::for_stanza();
        let decrypted = self.session.decrypt(message, &self.skipped, &mut budget)?;
        let (plaintext, changes) = decrypted.commit();
        self.skipped.apply(changes);
        Ok(plaintext.expose().to_vec())
    }

    /// Every byte that would be stored.
    pub fn stored(&self) -> Vec<Vec<u8>> {
        let session = self.session.to_record().to_vec();
        let skipped = self.skipped.iter().map(|(step, n, key)| {
            let mut record = step.to_le_bytes().to_vec();
            record.extend_from_slice(&key.to_record(n));
            record
        });
        std::iter::once(session).chain(skipped).collect()
    }
}

/// Juliet and Romeo, after her first message.
pub fn introduced(version: Version, rng: &mut StdRng) -> (Side, Side, Device) {
    let (juliet, romeo) = (Device::new(version, rng), Device::new(version, rng));
    let bundle = romeo.bundle(rng);
    let mut alice = Side::new(juliet.initiate(&bundle, rng));
    let first = alice.send(&[1; 32], rng);
    let bob = Side::accepted(romeo.accept(&first.bytes).unwrap());
    (alice, bob, romeo)
}

/// Juliet and Romeo, after his answer: each has heard the other.
pub fn acquainted(version: Version, rng: &mut StdRng) -> (Side, Side) {
    let (mut alice, mut bob, _) = introduced(version, rng);
    let answer = bob.send(&[2; 32], rng);
    alice.receive(&answer).unwrap();
    (alice, bob)
}

/// Every bit flipped, every truncation, a byte inserted everywhere.
pub fn altered(bytes: &[u8], rng: &mut StdRng) -> Vec<Vec<u8>> {
    let flips = (0..bytes.len() * 8).map(|bit| {
        let mut bytes = bytes.to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        bytes
    });
    let cuts = (0..bytes.len()).map(|len| bytes[..len].to_vec());
    let inserted: Vec<_> = (0..=bytes.len())
        .map(|at| {
            let mut bytes = bytes.to_vec();
            bytes.insert(at, rng.random());
            bytes
        })
        .collect();
    flips.chain(cuts).chain(inserted).collect()
}
