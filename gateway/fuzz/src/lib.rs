//! What each fuzz target does with its bytes, as ordinary functions: libFuzzer calls them, and so does a test on stable Rust.
//!
//! A target panics if the code under it does, or if a property does not hold. It tells whether the bytes were accepted, so that
//! a caller can see that both sides of the reader are tried.

mod dialect;
mod iso8583;
mod record;

pub use dialect::{form, json};
pub use iso8583::{HEX_DIALECT, iso8583};
pub use record::record;

/// A target: whether it accepted the bytes.
pub type Target = fn(&[u8]) -> bool;

/// All of them, by the names of their corpora.
pub const TARGETS: [(&str, Target); 4] =
    [("form", form), ("json", json), ("record", record), ("iso8583", iso8583)];
