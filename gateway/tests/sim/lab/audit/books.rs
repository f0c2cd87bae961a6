//! The store against the acquirers' books: invariants 3, 4 and 5.

use super::super::facts::{BookFacts, Ended, Evidence, Line, Op, PaymentFacts, Sent, Standing, What};
use super::Findings;
use std::collections::{BTreeMap, HashMap};

/// Lines and standings of all acquirers: references are unique over all of them.
struct Ledger<'a> {
    lines: HashMap<u64, &'a Line>,
    standing: HashMap<u64, Standing>,
}

impl<'a> Ledger<'a> {
    fn of(books: &'a [BookFacts]) -> Self {
        let lines = books.iter().flat_map(|book| &book.lines).map(|line| (line.reference, line)).collect();
        let standing =
            books.iter().flat_map(|book| &book.standing).map(|(hold, standing)| (*hold, *standing)).collect();
        Self { lines, standing }
    }

    fn approved(&self, reference: u64) -> Option<&'a Line> {
        self.lines.get(&reference).copied().filter(|line| line.approved && !line.undone)
    }
}

/// Compares everything.
pub fn compare(evidence: &Evidence, findings: &mut Findings) {
    let ledger = Ledger::of(&evidence.books);
    let mut named: HashMap<u64, usize> = HashMap::new();
    for (at, payment) in evidence.store.payments.iter().enumerate() {
        for transition in &payment.history {
            named.extend(reference_of(&transition.what).map(|reference| (reference, at)));
        }
        one_approval(payment, &ledger, findings);
        if payment.open.is_empty() {
            attempts(payment, &ledger, findings);
            captures(payment, &ledger, findings);
            refunds(payment, &ledger, findings);
        }
    }
    for line in ledger.lines.values() {
        let stands = line.approved && !line.undone;
        findings.demand(!stands || named.contains_key(&line.reference), 4, || {
            format!(
                "an acquirer approved {:?} {:012}, the store knows nothing of it",
                line.op, line.reference
            )
        });
    }
    sends(&evidence.sent, findings);
}

pub const fn reference_of(what: &What) -> Option<u64> {
    match what {
        What::Asked { reference, .. }
        | What::Rerouted { to: reference, .. }
        | What::ReversalAsked { reference, .. }
        | What::CaptureAsked { reference, .. }
        | What::ReleaseAsked { reference }
        | What::VoidAsked { reference }
        | What::IncrementAsked { reference, .. }
        | What::RefundAsked { reference, .. } => Some(*reference),
        _none => None,
    }
}

/// 3: of all the attempts of a payment at most one stands approved.
fn one_approval(payment: &PaymentFacts, ledger: &Ledger<'_>, findings: &mut Findings) {
    let asked = payment.history.iter().filter_map(|transition| match &transition.what {
        What::Asked { reference, .. } | What::Rerouted { to: reference, .. } => Some(reference),
        _other => None,
    });
    let standing = asked.filter(|reference| ledger.approved(**reference).is_some()).count();
    findings.demand(standing <= 1, 3, || format!("{}: {standing} approvals stand", payment.id));
}

/// 4: what the store holds is held, and nothing else.
fn attempts(payment: &PaymentFacts, ledger: &Ledger<'_>, findings: &mut Findings) {
    for attempt in &payment.attempts {
        let standing = ledger.standing.get(&attempt.reference).copied().unwrap_or_default();
        let refunded: i64 = payment.refunds.iter().filter(|r| r.3 == "succeeded").map(|r| r.2).sum();
        let wanted = match (attempt.stands, attempt.closed) {
            (false, _) => Standing::default(),
            (true, true) => Standing { authorized: attempt.captured, captured: attempt.captured, refunded },
            (true, false) => {
                Standing { authorized: attempt.authorized, captured: attempt.captured, refunded }
            }
        };
        findings.demand(standing == wanted, 4, || {
            format!(
                "{} ({}), {:012}: the acquirer has {standing:?}, the store {wanted:?}",
                payment.id, payment.status, attempt.reference
            )
        });
        let twin = ledger.approved(attempt.reference).is_some();
        findings.demand(twin || !attempt.stands, 4, || {
            format!("{}: {:012} was never approved", payment.id, attempt.reference)
        });
    }
}

/// 5: each capture happened once, for its amount; one that was refused did not.
fn captures(payment: &PaymentFacts, ledger: &Ledger<'_>, findings: &mut Findings) {
    for transition in &payment.history {
        match &transition.what {
            What::Captured { reference, amount, .. } => {
                let line = ledger.approved(*reference);
                findings.demand(line.is_some_and(|line| line.amount == *amount), 5, || {
                    format!("{}: capture {reference:012} of {amount} is {line:?} at the acquirer", payment.id)
                });
            }
            What::CaptureDeclined { reference } => {
                findings.demand(ledger.approved(*reference).is_none(), 5, || {
                    format!("{}: capture {reference:012} was refused, and happened", payment.id)
                });
            }
            _other => {}
        }
    }
}

/// 5: each refund that succeeded happened once, for its amount; one that failed did not.
fn refunds(payment: &PaymentFacts, ledger: &Ledger<'_>, findings: &mut Findings) {
    for (id, reference, amount, state) in &payment.refunds {
        let line = ledger.approved(*reference);
        let holds = match *state {
            "succeeded" => line.is_some_and(|line| line.amount == *amount),
            _failed => line.is_none(),
        };
        findings.demand(holds, 5, || {
            format!("{}: refund {id} of {amount} is {state}, at the acquirer {line:?}", payment.id)
        });
    }
}

/// 5: nothing before its intent, one first send, and repeats only of what may be repeated.
fn sends(sent: &[Sent], findings: &mut Findings) {
    let mut by_reference: BTreeMap<u64, Vec<&Sent>> = BTreeMap::new();
    for one in sent {
        findings.demand(one.durable || one.op == Op::Inquire, 5, || {
            format!("{:?} {:012} was sent before its intent was durable", one.op, one.reference)
        });
        let subject = if one.op == Op::Inquire { one.about.unwrap_or(0) } else { one.reference };
        by_reference.entry(subject).or_default().push(one);
    }
    for (reference, all) in by_reference {
        let mut left = false;
        for one in &all {
            if one.op == Op::Inquire {
                // Its acquirer says that it never came. Whether that was believed too early shows in its book.
                left &= !matches!(one.ended, Some((_, Ended::NotFound)));
                continue;
            }
            findings.demand(!(one.first && left), 5, || {
                let told: Vec<_> =
                    all.iter().map(|one| (one.at_ms, one.life, one.first, one.ended)).collect();
                format!("{:?} {reference:012} was sent as the first time after it had left: {told:?}", one.op)
            });
            let advice = matches!(one.op, Op::Capture | Op::Void | Op::Reverse);
            findings.demand(one.first || advice, 5, || {
                format!("{:?} {reference:012} was repeated, which only advices and reversals may be", one.op)
            });
            left |= !matches!(one.ended, Some((_, Ended::NotSent)));
        }
    }
}
