//! What an answer means whose message is not outstanding any more.
//!
//! Architecture invariant: an approval is never dropped. It was taken before, or it is recorded, and then taken after all where
//! nothing has changed since, or reversed.

use super::MAX_LATE_APPROVALS;
use super::command::{Conclusion, OpenSeed};
use super::conclude::release_rest;
use super::decide::open;
use super::event::Event;
use super::state::{
    AfterReversal, Attempt, AttemptState, Open, OpenKind, Payment, Refund, RefundState, Refused, Stage,
    Status,
};
use crate::acquirer::{Answer, Approval, OriginalKind, Trace};
use crate::money::Money;
use crate::refusal::{Operation, Refusal};

/// What was approved too late.
struct Missed<'a> {
    attempt: u16,
    acquirer: &'a str,
    kind: OriginalKind,
    trace: Trace,
    amount_minor: i64,
    /// The capture or void itself, if it may still be taken.
    again: Option<&'a Refused>,
}

/// An approval of a message that was closed without one is recorded, and the message reversed: again, even if a reversal was
/// acknowledged before, for hosts acknowledge what they never saw. A capture or a void that was declined, and approved after all,
/// is taken if the hold still stands as it did. Every other answer comes a second time, and changes nothing.
pub(super) fn late(payment: &Payment, conclusion: &Conclusion) -> Result<Vec<Event>, Refusal> {
    let Answer::Approved(approval) = &conclusion.answer else { return Err(Refusal::NotOutstanding) };
    let missed = missed(payment, conclusion.reference).ok_or(Refusal::NotOutstanding)?;
    let (kind, of, amount_minor) = (missed.kind, missed.trace, missed.amount_minor);
    let undo = OpenKind::Reverse { kind, of, amount_minor, then: AfterReversal::Nothing };
    if payment.open.iter().any(|o| o.kind == undo) {
        return Err(Refusal::NotOutstanding);
    }
    if payment.late_approvals >= MAX_LATE_APPROVALS {
        let limit = usize::from(MAX_LATE_APPROVALS);
        return Err(Refusal::TooMany { operation: Operation::Settle, limit });
    }
    let mut events = vec![Event::LateApproval { trace: missed.trace, approval: approval.clone() }];
    if let Some(refused) = missed.again {
        if is_voided(payment, refused) {
            return Err(Refusal::NotOutstanding);
        }
        if let Some(taken) = take(payment, refused, (approval, conclusion)) {
            events.extend(taken);
            return Ok(events);
        }
    }
    let attempt = payment.attempt_numbered(missed.attempt).ok_or(Refusal::NotOutstanding)?;
    let seed = OpenSeed { trace: conclusion.spare, due: conclusion.at, claim: None };
    let acquirer = missed.acquirer.into();
    let open = Open { stage: Stage::Unsent, acquirer, ..open(seed, undo, attempt) };
    events.push(Event::ReversalIntended { reference: conclusion.reference, open: Box::new(open) });
    Ok(events)
}

/// Whether a void that was declined has nothing left to do: another one was approved.
fn is_voided(payment: &Payment, refused: &Refused) -> bool {
    let state = payment.attempt_numbered(refused.attempt).map(|attempt| &attempt.state);
    matches!(refused.kind, OpenKind::Void { .. })
        && matches!(state, Some(AttemptState::Voided(_) | AttemptState::Expired(_)))
}

/// The events that take a declined capture or void after all; `None` if the payment has moved on.
fn take(
    payment: &Payment,
    refused: &Refused,
    (approval, conclusion): (&Approval, &Conclusion),
) -> Option<Vec<Event>> {
    let attempt = payment.attempt().filter(|attempt| attempt.number == refused.attempt)?;
    let (reference, at) = (refused.trace.reference, conclusion.at);
    if matches!(refused.kind, OpenKind::Void { .. }) {
        // The hold is gone: what asks for that once more is answered by it.
        let asked = payment.open.iter().find_map(|open| match &open.kind {
            OpenKind::Void { reason } => Some((open.trace.reference, *reason)),
            _other => None,
        });
        if let Some((reference, reason)) = asked {
            return Some(vec![Event::Voided { reference, at, reason }]);
        }
    }
    if payment.status() != Status::RequiresCapture {
        return None;
    }
    let seed = OpenSeed { trace: refused.trace, due: at, claim: None };
    let open = open(seed, refused.kind.clone(), attempt);
    match &refused.kind {
        OpenKind::Capture { amount_minor, last } => {
            let asked = Money::new(*amount_minor, payment.amount.currency);
            if approval.amount != asked || *amount_minor > payment.capturable_minor() {
                return None;
            }
            let left_minor = payment.capturable_minor() - amount_minor;
            let rest = release_rest(&open, left_minor, conclusion);
            let (amount_minor, last) = (*amount_minor, *last);
            let mut events = vec![
                Event::CaptureIntended { open: Box::new(open) },
                Event::Captured { reference, at, amount_minor, last },
            ];
            events.extend(rest);
            Some(events)
        }
        OpenKind::Void { reason } if attempt.captures.is_empty() => {
            let reason = *reason;
            Some(vec![Event::VoidIntended { open: Box::new(open) }, Event::Voided { reference, at, reason }])
        }
        OpenKind::Void { .. }
        | OpenKind::Authorize
        | OpenKind::Sale
        | OpenKind::Increment { .. }
        | OpenKind::Refund { .. }
        | OpenKind::Reverse { .. }
        | OpenKind::Release { .. } => None,
    }
}

/// The message of this reference, if it was closed without an approval.
fn missed(payment: &Payment, reference: u64) -> Option<Missed<'_>> {
    under_reversal(payment, reference)
        .or_else(|| refused_message(payment, reference))
        .or_else(|| refused_attempt(payment, reference))
        .or_else(|| failed_refund(payment, reference))
}

fn under_reversal(payment: &Payment, reference: u64) -> Option<Missed<'_>> {
    payment.open.iter().find_map(|open| match &open.kind {
        OpenKind::Reverse { kind, of, amount_minor, .. } if of.reference == reference => Some(Missed {
            attempt: open.attempt,
            acquirer: &open.acquirer,
            kind: *kind,
            trace: *of,
            amount_minor: *amount_minor,
            again: None,
        }),
        _other => None,
    })
}

fn refused_message(payment: &Payment, reference: u64) -> Option<Missed<'_>> {
    let refused = payment.refused.iter().find(|refused| refused.trace.reference == reference)?;
    let kind = match &refused.kind {
        OpenKind::Authorize => OriginalKind::Authorize,
        OpenKind::Sale => OriginalKind::Sale,
        OpenKind::Increment { .. } => OriginalKind::Increment,
        OpenKind::Capture { .. } => OriginalKind::Capture,
        OpenKind::Void { .. } | OpenKind::Reverse { .. } | OpenKind::Release { .. } => OriginalKind::Void,
        OpenKind::Refund { .. } => OriginalKind::Refund,
    };
    let (attempt, acquirer) = (refused.attempt, refused.acquirer.as_str());
    let (trace, amount_minor) = (refused.trace, refused.amount_minor);
    Some(Missed { attempt, acquirer, kind, trace, amount_minor, again: Some(refused) })
}

fn refused_attempt(payment: &Payment, reference: u64) -> Option<Missed<'_>> {
    let refused = |a: &&Attempt| a.trace.reference == reference && was_refused(a);
    payment.attempts.iter().find(refused).map(|attempt| Missed {
        attempt: attempt.number,
        acquirer: &attempt.acquirer,
        kind: attempt.original_kind(),
        trace: attempt.trace,
        amount_minor: attempt.amount_minor,
        again: None,
    })
}

fn failed_refund(payment: &Payment, reference: u64) -> Option<Missed<'_>> {
    let failed = |r: &&Refund| r.trace.reference == reference && matches!(r.state, RefundState::Failed(_));
    let refund = payment.refunds.iter().find(failed)?;
    let acquirer = &payment.attempt_numbered(refund.attempt)?.acquirer;
    let (attempt, trace, amount_minor) = (refund.attempt, refund.trace, refund.amount_minor);
    Some(Missed { attempt, acquirer, kind: OriginalKind::Refund, trace, amount_minor, again: None })
}

/// Whether an acquirer was asked, and the payment went on without its approval.
fn was_refused(attempt: &Attempt) -> bool {
    let refused = matches!(attempt.state, AttemptState::Failed(_) | AttemptState::Abandoned);
    refused && !attempt.acquirer.is_empty()
}

impl Payment {
    /// The references of messages of which an answer may come that nobody waits for, and matters: those whose outcome is not known,
    /// and those that were closed without an approval. A message on its first way has none: whoever sent it waits. So a payment
    /// that was simply approved has none, ever.
    pub fn awaited(&self) -> impl Iterator<Item = u64> + '_ {
        let open = self.open.iter().flat_map(|open| {
            let first = open.stage == Stage::Sent && open.tries == 0;
            let undone = match &open.kind {
                OpenKind::Reverse { of, .. } => Some(of.reference),
                OpenKind::Authorize
                | OpenKind::Sale
                | OpenKind::Increment { .. }
                | OpenKind::Capture { .. }
                | OpenKind::Void { .. }
                | OpenKind::Refund { .. }
                | OpenKind::Release { .. } => None,
            };
            (!first).then_some(open.trace.reference).into_iter().chain(undone)
        });
        let refused = self.refused.iter().map(|refused| refused.trace.reference);
        let attempts = self.attempts.iter().filter(|a| was_refused(a)).map(|a| a.trace.reference);
        let failed = |r: &&Refund| matches!(r.state, RefundState::Failed(_));
        let refunds = self.refunds.iter().filter(failed).map(|r| r.trace.reference);
        open.chain(refused).chain(attempts).chain(refunds)
    }

    /// The acquirer that the message of this reference went to, if the message is outstanding or was closed without an approval.
    pub fn asked_of(&self, reference: u64) -> Option<&str> {
        let open = self.open_by_reference(reference).map(|open| open.acquirer.as_str());
        open.or_else(|| missed(self, reference).map(|missed| missed.acquirer))
    }
}
