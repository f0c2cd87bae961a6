//! Storage engines behind the journal port: memory (the oracle) and embedded (the default).
//!
//! Architecture invariant: every engine answers the one conformance suite in `tests/conformance` alike; nothing outside this
//! crate can tell which one it talks to, except by its speed and by what survives a crash.

pub mod embedded;
pub mod lossy;
pub mod memory;
mod rows;

pub use embedded::{Embedded, OpenError, Options, open};
pub use memory::Memory;
