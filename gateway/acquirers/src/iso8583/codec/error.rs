//! What is wrong with a message, and where. An error names fields, positions and lengths, never a value: a value may be
//! a card number.

use std::fmt;

/// Where in a message the trouble is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// The length header before the message.
    Header,
    /// The message type indicator.
    Mti,
    /// The primary (1) or secondary (2) bitmap.
    Bitmap(u8),
    /// A field, by number.
    Field(u8),
    /// After the last field that the bitmap announces.
    End,
}

/// What is wrong there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The message ends before the field does; byte counts.
    Truncated {
        /// Bytes that the field needs.
        needed: usize,
        /// Bytes that are left.
        left: usize,
    },
    /// The length prefix of a variable field is not a number.
    LengthNotDigits,
    /// A value longer than its field allows, or than a frame can carry; byte counts.
    TooLong {
        /// The most that fits.
        most: usize,
        /// What there was.
        found: usize,
    },
    /// A value of another length than its fixed field has; byte counts.
    WrongLength {
        /// The length of the field.
        expected: usize,
        /// What there was.
        found: usize,
    },
    /// A byte outside the alphabet of its field, by its position in the value.
    Alphabet {
        /// Position in the value, from 0.
        at: usize,
    },
    /// The bitmap announces, or the caller sets, a field that the profile does not define.
    NotInProfile,
    /// The profile has no message of this type.
    UnknownMessage,
    /// The message lacks this field, which its type requires.
    Missing,
    /// Bytes are left over after the last field.
    LeftOver {
        /// How many.
        bytes: usize,
    },
}

/// One thing wrong with one message.
#[derive(Clone, PartialEq, Eq)]
pub struct CodecError {
    place: Place,
    problem: Problem,
}

impl CodecError {
    /// Joins a place and a problem.
    #[must_use]
    pub fn new(place: Place, problem: Problem) -> CodecError {
        CodecError { place, problem }
    }

    /// Where.
    #[must_use]
    pub fn place(&self) -> Place {
        self.place
    }

    /// What.
    #[must_use]
    pub fn problem(&self) -> &Problem {
        &self.problem
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Header => f.write_str("length header"),
            Place::Mti => f.write_str("message type"),
            Place::Bitmap(1) => f.write_str("primary bitmap"),
            Place::Bitmap(_) => f.write_str("secondary bitmap"),
            Place::Field(number) => write!(f, "field {number}"),
            Place::End => f.write_str("end of the message"),
        }
    }
}

impl fmt::Display for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.place)?;
        match &self.problem {
            Problem::Truncated { needed, left } => write!(f, "expected {needed} bytes, {left} are left"),
            Problem::LengthNotDigits => f.write_str("expected a length prefix of digits"),
            Problem::TooLong { most, found } => write!(f, "expected at most {most} bytes, found {found}"),
            Problem::WrongLength { expected, found } => write!(f, "expected {expected} bytes, found {found}"),
            Problem::Alphabet { at } => {
                write!(f, "the byte at position {at} is outside the field's alphabet")
            }
            Problem::NotInProfile => f.write_str("the profile does not define it"),
            Problem::UnknownMessage => f.write_str("the profile has no message of this type"),
            Problem::Missing => f.write_str("required in a message of this type, and absent"),
            Problem::LeftOver { bytes } => write!(f, "{bytes} bytes are left over after the last field"),
        }
    }
}

impl fmt::Debug for CodecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CodecError({self})")
    }
}

impl std::error::Error for CodecError {}
