//! Answers that nobody waits for any more: adapters drop them here, and they are matched with what awaits them, at any age: by a
//! table in memory for messages of this process, else by the store.

use crate::engine::Engine;
use crate::flow::Fault;
use crate::flow::resolve;
use dashmap::{DashMap, DashSet};
use gateway_core::acquirer::{LateAnswer, LateAnswers, Transmission};
use gateway_core::id::PaymentId;
use gateway_core::journal::{Query, Row};
use gateway_core::tenant::Tenant;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc};
use tracing::{error, info, warn};

/// Late answers that may wait to be matched. One more is dropped, counted and reported.
const ROOM: usize = 65_536;
/// So many are matched at once.
const AT_ONCE: usize = 64;
/// An answer that can't be recorded (the store takes nothing, the payment's turn does not come) is tried again this often.
const TRIES: u32 = 40;
/// The longest wait in between.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

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
        if let Err(full) = self.sender.try_send(answer) {
            let answer = match &full {
                mpsc::error::TrySendError::Full(answer) | mpsc::error::TrySendError::Closed(answer) => answer,
            };
            count("dropped");
            error!(
                acquirer = answer.acquirer.as_str(),
                reference = answer.trace.reference,
                "too many late answers: one is dropped; compare the acquirer's book with ours"
            );
        }
    }
}

fn count(matched: &'static str) {
    metrics::counter!("tollgate_late_answers_total", "match" => matched).increment(1);
}

/// A message that this process sent.
#[derive(Debug, Clone, Copy)]
struct Sent {
    payment: (Tenant, PaymentId),
    /// On the monotonic clock.
    at_ns: u64,
}

/// Which payment an outstanding message of this process belongs to, by its reference, and when it was sent.
#[derive(Default)]
pub struct Outstanding {
    by_reference: DashMap<u64, Sent>,
    /// Stuck messages, and until when on the monotonic clock they are left alone.
    resting: DashMap<u64, u64>,
    /// Messages whose customer has just acted, and whose outcome somebody waits for.
    watched: DashSet<u64>,
}

/// Somebody's watch over a message; it ends when this is dropped.
pub struct Watch<'o> {
    over: &'o Outstanding,
    reference: u64,
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        self.over.watched.remove(&self.reference);
    }
}

impl Outstanding {
    /// A message is about to be sent, now on the monotonic clock.
    pub fn sent(
        &self,
        (reference, transmission): (u64, Transmission),
        payment: (Tenant, PaymentId),
        at_ns: u64,
    ) {
        let sent = Sent { payment, at_ns };
        match transmission {
            // Also of one that its acquirer was sure not to have: from now on this one may be on its way.
            Transmission::First => drop(self.by_reference.insert(reference, sent)),
            // The first sending counts: what arrives may be that one.
            Transmission::Repeat => drop(self.by_reference.entry(reference).or_insert(sent)),
        }
    }

    /// Its outcome is known and stored.
    pub fn settled(&self, reference: u64) {
        self.by_reference.remove(&reference);
        if !self.resting.is_empty() {
            self.resting.remove(&reference);
        }
    }

    /// Nothing is new about a stuck message: until then it is not looked at. Kept in memory only, since it would be a row at each look.
    pub fn rest(&self, reference: u64, until_ns: u64) {
        self.resting.insert(reference, until_ns);
    }

    /// Whether a message rests at this time of the monotonic clock.
    pub fn rests(&self, reference: u64, now_ns: u64) -> bool {
        self.resting.get(&reference).is_some_and(|until| now_ns < *until)
    }

    /// Takes the watch over a message; `None` if somebody has it: two need not ask.
    pub fn watch(&self, reference: u64) -> Option<Watch<'_>> {
        self.watched.insert(reference).then_some(Watch { over: self, reference })
    }

    /// The payment of a message.
    pub fn payment(&self, reference: u64) -> Option<(Tenant, PaymentId)> {
        self.by_reference.get(&reference).map(|found| found.payment)
    }

    /// When a message was first sent, on the monotonic clock; `None` if not by this process.
    pub fn sent_at_ns(&self, reference: u64) -> Option<u64> {
        self.by_reference.get(&reference).map(|found| found.at_ns)
    }

    /// Messages whose outcome is not known.
    pub fn len(&self) -> usize {
        self.by_reference.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.by_reference.is_empty()
    }
}

/// Matches late answers until the application ends, so many at once: one that must wait for its payment delays no other.
pub async fn run(engine: Arc<Engine>, mut queue: LateQueue) {
    let room = Arc::new(Semaphore::new(AT_ONCE));
    while let Some(answer) = queue.receiver.recv().await {
        let Ok(permit) = Arc::clone(&room).acquire_owned().await else { return };
        let engine = Arc::clone(&engine);
        engine.tasks.clone().spawn(async move {
            take(&engine, answer).await;
            drop(permit);
        });
    }
}

/// Matches and records one answer, however often it takes.
async fn take(engine: &Arc<Engine>, answer: LateAnswer) {
    for tries in 0..TRIES {
        match try_once(engine, &answer).await {
            Ok(matched) => return count(matched),
            Err(fault) => info!(?fault, reference = answer.trace.reference, "a late answer waits"),
        }
        let wait = engine.settings.resolve_every.saturating_mul(1 << tries.min(10));
        tokio::time::sleep(wait.min(LONGEST_WAIT)).await;
    }
    count("lost");
    error!(
        acquirer = answer.acquirer.as_str(),
        reference = answer.trace.reference,
        "a late answer could not be recorded; compare the acquirer's book with ours"
    );
}

/// What the answer matched.
async fn try_once(engine: &Arc<Engine>, answer: &LateAnswer) -> Result<&'static str, Fault> {
    let reference = answer.trace.reference;
    if let Some(payment) = engine.outstanding.payment(reference) {
        return resolve::late(engine, payment, answer).await;
    }
    let found = engine.journal.query(&Query::Awaiting { reference }).await.map_err(|why| {
        warn!(?why, "the store can't be asked for a message");
        Fault::Stale
    })?;
    let mut matched = "none";
    for stored in found {
        let Row::Payment(row) = stored.row else { continue };
        matched = resolve::late(engine, (row.payment.tenant, row.payment.id), answer).await?;
    }
    Ok(matched)
}
