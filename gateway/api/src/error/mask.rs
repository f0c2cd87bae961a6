//! Card numbers in the words of an error: whoever sends one in the wrong field must not read it back.

use std::borrow::Cow;

/// Digits of a card number.
const LEAST: usize = 12;
const MOST: usize = 19;
/// Of which these are shown.
const SHOWN: usize = 4;

/// The text with all but the last four digits of every card number in it replaced. Groups of digits may be joined by single
/// spaces or hyphens.
pub(super) fn cards(text: &str) -> Cow<'_, str> {
    let bytes = text.as_bytes();
    let mut masked: Option<Vec<u8>> = None;
    let mut at = 0;
    while at < bytes.len() {
        let run = run_at(bytes, at);
        if run.len() >= LEAST && (run.len() > MOST || has_valid_check_digit(bytes, &run)) {
            let out = masked.get_or_insert_with(|| bytes.to_vec());
            for &place in &run[..run.len() - SHOWN] {
                out[place] = b'*';
            }
        }
        at = run.last().map_or(at, |last| *last) + 1;
    }
    match masked {
        None => Cow::Borrowed(text),
        Some(bytes) => {
            Cow::Owned(String::from_utf8(bytes).expect("a digit gave way to another ASCII letter"))
        }
    }
}

/// Where the digits of the run that begins here are; none if there is no digit here.
fn run_at(bytes: &[u8], start: usize) -> Vec<usize> {
    let is_digit = |place: usize| bytes.get(place).is_some_and(u8::is_ascii_digit);
    let mut run = Vec::new();
    let mut at = start;
    while is_digit(at) {
        run.push(at);
        let joined = matches!(bytes.get(at + 1), Some(b' ' | b'-')) && is_digit(at + 2);
        at += if joined { 2 } else { 1 };
    }
    run
}

fn has_valid_check_digit(bytes: &[u8], run: &[usize]) -> bool {
    let sum: u32 = run.iter().rev().enumerate().fold(0, |sum, (position, &place)| {
        let digit = u32::from(bytes[place] - b'0');
        let doubled = digit * 2;
        sum + if position.is_multiple_of(2) { digit } else { doubled / 10 + doubled % 10 }
    });
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::cards;

    #[test]
    fn what_could_be_a_card_shows_four_digits_and_the_rest_stays() {
        let cases = [
            ("No such token: '4242424242424242'", "No such token: '************4242'"),
            ("pm_4242424242424242x", "pm_************4242x"),
            ("4242 4242-4242 4242 and 378282246310005", "**** ****-**** 4242 and ***********0005"),
            ("at most 99999999, not 100000000000", "at most 99999999, not 100000000000"),
            ("42424242424242424242", "****************4242"),
            ("4242424242424241", "4242424242424241"),
            ("pi_01AbC9 \u{e9} 12", "pi_01AbC9 \u{e9} 12"),
        ];
        for (text, expected) in cases {
            assert_eq!(cards(text), expected);
        }
    }
}
