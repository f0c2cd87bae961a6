//! Acquirers that speak ISO 8583 over TCP.
//!
//! `adapter` is the port's side, `compose` and `interpret` translate, `table` matches answers, `shared`, `connection` and
//! `outbox` keep the connections, `codec` reads and writes bytes.

mod adapter;
mod civil;
pub mod codec;
mod compose;
mod connection;
mod departure;
mod interpret;
mod key;
mod outbox;
mod settings;
mod shared;
mod table;

pub use adapter::Iso8583;
pub use interpret::currency;
pub use settings::{Identity, Settings, Tls};
