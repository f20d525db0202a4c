//! Catching up with a history: what is put off until its end, and what its order means.

use rand_core::TryCryptoRng;

use super::pre_keys::KEPT_AFTER_USE;
use super::records::{self, CatchUpRecord};
use super::transaction::{MAX_WRITE, Transaction};
use super::{Account, AccountError};
use crate::model::{Timestamp, Version};

/// In which order an archive is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// As it was written.
    OldestFirst,
    /// Backwards: what was read first is the newest, so an older message says nothing about which
    /// session is the current one.
    NewestFirst,
}

impl Account {
    /// Says that messages from a time of absence are coming: offline ones, or an archive. Until
    /// [`Self::end_catch_up`] used pre-keys are kept and nothing is repaired.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn begin_catch_up(&self, order: Order, now: Timestamp) -> Result<(), AccountError> {
        self.run(|tx| {
            let record = CatchUpRecord {
                since: now.as_millis(),
                newest_first: order == Order::NewestFirst,
            };
            records::write(tx, self.names.account("catch-up"), &record);
            // Those of a catch-up that was never ended.
            for version in Version::ALL {
                self.wipe_used_pre_keys(tx, version, KEPT_AFTER_USE, now)?;
            }
            Ok(())
        })
    }

    /// Says that everything that was written during the absence has been given to
    /// [`Self::decrypt`]. Used pre-keys are wiped, signed ones rotated if they are old enough, and what
    /// was kept for long enough goes: old sessions, skipped keys, messages that nobody has acknowledged.
    ///
    /// To be called once a day or so by those who are never away.
    ///
    /// # Errors
    /// [`AccountError`]. What was done until then stays done; the next time goes on with the rest.
    pub fn end_catch_up<G: TryCryptoRng + ?Sized>(
        &self,
        now: Timestamp,
        rng: &mut G,
    ) -> Result<(), AccountError> {
        self.run(|tx| {
            tx.delete(self.names.account("catch-up"));
            for version in Version::ALL {
                self.wipe_used_pre_keys(tx, version, core::time::Duration::ZERO, now)?;
                self.rotate_signed_pre_key(tx, version, now, rng)?;
            }
            self.expire_inbox(tx, now)
        })?;
        // However much others have made us keep, each write is one that a store takes.
        while !self.run(|tx| self.expire_sessions(tx, now))? {}
        Ok(())
    }

    pub(super) fn catch_up(
        &self,
        tx: &Transaction<'_>,
    ) -> Result<Option<CatchUpRecord>, AccountError> {
        records::find(tx, &self.names.account("catch-up"))
    }

    /// One that was never ended counts for as long as pre-keys are kept for it.
    pub(super) fn is_catching_up(
        &self,
        tx: &Transaction<'_>,
        now: Timestamp,
    ) -> Result<bool, AccountError> {
        let since = self.catch_up(tx)?.map(|record| record.since);
        Ok(since.is_some_and(|since| now.since(Timestamp::from_millis(since)) < KEPT_AFTER_USE))
    }

    /// Removes old sessions and skipped keys until the write is large enough, and says whether that was all
    /// of them.
    fn expire_sessions(
        &self,
        tx: &mut Transaction<'_>,
        now: Timestamp,
    ) -> Result<bool, AccountError> {
        for jid in self.contact_jids(tx)? {
            for (device, mut record) in self.device_records(tx, &jid)? {
                if tx.size() >= MAX_WRITE {
                    return Ok(false);
                }
                let mut is_changed = false;
                for version in Version::ALL {
                    if record.part(version).is_none() {
                        continue;
                    }
                    let jid = jid.clone();
                    let peer = super::Peer {
                        jid,
                        device,
                        version,
                    };
                    is_changed |= self.drop_old_sessions(tx, &peer, &mut record, now)?;
                    for number in record.part_mut(version).numbers() {
                        if tx.size() < MAX_WRITE {
                            let session = peer.clone().session(number);
                            self.expire_skipped(tx, &session, super::sessions::OLD_AGE, now)?;
                        }
                    }
                }
                if is_changed {
                    self.store_device(tx, &jid, device, &record);
                }
            }
        }
        Ok(tx.size() < MAX_WRITE)
    }
}
