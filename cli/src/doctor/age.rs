//! Times as people say them.

use core::time::Duration;

use omemo::model::Timestamp;

pub(super) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How long something takes or has lasted.
pub(super) fn length(of: Duration) -> String {
    let minutes = of.as_secs() / 60;
    let (count, unit) = match minutes {
        0..120 => (minutes, "minute"),
        120..2880 => (minutes / 60, "hour"),
        _ => (minutes / 60 / 24, "day"),
    };
    match count {
        1 => format!("1 {unit}"),
        _ => format!("{count} {unit}s"),
    }
}

/// When something was.
pub(super) fn ago(then: Timestamp, now: Timestamp) -> String {
    let ahead = then.since(now);
    match now.since(then).as_secs() {
        0..60 if ahead.as_secs() >= 60 => format!("{} from now", length(ahead)),
        0..60 => "just now".to_owned(),
        _ => format!("{} ago", length(now.since(then))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_said_in_the_unit_that_fits() {
        let now = Timestamp::default().after(DAY * 1000);
        let at = |seconds: u64| {
            ago(
                Timestamp::from_millis(now.as_millis() - seconds * 1000),
                now,
            )
        };
        assert_eq!(at(59), "just now");
        assert_eq!(at(60), "1 minute ago");
        assert_eq!(at(119 * 60), "119 minutes ago");
        assert_eq!(at(120 * 60), "2 hours ago");
        assert_eq!(at(47 * 3600), "47 hours ago");
        assert_eq!(at(48 * 3600), "2 days ago");
        assert_eq!(ago(now.after(DAY * 3), now), "3 days from now");
    }
}
