//! Authorize: score, route, intend, acquire, record, answer.

use super::draft::Draft;
use super::message::Manner;
use super::send::{Answered, intent_batch, seed, send, settle};
use super::{Call, Fault, answer};
use crate::exchange::Reply;
use crate::scoring::Circumstances;
use gateway_api::error::ApiError;
use gateway_core::Write;
use gateway_core::acquirer::{Acquirer, Answer, CustomerPresence, Trace};
use gateway_core::card::Cvc;
use gateway_core::claim::{RenderSpec, Subject};
use gateway_core::journal::{Batch, Urgency};
use gateway_core::payment::{
    AUTHORIZATION_LIFE_MS, Command, Confirm, OpenSeed, RiskOutcome, RiskVerdict, decide, may_confirm,
};
use std::sync::Arc;

/// A payment that is to be confirmed, with what came along.
pub struct Attempting {
    pub draft: Draft,
    /// Rows that are written with the intent: a new payment method, a used token.
    pub rows: Vec<Write>,
    pub cvc: Option<Cvc>,
    pub customer: CustomerPresence,
    pub circumstances: Circumstances,
    pub render: RenderSpec,
}

/// Tells one attempt's story. The caller has the payment's turn.
///
/// # Errors
/// See [`Fault`]; declines and refusals are replies.
pub async fn authorize(call: &Call, attempting: Attempting) -> Result<Reply, Fault> {
    if let Err(refusal) = may_confirm(attempting.draft.payment()) {
        return answer::refuse(call, attempting.draft, refusal, attempting.render).await;
    }
    let risk = call.engine.scoring.assess(
        attempting.draft.payment(),
        &attempting.circumstances,
        call.engine.clock.now(),
    );
    if risk.verdict == RiskVerdict::Block {
        return block(call, attempting, risk).await;
    }
    let route = call.engine.acquirers.route(call.caller.tenant.mode);
    let Some(first) = route.first() else {
        return Err(Fault::Refused(ApiError::unavailable(5)));
    };
    let seed = seed(call, first.name()).await?;
    intend(call, attempting, (risk, route, seed)).await
}

async fn block(call: &Call, attempting: Attempting, risk: RiskOutcome) -> Result<Reply, Fault> {
    let Attempting { mut draft, rows, render, .. } = attempting;
    let stamp = call.stamp();
    let events = decide(draft.payment(), Command::Block { at: stamp.now, risk }).map_err(|_| Fault::Stale)?;
    draft.record(events.clone(), &stamp);
    let subject = Subject::Payment(draft.payment().id);
    let reply = answer::render(&call.engine, draft.payment(), (&events, subject), &render).await?;
    let mut batch = Batch::new(Urgency::New);
    batch.writes = rows;
    draft.write_into(&mut batch);
    call.finish(batch, subject, reply).await
}

async fn intend(
    call: &Call,
    attempting: Attempting,
    (risk, route, seed): (RiskOutcome, Vec<Arc<dyn Acquirer>>, OpenSeed),
) -> Result<Reply, Fault> {
    let Attempting { mut draft, rows, cvc, customer, render, .. } = attempting;
    let stamp = call.stamp();
    let trace = seed.trace;
    let acquirer = route.first().map(|a| a.name().to_owned()).unwrap_or_default();
    let capture_before = stamp.now.plus_ms(AUTHORIZATION_LIFE_MS);
    let confirm = Confirm { at: stamp.now, risk, acquirer, seed, capture_before };
    let events = decide(draft.payment(), Command::Authorize(Box::new(confirm))).map_err(|_| Fault::Stale)?;
    draft.record(events, &stamp);
    let subject = Subject::Payment(draft.payment().id);
    let batch = intent_batch(call, rows, (subject, &render));
    let first = send(&call.engine, &mut draft, batch, (trace, Manner::first(cvc.clone(), customer))).await?;
    let onward = Onward { route: &route[1..], cvc, customer };
    let (trace, answer) = failover(call, &mut draft, (trace, first), onward).await?;
    settle(Answered { call, subject, render, reference: trace.reference }, draft, answer).await
}

struct Onward<'a> {
    route: &'a [Arc<dyn Acquirer>],
    cvc: Option<Cvc>,
    customer: CustomerPresence,
}

/// Asks the next acquirer, as long as nothing has left for the one before. Never after anything else.
async fn failover(
    call: &Call,
    draft: &mut Draft,
    (mut trace, mut answer): (Trace, Answer),
    onward: Onward<'_>,
) -> Result<(Trace, Answer), Fault> {
    for next in onward.route {
        if !matches!(answer, Answer::NotSent(_)) {
            break;
        }
        let Ok(seed) = seed(call, next.name()).await else { break };
        let reroute = Command::Reroute {
            from: trace.reference,
            acquirer: next.name().to_owned(),
            trace: seed.trace,
            due: seed.due,
        };
        let events = decide(draft.payment(), reroute).map_err(|_| Fault::Stale)?;
        draft.record(events, &call.stamp());
        let manner = Manner::first(onward.cvc.clone(), onward.customer);
        let batch = Batch::new(Urgency::Outcome);
        trace = seed.trace;
        answer = match send(&call.engine, draft, batch, (trace, manner)).await {
            Ok(answer) => answer,
            // The second intent is not durable: the first stands, and nothing of it left.
            Err(fault) => return Err(fault),
        };
    }
    Ok((trace, answer))
}
