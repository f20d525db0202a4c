//! A store that is an old copy of itself: what is given up, and that the user is told.
//!
//! Two things prove it: a marker that does not match ([`super::incarnation`]), and a signed pre-key on the server
//! that this identity has signed and this store has not made ([`super::published`]). The second may as well mean that
//! another program uses the device. Everything else can be invented by a server: it is a suspicion, of which the user
//! is told once, and nothing is given up for it.
//!
//! After a proof the sessions are read from and not written to, so no message key is used twice. They count as
//! missing, and not as broken: a missing one may be mended in both versions (XEP-0384 §5.6, §7). So each device of
//! an accepted account gets one key exchange: with the next message, or by [`Account::repairs_due`].

use rand_core::TryCryptoRng;

use super::names::Peer;
use super::records::{self, DeviceRecord, FailuresRecord, RollbackRecord, SkippedRecord};
use super::repair::FIRST_PAUSE;
use super::transaction::{MAX_WRITE, Transaction};
use super::{Account, AccountError};
use crate::model::{Timestamp, Version};

/// That the store is, or may be, an old copy of itself, or that a second program uses the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rollback {
    /// It is proven, since this time. What could be used twice was given up, and new sessions are being started:
    /// messages that were written for the lost state are not readable.
    Proven(Timestamp),
    /// It is suspected, since this time. Nothing was given up: a server can invent what it was seen by.
    Suspected(Timestamp),
}

/// What proves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    Marker,
    Bundle,
}

impl Account {
    /// Whether the store is an old copy of itself, or may be, and the user was not told ([`Self::rollback_told`]).
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn rollback(&self) -> Result<Option<Rollback>, AccountError> {
        self.read(|tx| {
            let record = self.rollback_record(tx)?;
            let (proven, suspected) = (record.proven, record.suspected);
            Ok(if proven > 0 && !record.is_proof_told {
                Some(Rollback::Proven(Timestamp::from_millis(proven)))
            } else if suspected > 0 && !record.is_suspicion_told {
                Some(Rollback::Suspected(Timestamp::from_millis(suspected)))
            } else {
                None
            })
        })
    }

    /// The user knows of what [`Self::rollback`] says. A suspicion is not told of a second time.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn rollback_told(&self, told: Rollback) -> Result<(), AccountError> {
        self.run(|tx| {
            let mut record = self.rollback_record(tx)?;
            match told {
                // Meanwhile there may have been another.
                Rollback::Proven(at) => record.is_proof_told |= at.as_millis() == record.proven,
                Rollback::Suspected(_) => record.is_suspicion_told = true,
            }
            records::write(tx, self.name_of_rollback(), &record);
            Ok(())
        })
    }

    pub(super) fn rollback_record(
        &self,
        tx: &Transaction<'_>,
    ) -> Result<RollbackRecord, AccountError> {
        records::read(tx, &self.name_of_rollback())
    }

    /// Why the store is an old copy, where that is seen when it is opened: also if another process was
    /// interrupted while it gave up what the copy has.
    pub(super) fn proof_at_opening(
        &self,
        tx: &Transaction<'_>,
    ) -> Result<Option<Proof>, AccountError> {
        if let Some(kept) = &self.options.incarnations
            && self.is_old_copy(tx, kept)?
        {
            return Ok(Some(Proof::Marker));
        }
        let is_unfinished = self.rollback_record(tx)?.is_unfinished;
        Ok(is_unfinished.then_some(Proof::Bundle))
    }

    /// Gives up what an old copy has: no key of it is used for a second message, and no old key exchange is accepted
    /// a second time. `false` if that is more than one write, and is to be done again; it is not finished until then.
    pub(super) fn disown<G: TryCryptoRng + ?Sized>(
        &self,
        tx: &mut Transaction<'_>,
        proof: Proof,
        now: Timestamp,
        rng: &mut G,
    ) -> Result<bool, AccountError> {
        let mut record = self.rollback_record(tx)?;
        if !record.is_unfinished {
            let before = Timestamp::from_millis(record.proven);
            let since = now.since(before).max(before.since(now));
            // A server can show a bundle of the lost time when it likes, and two programs each other's at each
            // login: they must not make us send a key exchange to everybody each time.
            record.keeps_pauses = proof == Proof::Bundle && since < FIRST_PAUSE;
            record.proven = now.as_millis().max(1);
            record.is_proof_told = false;
        }
        let is_done =
            self.give_up_sessions(tx, record.keeps_pauses, now)? && self.wipe_skipped(tx)?;
        if is_done {
            tx.clear(self.names.answers());
            for version in Version::ALL {
                self.replace_pre_keys(tx, version, rng)?;
                self.skip_signed_pre_key_ids(tx, version)?;
                self.renew_signed_pre_key(tx, version, now, rng)?;
                self.note_lost_origins(tx, version)?;
                self.note_unpublished(tx, version)?;
            }
            records::write(tx, self.names.account("skipped"), &SkippedRecord::default());
            tx.delete(self.name_of_incarnation());
        }
        record.is_unfinished = !is_done;
        records::write(tx, self.name_of_rollback(), &record);
        Ok(is_done)
    }

    /// Ends the sessions with everybody until the write is large enough, and says whether that was all of them.
    fn give_up_sessions(
        &self,
        tx: &mut Transaction<'_>,
        keeps_pauses: bool,
        now: Timestamp,
    ) -> Result<bool, AccountError> {
        for jid in self.contact_jids(tx)? {
            let is_accepted = self.accepts(tx, &jid)?;
            tx.clear(self.names.held_answers(&jid));
            for (device, mut record) in self.device_records(tx, &jid)? {
                if tx.size() >= MAX_WRITE {
                    return Ok(false);
                }
                let Some(version) = record.last_heard_version() else {
                    continue;
                };
                for part in record.parts.values_mut() {
                    part.retire_all(now);
                }
                self.store_device(tx, &jid, device, &record)?;
                if is_accepted {
                    let peer = Peer::new(jid.clone(), device, version);
                    self.note_given_up(tx, &peer, keeps_pauses)?;
                }
            }
        }
        Ok(tx.size() < MAX_WRITE)
    }

    /// Notes that a device needs a new session.
    fn note_given_up(
        &self,
        tx: &mut Transaction<'_>,
        peer: &Peer,
        keeps_pauses: bool,
    ) -> Result<(), AccountError> {
        let name = self.names.failures(peer);
        let mut record: FailuresRecord = records::read(tx, &name)?;
        record.no_session = true;
        if !keeps_pauses {
            record.not_before = 0;
        }
        records::write(tx, name, &record);
        Ok(())
    }

    /// Notes something that can mean that the store is an old copy. The first time counts.
    pub(super) fn suspect(
        &self,
        tx: &mut Transaction<'_>,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        let mut record = self.rollback_record(tx)?;
        if record.suspected == 0 {
            record.suspected = now.as_millis().max(1);
            records::write(tx, self.name_of_rollback(), &record);
        }
        Ok(())
    }

    fn name_of_rollback(&self) -> crate::store::Key {
        self.names.account("rollback")
    }
}

impl DeviceRecord {
    /// The version in which the device was heard last, of those with sessions that may be written to: the other
    /// side writes in that one. `None` if there is no such session.
    fn last_heard_version(&self) -> Option<Version> {
        let has_session = |version: &Version| {
            let part = self.part(*version);
            part.is_some_and(|part| part.sessions.iter().any(|entry| !entry.receive_only))
        };
        let versions = Version::ALL.into_iter().filter(has_session);
        // Of two that are alike, the newest.
        versions.max_by_key(|version| self.part(*version).map_or(0, |part| part.heard))
    }
}
