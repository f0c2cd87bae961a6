//! Answers that nobody waits for any more, and hints that there may be one.

use super::record::record;
use super::{When, load, look_at};
use crate::engine::Engine;
use crate::flow::draft::Draft;
use crate::flow::send::conclude;
use crate::flow::{Fault, commit, message};
use gateway_core::acquirer::{Answer, LateAnswer, Permit, Transmission};
use gateway_core::id::PaymentId;
use gateway_core::journal::{Batch, Urgency};
use gateway_core::tenant::Tenant;
use std::sync::Arc;
use tracing::error;

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
        error!(acquirer = late.acquirer.as_str(), reference, %payment, "an answer to another acquirer's message");
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
