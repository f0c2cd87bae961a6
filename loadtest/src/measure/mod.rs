//! Measuring: histograms by action and status, seconds of a run, and what the machine spent on it.

pub mod outcome;
pub mod process;
pub mod recorder;
pub mod series;
pub mod summary;
pub mod threshold;

pub use outcome::Outcome;
pub use recorder::{Lateness, Recorder, Timing};
pub use summary::Summary;
