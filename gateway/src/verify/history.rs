//! Histories for the harness: one JSON line a payment. The harness audits these, and never opens a store.

use super::Verifier;
use gateway_core::payment::{Attempt, AttemptState, Event, OpenKind, Payment, Recorded, RefundState};
use serde_json::{Value, json};
use std::io::{self, Write};

/// Writes a line for each payment, in the order of their ids.
///
/// # Errors
/// As the writer's.
pub fn write(verifier: &Verifier, out: &mut dyn Write) -> io::Result<()> {
    let mut all: Vec<_> = verifier.payments.iter().collect();
    all.sort_by_key(|(id, _)| **id);
    for (_, seen) in all {
        let Some(payment) = &seen.payment else { continue };
        let claims: Vec<Value> =
            seen.claims.iter().map(|(key, status)| json!({ "key": key, "status": status })).collect();
        let events: Vec<Value> = seen.history.iter().map(event).collect();
        let line = json!({
            "payment": payment.id.to_string(),
            "merchant": payment.tenant.merchant.to_string(),
            "mode": payment.tenant.mode.as_str(),
            "currency": payment.amount.currency.code(),
            "amount_minor": payment.amount.minor,
            "status": payment.status().as_str(),
            "attempts": payment.attempts.iter().map(|a| attempt(payment, a)).collect::<Vec<_>>(),
            "refunds": payment.refunds.iter().map(refund).collect::<Vec<_>>(),
            "open": payment.open.len(),
            "events": events,
            "claims": claims,
        });
        writeln!(out, "{line}")?;
    }
    Ok(())
}

fn attempt(payment: &Payment, attempt: &Attempt) -> Value {
    let last = payment.attempt().map(|a| a.number) == Some(attempt.number);
    let pending: i64 = payment
        .open
        .iter()
        .map(|open| if let OpenKind::Capture { amount_minor, .. } = open.kind { amount_minor } else { 0 })
        .sum();
    json!({
        "reference": attempt.trace.reference_text(),
        "acquirer": attempt.acquirer,
        "sale": attempt.sale,
        "amount_minor": attempt.amount_minor,
        "authorized_minor": attempt.approval().map_or(0, |approval| approval.amount.minor),
        "captured_minor": attempt.captured_minor(),
        "pending_minor": if last { pending } else { 0 },
        "state": match attempt.state {
            AttemptState::Open => "open",
            AttemptState::Authorized(_) => "authorized",
            AttemptState::Failed(_) => "failed",
            AttemptState::Voided(_) => "voided",
            AttemptState::Expired(_) => "expired",
            AttemptState::Abandoned => "abandoned",
        },
    })
}

fn refund(refund: &gateway_core::payment::Refund) -> Value {
    json!({
        "id": refund.id.to_string(),
        "reference": refund.trace.reference_text(),
        "amount_minor": refund.amount_minor,
        "state": match refund.state {
            RefundState::Pending => "pending",
            RefundState::Succeeded => "succeeded",
            RefundState::Failed(_) => "failed",
        },
    })
}

fn event(recorded: &Recorded) -> Value {
    let postings: Vec<Value> = recorded
        .postings
        .iter()
        .map(|posting| {
            json!({
                "account": format!("{:?}", posting.account),
                "currency": posting.amount.currency.code(),
                "amount_minor": posting.amount.minor,
            })
        })
        .collect();
    json!({ "seq": recorded.seq, "at_ms": recorded.at.0, "kind": kind(&recorded.event), "postings": postings })
}

/// The transition's name: the first word of its debug form, which holds nothing else of it.
fn kind(event: &Event) -> String {
    let text = format!("{event:?}");
    text.split([' ', '(', '{']).next().unwrap_or_default().to_owned()
}
