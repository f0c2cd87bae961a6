//! Identifiers: 128 bits, time-ordered, written as a prefix and 22 base-62 letters whose order is the order of the bits.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Letters of an id after its prefix: 62^22 > 2^128.
pub const BODY_LEN: usize = 22;

/// The bare number behind an id: milliseconds since the epoch (48 bits), a counter that never runs backwards (16), random (64).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Id(pub u128);

/// In text a number; in bytes, of which it is most of what is stored, sixteen in one piece, the highest first.
impl Serialize for Id {
    #[inline]
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return serializer.serialize_u128(self.0);
        }
        serializer.serialize_bytes(&self.0.to_be_bytes())
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            return u128::deserialize(deserializer).map(Self);
        }
        let bytes: [u8; 16] = serde_bytes::deserialize(deserializer)?;
        Ok(Self(u128::from_be_bytes(bytes)))
    }
}

impl Id {
    /// The smallest id of a millisecond, for seeking by time; the largest id there is for times beyond all ids.
    pub const fn floor_at(ms: i64) -> Self {
        match ms {
            ..0 => Self(0),
            0..0x1_0000_0000_0000 => Self((ms as u128) << 80),
            0x1_0000_0000_0000.. => Self(u128::MAX),
        }
    }

    /// The millisecond in which the id was made.
    pub const fn ms(self) -> i64 {
        (self.0 >> 80) as i64
    }

    /// Itself if it is larger than `last`, else the next larger id with the same random half.
    #[must_use]
    pub const fn above(self, last: Id) -> Self {
        if self.0 > last.0 {
            return self;
        }
        const RANDOM: u128 = u64::MAX as u128;
        Self((last.0 >> 64).saturating_add(1) << 64 | (self.0 & RANDOM))
    }

    /// The id's letters.
    pub fn encode(self) -> [u8; BODY_LEN] {
        let mut out = [b'0'; BODY_LEN];
        // Ten letters at a time, so that all but two divisions are of 64 bits.
        let base: u128 = 62u128.pow(10);
        let rest = self.0 / base;
        let mut parts = [(rest / base) as u64, (rest % base) as u64, (self.0 % base) as u64];
        let (high, low) = out.split_at_mut(2);
        let (middle, low) = low.split_at_mut(10);
        for (part, letters) in parts.iter_mut().zip([high, middle, low]) {
            for slot in letters.iter_mut().rev() {
                *slot = ALPHABET[(*part % 62) as usize];
                *part /= 62;
            }
        }
        out
    }

    /// Reads the letters back; `None` if the length, a letter or the range is wrong.
    pub fn decode(text: &str) -> Option<Self> {
        if text.len() != BODY_LEN {
            return None;
        }
        let mut value: u128 = 0;
        for byte in text.bytes() {
            value = value.checked_mul(62)?.checked_add(u128::from(digit(byte)?))?;
        }
        Some(Self(value))
    }
}

const fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'A'..=b'Z' => Some(byte - b'A' + 10),
        b'a'..=b'z' => Some(byte - b'a' + 36),
        _ => None,
    }
}

/// The text is not an id of this kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotAnId;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub Id);

        impl $name {
            /// What the written form begins with.
            pub const PREFIX: &'static str = $prefix;
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str($prefix)?;
                f.write_str(std::str::from_utf8(&self.0.encode()).expect("base 62 is ascii"))
            }
        }

        impl FromStr for $name {
            type Err = NotAnId;
            fn from_str(text: &str) -> Result<Self, NotAnId> {
                text.strip_prefix($prefix).and_then(Id::decode).map(Self).ok_or(NotAnId)
            }
        }
    )*};
}

ids! {
    /// A payment (the dialect's payment intent).
    PaymentId = "pi_";
    /// A refund.
    RefundId = "re_";
    /// A payment method: a sealed card.
    PaymentMethodId = "pm_";
    /// A single-use token for a card.
    TokenId = "tok_";
    /// A merchant's customer.
    CustomerId = "cus_";
    /// A public event.
    EventId = "evt_";
    /// A merchant.
    MerchantId = "acct_";
    /// An API key's record, not the key.
    ApiKeyId = "mk_";
    /// An intent to save a card.
    SetupIntentId = "seti_";
    /// One HTTP request.
    RequestId = "req_";
    /// A manual review.
    ReviewId = "prv_";
    /// A merchant's list of values.
    ValueListId = "rsl_";
    /// A value of a list.
    ValueListItemId = "rsli_";
    /// A payment processed elsewhere that was judged here.
    EvaluationId = "peval_";
}

/// A charge: one attempt of a payment to authorize. Its id is the payment's letters and the attempt's number, so it needs no index of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ChargeId {
    pub payment: PaymentId,
    /// From 1; at most [`ChargeId::MAX_ATTEMPT`].
    pub attempt: u16,
}

impl ChargeId {
    /// What the written form begins with.
    pub const PREFIX: &'static str = "ch_";
    /// Two base-62 letters.
    pub const MAX_ATTEMPT: u16 = 62 * 62 - 1;

    /// The id's letters.
    pub fn encode(self) -> [u8; BODY_LEN + 2] {
        let mut out = [0u8; BODY_LEN + 2];
        out[..BODY_LEN].copy_from_slice(&self.payment.0.encode());
        out[BODY_LEN] = ALPHABET[usize::from(self.attempt / 62 % 62)];
        out[BODY_LEN + 1] = ALPHABET[usize::from(self.attempt % 62)];
        out
    }
}

impl fmt::Display for ChargeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Self::PREFIX)?;
        f.write_str(std::str::from_utf8(&self.encode()).expect("base 62 is ascii"))
    }
}

impl FromStr for ChargeId {
    type Err = NotAnId;
    fn from_str(text: &str) -> Result<Self, NotAnId> {
        let body = text.strip_prefix(Self::PREFIX).filter(|b| b.len() == BODY_LEN + 2 && b.is_ascii());
        let (payment, number) = body.ok_or(NotAnId)?.split_at(BODY_LEN);
        let payment = Id::decode(payment).map(PaymentId).ok_or(NotAnId)?;
        let mut attempt = 0u16;
        for byte in number.bytes() {
            attempt = attempt * 62 + u16::from(digit(byte).ok_or(NotAnId)?);
        }
        (attempt > 0).then_some(Self { payment, attempt }).ok_or(NotAnId)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn text_and_number_agree_in_value_and_order(a: u128, b: u128) {
            let text = |v: u128| PaymentId(Id(v)).to_string();
            prop_assert_eq!(text(a).parse::<PaymentId>(), Ok(PaymentId(Id(a))));
            prop_assert_eq!(a.cmp(&b), text(a).cmp(&text(b)));
            prop_assert!(text(a).parse::<RefundId>().is_err());
        }

        #[test]
        fn charges_carry_their_payment(a: u128, attempt in 1u16..=ChargeId::MAX_ATTEMPT) {
            let id = ChargeId { payment: PaymentId(Id(a)), attempt };
            prop_assert_eq!(id.to_string().parse::<ChargeId>(), Ok(id));
        }

        #[test]
        fn nonsense_is_refused(text in "\\PC{0,40}") {
            let _ = text.parse::<ChargeId>();
            let _ = format!("pi_{text}").parse::<PaymentId>();
        }
    }

    #[test]
    fn the_largest_and_smallest_fit() {
        assert_eq!(Id(0).encode(), [b'0'; BODY_LEN]);
        assert_eq!(Id::decode(std::str::from_utf8(&Id(u128::MAX).encode()).unwrap()), Some(Id(u128::MAX)));
        assert_eq!(Id::decode("zzzzzzzzzzzzzzzzzzzzzz"), None, "over 128 bits");
        assert_eq!(Id(9).above(Id(8)), Id(9));
        assert_eq!(Id(9).above(Id(7 << 64 | 9)), Id(8 << 64 | 9));
        assert_eq!(Id::floor_at(1_700_000_000_000).ms(), 1_700_000_000_000);
        assert_eq!(Id::floor_at(-1), Id(0));
        assert!(Id::floor_at(i64::MAX) > Id::floor_at(1_700_000_000_000), "seconds given as milliseconds");
    }
}
