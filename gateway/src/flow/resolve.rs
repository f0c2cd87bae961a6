//! Resolve: what becomes of messages whose outcome is not known, and of holds that run out.
//!
//! Nothing is guessed. The only ways out are the acquirer's answer (to an inquiry, a repeat, or late), and an acknowledged
//! reversal. All of it is driven by due times in the store, so it goes on after any crash.

use super::draft::Draft;
use super::message::{self, Manner};
use super::send::{conclude, is_settled};
use super::{Fault, answer, commit, commit_fault};
use crate::engine::Engine;
use gateway_core::acquirer::{Acquirer, Answer, LateAnswer, Permit, Trace, Transmission};
use gateway_core::claim::{Claim, ClaimState};
use gateway_core::id::PaymentId;
use gateway_core::journal::{Batch, DueKind, Query, Row, RowKey, Urgency, Version, commit_intent};
use gateway_core::payment::{Command, Event, Open, OpenKind, OpenSeed, Stage, Status, decide};
use gateway_core::tenant::Tenant;
use gateway_core::time::Timestamp;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tracing::{error, info, warn};

/// Waits between tries double from here, in milliseconds.
const FIRST_WAIT_MS: u64 = 1_000;
/// And grow no further than this.
const LONGEST_WAIT_MS: u64 = 10_000;
/// How many due payments are asked for at once.
const PAGE: usize = 256;
/// A message that was tried this often is reported as stuck, and from then on tried at the longest wait.
const STUCK_AFTER: u32 = 20;

/// Runs until the process ends: looks for due work, and does it, so many payments at once.
pub async fn run(engine: Arc<Engine>) {
    let room = Arc::new(Semaphore::new(engine.settings.resolve_at_once));
    loop {
        tokio::time::sleep(engine.settings.resolve_every).await;
        for kind in [DueKind::Open, DueKind::Expiry] {
            sweep(&engine, &room, kind).await;
        }
    }
}

/// One pass over what is due now.
async fn sweep(engine: &Arc<Engine>, room: &Arc<Semaphore>, kind: DueKind) {
    let query = Query::Due { kind, until: engine.clock.now(), limit: PAGE };
    let due = match engine.journal.query(&query).await {
        Ok(due) => due,
        Err(why) => return warn!(?why, "due work can't be read"),
    };
    metrics::gauge!("tollgate_resolve_due", "kind" => kind_name(kind))
        .set(u32::try_from(due.len()).unwrap_or(0));
    for stored in due {
        let Row::Payment(row) = stored.row else { continue };
        let (tenant, payment) = (row.payment.tenant, row.payment.id);
        let Ok(permit) = Arc::clone(room).acquire_owned().await else { return };
        let engine = Arc::clone(engine);
        engine.tasks.clone().spawn(async move {
            match kind {
                DueKind::Open => look_when_due(&engine, tenant, payment, When::Due).await,
                DueKind::Expiry => expire(&engine, tenant, payment).await,
            }
            drop(permit);
        });
    }
    // The next pass must not find the same work again.
    let all = u32::try_from(engine.settings.resolve_at_once).unwrap_or(1);
    drop(room.acquire_many(all).await);
}

const fn kind_name(kind: DueKind) -> &'static str {
    match kind {
        DueKind::Open => "open",
        DueKind::Expiry => "expiry",
    }
}

/// Before serving: every message that was durable as sent when the process ended is unknown now.
///
/// # Errors
/// The store can't be read or written.
pub async fn mark_unknown(engine: &Arc<Engine>) -> Result<usize, Fault> {
    let mut marked = 0;
    let query = Query::Due { kind: DueKind::Open, until: Timestamp(i64::MAX), limit: usize::MAX };
    let open = engine.journal.query(&query).await.map_err(|why| {
        error!(?why, "open messages can't be read");
        gateway_api::ApiError::unavailable(1)
    })?;
    for stored in open {
        let Some(mut draft) = Draft::of(stored) else { continue };
        let sent: Vec<u64> = draft
            .payment()
            .outstanding()
            .filter(|open| open.stage == Stage::Sent)
            .map(|open| open.trace.reference)
            .collect();
        for reference in sent {
            let (tenant, id) = (draft.payment().tenant, draft.payment().id);
            let acquirer = draft.payment().open_by_reference(reference).map(|open| open.acquirer.clone());
            engine.outstanding.sent(&acquirer.unwrap_or_default(), reference, (tenant, id));
            let unknown = Answer::Unknown("the process ended before an answer was stored".to_owned());
            conclude(engine, &mut draft, (reference, unknown, Transmission::Repeat), &engine.stamp()).await?;
        }
        if !draft.is_clean() {
            let mut batch = Batch::new(Urgency::Outcome);
            draft.write_into(&mut batch);
            commit(engine, batch).await?;
            marked += 1;
        }
    }
    Ok(marked)
}

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
    look_when_due(engine, tenant, payment, When::Now).await;
}

async fn look_when_due(engine: &Arc<Engine>, tenant: Tenant, payment: PaymentId, when: When) {
    let Some(_turn) = engine.turns.wait(payment, engine.settings.wait).await else { return };
    let Ok(Some(stored)) = super::read(engine, &RowKey::Payment(tenant, payment)).await else { return };
    let Some(mut draft) = Draft::of(stored) else { return };
    let now = engine.clock.now();
    let waiting: Vec<u64> = draft
        .payment()
        .outstanding()
        .filter(|open| when == When::Now || open.due <= now)
        .map(|open| open.trace.reference)
        .collect();
    for reference in waiting {
        if let Err(fault) = step(engine, &mut draft, reference).await {
            // Stale: somebody else moved it. Refused: the store can't take it now. Either way it stays due.
            info!(?fault, %payment, "a resolution will be tried again");
            return;
        }
    }
}

/// One step towards the outcome of one message.
async fn step(engine: &Arc<Engine>, draft: &mut Draft, reference: u64) -> Result<(), Fault> {
    let Some(open) = draft.payment().open_by_reference(reference).cloned() else { return Ok(()) };
    if open.tries == STUCK_AFTER {
        metrics::counter!("tollgate_resolve_stuck_total").increment(1);
        error!(payment = %draft.payment().id, reference, kind = ?open.kind, "a message stays without an answer");
    }
    let Some(acquirer) = engine.acquirers.named(&open.acquirer) else {
        error!(acquirer = open.acquirer, payment = %draft.payment().id, "its acquirer is not configured");
        return postpone(engine, draft, &open).await;
    };
    let now = engine.clock.now();
    let deciding = matches!(&open.stage, Stage::Accepted { until, .. } if now < *until);
    match &open.kind {
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

/// When to look next: doubling, with jitter, so that many do not come back at once.
fn next_due(engine: &Engine, open: &Open) -> Timestamp {
    let doubled = FIRST_WAIT_MS.saturating_mul(1 << open.tries.min(10)).min(LONGEST_WAIT_MS);
    let jittered = doubled / 2 + engine.random.below(doubled / 2 + 1);
    engine.clock.now().plus_ms(i64::try_from(jittered).unwrap_or(i64::MAX / 2))
}

async fn postpone(engine: &Engine, draft: &mut Draft, open: &Open) -> Result<(), Fault> {
    retry_intent(engine, draft, open)?;
    let mut batch = Batch::new(Urgency::Outcome);
    draft.write_into(&mut batch);
    commit(engine, batch).await.map(drop)
}

fn retry_intent(engine: &Engine, draft: &mut Draft, open: &Open) -> Result<(), Fault> {
    let command = Command::Retry { reference: open.trace.reference, due: next_due(engine, open) };
    let events = decide(draft.payment(), command).map_err(|_| Fault::Stale)?;
    draft.record(events, &engine.stamp());
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
    let answer = acquirer.send(permit, request).await;
    let now = engine.clock.now();
    let max_delay = i64::try_from(acquirer.abilities().max_delay_ms).unwrap_or(i64::MAX / 2);
    let may_still_arrive = now < open.trace.at.plus_ms(max_delay);
    let waited_out = matches!(&open.stage, Stage::Accepted { until, .. } if now >= *until);
    match &answer {
        // The original may be on its way: "not found" is no answer yet.
        Answer::NotFound if may_still_arrive => postpone(engine, draft, open).await,
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
    let never_sent = open.stage == Stage::Unsent || (open.tries == 0 && is_follow_up(&open.kind));
    let manner = if never_sent {
        Manner::first(None, gateway_core::acquirer::CustomerPresence::Absent)
    } else {
        Manner::repeat()
    };
    retry_intent(engine, draft, open)?;
    let answer = transmit(engine, draft, (open, acquirer), manner).await?;
    match &answer {
        Answer::Approved(_) | Answer::Declined(_) => record(engine, draft, (open, answer)).await,
        // Only a reversal of something that can no longer arrive is settled by "not found".
        Answer::NotFound if is_follow_up(&open.kind) && !may_arrive(engine, open, acquirer) => {
            record(engine, draft, (open, answer)).await
        }
        Answer::NotFound | Answer::NotSent(_) | Answer::Unknown(_) | Answer::Pending(_) => Ok(()),
    }
}

/// Reversals and releases are first sent by the resolver itself.
const fn is_follow_up(kind: &OpenKind) -> bool {
    matches!(kind, OpenKind::Reverse { .. } | OpenKind::Release { .. })
}

fn may_arrive(engine: &Engine, open: &Open, acquirer: &dyn Acquirer) -> bool {
    let OpenKind::Reverse { of, .. } = &open.kind else { return true };
    let max_delay = i64::try_from(acquirer.abilities().max_delay_ms).unwrap_or(i64::MAX / 2);
    engine.clock.now() < of.at.plus_ms(max_delay)
}

async fn transmit(
    engine: &Engine,
    draft: &mut Draft,
    (open, acquirer): (&Open, &dyn Acquirer),
    manner: Manner,
) -> Result<Answer, Fault> {
    let current = draft.payment().open_by_reference(open.trace.reference).cloned().ok_or(Fault::Stale)?;
    let request = message::build(engine, draft.payment(), &current, manner).map_err(|why| {
        error!(why = why.0, payment = %draft.payment().id, "a message can't be built");
        Fault::Refused(gateway_api::ApiError::internal())
    })?;
    let mut batch = Batch::new(Urgency::Outcome);
    draft.write_into(&mut batch);
    let probe = batch.writes.first().cloned();
    let permit = match commit_intent(&*engine.journal, batch, open.trace).await {
        Ok((_receipt, permit)) => permit,
        Err(error) => return Err(commit_fault(engine, probe, error).await?),
    };
    let payment = draft.payment();
    engine.outstanding.sent(&open.acquirer, open.trace.reference, (payment.tenant, payment.id));
    Ok(acquirer.send(permit, request).await)
}

/// Undoes a message whose outcome can't be learned.
async fn reverse(
    engine: &Arc<Engine>,
    draft: &mut Draft,
    (open, acquirer): (&Open, &dyn Acquirer),
) -> Result<(), Fault> {
    let Ok(trace) = engine.trace().await else { return postpone(engine, draft, open).await };
    let seed = OpenSeed { trace, due: next_due(engine, open), claim: open.claim.clone() };
    let command = Command::Reverse { reference: open.trace.reference, seed };
    let Ok(events) = decide(draft.payment(), command) else { return postpone(engine, draft, open).await };
    draft.record(events, &engine.stamp());
    let reversal = draft.payment().open_by_reference(trace.reference).cloned().ok_or(Fault::Stale)?;
    let manner = Manner::first(None, gateway_core::acquirer::CustomerPresence::Absent);
    let answer = transmit(engine, draft, (&reversal, acquirer), manner).await?;
    let acknowledged = matches!(answer, Answer::Approved(_))
        || (answer == Answer::NotFound && !may_arrive(engine, &reversal, acquirer));
    if acknowledged { record(engine, draft, (&reversal, answer)).await } else { Ok(()) }
}

/// Records an answer, and the final answer of the request that waits for it, in one commit.
async fn record(
    engine: &Arc<Engine>,
    draft: &mut Draft,
    (open, answer): (&Open, Answer),
) -> Result<(), Fault> {
    let reference = open.trace.reference;
    let events = conclude(engine, draft, (reference, answer, Transmission::Repeat), &engine.stamp()).await?;
    let mut batch = Batch::new(Urgency::Outcome);
    draft.write_into(&mut batch);
    if is_settled(draft, reference) {
        settle_claim(engine, draft, (open, &events), &mut batch).await?;
    }
    commit(engine, batch).await?;
    metrics::counter!("tollgate_resolved_total").increment(1);
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

/// Gives back a hold that ran out.
async fn expire(engine: &Arc<Engine>, tenant: Tenant, payment: PaymentId) {
    let Some(_turn) = engine.turns.wait(payment, engine.settings.wait).await else { return };
    let Ok(Some(stored)) = super::read(engine, &RowKey::Payment(tenant, payment)).await else { return };
    let Some(mut draft) = Draft::of(stored) else { return };
    if draft.payment().status() != Status::RequiresCapture {
        return;
    }
    let name = draft.payment().attempt().map(|attempt| attempt.acquirer.clone()).unwrap_or_default();
    let (Some(acquirer), Ok(trace)) = (engine.acquirers.named(&name), engine.trace().await) else {
        return;
    };
    if let Err(fault) = expire_hold(engine, &mut draft, (trace, &*acquirer)).await {
        info!(?fault, %payment, "an expiry will be tried again");
    }
}

async fn expire_hold(
    engine: &Arc<Engine>,
    draft: &mut Draft,
    (trace, acquirer): (Trace, &dyn Acquirer),
) -> Result<(), Fault> {
    let now = engine.clock.now();
    let timeout = i64::try_from(engine.acquirers.timeout_ms(acquirer.name())).unwrap_or(i64::MAX / 2);
    let seed = OpenSeed { trace, due: now.plus_ms(timeout), claim: None };
    let events = decide(draft.payment(), Command::Expire { at: now, seed }).map_err(|_| Fault::Stale)?;
    draft.record(events, &engine.stamp());
    let open = draft.payment().open_by_reference(trace.reference).cloned().ok_or(Fault::Stale)?;
    let manner = Manner::first(None, gateway_core::acquirer::CustomerPresence::Absent);
    let answer = transmit(engine, draft, (&open, acquirer), manner).await?;
    record(engine, draft, (&open, answer)).await
}

/// Takes up an answer that came after its flow had stopped waiting.
pub async fn late(engine: &Arc<Engine>, (tenant, payment): (Tenant, PaymentId), late: LateAnswer) {
    let Some(_turn) = engine.turns.wait(payment, engine.settings.wait).await else { return };
    let Ok(Some(stored)) = super::read(engine, &RowKey::Payment(tenant, payment)).await else { return };
    let Some(mut draft) = Draft::of(stored) else { return };
    let Some(open) = draft.payment().open_by_reference(late.trace.reference).cloned() else {
        metrics::counter!("tollgate_late_answers_total", "match" => "settled").increment(1);
        return;
    };
    if open.acquirer != late.acquirer {
        metrics::counter!("tollgate_late_answers_total", "match" => "foreign").increment(1);
        return;
    }
    let news = matches!(late.answer, Answer::Approved(_) | Answer::Declined(_));
    if news && let Err(fault) = record(engine, &mut draft, (&open, late.answer)).await {
        info!(?fault, %payment, "a late answer will be asked for again");
    }
}
