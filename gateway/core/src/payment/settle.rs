//! An operator's word on a message that no acquirer will speak for: recorded with its reason, and then taken as an answer is.

use super::command::Conclusion;
use super::conclude::conclude;
use super::event::Event;
use super::state::{CancellationReason, Open, OpenKind, Payment};
use crate::acquirer::{Answer, Approval, Decline, DeclineCode, Trace, Transmission};
use crate::money::Money;
use crate::refusal::{Operation, Refusal};
use crate::time::Timestamp;
use smol_str::SmolStr;

/// What the operator has learned of the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Settlement {
    /// It was done: approved for all that was asked; a reversal or a release was acknowledged.
    Approved,
    /// It was not done, and never will be.
    Declined,
}

/// What an operator says of a message.
#[derive(Debug, Clone)]
pub struct Settle {
    pub reference: u64,
    pub settlement: Settlement,
    /// The acquirer's own reference, if the operator has it; else empty.
    pub acquirer_reference: SmolStr,
    /// How the operator knows.
    pub reason: String,
    pub at: Timestamp,
    /// Numbers for a release that may follow from it.
    pub spare: Trace,
}

/// Judges an operator's word.
pub(super) fn settle(payment: &Payment, settle: Settle) -> Result<Vec<Event>, Refusal> {
    let open = payment.open_by_reference(settle.reference).ok_or(Refusal::NotOutstanding)?;
    let Settle { reference, settlement, acquirer_reference, reason, at, spare } = settle;
    let answer = match settlement {
        Settlement::Approved => Answer::Approved(Approval {
            amount: Money::new(asked_minor(payment, open), payment.amount.currency),
            reference: acquirer_reference,
            authorization_code: SmolStr::default(),
            network_transaction_id: None,
            cvc_check: None,
        }),
        Settlement::Declined if may_be_declined(open) => Answer::Declined(Decline {
            code: DeclineCode::ProcessingError,
            network_code: SmolStr::default(),
            cvc_check: None,
        }),
        Settlement::Declined => return Err(Refusal::NotSupported { operation: Operation::Settle }),
    };
    let transmission = Transmission::Repeat;
    let conclusion =
        Conclusion { reference, answer, transmission, at, due: at, spare, accept_partial: false };
    let mut events = vec![Event::OperatorNote { at, reference, reason }];
    events.extend(conclude(payment, conclusion)?);
    Ok(events)
}

/// What a full approval of the message names, in minor units.
fn asked_minor(payment: &Payment, open: &Open) -> i64 {
    let attempt = payment.attempt_numbered(open.attempt).map_or(0, |attempt| attempt.amount_minor);
    match &open.kind {
        OpenKind::Authorize | OpenKind::Sale | OpenKind::Void { .. } => attempt,
        OpenKind::Increment { total_minor } => *total_minor,
        OpenKind::Capture { amount_minor, .. }
        | OpenKind::Reverse { amount_minor, .. }
        | OpenKind::Release { amount_minor } => *amount_minor,
        OpenKind::Refund { refund } => {
            payment.refunds.iter().find(|r| r.id.0 == *refund).map_or(0, |r| r.amount_minor)
        }
    }
}

/// What must be undone can't be left as it is: an operator has it undone, and says so.
const fn may_be_declined(open: &Open) -> bool {
    match &open.kind {
        OpenKind::Authorize
        | OpenKind::Sale
        | OpenKind::Increment { .. }
        | OpenKind::Capture { .. }
        | OpenKind::Refund { .. } => true,
        OpenKind::Void { reason } => !matches!(reason, CancellationReason::Expired),
        OpenKind::Reverse { .. } | OpenKind::Release { .. } => false,
    }
}
