//! Answers that nobody waits for any more: adapters drop them here, the resolver matches them with what is outstanding.

use crate::engine::Engine;
use crate::flow::resolve;
use dashmap::DashMap;
use gateway_core::acquirer::{LateAnswer, LateAnswers};
use gateway_core::id::PaymentId;
use gateway_core::tenant::Tenant;
use std::sync::Arc;
use tokio::sync::mpsc;
use tracing::warn;

/// Late answers that may wait to be matched. One more is dropped and counted: the next inquiry or repeat gets it again.
const ROOM: usize = 4096;

/// The way in, for adapters.
pub struct LateBox {
    sender: mpsc::Sender<LateAnswer>,
}

/// The way out, for [`run`].
pub struct LateQueue {
    receiver: mpsc::Receiver<LateAnswer>,
}

/// A bounded queue of late answers.
pub fn queue() -> (Arc<LateBox>, LateQueue) {
    let (sender, receiver) = mpsc::channel(ROOM);
    (Arc::new(LateBox { sender }), LateQueue { receiver })
}

impl LateAnswers for LateBox {
    fn arrived(&self, answer: LateAnswer) {
        if self.sender.try_send(answer).is_err() {
            metrics::counter!("tollgate_late_answers_total", "match" => "dropped").increment(1);
        }
    }
}

/// Which payment an outstanding message belongs to, by the acquirer and the reference.
#[derive(Default)]
pub struct Outstanding {
    by_reference: DashMap<(String, u64), (Tenant, PaymentId)>,
}

impl Outstanding {
    /// A message is about to be sent.
    pub fn sent(&self, acquirer: &str, reference: u64, payment: (Tenant, PaymentId)) {
        self.by_reference.insert((acquirer.to_owned(), reference), payment);
    }

    /// Its outcome is known and stored.
    pub fn settled(&self, acquirer: &str, reference: u64) {
        self.by_reference.remove(&(acquirer.to_owned(), reference));
    }

    /// The payment of a message.
    pub fn payment(&self, acquirer: &str, reference: u64) -> Option<(Tenant, PaymentId)> {
        self.by_reference.get(&(acquirer.to_owned(), reference)).map(|found| *found.value())
    }
}

/// Matches late answers until every adapter is gone.
pub async fn run(engine: Arc<Engine>, mut queue: LateQueue) {
    while let Some(answer) = queue.receiver.recv().await {
        match engine.outstanding.payment(&answer.acquirer, answer.trace.reference) {
            Some(payment) => resolve::late(&engine, payment, answer).await,
            None => {
                metrics::counter!("tollgate_late_answers_total", "match" => "none").increment(1);
                warn!(
                    acquirer = answer.acquirer,
                    reference = answer.trace.reference,
                    "a late answer to nothing known"
                );
            }
        }
    }
}
