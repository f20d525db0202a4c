//! Points in time, as the caller's clock tells them.

use core::fmt;
use core::time::Duration;

/// Milliseconds since the beginning of 1970 in UTC. Nothing in this library has a clock: whoever calls
/// says what time it is, and a clock that jumps costs no key ([`Self::since`]).
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The time so many milliseconds after the beginning of 1970.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the beginning of 1970.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// How long ago `earlier` was; nothing if it is in the future, as after a clock was put back.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }

    /// The time that much later.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(millis))
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Timestamp({} ms)", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_was_put_back_makes_nothing_old() {
        let (before, now) = (Timestamp::from_millis(5000), Timestamp::from_millis(2000));
        assert_eq!(now.since(before), Duration::ZERO);
        assert_eq!(before.since(now), Duration::from_secs(3));
        assert_eq!(now.after(Duration::from_secs(3)), before);
        assert_eq!(now.after(Duration::MAX), Timestamp::from_millis(u64::MAX));
    }
}
