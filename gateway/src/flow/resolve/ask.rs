//! What is sent to learn an outcome, or to undo what has none: inquiries, repeats, reversals, and the void of a hold that ran out.

use super::load;
use super::patience::{is_deciding, may_arrive, postpone, retry_intent};
use super::record::{record, record_as};
use crate::engine::Engine;
use crate::flow::draft::Draft;
use crate::flow::message::{self, Manner};
use crate::flow::send::{first_due, next_due, note_sent};
use crate::flow::{Fault, commit_fault};
use gateway_core::acquirer::{
    Acquirer, AcquirerRequest, Answer, CustomerPresence, Link, Permit, Trace, Transmission,
};
use gateway_core::id::PaymentId;
use gateway_core::journal::{Batch, Urgency, commit_intent};
use gateway_core::payment::{Command, Open, OpenKind, OpenSeed, STUCK_AFTER, Stage, decide};
use gateway_core::tenant::Tenant;
use std::sync::Arc;
use tracing::error;

/// Asks what became of it. An inquiry moves nothing, so it needs no durable intent.
pub(super) async fn inquire(
    engine: &Arc<Engine>,
    draft: &mut Draft,
    (open, acquirer): (&Open, &dyn Acquirer),
) -> Result<(), Fault> {
    let Ok(request) = message::build(engine, draft.payment(), open, Manner::inquiry()) else {
        return postpone(engine, draft, open).await;
    };
    let Some(permit) = Permit::harmless(&request) else { return Err(Fault::Stale) };
    let answer = engine.acquirers.ask(acquirer, permit, request).await;
    let now = engine.clock.now();
    let may_still_arrive = may_arrive(engine, open.trace.reference, acquirer);
    let waited_out = is_deciding(engine, open, now) == Some(false);
    match &answer {
        // The original may be on its way: "not found" is no answer yet.
        Answer::NotFound if may_still_arrive => postpone(engine, draft, open).await,
        // Not the hold is unknown, but that its rest was to be given back.
        Answer::NotFound if matches!(open.kind, OpenKind::Release { .. }) => {
            repeat(engine, draft, (open, acquirer)).await
        }
        Answer::Unknown(_) | Answer::NotSent(_) => postpone(engine, draft, open).await,
        Answer::Pending(_) if waited_out => reverse(engine, draft, (open, acquirer)).await,
        Answer::Pending(_) if matches!(open.stage, Stage::Accepted { .. }) => {
            postpone(engine, draft, open).await
        }
        Answer::Approved(_) | Answer::Declined(_) | Answer::Pending(_) | Answer::NotFound => {
            record(engine, draft, (open, answer)).await
        }
    }
}

/// Sends an advice or a reversal (again), its intent durable first.
pub(super) async fn repeat(
    engine: &Arc<Engine>,
    draft: &mut Draft,
    (open, acquirer): (&Open, &dyn Acquirer),
) -> Result<(), Fault> {
    let never_sent = open.stage == Stage::Unsent;
    let manner = if never_sent { Manner::first(None, CustomerPresence::Absent) } else { Manner::repeat() };
    let Some(request) = built(engine, draft, (open, manner)) else {
        return postpone(engine, draft, open).await;
    };
    // It would not leave, and be stored for nothing.
    if open.tries > STUCK_AFTER && acquirer.link() == Link::Down {
        return postpone(engine, draft, open).await;
    }
    let due = if never_sent {
        first_due(engine, &open.acquirer, engine.clock.now())
    } else {
        next_due(engine, open.tries)
    };
    retry_intent(draft, &engine.stamp(), (open, due))?;
    let answer = transmit(engine, draft, (open.trace, request), acquirer).await?;
    settle_follow_up(engine, draft, (open, acquirer), (answer, never_sent)).await
}

/// Records the answer to an advice or a reversal, if it settles anything.
async fn settle_follow_up(
    engine: &Arc<Engine>,
    draft: &mut Draft,
    (open, acquirer): (&Open, &dyn Acquirer),
    (answer, first): (Answer, bool),
) -> Result<(), Fault> {
    match &answer {
        Answer::Approved(_) | Answer::Declined(_) => record(engine, draft, (open, answer)).await,
        // Only a reversal of something that can no longer arrive is settled by "not found".
        Answer::NotFound => match &open.kind {
            OpenKind::Reverse { of, .. } if !may_arrive(engine, of.reference, acquirer) => {
                record(engine, draft, (open, answer)).await
            }
            OpenKind::Release { .. } if !may_arrive(engine, open.trace.reference, acquirer) => {
                record(engine, draft, (open, answer)).await
            }
            OpenKind::Reverse { .. }
            | OpenKind::Release { .. }
            | OpenKind::Authorize
            | OpenKind::Sale
            | OpenKind::Increment { .. }
            | OpenKind::Capture { .. }
            | OpenKind::Void { .. }
            | OpenKind::Refund { .. } => Ok(()),
        },
        // Still for the first time, next time; or it has left, and is looked at as soon as anything first sent.
        Answer::NotSent(_) | Answer::Unknown(_) if first => {
            record_as(engine, draft, (open, answer), Transmission::First).await
        }
        Answer::NotSent(_) | Answer::Unknown(_) | Answer::Pending(_) => Ok(()),
    }
}

/// The request of a message; `None`, and an operator is told, if it can't be made.
fn built(engine: &Engine, draft: &Draft, (open, manner): (&Open, Manner)) -> Option<AcquirerRequest> {
    message::build(engine, draft.payment(), open, manner)
        .inspect_err(|why| {
            error!(why = why.0, payment = %draft.payment().id, "a message can't be built");
        })
        .ok()
}

/// Makes what the draft holds durable, the intent of this message among it, and sends the message.
async fn transmit(
    engine: &Engine,
    draft: &mut Draft,
    (trace, request): (Trace, AcquirerRequest),
    acquirer: &dyn Acquirer,
) -> Result<Answer, Fault> {
    let mut batch = Batch::new(Urgency::Outcome);
    draft.write_into(&mut batch);
    let probe = batch.writes.first().map(|write| write.row.key());
    let permit = match commit_intent(&*engine.journal, batch, trace).await {
        Ok((_receipt, permit)) => permit,
        Err(error) => return Err(commit_fault(engine, probe, error).await?),
    };
    note_sent(engine, draft.payment(), (trace, request.transmission));
    Ok(engine.acquirers.ask(acquirer, permit, request).await)
}

/// Undoes a message whose outcome can't be learned.
pub(super) async fn reverse(
    engine: &Arc<Engine>,
    draft: &mut Draft,
    (open, acquirer): (&Open, &dyn Acquirer),
) -> Result<(), Fault> {
    // The card of both is the same: what can't be asked about can't be undone.
    if built(engine, draft, (open, Manner::inquiry())).is_none() {
        return postpone(engine, draft, open).await;
    }
    let Ok(trace) = engine.trace().await else { return postpone(engine, draft, open).await };
    let seed = OpenSeed { trace, due: next_due(engine, open.tries), claim: open.claim.clone() };
    let command = Command::Reverse { reference: open.trace.reference, seed };
    let Ok(events) = decide(draft.payment(), command) else { return postpone(engine, draft, open).await };
    draft.record(events, &engine.stamp());
    let reversal = draft.payment().open_by_reference(trace.reference).cloned().ok_or(Fault::Stale)?;
    let manner = Manner::first(None, CustomerPresence::Absent);
    let request = built(engine, draft, (&reversal, manner)).ok_or(Fault::Stale)?;
    let answer = transmit(engine, draft, (trace, request), acquirer).await?;
    settle_follow_up(engine, draft, (&reversal, acquirer), (answer, true)).await
}

/// Gives back a hold, if it has run out.
pub(super) async fn expire(
    engine: &Arc<Engine>,
    (tenant, payment): (Tenant, PaymentId),
) -> Result<(), Fault> {
    let Some(mut draft) = load(engine, tenant, payment).await? else { return Ok(()) };
    let now = engine.clock.now();
    if draft.payment().expiry().is_none_or(|(_, at)| now < at) {
        return Ok(());
    }
    let name = draft.payment().attempt().map(|attempt| attempt.acquirer.clone()).unwrap_or_default();
    let Some(acquirer) = engine.acquirers.named(&name) else {
        error!(acquirer = name.as_str(), %payment, "a hold has run out, and its acquirer is not configured");
        return Err(Fault::Stale);
    };
    let trace = engine.trace().await.map_err(|_| Fault::Stale)?;
    let timeout = i64::try_from(engine.acquirers.timeout_ms(&name)).unwrap_or(i64::MAX / 2);
    let seed = OpenSeed { trace, due: now.plus_ms(timeout), claim: None };
    let events = decide(draft.payment(), Command::Expire { at: now, seed }).map_err(|_| Fault::Stale)?;
    draft.record(events, &engine.stamp());
    let open = draft.payment().open_by_reference(trace.reference).cloned().ok_or(Fault::Stale)?;
    let manner = Manner::first(None, CustomerPresence::Absent);
    let request = built(engine, &draft, (&open, manner)).ok_or(Fault::Stale)?;
    let answer = transmit(engine, &mut draft, (trace, request), &*acquirer).await?;
    settle_follow_up(engine, &mut draft, (&open, &*acquirer), (answer, true)).await
}
