//! What the engine counts, for `/metrics` and for those who measure it.

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Counts since the store was opened, and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// Batches that became durable.
    pub commits: u64,
    /// Syncs that made them so: one a group.
    pub syncs: u64,
    /// Bytes written to the journal.
    pub bytes: u64,
    /// Batches of which an expectation did not hold.
    pub conflicts: u64,
    /// Batches of new work that were refused for want of time or room.
    pub shed: u64,
    /// Batches that wait.
    pub queued: u64,
    /// Checkpoints that were completed.
    pub checkpoints: u64,
    /// Entries that are not in the index yet.
    pub overlay_entries: u64,
}

/// The same, counted.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    commits: AtomicU64,
    syncs: AtomicU64,
    bytes: AtomicU64,
    conflicts: AtomicU64,
    shed: AtomicU64,
    checkpoints: AtomicU64,
}

impl Counters {
    pub(crate) fn describe() {
        describe_counter!("tollgate_store_commits_total", Unit::Count, "Batches that became durable.");
        describe_counter!("tollgate_store_syncs_total", Unit::Count, "Syncs of the journal, one a group.");
        describe_counter!("tollgate_store_bytes_total", Unit::Bytes, "Bytes written to the journal.");
        describe_counter!("tollgate_store_conflicts_total", Unit::Count, "Batches that lost to another.");
        describe_counter!("tollgate_store_shed_total", Unit::Count, "Batches of new work that were refused.");
        describe_counter!("tollgate_store_checkpoints_total", Unit::Count, "Checkpoints completed.");
        describe_histogram!("tollgate_store_group_commits", Unit::Count, "Batches that share one sync.");
        describe_histogram!("tollgate_store_sync_seconds", Unit::Seconds, "Time to write and sync a group.");
        describe_histogram!(
            "tollgate_store_checkpoint_seconds",
            Unit::Seconds,
            "Time to complete a checkpoint."
        );
        describe_gauge!("tollgate_store_queue_depth", Unit::Count, "Batches that wait for the writer.");
        describe_gauge!(
            "tollgate_store_overlay_entries",
            Unit::Count,
            "Entries that are not in the index yet."
        );
    }

    pub(crate) fn group(&self, commits: u64, bytes: u64, took: Duration) {
        self.commits.fetch_add(commits, Ordering::Relaxed);
        self.syncs.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        counter!("tollgate_store_commits_total").increment(commits);
        counter!("tollgate_store_syncs_total").increment(1);
        counter!("tollgate_store_bytes_total").increment(bytes);
        histogram!("tollgate_store_group_commits").record(small(commits));
        histogram!("tollgate_store_sync_seconds").record(took);
    }

    pub(crate) fn conflict(&self) {
        self.conflicts.fetch_add(1, Ordering::Relaxed);
        counter!("tollgate_store_conflicts_total").increment(1);
    }

    pub(crate) fn shed(&self) {
        self.shed.fetch_add(1, Ordering::Relaxed);
        counter!("tollgate_store_shed_total").increment(1);
    }

    pub(crate) fn checkpoint(&self, took: Duration) {
        self.checkpoints.fetch_add(1, Ordering::Relaxed);
        counter!("tollgate_store_checkpoints_total").increment(1);
        histogram!("tollgate_store_checkpoint_seconds").record(took);
    }

    pub(crate) fn stats(&self, queued: u64, overlay_entries: u64) -> Stats {
        gauge!("tollgate_store_queue_depth").set(small(queued));
        gauge!("tollgate_store_overlay_entries").set(small(overlay_entries));
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Stats {
            commits: of(&self.commits),
            syncs: of(&self.syncs),
            bytes: of(&self.bytes),
            conflicts: of(&self.conflicts),
            shed: of(&self.shed),
            queued,
            checkpoints: of(&self.checkpoints),
            overlay_entries,
        }
    }
}

/// The widest integer that the metrics take.
fn small(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
