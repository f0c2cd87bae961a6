//! What an answer means is made durable, with the final answer of the request that waits for it.

use crate::engine::Engine;
use crate::flow::draft::Draft;
use crate::flow::save_card::commit_outcome;
use crate::flow::send::{conclude, is_settled};
use crate::flow::{Fault, answer, read};
use gateway_core::acquirer::{Answer, Transmission};
use gateway_core::claim::{Claim, ClaimState};
use gateway_core::journal::{Batch, Row, RowKey, Urgency, Version};
use gateway_core::payment::{Event, Open};
use std::sync::Arc;

/// Records an answer, and the final answer of the request that waits for it, in one commit.
pub(super) async fn record(
    engine: &Arc<Engine>,
    draft: &mut Draft,
    (open, answer): (&Open, Answer),
) -> Result<(), Fault> {
    record_as(engine, draft, (open, answer), Transmission::Repeat).await
}

pub(super) async fn record_as(
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
pub(in crate::flow) async fn store(
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
    let Some(stored) = read(engine, &RowKey::Claim(key.clone())).await? else { return Ok(()) };
    let Row::Claim(claim) = stored.row else { return Ok(()) };
    let ClaimState::Provisional { subject, render, .. } = &claim.state else { return Ok(()) };
    let reply = answer::render(engine, draft.payment(), (events, *subject), render).await?;
    let state = ClaimState::Final {
        subject: *subject,
        status: reply.status,
        body: Some(reply.body.clone()),
        render: render.clone(),
    };
    let settled = Claim { state, ..(*claim).clone() };
    batch.replace(Version(stored.version.0), Row::Claim(Box::new(settled)));
    Ok(())
}
