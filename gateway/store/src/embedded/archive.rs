//! A stopped store, read without its index and without changing anything: every row in commit order, and any row by its place.

use super::error::{OpenError, io_error};
use super::files::{DirLock, FileDisk};
use super::recover::{check_reach, read_checkpoint};
use super::scan::Counts;
use super::view::{Piece, place, read_record};
use super::walk::{self, Segments, Start};
use gateway_core::journal::{Row, StoreError, Version};
use std::path::Path;

/// A row as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Where it stands in the journal.
    pub position: u64,
    pub version: Version,
    /// Where the row stands that it replaced.
    pub before: Option<u64>,
    pub row: Row,
}

/// A stopped store. Holds its lock.
pub struct Archive {
    disk: FileDisk,
    segments: Segments,
    pieces: Vec<Piece>,
    _lock: DirLock,
}

impl Archive {
    /// Opens the store in `dir`.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open(dir: &Path) -> Result<Self, OpenError> {
        let lock = DirLock::take(dir)?;
        let disk = FileDisk::open(dir).map_err(io_error(format!("opening {}", dir.display())))?;
        let segments = walk::segments(&disk)?;
        let piece = |file: &walk::SegmentFile| Piece { base: file.head.base, name: file.name.clone() };
        let pieces = segments.files.iter().map(piece).collect();
        Ok(Self { disk, segments, pieces, _lock: lock })
    }

    /// Tells `each` of every row, in commit order. An error of `each` stops the walk. A store that a start would refuse because acknowledged
    /// commits are missing is refused here as well.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn walk(&self, each: &mut dyn FnMut(Written) -> Result<(), String>) -> Result<Counts, OpenError> {
        if self.segments.files.is_empty() {
            return Ok(Counts::default());
        }
        let mut counts = Counts { segments: self.segments.files.len() as u64, ..Counts::default() };
        let start = Start { segment: 1, position: 0, sequence: 1 };
        let end = walk::walk(&self.disk, &self.segments, start, &mut |read| {
            counts.commits += 1;
            counts.rows += read.commit.batch.writes.len() as u64;
            for (write, placed) in read.commit.batch.writes.iter().zip(&read.commit.records) {
                let position = read.position + placed.offset as u64;
                let before = (placed.back > 0).then(|| position.saturating_sub(placed.back));
                let (version, row) = (placed.version, write.row.clone());
                each(Written { position, version, before, row }).map_err(OpenError::Stopped)?;
            }
            Ok(())
        })?;
        check_reach(read_checkpoint(&self.disk)?.as_ref(), &end)?;
        counts.groups = end.groups;
        counts.bytes = end.tail.position();
        counts.torn_bytes = end.torn;
        Ok(counts)
    }

    /// The row that was written there.
    ///
    /// # Errors
    /// No row begins there, or it is damaged.
    pub fn read(&self, position: u64) -> Result<Written, StoreError> {
        let (name, offset) = place(&self.pieces, position)?;
        let (record, _len) = read_record(&self.disk, (&name, offset), position)?;
        let before = (record.back > 0).then(|| position.saturating_sub(record.back));
        Ok(Written { position, version: record.version, before, row: record.row })
    }
}
