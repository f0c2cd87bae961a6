//! Invariants 8 and 9 as far as a store at rest shows them: nothing is unknown any more, and events have no gaps.

use super::finding::{Breach, Findings};
use super::store::Payment;

/// 8: after the acquirer's return and the time for it, no payment, attempt or refund is unknown.
pub fn nothing_unknown(payment: &Payment, findings: &mut Findings) {
    let id = &payment.payment;
    findings.check(8, payment.status != "processing", || {
        Breach::of(id, "the payment is still processing".to_owned())
    });
    for attempt in &payment.attempts {
        let known = attempt.state != "open" || payment.status == "requires_action";
        findings.check(8, known && attempt.pending_minor == 0, || {
            Breach::of(id, format!("what became of reference {} is not known", attempt.reference))
        });
    }
    for refund in &payment.refunds {
        findings.check(8, refund.state != "pending", || {
            Breach::of(id, format!("what became of the refund {} is not known", refund.id))
        });
    }
}

/// 9: a payment's events are numbered 1, 2, 3 and so on.
pub fn events(payment: &Payment, findings: &mut Findings) {
    let numbers: Vec<u64> = payment.events.iter().map(|event| event.seq).collect();
    let gapless = numbers.iter().zip(1..).all(|(seq, expected)| *seq == expected);
    findings.check(9, gapless && !numbers.is_empty(), || {
        Breach::of(
            &payment.payment,
            format!("events must be numbered 1 to {}, but are {numbers:?}", numbers.len()),
        )
    });
}
