//! Sessions that are broken: noticed, and replaced, without being driven in circles.
//!
//! Whoever can drop or garble messages can make decryption fail at will, so a failure is a reason for a
//! new session only in the version whose clients do the same, only after several different messages,
//! only once a catch-up is over, only towards accounts that the user has accepted, and after each time
//! with a longer pause (XEP-0384 §7 forbids it for decryption errors). A session that is missing is mended in
//! both versions (§5.6): none was ever made, or what was written for one cannot make it, or those that
//! there were have been given up here.

use core::cmp::Reverse;
use core::time::Duration;

use prost::Message as _;

use super::answers::unless_damaged;
use super::names::{Peer, peer_of};
use super::records::{self, DeviceRecord, FailuresRecord, PartRecord};
use super::transaction::Transaction;
use super::{Account, AccountError};
use crate::model::{BareJid, DeviceId, Timestamp};

/// So many different messages have to fail.
pub(super) const FAILURES: usize = 3;

/// The pause after the first repair; each is twice as long as the one before.
pub(super) const FIRST_PAUSE: Duration = Duration::from_secs(24 * 60 * 60);

/// The pause does not grow beyond 2^5 days.
const MAX_DOUBLINGS: u32 = 5;

impl Account {
    /// The devices that should be sent an empty message on a new session now: fetch the bundle, then
    /// [`Self::repair`]. None while a history is being caught up with. Devices of which a record is damaged are
    /// left out. Those that were heard last come first: after a rollback it can be all that are known, so do a
    /// few at a time.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn repairs_due(&self, now: Timestamp) -> Result<Vec<Peer>, AccountError> {
        self.read(|tx| {
            if self.is_catching_up(tx, now)? {
                return Ok(Vec::new());
            }
            let mut due = Vec::new();
            for (sort, value) in tx.scan(&self.names.all_failures())? {
                due.extend(unless_damaged(self.due_repair(tx, &sort, &value, now))?.flatten());
            }
            due.sort_by_key(|(_, heard)| Reverse(*heard));
            Ok(due.into_iter().map(|(peer, _)| peer).collect())
        })
    }

    /// A device that is due, and when it was heard last.
    fn due_repair(
        &self,
        tx: &Transaction<'_>,
        sort: &[u8],
        value: &[u8],
        now: Timestamp,
    ) -> Result<Option<(Peer, u64)>, AccountError> {
        let peer = peer_of(sort).ok_or(AccountError::Record)?;
        let record = FailuresRecord::decode(value)?;
        let is_broken = record.no_session || record.messages.len() >= FAILURES;
        let is_paused = now < Timestamp::from_millis(record.not_before);
        if !is_broken || is_paused || !self.may_answer(tx, &peer)? {
            return Ok(None);
        }
        let device = self.find_device(tx, &peer.jid, peer.device)?;
        let heard = device.map_or(0, |device| device.heard);
        Ok(Some((peer, heard)))
    }

    /// The session that is sent on, if there is one, and whether the other side is known to have it.
    pub(super) fn answered(
        &self,
        tx: &Transaction<'_>,
        peer: &Peer,
        device: &DeviceRecord,
    ) -> Result<Option<bool>, AccountError> {
        let current = device.part(peer.version).and_then(PartRecord::current);
        let Some(entry) = current else {
            return Ok(None);
        };
        let session = self.load_session(tx, &peer.clone().session(entry.number))?;
        Ok(session.map(|session| !session.is_unanswered()))
    }

    /// Whether key exchanges are sent to a device, so that it will hear of the session.
    pub(super) fn is_greeting(
        &self,
        tx: &Transaction<'_>,
        peer: &Peer,
        device: &DeviceRecord,
    ) -> Result<bool, AccountError> {
        Ok(self.answered(tx, peer, device)? == Some(false))
    }

    /// Notes a repair.
    pub(super) fn note_repair(
        &self,
        tx: &mut Transaction<'_>,
        peer: &Peer,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        let name = self.names.failures(peer);
        let record: FailuresRecord = records::read(tx, &name)?;
        let repairs = record.repairs.saturating_add(1);
        let record = FailuresRecord {
            repairs,
            not_before: now.after(pause(repairs)).as_millis(),
            ..FailuresRecord::default()
        };
        records::write(tx, name, &record);
        Ok(())
    }

    /// Ends all sessions with the devices of an account, or with one of them, as the user wishes
    /// (XEP-0384 §7): they are read from for a while and not written to. The next message starts new ones;
    /// [`Self::encrypt_empty`] with their bundles starts them at once. These are the devices.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn reset_sessions(
        &self,
        jid: &BareJid,
        device: Option<DeviceId>,
        now: Timestamp,
    ) -> Result<Vec<Peer>, AccountError> {
        self.run(|tx| {
            let mut peers = Vec::new();
            for (id, mut record) in self.device_records(tx, jid)? {
                if device.is_some_and(|device| device != id) {
                    continue;
                }
                for version in crate::model::Version::ALL {
                    let has_sessions = record
                        .part(version)
                        .is_some_and(|part| !part.sessions.is_empty());
                    if has_sessions {
                        record.part_mut(version).retire_all(now);
                        let peer = Peer {
                            jid: jid.clone(),
                            device: id,
                            version,
                        };
                        self.forget_answer(tx, &peer);
                        peers.push(peer);
                    }
                }
                self.store_device(tx, jid, id, &record)?;
            }
            Ok(peers)
        })
    }
}

pub(super) fn pause(repairs: u32) -> Duration {
    FIRST_PAUSE * 2_u32.pow(repairs.saturating_sub(1).min(MAX_DOUBLINGS))
}
