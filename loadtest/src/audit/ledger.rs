//! Invariants 1 and 2: amounts keep their order, and every movement sums to zero.

use super::finding::{Breach, Findings};
use super::store::Payment;
use std::collections::BTreeMap;

/// 1: captured and pending captures within what was authorized, refunds within what was captured, a void only of what was
/// not captured.
pub fn amounts(payment: &Payment, findings: &mut Findings) {
    let id = &payment.payment;
    for attempt in &payment.attempts {
        let used = attempt.captured_minor + attempt.pending_minor;
        let fits =
            attempt.captured_minor >= 0 && attempt.pending_minor >= 0 && used <= attempt.authorized_minor;
        findings.check(1, fits, || {
            Breach::of(
                id,
                format!(
                    "captured {} and pending {} of {} authorized under reference {}",
                    attempt.captured_minor,
                    attempt.pending_minor,
                    attempt.authorized_minor,
                    attempt.reference
                ),
            )
        });
        let void_of_nothing = attempt.state != "voided" || attempt.captured_minor == 0;
        findings.check(1, void_of_nothing, || {
            Breach::of(
                id,
                format!(
                    "reference {} is voided after {} was captured",
                    attempt.reference, attempt.captured_minor
                ),
            )
        });
    }
    let (refunded, pending) = (payment.refunded(), payment.refunds_pending());
    let fits = payment.refunds.iter().all(|refund| refund.amount_minor > 0)
        && refunded + pending <= payment.captured();
    findings.check(1, fits, || {
        Breach::of(
            id,
            format!("refunded {refunded} and pending {pending} of {} captured", payment.captured()),
        )
    });
    let canceled = payment.status != "canceled" || payment.captured() == 0;
    findings.check(1, canceled, || {
        Breach::of(id, format!("the payment is canceled, but {} was captured", payment.captured()))
    });
}

/// 2: postings sum to zero, in each currency, in each transition and so in each prefix; and what they sum to on the accounts is
/// what the payment says of itself.
pub fn postings(payment: &Payment, findings: &mut Findings) {
    let id = &payment.payment;
    let mut balances: BTreeMap<&str, i64> = BTreeMap::new();
    for event in &payment.events {
        let mut sums: BTreeMap<&str, i64> = BTreeMap::new();
        for posting in &event.postings {
            *sums.entry(&posting.currency).or_insert(0) += posting.amount_minor;
            *balances.entry(&posting.account).or_insert(0) += posting.amount_minor;
            findings.check(2, posting.currency.eq_ignore_ascii_case(&payment.currency), || {
                Breach::of(
                    id,
                    format!(
                        "event {} posts {} on a payment in {}",
                        event.seq, posting.currency, payment.currency
                    ),
                )
            });
        }
        findings.check(2, sums.values().all(|sum| *sum == 0), || {
            Breach::of(id, format!("the postings of event {} ({}) sum to {sums:?}", event.seq, event.kind))
        });
    }
    // The store's names for accounts, whatever their case.
    let balance = |name: &str| -> i64 {
        let found = balances.iter().find(|(account, _)| account.replace('_', "").eq_ignore_ascii_case(name));
        found.map_or(0, |(_, sum)| *sum)
    };
    let (owed, paid_back) = (-balance("MerchantPending"), balance("Refunds"));
    findings.check(2, owed == payment.captured(), || {
        Breach::of(
            id,
            format!("{owed} is owed to the merchant by the postings, {} captured", payment.captured()),
        )
    });
    findings.check(2, paid_back == payment.refunded(), || {
        Breach::of(id, format!("{paid_back} was paid back by the postings, {} refunded", payment.refunded()))
    });
}
