//! The edge: sockets, TLS, HTTP/1.1 and HTTP/2, and every limit and deadline between a stranger and the service.
//!
//! ```text
//! listener -> gate (per address) -> TLS handshake -> ALPN -> hyper -> request (body, envelope) -> Service
//!                                                      \-- watchdog: one timer a connection, a deadline a phase
//! ```
//!
//! **Architecture invariants.** The protocol is chosen by ALPN, never by looking at bytes. A request reaches the
//! service only when its body is whole, within its limit, and in time: nothing is ever acted on a prefix. No phase
//! waits without a deadline, and nothing here holds more for a connection than its settings say.
//!
//! What can't carry an error envelope, because no HTTP answer is possible or safe any more: a failed handshake, a
//! head that does not arrive in time, a client that does not read, an HTTP/2 connection error, and a connection over
//! the caps of its address. Those are closed.

mod bind;
mod body;
mod budget;
mod certificates;
mod connection;
mod drain;
mod gate;
mod handler;
mod meters;
mod pulse;
mod reply;
mod settings;
mod shared;
mod tls;
mod watchdog;
mod wire;

pub use bind::{Listeners, bind};
pub use certificates::Certificates;
pub(crate) use gate::network;
pub use settings::{Deadlines, Limits, Settings};
pub use shared::{Edge, Parts, RequestIds};
pub use tls::{ALPN, TlsSlot};
