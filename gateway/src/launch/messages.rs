//! What operators do about messages that stay without an answer: list them, and settle one with a reason.

use crate::admin::AdminReply;
use crate::engine::Engine;
use crate::flow::settlement::{self, Settled, Stuck, Word};
use gateway_core::payment::{OpenKind, Settlement, Stage};
use gateway_core::refusal::Refusal;
use http::Method;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// Payments with stuck messages that one answer shows.
const SHOWN: usize = 1_000;
/// Longest reason, in characters.
const MAX_REASON_CHARS: usize = 500;
/// Longest reference of an acquirer, in characters.
const MAX_REFERENCE_CHARS: usize = 100;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    payment: String,
    outcome: Outcome,
    reason: String,
    #[serde(default)]
    acquirer_reference: String,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Outcome {
    Approved,
    Declined,
}

/// Answers what stands below `/messages/`; `rest` is the path behind that.
pub(super) async fn answer(engine: &Arc<Engine>, (rest, method): (&str, &Method), body: &[u8]) -> AdminReply {
    match (rest, rest.strip_suffix("/settle")) {
        ("stuck", _) if method == Method::GET => stuck(engine).await,
        ("stuck", _) => AdminReply::method_not_allowed("GET"),
        (_, Some(reference)) if method == Method::POST => settle(engine, reference, body).await,
        (_, Some(_)) => AdminReply::method_not_allowed("POST"),
        (other, None) => AdminReply::not_found(&format!("/messages/{other}")),
    }
}

async fn stuck(engine: &Engine) -> AdminReply {
    match settlement::stuck(engine, (None, SHOWN)).await {
        Ok(found) => {
            let data: Vec<Value> = found.iter().map(shown).collect();
            AdminReply::json(200, json!({ "data": data }).to_string())
        }
        Err(error) => AdminReply::problem(503, &format!("The store can't be read: {error:?}.")),
    }
}

fn shown(stuck: &Stuck) -> Value {
    let Stuck { payment, open } = stuck;
    json!({
        "reference": open.trace.reference_text(),
        "payment": payment.id.to_string(),
        "merchant": payment.tenant.merchant.to_string(),
        "mode": payment.tenant.mode.as_str(),
        "payment_status": payment.status().as_str(),
        "acquirer": open.acquirer,
        "message": message(&open.kind),
        "about": match &open.kind {
            OpenKind::Reverse { of, .. } => Some(of.reference_text()),
            _itself => None,
        },
        "amount_minor": amount_minor(stuck),
        "currency": payment.amount.currency.code(),
        "state": match open.stage {
            Stage::Sent => "sent",
            Stage::Unsent => "not_sent",
            Stage::Unknown => "unknown",
            Stage::Accepted { .. } => "accepted",
        },
        "tries": open.tries,
        "since": open.trace.at.unix_seconds(),
    })
}

fn message(kind: &OpenKind) -> &'static str {
    match kind {
        OpenKind::Authorize => "authorize",
        OpenKind::Sale => "sale",
        OpenKind::Increment { .. } => "increment",
        OpenKind::Capture { .. } => "capture",
        OpenKind::Void { .. } => "void",
        OpenKind::Refund { .. } => "refund",
        OpenKind::Reverse { .. } => "reversal",
        OpenKind::Release { .. } => "release",
    }
}

fn amount_minor(Stuck { payment, open }: &Stuck) -> i64 {
    match &open.kind {
        OpenKind::Capture { amount_minor, .. }
        | OpenKind::Reverse { amount_minor, .. }
        | OpenKind::Release { amount_minor } => *amount_minor,
        OpenKind::Increment { total_minor } => *total_minor,
        OpenKind::Refund { refund } => {
            payment.refunds.iter().find(|one| one.id.0 == *refund).map_or(0, |one| one.amount_minor)
        }
        OpenKind::Authorize | OpenKind::Sale | OpenKind::Void { .. } => {
            payment.attempt_numbered(open.attempt).map_or(0, |attempt| attempt.amount_minor)
        }
    }
}

fn clean(text: &str, longest: usize) -> bool {
    text.chars().count() <= longest && !text.chars().any(char::is_control)
}

async fn settle(engine: &Arc<Engine>, reference: &str, body: &[u8]) -> AdminReply {
    let said: Said = match serde_json::from_slice(body) {
        Ok(said) => said,
        Err(error) => {
            let what = format!(
                "Send {{\"payment\": \"pi_...\", \"outcome\": \"approved\", \"reason\": \"...\"}} as JSON: {error}."
            );
            return AdminReply::problem(400, &what);
        }
    };
    let reason = said.reason.trim();
    if reason.is_empty() || !clean(reason, MAX_REASON_CHARS) {
        let what = format!("Give a reason: how it is known, in 1 to {MAX_REASON_CHARS} characters.");
        return AdminReply::problem(400, &what);
    }
    if !clean(&said.acquirer_reference, MAX_REFERENCE_CHARS) {
        let what = format!(
            "acquirer_reference has at most {MAX_REFERENCE_CHARS} characters, no control characters."
        );
        return AdminReply::problem(400, &what);
    }
    let number = reference.parse::<u64>().ok().filter(|_| reference.bytes().all(|b| b.is_ascii_digit()));
    let Some(number) = number else {
        return AdminReply::problem(400, "A message is named by its reference of twelve digits.");
    };
    let payment = match settlement::find(engine, number).await {
        Ok(Some(payment)) if payment.id.to_string() == said.payment => payment,
        Ok(_) => return unknown_message(),
        Err(error) => return AdminReply::problem(503, &format!("The store can't be read: {error:?}.")),
    };
    let word = Word {
        reference: number,
        settlement: match said.outcome {
            Outcome::Approved => Settlement::Approved,
            Outcome::Declined => Settlement::Declined,
        },
        acquirer_reference: said.acquirer_reference,
        reason: reason.to_owned(),
    };
    match settlement::settle(engine, (payment.tenant, payment.id), word).await {
        Ok(Settled::Done(status)) => {
            let body = json!({ "payment": said.payment, "reference": reference, "status": status.as_str() });
            AdminReply::json(200, body.to_string())
        }
        Ok(Settled::Refused(refusal)) => refused(refusal),
        Err(_) => AdminReply::problem(503, "It could not be recorded now. Nothing has changed; try again."),
    }
}

fn unknown_message() -> AdminReply {
    AdminReply::problem(
        404,
        "No message of this reference waits for an answer in this payment; GET /messages/stuck lists those that do.",
    )
}

fn refused(refusal: Refusal) -> AdminReply {
    if matches!(refusal, Refusal::NotSupported { .. }) {
        return AdminReply::problem(
            409,
            "What this message undoes must be undone: have the acquirer do it, then settle it as approved.",
        );
    }
    unknown_message()
}
