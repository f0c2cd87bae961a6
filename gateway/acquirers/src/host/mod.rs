//! The far end: an acquirer host that speaks ISO 8583, the merchants' dialect or that of wallets, for tests, load tests and the curious. It keeps a book of its own, so
//! it is a witness that shares nothing with the gateway's store.

mod answer;
mod book_file;
mod calls;
pub mod dialect;
mod faults;
mod serve;
mod settings;
pub mod wallet;

pub use book_file::{BookFile, Line, Summary, summary};
pub use calls::{Call, Reaction};
pub use faults::{Fault, FaultCounts, FaultKind, Faults};
pub use serve::Host;
pub use settings::{HostPorts, Latency, Settings};
