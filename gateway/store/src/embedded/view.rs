//! The durable view: what every read, query and conflict answer is served from. It never shows a commit before its sync.
//!
//! Lookups go through the layers, newest first, then the index; a layer leaves only after the index has all of it, so nothing falls
//! between. Rows are read from the journal, checked, and given out only if they are the row that was asked for.

use super::format::record::{self, RECORD_HEAD_LEN};
use super::key::Hashed;
use super::keys::{self, Entry};
use super::layer::{Layers, Slot, decode_entry};
use super::port::{Disk, Index, IndexError};
use super::recent::{self, Capacity, Recent};
use super::relay::Relay;
use super::told;
use super::walk;
use gateway_core::id::PaymentId;
use gateway_core::journal::{Cursor, Observer, Part, Row, RowKey, StoreError, Versioned};
use gateway_core::payment::Recorded;
use gateway_core::tenant::Tenant;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard};

/// Bytes that are read at once in the hope that the record is no longer.
const FIRST_READ: usize = 2048;
/// Longest record that is believed, in bytes.
const MAX_RECORD: usize = super::format::group::MAX_PAYLOAD;

/// A segment file and the journal position of its first byte.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    pub base: u64,
    pub name: String,
}

/// Durable state, shared by the writer, the feeder and all readers.
pub(crate) struct View<D, I> {
    pub disk: D,
    pub index: I,
    layers: RwLock<Layers>,
    /// In order of their bases.
    pieces: RwLock<Vec<Piece>>,
    recent: Mutex<Recent>,
    /// The way to the observer.
    pub relay: Option<Relay>,
    /// A reader met an error of the index.
    index_failed: AtomicBool,
    /// Up to here the journal is durable.
    durable: AtomicU64,
    /// A record of due work could not be read.
    work_damaged: AtomicBool,
}

/// A lock of this module whose holder panicked is not trusted any more: the process ends with it.
const HELD: &str = "nothing panics while it holds this lock";

impl<D: Disk, I: Index> View<D, I> {
    pub(crate) fn new((disk, index): (D, I), recent: Capacity, observer: Option<Arc<dyn Observer>>) -> Self {
        Self {
            disk,
            index,
            layers: RwLock::default(),
            pieces: RwLock::default(),
            recent: Mutex::new(Recent::new(recent)),
            relay: observer.map(Relay::new),
            index_failed: AtomicBool::new(false),
            durable: AtomicU64::new(0),
            work_damaged: AtomicBool::new(false),
        }
    }

    pub(crate) fn layers(&self) -> RwLockReadGuard<'_, Layers> {
        self.layers.read().expect(HELD)
    }

    pub(crate) fn layers_mut(&self) -> RwLockWriteGuard<'_, Layers> {
        self.layers.write().expect(HELD)
    }

    pub(crate) fn recent(&self) -> MutexGuard<'_, Recent> {
        self.recent.lock().expect(HELD)
    }

    /// The index failed under a read: told to the reader, and noted for whoever can do something about it.
    pub(crate) fn unavailable(&self, error: IndexError) -> StoreError {
        self.index_failed.store(true, Ordering::Release);
        StoreError::Unavailable(format!("the index: {error}"))
    }

    /// Due work can't be read: told once, since it is met at every look.
    pub(crate) fn damaged_work(&self, why: &str) {
        if !self.work_damaged.swap(true, Ordering::Relaxed) {
            tracing::error!(why, "due work can't be read and is passed over; `gateway verify` says more");
        }
    }

    /// Whether the index has failed under a read.
    pub(crate) fn index_failed(&self) -> bool {
        self.index_failed.load(Ordering::Acquire)
    }

    /// The journal is durable up to `position`.
    pub(crate) fn reached(&self, position: u64) {
        self.durable.store(position, Ordering::Release);
    }

    /// A part of the durable journal.
    pub(crate) fn part(&self, from: Cursor) -> Result<Part, StoreError> {
        walk::part(&self.disk, from, self.durable.load(Ordering::Acquire))
            .map_err(|error| StoreError::Unavailable(error.to_string()))
    }

    pub(crate) fn add_piece(&self, piece: Piece) {
        self.pieces.write().expect(HELD).push(piece);
    }

    /// The entry of a row, by its index key.
    pub(crate) fn entry(&self, key: &Hashed) -> Result<Option<Entry>, IndexError> {
        let slot = self.layers().find(key);
        match slot {
            Some(Slot::Row(entry)) => Ok(Some(entry)),
            Some(Slot::Gone | Slot::Listed(_) | Slot::Void) => Ok(None),
            None => self.index.get(key)?.map(|bytes| decode_entry(&bytes)).transpose(),
        }
    }

    /// The durable row of a key.
    pub(crate) fn read(&self, key: &RowKey) -> Result<Option<Versioned>, StoreError> {
        let index_key = Hashed::from(keys::row_key(key));
        let Some(entry) = self.entry(&index_key).map_err(|error| self.unavailable(error))? else {
            return Ok(None);
        };
        Ok(Some(Arc::unwrap_or_clone(self.row(&index_key, &entry)?)))
    }

    /// The row that an entry points to.
    pub(crate) fn row(&self, index_key: &[u8], entry: &Entry) -> Result<Arc<Versioned>, StoreError> {
        if let Some(row) = self.recent().find(entry.position) {
            return Ok(row);
        }
        let (record, len) = self.sized_record(entry.position)?;
        let found = told::found_under(index_key, record.version, record.row);
        let row = Arc::new(found.filter(|found| found.version == entry.version).ok_or_else(|| {
            StoreError::Corrupt(format!(
                "the record at position {} is not the one that the index promises",
                entry.position
            ))
        })?);
        if recent::worth_keeping(&row.row) {
            self.recent().keep(entry.position, Arc::clone(&row), len);
        }
        Ok(row)
    }

    /// The record at a position, checked.
    pub(crate) fn record(&self, position: u64) -> Result<record::Record, StoreError> {
        Ok(self.sized_record(position)?.0)
    }

    /// The same, with its length in bytes.
    fn sized_record(&self, position: u64) -> Result<(record::Record, usize), StoreError> {
        let (name, offset) = place(&self.pieces.read().expect(HELD), position)?;
        read_record(&self.disk, (&name, offset), position)
    }

    /// All transitions of a payment, by walking from its latest record back to its first.
    pub(crate) fn history(&self, tenant: Tenant, payment: PaymentId) -> Result<Vec<Recorded>, StoreError> {
        let index_key = Hashed::from(keys::row_key(&RowKey::Payment(tenant, payment)));
        let Some(entry) = self.entry(&index_key).map_err(|error| self.unavailable(error))? else {
            return Ok(Vec::new());
        };
        let mut newest_first = Vec::new();
        let mut position = entry.position;
        loop {
            let record = self.record(position)?;
            let broken =
                || StoreError::Corrupt(format!("the history of {payment} breaks at position {position}"));
            let Row::Payment(row) = record.row else { return Err(broken()) };
            if row.payment.id != payment {
                return Err(broken());
            }
            newest_first.push(row.events);
            if record.back == 0 {
                break;
            }
            position = position.checked_sub(record.back).ok_or_else(broken)?;
        }
        Ok(newest_first.into_iter().rev().flatten().collect())
    }
}

/// File and offset of a position.
pub(crate) fn place(pieces: &[Piece], position: u64) -> Result<(String, u64), StoreError> {
    let after = pieces.partition_point(|piece| piece.base <= position);
    let piece = after
        .checked_sub(1)
        .and_then(|at| pieces.get(at))
        .ok_or_else(|| StoreError::Corrupt(format!("no segment of the journal holds position {position}")))?;
    Ok((piece.name.clone(), position - piece.base))
}

/// The record that stands there in a file, which is this position of the journal; checked.
pub(crate) fn read_record<D: Disk>(
    disk: &D,
    (name, offset): (&str, u64),
    position: u64,
) -> Result<(record::Record, usize), StoreError> {
    let fill = |into: &mut [u8]| {
        disk.read(name, offset, into)
            .map_err(|e| StoreError::Unavailable(format!("reading {name} at {offset}: {e}")))
    };
    let mut bytes = vec![0; FIRST_READ];
    let count = fill(&mut bytes)?;
    bytes.truncate(count);
    let damaged = |why: String| StoreError::Corrupt(format!("the record at position {position}: {why}"));
    let len = record::record_len(&bytes).map_err(|e| damaged(e.to_string()))?;
    if len > MAX_RECORD {
        return Err(damaged("its length can't be right".to_owned()));
    }
    if len > bytes.len() {
        bytes.resize(len.max(RECORD_HEAD_LEN), 0);
        let count = fill(&mut bytes)?;
        bytes.truncate(count);
    }
    record::take_record(&bytes).map_err(|e| damaged(e.to_string()))
}
