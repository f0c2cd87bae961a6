//! What an answer means whose message is not outstanding any more.
//!
//! Architecture invariant: an approval is never dropped. It was taken before, or it is recorded and reversed.

use super::decide::{Conclusion, OpenSeed, open};
use super::event::Event;
use super::state::{AfterReversal, Attempt, AttemptState, OpenKind, Payment, Refund, RefundState};
use crate::acquirer::{Answer, OriginalKind};
use crate::refusal::Refusal;

/// An approval of a message that was closed without one is recorded, and the message reversed: again, even if a reversal was
/// acknowledged before, for hosts acknowledge what they never saw. Every other answer comes a second time, and changes nothing.
pub(super) fn late(payment: &Payment, conclusion: &Conclusion) -> Result<Vec<Event>, Refusal> {
    let Answer::Approved(approval) = &conclusion.answer else { return Err(Refusal::NotOutstanding) };
    let (attempt, kind) = unaccepted(payment, conclusion.reference).ok_or(Refusal::NotOutstanding)?;
    let OpenKind::Reverse { of, .. } = &kind else { return Err(Refusal::NotOutstanding) };
    if payment.open.iter().any(|o| o.kind == kind) {
        return Err(Refusal::NotOutstanding);
    }
    let (reference, trace) = (conclusion.reference, *of);
    let seed = OpenSeed { trace: conclusion.spare, due: conclusion.at, claim: None };
    let attempt = payment.attempt_numbered(attempt).ok_or(Refusal::NotOutstanding)?;
    let open = Box::new(open(seed, kind, attempt));
    Ok(vec![
        Event::LateApproval { trace, approval: approval.clone() },
        Event::ReversalIntended { reference, open },
    ])
}

/// The reversal of a message that was closed without an approval, with its attempt; `None` if there is no such message.
fn unaccepted(payment: &Payment, reference: u64) -> Option<(u16, OpenKind)> {
    let again =
        |kind, of, amount_minor| OpenKind::Reverse { kind, of, amount_minor, then: AfterReversal::Nothing };
    let under_reversal = payment.open.iter().find_map(|open| match &open.kind {
        OpenKind::Reverse { kind, of, amount_minor, .. } if of.reference == reference => {
            Some((open.attempt, again(*kind, *of, *amount_minor)))
        }
        _other => None,
    });
    let attempt = || payment.attempts.iter().find(|a| a.trace.reference == reference && was_refused(a));
    let refund = || {
        let failed = |r: &&Refund| matches!(r.state, RefundState::Failed(_));
        payment.refunds.iter().filter(failed).find(|r| r.trace.reference == reference)
    };
    under_reversal
        .or_else(|| attempt().map(|a| (a.number, again(a.original_kind(), a.trace, a.amount_minor))))
        .or_else(|| refund().map(|r| (r.attempt, again(OriginalKind::Refund, r.trace, r.amount_minor))))
}

/// Whether an acquirer was asked, and the payment went on without its approval.
fn was_refused(attempt: &Attempt) -> bool {
    let refused = matches!(attempt.state, AttemptState::Failed(_) | AttemptState::Abandoned);
    refused && !attempt.acquirer.is_empty()
}
