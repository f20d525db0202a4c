//! Sessions that are broken: noticed, and replaced, without being driven in circles.
//!
//! Whoever can drop or garble messages can make decryption fail at will, so a failure is a reason for a
//! new session only in the version whose clients do the same, only after several different messages,
//! only once a catch-up is over, only towards accounts that the user has accepted, and after each time
//! with a longer pause (XEP-0384 §7 forbids it for decryption errors). A session that is missing is mended in
//! both versions (§5.6): none was ever made, or what was written for one cannot make it, or those that
//! there were have been given up here.

use core::time::Duration;

use prost::Message as _;

use super::key_element::{Key, digest};
use super::message_keys::Digest;
use super::names::{Peer, peer_of};
use super::received::FailureReason;
use super::records::{self, DeviceRecord, FailuresRecord, PartRecord};
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
        if !(is_missing || never_began(reason) || is_unreadable(reason))
            || !self.accepts(tx, jid)?
        {
            return Ok(());
        }
        let Some(device) = self.find_device(tx, jid, peer.device)? else {
            return Ok(());
        };
        let heals = protocol::of(peer.version).heals_after_failures();
        // The other side may write on a session that was given up here, when the store was restored or at
        // the user's wish. If none has taken its place, one is missing.
        let answered = self.answered(tx, &peer, &device)?;
        let may_be_forged = is_unreadable(reason) && answered.is_some()
            || never_began(reason)
                && answered == Some(true)
                && was_heard_lately(&device, &peer, now);
        if may_be_forged && !heals {
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
        record.come_near(now);
        if record != before {
            records::write(tx, name, &record);
        }
        Ok(())
    }

    /// The session that is sent on, if there is one, and whether the other side is known to have it.
    fn answered(
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

    /// Notes that the other side writes on a session on which nothing may be sent. It may have given up
    /// the one that is written to here, and then would never read anything again: it needs a new one.
    pub(super) fn note_unanswerable(
        &self,
        tx: &mut Transaction<'_>,
        peer: &Peer,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        if !self.accepts(tx, &peer.jid)? {
            return Ok(());
        }
        let name = self.names.failures(peer);
        let mut record: FailuresRecord = records::read(tx, &name)?;
        if !record.no_session {
            record.no_session = true;
            record.come_near(now);
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
                        let peer = Peer {
                            jid: jid.clone(),
                            device: id,
                            version,
                        };
                        tx.delete(self.names.answer(&peer));
                        peers.push(peer);
                    }
                }
                self.store_device(tx, jid, id, &record);
            }
            Ok(peers)
        })
    }
}

impl FailuresRecord {
    /// What a clock that was put back has made far away comes near again.
    fn come_near(&mut self, now: Timestamp) {
        let latest = now.after(pause(self.repairs)).as_millis();
        self.not_before = self.not_before.min(latest);
    }
}

/// Whether the message is for a session that could not be made here: two have used one pre-key, or the
/// bundle was an old one. That is a missing session, no matter whether there is another; unless that one
/// works, as anybody on the way can make such a message.
const fn never_began(reason: FailureReason) -> bool {
    matches!(
        reason,
        FailureReason::UnknownPreKey | FailureReason::UnknownSignedPreKey
    )
}

/// Whether the device has written on its sessions in the last day: it has not lost them.
fn was_heard_lately(device: &DeviceRecord, peer: &Peer, now: Timestamp) -> bool {
    let heard = device.part(peer.version).map_or(0, |part| part.heard);
    let heard = Timestamp::from_millis(heard);
    now.since(heard).max(heard.since(now)) < FIRST_PAUSE
}

/// What a broken session looks like, as against an attack or a late message.
const fn is_unreadable(reason: FailureReason) -> bool {
    matches!(
        reason,
        FailureReason::Key(DecryptError::Mac | DecryptError::UnknownRatchetKey)
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
