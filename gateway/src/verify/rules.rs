//! The invariants of one payment, after each of its transitions. Numbers are those of the design's list.

use gateway_core::Currency;
use gateway_core::ledger::{Account, held_minor};
use gateway_core::payment::{
    Attempt, AttemptState, MAX_ATTEMPTS, MAX_LATE_APPROVALS, MAX_REFUNDS, OpenKind, Payment, Recorded,
};
use std::collections::BTreeMap;

/// Transitions are numbered 1, 2, 3, …
pub fn transition(before: &Option<Payment>, recorded: &Recorded) -> Option<String> {
    let wanted = before.as_ref().map_or(1, |payment| payment.version + 1);
    (recorded.seq != wanted).then(|| format!("9: transition {} where {wanted} is next", recorded.seq))
}

/// Postings sum to zero in each currency, and move each balance by just what the payment's state moved: so the balances that all of them
/// make are those that the state says.
pub fn postings(before: Option<&Payment>, after: &Payment, recorded: &Recorded) -> Vec<String> {
    let mut sums: BTreeMap<Currency, i64> = BTreeMap::new();
    let mut moved: BTreeMap<(Account, Currency), i64> = BTreeMap::new();
    for posting in &recorded.postings {
        let (currency, minor) = (posting.amount.currency, posting.amount.minor);
        *sums.entry(currency).or_default() += minor;
        *moved.entry((posting.account, currency)).or_default() += minor;
    }
    let uneven = sums.into_iter().filter(|(_, sum)| *sum != 0).map(|(currency, sum)| {
        format!("2: the postings of transition {} sum to {sum} {currency}", recorded.seq)
    });
    let mut broken: Vec<String> = uneven.collect();
    let currency = after.amount.currency;
    let wanted = balances(after);
    let stood = before.map_or([0; 4], balances);
    for ((account, stood), wanted) in ACCOUNTS.into_iter().zip(stood).zip(wanted) {
        let by = moved.remove(&(account, currency)).unwrap_or(0);
        if by != wanted - stood {
            broken.push(format!("2: {account:?} moved by {by}, the state says {}", wanted - stood));
        }
    }
    moved.retain(|(account, of), minor| *minor != 0 && (*account != Account::HeldContra || *of != currency));
    broken.extend(moved.keys().map(|(account, of)| format!("2: {account:?} moved in {of}")));
    broken
}

const ACCOUNTS: [Account; 4] =
    [Account::Held, Account::Receivable, Account::MerchantPending, Account::Refunds];

/// Where the accounts stand, by the payment's state alone.
fn balances(payment: &Payment) -> [i64; 4] {
    let (captured, refunded) = (payment.captured_minor(), payment.refunded_minor());
    [held_minor(payment), captured - refunded, -captured, refunded]
}

fn authorized(attempt: &Attempt) -> i64 {
    attempt.approval().map_or(0, |approval| approval.amount.minor)
}

/// What must hold of a payment at any time.
pub fn state(payment: &Payment) -> Vec<String> {
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
    broken.extend(bounds(payment));
    broken
}

/// Numbers that are bounded, and references that name one message each.
fn bounds(payment: &Payment) -> Vec<String> {
    let mut broken = Vec::new();
    let counts = [
        (payment.attempts.len(), MAX_ATTEMPTS, "attempts"),
        (payment.refunds.len(), MAX_REFUNDS, "refunds"),
        (usize::from(payment.late_approvals), usize::from(MAX_LATE_APPROVALS), "late approvals"),
    ];
    for (count, most, what) in counts {
        if count > most {
            broken.push(format!("13: {count} {what}, {most} at most"));
        }
    }
    let mut references: Vec<u64> = payment.open.iter().map(|open| open.trace.reference).collect();
    references.sort_unstable();
    if references.windows(2).any(|pair| pair[0] == pair[1]) {
        broken.push("5: two outstanding messages under one reference".to_owned());
    }
    if payment.canceled.is_some() && payment.captured_minor() > 0 {
        broken.push("1: canceled after a capture".to_owned());
    }
    broken
}
