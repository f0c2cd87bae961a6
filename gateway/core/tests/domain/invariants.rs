//! What must hold of every payment after every transition, computed from its rows and its history alone.

use gateway_core::ledger::{Account, Posting, held_minor};
use gateway_core::payment::{AttemptState, OpenKind, Payment, Recorded, RefundState, replay};
use std::collections::BTreeMap;

/// Checks a payment against its history.
///
/// # Panics
/// At the first breach, naming it.
pub fn check(payment: &Payment, history: &[Recorded]) {
    amounts(payment);
    messages(payment);
    for (index, recorded) in history.iter().enumerate() {
        assert_eq!(recorded.seq as usize, index + 1, "events are numbered without a gap");
    }
    assert_eq!(payment.version as usize, history.len(), "one version an event");
    assert_eq!(replay(history).as_ref(), Some(payment), "the history leads to the state");
    books(payment, history);
}

fn amounts(p: &Payment) {
    let captured: i64 = p.attempts.iter().flat_map(|a| &a.captures).map(|c| c.amount_minor).sum();
    let taking: i64 = pending(p, |kind| matches!(kind, OpenKind::Capture { .. }));
    let authorized: i64 =
        p.attempts.iter().filter_map(|a| a.approval()).map(|approval| approval.amount.minor).sum();
    assert!(
        captured >= 0 && captured + taking <= authorized,
        "{captured} + {taking} captured of {authorized}"
    );
    let refunds = |state: fn(&RefundState) -> bool| -> i64 {
        p.refunds.iter().filter(|r| state(&r.state)).map(|r| r.amount_minor).sum()
    };
    let (done, under_way) =
        (refunds(|s| *s == RefundState::Succeeded), refunds(|s| *s == RefundState::Pending));
    assert!(done + under_way <= captured, "{done} + {under_way} refunded of {captured}");
    assert_eq!(p.refunded_minor(), done);
    assert_eq!(p.refunded_or_reserved_minor(), done + under_way);
    assert!(p.capturable_minor() >= 0, "capturable is never negative");
    if p.canceled.is_some() {
        assert_eq!(captured, 0, "void only if nothing was captured");
    }
    let holding = p.attempts.iter().filter(|a| matches!(a.state, AttemptState::Authorized(_))).count();
    assert!(holding <= 1, "at most one attempt holds money");
}

fn pending(p: &Payment, which: fn(&OpenKind) -> bool) -> i64 {
    p.open
        .iter()
        .filter(|o| which(&o.kind))
        .map(|o| match o.kind {
            OpenKind::Capture { amount_minor, .. } => amount_minor,
            OpenKind::Authorize
            | OpenKind::Sale
            | OpenKind::Increment { .. }
            | OpenKind::Void { .. }
            | OpenKind::Refund { .. }
            | OpenKind::Reverse { .. }
            | OpenKind::Release { .. } => 0,
        })
        .sum()
}

fn messages(p: &Payment) {
    assert!(
        p.open.iter().filter(|o| o.holds_payment()).count() <= 1,
        "one message holds the payment at most"
    );
    let mut references: Vec<u64> = p.open.iter().map(|o| o.trace.reference).collect();
    references.sort_unstable();
    references.dedup();
    assert_eq!(references.len(), p.open.len(), "outstanding messages have numbers of their own");
    for refund in p.refunds.iter().filter(|r| r.state == RefundState::Pending) {
        let waits = p.open.iter().any(|o| match &o.kind {
            OpenKind::Refund { refund: id } => *id == refund.id.0,
            OpenKind::Reverse { of, .. } => of.reference == refund.trace.reference,
            OpenKind::Authorize
            | OpenKind::Sale
            | OpenKind::Increment { .. }
            | OpenKind::Capture { .. }
            | OpenKind::Void { .. }
            | OpenKind::Release { .. } => false,
        });
        assert!(waits, "a pending refund has its message outstanding");
    }
    for attempt in p.attempts.iter().filter(|a| a.state == AttemptState::Open) {
        let waits = p.open.iter().any(|o| o.attempt == attempt.number && o.holds_payment());
        assert!(waits, "an open attempt has its message outstanding");
    }
    assert_eq!(p.due().is_some(), !p.open.is_empty() || p.status().as_str() == "requires_capture");
}

fn books(p: &Payment, history: &[Recorded]) {
    let mut balances: BTreeMap<(Account, &str), i64> = BTreeMap::new();
    for recorded in history {
        let mut sums: BTreeMap<&str, i64> = BTreeMap::new();
        for Posting { account, amount } in &recorded.postings {
            *sums.entry(amount.currency.code()).or_default() += amount.minor;
            *balances.entry((*account, amount.currency.code())).or_default() += amount.minor;
        }
        assert!(sums.values().all(|sum| *sum == 0), "{:?} sums to {sums:?}", recorded.event);
    }
    let balance = |account| balances.get(&(account, p.amount.currency.code())).copied().unwrap_or(0);
    assert_eq!(balance(Account::Held), held_minor(p), "held");
    assert_eq!(balance(Account::Held), -balance(Account::HeldContra), "held and its contra");
    assert_eq!(balance(Account::Receivable), p.captured_minor() - p.refunded_minor(), "receivable");
    assert_eq!(balance(Account::MerchantPending), -p.captured_minor(), "owed to the merchant");
    assert_eq!(balance(Account::Refunds), p.refunded_minor(), "paid back");
    let foreign =
        balances.iter().filter(|((_, code), minor)| *code != p.amount.currency.code() && **minor != 0);
    assert_eq!(foreign.count(), 0, "balances in the payment's currency only");
}
