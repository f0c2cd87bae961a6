//! Reading: a message is a table of offsets into the bytes that came, checked wholly before anything is believed.

use super::error::{CodecError, Place, Problem};
use super::field::{Alphabet, Format, Length};
use super::mti::Mti;
use super::profile::{Bitmap, FieldSet, Profile};
use std::fmt;

/// Where one value lies in the buffer.
#[derive(Clone, Copy, Default)]
pub(super) struct Span {
    pub start: u16,
    pub end: u16,
}

/// A message that was read and found whole: its type is known, each field is of its alphabet and length, and what its
/// type requires is there.
#[derive(Clone)]
pub struct Message<'a> {
    mti: Mti,
    fields: FieldSet,
    spans: [Span; 129],
    bytes: &'a [u8],
}

/// Takes values off the front of a message.
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn take(&mut self, place: Place, needed: usize) -> Result<&'a [u8], CodecError> {
        let left = self.bytes.len() - self.at;
        let Some(value) = self.bytes.get(self.at..self.at + needed) else {
            return Err(CodecError::new(place, Problem::Truncated { needed, left }));
        };
        self.at += needed;
        Ok(value)
    }

    fn length(&mut self, field: u8, digits: usize, most: u16) -> Result<usize, CodecError> {
        let place = Place::Field(field);
        let mut length = 0usize;
        for digit in self.take(place, digits)? {
            if !digit.is_ascii_digit() {
                return Err(CodecError::new(place, Problem::LengthNotDigits));
            }
            length = length * 10 + usize::from(digit - b'0');
        }
        if length > usize::from(most) {
            return Err(CodecError::new(place, Problem::TooLong { most: usize::from(most), found: length }));
        }
        Ok(length)
    }

    fn field(&mut self, field: u8, format: Format) -> Result<Span, CodecError> {
        let length = match format.length {
            Length::Fixed(bytes) => usize::from(bytes),
            Length::Ll(most) => self.length(field, 2, most)?,
            Length::Lll(most) => self.length(field, 3, most)?,
        };
        let start = self.at;
        let value = self.take(Place::Field(field), length)?;
        if let Some(at) = format.alphabet.misfit(value) {
            return Err(CodecError::new(Place::Field(field), Problem::Alphabet { at }));
        }
        let edge = |at: usize| u16::try_from(at).expect("parse refuses more than 65,535 bytes");
        Ok(Span { start: edge(start), end: edge(self.at) })
    }

    fn bitmap(&mut self, which: u8, form: Bitmap) -> Result<u64, CodecError> {
        let place = Place::Bitmap(which);
        match form {
            Bitmap::Binary => {
                let eight = self.take(place, 8)?.first_chunk::<8>().expect("eight bytes were taken");
                Ok(u64::from_be_bytes(*eight))
            }
            Bitmap::Hex => {
                self.take(place, 16)?.iter().enumerate().try_fold(0u64, |bits, (at, digit)| match char::from(
                    *digit,
                )
                .to_digit(16)
                {
                    Some(four) => Ok((bits << 4) | u64::from(four)),
                    None => Err(CodecError::new(place, Problem::Alphabet { at })),
                })
            }
        }
    }

    fn bitmaps(&mut self, form: Bitmap) -> Result<FieldSet, CodecError> {
        let primary = u128::from(self.bitmap(1, form)?) << 64;
        if primary & FieldSet::bit(1) == 0 {
            return Ok(FieldSet(primary));
        }
        let both = primary | u128::from(self.bitmap(2, form)?);
        Ok(FieldSet(both & !FieldSet::bit(1)))
    }
}

impl<'a> Message<'a> {
    /// Reads one message without its length header. Does not allocate.
    ///
    /// # Errors
    /// The first thing that is wrong, with its field: an unknown type, a field that is not in the profile, a value of the
    /// wrong length or alphabet, a required field that is absent, bytes left over.
    pub fn parse(profile: &Profile, bytes: &'a [u8]) -> Result<Message<'a>, CodecError> {
        let most = usize::from(u16::MAX);
        if bytes.len() > most {
            return Err(CodecError::new(Place::Header, Problem::TooLong { most, found: bytes.len() }));
        }
        let mti = Mti::parse(bytes)?;
        let required = profile.required(mti)?;
        let mut cursor = Cursor { bytes, at: 4 };
        let fields = cursor.bitmaps(profile.bitmap())?;
        let mut spans = [Span::default(); 129];
        for field in fields.iter() {
            let Some(format) = profile.format(field) else {
                return Err(CodecError::new(Place::Field(field), Problem::NotInProfile));
            };
            spans[usize::from(field)] = cursor.field(field, format)?;
        }
        if cursor.at < bytes.len() {
            return Err(CodecError::new(Place::End, Problem::LeftOver { bytes: bytes.len() - cursor.at }));
        }
        match FieldSet(required.0 & !fields.0).iter().next() {
            Some(absent) => Err(CodecError::new(Place::Field(absent), Problem::Missing)),
            None => Ok(Message { mti, fields, spans, bytes }),
        }
    }

    /// The message's type.
    #[must_use]
    pub fn mti(&self) -> Mti {
        self.mti
    }

    /// Which fields there are.
    #[must_use]
    pub fn fields(&self) -> FieldSet {
        self.fields
    }

    /// The bytes of a field, if it is there.
    #[must_use]
    pub fn field(&self, field: u8) -> Option<&'a [u8]> {
        let span = self.fields.has(field).then(|| self.spans[usize::from(field)])?;
        self.bytes.get(usize::from(span.start)..usize::from(span.end))
    }

    /// A field as text without the blanks that fill it at its end; nothing for bytes outside ASCII.
    #[must_use]
    pub fn text(&self, field: u8) -> Option<&'a str> {
        let text = std::str::from_utf8(self.field(field)?).ok()?;
        text.is_ascii().then(|| text.trim_end_matches(' '))
    }

    /// A field of digits as a number; nothing if it is absent, not digits, or larger than 64 bits.
    #[must_use]
    pub fn number(&self, field: u8) -> Option<u64> {
        let digits = self.field(field)?;
        if digits.is_empty() || Alphabet::N.misfit(digits).is_some() {
            return None;
        }
        digits.iter().try_fold(0u64, |sum, digit| sum.checked_mul(10)?.checked_add(u64::from(digit - b'0')))
    }
}

/// Fields that hold nothing of the card or of its owner, and may be shown.
const SHOWN: [u8; 25] =
    [3, 4, 7, 11, 12, 13, 15, 18, 19, 22, 24, 25, 32, 33, 37, 38, 39, 41, 42, 43, 49, 66, 70, 90, 95];

/// Writes a message's type and fields; a field that is not known to be harmless shows its length alone.
pub(super) fn write_masked<'v>(
    f: &mut fmt::Formatter<'_>,
    mti: Mti,
    fields: impl Iterator<Item = (u8, &'v [u8])>,
) -> fmt::Result {
    write!(f, "{mti}")?;
    for (field, value) in fields {
        match std::str::from_utf8(value) {
            Ok(text) if SHOWN.contains(&field) => write!(f, " {field}={:?}", text)?,
            _ => write!(f, " {field}=<{} bytes>", value.len())?,
        }
    }
    Ok(())
}

impl fmt::Debug for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields = self.fields.iter().filter_map(|field| Some((field, self.field(field)?)));
        write_masked(f, self.mti, fields)
    }
}
