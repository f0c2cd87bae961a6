//! The head of a segment file, and its name.

use super::{Cursor, FORMAT_VERSION, Malformed};

const MAGIC: [u8; 8] = *b"TOLLGATE";
/// Bytes of the head, checksum included.
pub const HEAD_LEN: usize = 64;
/// All records are there, as they were written. Forms that drop aged replies will have numbers of their own.
const FORM_COMPLETE: u16 = 1;

/// What a segment says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentHead {
    /// From 1, without a gap.
    pub number: u64,
    /// Drawn when the store was made: files of another store are told apart.
    pub store: u64,
    /// Drawn for each segment and mixed into the checksums of its groups, so that no bytes from elsewhere pass for a group.
    pub salt: u64,
    /// The journal position of the file's first byte. Position less base is the offset in a complete segment.
    pub base: u64,
    /// Sequence number of its first group.
    pub first_sequence: u64,
}

impl SegmentHead {
    /// The head's bytes.
    pub fn encode(&self) -> [u8; HEAD_LEN] {
        let mut out = Vec::with_capacity(HEAD_LEN);
        out.extend_from_slice(&MAGIC);
        out.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
        out.extend_from_slice(&FORM_COMPLETE.to_le_bytes());
        for number in [self.number, self.store, self.salt, self.base, self.first_sequence] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.resize(HEAD_LEN - 4, 0);
        let checksum = crc32c::crc32c(&out);
        out.extend_from_slice(&checksum.to_le_bytes());
        out.try_into().expect("filled to exactly this length")
    }

    /// Reads a head from the first bytes of a file.
    ///
    /// # Errors
    /// The bytes are no head, or one of a newer format.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut cursor = Cursor(bytes);
        if cursor.array::<8>()? != MAGIC {
            return Err(Malformed::Magic);
        }
        let version = cursor.u16()?;
        let form = cursor.u16()?;
        let head = bytes.get(..HEAD_LEN).ok_or(Malformed::Short)?;
        let (covered, checksum) = head.split_at(HEAD_LEN - 4);
        if crc32c::crc32c(covered).to_le_bytes() != *checksum {
            return Err(Malformed::Checksum);
        }
        // Only now: a flipped bit must not pass for a newer version.
        if version > FORMAT_VERSION {
            return Err(Malformed::Newer(version));
        }
        if form != FORM_COMPLETE {
            return Err(Malformed::Content("a segment of a form that this version does not read"));
        }
        Ok(Self {
            number: cursor.u64()?,
            store: cursor.u64()?,
            salt: cursor.u64()?,
            base: cursor.u64()?,
            first_sequence: cursor.u64()?,
        })
    }
}

/// The file name of a segment.
pub fn file_name(number: u64) -> String {
    format!("{number:012}.segment")
}

/// The number in a segment's file name; `None` for other files.
pub fn number_of(name: &str) -> Option<u64> {
    let digits = name.strip_suffix(".segment")?;
    (digits.len() == 12 && digits.bytes().all(|b| b.is_ascii_digit())).then(|| digits.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: SegmentHead = SegmentHead { number: 3, store: 7, salt: 11, base: 4096, first_sequence: 99 };

    #[test]
    fn heads_come_back_and_damage_is_seen() {
        let bytes = HEAD.encode();
        assert_eq!(SegmentHead::decode(&bytes), Ok(HEAD));
        for at in 0..HEAD_LEN {
            let mut damaged = bytes;
            damaged[at] ^= 0x40;
            assert!(
                matches!(SegmentHead::decode(&damaged), Err(Malformed::Magic | Malformed::Checksum)),
                "{at}"
            );
            assert!(SegmentHead::decode(&bytes[..at]).is_err(), "{at}");
        }
    }

    #[test]
    fn a_newer_version_is_refused_by_name() {
        let mut bytes = HEAD.encode();
        bytes[8] = 9;
        let checksum = crc32c::crc32c(&bytes[..HEAD_LEN - 4]);
        bytes[HEAD_LEN - 4..].copy_from_slice(&checksum.to_le_bytes());
        let error = SegmentHead::decode(&bytes).unwrap_err();
        assert_eq!(error, Malformed::Newer(9));
        assert!(error.to_string().contains("format version 9"), "{error}");
    }

    #[test]
    fn names() {
        assert_eq!(file_name(12), "000000000012.segment");
        assert_eq!(number_of("000000000012.segment"), Some(12));
        for other in ["checkpoint", "12.segment", "00000000001x.segment", "000000000012.segment.tmp"] {
            assert_eq!(number_of(other), None, "{other}");
        }
    }
}
