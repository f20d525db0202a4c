//! What follows once a key was opened: for the device, the contact, the trust, and what is owed.

use zeroize::Zeroizing;

use super::answers::Call;
use super::element::Context;
use super::names::{Peer, SessionName};
use super::open_message::Moved;
use super::received::Arrival;
use super::records::DeviceRecord;
use super::sender::Sender;
use super::transaction::Transaction;
use super::trust::Introduction;
use super::{Account, AccountError, Listing, Trust};
use crate::model::{Fingerprint, Timestamp, Version};

/// A key that was opened, and all that it changes is in the transaction.
pub(super) struct Opened {
    pub(super) sender: Peer,
    pub(super) fingerprint: Fingerprint,
    pub(super) trust: Trust,
    pub(super) is_new_key: bool,
    pub(super) listing: Listing,
    pub(super) is_pre_key_reused: bool,
    pub(super) payload: Option<Zeroizing<Vec<u8>>>,
}

impl Account {
    /// What follows once a key was opened: for the device, the contact, the trust, and what is owed.
    pub(super) fn settle(
        &self,
        tx: &mut Transaction<'_>,
        context: &Context<'_, '_>,
        moved: Moved,
    ) -> Result<Opened, AccountError> {
        let now = context.now;
        let SessionName {
            peer: sender,
            number,
        } = moved.name;
        let version = sender.version;
        let before = self.device_or_new(tx, &sender.jid, sender.device, now)?;
        let mut record = moved.record;
        let may_change = self.may_change_current(tx, context, &before, version)?;
        let since = self.catch_ups(tx)?.latest_begin();
        let part = record.part_mut(version);
        let is_receive_only = part.entry(number).is_none_or(|entry| entry.receive_only);
        if moved.is_news && may_change && !is_receive_only {
            part.make_current(number, now);
        }
        let is_current = part.current == number;
        part.speaks |= moved.payload.is_some();
        if is_stale(part.heard, since, now) {
            // What is newer than the beginning of the catch-up is so, whatever the clock says.
            part.heard = now.as_millis().max(since);
            record.heard = now.as_millis();
        }
        let listing = record.listing(version);
        let fingerprint = Fingerprint::from(moved.session.remote_identity());
        let introduction = Introduction {
            jid: &sender.jid,
            device: sender.device,
            is_first: self.was_there_first(tx, &sender.jid, &record)?,
        };
        let (trust, is_new_key) = self.meet_key(tx, &fingerprint, &introduction, now)?;
        // An empty message is between the devices, and what comes from a room is not of the conversation with
        // its sender: they make no conversation an encrypted one.
        let is_from_account = matches!(context.incoming.sender, Sender::Known(_));
        if moved.payload.is_some() && is_from_account {
            self.note_encrypted(tx, &sender.jid, false, now)?;
        }
        // It writes on a session on which nothing is sent, and has not just been sent another. Which of
        // them began first says nothing: an archive may have come backwards.
        let is_unanswerable = is_receive_only
            && moved.is_news
            && may_change
            && !self.is_greeting(tx, &sender, &record)?;
        if is_unanswerable {
            self.note_unanswerable(tx, &sender, now)?;
        } else if !is_receive_only || record.part(version).is_some_and(|p| p.current().is_some()) {
            // What is read on a session that was given up does not say that there is another.
            self.note_success(tx, &sender)?;
        }
        if !is_receive_only {
            let call = Call {
                session: number,
                state: &moved.session,
                is_new_session: moved.is_new_session,
                is_current,
            };
            self.note_owed(tx, &sender, &call, now)?;
        }
        if record != before {
            self.store_device(tx, &sender.jid, sender.device, &record)?;
        }
        Ok(Opened {
            sender,
            fingerprint,
            trust,
            is_new_key,
            listing,
            is_pre_key_reused: moved.is_pre_key_reused,
            payload: moved.payload,
        })
    }

    /// Whether this message can say which session is the current one: not if it comes backwards from an
    /// archive and something newer was read.
    pub(super) fn may_change_current(
        &self,
        tx: &Transaction<'_>,
        context: &Context<'_, '_>,
        record: &DeviceRecord,
        version: Version,
    ) -> Result<bool, AccountError> {
        let Arrival::Archived(catch_up) = context.incoming.arrival else {
            return Ok(true);
        };
        let heard = record.part(version).map_or(0, |part| part.heard);
        Ok(self.catch_ups(tx)?.may_be_news(catch_up, heard))
    }
}

/// Whether the time of the last decryption has to be written: each hour, the first of a catch-up, and
/// where a clock that was put back has left it far away.
fn is_stale(heard: u64, catch_up_since: u64, now: Timestamp) -> bool {
    let then = Timestamp::from_millis(heard);
    heard < catch_up_since || now.since(then).max(then.since(now)) >= super::contacts::COARSE
}
