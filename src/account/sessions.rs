//! The sessions with a device: one that is sent on, and old ones that are read for a while.
//!
//! Both sides may greet each other at the same moment; then each has two sessions, and messages are under
//! way on both. We send on the one that was heard last. What replaces a session does not remove it:
//! what was written on it before still arrives.

use core::time::Duration;

use super::message_keys::Digest;
use super::names::{Peer, SessionName};
use super::records::{DeviceRecord, PartRecord, SessionEntry};
use super::transaction::Transaction;
use super::{Account, AccountError};
use crate::model::Timestamp;
use crate::ratchet::{Sending, SkippedChanges};
use crate::session::Session;

/// The number of old sessions that are kept for a device and version.
pub(super) const MAX_OLD: usize = 5;

/// How long an old one is kept.
pub(super) const OLD_AGE: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// How a session came to be.
pub(super) struct Birth {
    pub(super) receive_only: bool,
    /// It becomes the one that is sent on.
    pub(super) is_current: bool,
    pub(super) at: Timestamp,
}

impl Account {
    pub(super) fn load_session(
        &self,
        tx: &Transaction<'_>,
        name: &SessionName,
    ) -> Result<Option<Session>, AccountError> {
        let record = tx.get(&self.names.session(name))?;
        Ok(record
            .map(|record| Session::from_record(&record))
            .transpose()?)
    }

    pub(super) fn store_session(
        &self,
        tx: &mut Transaction<'_>,
        name: &SessionName,
        session: &Session,
    ) {
        tx.put(self.names.session(name), session.to_record().as_slice());
    }

    /// Stores what receiving a message has changed: the session, its skipped keys, and that the message's
    /// own key is used.
    pub(super) fn store_received(
        &self,
        tx: &mut Transaction<'_>,
        name: &SessionName,
        session: &Session,
        changes: &SkippedChanges,
        message: (u32, &Digest),
        now: Timestamp,
    ) -> Result<(), AccountError> {
        let (n, digest) = message;
        self.store_session(tx, name, session);
        self.store_skipped(tx, name, changes, now)?;
        let step = match (&changes.used, &changes.opened) {
            (Some((step, _)), _) | (None, Some((_, step))) => *step,
            (None, None) => session.ratchet().steps(),
        };
        self.mark_used(tx, name, (step, n), digest)
    }

    /// Gives a new session a place, and removes the oldest if there are too many. The device's record is
    /// for the caller to store.
    pub(super) fn add_session(
        &self,
        tx: &mut Transaction<'_>,
        peer: &Peer,
        record: &mut DeviceRecord,
        session: &Session,
        birth: &Birth,
    ) -> Result<SessionName, AccountError> {
        let part = record.part_mut(peer.version);
        part.last_session = part.last_session.checked_add(1).ok_or(AccountError::NoId)?;
        let number = part.last_session;
        let entry = SessionEntry {
            number,
            base_key: session.base_key().as_bytes().to_vec(),
            initiated: session.is_initiator(),
            receive_only: birth.receive_only,
            created: birth.at.as_millis(),
            retired: birth.at.as_millis(),
        };
        part.sessions.insert(0, entry);
        if birth.is_current {
            part.make_current(number, birth.at);
        }
        while let Some(oldest) = part.excess() {
            self.drop_session(tx, &peer.clone().session(oldest))?;
            part.remove(oldest);
        }
        let name = peer.clone().session(number);
        self.store_session(tx, &name, session);
        Ok(name)
    }

    /// Removes a session and what belongs to it; no answer is owed on it any more.
    pub(super) fn drop_session(
        &self,
        tx: &mut Transaction<'_>,
        name: &SessionName,
    ) -> Result<(), AccountError> {
        self.forget_message_keys(tx, name)?;
        tx.delete(self.names.session(name));
        self.note_answered(tx, &name.peer, name.number)
    }

    /// Removes the sessions that were replaced long ago, and says whether there were any.
    pub(super) fn drop_old_sessions(
        &self,
        tx: &mut Transaction<'_>,
        peer: &Peer,
        record: &mut DeviceRecord,
        now: Timestamp,
    ) -> Result<bool, AccountError> {
        let part = record.part_mut(peer.version);
        let old: Vec<_> = part
            .sessions
            .iter()
            .filter(|entry| entry.number != part.current)
            .filter(|entry| now.since(Timestamp::from_millis(entry.retired)) >= OLD_AGE)
            .map(|entry| entry.number)
            .collect();
        for number in &old {
            self.drop_session(tx, &peer.clone().session(*number))?;
            part.remove(*number);
        }
        Ok(!old.is_empty())
    }

    /// All sessions of the account.
    pub(super) fn session_names(
        &self,
        tx: &Transaction<'_>,
    ) -> Result<Vec<SessionName>, AccountError> {
        let mut names = Vec::new();
        for jid in self.contact_jids(tx)? {
            for (device, record) in self.device_records(tx, &jid)? {
                for version in crate::model::Version::ALL {
                    let Some(part) = record.part(version) else {
                        continue;
                    };
                    let jid = jid.clone();
                    let peer = Peer {
                        jid,
                        device,
                        version,
                    };
                    let numbers = part.sessions.iter().map(|entry| entry.number);
                    names.extend(numbers.map(|number| peer.clone().session(number)));
                }
            }
        }
        Ok(names)
    }
}

/// The number of messages that were sent on a session since the other side was heard last.
pub(super) fn unanswered(session: &Session) -> u32 {
    match session.ratchet().sending() {
        Sending::Open { n, .. } => *n,
        Sending::Deferred | Sending::Waiting(_) => 0,
    }
}

impl PartRecord {
    /// The session that is sent on.
    pub(super) fn current(&self) -> Option<&SessionEntry> {
        self.sessions
            .iter()
            .find(|entry| entry.number == self.current && !entry.receive_only)
    }

    pub(super) fn entry(&self, number: u32) -> Option<&SessionEntry> {
        self.sessions.iter().find(|entry| entry.number == number)
    }

    /// The session that the other side started with this base key.
    pub(super) fn accepted_from(&self, base_key: &[u8; 32]) -> Option<u32> {
        let mut found = self
            .sessions
            .iter()
            .filter(|entry| !entry.initiated && entry.base_key == base_key);
        found.next().map(|entry| entry.number)
    }

    /// The numbers of the sessions: the current one first, then the newest.
    pub(super) fn numbers(&self) -> Vec<u32> {
        let others = self.sessions.iter().map(|entry| entry.number);
        let current = self.entry(self.current).map(|entry| entry.number);
        let others = others.filter(|number| Some(*number) != current);
        current.into_iter().chain(others).collect()
    }

    pub(super) fn make_current(&mut self, number: u32, now: Timestamp) {
        if self.current == number {
            return;
        }
        let before = self.current;
        if let Some(entry) = self
            .sessions
            .iter_mut()
            .find(|entry| entry.number == before)
        {
            entry.retired = now.as_millis();
        }
        self.current = number;
    }

    /// Nothing is sent on any of the sessions any more.
    pub(super) fn retire_all(&mut self, now: Timestamp) {
        for entry in &mut self.sessions {
            entry.receive_only = true;
            if entry.number == self.current {
                entry.retired = now.as_millis();
            }
        }
        self.current = 0;
    }

    fn remove(&mut self, number: u32) {
        self.sessions.retain(|entry| entry.number != number);
    }

    /// The session that was replaced first, if there are too many old ones. Never the newest, whatever the
    /// clock says.
    fn excess(&self) -> Option<u32> {
        let old = self
            .sessions
            .iter()
            .filter(|entry| entry.number != self.current);
        if old.clone().count() <= MAX_OLD {
            return None;
        }
        old.filter(|entry| entry.number != self.last_session)
            .min_by_key(|entry| (entry.retired, entry.number))
            .map(|entry| entry.number)
    }
}
