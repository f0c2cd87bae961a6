//! Points in time as ISO 8583 writes them: months, days and clock times in digits, UTC.

use gateway_core::time::Timestamp;

/// A point in time, taken apart, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Civil {
    pub month: u8,
    pub day: u8,
    pub hour: u8,
    pub minute: u8,
    pub second: u8,
}

impl Civil {
    /// Takes a timestamp apart (the proleptic Gregorian calendar, counted in eras of 400 years from 1 March).
    #[must_use]
    pub fn of(at: Timestamp) -> Civil {
        let seconds = at.unix_seconds();
        let (days, clock) = (seconds.div_euclid(86_400) + 719_468, seconds.rem_euclid(86_400));
        let day_of_era = days.rem_euclid(146_097);
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let byte = |part: i64| u8::try_from(part).expect("every part of a date is below 100");
        Civil {
            month: byte(if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 }),
            day: byte(day_of_year - (153 * month_from_march + 2) / 5 + 1),
            hour: byte(clock / 3_600),
            minute: byte(clock / 60 % 60),
            second: byte(clock % 60),
        }
    }

    /// Field 7: MMDDhhmmss.
    #[must_use]
    pub fn transmission(&self) -> [u8; 10] {
        digits([self.month, self.day, self.hour, self.minute, self.second])
    }

    /// Field 12: hhmmss.
    #[must_use]
    pub fn time(&self) -> [u8; 6] {
        digits([self.hour, self.minute, self.second])
    }

    /// Field 13: MMDD.
    #[must_use]
    pub fn date(&self) -> [u8; 4] {
        digits([self.month, self.day])
    }
}

/// Two digits each.
pub fn digits<const N: usize, const M: usize>(parts: [u8; N]) -> [u8; M] {
    let mut text = [b'0'; M];
    for (pair, part) in text.chunks_mut(2).zip(parts) {
        pair.copy_from_slice(&[b'0' + part / 10 % 10, b'0' + part % 10]);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        let cases = [
            (0, b"0101000000"),
            (951_782_399, b"0228235959"),
            (951_782_400, b"0229000000"),
            (1_709_251_199, b"0229235959"),
            (1_795_253_400, b"1121093000"),
            (4_107_542_400, b"0301000000"),
            (-1, b"1231235959"),
        ];
        for (seconds, expected) in cases {
            assert_eq!(
                &Civil::of(Timestamp::from_unix_seconds(seconds)).transmission(),
                expected,
                "{seconds}"
            );
        }
        let civil = Civil::of(Timestamp::from_unix_seconds(1_795_253_400));
        assert_eq!((&civil.time(), &civil.date()), (b"093000", b"1121"));
    }
}
