//! The embedded engine: a checksummed, segmented, append-only journal that is the truth, and an index of small entries that only finds
//! things in it.
//!
//! Architecture invariant: a commit is acknowledged, and seen by anyone, only after the sync of its group; the index is never asked what
//! is true, only where to look, and can be lost at any time. `gateway/docs/storage.md` explains the format, the checkpoint and the guarantees.

mod archive;
mod committer;
mod engine;
mod error;
mod feed;
mod feeder;
mod files;
mod fjall_index;
pub mod format;
mod inline;
mod key;
mod keys;
mod layer;
mod machine;
mod options;
mod page;
pub mod port;
mod prepared;
mod query;
mod queue;
mod recent;
mod recover;
mod relay;
mod room;
mod runs;
mod scan;
mod stats;
mod table;
mod told;
mod view;
mod walk;

pub use archive::{Archive, Written};
pub use engine::{Embedded, Engine, open, open_on};
pub use error::OpenError;
pub use files::FileDisk;
pub use fjall_index::{FjallIndex, IndexSizes};
pub use inline::Inline;
pub use machine::{Broken, Durable, Judged, Machine, Sizes, Verdict};
pub use options::{Fatal, Options};
pub use prepared::{MAX_BATCH_LEN, Prepared};
pub use queue::Bound;
pub use recover::{IndexState, Recovered, Setup, recover};
pub use scan::{Counts, scan};
pub use stats::Stats;
