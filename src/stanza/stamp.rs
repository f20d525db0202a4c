//! Points in time in stanzas (XEP-0082 §3.2).
//!
//! ```text
//! CCYY-MM-DDThh:mm:ss[.s…](Z | ±hh:mm)
//! ```

use super::grammar::WHITE_SPACE;
use crate::model::Timestamp;

/// A point in time, in UTC and whole seconds.
pub(super) fn write(time: Timestamp) -> String {
    let seconds = time.as_millis() / 1000;
    let (year, month, day) = date(seconds / DAY);
    let (hour, minute) = (seconds % DAY / 3600, seconds / 60 % 60);
    let second = seconds % 60;
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// The point in time of a stamp, without what is less than a second; `None` if it is none, or before 1970.
pub(super) fn read(stamp: &str) -> Option<Timestamp> {
    let (date, time) = stamp.trim_matches(WHITE_SPACE).split_once('T')?;
    let (year, month_and_day) = date.split_once('-')?;
    let (month, day) = month_and_day.split_once('-')?;
    let (year, month, day) = (digits(year, 4)?, digits(month, 2)?, digits(day, 2)?);
    if year < EPOCH || !(1..=12).contains(&month) || !(1..=days_of(year, month)).contains(&day) {
        return None;
    }
    let (clock, zone) = time.split_at_checked(time.find(['Z', '+', '-'])?)?;
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    digits(fraction, fraction.len())?;
    let (hour, minute_and_second) = clock.split_once(':')?;
    let (minute, second) = minute_and_second.split_once(':')?;
    let (minutes, second) = (minutes(hour, minute)?, digits(second, 2)?);
    if second > 60 {
        // 60 is a leap second.
        return None;
    }
    let seconds = days_before(year, month, day) * DAY + minutes * 60 + second;
    let seconds = match zone.split_at_checked(1)? {
        ("Z", "") => seconds,
        (sign, offset) => {
            let (hour, minute) = offset.split_once(':')?;
            let offset = self::minutes(hour, minute)? * 60;
            match sign {
                "+" => seconds.checked_sub(offset)?,
                "-" => seconds + offset,
                _ => return None,
            }
        }
    };
    Some(Timestamp::from_millis(seconds * 1000))
}

/// Seconds of a day.
const DAY: u64 = 86_400;

/// The year in which time began.
const EPOCH: u64 = 1970;

/// Years after which the calendar repeats, and their days.
const CYCLE: (u64, u64) = (400, 146_097);

/// Year, month and day, so many days after the beginning of 1970.
fn date(days: u64) -> (u64, u64, u64) {
    let mut year = EPOCH + days / CYCLE.1 * CYCLE.0;
    let mut days = days % CYCLE.1;
    while days >= days_of_year(year) {
        days -= days_of_year(year);
        year += 1;
    }
    let mut month = 1;
    while days >= days_of(year, month) {
        days -= days_of(year, month);
        month += 1;
    }
    (year, month, days + 1)
}

/// The days between the beginning of 1970 and that one, which is not before it.
fn days_before(year: u64, month: u64, day: u64) -> u64 {
    let cycles = (year - EPOCH) / CYCLE.0;
    let years = (EPOCH + cycles * CYCLE.0..year).map(days_of_year);
    let months = (1..month).map(|month| days_of(year, month));
    cycles * CYCLE.1 + years.sum::<u64>() + months.sum::<u64>() + day - 1
}

fn days_of_year(year: u64) -> u64 {
    337 + days_of(year, 2)
}

fn days_of(year: u64, month: u64) -> u64 {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 => 28 + u64::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn minutes(hour: &str, minute: &str) -> Option<u64> {
    let (hour, minute) = (digits(hour, 2)?, digits(minute, 2)?);
    (hour < 24 && minute < 60).then_some(hour * 60 + minute)
}

/// A number of exactly so many digits, of which the first fifteen count.
fn digits(text: &str, count: usize) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if text.len() != count || !is_number {
        return None;
    }
    text.get(..count.min(15))?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Milliseconds as GNU date gives them.
    const STAMPS: [(u64, &str); 8] = [
        (0, "1970-01-01T00:00:00Z"),
        (951_782_399_000, "2000-02-28T23:59:59Z"),
        (951_782_400_000, "2000-02-29T00:00:00Z"),
        (1_075_010_700_000, "2004-01-25T06:05:00Z"),
        (1_795_388_400_000, "2026-11-22T23:00:00Z"),
        (4_107_542_399_000, "2100-02-28T23:59:59Z"),
        (4_107_542_400_000, "2100-03-01T00:00:00Z"),
        (253_402_300_799_000, "9999-12-31T23:59:59Z"),
    ];

    #[test]
    fn stamps() {
        for (millis, stamp) in STAMPS {
            let time = Timestamp::from_millis(millis);
            assert_eq!(write(Timestamp::from_millis(millis + 999)), stamp);
            assert_eq!(read(stamp), Some(time));
        }
        let longest = write(Timestamp::from_millis(u64::MAX));
        assert_eq!(longest, "584556019-04-03T14:25:51Z");
    }

    #[test]
    fn every_day_of_a_cycle_is_read_again() {
        for day in 0..=CYCLE.1 {
            let time = Timestamp::from_millis(day * DAY * 1000);
            assert_eq!(read(&write(time)), Some(time));
        }
    }

    #[test]
    fn spellings() {
        let time = Timestamp::from_millis(1_075_010_700_000);
        for stamp in [
            "2004-01-25T06:05:00.000Z",
            "2004-01-25T06:05:00.123456789012345678901234567890Z",
            " 2004-01-25T07:05:00+01:00\n",
            "2004-01-24T23:35:00.5-06:30",
            "2004-01-25T06:04:60Z",
        ] {
            assert_eq!(read(stamp), Some(time), "{stamp}");
        }
        for bad in [
            "",
            "T",
            "2004-01-25",
            "2004-01-25T06:05:00",
            "2004-01-25T06:05Z",
            "2004-01-25T06:05:00.Z",
            "2004-01-25T06:05:00Z0",
            "2004-01-25T06:05:00+01",
            "2004-01-25T06:05:00+24:00",
            "2004-01-25T24:05:00Z",
            "2004-01-25T06:60:00Z",
            "2004-01-25T06:05:61Z",
            "2004-01-32T06:05:00Z",
            "2003-02-29T06:05:00Z",
            "2004-00-25T06:05:00Z",
            "2004-13-25T06:05:00Z",
            "2004-1-25T06:05:00Z",
            "02004-01-25T06:05:00Z",
            "1969-12-31T23:59:59Z",
            "1970-01-01T00:00:00+00:01",
            "20040125T06:05:00Z",
            "2004-01-25t06:05:00z",
            "2004-01-25T06:05:00\u{661}",
            "+004-01-25T06:05:00Z",
        ] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
