//! The shape of one field: its alphabet and its length, in the notation that the standard itself uses.
//!
//! `n 6` is six digits, `ans..25` up to 25 printable characters behind a two-digit length, `an...999` up to 999 behind a
//! three-digit one, `b 64` eight bytes, `x+n 8` a sign (C or D) and eight digits.

use std::fmt;

/// Which bytes a field may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alphabet {
    /// Letters; trailing blanks fill.
    A,
    /// Digits.
    N,
    /// Letters and digits; trailing blanks fill.
    An,
    /// Digits and special characters.
    Ns,
    /// Letters, digits and special characters: printable ASCII and the blank.
    Ans,
    /// Any byte.
    B,
    /// Track data: digits and the separators of ISO 7813.
    Z,
    /// A sign, C or D, then digits.
    Xn,
}

/// How long a field is, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Length {
    /// Always this long.
    Fixed(u16),
    /// A two-digit length, then at most this many bytes.
    Ll(u16),
    /// A three-digit length, then at most this many bytes.
    Lll(u16),
}

/// The shape of one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Format {
    /// Which bytes.
    pub alphabet: Alphabet,
    /// How many.
    pub length: Length,
}

const LETTER: u8 = 1;
const DIGIT: u8 = 2;
const SPECIAL: u8 = 4;
const TRACK: u8 = 8;

/// One look-up a byte: which classes each byte is of.
static CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [0u8; 256];
    let mut byte = 0x20usize;
    while byte < 0x7f {
        let ascii = byte as u8;
        table[byte] = if ascii.is_ascii_digit() {
            DIGIT
        } else if ascii.is_ascii_alphabetic() {
            LETTER
        } else {
            SPECIAL
        };
        byte += 1;
    }
    // ISO 7813 writes a track in the sixteen characters 0x30 to 0x3f; hosts also write D for the separator.
    let mut track = 0x30usize;
    while track <= 0x3f {
        table[track] |= TRACK;
        track += 1;
    }
    table[b'D' as usize] |= TRACK;
    table
}

fn outside(value: &[u8], classes: u8) -> Option<usize> {
    // Almost every value fits: look at all bytes without a branch each, and search only in one that does not.
    let fits = |byte: &u8| CLASSES[usize::from(*byte)] & classes != 0;
    if value.iter().fold(true, |all, byte| all & fits(byte)) {
        return None;
    }
    value.iter().position(|byte| CLASSES[usize::from(*byte)] & classes == 0)
}

/// Blanks are allowed only as filling, after the last other character.
fn outside_filled(value: &[u8], classes: u8) -> Option<usize> {
    let filled = value.iter().rev().take_while(|byte| **byte == b' ').count();
    outside(&value[..value.len() - filled], classes)
}

impl Alphabet {
    /// The position of the first byte that does not belong, or nothing.
    #[must_use]
    pub fn misfit(self, value: &[u8]) -> Option<usize> {
        match self {
            Alphabet::A => outside_filled(value, LETTER),
            Alphabet::N if value.iter().fold(true, |all, byte| all & byte.is_ascii_digit()) => None,
            Alphabet::N => outside(value, DIGIT),
            Alphabet::An => outside_filled(value, LETTER | DIGIT),
            Alphabet::Ns => outside(value, DIGIT | SPECIAL),
            Alphabet::Ans => outside(value, LETTER | DIGIT | SPECIAL),
            Alphabet::B => None,
            Alphabet::Z => outside(value, TRACK),
            Alphabet::Xn => match value.split_first() {
                Some((b'C' | b'D', digits)) => outside(digits, DIGIT).map(|at| at + 1),
                Some(_) => Some(0),
                None => None,
            },
        }
    }

    fn parse(text: &str) -> Option<Alphabet> {
        Some(match text {
            "a" => Alphabet::A,
            "n" => Alphabet::N,
            "an" => Alphabet::An,
            "ns" => Alphabet::Ns,
            "ans" => Alphabet::Ans,
            "b" => Alphabet::B,
            "z" => Alphabet::Z,
            "x+n" => Alphabet::Xn,
            _ => return None,
        })
    }

    fn notation(self) -> &'static str {
        match self {
            Alphabet::A => "a",
            Alphabet::N => "n",
            Alphabet::An => "an",
            Alphabet::Ns => "ns",
            Alphabet::Ans => "ans",
            Alphabet::B => "b",
            Alphabet::Z => "z",
            Alphabet::Xn => "x+n",
        }
    }
}

impl Format {
    /// Reads the standard's notation; nothing if it is not one, or if a length does not fit its prefix.
    #[must_use]
    pub fn parse(text: &str) -> Option<Format> {
        let split = text.find([' ', '.'])?;
        let alphabet = Alphabet::parse(&text[..split])?;
        let rest = &text[split..];
        let digits = rest.trim_start_matches([' ', '.']);
        let count = digits.parse::<u16>().ok().filter(|count| *count > 0)?;
        let length = match &rest[..rest.len() - digits.len()] {
            " " if alphabet == Alphabet::B => Length::Fixed(count.is_multiple_of(8).then_some(count / 8)?),
            " " if alphabet == Alphabet::Xn => Length::Fixed(count.checked_add(1)?),
            " " => Length::Fixed(count),
            ".." if count <= 99 => Length::Ll(count),
            "..." if count <= 999 => Length::Lll(count),
            _ => return None,
        };
        Some(Format { alphabet, length })
    }

    /// The most bytes that a value can have.
    #[must_use]
    pub fn most(self) -> usize {
        match self.length {
            Length::Fixed(bytes) | Length::Ll(bytes) | Length::Lll(bytes) => usize::from(bytes),
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let alphabet = self.alphabet.notation();
        match (self.length, self.alphabet) {
            (Length::Fixed(bytes), Alphabet::B) => write!(f, "{alphabet} {}", bytes * 8),
            (Length::Fixed(bytes), Alphabet::Xn) => write!(f, "{alphabet} {}", bytes - 1),
            (Length::Fixed(bytes), _) => write!(f, "{alphabet} {bytes}"),
            (Length::Ll(most), _) => write!(f, "{alphabet}..{most}"),
            (Length::Lll(most), _) => write!(f, "{alphabet}...{most}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notation_is_read_and_written() {
        for text in ["n 6", "n..19", "an...999", "b 64", "x+n 8", "z..37", "ans 40", "a 3", "ns..28"] {
            assert_eq!(Format::parse(text).expect(text).to_string(), text);
        }
        assert_eq!(Format::parse("b 64").expect("bits").length, Length::Fixed(8));
        assert_eq!(Format::parse("x+n 8").expect("signed").length, Length::Fixed(9));
        for text in ["n", "n 0", "n..100", "n...1000", "b 7", "q 3", "n .3", "n....3", "n 70000", "", "n six"]
        {
            assert_eq!(Format::parse(text), None, "{text}");
        }
    }

    #[test]
    fn alphabets_hold_what_the_standard_says() {
        let cases: [(&str, &[u8], Option<usize>); 15] = [
            ("n", b"0123456789", None),
            ("n", b"01 3", Some(2)),
            ("an", b"AB12  ", None),
            ("an", b"A B12 ", Some(1)),
            ("an", b"AB-12", Some(2)),
            ("a", b"USD", None),
            ("a", b"840", Some(0)),
            ("ns", b"12-34/5", None),
            ("ns", b"12a", Some(2)),
            ("ans", b"Caf\xc3\xa9", Some(3)),
            ("ans", b"a\nb", Some(1)),
            ("z", b"4242=2612D1", None),
            ("z", b"4242E", Some(4)),
            ("x+n", b"C00000012", None),
            ("x+n", b"-00000012", Some(0)),
        ];
        for (alphabet, value, misfit) in cases {
            let alphabet = Alphabet::parse(alphabet).expect("known");
            assert_eq!(alphabet.misfit(value), misfit, "{alphabet:?} {value:?}");
        }
    }
}
