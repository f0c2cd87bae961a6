//! How an embedded store is run.

use super::fjall_index::IndexSizes;
use super::machine::Sizes;
use super::queue::Bound;
use gateway_core::ports::Random;
use std::sync::Arc;
use std::time::Duration;

/// Called when the store can't go on, with the reason. It should end the process: nothing that waits is ever acknowledged after it.
pub type Fatal = Arc<dyn Fn(&str) + Send + Sync>;

/// Options of an embedded store.
#[derive(Clone)]
pub struct Options {
    pub sizes: Sizes,
    pub index: IndexSizes,
    /// The line in front of the writer.
    pub queue: Bound,
    /// Bytes of a group from which on no further batch joins it.
    pub group_bytes: usize,
    /// A checkpoint is made after so many bytes of journal,
    pub checkpoint_bytes: u64,
    /// or after this time, if as much was written as the last checkpoint has bytes.
    pub checkpoint_interval: Duration,
    /// Bytes kept free for outcomes: with less room than that, new work is refused. As many again are held back in a file, and given
    /// free when even outcomes would no longer fit.
    pub reserve_bytes: u64,
    /// Draws the numbers that tell stores and segments apart.
    pub random: Arc<dyn Random>,
    pub fatal: Fatal,
}

impl Options {
    /// The defaults.
    pub fn new(random: Arc<dyn Random>) -> Self {
        Self {
            sizes: Sizes::default(),
            index: IndexSizes::default(),
            queue: Bound { batches: 16_384, bytes: 64 << 20 },
            group_bytes: 4 << 20,
            checkpoint_bytes: 96 << 20,
            checkpoint_interval: Duration::from_secs(15),
            reserve_bytes: 64 << 20,
            random,
            fatal: Arc::new(stop_the_process),
        }
    }
}

/// The only safe answer to a write that may or may not have reached the disk. Not an abort: a core file would hold cards.
fn stop_the_process(why: &str) {
    tracing::error!(why, "the store can't go on: the process stops, and the next start recovers");
    std::process::exit(1);
}
