//! Refund: pay back what was captured, in parts or whole.

use super::draft::Draft;
use super::message::Manner;
use super::send::{Answered, intent_batch, seed, send, settle};
use super::{Call, Fault, answer};
use crate::exchange::Reply;
use gateway_core::Write;
use gateway_core::acquirer::CustomerPresence;
use gateway_core::claim::{RenderSpec, Subject};
use gateway_core::journal::{Expect, RefundRef, Row};
use gateway_core::payment::{Command, RefundRequest, decide};
use gateway_core::refusal::Refusal;

/// Tells a refund's story. The caller has the payment's turn.
///
/// # Errors
/// See [`Fault`]; refusals are replies.
pub async fn refund(
    call: &Call,
    mut draft: Draft,
    request: RefundRequest,
    render: RenderSpec,
) -> Result<Reply, Fault> {
    let Some(acquirer) = draft.payment().attempt().map(|attempt| attempt.acquirer.clone()) else {
        return answer::refuse(call, draft, Refusal::NothingCaptured, render).await;
    };
    if acquirer.is_empty() {
        return answer::refuse(call, draft, Refusal::NothingCaptured, render).await;
    }
    let seed = seed(call, &acquirer).await?;
    let trace = seed.trace;
    let id = request.id;
    let events = match decide(draft.payment(), Command::Refund { request: Box::new(request), seed }) {
        Ok(events) => events,
        Err(refusal) => return answer::refuse(call, draft, refusal, render).await,
    };
    draft.record(events, &call.stamp());
    let (tenant, payment) = (draft.payment().tenant, draft.payment().id);
    let reference = Row::Refund(RefundRef { id, tenant, payment });
    let subject = Subject::Refund { payment, refund: id.0 };
    let rows = vec![Write { expect: Expect::Absent, row: reference }];
    let batch = intent_batch(call, rows, (subject, &render));
    let manner = Manner::first(None, CustomerPresence::Absent);
    let answer = send(&call.engine, &mut draft, batch, (trace, manner)).await?;
    settle(Answered { call, subject, render, reference: trace.reference }, draft, answer).await
}
