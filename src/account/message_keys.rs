//! What became of each message of a session: its key was put away, or was used.
//!
//! A record for each message, named by the step of its chain and its number. A key that was put away is
//! stored as [`SkippedKey::to_record`] has it; one that was used leaves 16 bytes of a digest of the
//! message, by which a repetition of the same bytes is told from other bytes under the same number.
//! Chains that are too old go with all their records; that they were there is known for some time, so that
//! what an archive has of them is not taken for a sign of a broken session.

use std::cell::Cell;

use super::names::SessionName;
use super::records::{self, ChainEntry, ChainsRecord, SkippedRecord};
use super::transaction::{MAX_WRITE, Transaction};
use super::{Account, AccountError};
use crate::crypto::RatchetPublicKey;
use crate::model::Timestamp;
use crate::ratchet::{Lookup, MAX_SKIP, SkippedChanges, SkippedKey, SkippedKeys};
use crate::session::Session;

/// The number of skipped keys that are kept for an account.
const MAX_SKIPPED: u64 = 100_000;

/// What is left when there were too many, so that they are not counted anew for each message.
const LEFT_AFTER_EVICTION: u64 = 90_000;

/// When they are counted and are more than this, they are too many: else an account that is nearly full
/// would be counted for each message.
const FEW_ENOUGH: u64 = 95_000;

/// So many more than necessary go when a session has too many, of those that were there before.
const EVICTED_BESIDES: u64 = 1000;

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
    fn from_record(record: &[u8]) -> Result<Self, AccountError> {
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

    /// Removes the skipped keys of all sessions until the write is large enough, and says whether that was
    /// all of them. What became of the messages that were read stays, and so do the chains: the sessions
    /// are read on.
    pub(super) fn wipe_skipped(&self, tx: &mut Transaction<'_>) -> Result<bool, AccountError> {
        for session in self.session_names(tx)? {
            if tx.size() >= MAX_WRITE {
                return Ok(false);
            }
            let mut chains = self.chains(tx, &session)?;
            let before = chains.clone();
            for chain in &mut chains.chains {
                self.evict(tx, &session, chain, u32::MAX)?;
                chain.at_most = 0;
            }
            if chains != before {
                records::write(tx, self.names.chains(&session), &chains);
            }
        }
        Ok(tx.size() < MAX_WRITE)
    }

    /// Removes the skipped keys of chains to which none was added for so long.
    pub(super) fn expire_skipped(
        &self,
        tx: &mut Transaction<'_>,
        session: &SessionName,
        age: core::time::Duration,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        let mut chains = self.chains(tx, session)?;
        let mut is_changed = false;
        for chain in &mut chains.chains {
            let added = Timestamp::from_millis(chain.added);
            if chain.at_most > 0 && now.since(added) >= age {
                self.evict(tx, session, chain, u32::MAX)?;
                is_changed = true;
            }
        }
        if is_changed {
            records::write(tx, self.names.chains(session), &chains);
        }
        Ok(())
    }

    /// Keeps the number of a session's skipped keys at [`MAX_SKIP`]; the oldest go, and some more of those
    /// that were there before, so that the next message does not have to count again.
    fn limit_session(
        &self,
        tx: &mut Transaction<'_>,
        session: &SessionName,
        chains: &mut ChainsRecord,
        added: u64,
    ) -> Result<(), AccountError> {
        if total(chains) <= u64::from(MAX_SKIP) {
            return Ok(());
        }
        for chain in &mut chains.chains {
            chain.at_most = self.count_skipped(tx, session, chain.step)?;
        }
        let count = total(chains);
        let mut excess = count.saturating_sub(MAX_SKIP.into());
        if excess > 0 {
            let others = count.saturating_sub(added).saturating_sub(excess);
            excess += others.min(EVICTED_BESIDES);
        }
        for chain in &mut chains.chains {
            if excess == 0 {
                break;
            }
            let evicted = self.evict(
                tx,
                session,
                chain,
                u32::try_from(excess).unwrap_or(u32::MAX),
            )?;
            excess = excess.saturating_sub(evicted.into());
        }
        Ok(())
    }

    /// Keeps the number of the account's skipped keys in bounds. The oldest chains go.
    fn limit_account(&self, tx: &mut Transaction<'_>, added: u64) -> Result<(), AccountError> {
        if added == 0 {
            return Ok(());
        }
        let name = self.names.account("skipped");
        let mut record: SkippedRecord = records::read(tx, &name)?;
        record.at_most = record.at_most.saturating_add(added);
        if record.at_most > MAX_SKIPPED {
            record.at_most = self.evict_oldest_chains(tx)?;
        }
        records::write(tx, name, &record);
        Ok(())
    }

    /// Counts all skipped keys and, if there are too many, removes the oldest. How many are left.
    fn evict_oldest_chains(&self, tx: &mut Transaction<'_>) -> Result<u64, AccountError> {
        let mut all = Vec::new();
        let mut count = 0;
        for session in self.session_names(tx)? {
            for chain in self.chains(tx, &session)?.chains {
                let kept = self.count_skipped(tx, &session, chain.step)?;
                if kept > 0 {
                    count += u64::from(kept);
                    all.push((chain.added, chain.step, session.clone()));
                }
            }
        }
        if count <= FEW_ENOUGH {
            return Ok(count);
        }
        all.sort_by_key(|(added, step, _)| (*added, *step));
        for (_, step, session) in all {
            if count <= LEFT_AFTER_EVICTION {
                break;
            }
            let mut chains = self.chains(tx, &session)?;
            if let Some(chain) = chains.chains.iter_mut().find(|chain| chain.step == step) {
                let excess = u32::try_from(count - LEFT_AFTER_EVICTION).unwrap_or(u32::MAX);
                count = count.saturating_sub(self.evict(tx, &session, chain, excess)?.into());
                records::write(tx, self.names.chains(&session), &chains);
            }
        }
        Ok(count)
    }

    pub(super) fn count_skipped(
        &self,
        tx: &Transaction<'_>,
        session: &SessionName,
        step: u32,
    ) -> Result<u32, AccountError> {
        let mut count = 0;
        for (_, value) in tx.scan(&self.names.message_keys(session, step))? {
            count += u32::from(matches!(Fate::from_record(&value)?, Fate::Waiting(_)));
        }
        Ok(count)
    }

    /// Removes a chain's first skipped keys, so many at most. How many there were.
    fn evict(
        &self,
        tx: &mut Transaction<'_>,
        session: &SessionName,
        chain: &mut ChainEntry,
        at_most: u32,
    ) -> Result<u32, AccountError> {
        let range = self.names.message_keys(session, chain.step);
        let mut evicted = 0;
        for (sort, value) in tx.scan(&range)? {
            if evicted == at_most {
                break;
            }
            if let Fate::Waiting(_) = Fate::from_record(&value)? {
                let n = <[u8; 4]>::try_from(&*sort).map_err(|_| AccountError::Record)?;
                let n = u32::from_be_bytes(n);
                tx.delete(self.names.message_key(session, chain.step, n));
                evicted += 1;
            }
        }
        chain.at_most = chain.at_most.saturating_sub(evicted);
        Ok(evicted)
    }
}

fn total(chains: &ChainsRecord) -> u64 {
    chains
        .chains
        .iter()
        .map(|chain| u64::from(chain.at_most))
        .sum()
}
