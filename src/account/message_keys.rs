//! What became of each message of a session: its key was put away, or was used.
//!
//! A record for each message, named by the step of its chain and its number. A key that was put away is
//! stored as [`SkippedKey::to_record`] has it; one that was used leaves 16 bytes of a digest of the
//! message, by which a repetition of the same bytes is told from other bytes under the same number.
//! Chains that are too old go with all their records; that they were there is known for some time, so that
//! what an archive has of them is not taken for a sign of a broken session.

use std::cell::Cell;

use prost::Message as _;

use super::names::SessionName;
use super::records::{self, ChainEntry, ChainsRecord};
use super::transaction::Transaction;
use super::{Account, AccountError};
use crate::crypto::RatchetPublicKey;
use crate::model::Timestamp;
use crate::ratchet::{Lookup, MAX_SKIP, SkippedChanges, SkippedKey, SkippedKeys};
use crate::session::Session;

/// How many digests of used keys are kept behind the end of a chain.
const REMEMBERED: u32 = MAX_SKIP;

/// A chain that is too old to be remembered is known by so many bytes of its ratchet key.
const NAME: usize = 8;

/// And so many of them are: an archive may go back for long.
const MAX_FORGOTTEN: usize = 500;

/// The first bytes of the SHA-256 of a message.
pub(super) type Digest = [u8; 16];

/// What became of a message.
#[derive(Debug)]
pub(super) enum Fate {
    /// Its key was used by a message with this digest.
    Used(Digest),
    /// Its key waits.
    Waiting(SkippedKey),
}

impl Fate {
    pub(super) fn from_record(record: &[u8]) -> Result<Self, AccountError> {
        if let Ok(digest) = record.try_into() {
            return Ok(Self::Used(digest));
        }
        let (_, key) = SkippedKey::from_record(record).ok_or(AccountError::Record)?;
        Ok(Self::Waiting(key))
    }
}

/// The skipped keys of one session, as its ratchet asks for them. Nothing is read before it does.
pub(super) struct StoredKeys<'t> {
    account: &'t Account,
    tx: &'t Transaction<'t>,
    session: &'t SessionName,
    /// The step that the session has come to.
    steps: u32,
    error: Cell<Option<AccountError>>,
}

impl<'t> StoredKeys<'t> {
    pub(super) fn new(
        account: &'t Account,
        tx: &'t Transaction<'t>,
        session: &'t SessionName,
        state: &Session,
    ) -> Self {
        Self {
            account,
            tx,
            session,
            steps: state.ratchet().steps(),
            error: Cell::new(None),
        }
    }

    /// Whether a chain of this ratchet key is remembered.
    pub(super) fn knows(&self, dh: &RatchetPublicKey) -> Result<bool, AccountError> {
        Ok(self.step_of(dh)?.is_some())
    }

    pub(super) fn step_of(&self, dh: &RatchetPublicKey) -> Result<Option<u32>, AccountError> {
        let chains = self.account.chains(self.tx, self.session)?.chains;
        // A chain that the session has not come to was left by a store that wrote a part of a batch.
        let mut reached = chains.iter().filter(|chain| chain.step <= self.steps);
        let found = reached.find(|chain| chain.dh == dh.as_bytes());
        Ok(found.map(|chain| chain.step))
    }

    /// Whether a chain of this ratchet key was too old to be remembered. Anybody can say that a message is
    /// of such a chain: it cannot be read in any case.
    pub(super) fn has_forgotten(&self, dh: &RatchetPublicKey) -> Result<bool, AccountError> {
        let forgotten = self.account.chains(self.tx, self.session)?.forgotten;
        let mut names = forgotten.chunks_exact(NAME);
        Ok(names.any(|name| dh.as_bytes().starts_with(name)))
    }

    /// What the store said while the ratchet was asking.
    pub(super) fn check(&self) -> Result<(), AccountError> {
        self.error.take().map_or(Ok(()), Err)
    }

    fn look_up(&self, dh: &RatchetPublicKey, n: u32) -> Result<Lookup, AccountError> {
        let Some(step) = self.step_of(dh)? else {
            return Ok(Lookup::UnknownChain);
        };
        let fate = self.account.fate(self.tx, self.session, step, n)?;
        Ok(match fate {
            Some(Fate::Waiting(key)) => Lookup::Key(step, key),
            Some(Fate::Used(_)) | None => Lookup::NoKey,
        })
    }
}

impl SkippedKeys for StoredKeys<'_> {
    fn find(&self, dh: &RatchetPublicKey, n: u32) -> Lookup {
        self.look_up(dh, n).unwrap_or_else(|error| {
            self.error.set(Some(error));
            Lookup::NoKey
        })
    }
}

/// The steps of the chains in a record; none if it is damaged.
pub(super) fn steps(chains: &[u8]) -> Vec<u32> {
    let chains = ChainsRecord::decode(chains).unwrap_or_default().chains;
    chains.into_iter().map(|chain| chain.step).collect()
}

impl Account {
    pub(super) fn fate(
        &self,
        tx: &Transaction<'_>,
        session: &SessionName,
        step: u32,
        n: u32,
    ) -> Result<Option<Fate>, AccountError> {
        let record = tx.get(&self.names.message_key(session, step, n))?;
        record.map(|record| Fate::from_record(&record)).transpose()
    }

    pub(super) fn chains(
        &self,
        tx: &Transaction<'_>,
        session: &SessionName,
    ) -> Result<ChainsRecord, AccountError> {
        records::read(tx, &self.names.chains(session))
    }

    /// Stores what a message has changed about the skipped keys.
    pub(super) fn store_skipped(
        &self,
        tx: &mut Transaction<'_>,
        session: &SessionName,
        changes: &SkippedChanges,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        if changes.opened.is_none() && changes.added.is_empty() {
            return Ok(());
        }
        let mut chains = self.chains(tx, session)?;
        if let Some((dh, step)) = &changes.opened {
            chains.chains.push(ChainEntry {
                dh: dh.as_bytes().to_vec(),
                step: *step,
                ..ChainEntry::default()
            });
        }
        let oldest = changes.forget_before();
        for old in chains.chains.extract_if(.., |chain| chain.step < oldest) {
            tx.clear(self.names.message_keys(session, old.step));
            let name = old.dh.iter().chain(&[0; NAME]).take(NAME);
            chains.forgotten.extend(name);
        }
        let excess = chains.forgotten.len().saturating_sub(MAX_FORGOTTEN * NAME);
        chains.forgotten.drain(..excess);
        for (step, n, key) in &changes.added {
            let record = SkippedKey::Seed(Box::new(key.clone())).to_record(*n);
            tx.put(self.names.message_key(session, *step, *n), &record);
            if let Some(chain) = chains.chains.iter_mut().find(|chain| chain.step == *step) {
                chain.at_most = chain.at_most.saturating_add(1);
                chain.added = now.as_millis();
            }
        }
        let added = changes.added.len() as u64;
        self.limit_session(tx, session, &mut chains, added)?;
        records::write(tx, self.names.chains(session), &chains);
        self.limit_account(tx, added)
    }

    /// Notes that the key of a message was used.
    pub(super) fn mark_used(
        &self,
        tx: &mut Transaction<'_>,
        session: &SessionName,
        (step, n): (u32, u32),
        digest: &Digest,
    ) -> Result<(), AccountError> {
        tx.put(self.names.message_key(session, step, n), digest);
        if let Some(old) = n.checked_sub(REMEMBERED)
            && let Some(Fate::Used(_)) = self.fate(tx, session, step, old)?
        {
            tx.delete(self.names.message_key(session, step, old));
        }
        Ok(())
    }

    /// Removes everything about the messages of a session.
    pub(super) fn forget_message_keys(
        &self,
        tx: &mut Transaction<'_>,
        session: &SessionName,
    ) -> Result<(), AccountError> {
        for chain in self.chains(tx, session)?.chains {
            tx.clear(self.names.message_keys(session, chain.step));
        }
        tx.delete(self.names.chains(session));
        Ok(())
    }
}
