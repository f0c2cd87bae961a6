//! How long is waited for an answer, and when is looked again.

use crate::engine::Engine;
use crate::flow::draft::Draft;
use crate::flow::send::{FIRST_WAIT_MS, LONGEST_WAIT_MS, next_due};
use crate::flow::sweep::is_out_of_time;
use crate::flow::{Fault, Stamp, commit};
use gateway_core::acquirer::Acquirer;
use gateway_core::journal::{Batch, Urgency};
use gateway_core::payment::{Command, Open, STUCK_AFTER, Stage, decide};
use gateway_core::time::Timestamp;

pub(super) async fn postpone(engine: &Engine, draft: &mut Draft, open: &Open) -> Result<(), Fault> {
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

pub(super) fn retry_intent(
    draft: &mut Draft,
    stamp: &Stamp<'_>,
    (open, due): (&Open, Timestamp),
) -> Result<(), Fault> {
    let command = Command::Retry { reference: open.trace.reference, due };
    let events = decide(draft.payment(), command).map_err(|_| Fault::Stale)?;
    draft.record(events, stamp);
    Ok(())
}

/// Whether the acquirer, which has accepted a message, may still decide; `None` if it has not accepted it. Where the clock stands before the
/// message's own time it was set back, and "until" may be far off: then the time that it had counts, on the clock that can't be set.
pub(super) fn is_deciding(engine: &Engine, open: &Open, now: Timestamp) -> Option<bool> {
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
pub(super) fn may_arrive(engine: &Engine, reference: u64, acquirer: &dyn Acquirer) -> bool {
    passed_ms(engine, reference) < acquirer.abilities().max_delay_ms
}
