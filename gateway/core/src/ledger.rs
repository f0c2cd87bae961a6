//! Double entry: every movement is a set of postings that sums to zero in each currency. Balances are derived.

use crate::money::{Currency, Money};
use crate::payment::{AttemptState, Event, Payment};
use serde::{Deserialize, Serialize};

/// Whose balance a posting moves. The merchant and the acquirer are those of the payment that the posting stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Account {
    /// Held on cards, a memorandum account.
    Held,
    /// Its counterpart.
    HeldContra,
    /// What the acquirer owes for captures, less refunds.
    Receivable,
    /// What is owed to the merchant for captures.
    MerchantPending,
    /// What was paid back to cardholders on the merchant's behalf.
    Refunds,
}

/// A movement on one account: positive is a debit, negative a credit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Posting {
    pub account: Account,
    pub amount: Money,
}

fn pair(debit: Account, credit: Account, minor: i64, currency: Currency) -> impl Iterator<Item = Posting> {
    let leg = move |account, minor| Posting { account, amount: Money::new(minor, currency) };
    [leg(debit, minor), leg(credit, -minor)].into_iter().filter(move |_| minor != 0)
}

/// What a transition moves, seen from the payment before it. Empty for most.
pub fn postings(before: &Payment, event: &Event) -> Vec<Posting> {
    let currency = before.amount.currency;
    let mut out = Vec::new();
    let held = held_minor(before);
    match event {
        Event::Authorized { approval, .. } => {
            out.extend(pair(Account::Held, Account::HeldContra, approval.amount.minor, currency));
        }
        Event::Sold { approval, .. } => {
            out.extend(pair(Account::Receivable, Account::MerchantPending, approval.amount.minor, currency));
        }
        Event::Incremented { total_minor, .. } => {
            let raise = total_minor - authorized_minor(before);
            out.extend(pair(Account::Held, Account::HeldContra, raise, currency));
        }
        Event::Captured { amount_minor, last, .. } => {
            out.extend(pair(Account::Receivable, Account::MerchantPending, *amount_minor, currency));
            let gone = match last {
                crate::acquirer::FinalCapture::Yes => held,
                crate::acquirer::FinalCapture::No => *amount_minor,
            };
            out.extend(pair(Account::HeldContra, Account::Held, gone, currency));
        }
        Event::Voided { .. } | Event::HoldClosed { .. } => {
            out.extend(pair(Account::HeldContra, Account::Held, held, currency))
        }
        Event::Refunded { refund, .. } => {
            let amount = before.refunds.iter().find(|r| r.id.0 == *refund).map_or(0, |r| r.amount_minor);
            out.extend(pair(Account::Refunds, Account::Receivable, amount, currency));
        }
        Event::Created { .. }
        | Event::Updated { .. }
        | Event::InstrumentSet(_)
        | Event::InstrumentCleared
        | Event::AuthorizationIntended { .. }
        | Event::Blocked { .. }
        | Event::Rerouted { .. }
        | Event::Staged { .. }
        | Event::Postponed { .. }
        | Event::RetryIntended { .. }
        | Event::AuthorizationFailed { .. }
        | Event::ReversalIntended { .. }
        | Event::Reversed { .. }
        | Event::CaptureIntended { .. }
        | Event::CaptureDeclined { .. }
        | Event::ReleaseIntended { .. }
        | Event::Released { .. }
        | Event::VoidIntended { .. }
        | Event::VoidDeclined { .. }
        | Event::Canceled { .. }
        | Event::IncrementIntended { .. }
        | Event::IncrementDeclined { .. }
        | Event::RefundIntended { .. }
        | Event::RefundFailed { .. }
        | Event::RefundUpdated { .. }
        | Event::ReviewOpened { .. }
        | Event::ReviewClosed { .. }
        | Event::Labelled { .. }
        | Event::LateApproval { .. }
        | Event::OperatorNote { .. } => {}
    }
    out
}

fn authorized_minor(payment: &Payment) -> i64 {
    match payment.attempt().map(|a| &a.state) {
        Some(AttemptState::Authorized(approval)) => approval.amount.minor,
        Some(
            AttemptState::Open
            | AttemptState::Failed(_)
            | AttemptState::Voided(_)
            | AttemptState::Expired(_)
            | AttemptState::Abandoned,
        )
        | None => 0,
    }
}

/// What is held on the card now, in minor units: authorized and neither captured nor released.
pub fn held_minor(payment: &Payment) -> i64 {
    match payment.attempt() {
        Some(attempt) if !attempt.closed => (authorized_minor(payment) - attempt.captured_minor()).max(0),
        Some(_) | None => 0,
    }
}
