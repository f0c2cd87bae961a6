//! Payment evaluations: a payment that is processed elsewhere, judged here by the same features, model, rules and lists.
//!
//! What is judged this way teaches the scorer nothing: it is not known whether it was ever made. No window counts it either.

use crate::exchange::Reply;
use crate::flow::Fault;
use crate::route::Writing;
use crate::route::method_data::{check_metadata, choose, merge_metadata};
use crate::route::payment_intents::customer_of;
use crate::scoring::events::{Subject as Scored, event};
use crate::scoring::facts::{Circumstances, Facts, Said};
use crate::scoring::{Assessment, Case};
use gateway_api::error::ApiError;
use gateway_api::form::Change;
use gateway_api::params;
use gateway_core::claim::Subject;
use gateway_core::id::EvaluationId;
use gateway_core::journal::{Batch, Row, Urgency};
use gateway_core::payment::{RiskOutcome, RiskVerdict};
use gateway_core::risk::{Evaluation, Judged};
use gateway_core::{Currency, Money, Timestamp};
use serde_json::{Value, json};

/// POST /v1/radar/payment_evaluations.
pub async fn create(
    writing: &Writing<'_>,
    params: &params::CreatePaymentEvaluation<'_>,
) -> Result<Reply, Fault> {
    let call = writing.call;
    params.expand.check_known(&[])?;
    let currency = Currency::parse(params.currency.as_str()).ok_or_else(|| {
        ApiError::invalid_parameter("payment_details[currency]", "Send a code of ISO 4217, like usd.")
    })?;
    let customer = customer_of(call, params.customer).await?;
    let chosen = choose(call, (Some(params.payment_method), None), customer).await?;
    let chosen = chosen.ok_or_else(|| ApiError::parameter_missing("payment_details"))?;
    let mut metadata = Vec::new();
    merge_metadata(&mut metadata, &params.metadata);
    check_metadata(&metadata)?;
    let billed = params.billing.and_then(|billing| set(billing.email));
    let said = Said { ip_address: None, device: params.session, email: params.email.or(billed) };
    let circumstances = Circumstances::of(said, &call.engine.vault);
    let id = EvaluationId(call.engine.ids.next());
    let (created, amount, tenant) =
        (Timestamp(id.0.ms()), Money::new(params.amount, currency), call.caller.tenant);
    let card = chosen.instrument.means.card().ok_or_else(|| {
        ApiError::invalid_parameter(
            "payment_details",
            "Only a card's payment can be judged here: name a card.",
        )
    })?;
    let (card, origin) = (card.fingerprint, circumstances.keys);
    let scored = Scored { id: id.0.0 as u64, tenant, currency, card: Some(card), customer, origin };
    let case = Case {
        tenant,
        instrument: &chosen.instrument,
        event: event(&scored, (0, amount.minor, created)),
        facts: Facts { payment: None, amount, instrument: &chosen.instrument, circumstances: &circumstances },
        now: created,
    };
    let Assessment { risk, decision, .. } = call.engine.scoring.judge_elsewhere(&case, origin);
    let Some(decision) = decision else { return Err(ApiError::internal().into()) };
    let judged = Judged {
        amount,
        card,
        customer: customer.map(|customer| customer.0),
        origin,
        verdict: risk.verdict,
        decision: *decision,
    };
    let method = chosen.instrument.method.to_string();
    let shown = shown(params, (&id.to_string(), created), (&risk, &metadata, &method), tenant.mode.is_live());
    let shown = shown.to_string();
    let reply = Reply::json(200, shown.clone());
    let mut batch = Batch::new(Urgency::New);
    batch.writes = chosen.rows;
    batch.insert(Row::Evaluation(Box::new(Evaluation { id, tenant, created, shown, judged })));
    call.finish(batch, Subject::Other, reply).await
}

const fn set(change: Change<&str>) -> Option<&str> {
    match change {
        Change::Set(text) => Some(text),
        Change::Keep | Change::Clear => None,
    }
}

fn billing(params: &params::CreatePaymentEvaluation<'_>) -> Value {
    let Some(billing) = params.billing else { return Value::Null };
    let address = match billing.address {
        Change::Set(address) => address,
        Change::Keep | Change::Clear => params::AddressInput::default(),
    };
    json!({
        "address": {
            "city": set(address.city), "country": set(address.country), "line1": set(address.line1),
            "line2": set(address.line2), "postal_code": set(address.postal_code), "state": set(address.state),
        },
        "email": set(billing.email),
        "name": set(billing.name),
        "phone": set(billing.phone),
    })
}

/// The evaluation as the wire shows it.
fn shown(
    params: &params::CreatePaymentEvaluation<'_>,
    (id, created): (&str, Timestamp),
    (risk, metadata, method): (&RiskOutcome, &[(String, String)], &str),
    live: impl Into<Value>,
) -> Value {
    let customer = [params.customer, params.email, params.name, params.phone];
    let customer = if customer.iter().all(Option::is_none) {
        Value::Null
    } else {
        json!({
            "customer": params.customer, "customer_account": null, "email": params.email,
            "name": params.name, "phone": params.phone,
        })
    };
    let metadata: serde_json::Map<String, Value> =
        metadata.iter().map(|(key, value)| (key.clone(), Value::from(value.as_str()))).collect();
    json!({
        "id": id,
        "object": "radar.payment_evaluation",
        "client_device_metadata_details": params.session.map(|session| json!({ "radar_session": session })),
        "created_at": created.unix_seconds(),
        "customer_details": customer,
        "events": [],
        "livemode": live.into(),
        "metadata": metadata,
        "outcome": null,
        "payment_details": {
            "amount": params.amount,
            "currency": params.currency.as_str(),
            "description": params.description,
            "money_movement_details": null,
            "payment_method_details": { "billing_details": billing(params), "payment_method": method },
            "shipping_details": null,
            "statement_descriptor": params.statement_descriptor,
        },
        "recommended_action": if risk.verdict == RiskVerdict::Block { "block" } else { "continue" },
        "signals": {
            "early_fraud_warning": null,
            "fraudulent_dispute": null,
            "fraudulent_payment": {
                "evaluated_at": created.unix_seconds(),
                "risk_level": risk.level.as_str(),
                // The dialect's score is a number with a point.
                "score": f64::from(risk.score),
            },
        },
    })
}
