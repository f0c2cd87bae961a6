//! intend, acquire, record: the middle of every operation that asks an acquirer.

use super::draft::Draft;
use super::message::{self, Manner};
use super::save_card::commit_outcome;
use super::{Call, Fault, answer, commit_fault};
use crate::engine::{Engine, Stamp};
use crate::exchange::Reply;
use crate::routing::Place;
use gateway_api::error::ApiError;
use gateway_core::acquirer::{
    Answer, CustomerAction, LateAnswer, LateAnswers, PendingAnswer, Trace, Transmission,
};
use gateway_core::claim::{RenderSpec, Subject};
use gateway_core::journal::{Batch, Row, Urgency, Version, commit_intent};
use gateway_core::payment::{Command, Conclusion, Event, Open, OpenKind, OpenSeed, Payment, Stage, decide};
use gateway_core::refusal::Refusal;
use gateway_core::time::Timestamp;
use tracing::{error, warn};

/// After the acquirer's own deadline, so long until the resolver takes over.
pub const GRACE_MS: i64 = 500;
/// Waits between looks at a message that settled nothing double from here, in milliseconds.
pub const FIRST_WAIT_MS: u64 = 1_000;
/// And grow no further than this.
pub const LONGEST_WAIT_MS: u64 = 10_000;

/// The numbers and the deadline of a new message to `acquirer`.
///
/// # Errors
/// 503 if no numbers can be leased: nothing was done.
pub async fn seed(call: &Call, acquirer: &str) -> Result<OpenSeed, Fault> {
    let trace = call.engine.trace().await.map_err(|why| {
        error!(?why, "no trace numbers");
        ApiError::unavailable(1)
    })?;
    let due = first_due(&call.engine, acquirer, trace.at);
    Ok(OpenSeed { trace, due, claim: Some(call.claim.clone()) })
}

/// When to look at a message that leaves for the first time: its answer should have come by then.
pub fn first_due(engine: &Engine, acquirer: &str, at: Timestamp) -> Timestamp {
    let timeout = i64::try_from(engine.acquirers.timeout_ms(acquirer)).unwrap_or(i64::MAX / 2);
    at.plus_ms(timeout + GRACE_MS)
}

/// Makes the intent durable, with everything else of the batch, and sends it.
///
/// # Errors
/// Nothing was sent.
pub async fn send(
    engine: &Engine,
    draft: &mut Draft,
    batch: Batch,
    message: (Trace, Manner),
) -> Result<Answer, Fault> {
    send_from(None, engine, draft, (batch, message)).await
}

/// The same for a message for which a place was kept at its acquirer.
///
/// # Errors
/// As [`send`].
pub async fn send_from(
    place: Option<Place<'_>>,
    engine: &Engine,
    draft: &mut Draft,
    (mut batch, (trace, manner)): (Batch, (Trace, Manner)),
) -> Result<Answer, Fault> {
    let open = draft.payment().open_by_reference(trace.reference).ok_or(Fault::Stale)?;
    // Built before the commit: what can't be sent must not be intended.
    let request = message::build(engine, draft.payment(), open, manner).map_err(|why| {
        error!(why = why.0, "a message can't be built");
        ApiError::internal()
    })?;
    let acquirer = engine.acquirers.named(&open.acquirer).ok_or_else(|| {
        error!(acquirer = open.acquirer.as_str(), "the acquirer is no longer configured");
        ApiError::unavailable(5)
    })?;
    draft.write_into(&mut batch);
    let probe = batch.writes.first().map(|write| write.row.key());
    let permit = match commit_intent(&*engine.journal, batch, trace).await {
        Ok((_receipt, permit)) => permit,
        Err(error) => return Err(commit_fault(engine, probe, error).await?),
    };
    let payment = draft.payment();
    note_sent(engine, payment, (trace, request.transmission));
    Ok(engine.acquirers.ask_from(place, &*acquirer, (permit, request)).await)
}

/// A message of this payment is about to leave.
pub fn note_sent(engine: &Engine, payment: &Payment, (trace, transmission): (Trace, Transmission)) {
    let owner = (payment.tenant, payment.id);
    engine.outstanding.sent((trace.reference, transmission), owner, engine.clock.monotonic_ns());
}

/// When to look at a message again that settled nothing: doubling, with jitter, so that many do not come back at once.
pub fn next_due(engine: &Engine, tries: u32) -> Timestamp {
    let doubled = FIRST_WAIT_MS.saturating_mul(1 << tries.min(10)).min(LONGEST_WAIT_MS);
    let jittered = doubled / 2 + engine.random.below(doubled / 2 + 1);
    engine.clock.now().plus_ms(i64::try_from(jittered).unwrap_or(i64::MAX / 2))
}

/// What an answer means for the payment: decided and recorded in the draft, not stored yet.
///
/// # Errors
/// The message was answered before.
pub async fn conclude(
    engine: &Engine,
    draft: &mut Draft,
    (reference, answer, transmission): (u64, Answer, Transmission),
    stamp: &Stamp<'_>,
) -> Result<Vec<Event>, Fault> {
    let Some(open) = draft.payment().open_by_reference(reference).cloned() else {
        return conclude_closed(engine, draft, (reference, answer), stamp).await;
    };
    if let Answer::Unknown(why) | Answer::NotSent(why) = &answer {
        warn!(acquirer = open.acquirer.as_str(), reference, why, payment = %draft.payment().id, "no answer");
    }
    let needs_spare = needs_spare(draft, &open, &answer);
    let spare = if needs_spare { engine.trace().await.ok() } else { Some(open.trace) };
    let (answer, spare) = match spare {
        Some(spare) => (answer, spare),
        None => (Answer::Unknown("no numbers for what follows".to_owned()), open.trace),
    };
    let due = match &answer {
        // The customer answers on a page of ours, which tells us; elsewhere a notification may get lost, so it is asked for.
        Answer::Pending(PendingAnswer {
            action: Some(CustomerAction::Redirect { url: None } | CustomerAction::QrCode { text: None }),
            until,
        }) => *until,
        // It has left for the first time; that it could not before says nothing about how soon an answer can be had.
        Answer::Unknown(_) if transmission == Transmission::First => next_due(engine, 0),
        Answer::Pending(_)
        | Answer::Approved(_)
        | Answer::Declined(_)
        | Answer::NotSent(_)
        | Answer::Unknown(_)
        | Answer::NotFound => next_due(engine, open.tries),
    };
    let accept_partial =
        engine.merchants.merchant(draft.payment().tenant.merchant).is_some_and(|m| m.partial_approval);
    let at = stamp.now;
    let conclusion = Conclusion { reference, answer, transmission, at, due, spare, accept_partial };
    let events =
        decide(draft.payment(), Command::Conclude(Box::new(conclusion))).map_err(|_| Fault::Stale)?;
    draft.record(events.clone(), stamp);
    if draft.payment().open_by_reference(reference).is_none() {
        forget(engine, &open);
    }
    Ok(events)
}

/// From here on the store alone knows whether an answer to it still matters.
fn forget(engine: &Engine, open: &Open) {
    engine.outstanding.settled(open.trace.reference);
    if let OpenKind::Reverse { of, .. } = &open.kind {
        engine.outstanding.settled(of.reference);
    }
}

/// An answer to a message that is not outstanding any more: an approval that was never taken is recorded and put right.
async fn conclude_closed(
    engine: &Engine,
    draft: &mut Draft,
    (reference, answer): (u64, Answer),
    stamp: &Stamp<'_>,
) -> Result<Vec<Event>, Fault> {
    if !matches!(answer, Answer::Approved(_)) || draft.payment().asked_of(reference).is_none() {
        return Err(Fault::Stale);
    }
    let spare = engine.trace().await.map_err(|why| {
        error!(?why, "no trace numbers for a reversal");
        ApiError::unavailable(1)
    })?;
    let (at, transmission) = (stamp.now, Transmission::Repeat);
    let conclusion =
        Conclusion { reference, answer, transmission, at, due: at, spare, accept_partial: false };
    let events = match decide(draft.payment(), Command::Conclude(Box::new(conclusion))) {
        Ok(events) => events,
        Err(refusal) => {
            if matches!(refusal, Refusal::TooMany { .. }) {
                error!(payment = %draft.payment().id, reference, "too many approvals that can't be taken");
            }
            return Err(Fault::Stale);
        }
    };
    warn!(payment = %draft.payment().id, reference, "an approval came too late, and is put right");
    metrics::counter!("tollgate_late_approvals_total").increment(1);
    draft.record(events.clone(), stamp);
    Ok(events)
}

/// Whether a reversal or a release follows from the answer.
fn needs_spare(draft: &Draft, open: &Open, answer: &Answer) -> bool {
    let Answer::Approved(approval) = answer else { return false };
    let payment = draft.payment();
    let other_than = |asked: Option<i64>| {
        asked != Some(approval.amount.minor) || approval.amount.currency != payment.amount.currency
    };
    match &open.kind {
        OpenKind::Capture { .. } => payment.capturable_minor() > 0,
        OpenKind::Authorize | OpenKind::Sale => {
            other_than(payment.attempt_numbered(open.attempt).map(|attempt| attempt.amount_minor))
        }
        OpenKind::Increment { total_minor } => other_than(Some(*total_minor)),
        OpenKind::Refund { refund } => {
            other_than(payment.refunds.iter().find(|r| r.id.0 == *refund).map(|r| r.amount_minor))
        }
        OpenKind::Void { .. } | OpenKind::Reverse { .. } | OpenKind::Release { .. } => false,
    }
}

/// Whether the operation of this message has its final answer now.
pub fn is_settled(draft: &Draft, reference: u64) -> bool {
    match draft.payment().open_by_reference(reference) {
        // Replaced by its reversal: the answer waits for that.
        None => !draft.payment().open.iter().any(|o| o.claim.is_some() && o.holds_payment()),
        Some(open) => matches!(open.stage, Stage::Accepted { action: Some(_), .. }),
    }
}

/// An operation whose intent is durable and whose message was sent.
pub struct Answered<'a> {
    pub call: &'a Call,
    pub subject: Subject,
    pub render: RenderSpec,
    pub reference: u64,
}

/// Records the acquirer's answer and the operation's own in one commit, and gives the latter.
///
/// # Errors
/// The outcome could not be stored: it stays unknown, and the resolver finds it.
pub async fn settle(answered: Answered<'_>, mut draft: Draft, answer: Answer) -> Result<Reply, Fault> {
    let Answered { call, subject, render, reference } = answered;
    let stamp = call.stamp();
    let kept = keepsake(&draft, reference, &answer);
    let events = conclude(&call.engine, &mut draft, (reference, answer, Transmission::First), &stamp).await;
    let events = events.inspect_err(|_| keep(call, kept.clone()))?;
    let reply = answer::render(&call.engine, draft.payment(), (&events, subject), &render).await;
    let reply = reply.inspect_err(|_| keep(call, kept.clone()))?;
    let settled = is_settled(&draft, reference) || matches!(subject, Subject::Refund { .. });
    let mut batch = Batch::new(Urgency::Outcome);
    draft.write_into(&mut batch);
    if settled {
        batch.replace(Version(1), call.settled(subject, render, &reply));
    }
    match commit_outcome(&call.engine, batch, (&draft, &events), &stamp).await {
        Ok(()) => Ok(reply),
        Err(fault) => {
            // What was sent stays recorded as sent. The same key will show what became of it.
            warn!(?fault, payment = %draft.payment().id, "an outcome could not be stored");
            keep(call, kept);
            Err(Fault::Refused(ApiError::internal()))
        }
    }
}

/// An answer that may not be lost, whatever becomes of the flow that waited for it.
fn keepsake(draft: &Draft, reference: u64, answer: &Answer) -> Option<LateAnswer> {
    if !matches!(answer, Answer::Approved(_) | Answer::Declined(_)) {
        return None;
    }
    let open = draft.payment().open_by_reference(reference)?;
    let (acquirer, kind) = (open.acquirer.clone(), message::kind_of(open));
    Some(LateAnswer { acquirer, trace: open.trace, kind, answer: answer.clone() })
}

/// Hands an answer that could not be recorded to where late answers are matched, and tried again.
fn keep(call: &Call, answer: Option<LateAnswer>) {
    if let Some(answer) = answer {
        call.engine.late.arrived(answer);
    }
}

/// The rows of an intent: what comes with it, and the claim that its answer will settle.
pub fn intent_batch(
    call: &Call,
    rows: Vec<gateway_core::Write>,
    (subject, render): (Subject, &RenderSpec),
) -> Batch {
    let mut batch = Batch::new(call.urgency);
    batch.writes = rows;
    let claim: Row = call.provisional(subject, render.clone());
    batch.insert(claim);
    batch
}
