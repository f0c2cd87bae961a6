//! Bytes on disk, format version 1: segments of groups of commits of records. `gateway/docs/storage.md` draws them.

pub mod checkpoint;
pub mod group;
pub mod record;
pub mod segment;

use std::fmt;

/// The version that this code writes, and the newest that it reads.
pub const FORMAT_VERSION: u16 = 1;

/// Bytes that are not what the format says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Malformed {
    /// Fewer bytes than the structure needs.
    Short,
    /// It does not begin as such a structure does.
    Magic,
    /// A checksum does not match.
    Checksum,
    /// Written by a newer version of the software.
    Newer(u16),
    /// The checksums match, but the content can't be understood.
    Content(&'static str),
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Malformed::Short => f.write_str("it is cut short"),
            Malformed::Magic => f.write_str("it does not begin as it should"),
            Malformed::Checksum => f.write_str("its checksum does not match"),
            Malformed::Newer(version) => write!(
                f,
                "it has format version {version}, this software reads up to {FORMAT_VERSION}: start the newer software"
            ),
            Malformed::Content(what) => write!(f, "its content is not understood ({what})"),
        }
    }
}

/// Cuts fixed-width little-endian numbers off the front of a slice.
pub(crate) struct Cursor<'a>(pub &'a [u8]);

impl<'a> Cursor<'a> {
    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], Malformed> {
        let (head, rest) = self.0.split_at_checked(count).ok_or(Malformed::Short)?;
        self.0 = rest;
        Ok(head)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        Ok(self.take(N)?.try_into().expect("take gives exactly that many"))
    }

    pub(crate) fn u8(&mut self) -> Result<u8, Malformed> {
        Ok(self.array::<1>()?[0])
    }

    pub(crate) fn u16(&mut self) -> Result<u16, Malformed> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, Malformed> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, Malformed> {
        self.array().map(u64::from_le_bytes)
    }

    /// A number of 7 bits a byte, least significant first.
    pub(crate) fn varint(&mut self) -> Result<u64, Malformed> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.u8()?;
            let bits = u64::from(byte & 0x7F);
            if shift == 63 && bits > 1 {
                break;
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(Malformed::Content("a number that is too long"))
    }
}

/// Writes what [`Cursor::varint`] reads.
pub(crate) fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value as u8) | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn varints_come_back(value: u64) {
            let mut out = Vec::new();
            put_varint(&mut out, value);
            let mut cursor = Cursor(&out);
            prop_assert_eq!(cursor.varint(), Ok(value));
            prop_assert!(cursor.0.is_empty());
        }
    }

    #[test]
    fn numbers_that_are_too_long_are_refused() {
        assert!(Cursor(&[0xFF; 11]).varint().is_err());
        assert!(Cursor(&[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x02]).varint().is_err());
        assert_eq!(Cursor(&[0x80]).varint(), Err(Malformed::Short));
    }
}
