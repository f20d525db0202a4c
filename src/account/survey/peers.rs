//! What there is between this device and those of a contact.

use super::time;
use crate::account::names::{Peer, SessionName};
use crate::account::records::{self, FailuresRecord, PartRecord, SessionEntry};
use crate::account::sessions::unanswered;
use crate::account::transaction::Transaction;
use crate::account::{Account, AccountError};
use crate::model::{BareJid, Timestamp, Version};

/// What there is between this device and another, in one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerSurvey {
    /// The other device.
    pub peer: Peer,
    /// The sessions: the one that is sent on first, then the newest.
    pub sessions: Vec<SessionSurvey>,
    /// Since when an empty message is owed ([`Account::answers_due`]).
    pub owed_since: Option<Timestamp>,
    /// The number of different messages that could not be read since the last that could. No more are
    /// counted than a repair asks for.
    pub failed: usize,
    /// A message came for which there was no session.
    pub no_session: bool,
    /// How often a broken session was replaced ([`Account::repairs_due`]).
    pub repairs: u32,
    /// No repair before this.
    pub no_repair_before: Option<Timestamp>,
}

/// A session, as far as it is not secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionSurvey {
    /// Its number: each new one of a device and version has the next.
    pub number: u32,
    /// What it is used for.
    pub state: SessionState,
    /// Whether this side started it.
    pub initiated: bool,
    /// When it was started.
    pub created: Timestamp,
    /// Whether the other side has sent anything on it.
    pub answered: bool,
    /// The number of messages that were sent since the other side was heard last: the sending chain's
    /// counter.
    pub sent: u32,
    /// The number of receiving chains so far: it grows each time that the other side answers.
    pub receiving_steps: u32,
    /// The number of keys that wait for messages that were skipped.
    pub skipped: u32,
}

/// What a session is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SessionState {
    /// It is sent on.
    Current,
    /// It was replaced, and is kept for what is on its way.
    Old {
        /// When it was replaced.
        since: Timestamp,
    },
    /// Nothing is ever sent on it: it began with a pre-key that had been used, or was reset or repaired.
    ReceiveOnly,
}

impl Account {
    /// What there is between this device and those of an account: one entry for each device and version
    /// of which anything is known. Nothing is written.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn peers(&self, jid: &BareJid) -> Result<Vec<PeerSurvey>, AccountError> {
        self.read(|tx| {
            let mut peers = Vec::new();
            for (device, record) in self.device_records(tx, jid)? {
                for version in Version::ALL {
                    let Some(part) = record.part(version) else {
                        continue;
                    };
                    let jid = jid.clone();
                    let peer = Peer {
                        jid,
                        device,
                        version,
                    };
                    peers.push(self.survey_peer(tx, peer, part)?);
                }
            }
            Ok(peers)
        })
    }

    fn survey_peer(
        &self,
        tx: &Transaction<'_>,
        peer: Peer,
        part: &PartRecord,
    ) -> Result<PeerSurvey, AccountError> {
        let mut sessions = Vec::new();
        for entry in part.numbers().into_iter().filter_map(|n| part.entry(n)) {
            let name = peer.clone().session(entry.number);
            sessions.extend(self.survey_session(tx, &name, part, entry)?);
        }
        let owed = self.owed(tx, &peer)?;
        let failures: FailuresRecord = records::read(tx, &self.names.failures(&peer))?;
        Ok(PeerSurvey {
            peer,
            sessions,
            owed_since: owed.map(|owed| Timestamp::from_millis(owed.since)),
            failed: failures.messages.len(),
            no_session: failures.no_session,
            repairs: failures.repairs,
            no_repair_before: time(failures.not_before),
        })
    }

    fn survey_session(
        &self,
        tx: &Transaction<'_>,
        name: &SessionName,
        part: &PartRecord,
        entry: &SessionEntry,
    ) -> Result<Option<SessionSurvey>, AccountError> {
        let Some(session) = self.load_session(tx, name)? else {
            return Ok(None);
        };
        let mut skipped = 0;
        for chain in self.chains(tx, name)?.chains {
            skipped += self.count_skipped(tx, name, chain.step)?;
        }
        let state = if entry.receive_only {
            SessionState::ReceiveOnly
        } else if entry.number == part.current {
            SessionState::Current
        } else {
            SessionState::Old {
                since: Timestamp::from_millis(entry.retired),
            }
        };
        Ok(Some(SessionSurvey {
            number: entry.number,
            state,
            initiated: entry.initiated,
            created: Timestamp::from_millis(entry.created),
            answered: !session.is_unanswered(),
            sent: unanswered(&session),
            receiving_steps: session.ratchet().steps(),
            skipped,
        }))
    }
}
