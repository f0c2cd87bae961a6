//! An operator, who settles messages while the engine works on them: honestly, by what the acquirer's book says.

use super::dump;
use super::faults::{Fault, Stage};
use super::machine::{Live, Machine};
use gateway::flow::settlement::{Word, settle};
use gateway_core::journal::{DueKind, Journal, Query, Row};
use gateway_core::payment::{Open, OpenKind, Payment, Settlement};
use gateway_core::tenant::Tenant;
use gateway_core::time::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// Looks for something to settle, now and then, for ever.
pub async fn work(machine: Arc<Machine>, tenant: Tenant) {
    let world = &machine.world;
    loop {
        sleep(Duration::from_millis(world.draw(|dice| dice.between(500, 4_000)))).await;
        let rate = world.swarm.rate(Fault::OperatorSettles);
        if world.draw(|dice| dice.per_mille(rate)) {
            let live = machine.live().await;
            act(&machine, &live, tenant).await;
        }
    }
}

/// Settles one message of those that are outstanding and that the book knows.
async fn act(machine: &Machine, live: &Live, tenant: Tenant) {
    let query = Query::Due { kind: DueKind::Open, until: Timestamp(i64::MAX), after: None, limit: 64 };
    let Ok(found) = live.journal.query(&query).await else { return };
    let mut known = Vec::new();
    for stored in found {
        let Row::Payment(row) = stored.row else { continue };
        for open in row.payment.outstanding() {
            known.extend(word(machine, open).map(|said| (row.payment.clone(), open.clone(), said)));
        }
    }
    if known.is_empty() {
        return;
    }
    let (payment, open, settlement) =
        known.swap_remove(machine.world.draw(|dice| dice.below(known.len() as u64)) as usize);
    machine.world.count((Fault::OperatorSettles, Stage::Act, dump::deed(&open.kind)));
    machine.world.trace(("operator", open.trace.reference, format!("{settlement:?}")));
    say(live, (tenant, &payment), (&open, settlement));
}

/// What the acquirer's book says of a message; nothing where it does not say.
fn word(machine: &Machine, open: &Open) -> Option<Settlement> {
    let teller = machine.tellers.iter().find(|teller| teller.name == open.acquirer)?;
    let book = teller.book();
    match &open.kind {
        // What was undone may be called undone once the book shows it.
        OpenKind::Reverse { of, .. } => book.is_undone(of.reference).then_some(Settlement::Approved),
        OpenKind::Release { .. } => {
            book.truth(open.trace.reference).filter(|done| *done).map(|_| Settlement::Approved)
        }
        OpenKind::Authorize
        | OpenKind::Sale
        | OpenKind::Increment { .. }
        | OpenKind::Capture { .. }
        | OpenKind::Void { .. }
        | OpenKind::Refund { .. } => book
            .truth(open.trace.reference)
            .map(|done| if done { Settlement::Approved } else { Settlement::Declined }),
    }
}

/// In a task of the process, which ends with it.
fn say(live: &Live, (tenant, payment): (Tenant, &Payment), (open, settlement): (&Open, Settlement)) {
    let word = Word {
        reference: open.trace.reference,
        settlement,
        acquirer_reference: String::new(),
        reason: "read in the acquirer's book".to_owned(),
    };
    let (engine, id) = (Arc::clone(&live.engine), payment.id);
    live.tasks.spawn(async move {
        // A refusal means that it became known meanwhile; a fault, that nothing was written.
        drop(settle(&engine, (tenant, id), word).await);
    });
}
