//! Acquirers that speak ISO 8583 over TCP.

pub mod codec;
