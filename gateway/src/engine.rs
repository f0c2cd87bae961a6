//! Everything that the flows share: the ports, the registries, the settings. Built once by [`crate::app`].

use crate::admit::merchants::Merchants;
use crate::flow::claims::Claims;
use crate::flow::turns::Turns;
use crate::late::{LateBox, Outstanding};
use crate::routing::Acquirers;
use crate::routing::settings::Routing;
use crate::scoring::Scoring;
use crate::tasks::Tasks;
use gateway_core::SmolStr;
use gateway_core::acquirer::Trace;
use gateway_core::id::{PaymentId, RequestId};
use gateway_core::journal::Journal;
use gateway_core::ports::{Clock, Ids, Random, SequenceError, Sequences};
use gateway_core::time::Timestamp;
use std::sync::Arc;
use std::time::Duration;

/// The sequence of messages to acquirers.
const MESSAGES: &str = "acquirer-messages";

/// Times and sizes that the flows keep to.
#[derive(Debug, Clone)]
pub struct Settings {
    /// A request waits this long for another one with the same key, or for its turn at an object.
    pub wait: Duration,
    /// A request waits for the processor this long, or is refused at once.
    pub queue: Duration,
    /// The resolver looks for due work this often.
    pub resolve_every: Duration,
    /// It works on at most this many payments at once.
    pub resolve_at_once: usize,
    /// Where pages of our own are, for challenges: `https://localhost:8443`.
    pub public_url: String,
    /// Which acquirer is asked.
    pub routing: Routing,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            wait: Duration::from_secs(20),
            queue: Duration::from_millis(400),
            resolve_every: Duration::from_millis(500),
            resolve_at_once: 32,
            public_url: "https://localhost:8443".to_owned(),
            routing: Routing::default(),
        }
    }
}

/// What the flows run on.
pub struct Engine {
    pub journal: Arc<dyn Journal>,
    pub clock: Arc<dyn Clock>,
    pub random: Arc<dyn Random>,
    pub ids: Arc<dyn Ids>,
    pub sequences: Arc<dyn Sequences>,
    pub acquirers: Acquirers,
    pub vault: crypto::vault::Vault,
    pub scoring: Arc<Scoring>,
    pub merchants: Merchants,
    pub claims: Arc<Claims>,
    pub turns: Turns<PaymentId>,
    pub outstanding: Outstanding,
    /// For answers that a flow could not record.
    pub late: Arc<LateBox>,
    pub tasks: Tasks,
    /// Drawn at the start: the owner of the claims of this process.
    pub process: u64,
    /// On the monotonic clock, when this process began.
    pub started_ns: u64,
    pub settings: Settings,
}

/// When, and for whom, something is recorded.
pub struct Stamp<'a> {
    pub now: Timestamp,
    pub ids: &'a dyn Ids,
    pub request_id: Option<RequestId>,
    pub idempotency_key: Option<SmolStr>,
}

impl Engine {
    /// A stamp of now, for what no request asked for.
    pub fn stamp(&self) -> Stamp<'_> {
        Stamp { now: self.clock.now(), ids: &*self.ids, request_id: None, idempotency_key: None }
    }

    /// New numbers for a message to an acquirer. One sequence serves all of them, so that a reference names one message
    /// of a payment, whichever acquirer it went to.
    ///
    /// # Errors
    /// The store could not lease any.
    pub async fn trace(&self) -> Result<Trace, SequenceError> {
        let number = self.sequences.next(MESSAGES).await?;
        Ok(Trace::from_sequence(number, self.clock.now()))
    }
}
