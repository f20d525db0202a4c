//! How many skipped keys are kept, and which are given up: the oldest of a session, the oldest chains of an
//! account, and those that nobody has asked for in a long time.
//!
//! Each chain's record has an upper bound of its number of keys. They are counted only when the sum of the bounds
//! is above a limit, so that a message that skips a few keys does not read thousands of records.

use super::message_keys::Fate;
use super::names::SessionName;
use super::records::{self, ChainEntry, ChainsRecord, SkippedRecord};
use super::transaction::{MAX_WRITE, Transaction};
use super::{Account, AccountError};
use crate::model::Timestamp;
use crate::ratchet::{MAX_SKIP, given_up};

/// The number of skipped keys that are kept for an account.
const MAX_SKIPPED: u64 = 100_000;

/// What is left when there were too many, so that they are not counted anew for each message.
const LEFT_AFTER_EVICTION: u64 = 90_000;

/// When they are counted and are more than this, they are too many: else an account that is nearly full
/// would be counted for each message.
const FEW_ENOUGH: u64 = 95_000;

impl Account {
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

    /// Gives up the oldest keys of a session, as many as [`given_up`] says.
    pub(super) fn limit_session(
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
        let mut excess = given_up(total(chains), added);
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
    pub(super) fn limit_account(
        &self,
        tx: &mut Transaction<'_>,
        added: u64,
    ) -> Result<(), AccountError> {
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
