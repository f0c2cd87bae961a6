//! Dates of the command line and of data files, in UTC, without a time zone of their own.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use super::Failure;

/// Seconds of a day.
pub const DAY_S: i64 = 86_400;

/// Unix seconds of a text such as `2018-07-25 13:05:09`, `2018-07-25T13:05:09Z`, `2018-07-25` or `1532523909`.
pub fn parse_time(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<i64>() {
        return Some(seconds);
    }
    if let Some(fast) = plain_time(text.as_bytes()) {
        return Some(fast);
    }
    if let Ok(moment) = text.parse::<jiff::Timestamp>() {
        return Some(moment.as_second());
    }
    let civil: DateTime = text.parse().ok()?;
    Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second())
}

/// The common form `YYYY-MM-DD HH:MM:SS`, by hand: a million of them are read at a time.
fn plain_time(text: &[u8]) -> Option<i64> {
    if text.len() != 19 || text[4] != b'-' || text[7] != b'-' || text[13] != b':' || text[16] != b':' {
        return None;
    }
    if text[10] != b' ' && text[10] != b'T' {
        return None;
    }
    let number = |from: usize, to: usize| {
        text[from..to]
            .iter()
            .try_fold(0i64, |sum, digit| digit.is_ascii_digit().then(|| sum * 10 + i64::from(digit - b'0')))
    };
    let date = Date::new(number(0, 4)? as i16, number(5, 7)? as i8, number(8, 10)? as i8).ok()?;
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    Some(day_start(date) + hour * 3_600 + minute * 60 + second)
}

/// Unix seconds of the start of a day.
pub fn day_start(date: Date) -> i64 {
    let (year, month, day) = (i64::from(date.year()), i64::from(date.month()), i64::from(date.day()));
    // Days from the civil calendar: years begin in March, so that the leap day is the last.
    let shifted = if month <= 2 { year - 1 } else { year };
    let era = shifted.div_euclid(400);
    let year_of_era = shifted.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    (era * 146_097 + day_of_era - 719_468) * DAY_S
}

/// A date of the command line.
///
/// # Errors
/// The text is no date.
pub fn parse_date(text: &str) -> Result<Date, Failure> {
    text.parse().map_err(|_| Failure(format!("{text:?} is no date; write it like 2018-07-25")))
}

/// `YYYY-MM-DD HH:MM:SS` of Unix seconds.
pub fn render_time(time_s: i64) -> String {
    match jiff::Timestamp::from_second(time_s) {
        Ok(moment) => moment.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%S").to_string(),
        Err(_) => time_s.to_string(),
    }
}

/// `YYYY-MM-DD` of Unix seconds.
pub fn render_date(time_s: i64) -> String {
    render_time(time_s).chars().take(10).collect()
}
