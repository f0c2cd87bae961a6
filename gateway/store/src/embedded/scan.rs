//! A pass over the whole journal of a stopped store, in order, without changing anything: for `gateway verify`.

use super::error::{OpenError, io_error};
use super::files::{DirLock, FileDisk};
use super::recover::{check_reach, read_checkpoint};
use super::walk::{self, Start};
use gateway_core::journal::Batch;
use std::path::Path;

/// What a scan went over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    pub segments: u64,
    pub groups: u64,
    pub commits: u64,
    pub rows: u64,
    /// Bytes of the journal, heads included.
    pub bytes: u64,
    /// Bytes of a group that was never finished, at the end.
    pub torn_bytes: u64,
}

/// Tells `each` of every batch with its position, in commit order. Takes the store's lock. An error of `each` stops the scan. A store that a
/// start would refuse because acknowledged commits are missing is refused here as well.
///
/// # Errors
/// See [`OpenError`].
pub fn scan(
    dir: &Path,
    each: &mut dyn FnMut(u64, &Batch) -> Result<(), String>,
) -> Result<Counts, OpenError> {
    let _lock = DirLock::take(dir)?;
    let disk = FileDisk::open(dir).map_err(io_error(format!("opening {}", dir.display())))?;
    let segments = walk::segments(&disk)?;
    let checkpoint = read_checkpoint(&disk)?;
    if segments.files.is_empty() && checkpoint.is_none() {
        return Ok(Counts::default());
    }
    let mut counts = Counts { segments: segments.files.len() as u64, ..Counts::default() };
    let start = Start { segment: 1, position: 0, sequence: 1 };
    let end = walk::walk(&disk, &segments, start, &mut |read| {
        counts.commits += 1;
        counts.rows += read.commit.batch.writes.len() as u64;
        each(read.position, &read.commit.batch).map_err(OpenError::Stopped)
    })?;
    check_reach(checkpoint.as_ref(), &end)?;
    counts.groups = end.groups;
    counts.bytes = end.tail.position();
    counts.torn_bytes = end.torn;
    Ok(counts)
}
