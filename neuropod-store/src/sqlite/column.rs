//! How numbers and times are stored in columns.

use jiff::Timestamp;

/// Converts a version or an entry number to the signed integer that SQLite stores. None grows too big for that.
pub(super) fn stored_number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The first whole microsecond that is not before `time`, because columns store whole microseconds.
pub(super) fn microseconds_from(time: Timestamp) -> i64 {
    let whole = time.as_microsecond();
    let is_before = Timestamp::from_microsecond(whole).is_ok_and(|whole| whole < time);
    if is_before { whole + 1 } else { whole }
}
