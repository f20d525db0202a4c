//! Lookups that failed: why, how often, and until when nobody asks again.

use core::fmt;
use core::time::Duration;

use super::names::Peer;
use super::records::{ContactRecord, DeviceRecord, FailedRecord};
use super::{Account, AccountError};
use crate::model::{BareJid, Timestamp, Version};

/// Why nobody could say what an account has published. Its devices may exist all the same: try again
/// later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum LookupError {
    /// No answer came.
    NoAnswer,
    /// The account's server did not answer our server (`remote-server-timeout`).
    ServerTimeout,
    /// Our server cannot find the account's server (`remote-server-not-found`).
    ServerNotFound,
    /// The server has a problem of its own, or too much to do (`internal-server-error`,
    /// `resource-constraint` and the like).
    ServerError,
    /// The server refuses to say it.
    Refused,
    /// What came cannot be read.
    Unreadable,
    /// Nobody was asked: the account's device list changes too often.
    Postponed,
    /// Nobody was asked: the user has blocked the account ([`Account::set_blocked`](super::Account::set_blocked)).
    Blocked,
}

impl fmt::Display for LookupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoAnswer => "no answer came",
            Self::ServerTimeout => "the other server did not answer",
            Self::ServerNotFound => "the other server cannot be found",
            Self::ServerError => "the server has a problem",
            Self::Refused => "the server refuses to say it",
            Self::Unreadable => "the answer cannot be read",
            Self::Postponed => "the list of its devices changes too often",
            Self::Blocked => "the account is blocked",
        })
    }
}

/// What is remembered of lookups that failed, one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FailedLookup {
    /// Why the last one failed.
    pub error: LookupError,
    /// How many have failed since the last answer.
    pub count: u32,
    /// Nobody asks again before this time.
    pub retry_at: Timestamp,
}

/// The pause after the first failure. Each one is twice as long as the one before.
const FIRST_PAUSE: Duration = Duration::from_secs(5 * 60);

/// No pause is longer than that.
const LONGEST_PAUSE: Duration = Duration::from_secs(60 * 60);

impl FailedLookup {
    /// A lookup has failed, after those `before`.
    #[must_use]
    pub fn new(error: LookupError, before: Option<&Self>, now: Timestamp) -> Self {
        let count = before.map_or(1, |before| before.count.saturating_add(1));
        let doublings = count.saturating_sub(1).min(10);
        let pause = FIRST_PAUSE
            .saturating_mul(1 << doublings)
            .min(LONGEST_PAUSE);
        Self {
            error,
            count,
            retry_at: now.after(pause),
        }
    }

    /// Whether the pause is over. A clock that was put back makes no pause longer than the longest.
    #[must_use]
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.retry_at <= now || self.retry_at > now.after(LONGEST_PAUSE)
    }
}

impl Account {
    /// Notes that nobody could say which devices an account has announced for a version. Until an answer
    /// comes ([`Self::set_device_list`]), the list that is known counts, reports name it, and a message to
    /// somebody of whom none is known is refused as
    /// [`Refusal::Unreachable`](super::Refusal::Unreachable).
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn list_lookup_failed(
        &self,
        jid: &BareJid,
        version: Version,
        error: LookupError,
        now: Timestamp,
    ) -> Result<FailedLookup, AccountError> {
        self.run(|tx| {
            let mut contact = self.contact(tx, jid)?;
            let before = contact.failed_list(version);
            let failed = FailedLookup::new(error, before.as_ref(), now);
            contact
                .failed
                .insert(version.code().into(), failed.record());
            self.store_contact(tx, jid, contact, now);
            Ok(failed)
        })
    }

    /// The lookups of a device list that have failed since it was answered last.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn failed_list_lookup(
        &self,
        jid: &BareJid,
        version: Version,
    ) -> Result<Option<FailedLookup>, AccountError> {
        self.read(|tx| Ok(self.contact(tx, jid)?.failed_list(version)))
    }

    /// Notes that nobody could say whether a device has a bundle. Nothing is kept of a device that is not
    /// known.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn bundle_lookup_failed(
        &self,
        peer: &Peer,
        error: LookupError,
        now: Timestamp,
    ) -> Result<FailedLookup, AccountError> {
        self.run(|tx| {
            let Some(mut record) = self.find_device(tx, &peer.jid, peer.device)? else {
                return Ok(FailedLookup::new(error, None, now));
            };
            let before = record.failed_bundle(peer.version);
            let failed = FailedLookup::new(error, before.as_ref(), now);
            record.part_mut(peer.version).failed = Some(failed.record());
            self.store_device(tx, &peer.jid, peer.device, &record)?;
            Ok(failed)
        })
    }

    /// The lookups of a bundle that have failed since it was answered last.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn failed_bundle_lookup(&self, peer: &Peer) -> Result<Option<FailedLookup>, AccountError> {
        self.read(|tx| {
            let record = self.find_device(tx, &peer.jid, peer.device)?;
            Ok(record.and_then(|record| record.failed_bundle(peer.version)))
        })
    }

    /// Notes that a lookup of a bundle was answered: what failed before is forgotten.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn bundle_lookup_answered(&self, peer: &Peer) -> Result<(), AccountError> {
        self.run(|tx| {
            if let Some(mut record) = self.find_device(tx, &peer.jid, peer.device)?
                && record.failed_bundle(peer.version).is_some()
            {
                record.part_mut(peer.version).failed = None;
                self.store_device(tx, &peer.jid, peer.device, &record)?;
            }
            Ok(())
        })
    }
}

impl ContactRecord {
    pub(super) fn failed_list(&self, version: Version) -> Option<FailedLookup> {
        let record = self.failed.get(&u32::from(version.code()))?;
        Some(FailedLookup::from_record(record))
    }
}

impl DeviceRecord {
    fn failed_bundle(&self, version: Version) -> Option<FailedLookup> {
        let record = self.part(version)?.failed.as_ref()?;
        Some(FailedLookup::from_record(record))
    }
}

impl FailedLookup {
    fn record(&self) -> FailedRecord {
        FailedRecord {
            error: self.error.code(),
            count: self.count,
            retry_at: self.retry_at.as_millis(),
        }
    }

    fn from_record(record: &FailedRecord) -> Self {
        Self {
            error: LookupError::from_code(record.error),
            count: record.count,
            retry_at: Timestamp::from_millis(record.retry_at),
        }
    }
}

impl LookupError {
    const fn code(self) -> u32 {
        match self {
            Self::NoAnswer => 0,
            Self::ServerTimeout => 1,
            Self::ServerNotFound => 2,
            Self::ServerError => 3,
            Self::Refused => 4,
            Self::Unreadable => 5,
            Self::Postponed => 6,
            Self::Blocked => 7,
        }
    }

    /// What a newer version has stored is a failure all the same.
    const fn from_code(code: u32) -> Self {
        match code {
            1 => Self::ServerTimeout,
            2 => Self::ServerNotFound,
            3 => Self::ServerError,
            4 => Self::Refused,
            5 => Self::Unreadable,
            6 => Self::Postponed,
            7 => Self::Blocked,
            _ => Self::NoAnswer,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_up_to_an_hour() {
        let now = Timestamp::from_millis(1_700_000_000_000);
        let mut failed = None;
        let mut pauses = Vec::new();
        for _ in 0..6 {
            let next = FailedLookup::new(LookupError::NoAnswer, failed.as_ref(), now);
            pauses.push(next.retry_at.since(now).as_secs() / 60);
            failed = Some(next);
        }
        assert_eq!(pauses, [5, 10, 20, 40, 60, 60]);
    }

    #[test]
    fn a_clock_that_is_put_back_ends_a_pause() {
        let now = Timestamp::from_millis(1_700_000_000_000);
        let failed = FailedLookup::new(LookupError::Refused, None, now);
        assert!(!failed.is_over(now));
        assert!(failed.is_over(now.after(Duration::from_secs(5 * 60))));
        assert!(failed.is_over(Timestamp::from_millis(1_600_000_000_000)));
    }
}
