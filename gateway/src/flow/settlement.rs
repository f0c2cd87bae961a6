//! Settlement: an operator's word on a message that no acquirer will speak for, and the list of such messages.

use super::Fault;
use super::resolve::{load, store};
use crate::engine::Engine;
use gateway_core::id::PaymentId;
use gateway_core::journal::{DueKind, DuePlace, Query, Row, StoreError};
use gateway_core::payment::{Command, Open, Payment, Settle, Settlement, Status, decide};
use gateway_core::refusal::Refusal;
use gateway_core::tenant::Tenant;
use gateway_core::time::Timestamp;
use std::sync::Arc;
use tracing::warn;

/// A message, and the payment that it belongs to.
pub struct Stuck {
    pub payment: Arc<Payment>,
    pub open: Open,
}

/// The messages that were tried too often, those due first first, of at most `limit` payments behind `after`.
///
/// # Errors
/// The store can't be read.
pub async fn stuck(
    engine: &Engine,
    (after, limit): (Option<DuePlace>, usize),
) -> Result<Vec<Stuck>, StoreError> {
    let query = Query::Due { kind: DueKind::Stuck, after, until: Timestamp(i64::MAX), limit };
    let mut found = Vec::new();
    for stored in engine.journal.query(&query).await? {
        let Row::Payment(row) = stored.row else { continue };
        let open = row.payment.open.iter().filter(|open| open.is_stuck());
        found.extend(open.map(|open| Stuck { payment: row.payment.clone(), open: open.clone() }));
    }
    Ok(found)
}

/// The payment of a message that is outstanding; `None` if there is no such message.
///
/// # Errors
/// The store can't be read.
pub async fn find(engine: &Engine, reference: u64) -> Result<Option<Payment>, StoreError> {
    let found = engine.journal.query(&Query::Awaiting { reference }).await?;
    Ok(found.into_iter().find_map(|stored| match stored.row {
        Row::Payment(row) if row.payment.open_by_reference(reference).is_some() => {
            Some(Arc::unwrap_or_clone(row.payment))
        }
        _other => None,
    }))
}

/// What an operator says.
pub struct Word {
    pub reference: u64,
    pub settlement: Settlement,
    pub acquirer_reference: String,
    pub reason: String,
}

/// What became of the word.
pub enum Settled {
    /// The payment's status afterwards.
    Done(Status),
    Refused(Refusal),
}

/// Closes a message by an operator's word, and answers the request that waits for it.
///
/// # Errors
/// It could not be recorded now: nothing has changed.
pub async fn settle(
    engine: &Arc<Engine>,
    (tenant, payment): (Tenant, PaymentId),
    word: Word,
) -> Result<Settled, Fault> {
    let Some(_turn) = engine.turns.wait(payment, engine.settings.wait).await else {
        return Err(Fault::Stale);
    };
    let Some(mut draft) = load(engine, tenant, payment).await? else {
        return Ok(Settled::Refused(Refusal::NotOutstanding));
    };
    let Word { reference, settlement, acquirer_reference, reason } = word;
    let Some(open) = draft.payment().open_by_reference(reference).cloned() else {
        return Ok(Settled::Refused(Refusal::NotOutstanding));
    };
    let spare = engine.trace().await.map_err(|_| Fault::Stale)?;
    let at = engine.clock.now();
    let settle =
        Settle { reference, settlement, acquirer_reference: acquirer_reference.into(), reason, at, spare };
    let events = match decide(draft.payment(), Command::Settle(Box::new(settle))) {
        Ok(events) => events,
        Err(refusal) => return Ok(Settled::Refused(refusal)),
    };
    draft.record(events.clone(), &engine.stamp());
    store(engine, &mut draft, (&open, &events)).await?;
    engine.outstanding.settled(reference);
    let outcome = match settlement {
        Settlement::Approved => "approved",
        Settlement::Declined => "declined",
    };
    warn!(%payment, reference, outcome, kind = ?open.kind, "an operator settled a message");
    metrics::counter!("tollgate_settled_by_operator_total", "outcome" => outcome).increment(1);
    Ok(Settled::Done(draft.payment().status()))
}
