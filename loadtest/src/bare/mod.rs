//! The bare server: hyper and rustls with the gateway's settings, and nothing behind them.
//!
//! It reads each request's body whole and answers with as many bytes as it is told. So it is the cost of being an HTTPS
//! server at all, on this machine, in this hour; what the gateway costs beyond it is the gateway's own. With `commits` it
//! also makes each answer wait for that many group commits, one after the other: the floor of a durable answer's latency.

pub mod journal;
pub mod serve;

pub use serve::{Settings, serve};
