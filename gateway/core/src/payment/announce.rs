//! Which public events a transition means.

use super::event::Event;
use super::state::{AfterReversal, CancellationReason, Payment, Stage};
use crate::acquirer::FinalCapture;
use crate::event::{EventKind, Shown};

fn refund_index(after: &Payment, refund: crate::id::Id) -> Shown {
    let index = after.refunds.iter().position(|r| r.id.0 == refund).unwrap_or(0);
    Shown::Refund { index: u32::try_from(index).expect("bounded by MAX_REFUNDS") }
}

/// The charge of the latest attempt.
fn charge(after: &Payment) -> Shown {
    Shown::Charge { attempt: after.attempt().map_or(1, |attempt| attempt.number) }
}

/// The public events of a transition, in the order in which they are told. `after` is the payment after it.
pub fn announce(after: &Payment, event: &Event) -> Vec<(EventKind, Shown)> {
    use EventKind as K;
    match event {
        Event::Created { .. } => vec![(K::PaymentIntentCreated, Shown::Payment)],
        Event::Blocked { .. } | Event::AuthorizationFailed { .. } => {
            vec![(K::ChargeFailed, charge(after)), (K::PaymentIntentPaymentFailed, Shown::Payment)]
        }
        Event::Staged { reference, stage, .. } => staged(after, *reference, stage),
        Event::Authorized { .. } => vec![
            (K::ChargeSucceeded, charge(after)),
            (K::PaymentIntentAmountCapturableUpdated, Shown::Payment),
        ],
        Event::Sold { .. } => {
            vec![(K::ChargeSucceeded, charge(after)), (K::PaymentIntentSucceeded, Shown::Payment)]
        }
        Event::Captured { last: FinalCapture::Yes, .. } => {
            vec![(K::ChargeCaptured, charge(after)), (K::PaymentIntentSucceeded, Shown::Payment)]
        }
        Event::Captured { last: FinalCapture::No, .. } => vec![
            (K::ChargeCaptured, charge(after)),
            (K::PaymentIntentAmountCapturableUpdated, Shown::Payment),
        ],
        Event::HoldClosed { .. } => {
            vec![(K::ChargeExpired, charge(after)), (K::PaymentIntentSucceeded, Shown::Payment)]
        }
        Event::Voided { reason: CancellationReason::Expired, .. } => {
            vec![(K::ChargeExpired, charge(after)), (K::PaymentIntentCanceled, Shown::Payment)]
        }
        Event::Voided { .. } | Event::Canceled { .. } => vec![(K::PaymentIntentCanceled, Shown::Payment)],
        Event::Incremented { .. } | Event::IncrementDeclined { .. } => {
            vec![(K::PaymentIntentAmountCapturableUpdated, Shown::Payment)]
        }
        Event::RefundIntended { refund, .. } => vec![(K::RefundCreated, refund_index(after, refund.id.0))],
        Event::Refunded { refund, .. } => {
            let shown = refund_index(after, *refund);
            vec![
                (K::RefundUpdated, shown),
                (K::ChargeRefundUpdated, shown),
                (K::ChargeRefunded, charge(after)),
            ]
        }
        Event::RefundFailed { refund, .. } => {
            let shown = refund_index(after, *refund);
            vec![(K::RefundFailed, shown), (K::ChargeRefundUpdated, shown)]
        }
        Event::RefundUpdated { refund, .. } => {
            let shown = refund_index(after, *refund);
            vec![(K::RefundUpdated, shown), (K::ChargeRefundUpdated, shown)]
        }
        Event::Reversed { then, .. } => reversed(after, then),
        Event::ReviewOpened { .. } => vec![(K::ReviewOpened, Shown::Review)],
        Event::ReviewClosed { .. } => vec![(K::ReviewClosed, Shown::Review)],
        Event::Updated { .. }
        | Event::InstrumentSet(_)
        | Event::AuthorizationIntended { .. }
        | Event::Rerouted { .. }
        | Event::Postponed { .. }
        | Event::RetryIntended { .. }
        | Event::ReversalIntended { .. }
        | Event::CaptureIntended { .. }
        | Event::CaptureDeclined { .. }
        | Event::ReleaseIntended { .. }
        | Event::Released { .. }
        | Event::VoidIntended { .. }
        | Event::VoidDeclined { .. }
        | Event::IncrementIntended { .. }
        | Event::Labelled { .. }
        | Event::LateApproval { .. }
        | Event::OperatorNote { .. }
        | Event::InstrumentCleared => Vec::new(),
    }
}

/// Told once a message: that it waits, and whenever the customer is asked to do something. Only of messages that the payment as a
/// whole waits for.
fn staged(after: &Payment, reference: u64, stage: &Stage) -> Vec<(EventKind, Shown)> {
    let Some(open) = after.open_by_reference(reference).filter(|open| open.holds_payment()) else {
        return Vec::new();
    };
    match stage {
        Stage::Accepted { action: Some(_), .. } => {
            vec![(EventKind::PaymentIntentRequiresAction, Shown::Payment)]
        }
        Stage::Accepted { action: None, .. } | Stage::Unknown | Stage::Unsent if open.tries == 0 => {
            vec![(EventKind::PaymentIntentProcessing, Shown::Payment)]
        }
        Stage::Accepted { action: None, .. } | Stage::Unknown | Stage::Unsent | Stage::Sent => Vec::new(),
    }
}

fn reversed(after: &Payment, then: &AfterReversal) -> Vec<(EventKind, Shown)> {
    use EventKind as K;
    match then {
        AfterReversal::Fail | AfterReversal::Expire => {
            vec![(K::ChargeFailed, charge(after)), (K::PaymentIntentPaymentFailed, Shown::Payment)]
        }
        AfterReversal::Cancel(_) => vec![(K::PaymentIntentCanceled, Shown::Payment)],
        AfterReversal::FailRefund(refund) => {
            let shown = refund_index(after, *refund);
            vec![(K::RefundFailed, shown), (K::ChargeRefundUpdated, shown)]
        }
        AfterReversal::KeepTotal => vec![(K::PaymentIntentAmountCapturableUpdated, Shown::Payment)],
        AfterReversal::Nothing => Vec::new(),
    }
}
