//! Authorize: score, route, intend, acquire, record, answer.

use super::draft::Draft;
use super::message::Manner;
use super::send::{Answered, intent_batch, seed, send, send_from, settle};
use super::{Call, Fault, answer};
use crate::exchange::Reply;
use crate::routing::{NoRoute, Question, Route, Segment};
use crate::scoring::Assessment;
use crate::scoring::facts::Circumstances;
use gateway_api::error::ApiError;
use gateway_core::Write;
use gateway_core::acquirer::{Acquirer, Answer, CustomerPresence, Trace};
use gateway_core::card::Cvc;
use gateway_core::claim::{RenderSpec, Subject};
use gateway_core::id::ReviewId;
use gateway_core::journal::{Batch, Urgency};
use gateway_core::payment::{
    AUTHORIZATION_LIFE_MS, Command, Confirm, OpenSeed, Payment, Rerouting, RiskVerdict, decide, may_confirm,
};
use risk::guard::Outcome;
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
    let now = call.engine.clock.now();
    let mut judged = call.engine.scoring.assess(attempting.draft.payment(), &attempting.circumstances, now);
    match judged.risk.verdict {
        RiskVerdict::Block => return block(call, attempting, judged).await,
        RiskVerdict::Review => judged.risk.review = Some(ReviewId(call.engine.ids.next())),
        RiskVerdict::Accept => {}
    }
    let route = route(call, attempting.draft.payment())?;
    let first = route.acquirers.first().map_or("", |acquirer| acquirer.name());
    let seed = seed(call, first).await?;
    intend(call, attempting, (judged, route, seed)).await
}

/// Chooses whom to ask. Where nobody can be asked, nothing is stored, and the same key may try again.
fn route<'a>(call: &'a Call, payment: &Payment) -> Result<Route<'a>, Fault> {
    let instrument = payment.instrument.as_ref().ok_or(Fault::Stale)?;
    let question = Question {
        mode: payment.tenant.mode,
        merchant: payment.tenant.merchant,
        amount: payment.amount,
        means: instrument.means.kind(),
        card: instrument.means.card(),
        metadata: &payment.details.metadata,
    };
    call.engine.acquirers.choose(&question).map_err(|why| match why {
        NoRoute::NoneServes => Fault::Refused(ApiError::unavailable(5)),
        NoRoute::AllFull => Fault::Refused(ApiError::unavailable(1)),
    })
}

async fn block(call: &Call, attempting: Attempting, judged: Assessment) -> Result<Reply, Fault> {
    let Attempting { mut draft, rows, render, .. } = attempting;
    let stamp = call.stamp();
    call.engine.scoring.told(judged.ticket, Outcome::Unknown, stamp.now);
    let command = Command::Block { at: judged.at, risk: judged.risk, decision: judged.decision };
    let events = decide(draft.payment(), command).map_err(|_| Fault::Stale)?;
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
    (judged, route, seed): (Assessment, Route<'_>, OpenSeed),
) -> Result<Reply, Fault> {
    let Attempting { mut draft, rows, cvc, customer, render, .. } = attempting;
    let stamp = call.stamp();
    let trace = seed.trace;
    let Route { acquirers, routed, segment, place } = route;
    let acquirer = acquirers.first().map(|a| a.name().into()).unwrap_or_default();
    let Assessment { at, risk, decision, ticket } = judged;
    let capture_before = at.plus_ms(AUTHORIZATION_LIFE_MS);
    let confirm = Confirm { at, risk, acquirer, routed, seed, capture_before, decision };
    let events = decide(draft.payment(), Command::Authorize(Box::new(confirm))).map_err(|_| Fault::Stale)?;
    draft.record(events, &stamp);
    let subject = Subject::Payment(draft.payment().id);
    let batch = intent_batch(call, rows, (subject, &render));
    let manner = Manner::first(cvc.clone(), customer);
    let first = send_from(place, &call.engine, &mut draft, (batch, (trace, manner))).await?;
    let onward = Onward { route: &acquirers, cvc, customer, segment };
    let (trace, answer) = failover(call, &mut draft, (trace, first), onward).await?;
    call.engine.scoring.told(ticket, heard(&answer), call.engine.clock.now());
    settle(Answered { call, subject, render, reference: trace.reference }, draft, answer).await
}

/// The issuer's word on the card, for the windows against card testing.
const fn heard(answer: &Answer) -> Outcome {
    match answer {
        Answer::Approved(_) => Outcome::Approved,
        Answer::Declined(_) => Outcome::Declined,
        Answer::Pending(_) | Answer::NotSent(_) | Answer::Unknown(_) | Answer::NotFound => Outcome::Unknown,
    }
}

struct Onward<'a> {
    /// Whom to ask, the one who was asked already first.
    route: &'a [Arc<dyn Acquirer>],
    cvc: Option<Cvc>,
    customer: CustomerPresence,
    segment: Option<Segment>,
}

/// Asks the next acquirer, as long as nothing has left for the one before, or it declined softly and the merchant wants
/// another to be asked then. Never after anything else.
async fn failover(
    call: &Call,
    draft: &mut Draft,
    (mut trace, mut answer): (Trace, Answer),
    onward: Onward<'_>,
) -> Result<(Trace, Answer), Fault> {
    let acquirers = &call.engine.acquirers;
    for (asked, next) in onward.route.iter().zip(&onward.route[1..]) {
        acquirers.learn(onward.segment.as_ref(), asked.name(), &answer);
        let Some(why) = rerouting(call, &answer, next.name()) else { return Ok((trace, answer)) };
        let Ok(seed) = seed(call, next.name()).await else { return Ok((trace, answer)) };
        let (from, acquirer) = (trace.reference, next.name().into());
        let reroute = Command::Reroute { from, why, acquirer, trace: seed.trace, due: seed.due };
        let events = decide(draft.payment(), reroute).map_err(|_| Fault::Stale)?;
        draft.record(events, &call.stamp());
        acquirers.failed_over(next.name(), why);
        let manner = Manner::first(onward.cvc.clone(), onward.customer);
        let batch = Batch::new(Urgency::Outcome);
        trace = seed.trace;
        answer = match send(&call.engine, draft, batch, (trace, manner)).await {
            Ok(answer) => answer,
            // The second intent is not durable: the first stands, and nothing of it left.
            Err(fault) => return Err(fault),
        };
    }
    if let Some(last) = onward.route.last() {
        acquirers.learn(onward.segment.as_ref(), last.name(), &answer);
    }
    Ok((trace, answer))
}

/// Why the next acquirer may be asked after this answer; `None` if it may not. A decline is only given up for one who can
/// be expected to answer.
fn rerouting(call: &Call, answer: &Answer, next: &str) -> Option<Rerouting> {
    match answer {
        Answer::NotSent(_) => Some(Rerouting::NotSent),
        Answer::Declined(decline) => {
            let why = Rerouting::SoftDecline(decline.code);
            let wanted = call.caller.merchant.retry_declines;
            (wanted && why.is_allowed() && call.engine.acquirers.is_ready(next)).then_some(why)
        }
        Answer::Approved(_) | Answer::Pending(_) | Answer::Unknown(_) | Answer::NotFound => None,
    }
}
