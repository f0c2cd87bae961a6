//! Cancel: give a hold back, or end a payment that holds nothing.

use super::draft::Draft;
use super::message::Manner;
use super::send::{Answered, intent_batch, seed, send, settle};
use super::{Call, Fault, answer};
use crate::exchange::Reply;
use gateway_core::acquirer::{CustomerPresence, Trace};
use gateway_core::claim::{RenderSpec, Subject};
use gateway_core::journal::Batch;
use gateway_core::payment::{CancellationReason, Command, OpenSeed, decide};

/// Tells a cancellation's story. The caller has the payment's turn.
///
/// # Errors
/// See [`Fault`]; refusals are replies.
pub async fn cancel(
    call: &Call,
    mut draft: Draft,
    reason: CancellationReason,
    render: RenderSpec,
) -> Result<Reply, Fault> {
    let held_by =
        draft.payment().attempt().map(|attempt| attempt.acquirer.clone()).filter(|name| !name.is_empty());
    let seed = match &held_by {
        Some(acquirer) => seed(call, acquirer).await?,
        None => nowhere(call),
    };
    let trace = seed.trace;
    let stamp = call.stamp();
    let events = match decide(draft.payment(), Command::Cancel { reason, at: stamp.now, seed }) {
        Ok(events) => events,
        Err(refusal) => return answer::refuse(call, draft, refusal, render).await,
    };
    draft.record(events.clone(), &stamp);
    let subject = Subject::Payment(draft.payment().id);
    if draft.payment().open_by_reference(trace.reference).is_none() {
        let reply = answer::render(&call.engine, draft.payment(), (&events, subject), &render).await?;
        let mut batch = Batch::new(call.urgency);
        draft.write_into(&mut batch);
        return call.finish(batch, subject, reply).await;
    }
    let batch = intent_batch(call, Vec::new(), (subject, &render));
    let manner = Manner::first(None, CustomerPresence::Absent);
    let answer = send(&call.engine, &mut draft, batch, (trace, manner)).await?;
    settle(Answered { call, subject, render, reference: trace.reference }, draft, answer).await
}

/// No acquirer holds anything: the numbers are never used.
fn nowhere(call: &Call) -> OpenSeed {
    let at = call.engine.clock.now();
    OpenSeed { trace: Trace { stan: 0, reference: 0, at }, due: at, claim: Some(call.claim.clone()) }
}
