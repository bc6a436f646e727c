//! A range of time, as `from` and `until` of an address say it.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::contract::failure::Failure;

/// From a time on, and before another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TimeRange {
    pub(crate) from: Option<Timestamp>,
    /// The first moment that is not in the range any more.
    pub(crate) until: Option<Timestamp>,
}

impl TimeRange {
    /// Reads both ends. Each is a day (`2026-01-31`) or a time of day with date (`2026-01-31T08:00`, `…T08:00:00.5`),
    /// with an offset or `Z`; without one it is UTC, and days are those of UTC. `from` is the beginning of what it
    /// names, `until` its end: a day, a minute, a second or a fraction of it is in the range as a whole.
    ///
    /// # Errors
    /// 400 where an end is not written so, or the range is empty.
    pub(crate) fn read(from: Option<&str>, until: Option<&str>) -> Result<Self, Failure> {
        let read = |text: &str| moment(text).ok_or_else(wrong_format);
        let from = from.map(read).transpose()?.map(|(begin, _)| begin);
        let until = until.map(read).transpose()?;
        let until = until.map(|(begin, length)| begin.saturating_add(length).unwrap_or(Timestamp::MAX));
        match (from, until) {
            (Some(from), Some(until)) if until <= from => Err(wrong_order()),
            _ => Ok(Self { from, until }),
        }
    }
}

/// The beginning and the length of the day or time that `text` names.
fn moment(text: &str) -> Option<(Timestamp, SignedDuration)> {
    let Some(place) = text.find(['T', 't', ' ']) else {
        let date: Date = text.parse().ok().filter(|_| text.len() == "2026-01-31".len())?;
        return Some((utc(date.at(0, 0, 0, 0)), SignedDuration::from_hours(24)));
    };
    // A plus in an address is a space unless it is written as %2B.
    let (head, tail) = text.split_at(place + 1);
    let text = format!("{head}{}", tail.replacen(' ', "+", 1));
    let civil = text.strip_suffix(['Z', 'z']).unwrap_or(&text);
    let time = match text.parse::<Timestamp>() {
        Ok(time) => time,
        Err(_) => utc(civil.parse::<DateTime>().ok()?),
    };
    Some((time, length(tail)))
}

/// The time in UTC. The first and the last day of the calendar may be outside the range of timestamps; they then mean no
/// limit.
fn utc(time: DateTime) -> Timestamp {
    let limit = if time.year() > 0 {
        Timestamp::MAX
    } else {
        Timestamp::MIN
    };
    TimeZone::UTC.to_timestamp(time).unwrap_or(limit)
}

/// The length that a time of day names: an hour, a minute, a second, or the last digit of its fraction.
fn length(time_of_day: &str) -> SignedDuration {
    let end = time_of_day.find(|char: char| !char.is_ascii_digit() && !":.,".contains(char));
    let written = &time_of_day[..end.unwrap_or(time_of_day.len())];
    let (whole, fraction) = written.split_once(['.', ',']).unwrap_or((written, ""));
    let digits = u32::try_from(fraction.len()).unwrap_or(9).min(9);
    match whole.bytes().filter(u8::is_ascii_digit).count() {
        ..=2 => SignedDuration::from_hours(1),
        3 | 4 => SignedDuration::from_mins(1),
        _ => SignedDuration::from_nanos(10_i64.pow(9 - digits)),
    }
}

fn wrong_format() -> Failure {
    Failure::new(
        http::StatusCode::BAD_REQUEST,
        "invalid",
        "Escribe las fechas como 2026-01-31, o con hora como 2026-01-31T08:00:00Z; sin zona horaria son UTC",
        "Write dates as 2026-01-31, or with a time as 2026-01-31T08:00:00Z; without a time zone they are UTC",
    )
}

fn wrong_order() -> Failure {
    Failure::new(
        http::StatusCode::BAD_REQUEST,
        "invalid",
        "La fecha final («until») es anterior a la inicial («from»)",
        "The end (`until`) is before the start (`from`)",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_named_is_in_the_range_as_a_whole() {
        for (text, from, until) in [
            ("2026-01-31", "2026-01-31T00:00:00Z", "2026-02-01T00:00:00Z"),
            // Days are those of UTC, also where clocks change on them elsewhere.
            ("2026-03-29", "2026-03-29T00:00:00Z", "2026-03-30T00:00:00Z"),
            ("2024-02-29", "2024-02-29T00:00:00Z", "2024-03-01T00:00:00Z"),
            (
                "2026-01-31T08:00:00Z",
                "2026-01-31T08:00:00Z",
                "2026-01-31T08:00:01Z",
            ),
            (
                "2026-01-31T23:59:59Z",
                "2026-01-31T23:59:59Z",
                "2026-02-01T00:00:00Z",
            ),
            (
                "2026-01-31T23:59Z",
                "2026-01-31T23:59:00Z",
                "2026-02-01T00:00:00Z",
            ),
            (
                "2026-01-31T08:00:00.5Z",
                "2026-01-31T08:00:00.5Z",
                "2026-01-31T08:00:00.6Z",
            ),
            (
                "2026-01-31T23:59:59.999Z",
                "2026-01-31T23:59:59.999Z",
                "2026-02-01T00:00:00Z",
            ),
            // Offsets, also with a plus that the address has made a space, and without one.
            (
                "2026-01-31T08:00:00+01:00",
                "2026-01-31T07:00:00Z",
                "2026-01-31T07:00:01Z",
            ),
            (
                "2026-01-31T08:00:00 01:00",
                "2026-01-31T07:00:00Z",
                "2026-01-31T07:00:01Z",
            ),
            (
                "2026-01-31T08:00:00-05:30",
                "2026-01-31T13:30:00Z",
                "2026-01-31T13:30:01Z",
            ),
            (
                "2026-01-31T08:00+01:00",
                "2026-01-31T07:00:00Z",
                "2026-01-31T07:01:00Z",
            ),
            (
                "2026-01-31T08:00:00",
                "2026-01-31T08:00:00Z",
                "2026-01-31T08:00:01Z",
            ),
            (
                "2026-01-31 08:00:00",
                "2026-01-31T08:00:00Z",
                "2026-01-31T08:00:01Z",
            ),
            (
                "2026-01-31t08:00:00z",
                "2026-01-31T08:00:00Z",
                "2026-01-31T08:00:01Z",
            ),
        ] {
            let range = TimeRange::read(Some(text), Some(text)).unwrap();
            let read = [range.from, range.until].map(|time| time.unwrap());
            assert_eq!(read, [from, until].map(|time| time.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_or_no_range_is_refused() {
        for wrong in [
            "",
            " ",
            "T",
            "yesterday",
            "2026-02-30",
            "2026-1-5",
            "20260131",
            "31/01/2026",
            "2026-01-31T25:00:00Z",
            "2026-01-31T08:00:00 ",
            "2026-01-31x08:00:00Z",
            "1769846400",
            "9".repeat(100).as_str(),
        ] {
            assert!(TimeRange::read(Some(wrong), None).is_err(), "from {wrong:?}");
            assert!(TimeRange::read(None, Some(wrong)).is_err(), "until {wrong:?}");
        }
        for (from, until, good) in [
            ("2026-01-31", "2026-01-31", true),
            ("2026-01-31", "2026-01-30", false),
            ("2026-01-31T08:00:00Z", "2026-01-31", true),
            ("2026-01-31T08:00:01Z", "2026-01-31T08:00:00Z", false),
            ("2026-01-31T08:00:00Z", "2026-01-31T08:00:00+01:00", false),
        ] {
            let range = TimeRange::read(Some(from), Some(until));
            assert_eq!(range.is_ok(), good, "{from} to {until}");
        }
        // The last day that there is.
        for end in ["9999-12-31", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59"] {
            assert_eq!(
                TimeRange::read(None, Some(end)).unwrap().until,
                Some(Timestamp::MAX),
                "{end}"
            );
        }
    }
}
