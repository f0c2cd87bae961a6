//! Runs that look for an end: too much load, much data, much time.

pub mod bench;
pub mod growth;
pub mod overload;
pub mod soak;

pub use bench::Bench;
