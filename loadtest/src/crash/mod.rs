//! `loadtest crash`: the real binary is killed under load, again and again, and the money must still be right.
//!
//! Each cycle loads the gateway, kills it (at a random moment, or by strace at the N-th fsync or write), starts it again on
//! the same port and store, lets every client repeat its request with its key until it has a final answer, and asks for those
//! answers once more, which must be the same bytes. The acquirer's host lives in another process and keeps the book. In the
//! end the store is verified and the three witnesses are held against each other.

pub mod cycle;
pub mod killing;
pub mod replays;
pub mod report;

pub use cycle::{Crash, Setting};
pub use report::Report;
