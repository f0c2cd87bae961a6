//! Histories for the harness: one JSON line a payment. The harness audits these, and never opens a store.

use super::Verifier;
use gateway_core::SmolStr;
use gateway_core::claim::ClaimState;
use gateway_core::id::PaymentId;
use gateway_core::journal::Row;
use gateway_core::payment::{
    Attempt, AttemptState, Event, OpenKind, Payment, Recorded, RefundState, Refused,
};
use gateway_store::embedded::{Archive, Written};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;

/// Writes a line for each payment, in the order of their ids.
///
/// # Errors
/// As the writer's; also if a row can't be read again.
pub fn write(verifier: &Verifier, out: &mut dyn Write) -> io::Result<()> {
    let mut claims: BTreeMap<PaymentId, Vec<u64>> = BTreeMap::new();
    for (latest, payment) in verifier.claims.values() {
        if let Some(payment) = payment {
            claims.entry(*payment).or_default().push(latest.position);
        }
    }
    for (id, latest) in &verifier.payments {
        let (payment, history) = story(&verifier.archive, latest.position)?;
        let mut told = BTreeMap::new();
        for position in claims.get(id).into_iter().flatten() {
            if let Row::Claim(claim) = read(&verifier.archive, *position)?.row {
                let status = match &claim.state {
                    ClaimState::Provisional { .. } => None,
                    ClaimState::Final { status, .. } => Some(*status),
                };
                told.insert(claim.key.key, status);
            }
        }
        writeln!(out, "{}", line(&payment, &history, &told))?;
    }
    Ok(())
}

fn read(archive: &Archive, position: u64) -> io::Result<Written> {
    archive.read(position).map_err(|error| io::Error::other(format!("{error:?}")))
}

/// A payment and all its transitions, from its latest row back to its first.
fn story(archive: &Archive, latest: u64) -> io::Result<(Payment, Vec<Recorded>)> {
    let broken = || io::Error::other(format!("the history that ends at position {latest} breaks"));
    let written = read(archive, latest)?;
    let (Row::Payment(row), mut before) = (written.row, written.before) else { return Err(broken()) };
    let mut newest_first = vec![row.events];
    while let Some(position) = before {
        let written = read(archive, position)?;
        let Row::Payment(row) = written.row else { return Err(broken()) };
        newest_first.push(row.events);
        before = written.before.filter(|earlier| *earlier < position);
    }
    Ok((Arc::unwrap_or_clone(row.payment), newest_first.into_iter().rev().flatten().collect()))
}

fn line(payment: &Payment, history: &[Recorded], claims: &BTreeMap<SmolStr, Option<u16>>) -> Value {
    let claims: Vec<Value> =
        claims.iter().map(|(key, status)| json!({ "key": key, "status": status })).collect();
    let events: Vec<Value> = history.iter().map(event).collect();
    json!({
        "payment": payment.id.to_string(),
        "merchant": payment.tenant.merchant.to_string(),
        "mode": payment.tenant.mode.as_str(),
        "currency": payment.amount.currency.code(),
        "amount_minor": payment.amount.minor,
        "status": payment.status().as_str(),
        "attempts": payment.attempts.iter().map(|a| attempt(payment, a)).collect::<Vec<_>>(),
        "refunds": payment.refunds.iter().map(refund).collect::<Vec<_>>(),
        "rerouted": payment.refused.iter().filter_map(rerouted).collect::<Vec<_>>(),
        "open": payment.open.len(),
        "events": events,
        "claims": claims,
    })
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

/// A message of an attempt that another acquirer was asked in place of.
fn rerouted(refused: &Refused) -> Option<Value> {
    matches!(refused.kind, OpenKind::Authorize | OpenKind::Sale).then(|| {
        json!({
            "reference": refused.trace.reference_text(),
            "acquirer": refused.acquirer,
            "amount_minor": refused.amount_minor,
        })
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
