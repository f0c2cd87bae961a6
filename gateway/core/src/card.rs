//! Cards as the domain sees them: a number only in passing, facts that may be shown, and a sealed form that may be stored.

use serde::{Deserialize, Serialize};
use std::fmt;
use zeroize::Zeroizing;

/// A primary account number in the clear, on its way to an acquirer. Never stored, never shown, wiped on drop.
#[derive(Clone)]
pub struct Pan(Zeroizing<String>);

impl Pan {
    /// Takes digits that were checked where they came in (length, Luhn).
    pub fn new(digits: &str) -> Self {
        Self(Zeroizing::new(digits.to_owned()))
    }

    /// The digits. Only an adapter that writes them to its peer calls this.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Pan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pan(…)")
    }
}

/// A card verification code in the clear. It lives from the request to the adapter's call and nowhere else (PCI DSS 3.3).
#[derive(Clone)]
pub struct Cvc(Zeroizing<String>);

impl Cvc {
    /// Takes three or four digits, checked where they came in.
    pub fn new(digits: &str) -> Self {
        Self(Zeroizing::new(digits.to_owned()))
    }

    /// The digits, for the adapter's message.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Cvc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cvc(…)")
    }
}

/// What an adapter is given of a card.
#[derive(Debug, Clone)]
pub struct CardInClear {
    pub pan: Pan,
    /// 1 to 12.
    pub exp_month: u8,
    /// Four digits.
    pub exp_year: u16,
    /// Only on the first authorization of a card that the cardholder typed.
    pub cvc: Option<Cvc>,
}

/// A card number under encryption: authenticated, bound to its owner, with the version of the key that sealed it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedCard {
    pub key_version: u32,
    /// Nonce, ciphertext and tag; opaque to the domain.
    #[serde(with = "serde_bytes")]
    pub bytes: Vec<u8>,
}

/// Card schemes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Brand {
    Visa,
    Mastercard,
    Amex,
    Discover,
    Diners,
    Jcb,
    UnionPay,
    Unknown,
}

impl Brand {
    /// The dialect's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Brand::Visa => "visa",
            Brand::Mastercard => "mastercard",
            Brand::Amex => "amex",
            Brand::Discover => "discover",
            Brand::Diners => "diners",
            Brand::Jcb => "jcb",
            Brand::UnionPay => "unionpay",
            Brand::Unknown => "unknown",
        }
    }
}

/// How a card is paid for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Funding {
    Credit,
    Debit,
    Prepaid,
    Unknown,
}

impl Funding {
    /// The dialect's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Funding::Credit => "credit",
            Funding::Debit => "debit",
            Funding::Prepaid => "prepaid",
            Funding::Unknown => "unknown",
        }
    }
}

/// What may be shown and stored of a card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CardFacts {
    pub brand: Brand,
    pub funding: Funding,
    /// The first six digits: the issuer's range.
    pub bin: u32,
    pub last4: [u8; 4],
    pub exp_month: u8,
    pub exp_year: u16,
    /// ISO 3166 alpha-2 of the issuer, where known.
    pub country: Option<[u8; 2]>,
    /// A keyed hash of the number: equal for equal numbers, useless without the key.
    #[serde(with = "serde_bytes")]
    pub fingerprint: [u8; 16],
    /// A verification code came with the card (never the code itself).
    pub cvc_provided: bool,
}

impl CardFacts {
    /// The last four digits as text.
    pub fn last4_str(&self) -> &str {
        std::str::from_utf8(&self.last4).unwrap_or("????")
    }
}
