//! The checkpoint file: up to which position the index is whole, and what else a start then need not read the journal for.

use super::{Cursor, FORMAT_VERSION, Malformed};
use serde::{Deserialize, Serialize};

const MAGIC: [u8; 8] = *b"TGCHECKP";
/// The file's name.
pub const FILE: &str = "checkpoint";
/// The name under which the next one is written before it replaces the last.
pub const FILE_NEXT: &str = "checkpoint.next";
const HEAD_LEN: usize = 8 + 2 + 4;
/// What all but the observer's state takes, at most.
const NUMBERS_LEN: usize = 6 * 10 + ID_KINDS * 19 + 1;

/// Row kinds whose largest id is kept.
pub const ID_KINDS: usize = 8;

/// A checkpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The store that it belongs to.
    pub store: u64,
    /// The index holds everything before this position.
    pub position: u64,
    /// The segment in which the position lies.
    pub segment: u64,
    /// Sequence of the first group at or after the position.
    pub sequence: u64,
    /// What the index was sealed with when it was synced: the position. (Once it was a
    /// count of checkpoints, here and in the index alike.)
    pub seal: u64,
    /// The largest id ever written, by kind of row.
    pub largest: [u128; ID_KINDS],
    /// The observer's state at the position, if there was an observer.
    #[serde(with = "serde_bytes")]
    pub observer: Option<Vec<u8>>,
}

impl Checkpoint {
    /// The file's bytes.
    pub fn encode(&self) -> Vec<u8> {
        // The observer's state can be a hundred megabytes: it is copied once, into room of the right size.
        let mut out = Vec::with_capacity(self.room());
        out.extend_from_slice(&[0; HEAD_LEN]);
        let mut out = postcard::to_extend(self, out).expect("numbers and bytes can be written");
        let checksum = crc32c::crc32c(&out[HEAD_LEN..]);
        let head = [&MAGIC[..], &FORMAT_VERSION.to_le_bytes(), &checksum.to_le_bytes()].concat();
        out[..HEAD_LEN].copy_from_slice(&head);
        out
    }

    /// Bytes that it takes, at most.
    fn room(&self) -> usize {
        HEAD_LEN + NUMBERS_LEN + self.observer.as_ref().map_or(0, Vec::len)
    }

    /// Reads the file's bytes.
    ///
    /// # Errors
    /// The bytes are no checkpoint, a damaged one, or one of a newer format.
    pub fn decode(bytes: &[u8]) -> Result<Self, Malformed> {
        let mut cursor = Cursor(bytes);
        if cursor.array::<8>()? != MAGIC {
            return Err(Malformed::Magic);
        }
        let version = cursor.u16()?;
        let checksum = cursor.u32()?;
        if crc32c::crc32c(cursor.0) != checksum {
            return Err(Malformed::Checksum);
        }
        if version > FORMAT_VERSION {
            return Err(Malformed::Newer(version));
        }
        postcard::from_bytes(cursor.0).map_err(|_| Malformed::Content("a checkpoint of an unknown shape"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checkpoints_come_back_and_damage_is_seen() {
        let checkpoint = Checkpoint {
            store: 1,
            position: 2,
            segment: 3,
            sequence: 4,
            seal: 5,
            largest: [6; ID_KINDS],
            observer: Some(vec![7; 40]),
        };
        let bytes = checkpoint.encode();
        assert_eq!(Checkpoint::decode(&bytes), Ok(checkpoint));
        for len in 0..bytes.len() {
            assert!(Checkpoint::decode(&bytes[..len]).is_err(), "{len}");
        }
        let most = Checkpoint {
            store: u64::MAX,
            position: u64::MAX,
            segment: u64::MAX,
            sequence: u64::MAX,
            seal: u64::MAX,
            largest: [u128::MAX; ID_KINDS],
            observer: Some(vec![7; 100_000]),
        };
        assert_eq!(most.encode().capacity(), most.room(), "it never grew");
        let mut newer = bytes;
        newer[8] = 2;
        assert_eq!(Checkpoint::decode(&newer), Err(Malformed::Newer(2)));
    }
}
