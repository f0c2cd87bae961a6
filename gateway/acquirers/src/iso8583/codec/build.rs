//! Writing: fields are set in any order, checked as they are set, and laid out in theirs when the message is encoded.

use super::error::{CodecError, Place, Problem};
use super::field::{Alphabet, Length};
use super::message::{Span, write_masked};
use super::mti::Mti;
use super::profile::{Bitmap, FieldSet, Header, Profile};
use std::fmt;
use zeroize::Zeroize;

/// A message under construction. Its bytes are wiped when it is dropped: they may hold a card number and a CVC.
pub struct Builder<'p> {
    profile: &'p Profile,
    mti: Mti,
    fields: FieldSet,
    spans: [Span; 129],
    values: Vec<u8>,
}

impl<'p> Builder<'p> {
    /// An empty message of this type.
    #[must_use]
    pub fn new(profile: &'p Profile, mti: Mti) -> Builder<'p> {
        let values = Vec::with_capacity(512);
        Builder { profile, mti, fields: FieldSet::default(), spans: [Span::default(); 129], values }
    }

    /// Sets a field to exactly these bytes. Setting it again replaces it.
    ///
    /// # Errors
    /// A field that the profile does not define, a value too long for it or not exactly of its fixed length, or a byte
    /// outside its alphabet.
    pub fn set(&mut self, field: u8, value: &[u8]) -> Result<&mut Self, CodecError> {
        let fail = |problem| Err(CodecError::new(Place::Field(field), problem));
        let Some(format) = self.profile.format(field) else { return fail(Problem::NotInProfile) };
        let most = format.most();
        match format.length {
            Length::Fixed(_) if value.len() != most => {
                return fail(Problem::WrongLength { expected: most, found: value.len() });
            }
            Length::Fixed(_) => {}
            Length::Ll(_) | Length::Lll(_) if value.len() > most => {
                return fail(Problem::TooLong { most, found: value.len() });
            }
            Length::Ll(_) | Length::Lll(_) => {}
        }
        if let Some(at) = format.alphabet.misfit(value) {
            return fail(Problem::Alphabet { at });
        }
        let end = self.values.len() + value.len();
        let (Ok(start), Ok(end)) = (u16::try_from(self.values.len()), u16::try_from(end)) else {
            return fail(Problem::TooLong { most: usize::from(u16::MAX), found: end });
        };
        self.values.extend_from_slice(value);
        self.spans[usize::from(field)] = Span { start, end };
        self.fields = self.fields.with(field);
        Ok(self)
    }

    /// Sets a fixed field of digits to a number, zeros before it; a variable one to the number's own digits.
    ///
    /// # Errors
    /// As for `set`; a number with more digits than the field.
    pub fn number(&mut self, field: u8, value: u64) -> Result<&mut Self, CodecError> {
        let width = match self.profile.format(field).map(|format| format.length) {
            Some(Length::Fixed(width)) => usize::from(width),
            Some(Length::Ll(_) | Length::Lll(_)) | None => 1,
        };
        let mut digits = [b'0'; 32];
        let (mut at, mut left) = (digits.len(), value);
        while left > 0 {
            at -= 1;
            digits[at] = b'0' + u8::try_from(left % 10).expect("a remainder of ten is a digit");
            left /= 10;
        }
        let at = at.min(digits.len().saturating_sub(width));
        self.set(field, &digits[at..])
    }

    /// Sets a field to a text, filled with blanks at its end if the field is fixed and not of digits alone.
    ///
    /// # Errors
    /// As for `set`.
    pub fn text(&mut self, field: u8, value: &str) -> Result<&mut Self, CodecError> {
        let Some(format) = self.profile.format(field) else { return self.set(field, value.as_bytes()) };
        let blanks = matches!(format.alphabet, Alphabet::A | Alphabet::An | Alphabet::Ans);
        match format.length {
            Length::Fixed(width) if blanks && value.len() < usize::from(width) => {
                let mut filled = [b' '; 64];
                let Some(room) = filled.get_mut(..usize::from(width)) else {
                    return self.set(field, value.as_bytes());
                };
                room[..value.len()].copy_from_slice(value.as_bytes());
                self.set(field, room)
            }
            Length::Fixed(_) | Length::Ll(_) | Length::Lll(_) => self.set(field, value.as_bytes()),
        }
    }

    /// The bytes of a field that was set.
    #[must_use]
    pub fn field(&self, field: u8) -> Option<&[u8]> {
        let span = self.fields.has(field).then(|| self.spans[usize::from(field)])?;
        self.values.get(usize::from(span.start)..usize::from(span.end))
    }

    /// Appends the message, behind its length header, to `out`.
    ///
    /// # Errors
    /// A type that the profile does not have, a required field that was not set, or a message that its header can't
    /// count; `out` is then as it was.
    pub fn encode(&self, out: &mut Vec<u8>) -> Result<(), CodecError> {
        let required = self.profile.required(self.mti)?;
        if let Some(absent) = FieldSet(required.0 & !self.fields.0).iter().next() {
            return Err(CodecError::new(Place::Field(absent), Problem::Missing));
        }
        let start = out.len();
        let (header, most) = match self.profile.header() {
            Header::Binary2 => (2, usize::from(u16::MAX)),
            Header::Ascii4 => (4, 9_999),
        };
        out.extend_from_slice(&[0; 4][..header]);
        self.write_body(out);
        let length = out.len() - start - header;
        if length > most {
            out.truncate(start);
            return Err(CodecError::new(Place::Header, Problem::TooLong { most, found: length }));
        }
        match self.profile.header() {
            Header::Binary2 => {
                let length = u16::try_from(length).expect("longer messages are refused above");
                out[start..start + 2].copy_from_slice(&length.to_be_bytes());
            }
            Header::Ascii4 => out[start..start + 4].copy_from_slice(&decimal::<4>(length)),
        }
        Ok(())
    }

    fn write_body(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.mti.as_bytes());
        let second = self.fields.0 & u128::from(u64::MAX) != 0;
        let bits = if second { self.fields.with(1).0 } else { self.fields.0 }.to_be_bytes();
        let bits = if second { &bits[..] } else { &bits[..8] };
        match self.profile.bitmap() {
            Bitmap::Binary => out.extend_from_slice(bits),
            Bitmap::Hex => out.extend(bits.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(hex_digit)),
        }
        for field in self.fields.iter() {
            let value = self.field(field).expect("the set holds only fields that were set");
            match self.profile.format(field).map(|format| format.length) {
                Some(Length::Ll(_)) => out.extend_from_slice(&decimal::<2>(value.len())),
                Some(Length::Lll(_)) => out.extend_from_slice(&decimal::<3>(value.len())),
                Some(Length::Fixed(_)) | None => {}
            }
            out.extend_from_slice(value);
        }
    }
}

fn hex_digit(four: u8) -> u8 {
    b"0123456789ABCDEF"[usize::from(four & 15)]
}

/// A number in exactly N digits; the callers have checked that it fits.
fn decimal<const N: usize>(mut value: usize) -> [u8; N] {
    let mut digits = [b'0'; N];
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + u8::try_from(value % 10).expect("a remainder of ten is a digit");
        value /= 10;
    }
    digits
}

impl Drop for Builder<'_> {
    fn drop(&mut self) {
        // Of the slice, not of the vector: that would also walk the capacity that was never written.
        self.values.as_mut_slice().zeroize();
    }
}

impl fmt::Debug for Builder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields = self.fields.iter().filter_map(|field| Some((field, self.field(field)?)));
        write_masked(f, self.mti, fields)
    }
}
