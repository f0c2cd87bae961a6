//! A batch made ready for the writer by whoever commits it: keys and rows are encoded in the caller's thread, not in the one thread
//! through which all commits go.

use super::format::record::{COMMIT_HEAD_LEN, EncodedRow, EncodedRows};
use super::key::{Hashed, Key};
use super::keys::{self, Facets, Lists};
use crate::rows;
use gateway_core::id::Id;
use gateway_core::journal::{Batch, CommitError, Expect, Row, Urgency, Write};

/// Bytes of one batch, at most.
pub const MAX_BATCH_LEN: usize = 16 << 20;

/// A batch with its encoded rows.
#[derive(Debug)]
pub struct Prepared {
    pub(crate) batch: Batch,
    pub(crate) writes: Vec<PreparedWrite>,
    pub(crate) rows: EncodedRows,
    /// An upper bound of its bytes in the journal.
    pub(crate) max_len: usize,
}

#[derive(Debug)]
pub(crate) struct PreparedWrite {
    pub key: Hashed,
    pub expect: Expect,
    pub facets: Facets,
    /// The keys of the lists in which it stands.
    pub lists: Lists,
    /// Keys of the messages that the row awaits answers to; none for most.
    pub awaiting: Vec<Key>,
    pub row: EncodedRow,
}

impl PreparedWrite {
    fn of(write: &Write, rows: &mut EncodedRows) -> Self {
        let key = Hashed::from(keys::key_of(&write.row));
        let facets = Facets::of(&write.row);
        Self {
            lists: facets.lists(&key),
            awaiting: keys::awaiting_keys(&write.row, &key).collect(),
            key,
            expect: write.expect,
            facets,
            row: rows.push(&write.row),
        }
    }
}

impl Prepared {
    /// Encodes a batch.
    ///
    /// # Errors
    /// [`CommitError::Unavailable`] for a batch that no engine takes: a row named twice, more than [`MAX_BATCH_LEN`] bytes.
    pub fn new(batch: Batch) -> Result<Self, CommitError> {
        let mut encoded = EncodedRows::with_room_for(batch.writes.iter().map(|write| &write.row));
        let prepare = |write: &Write| PreparedWrite::of(write, &mut encoded);
        let writes: Vec<PreparedWrite> = batch.writes.iter().map(prepare).collect();
        if let Some(at) = rows::named_twice(&writes, |write| &write.key) {
            return Err(CommitError::Unavailable(rows::named_twice_text(&batch.writes[at].row.key())));
        }
        let max_len = COMMIT_HEAD_LEN + writes.iter().map(|write| write.row.max_len()).sum::<usize>();
        if max_len > MAX_BATCH_LEN || writes.len() > usize::from(u16::MAX) {
            return Err(CommitError::Unavailable(format!(
                "a batch of {} rows and {max_len} bytes is larger than the store takes ({MAX_BATCH_LEN} bytes)",
                writes.len()
            )));
        }
        Ok(Self { batch, writes, rows: encoded, max_len })
    }

    /// Gives new events ids above `last`, in their order. Most have one already: requests that overtake each other between drawing their
    /// ids and the writer are few.
    pub(crate) fn order_events(&mut self, mut last: Id) {
        for (write, prepared) in self.batch.writes.iter_mut().zip(&mut self.writes) {
            let mut changed = false;
            for id in rows::new_events(write) {
                last = id.0.above(last);
                changed |= last != id.0;
                id.0 = last;
            }
            match &write.row {
                _as_it_was if !changed => {}
                Row::Payment(row) => self.rows.set_end(&prepared.row, row.told.stored_ids()),
                _event => *prepared = PreparedWrite::of(write, &mut self.rows),
            }
        }
    }

    /// What the batch is for.
    pub const fn urgency(&self) -> Urgency {
        self.batch.urgency
    }

    /// Whether there is room for it where `taken` places are taken and new work gets `bound` of them: what follows up earlier work has as
    /// many again, and outcomes always fit, since what they conclude was let in before.
    pub(crate) const fn fits(&self, taken: usize, bound: usize) -> bool {
        match self.batch.urgency {
            Urgency::New => taken < bound,
            Urgency::FollowUp => taken < bound.saturating_mul(2),
            Urgency::Outcome => true,
        }
    }
}
