//! The device under test: what an account does with sessions, as little of it as the vectors need.

use std::collections::BTreeMap;

use omemo::crypto::{IdentityKey, IdentityKeyPair, PreKeyPair, SignedPreKeyPair};
use omemo::model::{Bundle, DeviceId, Version};
use omemo::protocol::{self, KeyExchange, KeyMaterial, RatchetMessage};
use omemo::ratchet::{Budget, SkippedChanges};
use omemo::session::{EncryptedKey, ResponderKeys, Session};

use super::class::Class;
use super::problem::{Open, Problem};
use super::script::Script;
use super::snapshot::Snapshot;
use super::stored::Stored;

/// A device with one remote device to talk to.
#[derive(Clone, Debug)]
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

    pub(super) const fn version(&self) -> Version {
        self.version
    }

    pub(super) const fn id(&self) -> DeviceId {
        self.id
    }

    /// The identity of the remote device, once there was a key exchange.
    pub(super) const fn pinned(&self) -> Option<&IdentityKey> {
        self.pinned.as_ref()
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
        let stored = Stored::new(&session, SkippedChanges::default())?;
        self.sessions.insert(0, stored);
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
                Err(Problem::Refused(class)) => refusals.push(class),
                result => return result,
            }
        }
        Err(Class::of_all(&refusals).unwrap_or(Class::NoSession).into())
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
        open(&accepted.plaintext).map_err(Problem::Unopened)?;

        let id = *id;
        let stored = Stored::new(&accepted.session, accepted.skipped)?;
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
