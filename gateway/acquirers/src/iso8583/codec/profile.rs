//! One host's dialect, as data: which fields exist in which shape, which messages exist and what they must carry, and
//! how a message is framed. The built-in `tollgate-1987` is read from the same kind of file as anyone else's.

use super::error::{CodecError, Place, Problem};
use super::field::Format;
use super::mti::Mti;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

/// A set of field numbers, 1 to 128, laid out as the bitmaps are: field 1 is the highest bit.
#[derive(Clone, Copy, PartialEq, Eq, Default)]
pub struct FieldSet(pub(super) u128);

impl FieldSet {
    /// The set with this field in it; a number outside 1 to 128 changes nothing.
    #[must_use]
    pub fn with(self, field: u8) -> FieldSet {
        FieldSet(self.0 | FieldSet::bit(field))
    }

    /// Whether the field is in the set.
    #[must_use]
    pub fn has(self, field: u8) -> bool {
        self.0 & FieldSet::bit(field) != 0
    }

    /// The members in ascending order.
    pub fn iter(self) -> impl Iterator<Item = u8> {
        let mut left = self.0;
        std::iter::from_fn(move || {
            let field = u8::try_from(left.leading_zeros()).ok().filter(|zeros| *zeros < 128)? + 1;
            left &= !FieldSet::bit(field);
            Some(field)
        })
    }

    pub(super) fn bit(field: u8) -> u128 {
        if (1..=128).contains(&field) { 1u128 << (128 - u32::from(field)) } else { 0 }
    }
}

impl fmt::Debug for FieldSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// How the length before a message is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Header {
    /// Two bytes, big-endian.
    #[serde(rename = "binary-2")]
    Binary2,
    /// Four ASCII digits.
    #[serde(rename = "ascii-4")]
    Ascii4,
}

/// How a bitmap is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum Bitmap {
    /// Eight bytes.
    #[serde(rename = "binary")]
    Binary,
    /// Sixteen hexadecimal digits, upper case.
    #[serde(rename = "hex")]
    Hex,
}

/// A dialect, checked once when it is loaded.
pub struct Profile {
    name: Box<str>,
    header: Header,
    bitmap: Bitmap,
    formats: Box<[Option<Format>; 129]>,
    names: BTreeMap<u8, Box<str>>,
    messages: Vec<(Mti, FieldSet)>,
}

/// Why a profile was refused; it says which line of the file is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileError(String);

impl fmt::Display for ProfileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ISO 8583 profile: {}", self.0)
    }
}

impl std::error::Error for ProfileError {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: Box<str>,
    header: Header,
    bitmap: Bitmap,
    messages: BTreeMap<String, Vec<u8>>,
    fields: BTreeMap<String, Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    format: String,
    name: Box<str>,
}

static TOLLGATE_1987: LazyLock<Profile> = LazyLock::new(|| {
    Profile::from_toml(include_str!("../../../profiles/tollgate-1987.toml"))
        .expect("a test loads the built-in profile")
});

impl Profile {
    /// The file of the built-in profile, to start another one from.
    pub const TOLLGATE_1987_FILE: &str = include_str!("../../../profiles/tollgate-1987.toml");

    /// The profile that is built in: ISO 8583:1987, ASCII fields, binary bitmaps, two-byte header.
    #[must_use]
    pub fn tollgate_1987() -> &'static Profile {
        &TOLLGATE_1987
    }

    /// Reads a profile in the form of the built-in one's file, `profiles/tollgate-1987.toml`.
    ///
    /// # Errors
    /// Not TOML, an unknown key, a field number outside 2 to 128, a format that is none, a message type that is none, or
    /// a message that requires a field which is not defined.
    pub fn from_toml(text: &str) -> Result<Profile, ProfileError> {
        let file: File = toml::from_str(text).map_err(|error| ProfileError(error.to_string()))?;
        let mut profile = Profile {
            name: file.name,
            header: file.header,
            bitmap: file.bitmap,
            formats: Box::new([None; 129]),
            names: BTreeMap::new(),
            messages: Vec::with_capacity(file.messages.len()),
        };
        for (number, row) in file.fields {
            profile.define(&number, row)?;
        }
        for (mti, required) in file.messages {
            profile.require(&mti, &required)?;
        }
        Ok(profile)
    }

    fn define(&mut self, number: &str, row: Row) -> Result<(), ProfileError> {
        let field = number.parse::<u8>().ok().filter(|field| (2..=128).contains(field) && *field != 65);
        let field = field
            .ok_or_else(|| ProfileError(format!("field {number:?}: use a number from 2 to 128, not 65")))?;
        let format = Format::parse(&row.format).ok_or_else(|| {
            let example = "\"n 6\", \"ans..25\", \"an...999\", \"b 64\" or \"x+n 8\"";
            ProfileError(format!("field {field}: {:?} is no format; write it as {example}", row.format))
        })?;
        self.formats[usize::from(field)] = Some(format);
        self.names.insert(field, row.name);
        Ok(())
    }

    fn require(&mut self, mti: &str, required: &[u8]) -> Result<(), ProfileError> {
        let parsed = Mti::parse(mti.as_bytes()).ok().filter(|_| mti.len() == 4);
        let parsed =
            parsed.ok_or_else(|| ProfileError(format!("message {mti:?}: use four digits, like \"0100\"")))?;
        let mut set = FieldSet::default();
        for field in required {
            if self.format(*field).is_none() {
                return Err(ProfileError(format!(
                    "message {mti}: field {field} is required but not defined in [fields]"
                )));
            }
            set = set.with(*field);
        }
        self.messages.push((parsed, set));
        Ok(())
    }

    /// The name that configuration and logs use.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How lengths are written.
    #[must_use]
    pub fn header(&self) -> Header {
        self.header
    }

    /// How bitmaps are written.
    #[must_use]
    pub fn bitmap(&self) -> Bitmap {
        self.bitmap
    }

    /// The shape of a field, if the profile defines it.
    #[must_use]
    pub fn format(&self, field: u8) -> Option<Format> {
        self.formats.get(usize::from(field)).copied().flatten()
    }

    /// The field's name, for people.
    #[must_use]
    pub fn field_name(&self, field: u8) -> Option<&str> {
        self.names.get(&field).map(|name| &**name)
    }

    /// What a message of this type must carry.
    ///
    /// # Errors
    /// The profile has no such message.
    pub fn required(&self, mti: Mti) -> Result<FieldSet, CodecError> {
        let found = self.messages.iter().find(|(known, _)| *known == mti);
        found.map(|(_, set)| *set).ok_or_else(|| CodecError::new(Place::Mti, Problem::UnknownMessage))
    }
}

impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Profile({}, {} fields, {} messages)", self.name, self.names.len(), self.messages.len())
    }
}
