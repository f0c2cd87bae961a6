//! Acquirer adapters behind one port.
//!
//! Architecture invariant: an adapter sends and receives. What to repeat, reverse or forward is decided and stored by the
//! flows; nothing in this crate is durable, and nothing that it logs holds a card number, an expiry or a CVC.
//!
//! To add an acquirer: one folder here, one arm in `Kind`, one row in the conformance suite.

pub mod bank;
pub mod host;
pub mod https;
pub mod iso8583;
mod kind;
pub mod response;
pub mod simulated;
pub mod stream;
pub mod stripe;
pub mod tasks;
mod tls;
pub mod wallet;

pub use bank::test_cards;
pub use kind::{AcquirerSettings, Kind};

use gateway_core::acquirer::LateAnswers;
use gateway_core::ports::{Clock, Random, Sequences};
use std::sync::Arc;
use tasks::Tasks;

/// What adapters need of the world.
#[derive(Clone)]
pub struct Ports {
    /// Wall-clock time, for what is written on the wire.
    pub clock: Arc<dyn Clock>,
    /// For the jitter of reconnection.
    pub random: Arc<dyn Random>,
    /// Trace numbers of messages that no payment owns: sign-on and echo.
    pub sequences: Arc<dyn Sequences>,
    /// Where late, doubled and unmatched answers go.
    pub late: Arc<dyn LateAnswers>,
    /// Runs the tasks that keep connections.
    pub tasks: Arc<dyn Tasks>,
}

/// Names and explains the metrics of this crate to the recorder that is installed. Call it once, after that.
pub fn describe_metrics() {
    metrics::describe_gauge!("tollgate_acquirer_links_up", "Connections to the acquirer that are signed on.");
    metrics::describe_counter!(
        "tollgate_acquirer_disconnects_total",
        "Connections to the acquirer that ended, or did not come about."
    );
    metrics::describe_counter!(
        "tollgate_acquirer_odd_answers_total",
        "Answers that were late, matched nothing, or could not be read."
    );
}
