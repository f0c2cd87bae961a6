//! A group: the commits that share one sync. It is the unit that a crash takes or leaves whole.

use super::{Cursor, FORMAT_VERSION, Malformed};

const MAGIC: [u8; 4] = *b"TGgr";
/// Bytes of a group's head.
pub const HEAD_LEN: usize = 32;
/// The largest payload of a group, in bytes: a damaged length is not believed.
pub const MAX_PAYLOAD: usize = 256 << 20;

/// What stands before a group's payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupHead {
    /// Number of the segment that the group was written to.
    pub segment: u32,
    /// 1, 2, 3, … over all segments.
    pub sequence: u64,
    /// Bytes of payload.
    pub len: u32,
    /// Checksum of the payload.
    pub checksum: u32,
}

/// The payload's checksum.
pub fn checksum(salt: u64, payload: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&salt.to_le_bytes()), payload)
}

impl GroupHead {
    /// The head's bytes, for a segment of this salt.
    pub fn encode(&self, salt: u64) -> [u8; HEAD_LEN] {
        let mut out = [0; HEAD_LEN];
        out[..4].copy_from_slice(&MAGIC);
        out[4..6].copy_from_slice(&FORMAT_VERSION.to_le_bytes());
        out[8..12].copy_from_slice(&self.segment.to_le_bytes());
        out[12..16].copy_from_slice(&self.len.to_le_bytes());
        out[16..24].copy_from_slice(&self.sequence.to_le_bytes());
        out[24..28].copy_from_slice(&self.checksum.to_le_bytes());
        let own = checksum(salt, &out[..28]);
        out[28..].copy_from_slice(&own.to_le_bytes());
        out
    }

    /// Reads the head of a group in a segment of this salt.
    ///
    /// # Errors
    /// The bytes are no such head.
    pub fn decode(bytes: &[u8], salt: u64) -> Result<Self, Malformed> {
        let head = bytes.get(..HEAD_LEN).ok_or(Malformed::Short)?;
        let mut cursor = Cursor(head);
        if cursor.array::<4>()? != MAGIC {
            return Err(Malformed::Magic);
        }
        if checksum(salt, &head[..28]).to_le_bytes() != head[28..] {
            return Err(Malformed::Checksum);
        }
        let version = cursor.u16()?;
        if version > FORMAT_VERSION {
            return Err(Malformed::Newer(version));
        }
        let _reserved = cursor.u16()?;
        let (segment, len) = (cursor.u32()?, cursor.u32()?);
        let (sequence, checksum) = (cursor.u64()?, cursor.u32()?);
        if len as usize > MAX_PAYLOAD {
            return Err(Malformed::Content("a group longer than any that is written"));
        }
        Ok(Self { segment, sequence, len, checksum })
    }
}

/// Whether a group's head with a sequence of at least `sequence` stands anywhere in `bytes`. A group is written only after the one before it
/// was synced: such a head proves that what is bad before it was good once.
pub fn follows(bytes: &[u8], salt: u64, sequence: u64) -> bool {
    let starts = bytes.windows(MAGIC.len()).enumerate().filter(|(_, window)| *window == MAGIC);
    starts
        .filter_map(|(at, _)| GroupHead::decode(&bytes[at..], salt).ok())
        .any(|head| head.sequence >= sequence)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HEAD: GroupHead = GroupHead { segment: 2, sequence: 9, len: 100, checksum: 0xDEAD_BEEF };

    #[test]
    fn heads_come_back_only_under_their_salt() {
        let bytes = HEAD.encode(5);
        assert_eq!(GroupHead::decode(&bytes, 5), Ok(HEAD));
        assert_eq!(GroupHead::decode(&bytes, 6), Err(Malformed::Checksum));
        for at in 0..HEAD_LEN {
            let mut damaged = bytes;
            damaged[at] ^= 1;
            assert!(GroupHead::decode(&damaged, 5).is_err(), "{at}");
        }
    }

    #[test]
    fn a_later_head_is_found_wherever_it_stands() {
        let mut bytes = vec![b'T'; 301];
        bytes.extend_from_slice(&HEAD.encode(5));
        assert!(follows(&bytes, 5, 9));
        assert!(!follows(&bytes, 5, 10), "an older group proves nothing");
        assert!(!follows(&bytes, 4, 9), "another segment's group proves nothing");
        assert!(!follows(&bytes[..bytes.len() - 1], 5, 9));
    }

    proptest! {
        #[test]
        fn nonsense_is_refused(bytes in proptest::collection::vec(any::<u8>(), 0..80), salt: u64) {
            prop_assert!(GroupHead::decode(&bytes, salt).is_err());
        }
    }
}
