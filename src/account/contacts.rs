//! What is known of an account besides its devices: whether the user has accepted it, and what kind of
//! conversation it is.

use core::time::Duration;

use super::records::{self, ContactRecord, OptOutRecord};
use super::transaction::Transaction;
use super::{Account, AccountError};
use crate::model::{BareJid, Timestamp, Version};

/// Whether, and since when, a conversation is encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConversationState {
    /// Nothing encrypted came or went: plaintext is no surprise.
    Plain,
    /// It is encrypted: whoever gets plaintext in it should tell the user.
    Encrypted {
        /// Since when.
        since: Timestamp,
        /// The last encrypted message, to the hour.
        last: Timestamp,
    },
    /// One side has said that it ends encryption (XEP-0384 §5.9).
    OptedOut {
        /// Whether this side has.
        ours: bool,
        /// What was given as the reason.
        reason: Option<String>,
        /// When.
        at: Timestamp,
    },
}

/// Times that are only shown are not written more often than that.
pub(super) const COARSE: Duration = Duration::from_secs(60 * 60);

impl Account {
    /// Says whether the user has accepted an account: a subscription, a place on the roster, a room in
    /// common. Nothing is ever sent by itself to one that is not accepted: an empty message would tell a
    /// stranger that somebody is there. Writing to an account accepts it.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn set_accepted(
        &self,
        jid: &BareJid,
        accepted: bool,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        self.run(|tx| {
            let mut contact = self.contact(tx, jid)?;
            match (contact.accepted, accepted) {
                (false, true) => self.release_answers(tx, jid)?,
                (true, false) => self.hold_answers(tx, jid)?,
                _ => {}
            }
            contact.accepted = accepted;
            self.store_contact(tx, jid, contact, now);
            Ok(())
        })
    }

    /// Whether the user has accepted an account.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn is_accepted(&self, jid: &BareJid) -> Result<bool, AccountError> {
        self.read(|tx| Ok(jid == self.names.own() || self.contact(tx, jid)?.accepted))
    }

    /// Whether a conversation is encrypted.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn conversation_state(&self, jid: &BareJid) -> Result<ConversationState, AccountError> {
        self.read(|tx| {
            let contact = self.contact(tx, jid)?;
            Ok(match contact.opt_out {
                Some(OptOutRecord { ours, reason, at }) => ConversationState::OptedOut {
                    ours,
                    reason,
                    at: Timestamp::from_millis(at),
                },
                None if contact.encrypted_since > 0 => ConversationState::Encrypted {
                    since: Timestamp::from_millis(contact.encrypted_since),
                    last: Timestamp::from_millis(contact.encrypted_last),
                },
                None => ConversationState::Plain,
            })
        })
    }

    /// Says that one side ends encryption: an `<opt-out/>` came, or was sent. Nothing is encrypted for
    /// the account until [`Self::opt_in`], nor for anybody else together with it. So this is for
    /// conversations of two: what a member of a room says in the room is not to be put down here.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn opt_out(
        &self,
        jid: &BareJid,
        ours: bool,
        reason: Option<&str>,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        self.run(|tx| {
            let mut contact = self.contact(tx, jid)?;
            contact.opt_out = Some(OptOutRecord {
                ours,
                reason: reason.map(|text| text.chars().take(MAX_REASON).collect()),
                at: now.as_millis(),
            });
            self.store_contact(tx, jid, contact, now);
            Ok(())
        })
    }

    /// Says that the conversation is encrypted again, as the user wishes.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn opt_in(&self, jid: &BareJid, now: Timestamp) -> Result<(), AccountError> {
        self.run(|tx| {
            let mut contact = self.contact(tx, jid)?;
            contact.opt_out = None;
            self.store_contact(tx, jid, contact, now);
            Ok(())
        })
    }

    /// When an account's device list of a version was first seen as it is now; `None`: none was ever seen.
    /// Seeing the same list again writes nothing.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn device_list_seen(
        &self,
        jid: &BareJid,
        version: Version,
    ) -> Result<Option<Timestamp>, AccountError> {
        self.read(|tx| {
            let contact = self.contact(tx, jid)?;
            let list = contact.list(version);
            Ok(list.map(|list| Timestamp::from_millis(list.last)))
        })
    }

    /// The accounts that anything is known of, this one among them.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn contacts(&self) -> Result<Vec<BareJid>, AccountError> {
        self.read(|tx| self.contact_jids(tx))
    }

    pub(super) fn contact_jids(&self, tx: &Transaction<'_>) -> Result<Vec<BareJid>, AccountError> {
        let records = tx.scan(&self.names.contacts())?;
        let jid = |sort: Vec<u8>| String::from_utf8(sort).ok()?.parse().ok();
        records
            .into_iter()
            .map(|(sort, _)| jid(sort).ok_or(AccountError::Record))
            .collect()
    }

    pub(super) fn contact(
        &self,
        tx: &Transaction<'_>,
        jid: &BareJid,
    ) -> Result<ContactRecord, AccountError> {
        records::read(tx, &self.names.contact(jid))
    }

    pub(super) fn store_contact(
        &self,
        tx: &mut Transaction<'_>,
        jid: &BareJid,
        mut contact: ContactRecord,
        now: Timestamp,
    ) {
        if contact.known_since == 0 {
            contact.known_since = now.as_millis();
        }
        records::write(tx, self.names.contact(jid), &contact);
    }

    /// Whether something may be sent to an account by itself.
    pub(super) fn accepts(
        &self,
        tx: &Transaction<'_>,
        jid: &BareJid,
    ) -> Result<bool, AccountError> {
        if jid == self.names.own() {
            return Ok(true);
        }
        Ok(self.contact(tx, jid)?.accepted && !self.blocks(tx, jid)?)
    }

    /// Notes that the user writes to an account.
    pub(super) fn accept_contact(
        &self,
        tx: &mut Transaction<'_>,
        jid: &BareJid,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        let mut contact = self.contact(tx, jid)?;
        if !contact.accepted {
            self.release_answers(tx, jid)?;
            contact.accepted = true;
            self.store_contact(tx, jid, contact, now);
        }
        Ok(())
    }

    /// Notes that something encrypted came from an account, or is on its way to it.
    pub(super) fn note_encrypted(
        &self,
        tx: &mut Transaction<'_>,
        jid: &BareJid,
        is_sending: bool,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        let mut contact = self.contact(tx, jid)?;
        let last = Timestamp::from_millis(contact.encrypted_last);
        let is_known = contact.encrypted_since > 0 && now.since(last) < COARSE;
        if is_known && (contact.accepted || !is_sending) {
            return Ok(());
        }
        if is_sending && !contact.accepted {
            self.release_answers(tx, jid)?;
            contact.accepted = true;
        }
        if contact.encrypted_since == 0 {
            contact.encrypted_since = now.as_millis().max(1);
        }
        contact.encrypted_last = now.as_millis();
        self.store_contact(tx, jid, contact, now);
        Ok(())
    }
}

/// A reason for an opt-out is text of somebody else: so many characters of it are kept.
const MAX_REASON: usize = 1000;
