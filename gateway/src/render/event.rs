//! Public events as the wire shows them: each with its object as it was then, rebuilt from the payment's history.

use super::related::Related;
use super::{Renderer, charge, payment, refund, review};
use crate::engine::{Engine, Stamp};
use bumpalo::Bump;
use gateway_api::error::ApiError;
use gateway_api::expand::Level;
use gateway_api::objects::{self, EventRequest};
use gateway_core::event::{EventKind, PublicEvent, Snapshot};
use gateway_core::id::{EventId, PaymentId};
use gateway_core::journal::Row;
use gateway_core::payment::{Payment, Recorded, replay};
use gateway_core::tenant::Tenant;
use serde_json::value::RawValue;
use serde_json::{Map, Value};
use std::collections::HashMap;
use tracing::error;

/// The row that tells the merchant of an object that is no payment; `object` is its JSON, without expansions.
pub fn told(stamp: &Stamp<'_>, tenant: Tenant, kind: EventKind, object: String) -> Row {
    Row::Event(Box::new(PublicEvent {
        id: EventId(stamp.ids.next()),
        tenant,
        kind,
        created: stamp.now,
        snapshot: Snapshot::Json(object.into_bytes()),
        request_id: stamp.request_id,
        idempotency_key: stamp.idempotency_key.clone(),
    }))
}

/// The histories of the payments that events show: each is read once, before rendering, which does not wait.
#[derive(Default)]
pub struct Past {
    histories: HashMap<(Tenant, PaymentId), Vec<Recorded>>,
}

impl Past {
    /// Reads what this event needs.
    ///
    /// # Errors
    /// 503 if the store can't be read.
    pub async fn add(&mut self, engine: &Engine, event: &PublicEvent) -> Result<(), ApiError> {
        let Some((payment, _version)) = moment(&event.snapshot) else { return Ok(()) };
        let key = (event.tenant, payment);
        if self.histories.contains_key(&key) {
            return Ok(());
        }
        let history = engine.journal.history(event.tenant, payment).await.map_err(|why| {
            error!(?why, "a payment's history can't be read");
            ApiError::unavailable(1)
        })?;
        self.histories.insert(key, history);
        Ok(())
    }

    /// A payment after its `version`-th transition; `None` if its history does not reach that far.
    fn at(&self, tenant: Tenant, (payment, version): (PaymentId, u32)) -> Option<Payment> {
        let history = self.histories.get(&(tenant, payment))?;
        let end = history.partition_point(|recorded| recorded.seq <= version);
        replay(&history[..end]).filter(|found| found.version == version)
    }
}

/// The payment and the transition that a snapshot names; `None` if it is its own.
const fn moment(snapshot: &Snapshot) -> Option<(PaymentId, u32)> {
    match snapshot {
        Snapshot::Payment { payment, version }
        | Snapshot::Charge { payment, version, .. }
        | Snapshot::Refund { payment, version, .. }
        | Snapshot::Review { payment, version } => Some((*payment, *version)),
        Snapshot::Json(_) => None,
    }
}

/// The event as JSON, in the form that is listed, retrieved and delivered.
///
/// # Errors
/// 500 if the object can't be rebuilt: never an event with another object than the one of then.
pub fn render(public_url: &str, event: &PublicEvent, past: &Past) -> Result<Box<RawValue>, ApiError> {
    write(public_url, event, past).ok_or_else(|| {
        error!(event = %event.id, "an event's object can't be rebuilt");
        ApiError::internal()
    })
}

fn write(public_url: &str, event: &PublicEvent, past: &Past) -> Option<Box<RawValue>> {
    let text = match moment(&event.snapshot) {
        Some(then) => shown(public_url, &past.at(event.tenant, then)?, &event.snapshot)?,
        None => own(&event.snapshot)?,
    };
    let object = RawValue::from_string(text).ok()?;
    let previous = previous_attributes(public_url, event, (past, object.get()));
    let (id, request) = (event.id.to_string(), event.request_id.map(|id| id.to_string()));
    let mut view = objects::Event::new(&id, event.kind.as_str(), event.created.unix_seconds(), &*object);
    view.livemode = event.tenant.mode.is_live();
    view.data.previous_attributes = previous.as_deref();
    view.request =
        Some(EventRequest { id: request.as_deref(), idempotency_key: event.idempotency_key.as_deref() });
    RawValue::from_string(objects::to_json(&view)).ok()
}

fn own(snapshot: &Snapshot) -> Option<String> {
    match snapshot {
        Snapshot::Json(bytes) => String::from_utf8(bytes.clone()).ok(),
        Snapshot::Payment { .. }
        | Snapshot::Charge { .. }
        | Snapshot::Refund { .. }
        | Snapshot::Review { .. } => None,
    }
}

/// What the snapshot shows of the payment as it was.
fn shown(public_url: &str, p: &Payment, snapshot: &Snapshot) -> Option<String> {
    let (texts, related) = (Bump::new(), Related::default());
    let r = Renderer { texts: &texts, related: &related, public_url };
    let level = Level::default();
    match snapshot {
        Snapshot::Payment { .. } => Some(objects::to_json(&payment::intent(&r, p, level))),
        Snapshot::Charge { attempt, .. } => {
            let attempt = p.attempt_numbered(*attempt)?;
            Some(objects::to_json(&charge::charge(&r, (p, attempt), level)))
        }
        Snapshot::Review { .. } => {
            let attempt = p.attempt().filter(|attempt| attempt.review.is_some())?;
            Some(objects::to_json(&review::review(&r, (p, attempt), level)))
        }
        Snapshot::Refund { index, .. } => {
            let one = p.refunds.get(usize::try_from(*index).ok()?)?;
            Some(objects::to_json(&refund::refund(&r, (p, one), level)))
        }
        Snapshot::Json(_) => None,
    }
}

/// What was different one transition earlier, for the types that tell of a change to something known.
fn previous_attributes(
    public_url: &str,
    event: &PublicEvent,
    (past, object): (&Past, &str),
) -> Option<Box<RawValue>> {
    if !tells_of_change(event.kind) {
        return None;
    }
    let (payment, version) = moment(&event.snapshot)?;
    let before = past.at(event.tenant, (payment, version.checked_sub(1)?))?;
    let before: Value = serde_json::from_str(&shown(public_url, &before, &event.snapshot)?).ok()?;
    let after: Value = serde_json::from_str(object).ok()?;
    let changed = difference(&before, &after).unwrap_or_else(|| Value::Object(Map::new()));
    RawValue::from_string(changed.to_string()).ok()
}

const fn tells_of_change(kind: EventKind) -> bool {
    use EventKind as K;
    matches!(
        kind,
        K::ChargeCaptured | K::ChargeUpdated | K::ChargeRefunded | K::ChargeRefundUpdated | K::RefundUpdated
    )
}

/// The former values of what changed, by key, also inside objects; `None` if nothing did.
fn difference(before: &Value, after: &Value) -> Option<Value> {
    let (Value::Object(old), Value::Object(new)) = (before, after) else {
        return (before != after).then(|| before.clone());
    };
    let mut changed = Map::new();
    for (key, former) in old {
        let present = new.get(key).unwrap_or(&Value::Null);
        changed.extend(difference(former, present).map(|value| (key.clone(), value)));
    }
    // What is new had no value before.
    let added = new.keys().filter(|key| !old.contains_key(*key));
    changed.extend(added.map(|key| (key.clone(), Value::Null)));
    (!changed.is_empty()).then_some(Value::Object(changed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_changed_is_told_with_its_former_value() {
        let before = json!({"a": 1, "b": {"c": 2, "d": 3}, "e": [1], "f": null, "same": "x"});
        let after = json!({"a": 5, "b": {"c": 2, "d": 4}, "e": [1, 2], "f": "new", "g": 1, "same": "x"});
        let expected = json!({"a": 1, "b": {"d": 3}, "e": [1], "f": null, "g": null});
        assert_eq!(difference(&before, &after), Some(expected));
        assert_eq!(difference(&after, &after), None);
        assert_eq!(difference(&json!({"a": {"b": 1}}), &json!({"a": null})), Some(json!({"a": {"b": 1}})));
        assert_eq!(difference(&json!({"a": null}), &json!({"a": {"b": 1}})), Some(json!({"a": null})));
    }
}
