//! Capture: take a hold's money, in one or several parts.

use super::draft::Draft;
use super::message::Manner;
use super::send::{Answered, intent_batch, seed, send, settle};
use super::{Call, Fault, answer};
use crate::exchange::Reply;
use gateway_core::acquirer::{Abilities, Able, CustomerPresence, FinalCapture};
use gateway_core::claim::{RenderSpec, Subject};
use gateway_core::payment::{Command, decide};
use gateway_core::refusal::{Operation, Refusal};

/// What is asked.
pub struct Capture {
    /// Minor units; `None`: all that is capturable.
    pub amount_minor: Option<i64>,
    pub last: FinalCapture,
    /// The payment intent, or its charge.
    pub subject: Subject,
    pub render: RenderSpec,
}

/// What the acquirer of the payment's hold can do; nothing, if the configuration no longer has it.
pub fn abilities(call: &Call, draft: &Draft) -> Abilities {
    let name = draft.payment().attempt().map_or("", |attempt| attempt.acquirer.as_str());
    match call.engine.acquirers.named(name) {
        Some(acquirer) => acquirer.abilities(),
        None => Abilities {
            inquiry: Able::No,
            partial_capture: Able::No,
            multiple_capture: Able::No,
            incremental: Able::No,
            repeat_window_ms: 0,
            max_delay_ms: 0,
        },
    }
}

/// Tells a capture's story. The caller has the payment's turn.
///
/// # Errors
/// See [`Fault`]; refusals are replies.
pub async fn capture(call: &Call, mut draft: Draft, capture: Capture) -> Result<Reply, Fault> {
    let Capture { amount_minor, last, subject, render } = capture;
    let Some(acquirer) = draft.payment().attempt().map(|attempt| attempt.acquirer.clone()) else {
        let status = draft.payment().status();
        let refusal = Refusal::UnexpectedState { status, operation: Operation::Capture };
        return answer::refuse_about(call, draft, (subject, refusal), render).await;
    };
    let seed = seed(call, &acquirer).await?;
    let trace = seed.trace;
    let abilities = abilities(call, &draft);
    let stamp = call.stamp();
    let command = Command::Capture { amount_minor, last, at: stamp.now, abilities, seed };
    let events = match decide(draft.payment(), command) {
        Ok(events) => events,
        Err(refusal) => return answer::refuse_about(call, draft, (subject, refusal), render).await,
    };
    draft.record(events, &stamp);
    let batch = intent_batch(call, Vec::new(), (subject, &render));
    let manner = Manner::first(None, CustomerPresence::Absent);
    let answer = send(&call.engine, &mut draft, batch, (trace, manner)).await?;
    settle(Answered { call, subject, render, reference: trace.reference }, draft, answer).await
}
