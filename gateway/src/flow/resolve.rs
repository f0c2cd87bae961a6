//! Resolve: what becomes of messages whose outcome is not known, and of holds that run out.
//!
//! Nothing is guessed. The only ways out are the acquirer's answer (to an inquiry, a repeat, or late), an acknowledged
//! reversal, and an operator's word. All of it is driven by due times in the store ([`super::sweep`]), so it goes on after any crash.

use super::draft::Draft;
use super::message::{self, Manner};
use super::save_card::commit_outcome;
use super::send::{FIRST_WAIT_MS, LONGEST_WAIT_MS, conclude, first_due, is_settled, next_due, note_sent};
use super::sweep::{is_due, is_orphan, is_out_of_time};
use super::{Fault, Stamp, answer, commit, commit_fault};
use crate::engine::Engine;
use gateway_core::acquirer::{
    Acquirer, AcquirerRequest, Answer, LateAnswer, Link, Permit, Trace, Transmission,
};
use gateway_core::claim::{Claim, ClaimState};
use gateway_core::id::PaymentId;
use gateway_core::journal::{Batch, Row, RowKey, Urgency, Version, commit_intent};
use gateway_core::payment::{Command, Event, Open, OpenKind, OpenSeed, STUCK_AFTER, Stage, decide};
use gateway_core::tenant::Tenant;
use gateway_core::time::Timestamp;
use std::sync::Arc;
use tracing::{error, info};

/// Which of a payment's messages are looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum When {
    /// Those that are due.
    Due,
    /// All: something says that there is news.
    Now,
}

/// Looks at everything outstanding of a payment at once, because there may be news.
pub async fn look(engine: &Arc<Engine>, tenant: Tenant, payment: PaymentId) {
    let Some(_turn) = engine.turns.wait(payment, engine.settings.wait).await else { return };
    if let Err(fault) = look_at(engine, (tenant, payment), When::Now).await {
        info!(?fault, %payment, "a resolution will be tried again");
    }
}

/// Does everything that is due of a payment.
///
/// # Errors
/// Something could not be done now, and stays due: somebody else moved the payment, or the store can't take it.
pub async fn attend(engine: &Arc<Engine>, tenant: Tenant, payment: PaymentId) -> Result<(), Fault> {
    let Some(_turn) = engine.turns.wait(payment, engine.settings.wait).await else {
        return Err(Fault::Stale);
    };
    let looked = look_at(engine, (tenant, payment), When::Due).await;
    let expired = expire(engine, (tenant, payment)).await;
    looked.and(expired)
}

pub(super) async fn load(
    engine: &Engine,
    tenant: Tenant,
    payment: PaymentId,
) -> Result<Option<Draft>, Fault> {
    Ok(super::read(engine, &RowKey::Payment(tenant, payment)).await?.and_then(Draft::of))
}

/// Takes a step with each message in question. One that fails keeps none of the others.
async fn look_at(
    engine: &Arc<Engine>,
    (tenant, payment): (Tenant, PaymentId),
    when: When,
) -> Result<(), Fault> {
    let Some(mut draft) = load(engine, tenant, payment).await? else { return Ok(()) };
    let now = engine.clock.now();
    let waiting: Vec<u64> = draft
        .payment()
        .outstanding()
        .filter(|open| when == When::Now || is_due(engine, open, now))
        .map(|open| open.trace.reference)
        .collect();
    let mut worst = Ok(());
    for reference in waiting {
        if let Err(fault) = step(engine, &mut draft, reference).await {
            worst = Err(fault);
            // What it left half way is not what is stored.
            let Some(stored) = load(engine, tenant, payment).await? else { return Ok(()) };
            draft = stored;
        }
    }
    worst
}

/// One step towards the outcome of one message.
async fn step(engine: &Arc<Engine>, draft: &mut Draft, reference: u64) -> Result<(), Fault> {
    let Some(open) = draft.payment().open_by_reference(reference).cloned() else { return Ok(()) };
    if is_orphan(engine, &open) {
        // From here on it is found by its reference, should its answer come late.
        let unknown = Answer::Unknown("the process ended before an answer was stored".to_owned());
        record(engine, draft, (&open, unknown)).await?;
    }
    let Some(open) = draft.payment().open_by_reference(reference).cloned() else { return Ok(()) };
    if open.tries == STUCK_AFTER {
        metrics::counter!("tollgate_resolve_stuck_total").increment(1);
        error!(
            payment = %draft.payment().id, reference, kind = ?open.kind,
            "a message stays without an answer; `gateway payment stuck` lists such, `gateway payment settle` ends them"
        );
    }
    let Some(acquirer) = engine.acquirers.named(&open.acquirer) else {
        error!(acquirer = open.acquirer, payment = %draft.payment().id, "its acquirer is not configured");
        return postpone(engine, draft, &open).await;
    };
    let now = engine.clock.now();
    let deciding = is_deciding(engine, &open, now) == Some(true);
    match &open.kind {
        // A peer that no longer recognises the repeat would do it twice.
        OpenKind::Capture { .. } | OpenKind::Void { .. } | OpenKind::Release { .. }
            if is_forgotten(&open, &*acquirer, now) =>
        {
            if acquirer.abilities().inquiry.is_yes() {
                inquire(engine, draft, (&open, &*acquirer)).await
            } else {
                postpone(engine, draft, &open).await
            }
        }
        OpenKind::Capture { .. }
        | OpenKind::Void { .. }
        | OpenKind::Reverse { .. }
        | OpenKind::Release { .. } => repeat(engine, draft, (&open, &*acquirer)).await,
        OpenKind::Refund { .. } if open.stage == Stage::Unsent => {
            repeat(engine, draft, (&open, &*acquirer)).await
        }
        OpenKind::Authorize | OpenKind::Sale | OpenKind::Increment { .. } | OpenKind::Refund { .. } => {
            if acquirer.abilities().inquiry.is_yes() {
                inquire(engine, draft, (&open, &*acquirer)).await
            } else if deciding {
                postpone(engine, draft, &open).await
            } else {
                reverse(engine, draft, (&open, &*acquirer)).await
            }
        }
    }
}

/// Whether a message that was sent can't be repeated any more.
fn is_forgotten(open: &Open, acquirer: &dyn Acquirer, now: Timestamp) -> bool {
    let window = i64::try_from(acquirer.abilities().repeat_window_ms).unwrap_or(i64::MAX / 2);
    open.stage != Stage::Unsent && now > open.trace.at.plus_ms(window)
}

async fn postpone(engine: &Engine, draft: &mut Draft, open: &Open) -> Result<(), Fault> {
    let now = engine.clock.now();
    // One that is due in a far future since the clock was set back is brought back: nobody would find it later.
    if let Some(rest_ms) = rest_of(engine, open, now)
        && !is_out_of_time(engine, open, now)
    {
        let rest_ns = rest_ms.saturating_mul(1_000_000);
        engine.outstanding.rest(open.trace.reference, engine.clock.monotonic_ns().saturating_add(rest_ns));
        return Ok(());
    }
    retry_intent(draft, &engine.stamp(), (open, next_due(engine, open.tries)))?;
    let mut batch = Batch::new(Urgency::Outcome);
    draft.write_into(&mut batch);
    commit(engine, batch).await.map(drop)
}

/// How long a message rests of which nothing new is to be written down; `None` if it is to be.
fn rest_of(engine: &Engine, open: &Open, now: Timestamp) -> Option<u64> {
    // Whoever has accepted it decides in their own time, a customer's for instance: that is no trouble.
    if is_deciding(engine, open, now) == Some(true) {
        let passed_ms = passed_ms(engine, open.trace.reference);
        return Some((passed_ms / 2).clamp(FIRST_WAIT_MS, LONGEST_WAIT_MS));
    }
    // That it is stuck is stored; that it still is would be a row of the whole payment every ten seconds, for as long as it lasts.
    let known_stuck = open.tries > STUCK_AFTER && open.stage != Stage::Sent;
    known_stuck.then_some(LONGEST_WAIT_MS)
}

fn retry_intent(draft: &mut Draft, stamp: &Stamp<'_>, (open, due): (&Open, Timestamp)) -> Result<(), Fault> {
    let command = Command::Retry { reference: open.trace.reference, due };
    let events = decide(draft.payment(), command).map_err(|_| Fault::Stale)?;
    draft.record(events, stamp);
    Ok(())
}

/// Asks what became of it. An inquiry moves nothing, so it needs no durable intent.
async fn inquire(
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
async fn repeat(
    engine: &Arc<Engine>,
    draft: &mut Draft,
    (open, acquirer): (&Open, &dyn Acquirer),
) -> Result<(), Fault> {
    let never_sent = open.stage == Stage::Unsent;
    let manner = if never_sent {
        Manner::first(None, gateway_core::acquirer::CustomerPresence::Absent)
    } else {
        Manner::repeat()
    };
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

/// Whether the acquirer, which has accepted a message, may still decide; `None` if it has not accepted it. Where the clock stands before the
/// message's own time it was set back, and "until" may be far off: then the time that it had counts, on the clock that can't be set.
fn is_deciding(engine: &Engine, open: &Open, now: Timestamp) -> Option<bool> {
    let Stage::Accepted { until, .. } = &open.stage else { return None };
    if now >= open.trace.at {
        return Some(now < *until);
    }
    let allowed_ms = u64::try_from(until.0.saturating_sub(open.trace.at.0)).unwrap_or(0);
    Some(passed_ms(engine, open.trace.reference) < allowed_ms)
}

/// Milliseconds since a message was sent, on the monotonic clock; since the start of this process, if an earlier one sent it.
fn passed_ms(engine: &Engine, reference: u64) -> u64 {
    let since = engine.outstanding.sent_at_ns(reference).unwrap_or(engine.started_ns);
    engine.clock.monotonic_ns().saturating_sub(since) / 1_000_000
}

/// Whether a message may still be on its way to the acquirer. Measured on the clock that can't be set, from its sending, or from the start of
/// this process if an earlier one sent it.
fn may_arrive(engine: &Engine, reference: u64, acquirer: &dyn Acquirer) -> bool {
    passed_ms(engine, reference) < acquirer.abilities().max_delay_ms
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
    let probe = batch.writes.first().cloned();
    let permit = match commit_intent(&*engine.journal, batch, trace).await {
        Ok((_receipt, permit)) => permit,
        Err(error) => return Err(commit_fault(engine, probe, error).await?),
    };
    note_sent(engine, draft.payment(), (trace, request.transmission));
    Ok(engine.acquirers.ask(acquirer, permit, request).await)
}

/// Undoes a message whose outcome can't be learned.
async fn reverse(
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
    let manner = Manner::first(None, gateway_core::acquirer::CustomerPresence::Absent);
    let request = built(engine, draft, (&reversal, manner)).ok_or(Fault::Stale)?;
    let answer = transmit(engine, draft, (trace, request), acquirer).await?;
    settle_follow_up(engine, draft, (&reversal, acquirer), (answer, true)).await
}

/// Records an answer, and the final answer of the request that waits for it, in one commit.
async fn record(
    engine: &Arc<Engine>,
    draft: &mut Draft,
    (open, answer): (&Open, Answer),
) -> Result<(), Fault> {
    record_as(engine, draft, (open, answer), Transmission::Repeat).await
}

async fn record_as(
    engine: &Arc<Engine>,
    draft: &mut Draft,
    (open, answer): (&Open, Answer),
    transmission: Transmission,
) -> Result<(), Fault> {
    let reference = open.trace.reference;
    let events = conclude(engine, draft, (reference, answer, transmission), &engine.stamp()).await?;
    store(engine, draft, (open, &events)).await
}

/// Makes what happened to a message durable, with the final answer of the request that waits for it if this is what it means.
pub(super) async fn store(
    engine: &Arc<Engine>,
    draft: &mut Draft,
    (open, events): (&Open, &[Event]),
) -> Result<(), Fault> {
    let reference = open.trace.reference;
    let mut batch = Batch::new(Urgency::Outcome);
    draft.write_into(&mut batch);
    if is_settled(draft, reference) {
        settle_claim(engine, draft, (open, events), &mut batch).await?;
    }
    commit_outcome(engine, batch, (draft, events), &engine.stamp()).await?;
    if draft.payment().open_by_reference(reference).is_none() {
        metrics::counter!("tollgate_resolved_total").increment(1);
    }
    Ok(())
}

async fn settle_claim(
    engine: &Engine,
    draft: &Draft,
    (open, events): (&Open, &[Event]),
    batch: &mut Batch,
) -> Result<(), Fault> {
    let Some(key) = &open.claim else { return Ok(()) };
    let Some(stored) = super::read(engine, &RowKey::Claim(key.clone())).await? else { return Ok(()) };
    let Row::Claim(claim) = stored.row else { return Ok(()) };
    let ClaimState::Provisional { subject, render, .. } = &claim.state else { return Ok(()) };
    let reply = answer::render(engine, draft.payment(), (events, *subject), render).await?;
    let state = ClaimState::Final {
        subject: *subject,
        status: reply.status,
        body: Some(reply.body.to_vec()),
        render: render.clone(),
    };
    let settled = Claim { state, ..(*claim).clone() };
    batch.replace(Version(stored.version.0), Row::Claim(Box::new(settled)));
    Ok(())
}

/// Gives back a hold, if it has run out.
async fn expire(engine: &Arc<Engine>, (tenant, payment): (Tenant, PaymentId)) -> Result<(), Fault> {
    let Some(mut draft) = load(engine, tenant, payment).await? else { return Ok(()) };
    let now = engine.clock.now();
    if draft.payment().expiry().is_none_or(|(_, at)| now < at) {
        return Ok(());
    }
    let name = draft.payment().attempt().map(|attempt| attempt.acquirer.clone()).unwrap_or_default();
    let Some(acquirer) = engine.acquirers.named(&name) else {
        error!(acquirer = name, %payment, "a hold has run out, and its acquirer is not configured");
        return Err(Fault::Stale);
    };
    let trace = engine.trace().await.map_err(|_| Fault::Stale)?;
    let timeout = i64::try_from(engine.acquirers.timeout_ms(&name)).unwrap_or(i64::MAX / 2);
    let seed = OpenSeed { trace, due: now.plus_ms(timeout), claim: None };
    let events = decide(draft.payment(), Command::Expire { at: now, seed }).map_err(|_| Fault::Stale)?;
    draft.record(events, &engine.stamp());
    let open = draft.payment().open_by_reference(trace.reference).cloned().ok_or(Fault::Stale)?;
    let manner = Manner::first(None, gateway_core::acquirer::CustomerPresence::Absent);
    let request = built(engine, &draft, (&open, manner)).ok_or(Fault::Stale)?;
    let answer = transmit(engine, &mut draft, (trace, request), &*acquirer).await?;
    settle_follow_up(engine, &mut draft, (&open, &*acquirer), (answer, true)).await
}

/// Takes up an answer that came after its flow had stopped waiting; says what it matched.
///
/// # Errors
/// It could not be recorded now.
pub async fn late(
    engine: &Arc<Engine>,
    (tenant, payment): (Tenant, PaymentId),
    late: &LateAnswer,
) -> Result<&'static str, Fault> {
    let Some(_turn) = engine.turns.wait(payment, engine.settings.wait).await else {
        return Err(Fault::Stale);
    };
    let Some(mut draft) = load(engine, tenant, payment).await? else { return Ok("none") };
    let reference = late.trace.reference;
    let Some(asked) = draft.payment().asked_of(reference) else { return Ok("settled") };
    if asked != late.acquirer {
        error!(acquirer = late.acquirer, reference, %payment, "an answer to another acquirer's message");
        return Ok("foreign");
    }
    if let Some(open) = draft.payment().open_by_reference(reference).cloned() {
        if !matches!(late.answer, Answer::Approved(_) | Answer::Declined(_)) {
            return Ok("nothing new");
        }
        record(engine, &mut draft, (&open, late.answer.clone())).await?;
        return Ok("open");
    }
    take_closed(engine, &mut draft, (reference, late.answer.clone())).await
}

/// There may be news of a message: its acquirer is asked what it is, of one that was given up as well, since an approval of that must
/// be put right.
///
/// # Errors
/// It could not be recorded now. What is outstanding stays due; of the rest, the next notification or an operator must tell.
pub async fn news(
    engine: &Arc<Engine>,
    (tenant, payment): (Tenant, PaymentId),
    reference: u64,
) -> Result<(), Fault> {
    let Some(_turn) = engine.turns.wait(payment, engine.settings.wait).await else {
        return Err(Fault::Stale);
    };
    let Some(mut draft) = load(engine, tenant, payment).await? else { return Ok(()) };
    let closed = draft.payment().open_by_reference(reference).is_none();
    let Some(request) = closed.then(|| message::closed(engine, draft.payment(), reference)).flatten() else {
        return look_at(engine, (tenant, payment), When::Now).await;
    };
    let asked = draft.payment().asked_of(reference).and_then(|name| engine.acquirers.named(name));
    let Some(acquirer) = asked else { return Ok(()) };
    let Some(permit) = Permit::harmless(&request) else { return Err(Fault::Stale) };
    let answer = engine.acquirers.ask(&*acquirer, permit, request).await;
    take_closed(engine, &mut draft, (reference, answer)).await.map(drop)
}

/// Records what came of a message that was closed, if that is anything; says what it was.
async fn take_closed(
    engine: &Arc<Engine>,
    draft: &mut Draft,
    (reference, answer): (u64, Answer),
) -> Result<&'static str, Fault> {
    match conclude(engine, draft, (reference, answer, Transmission::Repeat), &engine.stamp()).await {
        Ok(_events) => {}
        // It settles nothing: no approval, or one whose reversal is on its way already.
        Err(Fault::Stale) => return Ok("settled"),
        Err(refused) => return Err(refused),
    }
    let mut batch = Batch::new(Urgency::Outcome);
    draft.write_into(&mut batch);
    commit(engine, batch).await?;
    Ok("closed")
}
