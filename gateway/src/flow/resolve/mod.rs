//! Resolve: what becomes of messages whose outcome is not known, and of holds that run out.
//!
//! Nothing is guessed. The only ways out are the acquirer's answer (to an inquiry, a repeat, or late), an acknowledged
//! reversal, and an operator's word. All of it is driven by due times in the store ([`super::sweep`]), so it goes on after any crash.

mod ask;
mod news;
mod patience;
mod record;

pub use news::{late, news};
pub(super) use record::store;

use super::Fault;
use super::draft::Draft;
use super::sweep::{is_due, is_orphan};
use crate::engine::Engine;
use ask::{expire, inquire, repeat, reverse};
use gateway_core::acquirer::{Acquirer, Answer};
use gateway_core::id::PaymentId;
use gateway_core::journal::RowKey;
use gateway_core::payment::{Open, OpenKind, STUCK_AFTER, Stage};
use gateway_core::tenant::Tenant;
use gateway_core::time::Timestamp;
use patience::{is_deciding, postpone};
use record::record;
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
        error!(acquirer = open.acquirer.as_str(), payment = %draft.payment().id, "its acquirer is not configured");
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
