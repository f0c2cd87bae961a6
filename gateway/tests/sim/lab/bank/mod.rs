//! The acquirers: a book each, that outlives every crash of the gateway, and three ways to reach it: the acquirer port, answers that
//! nobody waits for, and ISO 8583 over streams.

pub mod book;
mod host;
pub mod iso;
mod plants;
pub mod port;
mod teller;

pub use teller::Teller;
