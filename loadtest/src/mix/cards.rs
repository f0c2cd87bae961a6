//! Card numbers. All of them are made up: they pass the Luhn check and belong to nobody.

use crate::random::{Random, Zipf};

/// A population of cards, some of which pay more often than others.
#[derive(Debug, Clone)]
pub struct Cards {
    law: Zipf,
    random: Random,
}

impl Cards {
    /// `count` cards (at most a billion) of the skew; 0 is uniform.
    pub fn new(count: u64, skew: f64, random: Random) -> Self {
        Self { law: Zipf::new(count.clamp(1, 1_000_000_000), skew), random }
    }

    /// The card that pays next.
    pub fn draw(&mut self) -> [u8; 16] {
        number(self.law.rank(&mut self.random))
    }
}

/// The card of a rank below a billion: of the test BIN 424242, which approves and which no model of the development
/// profile blocks.
pub fn number(rank: u64) -> [u8; 16] {
    let mut digits = *b"4242420000000000";
    // A bijection of 0..10^9, so that neighbours in rank are no neighbours in number.
    let mut rest = (rank % 1_000_000_000) * 387_420_489 % 1_000_000_000;
    for place in (6..15).rev() {
        digits[place] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    digits[15] = b'0' + luhn_digit(&digits[..15]);
    digits
}

/// The digit that completes a number of 15 digits.
fn luhn_digit(digits: &[u8]) -> u8 {
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(index, &digit)| {
            let value = u32::from(digit - b'0');
            match (index % 2 == 0, value * 2) {
                (true, doubled) if doubled > 9 => doubled - 9,
                (true, doubled) => doubled,
                (false, _) => value,
            }
        })
        .sum();
    ((10 - sum % 10) % 10) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn known_numbers_have_their_digits() {
        for number in ["4242424242424242", "4000000000000002", "5555555555554444", "4100000000000019"] {
            assert_eq!(luhn_digit(&number.as_bytes()[..15]), number.as_bytes()[15] - b'0', "{number}");
        }
    }

    #[test]
    fn ranks_have_numbers_of_their_own() {
        let seen: HashSet<_> = (0..100_000).map(number).collect();
        assert_eq!(seen.len(), 100_000);
        assert!(
            seen.iter().all(|digits| digits.starts_with(b"424242") && digits.iter().all(u8::is_ascii_digit))
        );
    }
}
