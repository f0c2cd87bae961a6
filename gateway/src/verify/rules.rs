//! The invariants of one payment, after each of its transitions. Numbers are those of the design's list.

use gateway_core::Currency;
use gateway_core::ledger::{Account, held_minor};
use gateway_core::payment::{Attempt, AttemptState, OpenKind, Payment, Recorded};
use std::collections::BTreeMap;

type Balances = BTreeMap<(Account, Currency), i64>;

/// Transitions are numbered 1, 2, 3, …
pub fn transition(before: &Option<Payment>, recorded: &Recorded) -> Option<String> {
    let wanted = before.as_ref().map_or(1, |payment| payment.version + 1);
    (recorded.seq != wanted).then(|| format!("9: transition {} where {wanted} is next", recorded.seq))
}

/// Postings sum to zero in each currency; adds them to the balances.
pub fn balances(balances: &mut Balances, recorded: &Recorded) -> Vec<String> {
    let mut sums: BTreeMap<Currency, i64> = BTreeMap::new();
    for posting in &recorded.postings {
        let (currency, minor) = (posting.amount.currency, posting.amount.minor);
        *sums.entry(currency).or_default() += minor;
        *balances.entry((posting.account, currency)).or_default() += minor;
    }
    sums.into_iter()
        .filter(|(_, sum)| *sum != 0)
        .map(|(currency, sum)| {
            format!("2: the postings of transition {} sum to {sum} {currency}", recorded.seq)
        })
        .collect()
}

fn authorized(attempt: &Attempt) -> i64 {
    attempt.approval().map_or(0, |approval| approval.amount.minor)
}

/// What must hold of a payment at any time.
pub fn state(payment: &Payment, balances: &Balances) -> Vec<String> {
    let mut broken = Vec::new();
    let pending: i64 = payment
        .open
        .iter()
        .map(|open| if let OpenKind::Capture { amount_minor, .. } = open.kind { amount_minor } else { 0 })
        .sum();
    for attempt in &payment.attempts {
        let last = Some(attempt.number) == payment.attempt().map(|a| a.number);
        let taken = attempt.captured_minor() + if last { pending } else { 0 };
        if taken > authorized(attempt) {
            broken.push(format!("1: {taken} captured or under way of {} authorized", authorized(attempt)));
        }
        if matches!(attempt.state, AttemptState::Voided(_)) && !attempt.captures.is_empty() {
            broken.push("1: voided after a capture".to_owned());
        }
    }
    let (captured, refunded) = (payment.captured_minor(), payment.refunded_or_reserved_minor());
    if !(0..=captured).contains(&refunded) {
        broken.push(format!("1: {refunded} refunded or under way of {captured} captured"));
    }
    if payment.open.iter().filter(|open| open.holds_payment()).count() > 1 {
        broken.push("5: two messages at once that the whole payment waits for".to_owned());
    }
    broken.extend(ledger(payment, balances));
    broken
}

/// The balances that the postings make are those that the payment's state says.
fn ledger(payment: &Payment, balances: &Balances) -> Vec<String> {
    let currency = payment.amount.currency;
    let balance = |account| balances.get(&(account, currency)).copied().unwrap_or(0);
    let receivable = payment.captured_minor() - payment.refunded_minor();
    [
        (Account::Held, held_minor(payment)),
        (Account::Receivable, receivable),
        (Account::MerchantPending, -payment.captured_minor()),
        (Account::Refunds, payment.refunded_minor()),
    ]
    .into_iter()
    .filter(|(account, wanted)| balance(*account) != *wanted)
    .map(|(account, wanted)| {
        format!("2: {account:?} stands at {}, the state says {wanted}", balance(account))
    })
    .collect()
}
