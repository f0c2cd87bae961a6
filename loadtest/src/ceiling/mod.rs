//! `loadtest ceiling`: what a durable authorization costs, in units of a bare HTTPS request.
//!
//! The same client drives a bare server and the gateway in turn, A B A B, so that what the machine does meanwhile hits
//! both. The medians of the rounds count, and only their ratios mean anything.

pub mod beside;
pub mod latency;
pub mod report;
pub mod rounds;

pub use report::{GatewaySide, Report, Side};
pub use rounds::{Contest, Setting};
