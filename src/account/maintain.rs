//! What has to be done once a day: keys are replaced, and what was kept for long enough is removed.

use core::time::Duration;

use rand_core::TryCryptoRng;

use super::pre_keys::KEPT_AFTER_USE;
use super::transaction::{MAX_WRITE, Transaction};
use super::{Account, AccountError, Peer};
use crate::model::{Timestamp, Version};

impl Account {
    /// Does what is due once a day: wipes used pre-keys, replaces signed pre-keys that are old enough, and
    /// removes old sessions, skipped keys and messages that nobody has acknowledged. The end of a catch-up
    /// calls it; a client that is never away calls it once a day.
    ///
    /// It may run at any time. While a catch-up is open, also one of another process, it does only what
    /// takes nothing from that: the rest waits for the end of the last catch-up, for 14 days at most.
    ///
    /// # Errors
    /// [`AccountError`]. What was done until then stays done; the next time goes on with the rest.
    pub fn maintain<G: TryCryptoRng + ?Sized>(
        &self,
        now: Timestamp,
        rng: &mut G,
    ) -> Result<(), AccountError> {
        self.run(|tx| {
            let catch_ups = self.catch_ups(tx)?;
            let kept_for = match catch_ups.is_open(now) {
                true => KEPT_AFTER_USE,
                false => Duration::ZERO,
            };
            for version in Version::ALL {
                self.wipe_used_pre_keys(tx, version, kept_for, now)?;
                if !catch_ups.delays_maintenance(now) {
                    self.rotate_signed_pre_key(tx, version, now, rng)?;
                }
            }
            self.expire_inbox(tx, now)
        })?;
        // However much others have made us keep, each write is one that a store takes.
        while !self.run(|tx| self.hold_answers_to_strangers(tx))? {}
        while !self.run(|tx| self.expire_sessions(tx, now))? {}
        Ok(())
    }

    /// Removes old sessions and skipped keys until the write is large enough, and says whether that was all
    /// of them.
    fn expire_sessions(
        &self,
        tx: &mut Transaction<'_>,
        now: Timestamp,
    ) -> Result<bool, AccountError> {
        // Somebody else may have begun a catch-up since the last write.
        if self.catch_ups(tx)?.delays_maintenance(now) {
            return Ok(true);
        }
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
                    let peer = Peer::new(jid.clone(), device, version);
                    is_changed |= self.drop_old_sessions(tx, &peer, &mut record, now)?;
                    for number in record.part_mut(version).numbers() {
                        if tx.size() < MAX_WRITE {
                            let session = peer.clone().session(number);
                            self.expire_skipped(tx, &session, super::sessions::OLD_AGE, now)?;
                        }
                    }
                }
                if is_changed {
                    self.store_device(tx, &jid, device, &record)?;
                }
            }
        }
        Ok(tx.size() < MAX_WRITE)
    }
}
