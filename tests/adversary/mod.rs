//! Whoever is on the way, or has a device that does what it likes: what the tests of attacks on accounts
//! share.

#![allow(dead_code, reason = "each test file uses a part of it")]

use omemo::account::{Arrival, FailureReason, Incoming, Received, Sender};
use omemo::crypto::{IdentityKeyPair, random};
use omemo::error::DecryptError;
use omemo::model::{BareJid, Bundle, DeviceId, Encrypted, OwnKey, Version};
use omemo::protocol::{KeyExchange, KeyMaterial, RatchetMessage, of};
use omemo::session::Session;
use omemo::store::{Record, Scope, Store, Table};

use crate::world::{Stanza, World, jid};

pub(crate) const MALLORY: &str = "mallory@verona.example";

/// The journal of failures: of what is stored, all that a stanza that was not read may change.
const FAILURES: Table = Table::new(8);

pub(crate) const MAC: FailureReason = FailureReason::Key(DecryptError::Mac);

/// Every stored byte, and how often something was written.
pub(crate) fn state(world: &World, device: usize) -> (Vec<Record>, u64) {
    let device = &world.devices[device];
    let scope = Scope::new(device.account.jid().as_str());
    let generation = device.store.generation(&scope).unwrap();
    (device.dump(), generation.get())
}

/// Does something that must not write.
pub(crate) fn unchanged<T>(
    world: &mut World,
    device: usize,
    work: impl FnOnce(&mut World) -> T,
) -> T {
    let before = state(world, device);
    let outcome = work(world);
    assert!(state(world, device) == before, "something was written");
    outcome
}

/// Does something that may write into the journal of failures only.
pub(crate) fn journalled<T>(
    world: &mut World,
    device: usize,
    work: impl FnOnce(&mut World) -> T,
) -> T {
    let before = without_journal(world, device);
    let outcome = work(world);
    assert!(
        without_journal(world, device) == before,
        "something was written"
    );
    outcome
}

fn without_journal(world: &World, device: usize) -> Vec<Record> {
    let records = world.devices[device].dump().into_iter();
    records
        .filter(|record| record.key.table != FAILURES)
        .collect()
}

pub(crate) fn give(
    world: &mut World,
    device: usize,
    senders: &[BareJid],
    stanza: &Stanza,
) -> Received {
    let incoming = Incoming {
        sender: Sender::among(senders),
        elements: stanza,
        arrival: Arrival::Live,
        author: None,
        attached: &[],
    };
    let now = world.time();
    let account = &world.devices[device].account;
    account.decrypt(&incoming, now, &mut world.rng).unwrap()
}

/// Gives a stanza, which fails for this reason.
pub(crate) fn refused(
    world: &mut World,
    device: usize,
    sender: &str,
    stanza: &Stanza,
    reason: FailureReason,
) {
    match give(world, device, &[jid(sender)], stanza) {
        Received::Failed(failure) => assert_eq!(failure.reason, reason),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn text_of(received: &Received) -> &[u8] {
    match received {
        Received::Message(message) => &message.payload,
        other => panic!("{other:?}"),
    }
}

/// A device without an account, whose sessions do what the test says.
pub(crate) struct Mallory {
    pub(crate) identity: IdentityKeyPair,
    pub(crate) device: DeviceId,
}

impl Mallory {
    pub(crate) fn new(world: &mut World) -> Self {
        Self {
            identity: IdentityKeyPair::generate(&mut world.rng).unwrap(),
            device: DeviceId::new(666).unwrap(),
        }
    }

    pub(crate) fn session(&self, world: &mut World, bundle: &Bundle) -> Session {
        Session::initiate(&self.identity, self.device, bundle, &mut world.rng).unwrap()
    }

    /// A first message to somebody who has published this.
    pub(crate) fn exchange(&self, world: &mut World, bundle: &Bundle, text: &[u8]) -> Stanza {
        let mut session = self.session(world, bundle);
        self.write(world, &mut session, text)
    }

    pub(crate) fn write(&self, world: &mut World, session: &mut Session, text: &[u8]) -> Stanza {
        let sealed = of(session.version())
            .seal_payload(text, &random(&mut world.rng).unwrap())
            .unwrap();
        let mut stanza = self.empty(world, session, sealed.key_material.expose());
        stanza[0].iv = sealed.iv.map(|iv| iv.to_vec());
        stanza[0].payload = Some(sealed.ciphertext);
        stanza
    }

    /// Only a key, with any content.
    pub(crate) fn empty(&self, world: &mut World, session: &mut Session, key: &[u8]) -> Stanza {
        let key = KeyMaterial::new(key);
        let key = session.encrypt(&key, &mut world.rng).unwrap();
        vec![Encrypted {
            version: session.version(),
            sender_device: self.device,
            keys: vec![OwnKey {
                key_exchange: key.key_exchange,
                bytes: key.bytes,
            }],
            iv: Some(vec![7; 12]).filter(|_| session.version() == Version::Legacy),
            payload: None,
        }]
    }
}

pub(crate) fn bundle(world: &World, device: usize, version: Version) -> Bundle {
    world.devices[device]
        .account
        .bundle(version)
        .unwrap()
        .bundle
}

/// The message of the stanza's first key.
pub(crate) fn message(stanza: &Stanza) -> RatchetMessage {
    let (version, key) = (stanza[0].version, &stanza[0].keys[0]);
    if key.key_exchange {
        KeyExchange::read(version, &key.bytes)
            .unwrap()
            .message()
            .clone()
    } else {
        RatchetMessage::read(version, &key.bytes).unwrap()
    }
}

/// The same with garbage for the MAC of its first key.
pub(crate) fn with_garbage_for_mac(stanza: &Stanza) -> Stanza {
    let mac = message(stanza).mac().to_vec();
    let mut stanza = stanza.clone();
    let bytes = &mut stanza[0].keys[0].bytes;
    let at = find(bytes, &mac);
    bytes[at..at + mac.len()].fill(0x5a);
    stanza
}

pub(crate) fn find(bytes: &[u8], part: &[u8]) -> usize {
    let mut windows = bytes.windows(part.len());
    windows.position(|window| window == part).unwrap()
}

/// The same with other bytes for some in its first key.
pub(crate) fn replaced(stanza: &Stanza, from: &[u8], to: &[u8]) -> Stanza {
    let mut stanza = stanza.clone();
    let bytes = &mut stanza[0].keys[0].bytes;
    let at = find(bytes, from);
    bytes[at..at + to.len()].copy_from_slice(to);
    stanza
}
