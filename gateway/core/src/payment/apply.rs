//! Moves a payment by a transition. Pure, and it never refuses: what is stored has happened.

use super::event::{Event, Recorded};
use super::state::{
    AfterReversal, Attempt, AttemptState, CaptureRecord, Failure, FailureKind, Open, OpenKind, Payment,
    Refund, RefundState, Refused, Stage,
};
use crate::acquirer::{Approval, DeclineCode, FinalCapture, Trace};
use crate::id::Id;
use crate::money::Money;
use crate::risk::Review;
use crate::time::Timestamp;
use smol_str::SmolStr;
use std::sync::Arc;

/// Moves `payment` by one transition. `None` before the first, which must be `Created`.
///
/// # Panics
/// If the first transition is not `Created`: the store is not ours.
pub fn apply(payment: &mut Option<Payment>, event: &Event) {
    if let Event::Created { id, tenant, at, amount, capture_method, details, secret } = event {
        *payment = Some(Payment {
            id: *id,
            tenant: *tenant,
            version: 1,
            created: *at,
            amount: *amount,
            capture_method: *capture_method,
            details: Arc::clone(details),
            instrument: None,
            attempts: Vec::new(),
            refunds: Vec::new(),
            open: Vec::new(),
            refused: Vec::new(),
            late_approvals: 0,
            canceled: None,
            secret: *secret,
        });
        return;
    }
    let payment = payment.as_mut().expect("the first transition of a payment is its creation");
    advance(payment, event);
}

/// Moves a payment by one transition after its first.
pub fn advance(payment: &mut Payment, event: &Event) {
    payment.version += 1;
    apply_to(payment, event);
}

/// The payment after these transitions; `None` if there are none.
pub fn replay(history: &[Recorded]) -> Option<Payment> {
    let mut payment = None;
    for recorded in history {
        apply(&mut payment, &recorded.event);
    }
    payment
}

fn apply_to(p: &mut Payment, event: &Event) {
    match event {
        Event::Created { .. } => {}
        Event::Updated { amount, capture_method, details } => {
            p.amount = amount.unwrap_or(p.amount);
            p.capture_method = capture_method.unwrap_or(p.capture_method);
            p.details = Arc::clone(details);
        }
        Event::InstrumentSet(instrument) => p.instrument = Some(Arc::clone(instrument)),
        Event::InstrumentCleared => p.instrument = None,
        Event::AuthorizationIntended { attempt, open, .. } => {
            // Most payments have one of each, and a vector would take room for four.
            p.attempts.reserve_exact(1);
            p.open.reserve_exact(1);
            p.attempts.push((**attempt).clone());
            p.open.push((**open).clone());
        }
        Event::Blocked { attempt, .. } => block(p, attempt),
        Event::Rerouted { from, acquirer, trace, due, .. } => reroute(p, *from, (acquirer, *trace, *due)),
        Event::Staged { reference, stage, due } => stage_open(p, *reference, stage, *due),
        Event::Postponed { reference, due } => {
            if let Some(open) = find(p, *reference) {
                open.due = *due;
            }
        }
        Event::RetryIntended { reference, due } => {
            if let Some(open) = find(p, *reference) {
                open.tries += 1;
                open.due = *due;
                if open.stage == Stage::Unsent {
                    open.stage = Stage::Sent;
                }
            }
        }
        Event::Authorized { reference, approval, .. } => authorize(p, *reference, approval),
        Event::Sold { reference, at, approval } => sell(p, *reference, *at, approval),
        Event::AuthorizationFailed { reference, failure } => {
            if let Some(open) = close(p, *reference) {
                fail(p, open.attempt, failure.clone());
            }
        }
        Event::ReversalIntended { reference, open } => {
            if let Some(undone) = close(p, *reference)
                && matches!(undone.kind, OpenKind::Increment { .. })
            {
                remember_refused(p, undone);
            }
            p.open.push((**open).clone());
        }
        Event::Reversed { reference, at, then } => reversed(p, (*reference, *at), then),
        Event::CaptureIntended { open } | Event::ReleaseIntended { open } | Event::VoidIntended { open } => {
            // One that was refused before, and approved after all, is intended again under its own numbers.
            p.refused.retain(|refused| refused.trace != open.trace);
            p.open.push((**open).clone());
        }
        Event::IncrementIntended { open } => {
            if let Some(attempt) = attempt_of(p, open.attempt) {
                attempt.increments = attempt.increments.saturating_add(1);
            }
            p.open.push((**open).clone());
        }
        Event::Captured { reference, at, amount_minor, last } => {
            capture(p, *reference, (*at, *amount_minor), *last)
        }
        Event::CaptureDeclined { reference, .. }
        | Event::VoidDeclined { reference, .. }
        | Event::IncrementDeclined { reference, .. } => {
            if let Some(open) = close(p, *reference) {
                remember_refused(p, open);
            }
        }
        Event::Released { reference } => {
            close(p, *reference);
        }
        Event::HoldClosed { .. } => {
            if let Some(attempt) = p.attempts.last_mut() {
                attempt.closed = true;
            }
        }
        Event::Voided { reference, at, reason } => void(p, *reference, (*at, *reason)),
        Event::Canceled { at, reason } => p.canceled = Some((*at, *reason)),
        Event::Incremented { reference, total_minor } => increment(p, *reference, *total_minor),
        Event::RefundIntended { refund, open } => {
            p.refunds.push((**refund).clone());
            p.open.push((**open).clone());
        }
        Event::Refunded { reference, refund, acquirer_reference } => {
            close(p, *reference);
            if let Some(refund) = refund_of(p, *refund) {
                refund.state = RefundState::Succeeded;
                refund.reference.clone_from(acquirer_reference);
            }
        }
        Event::RefundFailed { reference, refund, code } => {
            close(p, *reference);
            fail_refund(p, *refund, *code);
        }
        Event::RefundUpdated { refund, metadata } => {
            if let Some(refund) = refund_of(p, *refund) {
                refund.metadata.clone_from(metadata);
            }
        }
        Event::ReviewOpened { review, at } => {
            if let Some(attempt) = p.attempts.last_mut() {
                attempt.review = Some(Review { id: *review, opened: *at, closed: None });
            }
        }
        Event::ReviewClosed { at, reason } => {
            if let Some(review) = p.attempts.last_mut().and_then(|attempt| attempt.review.as_mut()) {
                review.closed = Some((*at, *reason));
            }
        }
        Event::Labelled { attempt, label, .. } => {
            if let Some(attempt) = attempt_of(p, *attempt) {
                attempt.label = Some(*label);
            }
        }
        Event::LateApproval { .. } => p.late_approvals = p.late_approvals.saturating_add(1),
        Event::OperatorNote { .. } => {}
    }
}

fn find(p: &mut Payment, reference: u64) -> Option<&mut Open> {
    p.open.iter_mut().find(|o| o.trace.reference == reference)
}

fn close(p: &mut Payment, reference: u64) -> Option<Open> {
    let at = p.open.iter().position(|o| o.trace.reference == reference)?;
    Some(p.open.remove(at))
}

/// Keeps what a late approval of it would need.
fn remember_refused(p: &mut Payment, open: Open) {
    let Some(attempt) = p.attempt_numbered(open.attempt) else { return };
    let held = attempt.approval().map_or(0, |approval| approval.amount.minor);
    let amount_minor = match &open.kind {
        OpenKind::Increment { total_minor } => total_minor - held,
        OpenKind::Capture { amount_minor, .. }
        | OpenKind::Release { amount_minor }
        | OpenKind::Reverse { amount_minor, .. } => *amount_minor,
        OpenKind::Authorize | OpenKind::Sale | OpenKind::Void { .. } | OpenKind::Refund { .. } => {
            attempt.amount_minor
        }
    };
    let Open { kind, attempt, acquirer, trace, .. } = open;
    p.refused.push(Refused { kind, attempt, acquirer, trace, amount_minor });
}

fn attempt_of(p: &mut Payment, number: u16) -> Option<&mut Attempt> {
    p.attempts.get_mut(usize::from(number).checked_sub(1)?)
}

fn refund_of(p: &mut Payment, id: Id) -> Option<&mut Refund> {
    p.refunds.iter_mut().find(|r| r.id.0 == id)
}

fn fail_refund(p: &mut Payment, id: Id, code: DeclineCode) {
    if let Some(refund) = refund_of(p, id) {
        refund.state = RefundState::Failed(code);
    }
}

/// A failed attempt gives its means back: the dialect clears `payment_method`, and another must be given.
fn fail(p: &mut Payment, number: u16, failure: Failure) {
    p.instrument = None;
    if let Some(attempt) = attempt_of(p, number) {
        attempt.state = AttemptState::Failed(failure);
    }
}

fn block(p: &mut Payment, attempt: &Attempt) {
    let number = attempt.number;
    p.attempts.push(attempt.clone());
    let code = DeclineCode::Fraudulent;
    fail(p, number, Failure::ours(FailureKind::Blocked, code));
}

fn reroute(p: &mut Payment, from: u64, (acquirer, trace, due): (&SmolStr, Trace, Timestamp)) {
    if let Some(left) = find(p, from).cloned() {
        remember_refused(p, left);
    }
    let Some(open) = find(p, from) else { return };
    open.acquirer = acquirer.clone();
    open.trace = trace;
    open.due = due;
    let number = open.attempt;
    if let Some(attempt) = attempt_of(p, number) {
        attempt.acquirer = acquirer.clone();
        attempt.trace = trace;
    }
}

fn stage_open(p: &mut Payment, reference: u64, stage: &Stage, due: Timestamp) {
    if let Some(open) = find(p, reference) {
        open.stage = stage.clone();
        open.due = due;
    }
}

fn authorize(p: &mut Payment, reference: u64, approval: &Approval) {
    let Some(open) = close(p, reference) else { return };
    if let Some(attempt) = attempt_of(p, open.attempt) {
        attempt.state = AttemptState::Authorized(approval.clone());
    }
}

fn sell(p: &mut Payment, reference: u64, at: Timestamp, approval: &Approval) {
    let Some(open) = close(p, reference) else { return };
    if let Some(attempt) = attempt_of(p, open.attempt) {
        attempt.state = AttemptState::Authorized(approval.clone());
        attempt.captures.push(CaptureRecord { amount_minor: approval.amount.minor, at, trace: open.trace });
        attempt.closed = true;
    }
}

fn capture(p: &mut Payment, reference: u64, (at, amount_minor): (Timestamp, i64), last: FinalCapture) {
    let Some(open) = close(p, reference) else { return };
    if let Some(attempt) = attempt_of(p, open.attempt) {
        attempt.captures.push(CaptureRecord { amount_minor, at, trace: open.trace });
        attempt.closed = last == FinalCapture::Yes;
    }
}

fn void(p: &mut Payment, reference: u64, (at, reason): (Timestamp, super::CancellationReason)) {
    let Some(open) = close(p, reference) else { return };
    p.canceled = Some((at, reason));
    let Some(attempt) = attempt_of(p, open.attempt) else { return };
    if let AttemptState::Authorized(approval) = &attempt.state {
        attempt.state = match reason {
            super::CancellationReason::Expired => AttemptState::Expired(approval.clone()),
            super::CancellationReason::Duplicate
            | super::CancellationReason::Fraudulent
            | super::CancellationReason::RequestedByCustomer
            | super::CancellationReason::Abandoned
            | super::CancellationReason::Unspecified => AttemptState::Voided(approval.clone()),
        };
        attempt.closed = true;
    }
}

fn increment(p: &mut Payment, reference: u64, total_minor: i64) {
    let Some(open) = close(p, reference) else { return };
    p.amount = Money::new(total_minor, p.amount.currency);
    let currency = p.amount.currency;
    if let Some(attempt) = attempt_of(p, open.attempt) {
        attempt.amount_minor = total_minor;
        if let AttemptState::Authorized(approval) = &mut attempt.state {
            approval.amount = Money::new(total_minor, currency);
        }
    }
}

fn reversed(p: &mut Payment, (reference, at): (u64, Timestamp), then: &AfterReversal) {
    let Some(open) = close(p, reference) else { return };
    match then {
        AfterReversal::Fail => {
            let code = DeclineCode::ProcessingError;
            let failure = Failure::ours(FailureKind::Reversed, code);
            fail(p, open.attempt, failure);
        }
        AfterReversal::Expire => {
            let code = DeclineCode::AttemptExpired;
            let failure = Failure::ours(FailureKind::Declined, code);
            fail(p, open.attempt, failure);
        }
        AfterReversal::Cancel(reason) => {
            p.canceled = Some((at, *reason));
            if let Some(attempt) = attempt_of(p, open.attempt) {
                attempt.state = AttemptState::Abandoned;
            }
        }
        AfterReversal::FailRefund(refund) => fail_refund(p, *refund, DeclineCode::ProcessingError),
        AfterReversal::Nothing | AfterReversal::KeepTotal => {}
    }
}
