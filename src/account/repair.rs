//! Sessions that are broken: noticed, and replaced, without being driven in circles.
//!
//! Whoever can drop or garble messages can make decryption fail at will, so a failure is a reason for a
//! new session only in the version whose clients do the same, only after several different messages,
//! only once a catch-up is over, only towards accounts that the user has accepted, and after each time
//! with a longer pause (XEP-0384 §7 forbids it for decryption errors; a missing session is mended in
//! both versions, §5.6).

use core::time::Duration;

use prost::Message as _;

use super::message_keys::Digest;
use super::names::{Peer, peer_of};
use super::open_key::{Key, digest};
use super::received::FailureReason;
use super::records::{self, FailuresRecord};
use super::transaction::Transaction;
use super::{Account, AccountError};
use crate::error::DecryptError;
use crate::model::{BareJid, DeviceId, Encrypted, OwnKey, Timestamp};
use crate::protocol;

/// So many different messages have to fail.
const FAILURES: usize = 3;

/// The pause after the first repair; each is twice as long as the one before.
const FIRST_PAUSE: Duration = Duration::from_secs(24 * 60 * 60);

/// The pause does not grow beyond 2^5 days.
const MAX_DOUBLINGS: u32 = 5;

impl Account {
    /// The devices that should be sent an empty message on a new session now: fetch the bundle, then
    /// [`Self::repair`]. None while a history is being caught up with.
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
                let peer = peer_of(&sort).ok_or(AccountError::Record)?;
                let record = FailuresRecord::decode(value.as_slice())?;
                let is_broken = record.no_session || record.messages.len() >= FAILURES;
                let is_paused = now < Timestamp::from_millis(record.not_before);
                if is_broken && !is_paused && self.may_answer(tx, &peer)? {
                    due.push(peer);
                }
            }
            Ok(due)
        })
    }

    /// Notes that a message was not read. It is a journal for [`Self::repairs_due`], not a part of the
    /// protocol's state, and is kept for accepted accounts only.
    pub(super) fn note_failure(
        &self,
        tx: &mut Transaction<'_>,
        jid: &BareJid,
        element: &Encrypted<OwnKey>,
        reason: FailureReason,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        let peer = Peer {
            jid: jid.clone(),
            device: element.sender_device,
            version: element.version,
        };
        let is_missing = reason == FailureReason::NoSession;
        let heals = protocol::of(peer.version).heals_after_failures();
        if !(is_missing || heals && calls_for_repair(reason)) || !self.accepts(tx, jid)? {
            return Ok(());
        }
        let is_known = self.find_device(tx, jid, peer.device)?.is_some();
        if !is_known {
            return Ok(());
        }
        let name = self.names.failures(&peer);
        let mut record: FailuresRecord = records::read(tx, &name)?;
        let before = record.clone();
        record.no_session |= is_missing;
        if let Some(digest) = first_digest(element) {
            let is_new = record.messages.iter().all(|known| *known != digest);
            if is_new && record.messages.len() < FAILURES {
                record.messages.push(digest.to_vec());
            }
        }
        // What a clock that was put back has made far away comes near again.
        let latest = now.after(pause(record.repairs)).as_millis();
        record.not_before = record.not_before.min(latest);
        if record != before {
            records::write(tx, name, &record);
        }
        Ok(())
    }

    /// Notes that a message was read: what failed before did not mean anything. The pauses stay.
    pub(super) fn note_success(
        &self,
        tx: &mut Transaction<'_>,
        peer: &Peer,
    ) -> Result<(), AccountError> {
        let name = self.names.failures(peer);
        let Some(mut record) = records::find::<FailuresRecord>(tx, &name)? else {
            return Ok(());
        };
        if record.messages.is_empty() && !record.no_session {
            return Ok(());
        }
        record.messages.clear();
        record.no_session = false;
        if record.repairs == 0 {
            tx.delete(name);
        } else {
            records::write(tx, name, &record);
        }
        Ok(())
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
                        peers.push(Peer {
                            jid: jid.clone(),
                            device: id,
                            version,
                        });
                    }
                }
                self.store_device(tx, jid, id, &record);
            }
            Ok(peers)
        })
    }
}

/// What a broken session looks like, as against an attack or a late message.
const fn calls_for_repair(reason: FailureReason) -> bool {
    matches!(
        reason,
        FailureReason::UnknownPreKey
            | FailureReason::UnknownSignedPreKey
            | FailureReason::Key(DecryptError::Mac | DecryptError::UnknownRatchetKey)
    )
}

/// However many keys an element has for this device, it is one message.
fn first_digest(element: &Encrypted<OwnKey>) -> Option<Digest> {
    let mut keys = element.keys.iter();
    let key = keys.find_map(|key| Key::read(element.version, key).ok())?;
    Some(digest(key.message()))
}

fn pause(repairs: u32) -> Duration {
    FIRST_PAUSE * 2_u32.pow(repairs.saturating_sub(1).min(MAX_DOUBLINGS))
}
