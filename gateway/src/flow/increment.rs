//! Increment: raise a hold to a new total.

use super::capture::abilities;
use super::draft::Draft;
use super::message::Manner;
use super::send::{Answered, intent_batch, seed, send, settle};
use super::{Call, Fault, answer};
use crate::exchange::Reply;
use gateway_core::acquirer::CustomerPresence;
use gateway_core::claim::{RenderSpec, Subject};
use gateway_core::payment::{Command, decide};
use gateway_core::refusal::{Operation, Refusal};

/// Tells an increment's story. The caller has the payment's turn.
///
/// # Errors
/// See [`Fault`]; refusals and declines are replies.
pub async fn increment(
    call: &Call,
    mut draft: Draft,
    total_minor: i64,
    render: RenderSpec,
) -> Result<Reply, Fault> {
    let Some(acquirer) = draft.payment().attempt().map(|attempt| attempt.acquirer.clone()) else {
        let status = draft.payment().status();
        let refusal = Refusal::UnexpectedState { status, operation: Operation::Increment };
        return answer::refuse(call, draft, refusal, render).await;
    };
    let seed = seed(call, &acquirer).await?;
    let trace = seed.trace;
    let command = Command::Increment { total_minor, abilities: abilities(call, &draft), seed };
    let events = match decide(draft.payment(), command) {
        Ok(events) => events,
        Err(refusal) => return answer::refuse(call, draft, refusal, render).await,
    };
    draft.record(events, &call.stamp());
    let subject = Subject::Payment(draft.payment().id);
    let batch = intent_batch(call, Vec::new(), (subject, &render));
    let manner = Manner::first(None, CustomerPresence::Absent);
    let answer = send(&call.engine, &mut draft, batch, (trace, manner)).await?;
    settle(Answered { call, subject, render, reference: trace.reference }, draft, answer).await
}
