//! What the store reads from its disk. Checksums are mended first, or nothing would get past them: what is behind them must
//! then be understood whole or refused, and be the same when it is written again.

use gateway_core::journal::Version;
use gateway_store::embedded::format::checkpoint::Checkpoint;
use gateway_store::embedded::format::group::{self, GroupHead};
use gateway_store::embedded::format::record::{
    COMMIT_HEAD_LEN, Commit, EncodedRows, RECORD_HEAD_LEN, Record, put_commit, put_record, take_commit,
    take_record,
};
use gateway_store::embedded::format::segment::{self, SegmentHead};

/// The salt of the group heads that are tried.
const SALT: u64 = 11;

/// The first byte says what the others are: a record, a commit, the head of a segment, the head of a group, a checkpoint.
pub fn record(data: &[u8]) -> bool {
    let Some((what, bytes)) = data.split_first() else { return false };
    match what % 5 {
        0 => one_record(bytes),
        1 => one_commit(bytes),
        2 => segment_head(bytes),
        3 => group_head(bytes),
        _checkpoint => one_checkpoint(bytes),
    }
}

fn one_record(bytes: &[u8]) -> bool {
    // As they came, the checksum refuses what it was not made for.
    let unmended = take_record(bytes).is_ok();
    let mut mended = bytes.to_vec();
    mend_record(&mut mended);
    match take_record(&mended) {
        Ok((record, len)) => {
            assert_eq!(len, mended.len());
            comes_back(&record);
            true
        }
        Err(_refused) => unmended,
    }
}

fn comes_back(record: &Record) {
    let mut again = Vec::new();
    let mut rows = EncodedRows::default();
    let row = rows.push(&record.row);
    put_record(&mut again, (&rows, &row), record.version, record.back);
    let (read, len) = take_record(&again).expect("what was just written can be read");
    assert_eq!((&read, len), (record, again.len()));
    assert_eq!(read.row.key(), record.row.key());
}

fn one_commit(bytes: &[u8]) -> bool {
    let mut mended = bytes.to_vec();
    mend_commit(&mut mended);
    let Ok(commit) = take_commit(&mended) else { return false };
    assert!(commit.len <= mended.len());
    assert_eq!(commit.records.len(), commit.batch.writes.len());
    let again = take_commit(&written(&commit)).expect("what was just written can be read");
    assert_eq!(again.batch, commit.batch);
    true
}

fn written(commit: &Commit) -> Vec<u8> {
    let count = u16::try_from(commit.records.len()).expect("it was read from two bytes");
    let mut out = Vec::new();
    put_commit(&mut out, count, commit.batch.urgency);
    for (write, placed) in commit.batch.writes.iter().zip(&commit.records) {
        let Version(version) = placed.version;
        let mut rows = EncodedRows::default();
        let row = rows.push(&write.row);
        put_record(&mut out, (&rows, &row), Version(version), placed.back);
    }
    out
}

fn segment_head(bytes: &[u8]) -> bool {
    let mut mended = bytes.to_vec();
    if let Some((covered, checksum)) = head(&mut mended, segment::HEAD_LEN) {
        checksum.copy_from_slice(&crc32c(covered).to_le_bytes());
    }
    let Ok(head) = SegmentHead::decode(&mended) else { return false };
    assert_eq!(SegmentHead::decode(&head.encode()), Ok(head));
    true
}

fn group_head(bytes: &[u8]) -> bool {
    let _found = group::follows(bytes, SALT, 1);
    let mut mended = bytes.to_vec();
    if let Some((covered, checksum)) = head(&mut mended, group::HEAD_LEN) {
        checksum.copy_from_slice(&group::checksum(SALT, covered).to_le_bytes());
    }
    let Ok(head) = GroupHead::decode(&mended, SALT) else { return false };
    assert_eq!(GroupHead::decode(&head.encode(SALT), SALT), Ok(head));
    assert!(group::follows(&mended, SALT, head.sequence));
    true
}

fn one_checkpoint(bytes: &[u8]) -> bool {
    let mut mended = bytes.to_vec();
    if mended.len() > 14 {
        let checksum = crc32c(&mended[14..]);
        mended[10..14].copy_from_slice(&checksum.to_le_bytes());
    }
    let Ok(checkpoint) = Checkpoint::decode(&mended) else { return false };
    assert_eq!(Checkpoint::decode(&checkpoint.encode()), Ok(checkpoint));
    true
}

/// The part of a head that its checksum covers, and the checksum behind it.
fn head(bytes: &mut [u8], len: usize) -> Option<(&[u8], &mut [u8])> {
    let (covered, checksum) = bytes.get_mut(..len)?.split_at_mut(len - 4);
    Some((covered, checksum))
}

/// Makes the record take all that is there, under a checksum that holds.
fn mend_record(bytes: &mut [u8]) {
    if let Some(len) = bytes.len().checked_sub(RECORD_HEAD_LEN) {
        seal(bytes, len);
    }
}

fn seal(bytes: &mut [u8], len: usize) {
    let len_bytes = u32::try_from(len).expect("inputs are far smaller than 4 GiB").to_le_bytes();
    bytes[4..RECORD_HEAD_LEN].copy_from_slice(&len_bytes);
    let checksum = crc32c(&bytes[4..RECORD_HEAD_LEN + len]);
    bytes[..4].copy_from_slice(&checksum.to_le_bytes());
}

/// The same for each record of a commit, by the lengths that stand there, as far as there are bytes.
fn mend_commit(bytes: &mut [u8]) {
    let mut at = COMMIT_HEAD_LEN;
    while let Some(rest) = bytes.get_mut(at..).filter(|rest| rest.len() >= RECORD_HEAD_LEN) {
        let said = u32::from_le_bytes(rest[4..RECORD_HEAD_LEN].try_into().expect("four bytes")) as usize;
        let len = said.min(rest.len() - RECORD_HEAD_LEN);
        seal(rest, len);
        at += RECORD_HEAD_LEN + len;
    }
}

/// Castagnoli's checksum, by its polynomial: the target shares no table with the store.
fn crc32c(bytes: &[u8]) -> u32 {
    let fold = |sum: u32, byte: &u8| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| (sum >> 1) ^ (0x82F6_3B78 & (sum & 1).wrapping_neg()))
    };
    !bytes.iter().fold(u32::MAX, fold)
}
