//! Empty messages that are owed: to whoever has started a session, so that he stops sending key
//! exchanges, and to whoever has written for long without an answer (XEP-0384 §5.8, §7).
//!
//! They are owed until something is sent on the session, also after a crash. They are never sent to
//! strangers, whom an answer would tell that somebody is there. What would be owed to them is held apart, so that
//! a flood of first messages makes nothing slower, and becomes due when the user accepts them.

use prost::Message as _;

use super::names::{Peer, held_by, peer_of};
use super::records::{self, AnswerRecord};
use super::transaction::{MAX_STEP, Transaction};
use super::{Account, AccountError, Listing, Trust};
use crate::model::{BareJid, Timestamp, Version};
use crate::session::Session;
use crate::store::Key;

/// An empty message that is owed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueAnswer {
    /// The device that waits for it.
    pub peer: Peer,
    /// Since when.
    pub since: Timestamp,
    /// Whether it is a heartbeat: without it the other side's keys never change.
    pub is_heartbeat: bool,
}

impl Account {
    /// The empty messages that should be sent now: [`Self::encrypt_empty`]. While a history is being
    /// caught up with: once for each page, after it was stored. What is owed to a device of which a record is
    /// damaged is left out.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn answers_due(&self) -> Result<Vec<DueAnswer>, AccountError> {
        self.read(|tx| {
            let mut due = Vec::new();
            for (sort, value) in tx.scan(&self.names.answers())? {
                due.extend(unless_damaged(self.due_answer(tx, &sort, &value))?.flatten());
            }
            Ok(due)
        })
    }

    fn due_answer(
        &self,
        tx: &Transaction<'_>,
        sort: &[u8],
        value: &[u8],
    ) -> Result<Option<DueAnswer>, AccountError> {
        let peer = peer_of(sort).ok_or(AccountError::Record)?;
        let record = AnswerRecord::decode(value)?;
        Ok(self.may_answer(tx, &peer)?.then(|| DueAnswer {
            peer,
            since: Timestamp::from_millis(record.since),
            is_heartbeat: record.heartbeat,
        }))
    }

    /// The session that an empty message is owed on.
    pub(super) fn owed_session(
        &self,
        tx: &Transaction<'_>,
        peer: &Peer,
    ) -> Result<Option<u32>, AccountError> {
        Ok(self.owed(tx, peer)?.map(|record| record.session))
    }

    /// What is owed to a device, or would be if it were no stranger's.
    pub(super) fn owed(
        &self,
        tx: &Transaction<'_>,
        peer: &Peer,
    ) -> Result<Option<AnswerRecord>, AccountError> {
        records::find(tx, &self.name_of_answer(tx, peer)?)
    }

    fn name_of_answer(&self, tx: &Transaction<'_>, peer: &Peer) -> Result<Key, AccountError> {
        let is_known = peer.jid == *self.names.own() || self.contact(tx, &peer.jid)?.accepted;
        Ok(match is_known {
            true => self.names.answer(peer),
            false => self.names.held_answer(peer),
        })
    }

    /// Nothing is owed to a device any more.
    pub(super) fn forget_answer(&self, tx: &mut Transaction<'_>, peer: &Peer) {
        tx.delete(self.names.answer(peer));
        tx.delete(self.names.held_answer(peer));
    }

    /// What was held becomes due, as the user has accepted an account.
    pub(super) fn release_answers(
        &self,
        tx: &mut Transaction<'_>,
        jid: &BareJid,
    ) -> Result<(), AccountError> {
        for (sort, value) in tx.scan(&self.names.held_answers(jid))? {
            let peer = held_by(jid, &sort).ok_or(AccountError::Record)?;
            tx.put(self.names.answer(&peer), &value);
            tx.delete(self.names.held_answer(&peer));
        }
        Ok(())
    }

    /// What is owed is held, as the user does not accept an account any more.
    pub(super) fn hold_answers(
        &self,
        tx: &mut Transaction<'_>,
        jid: &BareJid,
    ) -> Result<(), AccountError> {
        for (device, _) in self.device_records(tx, jid)? {
            for version in Version::ALL {
                self.hold_answer(tx, &Peer::new(jid.clone(), device, version))?;
            }
        }
        Ok(())
    }

    fn hold_answer(&self, tx: &mut Transaction<'_>, peer: &Peer) -> Result<(), AccountError> {
        let name = self.names.answer(peer);
        if let Some(owed) = tx.get(&name)? {
            tx.put(self.names.held_answer(peer), &owed);
            tx.delete(name);
        }
        Ok(())
    }

    /// Holds what an older version of the library has put down for strangers among what is due; as much of it
    /// as one write takes. Whether that was all.
    pub(super) fn hold_answers_to_strangers(
        &self,
        tx: &mut Transaction<'_>,
    ) -> Result<bool, AccountError> {
        for (sort, _) in tx.scan(&self.names.answers())? {
            let Some(peer) = peer_of(&sort) else {
                continue;
            };
            if peer.jid != *self.names.own() && !self.contact(tx, &peer.jid)?.accepted {
                self.hold_answer(tx, &peer)?;
            }
            if tx.size() >= MAX_STEP {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Notes what a message that was read calls for. What is owed on another session is forgotten only
    /// for the current one: the other side does not listen to an answer on what it has left.
    pub(super) fn note_owed(
        &self,
        tx: &mut Transaction<'_>,
        peer: &Peer,
        call: &Call<'_>,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        let is_heartbeat = call.state.heartbeat_due();
        if !call.is_new_session && !is_heartbeat {
            return Ok(());
        }
        let owed = self.owed(tx, peer)?;
        if owed.is_some_and(|owed| owed.session == call.session || !call.is_current) {
            return Ok(());
        }
        let record = AnswerRecord {
            session: call.session,
            since: now.as_millis(),
            heartbeat: is_heartbeat && !call.is_new_session,
        };
        let name = self.name_of_answer(tx, peer)?;
        records::write(tx, name, &record);
        Ok(())
    }

    /// Notes that something goes out on a session, or that nothing ever will.
    pub(super) fn note_answered(
        &self,
        tx: &mut Transaction<'_>,
        peer: &Peer,
        session: u32,
    ) -> Result<(), AccountError> {
        if self.owed_session(tx, peer)? == Some(session) {
            let name = self.name_of_answer(tx, peer)?;
            tx.delete(name);
        }
        Ok(())
    }

    /// To nobody whom the user does not know, or does not want, and to no device that has left its list.
    pub(super) fn may_answer(
        &self,
        tx: &Transaction<'_>,
        peer: &Peer,
    ) -> Result<bool, AccountError> {
        if !self.accepts(tx, &peer.jid)? {
            return Ok(false);
        }
        let Some(record) = self.find_device(tx, &peer.jid, peer.device)? else {
            return Ok(false);
        };
        // It may be in the hands of whoever took it.
        if record.listing(peer.version) == Listing::Removed {
            return Ok(false);
        }
        let Some(key) = record.fingerprint() else {
            return Ok(true);
        };
        Ok(self.known_trust(tx, &peer.jid, &key)? != Some(Trust::Distrusted))
    }
}

/// What was read; nothing if a record is damaged: one of what is owed must not stop the others.
pub(super) fn unless_damaged<T>(read: Result<T, AccountError>) -> Result<Option<T>, AccountError> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(AccountError::Record) => Ok(None),
        Err(error) => Err(error),
    }
}

/// What a message says about its session.
pub(super) struct Call<'a> {
    pub(super) session: u32,
    pub(super) state: &'a Session,
    pub(super) is_new_session: bool,
    /// It is the one that is sent on.
    pub(super) is_current: bool,
}
