//! What an answer of an acquirer, or the lack of one, means for the message that was outstanding.
//!
//! Architecture invariant: `Unknown` is never rounded. It leaves the message outstanding, with a time to look again.

use super::command::{Conclusion, OpenSeed};
use super::decide::reversal;
use super::event::Event;
use super::late::late;
use super::state::{AfterReversal, CancellationReason, Failure, FailureKind, Open, OpenKind, Payment, Stage};
use crate::acquirer::{Answer, Approval, Decline, DeclineCode, FinalCapture, Transmission};
use crate::id::Id;
use crate::money::Money;
use crate::refusal::Refusal;

/// Judges an answer.
pub(super) fn conclude(payment: &Payment, conclusion: Conclusion) -> Result<Vec<Event>, Refusal> {
    let Some(open) = payment.open_by_reference(conclusion.reference) else {
        return late(payment, &conclusion);
    };
    match &conclusion.answer {
        Answer::Approved(approval) => approved(payment, open, &conclusion, approval),
        Answer::Declined(decline) => Ok(declined(open, decline, &conclusion)),
        Answer::NotFound => Ok(not_found(open, &conclusion)),
        Answer::NotSent(_) => Ok(not_sent(open, &conclusion)),
        Answer::Unknown(_) => Ok(vec![staged(open, Stage::Unknown, &conclusion)]),
        Answer::Pending(pending) => {
            // Only a customer who is about to pay can be asked to do something; the rest is between merchant and acquirer.
            let action = pending.action.clone().filter(|_| open.asks_customer());
            let stage = Stage::Accepted { until: pending.until, action };
            Ok(vec![staged(open, stage, &conclusion)])
        }
    }
}

fn staged(open: &Open, stage: Stage, conclusion: &Conclusion) -> Event {
    let (reference, due) = (open.trace.reference, conclusion.due);
    if open.stage == stage {
        return Event::Postponed { reference, due };
    }
    Event::Staged { reference, stage, due }
}

fn approved(
    payment: &Payment,
    open: &Open,
    conclusion: &Conclusion,
    approval: &Approval,
) -> Result<Vec<Event>, Refusal> {
    let (reference, at) = (open.trace.reference, conclusion.at);
    match &open.kind {
        OpenKind::Authorize | OpenKind::Sale => authorization_approved(payment, open, conclusion, approval),
        OpenKind::Increment { total_minor } if is_for(payment, approval, *total_minor) => {
            Ok(vec![Event::Incremented { reference, total_minor: *total_minor }])
        }
        OpenKind::Capture { amount_minor, last } if is_for(payment, approval, *amount_minor) => {
            let mut events =
                vec![Event::Captured { reference, at, amount_minor: *amount_minor, last: *last }];
            // What this capture takes is reserved already, so what is still capturable is the rest.
            events.extend(release_rest(open, payment.capturable_minor(), conclusion));
            Ok(events)
        }
        OpenKind::Void { reason } => Ok(vec![Event::Voided { reference, at, reason: *reason }]),
        OpenKind::Refund { refund } if approves_refund(payment, *refund, approval) => {
            let acquirer_reference = approval.reference.clone();
            Ok(vec![Event::Refunded { reference, refund: *refund, acquirer_reference }])
        }
        OpenKind::Reverse { then, .. } => Ok(vec![Event::Reversed { reference, at, then: then.clone() }]),
        OpenKind::Release { .. } => Ok(vec![Event::Released { reference }]),
        // Approved for another amount or currency than was asked: what can be undone is undone. A capture can't: it is repeated.
        OpenKind::Increment { .. } => undo(payment, open, conclusion, (approval, AfterReversal::KeepTotal)),
        OpenKind::Refund { refund } => {
            undo(payment, open, conclusion, (approval, AfterReversal::FailRefund(*refund)))
        }
        OpenKind::Capture { .. } => Ok(vec![staged(open, Stage::Unknown, conclusion)]),
    }
}

fn is_for(payment: &Payment, approval: &Approval, amount_minor: i64) -> bool {
    approval.amount == Money::new(amount_minor, payment.amount.currency)
}

fn approves_refund(payment: &Payment, refund: Id, approval: &Approval) -> bool {
    payment.refunds.iter().any(|r| r.id.0 == refund && is_for(payment, approval, r.amount_minor))
}

/// Records an approval that can't be taken, and reverses its message.
fn undo(
    payment: &Payment,
    open: &Open,
    conclusion: &Conclusion,
    (approval, then): (&Approval, AfterReversal),
) -> Result<Vec<Event>, Refusal> {
    let mut events = vec![Event::LateApproval { trace: open.trace, approval: approval.clone() }];
    let seed = OpenSeed { trace: conclusion.spare, due: conclusion.at, claim: open.claim.clone() };
    // The resolver sends it: for the first time.
    events.push(reversal(payment, open, seed, (then, Stage::Unsent))?);
    Ok(events)
}

fn authorization_approved(
    payment: &Payment,
    open: &Open,
    conclusion: &Conclusion,
    approval: &Approval,
) -> Result<Vec<Event>, Refusal> {
    let (reference, at) = (open.trace.reference, conclusion.at);
    let asked = payment.attempt_numbered(open.attempt).map_or(0, |a| a.amount_minor);
    let same_currency = approval.amount.currency == payment.amount.currency;
    let less = (1..asked).contains(&approval.amount.minor) && conclusion.accept_partial;
    if same_currency && (approval.amount.minor == asked || less) {
        let approval = approval.clone();
        return Ok(vec![match open.kind {
            OpenKind::Sale => Event::Sold { reference, at, approval },
            OpenKind::Authorize
            | OpenKind::Increment { .. }
            | OpenKind::Capture { .. }
            | OpenKind::Void { .. }
            | OpenKind::Refund { .. }
            | OpenKind::Reverse { .. }
            | OpenKind::Release { .. } => Event::Authorized { reference, at, approval },
        }]);
    }
    undo(payment, open, conclusion, (approval, AfterReversal::Fail))
}

/// Gives back what a final capture leaves of the hold, if it leaves any. The resolver sends it.
pub(super) fn release_rest(open: &Open, amount_minor: i64, conclusion: &Conclusion) -> Option<Event> {
    let OpenKind::Capture { last: FinalCapture::Yes, .. } = open.kind else { return None };
    (amount_minor > 0).then(|| {
        let open = Open {
            kind: OpenKind::Release { amount_minor },
            attempt: open.attempt,
            acquirer: open.acquirer.clone(),
            trace: conclusion.spare,
            stage: Stage::Unsent,
            due: conclusion.at,
            tries: 0,
            claim: None,
        };
        Event::ReleaseIntended { open: Box::new(open) }
    })
}

fn declined(open: &Open, decline: &Decline, conclusion: &Conclusion) -> Vec<Event> {
    let reference = open.trace.reference;
    let code = decline.code;
    vec![match &open.kind {
        OpenKind::Authorize | OpenKind::Sale => {
            let kind = match code {
                DeclineCode::AuthenticationRequired if matches!(open.stage, Stage::Accepted { .. }) => {
                    FailureKind::NotAuthenticated
                }
                _any => FailureKind::Declined,
            };
            let network_code = decline.network_code.clone();
            let failure = Failure { kind, code, network_code, cvc_check: decline.cvc_check };
            Event::AuthorizationFailed { reference, failure }
        }
        OpenKind::Increment { .. } => Event::IncrementDeclined { reference, code },
        OpenKind::Capture { .. } => Event::CaptureDeclined { reference, code },
        // The hold ran out whatever the acquirer says, so there is nothing to go back to: it is repeated as a reversal is.
        OpenKind::Void { reason: CancellationReason::Expired } => staged(open, Stage::Unknown, conclusion),
        OpenKind::Void {
            reason:
                CancellationReason::Duplicate
                | CancellationReason::Fraudulent
                | CancellationReason::RequestedByCustomer
                | CancellationReason::Abandoned
                | CancellationReason::Unspecified,
        } => Event::VoidDeclined { reference, code },
        OpenKind::Refund { refund } => Event::RefundFailed { reference, refund: *refund, code },
        // A refused reversal settles nothing: it is repeated, and an operator is told.
        OpenKind::Reverse { .. } | OpenKind::Release { .. } => staged(open, Stage::Unknown, conclusion),
    }]
}

/// The acquirer never saw the message, and no longer can: the caller makes sure of that.
fn not_found(open: &Open, conclusion: &Conclusion) -> Vec<Event> {
    let reference = open.trace.reference;
    let code = DeclineCode::ProcessingError;
    vec![match &open.kind {
        OpenKind::Authorize | OpenKind::Sale => {
            let failure = Failure::ours(FailureKind::Reversed, code);
            Event::AuthorizationFailed { reference, failure }
        }
        OpenKind::Increment { .. } => Event::IncrementDeclined { reference, code },
        OpenKind::Refund { refund } => Event::RefundFailed { reference, refund: *refund, code },
        OpenKind::Reverse { then, .. } => {
            Event::Reversed { reference, at: conclusion.at, then: then.clone() }
        }
        OpenKind::Release { .. } => Event::Released { reference },
        OpenKind::Capture { .. } | OpenKind::Void { .. } => staged(open, Stage::Unsent, conclusion),
    }]
}

fn not_sent(open: &Open, conclusion: &Conclusion) -> Vec<Event> {
    let reference = open.trace.reference;
    let code = DeclineCode::TryAgainLater;
    let first = conclusion.transmission == Transmission::First && open.stage == Stage::Sent;
    let never_left = first && open.tries == 0;
    vec![match &open.kind {
        OpenKind::Authorize | OpenKind::Sale if never_left => {
            let failure = Failure::ours(FailureKind::NotSent, code);
            Event::AuthorizationFailed { reference, failure }
        }
        OpenKind::Increment { .. } if never_left => Event::IncrementDeclined { reference, code },
        OpenKind::Capture { .. } | OpenKind::Void { .. } | OpenKind::Refund { .. } if first => {
            staged(open, Stage::Unsent, conclusion)
        }
        // Not reaching the acquirer again says nothing about the first time.
        OpenKind::Authorize
        | OpenKind::Sale
        | OpenKind::Increment { .. }
        | OpenKind::Capture { .. }
        | OpenKind::Void { .. }
        | OpenKind::Refund { .. }
        | OpenKind::Reverse { .. }
        | OpenKind::Release { .. } => staged(open, open.stage.clone(), conclusion),
    }]
}
