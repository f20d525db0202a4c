//! Lookups that failed: why, how often, and until when nobody asks again.

use core::fmt;
use core::time::Duration;

use crate::model::Timestamp;

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
