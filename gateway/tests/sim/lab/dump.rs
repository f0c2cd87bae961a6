//! From the store's rows to plain facts: the only room, beside the ports, that knows the engine's types. It judges nothing.

use super::facts::{AttemptFacts, ClaimFacts, PaymentFacts, Transition, What};
use super::faults::{Deed, Stage};
use gateway_core::claim::ClaimState;
use gateway_core::journal::{Batch, Row};
use gateway_core::payment::{
    AfterReversal, AttemptState, Event, OpenKind, Payment, Recorded, RefundState, Stage as OpenStage,
};

/// Where the operation stands whose rows are about to be written, what it is about, and its key.
pub fn step_of(batch: &Batch) -> (Stage, Deed, Option<String>) {
    let mut step = (Stage::Record, Deed::Plain);
    let mut key = None;
    for write in &batch.writes {
        match &write.row {
            Row::Payment(row) => {
                for recorded in &row.events {
                    step = event_step(&row.payment, &recorded.event, step);
                }
            }
            Row::Claim(claim) => key = Some(claim.key.key.to_string()),
            _other => {}
        }
    }
    (step.0, step.1, key)
}

fn event_step(payment: &Payment, event: &Event, before: (Stage, Deed)) -> (Stage, Deed) {
    let opened = |reference| payment.open_by_reference(reference).map(|open| deed(&open.kind));
    match event {
        Event::AuthorizationIntended { open, .. }
        | Event::CaptureIntended { open }
        | Event::VoidIntended { open }
        | Event::IncrementIntended { open }
        | Event::RefundIntended { open, .. } => (Stage::Intend, deed(&open.kind)),
        // What follows from an outcome is written with it.
        Event::ReversalIntended { open, .. } if before.0 != Stage::Record || before.1 == Deed::Plain => {
            (Stage::Intend, deed(&open.kind))
        }
        Event::Rerouted { .. } => (Stage::Intend, opened_attempt(payment)),
        Event::RetryIntended { reference, .. } => match opened(*reference) {
            Some(asked @ (Deed::Authorize | Deed::Sale | Deed::Increment | Deed::Refund)) => {
                if asked == Deed::Refund { (Stage::Intend, asked) } else { (Stage::Record, Deed::Inquire) }
            }
            Some(repeated) => (Stage::Intend, repeated),
            None => before,
        },
        Event::Authorized { .. } => (Stage::Record, Deed::Authorize),
        Event::Sold { .. } => (Stage::Record, Deed::Sale),
        Event::AuthorizationFailed { .. } | Event::LateApproval { .. } => {
            (Stage::Record, opened_attempt(payment))
        }
        Event::Captured { .. } | Event::CaptureDeclined { .. } => (Stage::Record, Deed::Capture),
        Event::Voided { .. } | Event::VoidDeclined { .. } => (Stage::Record, Deed::Void),
        Event::Incremented { .. } | Event::IncrementDeclined { .. } => (Stage::Record, Deed::Increment),
        Event::Refunded { .. } | Event::RefundFailed { .. } => (Stage::Record, Deed::Refund),
        Event::Reversed { .. } => (Stage::Record, Deed::Reverse),
        Event::Released { .. } => (Stage::Record, Deed::Release),
        Event::Staged { reference, .. } | Event::Postponed { reference, .. } => {
            (Stage::Record, opened(*reference).unwrap_or(Deed::Plain))
        }
        _moves_nothing => before,
    }
}

fn opened_attempt(payment: &Payment) -> Deed {
    match payment.attempt() {
        Some(attempt) if attempt.sale => Deed::Sale,
        Some(_) | None => Deed::Authorize,
    }
}

/// What a message is about.
pub const fn deed(kind: &OpenKind) -> Deed {
    match kind {
        OpenKind::Authorize => Deed::Authorize,
        OpenKind::Sale => Deed::Sale,
        OpenKind::Increment { .. } => Deed::Increment,
        OpenKind::Capture { .. } => Deed::Capture,
        OpenKind::Void { .. } => Deed::Void,
        OpenKind::Refund { .. } => Deed::Refund,
        OpenKind::Reverse { .. } => Deed::Reverse,
        OpenKind::Release { .. } => Deed::Release,
    }
}

/// The reference of the message whose outcome a transition is.
pub fn outcome_of(event: &Event) -> Option<u64> {
    match event {
        Event::Authorized { reference, .. }
        | Event::Sold { reference, .. }
        | Event::AuthorizationFailed { reference, .. }
        | Event::Captured { reference, .. }
        | Event::CaptureDeclined { reference, .. }
        | Event::Voided { reference, .. }
        | Event::VoidDeclined { reference, .. }
        | Event::Incremented { reference, .. }
        | Event::IncrementDeclined { reference, .. }
        | Event::Refunded { reference, .. }
        | Event::RefundFailed { reference, .. }
        | Event::Reversed { reference, .. }
        | Event::Released { reference, .. }
        | Event::Staged { reference, .. }
        | Event::Postponed { reference, .. }
        | Event::ReversalIntended { reference, .. } => Some(*reference),
        _none => None,
    }
}

/// A stored transition.
pub fn transition(recorded: &Recorded) -> Transition {
    let postings = recorded.postings.iter().map(|posting| {
        let (account, amount) = (format!("{:?}", posting.account), posting.amount);
        (account, amount.currency.code().to_owned(), amount.minor)
    });
    Transition { seq: recorded.seq, what: what(&recorded.event), postings: postings.collect() }
}

fn what(event: &Event) -> What {
    match event {
        Event::Created { amount, .. } => What::Created { amount: amount.minor },
        Event::Updated { amount, .. } => What::Updated { amount: amount.map(|money| money.minor) },
        Event::InstrumentSet(_) => What::InstrumentSet,
        Event::AuthorizationIntended { attempt, open, .. } => {
            What::Asked { reference: open.trace.reference, sale: attempt.sale, amount: attempt.amount_minor }
        }
        Event::Blocked { .. } => What::Blocked,
        Event::Rerouted { from, trace, .. } => What::Rerouted { from: *from, to: trace.reference },
        Event::Staged { reference, stage, .. } => What::Staged {
            reference: *reference,
            action: matches!(stage, OpenStage::Accepted { action: Some(_), .. }),
        },
        Event::RetryIntended { reference, .. } | Event::Postponed { reference, .. } => {
            What::Looked { reference: *reference }
        }
        Event::Authorized { reference, approval, .. } => {
            What::Authorized { reference: *reference, amount: approval.amount.minor }
        }
        Event::Sold { reference, approval, .. } => {
            What::Sold { reference: *reference, amount: approval.amount.minor }
        }
        Event::AuthorizationFailed { reference, .. } => What::Failed { reference: *reference },
        Event::ReversalIntended { reference, open } => reversal(*reference, &open.kind, open.trace.reference),
        Event::Reversed { reference, .. } => What::Reversed { reference: *reference },
        _follow_up => follow_up(event),
    }
}

fn reversal(of: u64, kind: &OpenKind, reference: u64) -> What {
    let OpenKind::Reverse { then, .. } = kind else { return What::Noted };
    let refund = match then {
        AfterReversal::FailRefund(id) => Some(gateway_core::id::RefundId(*id).to_string()),
        _other => None,
    };
    let cancels = matches!(then, AfterReversal::Cancel(_));
    let holds = cancels || matches!(then, AfterReversal::Fail | AfterReversal::KeepTotal);
    What::ReversalAsked { of, reference, holds, cancels, refund }
}

fn follow_up(event: &Event) -> What {
    let reference_of = |open: &gateway_core::payment::Open| open.trace.reference;
    let refund_text = |id: &gateway_core::id::Id| gateway_core::id::RefundId(*id).to_string();
    match event {
        Event::CaptureIntended { open } => match &open.kind {
            OpenKind::Capture { amount_minor, .. } => {
                What::CaptureAsked { reference: reference_of(open), amount: *amount_minor }
            }
            _other => What::Noted,
        },
        Event::Captured { reference, amount_minor, last, .. } => What::Captured {
            reference: *reference,
            amount: *amount_minor,
            last: *last == gateway_core::acquirer::FinalCapture::Yes,
        },
        Event::CaptureDeclined { reference, .. } => What::CaptureDeclined { reference: *reference },
        Event::HoldClosed { .. } => What::Closed,
        Event::ReleaseIntended { open } => What::ReleaseAsked { reference: reference_of(open) },
        Event::Released { reference } => What::Released { reference: *reference },
        Event::VoidIntended { open } => What::VoidAsked { reference: reference_of(open) },
        Event::Voided { reference, .. } => What::Voided { reference: *reference },
        Event::VoidDeclined { reference, .. } => What::VoidDeclined { reference: *reference },
        Event::Canceled { .. } => What::Canceled,
        Event::IncrementIntended { open } => match &open.kind {
            OpenKind::Increment { total_minor } => {
                What::IncrementAsked { reference: reference_of(open), total: *total_minor }
            }
            _other => What::Noted,
        },
        Event::Incremented { reference, total_minor } => {
            What::Incremented { reference: *reference, total: *total_minor }
        }
        Event::IncrementDeclined { reference, .. } => What::IncrementDeclined { reference: *reference },
        Event::RefundIntended { refund, open } => What::RefundAsked {
            reference: reference_of(open),
            refund: refund.id.to_string(),
            amount: refund.amount_minor,
        },
        Event::Refunded { reference, refund, .. } => {
            What::Refunded { reference: *reference, refund: refund_text(refund) }
        }
        Event::RefundFailed { reference, refund, .. } => {
            What::RefundFailed { reference: *reference, refund: refund_text(refund) }
        }
        _moves_nothing => What::Noted,
    }
}

/// A stored payment with its transitions; public events are added by the caller.
pub fn payment(payment: &Payment, history: &[Recorded]) -> PaymentFacts {
    let order = payment.details.metadata.iter().find(|(name, _)| name == "order");
    let attempts = payment.attempts.iter().map(|attempt| AttemptFacts {
        reference: attempt.trace.reference,
        stands: matches!(attempt.state, AttemptState::Authorized(_)),
        authorized: attempt.approval().map_or(0, |approval| approval.amount.minor),
        captured: attempt.captured_minor(),
        closed: attempt.closed,
    });
    let refunds = payment.refunds.iter().map(|refund| {
        let state = match refund.state {
            RefundState::Pending => "pending",
            RefundState::Succeeded => "succeeded",
            RefundState::Failed(_) => "failed",
        };
        (refund.id.to_string(), refund.trace.reference, refund.amount_minor, state)
    });
    PaymentFacts {
        id: payment.id.to_string(),
        order: order.map(|(_, value)| value.clone()).unwrap_or_default(),
        status: payment.status().as_str(),
        amount: payment.amount.minor,
        version: payment.version,
        attempts: attempts.collect(),
        refunds: refunds.collect(),
        open: payment.outstanding().map(|open| open.trace.reference).collect(),
        history: history.iter().map(transition).collect(),
        told: Vec::new(),
    }
}

/// What a key holds.
pub fn claim(state: &ClaimState) -> ClaimFacts {
    match state {
        ClaimState::Provisional { .. } => ClaimFacts::Open,
        ClaimState::Final { status, body, .. } => {
            ClaimFacts::Final { status: *status, body: body.as_deref().map(<[u8]>::to_vec) }
        }
    }
}
