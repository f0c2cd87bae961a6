//! Commits and records inside a group.
//!
//! A commit is `count u16, urgency u8`, then its records; a record is `checksum u32, length u32`, then `class u8, version varint,
//! back varint, row` in postcard's format. A record can be read and checked alone, by its position.

use super::{Cursor, Malformed, put_varint, writer};
use gateway_core::claim::ClaimState;
use gateway_core::journal::{Batch, Expect, Row, Urgency, Version, Write};

/// Bytes before a record's body.
pub const RECORD_HEAD_LEN: usize = 8;
/// Bytes before a commit's first record.
pub const COMMIT_HEAD_LEN: usize = 3;

/// What may become of a record when it ages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Stays as long as the store does.
    State,
    /// Holds the bytes of an answer: past the reply age, the row may be replaced by what `Claim::aged` leaves of it.
    Reply,
}

impl Class {
    /// The class of a row.
    pub fn of(row: &Row) -> Self {
        match row {
            Row::Claim(claim) => match &claim.state {
                ClaimState::Final { body: Some(_), .. } => Class::Reply,
                ClaimState::Final { body: None, .. } | ClaimState::Provisional { .. } => Class::State,
            },
            Row::Payment(_)
            | Row::Event(_)
            | Row::Refund(_)
            | Row::PaymentMethod(_)
            | Row::Token(_)
            | Row::Customer(_)
            | Row::SetupIntent(_)
            | Row::Merchant(_)
            | Row::ApiKey(_)
            | Row::Sequence(_)
            | Row::Review(_)
            | Row::ValueList(_)
            | Row::ValueListItem(_)
            | Row::Evaluation(_) => Class::State,
        }
    }

    const fn code(self) -> u8 {
        match self {
            Class::State => 0,
            Class::Reply => 1,
        }
    }
}

/// The rows of a batch, encoded one behind the other by whoever commits it, before their versions and places are known.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EncodedRows {
    bytes: Vec<u8>,
}

/// One of [`EncodedRows`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EncodedRow {
    class: Class,
    start: usize,
    len: usize,
}

impl EncodedRows {
    /// Room for these rows.
    pub fn with_room_for<'a>(rows: impl Iterator<Item = &'a Row>) -> Self {
        Self { bytes: Vec::with_capacity(rows.map(usual_len).sum()) }
    }

    /// Encodes a row.
    pub fn push(&mut self, row: &Row) -> EncodedRow {
        let start = self.bytes.len();
        writer::put(&mut self.bytes, row);
        EncodedRow { class: Class::of(row), start, len: self.bytes.len() - start }
    }

    /// Writes other bytes over a row's last ones.
    pub fn set_end(&mut self, row: &EncodedRow, bytes: impl DoubleEndedIterator<Item = u8>) {
        let held = &mut self.bytes[row.start..row.start + row.len];
        held.iter_mut().rev().zip(bytes.rev()).for_each(|(held, byte)| *held = byte);
    }

    fn of(&self, row: &EncodedRow) -> &[u8] {
        &self.bytes[row.start..row.start + row.len]
    }
}

impl EncodedRow {
    /// An upper bound of the record's bytes.
    pub const fn max_len(&self) -> usize {
        RECORD_HEAD_LEN + 1 + 20 + self.len
    }
}

/// Bytes that most rows of a kind fit into, so that they are allocated once.
fn usual_len(row: &Row) -> usize {
    match row {
        Row::Payment(_) => 1_536,
        Row::Claim(claim) => match &claim.state {
            ClaimState::Final { body: Some(body), .. } => 192 + body.len(),
            ClaimState::Final { body: None, .. } | ClaimState::Provisional { .. } => 192,
        },
        Row::Event(_) | Row::Refund(_) | Row::Token(_) | Row::Sequence(_) | Row::Review(_) => 96,
        Row::PaymentMethod(_)
        | Row::Customer(_)
        | Row::SetupIntent(_)
        | Row::Merchant(_)
        | Row::ApiKey(_)
        | Row::ValueList(_)
        | Row::ValueListItem(_)
        | Row::Evaluation(_) => 512,
    }
}

/// Adds a commit's head.
pub fn put_commit(out: &mut Vec<u8>, records: u16, urgency: Urgency) {
    out.extend_from_slice(&records.to_le_bytes());
    out.push(match urgency {
        Urgency::New => 0,
        Urgency::Outcome => 1,
        Urgency::FollowUp => 2,
    });
}

/// Adds a record. `back` is how many bytes before it the row's predecessor stands; 0 if it has none.
pub fn put_record(out: &mut Vec<u8>, (rows, row): (&EncodedRows, &EncodedRow), version: Version, back: u64) {
    let start = out.len();
    out.extend_from_slice(&[0; RECORD_HEAD_LEN]);
    out.push(row.class.code());
    put_varint(out, version.0);
    put_varint(out, back);
    out.extend_from_slice(rows.of(row));
    let len = u32::try_from(out.len() - start - RECORD_HEAD_LEN).expect("a group is far smaller than 4 GiB");
    out[start + 4..start + 8].copy_from_slice(&len.to_le_bytes());
    let checksum = crc32c::crc32c(&out[start + 4..]);
    out[start..start + 4].copy_from_slice(&checksum.to_le_bytes());
}

/// A record as it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub version: Version,
    pub back: u64,
    pub row: Row,
}

/// Length of a record with its head, from its first [`RECORD_HEAD_LEN`] bytes.
///
/// # Errors
/// Fewer bytes than that.
pub fn record_len(bytes: &[u8]) -> Result<usize, Malformed> {
    let mut cursor = Cursor(bytes);
    let _checksum = cursor.u32()?;
    Ok(RECORD_HEAD_LEN + cursor.u32()? as usize)
}

/// Reads the record at the front of `bytes`; also returns its length.
///
/// # Errors
/// The bytes are no record, or a damaged one.
pub fn take_record(bytes: &[u8]) -> Result<(Record, usize), Malformed> {
    let len = record_len(bytes)?;
    let whole = bytes.get(..len).ok_or(Malformed::Short)?;
    if crc32c::crc32c(&whole[4..]).to_le_bytes() != whole[..4] {
        return Err(Malformed::Checksum);
    }
    let mut cursor = Cursor(&whole[RECORD_HEAD_LEN..]);
    if cursor.u8()? > Class::Reply.code() {
        return Err(Malformed::Content("a record of an unknown class"));
    }
    let version = Version(cursor.varint()?);
    let back = cursor.varint()?;
    let (row, rest) = postcard::take_from_bytes::<Row>(cursor.0)
        .map_err(|_| Malformed::Content("a row of an unknown shape"))?;
    if !rest.is_empty() {
        return Err(Malformed::Content("a row with bytes left over"));
    }
    Ok((Record { version, back, row }, len))
}

/// A commit as it is read: the batch that was written, and where each of its rows stands, counted from the commit's head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    pub batch: Batch,
    pub records: Vec<Placed>,
    /// Bytes, head included.
    pub len: usize,
}

/// Where a record stands in its commit, and what it replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    pub offset: usize,
    pub version: Version,
    pub back: u64,
}

/// Reads the commit at the front of `bytes`.
///
/// # Errors
/// The bytes are no commit, or a damaged one.
pub fn take_commit(bytes: &[u8]) -> Result<Commit, Malformed> {
    let mut cursor = Cursor(bytes);
    let count = cursor.u16()?;
    let urgency = match cursor.u8()? {
        0 => Urgency::New,
        1 => Urgency::Outcome,
        2 => Urgency::FollowUp,
        _other => return Err(Malformed::Content("a commit of an unknown urgency")),
    };
    let mut batch = Batch::new(urgency);
    let mut records = Vec::with_capacity(usize::from(count));
    let mut offset = COMMIT_HEAD_LEN;
    for _ in 0..count {
        let (record, len) = take_record(&bytes[offset..])?;
        let expect = match record.version.0 {
            0 => return Err(Malformed::Content("a record without a version")),
            1 => Expect::Absent,
            version => Expect::Version(Version(version - 1)),
        };
        records.push(Placed { offset, version: record.version, back: record.back });
        batch.writes.push(Write { expect, row: record.row });
        offset += len;
    }
    Ok(Commit { batch, records, len: offset })
}
