//! Catching up with a history: which histories are being read, in which order, and since when.
//!
//! Each catch-up is a lease in the store. Several may be open at once, of one handle or of several
//! processes; they end in any order. While one is open, used pre-keys are kept, no session is repaired,
//! and [`Account::maintain`] puts off what it would remove. A process that is killed leaves its lease
//! behind, which expires after seven days.

use core::time::Duration;

use rand_core::TryCryptoRng;

use super::pre_keys::KEPT_AFTER_USE;
use super::records::{self, CatchUpsRecord, LeaseRecord};
use super::transaction::Transaction;
use super::{Account, AccountError};
use crate::model::{Timestamp, Version};

/// In which order an archive is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// As it was written.
    OldestFirst,
    /// Backwards: what was read first is the newest, so an older message says nothing about which
    /// session is the current one.
    NewestFirst,
}

/// Names a catch-up that was begun: its number in the store, never 0. No other catch-up of the account
/// has the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CatchUpId(u64);

impl CatchUpId {
    /// The catch-up of this number, as [`Self::get`] gave it.
    #[must_use]
    pub const fn from_number(number: u64) -> Self {
        Self(number)
    }

    /// Its number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// A lease expires after this time, as pre-keys are not kept for longer.
const LEASE: Duration = KEPT_AFTER_USE;

/// Catch-ups that overlap without a gap put off the daily work for no longer than this: else a process
/// that is killed in each of them would put it off for ever.
const LONGEST_DELAY: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// So many leases are kept. Beyond it the oldest goes.
const MAX_LEASES: usize = 64;

impl Account {
    /// Begins a catch-up: messages that were written during an absence are going to be read, from the
    /// server's offline storage or from an archive. To be called before the first of them.
    ///
    /// Until [`Self::end_catch_up`] used pre-keys are kept and nothing is repaired. Several catch-ups may be
    /// open at once, in one process or in several. One that is not ended expires after seven days. There are
    /// at most 64: the oldest expires when there are more.
    ///
    /// # Errors
    /// [`AccountError`].
    pub fn begin_catch_up(&self, order: Order, now: Timestamp) -> Result<CatchUpId, AccountError> {
        self.run(|tx| {
            let mut record = self.catch_ups(tx)?;
            record.leases.retain(|lease| lease.is_open(now));
            if record.leases.is_empty() {
                record.open_since = now.as_millis();
            } else if record.leases.len() >= MAX_LEASES {
                record.leases.remove(0);
            }
            record.last += 1;
            record.leases.push(LeaseRecord {
                number: record.last,
                since: now.as_millis(),
                newest_first: order == Order::NewestFirst,
            });
            records::write(tx, self.names.account("catch-up"), &record);
            // Those of catch-ups that were never ended.
            for version in Version::ALL {
                self.wipe_used_pre_keys(tx, version, KEPT_AFTER_USE, now)?;
            }
            Ok(CatchUpId(record.last))
        })
    }

    /// Ends a catch-up: everything that belongs to it has been given to [`Self::decrypt`]. Others go on.
    /// Then [`Self::maintain`] runs. Nothing else happens if the catch-up was ended before, or has expired.
    ///
    /// # Errors
    /// [`AccountError`]. What was done until then stays done; the next time goes on with the rest.
    pub fn end_catch_up<G: TryCryptoRng + ?Sized>(
        &self,
        id: CatchUpId,
        now: Timestamp,
        rng: &mut G,
    ) -> Result<(), AccountError> {
        self.run(|tx| {
            let mut record = self.catch_ups(tx)?;
            let before = record.leases.len();
            record.leases.retain(|lease| lease.number != id.0);
            if record.leases.len() < before {
                records::write(tx, self.names.account("catch-up"), &record);
            }
            Ok::<_, AccountError>(())
        })?;
        self.maintain(now, rng)
    }

    /// What is stored of catch-ups, also of those that have expired.
    pub(super) fn catch_ups(&self, tx: &Transaction<'_>) -> Result<CatchUpsRecord, AccountError> {
        records::read(tx, &self.names.account("catch-up"))
    }

    /// Whether a history is being caught up with.
    pub(super) fn is_catching_up(
        &self,
        tx: &Transaction<'_>,
        now: Timestamp,
    ) -> Result<bool, AccountError> {
        Ok(self.catch_ups(tx)?.is_open(now))
    }
}

impl CatchUpsRecord {
    pub(super) fn is_open(&self, now: Timestamp) -> bool {
        self.leases.iter().any(|lease| lease.is_open(now))
    }

    /// Whether the daily work waits for the end of a catch-up.
    pub(super) fn delays_maintenance(&self, now: Timestamp) -> bool {
        self.is_open(now) && age(self.open_since, now) < LONGEST_DELAY
    }

    /// When the last of them was begun; 0 if none is open.
    pub(super) fn latest_begin(&self) -> u64 {
        self.leases
            .iter()
            .map(|lease| lease.since)
            .max()
            .unwrap_or(0)
    }

    /// Whether an archived message may be newer than everything that was read of its device, which was
    /// heard last at `heard`. Backwards only the first one is. Where nobody says in which order the page
    /// comes any more, the message counts as older than what was read.
    pub(super) fn may_be_news(&self, id: CatchUpId, heard: u64) -> bool {
        match self.leases.iter().find(|lease| lease.number == id.0) {
            Some(lease) => !lease.newest_first || heard < lease.since,
            None => heard == 0,
        }
    }
}

impl LeaseRecord {
    fn is_open(&self, now: Timestamp) -> bool {
        age(self.since, now) < LEASE
    }
}

/// The time between then and now, whichever is earlier: a clock may have been put back.
fn age(since: u64, now: Timestamp) -> Duration {
    let since = Timestamp::from_millis(since);
    now.since(since).max(since.since(now))
}
