//! Money: an integer of minor units with its currency. Checked operations only; no `Add`, no floats.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The largest amount of one payment, in minor units: the dialect's eight digits.
pub const MAX_AMOUNT_MINOR: i64 = 99_999_999;

/// An ISO 4217 currency, kept as its three lower-case letters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Currency([u8; 3]);

impl Currency {
    /// US dollar.
    pub const USD: Currency = Currency(*b"usd");
    /// Euro.
    pub const EUR: Currency = Currency(*b"eur");
    /// Japanese yen: no minor unit.
    pub const JPY: Currency = Currency(*b"jpy");

    /// Reads a code in either case; `None` if ISO 4217 does not know it as money in circulation.
    pub fn parse(code: &str) -> Option<Self> {
        let bytes: [u8; 3] = code.as_bytes().try_into().ok()?;
        if !bytes.iter().all(u8::is_ascii_alphabetic) {
            return None;
        }
        let lower = bytes.map(|b| b.to_ascii_lowercase());
        if matches!(&lower, b"usd" | b"eur" | b"gbp") {
            return Some(Self(lower));
        }
        let upper = bytes.map(|b| b.to_ascii_uppercase());
        let known = iso_currency::Currency::from_code(std::str::from_utf8(&upper).ok()?)?;
        known.exponent().map(|_| Self(lower))
    }

    /// The lower-case code, as the wire carries it.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).expect("three ascii letters, checked by parse")
    }

    fn iso(self) -> iso_currency::Currency {
        let upper = self.0.map(|b| b.to_ascii_uppercase());
        let code = std::str::from_utf8(&upper).expect("three ascii letters, checked by parse");
        iso_currency::Currency::from_code(code).expect("known, checked by parse")
    }

    /// The ISO 4217 numeric code, as ISO 8583 carries it.
    pub fn numeric(self) -> u16 {
        self.iso().numeric()
    }

    /// Digits after the decimal point: 2 for usd, 0 for jpy, 3 for kwd.
    pub fn exponent(self) -> u32 {
        if self == Self::USD || self == Self::EUR {
            return 2;
        }
        u32::from(self.iso().exponent().expect("currencies without one are refused by parse"))
    }

    /// The smallest amount that can be charged, in minor units: what the dialect documents for settlement currencies, else 1.
    pub fn minimum_minor(self) -> i64 {
        match &self.0 {
            b"usd" | b"eur" | b"aud" | b"cad" | b"brl" | b"chf" | b"inr" | b"nzd" | b"sgd" | b"jpy" => 50,
            b"gbp" => 30,
            b"dkk" => 250,
            b"nok" | b"sek" => 300,
            b"hkd" => 400,
            b"mxn" | b"thb" => 1000,
            b"czk" => 1500,
            b"huf" => 17_500,
            b"pln" | b"myr" | b"ron" | b"aed" => 200,
            b"bgn" => 100,
            _ => 1,
        }
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// An amount of minor units in one currency. May be negative only in postings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    pub minor: i64,
    pub currency: Currency,
}

impl Money {
    /// `minor` units of `currency`.
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Nothing, in `currency`.
    pub const fn zero(currency: Currency) -> Self {
        Self { minor: 0, currency }
    }

    /// The sum; `None` if currencies differ or the sum overflows.
    pub fn checked_add(self, other: Money) -> Option<Money> {
        (self.currency == other.currency)
            .then(|| self.minor.checked_add(other.minor))
            .flatten()
            .map(|minor| Money { minor, ..self })
    }

    /// The difference; `None` if currencies differ or it overflows.
    pub fn checked_sub(self, other: Money) -> Option<Money> {
        (self.currency == other.currency)
            .then(|| self.minor.checked_sub(other.minor))
            .flatten()
            .map(|minor| Money { minor, ..self })
    }

    /// The amount in major units, exact: 1050 usd is 10.50. For reports and rates, never for storage.
    pub fn to_decimal(self) -> Decimal {
        Decimal::new(self.minor, self.currency.exponent())
    }

    /// Major units rounded half to even into minor units; `None` if it does not fit. For fees and rates.
    pub fn from_decimal(major: Decimal, currency: Currency) -> Option<Money> {
        let scale = Decimal::from(10u64.pow(currency.exponent()));
        let minor = major.checked_mul(scale)?.round();
        i64::try_from(minor).ok().map(|minor| Money { minor, currency })
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.to_decimal(), self.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn currencies_are_known_or_refused() {
        for (code, exponent) in [("usd", Some(2)), ("JPY", Some(0)), ("kwd", Some(3)), ("clf", Some(4))] {
            assert_eq!(Currency::parse(code).map(Currency::exponent), exponent, "{code}");
        }
        for code in ["", "us", "usdd", "zzz", "u$d", "xau", "été"] {
            assert_eq!(Currency::parse(code), None, "{code}");
        }
        assert_eq!(Currency::parse("EUR"), Some(Currency::EUR));
        assert_eq!(Currency::USD.numeric(), 840);
    }

    #[test]
    fn sums_are_checked() {
        let usd = |minor| Money::new(minor, Currency::USD);
        assert_eq!(usd(5).checked_add(usd(7)), Some(usd(12)));
        assert_eq!(usd(5).checked_sub(usd(7)), Some(usd(-2)));
        assert_eq!(usd(i64::MAX).checked_add(usd(1)), None);
        assert_eq!(usd(1).checked_add(Money::new(1, Currency::EUR)), None);
        assert_eq!(usd(1).checked_sub(Money::new(1, Currency::EUR)), None);
    }

    #[test]
    fn decimals_round_half_to_even() {
        let fee = Money::from_decimal(Decimal::new(10_125, 4), Currency::USD);
        assert_eq!(fee, Some(Money::new(101, Currency::USD)));
        let up = Money::from_decimal(Decimal::new(10_350, 4), Currency::USD);
        assert_eq!(up, Some(Money::new(104, Currency::USD)));
        assert_eq!(Money::new(1050, Currency::USD).to_string(), "10.50 usd");
        assert_eq!(Money::new(1050, Currency::JPY).to_string(), "1050 jpy");
        assert_eq!(Money::from_decimal(Decimal::MAX, Currency::USD), None);
    }
}
