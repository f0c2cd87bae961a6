//! Message type indicators: what a message is, in four digits.
//!
//! The first digit is the version (0 is ISO 8583:1987), the second the class, the third the function, the fourth the
//! origin, where 1 marks a repeat.

use super::error::{CodecError, Place, Problem};
use std::fmt;

/// A message type indicator of four ASCII digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Mti([u8; 4]);

/// What a message is about: the second digit of its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// 01xx: is the money there?
    Authorization,
    /// 02xx: money moves.
    Financial,
    /// 04xx: what was asked before shall not have been.
    Reversal,
    /// 08xx: the link itself: sign-on, echo, sign-off.
    Network,
    /// Any other digit; no message of the built-in profile has one.
    Other(u8),
}

impl Mti {
    /// Authorization request.
    pub const AUTHORIZATION: Mti = Mti(*b"0100");
    /// Answer to 0100.
    pub const AUTHORIZATION_ANSWER: Mti = Mti(*b"0110");
    /// Financial request: sale or refund.
    pub const FINANCIAL: Mti = Mti(*b"0200");
    /// Answer to 0200.
    pub const FINANCIAL_ANSWER: Mti = Mti(*b"0210");
    /// Financial advice: capture.
    pub const ADVICE: Mti = Mti(*b"0220");
    /// Financial advice, repeated.
    pub const ADVICE_REPEAT: Mti = Mti(*b"0221");
    /// Answer to 0220 and 0221.
    pub const ADVICE_ANSWER: Mti = Mti(*b"0230");
    /// Reversal request.
    pub const REVERSAL: Mti = Mti(*b"0400");
    /// Reversal request, repeated.
    pub const REVERSAL_REPEAT: Mti = Mti(*b"0401");
    /// Answer to 0400 and 0401.
    pub const REVERSAL_ANSWER: Mti = Mti(*b"0410");
    /// Reversal advice: stored and forwarded.
    pub const REVERSAL_ADVICE: Mti = Mti(*b"0420");
    /// Reversal advice, repeated.
    pub const REVERSAL_ADVICE_REPEAT: Mti = Mti(*b"0421");
    /// Answer to 0420 and 0421.
    pub const REVERSAL_ADVICE_ANSWER: Mti = Mti(*b"0430");
    /// Network management: sign-on, echo.
    pub const NETWORK: Mti = Mti(*b"0800");
    /// Answer to 0800.
    pub const NETWORK_ANSWER: Mti = Mti(*b"0810");

    /// Reads four ASCII digits.
    ///
    /// # Errors
    /// Fewer than four bytes, or a byte that is not a digit.
    pub fn parse(bytes: &[u8]) -> Result<Mti, CodecError> {
        let Some(head) = bytes.first_chunk::<4>() else {
            return Err(CodecError::new(Place::Mti, Problem::Truncated { needed: 4, left: bytes.len() }));
        };
        match head.iter().position(|byte| !byte.is_ascii_digit()) {
            Some(at) => Err(CodecError::new(Place::Mti, Problem::Alphabet { at })),
            None => Ok(Mti(*head)),
        }
    }

    /// The four digits.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 4] {
        &self.0
    }

    /// What the message is about.
    #[must_use]
    pub fn class(self) -> Class {
        match self.0[1] {
            b'1' => Class::Authorization,
            b'2' => Class::Financial,
            b'4' => Class::Reversal,
            b'8' => Class::Network,
            digit => Class::Other(digit),
        }
    }

    /// Whether the message asks (or advises) rather than answers: the third digit is even.
    #[must_use]
    pub fn asks(self) -> bool {
        (self.0[2] - b'0').is_multiple_of(2)
    }

    /// Whether the message says of itself that it was sent before.
    #[must_use]
    pub fn is_repeat(self) -> bool {
        self.0[3] == b'1'
    }

    /// The type of the answer to this message: the function one up, the origin back to 0. An answer has none.
    #[must_use]
    pub fn answer(self) -> Option<Mti> {
        let [version, class, function, _] = self.0;
        self.asks().then_some(Mti([version, class, function + 1, b'0']))
    }

    /// The same message marked as a repeat.
    #[must_use]
    pub fn repeat(self) -> Mti {
        let [version, class, function, _] = self.0;
        Mti([version, class, function, b'1'])
    }
}

impl fmt::Display for Mti {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|digit| write!(f, "{}", char::from(*digit)))
    }
}

impl fmt::Debug for Mti {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_and_repeats_follow_the_standard() {
        let table = [
            (Mti::AUTHORIZATION, Mti::AUTHORIZATION_ANSWER),
            (Mti::FINANCIAL, Mti::FINANCIAL_ANSWER),
            (Mti::ADVICE, Mti::ADVICE_ANSWER),
            (Mti::ADVICE_REPEAT, Mti::ADVICE_ANSWER),
            (Mti::REVERSAL, Mti::REVERSAL_ANSWER),
            (Mti::REVERSAL_REPEAT, Mti::REVERSAL_ANSWER),
            (Mti::REVERSAL_ADVICE, Mti::REVERSAL_ADVICE_ANSWER),
            (Mti::REVERSAL_ADVICE_REPEAT, Mti::REVERSAL_ADVICE_ANSWER),
            (Mti::NETWORK, Mti::NETWORK_ANSWER),
        ];
        for (asked, answer) in table {
            assert_eq!(asked.answer(), Some(answer), "{asked}");
            assert_eq!(answer.answer(), None, "{answer}");
            assert_eq!(asked.class(), answer.class());
        }
        assert_eq!(Mti::REVERSAL.repeat(), Mti::REVERSAL_REPEAT);
        assert_eq!(Mti::ADVICE.repeat(), Mti::ADVICE_REPEAT);
        assert!(Mti::REVERSAL_ADVICE_REPEAT.is_repeat() && !Mti::REVERSAL_ADVICE.is_repeat());
    }

    #[test]
    fn only_four_digits_are_a_type() {
        assert_eq!(Mti::parse(b"0100rest").expect("digits"), Mti::AUTHORIZATION);
        assert_eq!(Mti::parse(b"010").expect_err("short").place(), Place::Mti);
        assert_eq!(Mti::parse(b"01O0").expect_err("a letter").problem(), &Problem::Alphabet { at: 2 });
    }
}
