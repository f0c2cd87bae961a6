//! Approve: a person has looked at a payment under review, and its capture goes on.

use super::capture::abilities;
use super::draft::Draft;
use super::message::Manner;
use super::send::{Answered, intent_batch, seed, send, settle};
use super::{Call, Fault, answer};
use crate::exchange::Reply;
use gateway_core::acquirer::CustomerPresence;
use gateway_core::claim::{RenderSpec, Subject};
use gateway_core::journal::{Batch, Urgency};
use gateway_core::payment::{Command, decide};
use gateway_core::refusal::Refusal;

/// Tells an approval's story. The caller has the payment's turn.
///
/// # Errors
/// See [`Fault`]; refusals and a declined capture are replies.
pub async fn approve(call: &Call, mut draft: Draft, render: RenderSpec) -> Result<Reply, Fault> {
    let Some(acquirer) = draft.payment().attempt().map(|attempt| attempt.acquirer.clone()) else {
        return answer::refuse(call, draft, Refusal::ReviewClosed, render).await;
    };
    let seed = seed(call, &acquirer).await?;
    let trace = seed.trace;
    let abilities = abilities(call, &draft);
    let stamp = call.stamp();
    let events = match decide(draft.payment(), Command::Approve { at: stamp.now, abilities, seed }) {
        Ok(events) => events,
        Err(refusal) => return answer::refuse(call, draft, refusal, render).await,
    };
    draft.record(events.clone(), &stamp);
    let subject = Subject::Review(draft.payment().id);
    if draft.payment().open_by_reference(trace.reference).is_none() {
        // A manual capture stays the merchant's: nothing is sent.
        let reply = answer::render(&call.engine, draft.payment(), (&events, subject), &render).await?;
        let mut batch = Batch::new(Urgency::New);
        draft.write_into(&mut batch);
        return call.finish(batch, subject, reply).await;
    }
    let batch = intent_batch(call, Vec::new(), (subject, &render));
    let manner = Manner::first(None, CustomerPresence::Absent);
    let answer = send(&call.engine, &mut draft, batch, (trace, manner)).await?;
    settle(Answered { call, subject, render, reference: trace.reference }, draft, answer).await
}
