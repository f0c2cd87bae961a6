//! What a key may see: expansions are reads of their own, and a key in a browser sees what its customer may know.

use super::key::may;
use super::merchants::Caller;
use crate::exchange::Reply;
use gateway_api::Expand;
use gateway_api::endpoints::{Method, Resource};
use gateway_api::error::ApiError;
use gateway_api::form::Params;
use gateway_core::record::KeyKind;
use serde_json::{Map, Value};

/// What the customer may know of a payment.
const OF_A_PAYMENT: &[&str] = &[
    "id",
    "object",
    "amount",
    "automatic_payment_methods",
    "canceled_at",
    "cancellation_reason",
    "capture_method",
    "client_secret",
    "confirmation_method",
    "created",
    "currency",
    "description",
    "last_payment_error",
    "livemode",
    "next_action",
    "payment_method",
    "payment_method_types",
    "processing",
    "receipt_email",
    "setup_future_usage",
    "shipping",
    "status",
];

/// What the customer may know of an intent to save their card.
const OF_A_SETUP: &[&str] = &[
    "id",
    "object",
    "automatic_payment_methods",
    "cancellation_reason",
    "client_secret",
    "created",
    "description",
    "last_setup_error",
    "livemode",
    "next_action",
    "payment_method",
    "payment_method_types",
    "status",
    "usage",
];

/// What is only the merchant's, in whatever the customer may see.
const PRIVATE: &[&str] = &["customer", "fingerprint", "metadata"];

/// The resource behind a name in an expand path; `None` for one that a restricted key can't have been given.
fn resource(name: &str) -> Option<Resource> {
    Some(match name {
        "payment_intent" => Resource::PaymentIntents,
        "charge" | "charges" | "latest_charge" => Resource::Charges,
        "refund" | "refunds" => Resource::Refunds,
        "payment_method" | "default_payment_method" => Resource::PaymentMethods,
        "setup_intent" => Resource::SetupIntents,
        "review" => Resource::Reviews,
        "customer" => Resource::Customers,
        _null_here_or_unknown => return None,
    })
}

/// Names on the way to others, which show nothing by themselves.
const WAYS: [&str; 2] = ["data", "invoice_settings"];

/// Whether the caller may see everything that the request wants expanded.
///
/// # Errors
/// 400 for a publishable key that wants anything, 403 for a restricted key without the right to read it.
pub fn check_expansions(caller: &Caller, params: &Params<'_>) -> Result<(), ApiError> {
    if caller.kind == KeyKind::Secret {
        return Ok(());
    }
    let expand = Expand::take(&mut params.fields())?;
    if caller.kind == KeyKind::Publishable && !expand.is_empty() {
        let message = "Nothing can be expanded with a publishable key (pk_); expand on your server.";
        return Err(ApiError::invalid_parameter("expand", message));
    }
    for name in expand.paths().flat_map(|path| path.split('.')).filter(|name| !WAYS.contains(name)) {
        match resource(name) {
            Some(resource) => may(caller, resource, Method::Get)?,
            // Nothing is guessed about what a later version may show there.
            None => return Err(ApiError::permission_denied(&format!("{name}:read"))),
        }
    }
    Ok(())
}

/// Takes out of an answer what the caller's key may not see. The same answer always comes out the same.
pub fn narrow(caller: &Caller, reply: Reply) -> Reply {
    match caller.kind {
        KeyKind::Secret => reply,
        KeyKind::Publishable => rewrite(reply, for_a_browser),
        KeyKind::Restricted if reply.status < 400 => reply,
        KeyKind::Restricted => rewrite(reply, |value| without_intents(caller, value)),
    }
}

fn rewrite(mut reply: Reply, change: impl FnOnce(&mut Value)) -> Reply {
    // A page of ours is no JSON, and goes out as it is.
    let Ok(mut value) = serde_json::from_slice(&reply.body) else { return reply };
    change(&mut value);
    reply.body = value.to_string().into();
    reply
}

/// An error shows the intent it is about, also where the key was made for charges or refunds alone.
fn without_intents(caller: &Caller, value: &mut Value) {
    let Some(error) = value.get_mut("error").and_then(Value::as_object_mut) else { return };
    for (name, resource) in
        [("payment_intent", Resource::PaymentIntents), ("setup_intent", Resource::SetupIntents)]
    {
        if may(caller, resource, Method::Get).is_err() {
            error.remove(name);
        }
    }
}

fn for_a_browser(value: &mut Value) {
    match value {
        Value::Object(map) => {
            keep_public(map);
            map.values_mut().for_each(for_a_browser);
        }
        Value::Array(items) => items.iter_mut().for_each(for_a_browser),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn keep_public(map: &mut Map<String, Value>) {
    let allowed = match map.get("object").and_then(Value::as_str) {
        Some("payment_intent") => Some(OF_A_PAYMENT),
        Some("setup_intent") => Some(OF_A_SETUP),
        Some(_) | None => None,
    };
    map.retain(|key, _| match allowed {
        Some(allowed) => allowed.contains(&key.as_str()),
        None => !PRIVATE.contains(&key.as_str()),
    });
}
