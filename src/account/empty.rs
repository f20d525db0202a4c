//! Empty messages: answers, heartbeats, and the beginning of a new session in the place of a broken one
//! (XEP-0384 §5.5.3, §5.8, §7).

use core::fmt;

use rand_core::TryCryptoRng;

use super::names::Peer;
use super::outgoing::FetchedBundle;
use super::plan::Planned;
use super::report::Gap;
use super::transaction::Transaction;
use super::{Account, AccountError, Trust};
use crate::crypto::random;
use crate::model::{Encrypted, Fingerprint, RecipientKey, Timestamp};
use crate::protocol;

/// Why no empty message was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EmptyError {
    /// The user has not accepted the account, or has blocked it: an answer would tell a stranger that somebody
    /// is there.
    NotAccepted,
    /// The device cannot be sent one.
    Gap(Gap),
    /// Nothing was done.
    Account(AccountError),
}

impl fmt::Display for EmptyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAccepted => f.write_str("the user has not accepted the account"),
            Self::Gap(gap) => gap.fmt(f),
            Self::Account(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for EmptyError {}

impl<E: Into<AccountError>> From<E> for EmptyError {
    fn from(error: E) -> Self {
        Self::Account(error.into())
    }
}

impl Account {
    /// Makes an empty message for a device: on the session that it is owed on, else on the current one,
    /// else on a new one from `bundle`. Whether its key was decided about makes no difference, unless the
    /// decision was against it.
    ///
    /// # Errors
    /// [`EmptyError`]; no session has moved.
    pub fn encrypt_empty<G: TryCryptoRng + ?Sized>(
        &self,
        peer: &Peer,
        bundle: Option<&FetchedBundle>,
        now: Timestamp,
        rng: &mut G,
    ) -> Result<Encrypted<RecipientKey>, EmptyError> {
        self.run(|tx| {
            let owed = self.owed_session(tx, peer)?;
            let record = self.find_device(tx, &peer.jid, peer.device)?;
            let part = record.as_ref().and_then(|record| record.part(peer.version));
            let usable = |number| {
                part.and_then(|part| part.entry(number))
                    .filter(|entry| !entry.receive_only)
            };
            let entry = owed
                .and_then(usable)
                .or_else(|| part.and_then(|part| part.current()));
            let mut found = None;
            if let Some(entry) = entry {
                let name = peer.clone().session(entry.number);
                let session = self.load_session(tx, &name)?;
                found = session.map(|session| Planned::Found(name, session));
            }
            self.send_empty(tx, peer, found, bundle, now, rng)
        })
    }

    /// Starts a new session with a device from its bundle, in the place of broken ones, and makes the
    /// empty message that tells it so. For [`Self::repairs_due`]. The broken ones are read from for a while
    /// and not written to: a message that comes late on one of them does not lead back to it.
    ///
    /// # Errors
    /// [`EmptyError`]; nothing has changed.
    pub fn repair<G: TryCryptoRng + ?Sized>(
        &self,
        peer: &Peer,
        bundle: &FetchedBundle,
        now: Timestamp,
        rng: &mut G,
    ) -> Result<Encrypted<RecipientKey>, EmptyError> {
        self.run(|tx| {
            if let Some(mut record) = self.find_device(tx, &peer.jid, peer.device)? {
                record.part_mut(peer.version).retire_all(now);
                self.store_device(tx, &peer.jid, peer.device, &record)?;
            }
            // What is owed is owed on one of the broken ones.
            self.forget_answer(tx, peer);
            let message = self.send_empty(tx, peer, None, Some(bundle), now, rng)?;
            self.note_repair(tx, peer, now)?;
            Ok(message)
        })
    }

    /// Says that a repair was tried and there was no bundle: it is put off.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn repair_failed(&self, peer: &Peer, now: Timestamp) -> Result<(), AccountError> {
        self.run(|tx| self.note_repair(tx, peer, now))
    }

    fn send_empty<G: TryCryptoRng + ?Sized>(
        &self,
        tx: &mut Transaction<'_>,
        peer: &Peer,
        found: Option<Planned>,
        bundle: Option<&FetchedBundle>,
        now: Timestamp,
        rng: &mut G,
    ) -> Result<Encrypted<RecipientKey>, EmptyError> {
        if !self.accepts(tx, &peer.jid)? {
            return Err(EmptyError::NotAccepted);
        }
        let mut record = self.device_or_new(tx, &peer.jid, peer.device, now)?;
        let planned = match (found, bundle) {
            (Some(found), _) => found,
            (None, Some(FetchedBundle::Bundle(bundle))) => {
                let session = self.initiate(tx, peer, &mut record, bundle, rng)?;
                let session = session.map_err(EmptyError::Gap)?;
                Planned::Started(Box::new(record.clone()), session, now)
            }
            (None, Some(FetchedBundle::Absent)) => return Err(EmptyError::Gap(Gap::NoBundle)),
            (None, Some(FetchedBundle::Broken)) => return Err(EmptyError::Gap(Gap::BrokenBundle)),
            (None, Some(FetchedBundle::Unreachable(error))) => {
                return Err(EmptyError::Gap(Gap::Unreachable(*error)));
            }
            (None, None) => return Err(EmptyError::Gap(Gap::NoSession)),
        };
        if let Some(key) = record.fingerprint() {
            self.check_wanted(tx, peer, &record, &key, now)?;
        }
        let protocol = protocol::of(peer.version);
        let key_material = protocol.empty_key_material(&random(rng)?);
        let key = self.encrypt_key(tx, peer, planned, &key_material, rng)?;
        Ok(Encrypted {
            version: peer.version,
            sender_device: self.own.device,
            keys: vec![key.map_err(EmptyError::Gap)?],
            iv: protocol.empty_iv(&random(rng)?),
            payload: None,
        })
    }

    fn check_wanted(
        &self,
        tx: &mut Transaction<'_>,
        peer: &Peer,
        record: &super::records::DeviceRecord,
        key: &Fingerprint,
        now: Timestamp,
    ) -> Result<(), EmptyError> {
        match self.introduce(tx, peer, record, key, now)? {
            Trust::Distrusted => Err(EmptyError::Gap(Gap::Distrusted(*key))),
            Trust::Undecided | Trust::Blind | Trust::Verified => Ok(()),
        }
    }
}
