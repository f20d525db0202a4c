//! Messages that were not read: which of them say that a session is broken.
//!
//! It is a journal for [`Account::repairs_due`], not a part of the protocol's state, and is kept for accepted
//! accounts only.

use super::element::Context;
use super::key_element::{Key, digest};
use super::message_keys::Digest;
use super::names::Peer;
use super::received::{Arrival, FailureReason};
use super::records::{self, DeviceRecord, FailuresRecord};
use super::repair::{FAILURES, FIRST_PAUSE, pause};
use super::transaction::Transaction;
use super::{Account, AccountError};
use crate::error::DecryptError;
use crate::model::{BareJid, Encrypted, OwnKey, Timestamp};
use crate::protocol;

impl Account {
    /// Notes that a message was not read.
    pub(super) fn note_failure(
        &self,
        tx: &mut Transaction<'_>,
        jid: &BareJid,
        context: &Context<'_, '_>,
        reason: FailureReason,
    ) -> Result<(), AccountError> {
        let Context { element, now, .. } = *context;
        let peer = Peer {
            jid: jid.clone(),
            device: element.sender_device,
            version: element.version,
        };
        if reason == FailureReason::IdentityChanged {
            return self.doubt_sender(tx, &peer, element);
        }
        let heals = protocol::of(peer.version).heals_after_failures();
        let is_missing = reason == FailureReason::NoSession;
        let is_live = context.incoming.arrival == Arrival::Live;
        let counts = is_missing
            || never_began(reason)
            || is_unreadable(reason)
            || heals && is_live && is_out_of_step(reason);
        if !counts || !self.accepts(tx, jid)? {
            return Ok(());
        }
        let Some(device) = self.find_device(tx, jid, peer.device)? else {
            return Ok(());
        };
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

/// What a device looks like that was restored from an old copy: it writes once more under counters that it
/// has used, or on chains that were left long ago. A message that comes late looks the same, so only live ones
/// count; and anybody on the way can repeat an old message with other bytes, so that it takes as many as for
/// all other failures, and the pauses are the same.
const fn is_out_of_step(reason: FailureReason) -> bool {
    matches!(
        reason,
        FailureReason::KeyGone | FailureReason::CounterReused
    )
}
