//! Fields with an inner structure: 43 (who and where), 48 (tags), 90 (which original), 95 (replacement amounts).

use super::error::{CodecError, Place, Problem};
use super::mti::Mti;

/// The tag of the card verification code in field 48.
pub const TAG_CVC: &[u8; 2] = b"92";
/// The tag of the electronic commerce indicator in field 48.
pub const TAG_ECI: &[u8; 2] = b"42";
/// The tag, in the answer's field 48, of the issuer's verdict on the CVC: M matched, N did not, P was not checked.
pub const TAG_CVC_RESULT: &[u8; 2] = b"87";

/// Appends one tag to a field 48: two characters of tag, two digits of length, the value.
///
/// # Errors
/// A value of more than 99 bytes.
pub fn push_tag(field_48: &mut Vec<u8>, tag: &[u8; 2], value: &[u8]) -> Result<(), CodecError> {
    let length = u8::try_from(value.len()).ok().filter(|length| *length <= 99).ok_or_else(|| {
        CodecError::new(Place::Field(48), Problem::TooLong { most: 99, found: value.len() })
    })?;
    field_48.extend_from_slice(tag);
    field_48.extend_from_slice(&[b'0' + length / 10, b'0' + length % 10]);
    field_48.extend_from_slice(value);
    Ok(())
}

/// The value of a tag in a field 48, the first if there are several.
///
/// # Errors
/// A field that is not made of tags: a length that is no number, or a value cut short.
pub fn tag<'a>(field_48: &'a [u8], wanted: &[u8; 2]) -> Result<Option<&'a [u8]>, CodecError> {
    let mut rest = field_48;
    while let [a, b, tens, ones, tail @ ..] = rest {
        if !(tens.is_ascii_digit() && ones.is_ascii_digit()) {
            return Err(CodecError::new(Place::Field(48), Problem::LengthNotDigits));
        }
        let needed = usize::from((tens - b'0') * 10 + ones - b'0');
        let Some(value) = tail.get(..needed) else {
            return Err(CodecError::new(Place::Field(48), Problem::Truncated { needed, left: tail.len() }));
        };
        if [*a, *b] == *wanted {
            return Ok(Some(value));
        }
        rest = &tail[needed..];
    }
    match rest.len() {
        0 => Ok(None),
        left => Err(CodecError::new(Place::Field(48), Problem::Truncated { needed: 4, left })),
    }
}

/// Field 90: which message a reversal or an advice is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OriginalElements {
    /// The original's type.
    pub mti: Mti,
    /// The original's field 11.
    pub trace: [u8; 6],
    /// The original's field 7, MMDDhhmmss.
    pub transmitted: [u8; 10],
    /// The original's field 32, zeros before it.
    pub acquirer: [u8; 11],
    /// The original's field 33, zeros before it; all zeros if it had none.
    pub forwarder: [u8; 11],
}

impl OriginalElements {
    /// The 42 digits.
    #[must_use]
    pub fn to_field(&self) -> [u8; 42] {
        let mut field = [b'0'; 42];
        field[..4].copy_from_slice(self.mti.as_bytes());
        field[4..10].copy_from_slice(&self.trace);
        field[10..20].copy_from_slice(&self.transmitted);
        field[20..31].copy_from_slice(&self.acquirer);
        field[31..].copy_from_slice(&self.forwarder);
        field
    }

    /// Reads the 42 digits.
    ///
    /// # Errors
    /// Another length, or a byte that is not a digit.
    pub fn parse(field: &[u8]) -> Result<OriginalElements, CodecError> {
        let fail = |problem| CodecError::new(Place::Field(90), problem);
        let digits: &[u8; 42] =
            field.try_into().map_err(|_| fail(Problem::WrongLength { expected: 42, found: field.len() }))?;
        if let Some(at) = digits.iter().position(|byte| !byte.is_ascii_digit()) {
            return Err(fail(Problem::Alphabet { at }));
        }
        Ok(OriginalElements {
            mti: Mti::parse(&digits[..4])?,
            trace: part(digits, 4),
            transmitted: part(digits, 10),
            acquirer: part(digits, 20),
            forwarder: part(digits, 31),
        })
    }
}

fn part<const N: usize>(field: &[u8; 42], from: usize) -> [u8; N] {
    field[from..from + N].try_into().expect("the parts of field 90 add up to 42")
}

/// An institution's code as field 90 wants it: eleven digits, zeros before it.
///
/// # Errors
/// More than eleven bytes, or a byte that is not a digit.
pub fn zero_filled(code: &str) -> Result<[u8; 11], CodecError> {
    let fail = |problem| CodecError::new(Place::Field(90), problem);
    if code.len() > 11 {
        return Err(fail(Problem::TooLong { most: 11, found: code.len() }));
    }
    if let Some(at) = code.bytes().position(|byte| !byte.is_ascii_digit()) {
        return Err(fail(Problem::Alphabet { at }));
    }
    let mut filled = [b'0'; 11];
    filled[11 - code.len()..].copy_from_slice(code.as_bytes());
    Ok(filled)
}

/// Field 95 of a partial reversal: the amount that shall stand, in minor units of the transaction's currency, then a
/// settlement amount and two signed fees, all zero here.
#[must_use]
pub fn replacement_amounts(stands_minor: u64) -> [u8; 42] {
    let mut field = [b'0'; 42];
    let mut left = stands_minor;
    for digit in field[..12].iter_mut().rev() {
        *digit = b'0' + u8::try_from(left % 10).expect("a remainder of ten is a digit");
        left /= 10;
    }
    (field[24], field[33]) = (b'C', b'C');
    field
}

/// Field 43: name in 25, city in 13, country in 2, blanks between. What is not printable ASCII becomes a dot; what is too
/// long is cut.
#[must_use]
pub fn name_and_place(name: &str, city: &str, country: &str) -> [u8; 40] {
    let mut field = [b' '; 40];
    let mut put = |at: usize, width: usize, text: &str| {
        for (slot, letter) in field[at..at + width].iter_mut().zip(text.chars()) {
            let printable = u8::try_from(letter).ok().filter(|byte| (0x20..0x7f).contains(byte));
            *slot = printable.unwrap_or(b'.');
        }
    };
    put(0, 25, name);
    put(25, 13, city);
    put(38, 2, country);
    field
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_found_past_others_and_broken_ones_are_named() {
        let mut field = Vec::new();
        push_tag(&mut field, TAG_ECI, b"210").expect("short");
        push_tag(&mut field, TAG_CVC, b"123").expect("short");
        assert_eq!(field, b"42032109203123");
        assert_eq!(tag(&field, TAG_CVC), Ok(Some(&b"123"[..])));
        assert_eq!(tag(&field, TAG_CVC_RESULT), Ok(None));
        assert_eq!(tag(b"", TAG_CVC), Ok(None));
        for broken in [&b"92"[..], b"9203", b"920x123", b"42032109203"] {
            assert_eq!(tag(broken, TAG_CVC).expect_err("broken").place(), Place::Field(48));
        }
        assert!(push_tag(&mut field, TAG_CVC, &[b'1'; 100]).is_err());
    }

    #[test]
    fn field_90_is_composed_and_read_back() {
        let original = OriginalElements {
            mti: Mti::AUTHORIZATION,
            trace: *b"000123",
            transmitted: *b"1121093000",
            acquirer: zero_filled("123456").expect("digits"),
            forwarder: zero_filled("").expect("digits"),
        };
        let field = original.to_field();
        assert_eq!(&field, b"010000012311210930000000012345600000000000");
        assert_eq!(OriginalElements::parse(&field), Ok(original));
        assert!(OriginalElements::parse(&field[1..]).is_err());
        assert!(OriginalElements::parse(&[b'x'; 42]).is_err());
        assert!(zero_filled("123456789012").is_err() && zero_filled("12a").is_err());
    }

    #[test]
    fn names_and_amounts_fill_their_columns() {
        let field = name_and_place("Caf\u{e9} Z\u{fc}rich", "Z\u{fc}rich", "CH");
        assert_eq!(&field, b"Caf. Z.rich              Z.rich       CH");
        assert_eq!(&replacement_amounts(1_250), b"000000001250000000000000C00000000C00000000");
    }
}
