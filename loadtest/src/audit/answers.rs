//! Invariants 3 (its first half), 6 and 7: what clients were told is true, is told again in the same bytes, and stays.

use super::client::Line;
use super::evidence::Index;
use super::finding::{Breach, Findings};
use super::store::Payment;
use std::collections::{BTreeMap, BTreeSet};

/// 6: a payment's key is claimed once.
pub fn one_claim_a_key(payment: &Payment, findings: &mut Findings) {
    let mut seen = BTreeSet::new();
    for claim in &payment.claims {
        findings.check(6, seen.insert(claim.key.as_str()), || {
            Breach::of(&payment.payment, format!("the key {} is claimed twice by this payment", claim.key))
        });
    }
}

/// 3: a key makes one payment, in the store and in what clients saw.
pub fn one_payment_a_key(index: &Index<'_>, findings: &mut Findings) {
    for ((_, _, key), payments) in &index.claims {
        let distinct: BTreeSet<_> = payments.iter().map(|payment| payment.payment.as_str()).collect();
        findings.check(3, distinct.len() <= 1, || {
            Breach::by(key, format!("the key {key} belongs to several payments of the store: {distinct:?}"))
        });
    }
    for ((_, key), lines) in &index.keys {
        let told =
            lines.iter().filter(|line| line.status == Some(200)).filter_map(|line| line.payment.as_deref());
        let distinct: BTreeSet<_> = told.collect();
        findings.check(3, distinct.len() <= 1, || {
            Breach::by(key, format!("clients were told several payments for the key {key}: {distinct:?}"))
        });
    }
}

/// 6: a key has one final answer, the same bytes each time, and the store knows its status.
pub fn final_answers(index: &Index<'_>, findings: &mut Findings) {
    let mut statuses: BTreeMap<(&str, &str), Option<u16>> = BTreeMap::new();
    for payment in &index.evidence.gateway {
        for claim in &payment.claims {
            statuses.insert((&payment.payment, &claim.key), claim.status);
        }
    }
    for ((_, key), lines) in &index.keys {
        let finals: Vec<&&Line> = lines.iter().filter(|line| line.is_final).collect();
        let distinct: BTreeSet<_> = finals.iter().map(|line| (line.status, line.digest.as_str())).collect();
        findings.check(6, distinct.len() <= 1, || {
            Breach::by(
                key,
                format!("the key {key} got {} different final answers: {distinct:?}", distinct.len()),
            )
        });
        let Some(last) = finals.last() else { continue };
        let Some(payment) = last.payment.as_deref().filter(|_| matches!(last.status, Some(200 | 402))) else {
            continue;
        };
        let Some(stored) = statuses.get(&(payment, *key)) else {
            findings.check(6, false, || {
                Breach::by(
                    key,
                    format!(
                        "the key {key} was answered for good, but {payment} does not claim it in the store"
                    ),
                )
            });
            continue;
        };
        findings.check(6, *stored == last.status, || {
            Breach::by(key, format!("the key {key} was answered {:?}, the store has {stored:?}", last.status))
        });
    }
}

/// What clients were told of one payment, each key counted once.
#[derive(Default)]
struct Told<'a> {
    keys: BTreeSet<&'a str>,
    authorized: i64,
    captured: i64,
    voided: bool,
    refunds: Vec<&'a Line>,
    /// A decline of its only confirmation.
    declined: bool,
    /// It was shown as paid.
    paid: bool,
}

/// 7: what was acknowledged is in the store, and was undone by nothing but a later operation that is recorded.
pub fn acknowledged(index: &Index<'_>, findings: &mut Findings) {
    let mut told: BTreeMap<&str, Told<'_>> = BTreeMap::new();
    for line in &index.evidence.client {
        let Some(payment) = line.payment.as_deref() else { continue };
        let entry = told.entry(payment).or_default();
        entry.add(line);
    }
    for (payment, told) in &told {
        let stored = index.payments.get(payment);
        findings.check(7, stored.is_some(), || {
            Breach::of(payment, format!("clients were told of {payment}, which the store does not have"))
        });
        if let Some(stored) = stored {
            told.hold_against(stored, findings);
        }
    }
}

impl<'a> Told<'a> {
    fn add(&mut self, line: &'a Line) {
        if matches!(line.op.as_str(), "authorize" | "sale") && line.status == Some(402) && line.is_final {
            self.declined = true;
        }
        if line.op == "retrieve" && line.status == Some(200) && line.state.as_deref() == Some("succeeded") {
            self.paid = true;
        }
        if !line.succeeded() || !self.keys.insert(&line.key) {
            return;
        }
        match line.op.as_str() {
            "authorize" => self.authorized += line.amount_minor,
            "sale" => {
                self.authorized += line.amount_minor;
                self.captured += line.amount_minor;
            }
            "capture" => self.captured += line.amount_minor,
            "void" => self.voided = true,
            "refund" => self.refunds.push(line),
            _read => {}
        }
    }

    fn hold_against(&self, stored: &Payment, findings: &mut Findings) {
        let id = &stored.payment;
        let authorized: i64 = stored.attempts.iter().map(|attempt| attempt.authorized_minor).sum();
        findings.check(7, authorized >= self.authorized, || {
            Breach::of(
                id,
                format!("{} was acknowledged as authorized, the store has {authorized}", self.authorized),
            )
        });
        findings.check(7, stored.captured() >= self.captured, || {
            let captured = stored.captured();
            Breach::of(
                id,
                format!("{} was acknowledged as captured, the store has {captured}", self.captured),
            )
        });
        findings.check(7, !self.paid || stored.captured() > 0, || {
            Breach::of(id, "the payment was shown as paid, but nothing is captured".to_owned())
        });
        findings.check(7, !self.voided || stored.status == "canceled", || {
            Breach::of(id, format!("a void was acknowledged, but the payment is {}", stored.status))
        });
        for line in &self.refunds {
            let id_of_refund = line.object.as_deref().unwrap_or_default();
            let found = stored.refunds.iter().find(|refund| refund.id == id_of_refund);
            let stands = found.is_some_and(|refund| {
                refund.state == "succeeded" && refund.amount_minor == line.amount_minor
            });
            findings.check(7, stands, || {
                let text = format!(
                    "the refund {id_of_refund} over {} was acknowledged, the store has {found:?}",
                    line.amount_minor
                );
                Breach::of(id, text)
            });
        }
        if self.declined && self.authorized == 0 {
            let held = stored.attempts.iter().any(|attempt| attempt.state == "authorized");
            findings.check(7, !held, || {
                Breach::of(
                    id,
                    "a decline was acknowledged for good, but the store has it authorized".to_owned(),
                )
            });
        }
    }
}
