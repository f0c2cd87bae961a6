//! Card numbers and security codes: parsed once, masked wherever they are shown, wiped when dropped.

use std::fmt;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Fewest digits of a card number (ISO/IEC 7812 allows less in theory; no scheme issues it).
pub const SHORTEST: usize = 12;
/// Most digits of a card number (ISO/IEC 7812).
pub const LONGEST: usize = 19;

/// A primary account number: 12 to 19 digits whose last one is the right check digit (Luhn).
///
/// `Debug` and `Display` print `424242******4242`. It does not serialize: what is stored is a
/// [`SealedCard`](crate::SealedCard), what is shown is [`CardNumber::last4`].
#[derive(Clone)]
pub struct CardNumber {
    /// ASCII digits, then zero bytes.
    digits: [u8; LONGEST],
    length: u8,
}

impl CardNumber {
    /// Reads the number as people type it: digits, between which spaces and hyphens are ignored.
    ///
    /// # Errors
    /// [`CardError`], which says what is wrong and repeats no digit.
    pub fn parse(text: &str) -> Result<Self, CardError> {
        let mut card = Self { digits: [0; LONGEST], length: 0 };
        for byte in text.bytes() {
            match byte {
                b'0'..=b'9' => card.push(byte)?,
                b' ' | b'-' => {}
                _ => return Err(CardError::NotDigits),
            }
        }
        match card.length {
            0 => Err(CardError::Empty),
            length if usize::from(length) < SHORTEST => Err(CardError::TooShort),
            _ if !luhn(card.digits()) => Err(CardError::BadCheckDigit),
            _ => Ok(card),
        }
    }

    fn push(&mut self, digit: u8) -> Result<(), CardError> {
        *self.digits.get_mut(usize::from(self.length)).ok_or(CardError::TooLong)? = digit;
        self.length += 1;
        Ok(())
    }

    /// All digits, without separators. Every call is a place to look at in review.
    pub fn expose(&self) -> &str {
        std::str::from_utf8(self.digits()).expect("only ASCII digits are ever pushed")
    }

    /// The same as ASCII, for those who compute with them. Every call is a place to look at in review.
    pub fn digits(&self) -> &[u8] {
        &self.digits[..usize::from(self.length)]
    }

    /// The first six digits: the issuer, as it is still printed and may be stored.
    pub fn bin6(&self) -> &str {
        &self.expose()[..6]
    }

    /// The first six digits as a number of at most 999,999.
    pub fn bin(&self) -> u32 {
        self.digits[..6].iter().fold(0, |bin, digit| bin * 10 + u32::from(digit - b'0'))
    }

    /// The first eight digits: the issuer as schemes assign it since 2022.
    pub fn bin8(&self) -> &str {
        &self.expose()[..8]
    }

    /// The last four digits, which may be shown.
    pub fn last4(&self) -> &str {
        let all = self.expose();
        &all[all.len() - 4..]
    }

    /// The same as ASCII.
    pub fn last_digits(&self) -> [u8; 4] {
        *self.digits().last_chunk().expect("a number has twelve digits or more")
    }

    /// The scheme whose range the number is in.
    pub fn brand(&self) -> Brand {
        Brand::of_bin(self.bin())
    }
}

impl Zeroize for CardNumber {
    fn zeroize(&mut self) {
        self.digits.zeroize();
        self.length.zeroize();
    }
}

impl ZeroizeOnDrop for CardNumber {}

impl Drop for CardNumber {
    fn drop(&mut self) {
        self.zeroize();
    }
}

impl PartialEq for CardNumber {
    fn eq(&self, other: &Self) -> bool {
        // Unused digits are zero in both, so equal arrays are equal numbers.
        self.digits.ct_eq(&other.digits).into()
    }
}

impl Eq for CardNumber {}

impl fmt::Display for CardNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Twelve digits keep two stars: first six and last four are what PCI DSS 3.4 lets be shown.
        let hidden = "*********";
        write!(f, "{}{}{}", self.bin6(), &hidden[..usize::from(self.length) - 10], self.last4())
    }
}

impl fmt::Debug for CardNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Whether the last digit is the check digit of those before it (ISO/IEC 7812-1, annex B).
fn luhn(digits: &[u8]) -> bool {
    let sum = digits.iter().rev().enumerate().fold(0u32, |sum, (place, digit)| {
        let value = u32::from(digit - b'0') << (place % 2);
        sum + value / 10 + value % 10
    });
    sum.is_multiple_of(10)
}

/// Why a text is not a card number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CardError {
    /// No digit at all.
    Empty,
    /// Something that is neither a digit nor a space nor a hyphen.
    NotDigits,
    /// Fewer than 12 digits.
    TooShort,
    /// More than 19 digits.
    TooLong,
    /// The check digit is wrong: a typing mistake.
    BadCheckDigit,
}

impl fmt::Display for CardError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "the card number is empty",
            Self::NotDigits => "the card number holds something other than digits, spaces and hyphens",
            Self::TooShort => "the card number has fewer than 12 digits",
            Self::TooLong => "the card number has more than 19 digits",
            Self::BadCheckDigit => "the card number's check digit is wrong: a digit was mistyped",
        })
    }
}

impl std::error::Error for CardError {}

/// A card scheme, by the ranges of the first six digits that it issues.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Brand {
    /// 4.
    Visa,
    /// 51-55 and 2221-2720.
    Mastercard,
    /// 34 and 37.
    Amex,
    /// 6011, 644-649 and 65.
    Discover,
    /// 300-305, 3095, 36, 38 and 39.
    Diners,
    /// 3528-3589.
    Jcb,
    /// 62 and 81.
    UnionPay,
    /// None of these.
    Unknown,
}

impl Brand {
    /// The brand of cards whose numbers begin with these six digits.
    pub fn of_bin(bin6: u32) -> Self {
        match bin6 {
            400_000..=499_999 => Self::Visa,
            510_000..=559_999 | 222_100..=272_099 => Self::Mastercard,
            340_000..=349_999 | 370_000..=379_999 => Self::Amex,
            601_100..=601_199 | 644_000..=659_999 => Self::Discover,
            300_000..=305_999 | 309_500..=309_599 | 360_000..=369_999 | 380_000..=399_999 => Self::Diners,
            352_800..=358_999 => Self::Jcb,
            620_000..=629_999 | 810_000..=819_999 => Self::UnionPay,
            _ => Self::Unknown,
        }
    }

    /// The name that merchants see: `visa`, `mastercard`, `amex`, `discover`, `diners`, `jcb`, `unionpay`, `unknown`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Visa => "visa",
            Self::Mastercard => "mastercard",
            Self::Amex => "amex",
            Self::Discover => "discover",
            Self::Diners => "diners",
            Self::Jcb => "jcb",
            Self::UnionPay => "unionpay",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for Brand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A card security code: three or four digits, used for one authorization and then gone.
///
/// It may never be stored (PCI DSS 3.3), so it neither serializes nor clones; `Debug` prints `Cvc(***)` for any
/// length, and there is no `Display`.
pub struct Cvc {
    /// ASCII digits; the last byte is zero if there are three.
    digits: [u8; 4],
}

impl Cvc {
    /// Reads exactly three or four ASCII digits.
    ///
    /// # Errors
    /// [`CvcError`], which repeats no digit.
    pub fn parse(text: &str) -> Result<Self, CvcError> {
        let bytes = text.as_bytes();
        if !matches!(bytes.len(), 3 | 4) || !bytes.iter().all(u8::is_ascii_digit) {
            return Err(CvcError);
        }
        let mut digits = [0; 4];
        digits[..bytes.len()].copy_from_slice(bytes);
        Ok(Self { digits })
    }

    /// The digits. Every call is a place to look at in review.
    pub fn expose(&self) -> &str {
        let length = if self.digits[3] == 0 { 3 } else { 4 };
        std::str::from_utf8(&self.digits[..length]).expect("only ASCII digits were taken")
    }

    /// Whether the brand prints codes of this length: four digits on American Express, three elsewhere.
    pub fn fits(&self, brand: Brand) -> bool {
        let printed = match brand {
            Brand::Amex => 4,
            Brand::Visa
            | Brand::Mastercard
            | Brand::Discover
            | Brand::Diners
            | Brand::Jcb
            | Brand::UnionPay => 3,
            Brand::Unknown => return true,
        };
        self.expose().len() == printed
    }
}

impl Zeroize for Cvc {
    fn zeroize(&mut self) {
        self.digits.zeroize();
    }
}

impl ZeroizeOnDrop for Cvc {}

impl Drop for Cvc {
    fn drop(&mut self) {
        self.zeroize();
    }
}

impl fmt::Debug for Cvc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cvc(***)")
    }
}

/// The text is not three or four digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CvcError;

impl fmt::Display for CvcError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the card's security code is not three or four digits")
    }
}

impl std::error::Error for CvcError {}

#[cfg(test)]
mod tests;
