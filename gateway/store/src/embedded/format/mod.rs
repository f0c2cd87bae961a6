//! Bytes on disk, format version 1: segments of groups of commits of records. `gateway/docs/storage.md` draws them.

pub mod checkpoint;
pub mod group;
pub mod record;
pub mod segment;
pub(super) mod writer;

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
#[inline]
pub(crate) fn put_varint(out: &mut Vec<u8>, value: u64) {
    match value {
        0..0x80 => out.push(value as u8),
        0x80..0x100_0000_0000_0000 => put_several(out, value),
        0x100_0000_0000_0000.. => put_long(out, value),
    }
}

/// Up to 56 bits: all their bytes at once.
#[inline]
fn put_several(out: &mut Vec<u8>, value: u64) {
    const MORE: u64 = 0x8080_8080_8080_8080;
    // Groups of 28 bits, then of 14, then of 7 are moved apart.
    let halves = (value & 0x0FFF_FFFF) | ((value & 0x00FF_FFFF_F000_0000) << 4);
    let quarters = (halves & 0x0000_3FFF_0000_3FFF) | ((halves & 0x0FFF_C000_0FFF_C000) << 2);
    let bytes = (quarters & 0x007F_007F_007F_007F) | ((quarters & 0x3F80_3F80_3F80_3F80) << 1);
    let last = (bytes | 1).ilog2() / 8;
    let followed = MORE & ((1u64 << (8 * last)) - 1);
    let end = out.len() + 1 + last as usize;
    out.extend_from_slice(&(bytes | followed).to_le_bytes());
    out.truncate(end);
}

fn put_long(out: &mut Vec<u8>, mut value: u64) {
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
            // Of every length, not of the longest nearly always.
            for value in (0..64).map(|bits| value >> bits) {
                let (mut out, mut byte_by_byte) = (vec![7], vec![7]);
                put_varint(&mut out, value);
                put_long(&mut byte_by_byte, value);
                prop_assert_eq!(&out, &byte_by_byte);
                let mut cursor = Cursor(&out[1..]);
                prop_assert_eq!(cursor.varint(), Ok(value));
                prop_assert!(cursor.0.is_empty());
            }
        }
    }

    #[test]
    fn numbers_that_are_too_long_are_refused() {
        assert!(Cursor(&[0xFF; 11]).varint().is_err());
        assert!(Cursor(&[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x02]).varint().is_err());
        assert_eq!(Cursor(&[0x80]).varint(), Err(Malformed::Short));
    }
}
