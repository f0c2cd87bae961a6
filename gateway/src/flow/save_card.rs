//! Saving the card of a payment: who pays with `setup_future_usage` and a customer finds the card attached to that customer
//! once the payment went through, in the commit that records the outcome.

use super::draft::Draft;
use super::{Fault, commit, methods, read};
use crate::engine::{Engine, Stamp};
use crate::render::event::told;
use crate::render::related::Related;
use crate::render::{Renderer, card, extra};
use bumpalo::Bump;
use gateway_api::error::ApiError;
use gateway_api::expand::Level;
use gateway_api::objects;
use gateway_core::event::EventKind;
use gateway_core::id::{CustomerId, PaymentMethodId};
use gateway_core::journal::{Batch, Expect, Row, RowKey, Write};
use gateway_core::payment::{Event, Payment};
use gateway_core::record::PaymentMethod;
use serde_json::Value;

/// How often the rows are read again when somebody else has changed them meanwhile.
const TRIES: usize = 3;

/// Commits an outcome, and with it the card's new owner. The outcome never waits for the card: what can't be saved now is
/// left, and the merchant can attach it.
///
/// # Errors
/// As [`commit`]: nothing was written.
pub async fn commit_outcome(
    engine: &Engine,
    batch: Batch,
    (draft, events): (&Draft, &[Event]),
    stamp: &Stamp<'_>,
) -> Result<(), Fault> {
    let Some(wanted) = wanted(draft.payment(), events) else {
        return commit(engine, batch).await.map(drop);
    };
    for _try in 0..TRIES {
        let Ok(Some(rows)) = rows(engine, draft.payment(), wanted, stamp).await else { break };
        let mut whole = batch.clone();
        whole.writes.extend(rows);
        match commit(engine, whole).await {
            Err(Fault::Stale) => {}
            ended => return ended.map(drop),
        }
    }
    commit(engine, batch).await.map(drop)
}

/// The card and whose it is to be, if the payment went through just now and is to save it.
fn wanted(p: &Payment, events: &[Event]) -> Option<(CustomerId, PaymentMethodId)> {
    let went_through =
        events.iter().any(|event| matches!(event, Event::Authorized { .. } | Event::Sold { .. }));
    let customer = p.details.customer.filter(|_| went_through)?;
    let more = extra::parse(&p.details.extra);
    // What is said of the card counts before what is said of the payment.
    let of_the_card = more.get("card_options").and_then(|stored| stored.get("setup_future_usage"));
    let usage = of_the_card.and_then(Value::as_str).or(p.details.setup_future_usage.as_deref());
    let instrument = &p.attempt()?.instrument;
    let method = instrument.means.is_reusable().then_some(instrument.method)?;
    matches!(usage, Some("off_session" | "on_session")).then_some((customer, method))
}

/// The rows that attach it; `None` if it belongs to somebody already, or nobody is there to own it.
async fn rows(
    engine: &Engine,
    p: &Payment,
    (customer, method): (CustomerId, PaymentMethodId),
    stamp: &Stamp<'_>,
) -> Result<Option<Vec<Write>>, ApiError> {
    let Some((expect, mut method)) = methods::find(engine, p.tenant, method).await? else { return Ok(None) };
    let Some(owner) = read(engine, &RowKey::Customer(p.tenant, customer)).await? else { return Ok(None) };
    let Row::Customer(living) = owner.row else { return Ok(None) };
    if method.customer.is_some() || method.spent || living.deleted {
        return Ok(None);
    }
    method.customer = Some(customer);
    let told = told(stamp, p.tenant, EventKind::PaymentMethodAttached, shown(engine, &method));
    Ok(Some(vec![
        Write { expect, row: Row::PaymentMethod(Box::new(method)) },
        // Written as it is, so that a deletion at the same moment can't leave the card behind.
        Write { expect: Expect::Version(owner.version), row: Row::Customer(living) },
        Write { expect: Expect::Absent, row: told },
    ]))
}

/// The payment method as its event shows it.
fn shown(engine: &Engine, method: &PaymentMethod) -> String {
    let (texts, related) = (Bump::new(), Related::default());
    let r = Renderer { texts: &texts, related: &related, public_url: &engine.settings.public_url };
    objects::to_json(&card::method(&r, method, Level::default()))
}
