//! The device under test: what an account does with sessions, as little of it as the vectors need.
//!
//! Sessions exist as records only. Each step reads one, uses it and writes it again, errors included:
//! so the record is all that a session is, and an error that moved it does not go unnoticed.

use std::collections::BTreeMap;

use omemo::crypto::{IdentityKey, IdentityKeyPair, PreKeyPair, SignedPreKeyPair};
use omemo::model::{Bundle, DeviceId, Version};
use omemo::protocol::{self, KeyExchange, KeyMaterial, RatchetMessage};
use omemo::ratchet::{Budget, SkippedKey, SkippedKeysInMemory};
use omemo::session::{EncryptedKey, ResponderKeys, Session};

use super::bytes::same;
use super::class::Class;
use super::script::Script;

/// A device with one remote device to talk to.
#[derive(Debug)]
pub(super) struct Device {
    version: Version,
    id: DeviceId,
    identity: IdentityKeyPair,
    signed_pre_keys: BTreeMap<u32, SignedPreKeyPair>,
    pre_keys: BTreeMap<u32, PreKeyPair>,
    /// The remote identity, from the first key exchange in either direction on.
    pinned: Option<IdentityKey>,
    /// The current one first.
    sessions: Vec<Stored>,
}

/// Why nothing was received.
#[derive(Debug)]
pub(super) enum Problem {
    /// The device refuses it.
    Refused(Class),
    /// Something that must never happen, whatever is received.
    Broken(String),
}

/// Is asked whether the payload opens, before the session moves.
pub(super) type Open<'a> = &'a mut dyn FnMut(&KeyMaterial) -> Result<(), Class>;

impl Device {
    pub(super) const fn new(version: Version, id: DeviceId, identity: IdentityKeyPair) -> Self {
        Self {
            version,
            id,
            identity,
            signed_pre_keys: BTreeMap::new(),
            pre_keys: BTreeMap::new(),
            pinned: None,
            sessions: Vec::new(),
        }
    }

    pub(super) fn add_signed_pre_key(&mut self, id: u32, pair: SignedPreKeyPair) {
        self.signed_pre_keys.insert(id, pair);
    }

    pub(super) fn add_pre_key(&mut self, id: u32, pair: PreKeyPair) {
        self.pre_keys.insert(id, pair);
    }

    /// Its identity key, as the version publishes it.
    pub(super) fn public_identity(&self) -> IdentityKey {
        protocol::of(self.version).identity(&self.identity)
    }

    /// The current session.
    pub(super) fn session(&self) -> Result<Session, String> {
        self.sessions.first().ok_or("there is no session")?.load()
    }

    /// Starts a session, which becomes the current one.
    pub(super) fn initiate(&mut self, bundle: &Bundle, rng: &mut Script) -> Result<(), String> {
        let session = Session::initiate(&self.identity, self.id, bundle, rng)
            .map_err(|error| format!("the session does not start: {error}"))?;
        self.pinned.get_or_insert(bundle.identity);
        self.sessions.insert(0, Stored::new(&session)?);
        Ok(())
    }

    /// Encrypts on the current session.
    pub(super) fn send(
        &mut self,
        plaintext: &[u8],
        rng: &mut Script,
    ) -> Result<EncryptedKey, String> {
        let stored = self.sessions.first_mut().ok_or("there is no session")?;
        let mut session = stored.load()?;
        let sent = session
            .encrypt(&KeyMaterial::new(plaintext), rng)
            .map_err(|error| format!("the session does not encrypt: {error}"))?;
        stored.save(&session)?;
        Ok(sent)
    }

    /// Takes the bytes of a key element, as the kind that they are announced to be.
    pub(super) fn receive(
        &mut self,
        bytes: &[u8],
        is_key_exchange: bool,
        budget: &mut Budget,
        open: Open<'_>,
    ) -> Result<KeyMaterial, Problem> {
        if is_key_exchange {
            let exchange = KeyExchange::read(self.version, bytes)?;
            self.receive_key_exchange(&exchange, budget, open)
        } else {
            let message = RatchetMessage::read(self.version, bytes)?;
            self.receive_message(&message, budget, open)
        }
    }

    fn receive_message(
        &mut self,
        message: &RatchetMessage,
        budget: &mut Budget,
        open: Open<'_>,
    ) -> Result<KeyMaterial, Problem> {
        let mut refusals = Vec::new();
        for index in 0..self.sessions.len() {
            match self.receive_on(index, message, budget, open) {
                Err(Problem::Refused(class)) if class != Class::Payload => refusals.push(class),
                result => return result,
            }
        }
        let class = match refusals.first() {
            None => Class::NoSession,
            Some(_) if refusals.contains(&Class::Duplicate) => Class::Duplicate,
            Some(&current) => current,
        };
        Err(class.into())
    }

    /// One session takes a message, and becomes the current one if it can.
    fn receive_on(
        &mut self,
        index: usize,
        message: &RatchetMessage,
        budget: &mut Budget,
        open: Open<'_>,
    ) -> Result<KeyMaterial, Problem> {
        let stored = self.sessions.get_mut(index).ok_or(Class::NoSession)?;
        let plaintext = stored.receive(message, budget, open)?;
        if let Some(newer) = self.sessions.get_mut(..=index) {
            newer.rotate_right(1);
        }
        Ok(plaintext)
    }

    fn receive_key_exchange(
        &mut self,
        exchange: &KeyExchange,
        budget: &mut Budget,
        open: Open<'_>,
    ) -> Result<KeyMaterial, Problem> {
        if self
            .pinned
            .is_some_and(|pinned| pinned != *exchange.identity())
        {
            return Err(Class::IdentityMismatch.into());
        }
        for (index, stored) in self.sessions.iter().enumerate() {
            let session = stored.load()?;
            if !session.is_initiator() && session.base_key() == exchange.ephemeral() {
                return self.receive_on(index, exchange.message(), budget, open);
            }
        }
        let signed_pre_key = exchange
            .signed_pre_key_id()
            .and_then(|id| self.signed_pre_keys.get(&id.get()))
            .ok_or(Class::UnknownSignedPreKey)?;
        let (id, pre_key) = exchange
            .pre_key_id()
            .and_then(|id| self.pre_keys.get_key_value(&id.get()))
            .ok_or(Class::UnknownPreKey)?;
        let keys = ResponderKeys {
            identity: &self.identity,
            signed_pre_key,
            pre_key,
        };
        let accepted = Session::accept(&keys, exchange, budget)?;
        open(&accepted.plaintext)?;

        let id = *id;
        let mut stored = Stored::new(&accepted.session)?;
        stored.skipped.apply(accepted.skipped);
        self.sessions.insert(0, stored);
        self.pre_keys.remove(&id);
        self.pinned = Some(*exchange.identity());
        Ok(accepted.plaintext)
    }

    /// All that is stored, to compare.
    pub(super) fn snapshot(&self) -> Result<Snapshot, String> {
        Ok(Snapshot {
            signed_pre_keys: self.signed_pre_keys.keys().copied().collect(),
            pre_keys: self.pre_keys.keys().copied().collect(),
            pinned: self.pinned,
            sessions: self
                .sessions
                .iter()
                .map(Stored::records)
                .collect::<Result<_, _>>()?,
        })
    }
}

/// All that a device stores and a step may change.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Snapshot {
    signed_pre_keys: Vec<u32>,
    pre_keys: Vec<u32>,
    pinned: Option<IdentityKey>,
    sessions: Vec<Records>,
}

/// The record of a session; those of its skipped keys, with the steps of their chains.
type Records = (Vec<u8>, Vec<(u32, Vec<u8>)>);

impl Snapshot {
    /// Says what differs, if anything does.
    pub(super) fn unchanged(&self, now: &Self) -> Result<(), String> {
        let changes: Vec<&str> = [
            (
                self.signed_pre_keys != now.signed_pre_keys,
                "signed pre-keys",
            ),
            (self.pre_keys != now.pre_keys, "pre-keys"),
            (self.pinned != now.pinned, "the pinned identity"),
            (self.sessions != now.sessions, "sessions"),
        ]
        .into_iter()
        .filter_map(|(changed, what)| changed.then_some(what))
        .collect();
        if changes.is_empty() {
            return Ok(());
        }
        Err(format!(
            "expected nothing to change, came a change of {}",
            changes.join(", ")
        ))
    }
}

/// A session, as a store has it.
#[derive(Debug)]
struct Stored {
    record: Vec<u8>,
    skipped: SkippedKeysInMemory,
}

impl Stored {
    fn new(session: &Session) -> Result<Self, String> {
        let mut stored = Self {
            record: Vec::new(),
            skipped: SkippedKeysInMemory::default(),
        };
        stored.save(session)?;
        Ok(stored)
    }

    fn load(&self) -> Result<Session, String> {
        Session::from_record(&self.record).map_err(|error| format!("a session's record: {error}"))
    }

    fn save(&mut self, session: &Session) -> Result<(), String> {
        self.record = session.to_record().to_vec();
        let again = self.load()?.to_record();
        same(
            "record of a session, read and written again",
            &self.record,
            again.as_slice(),
        )
    }

    fn receive(
        &mut self,
        message: &RatchetMessage,
        budget: &mut Budget,
        open: Open<'_>,
    ) -> Result<KeyMaterial, Problem> {
        let mut session = self.load()?;
        let received = match session.decrypt(message, &self.skipped, budget) {
            Ok(decrypted) => open(decrypted.plaintext()).map(|()| decrypted.commit()),
            Err(error) => Err(error.into()),
        };
        self.save(&session)?;
        let (plaintext, changes) = received?;
        self.skipped.apply(changes);
        Ok(plaintext)
    }

    fn records(&self) -> Result<Records, String> {
        let keys = self.skipped.iter().map(|(step, n, key)| {
            let record = key.to_record(n).to_vec();
            let again = SkippedKey::from_record(&record)
                .filter(|(number, _)| *number == n)
                .ok_or("the record of a skipped key is not read back")?
                .1
                .to_record(n);
            same(
                "record of a skipped key, read and written again",
                &record,
                &again,
            )?;
            Ok((step, record))
        });
        Ok((self.record.clone(), keys.collect::<Result<_, String>>()?))
    }
}

impl From<Class> for Problem {
    fn from(class: Class) -> Self {
        Self::Refused(class)
    }
}

impl From<String> for Problem {
    fn from(text: String) -> Self {
        Self::Broken(text)
    }
}

impl From<omemo::error::MessageError> for Problem {
    fn from(error: omemo::error::MessageError) -> Self {
        Self::Refused(error.into())
    }
}

impl From<omemo::error::DecryptError> for Problem {
    fn from(error: omemo::error::DecryptError) -> Self {
        Self::Refused(error.into())
    }
}
