//! The acquirers: a book each, that outlives every crash of the gateway, and two ways to reach it.

pub mod book;
mod plants;
pub mod port;
mod teller;

pub use teller::Teller;
