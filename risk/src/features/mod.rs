//! One extractor for serving and for training: events in journal order in, feature vectors out.

mod catalog;
mod extract;
mod handbook;
mod pack;
mod snapshot;
mod state;
mod stream;
mod table;
mod window;

pub use catalog::{FeatureVector, MISSING, STREAMING_LEN, is_missing, streaming_names};
pub use handbook::{HANDBOOK_LEN, HANDBOOK_NAMES, Handbook};
pub use pack::{pack, unpack};
pub use snapshot::SnapshotError;
pub use stream::{Extractor, Settings};
