//! What can happen to a payment.

use super::routed::Rerouting;
use super::state::{
    AfterReversal, Attempt, CancellationReason, CaptureMethod, Details, Failure, Instrument, Open, Refund,
    Stage,
};
use crate::acquirer::{Approval, DeclineCode, FinalCapture, Trace};
use crate::id::{Id, PaymentId, ReviewId};
use crate::ledger::Posting;
use crate::money::Money;
use crate::risk::{Decision, FraudLabel, ReviewClosing};
use crate::tenant::Tenant;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use std::sync::Arc;

/// A transition. Amounts are in minor units of the payment's currency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Event {
    Created {
        id: PaymentId,
        tenant: Tenant,
        at: Timestamp,
        amount: Money,
        capture_method: CaptureMethod,
        details: Arc<Details>,
        #[serde(with = "serde_bytes")]
        secret: [u8; 16],
    },
    /// The merchant changed what may be changed.
    Updated {
        amount: Option<Money>,
        capture_method: Option<CaptureMethod>,
        details: Arc<Details>,
    },
    /// The card that the next attempt will charge.
    InstrumentSet(Arc<Instrument>),
    /// An attempt is durable and about to be sent.
    AuthorizationIntended {
        attempt: Box<Attempt>,
        open: Box<Open>,
        /// Stands here and nowhere else, so that it is written once a payment.
        decision: Option<Box<Decision>>,
    },
    /// An attempt was stopped before any acquirer was asked.
    Blocked {
        attempt: Box<Attempt>,
        decision: Option<Box<Decision>>,
    },
    /// Another acquirer will be asked in place of the first, under new numbers.
    Rerouted {
        from: u64,
        why: Rerouting,
        acquirer: SmolStr,
        trace: Trace,
        due: Timestamp,
    },
    /// Something is known, or known not to be known, of an outstanding message.
    Staged {
        reference: u64,
        stage: Stage,
        due: Timestamp,
    },
    /// An outstanding message is about to be sent or inquired again.
    RetryIntended {
        reference: u64,
        due: Timestamp,
    },
    Authorized {
        reference: u64,
        at: Timestamp,
        approval: Approval,
    },
    /// Authorized and captured in one message.
    Sold {
        reference: u64,
        at: Timestamp,
        approval: Approval,
    },
    AuthorizationFailed {
        reference: u64,
        failure: Failure,
    },
    /// A message will be undone: its outcome is unknown, or not what was asked.
    ReversalIntended {
        reference: u64,
        open: Box<Open>,
    },
    /// The acquirer acknowledged a reversal.
    Reversed {
        reference: u64,
        at: Timestamp,
        then: AfterReversal,
    },
    CaptureIntended {
        open: Box<Open>,
    },
    Captured {
        reference: u64,
        at: Timestamp,
        amount_minor: i64,
        last: FinalCapture,
    },
    CaptureDeclined {
        reference: u64,
        code: DeclineCode,
    },
    /// No further capture will come: the hold ran out after a part of it was captured.
    HoldClosed {
        at: Timestamp,
    },
    /// What a final capture left of the hold will be given back.
    ReleaseIntended {
        open: Box<Open>,
    },
    Released {
        reference: u64,
    },
    VoidIntended {
        open: Box<Open>,
    },
    Voided {
        reference: u64,
        at: Timestamp,
        reason: CancellationReason,
    },
    VoidDeclined {
        reference: u64,
        code: DeclineCode,
    },
    /// Canceled with nothing held.
    Canceled {
        at: Timestamp,
        reason: CancellationReason,
    },
    IncrementIntended {
        open: Box<Open>,
    },
    Incremented {
        reference: u64,
        total_minor: i64,
    },
    IncrementDeclined {
        reference: u64,
        code: DeclineCode,
    },
    RefundIntended {
        refund: Box<Refund>,
        open: Box<Open>,
    },
    Refunded {
        reference: u64,
        refund: Id,
        acquirer_reference: SmolStr,
    },
    RefundFailed {
        reference: u64,
        refund: Id,
        code: DeclineCode,
    },
    /// Metadata of a refund changed.
    RefundUpdated {
        refund: Id,
        metadata: crate::record::Metadata,
    },
    /// A peer's approval came after the payment had moved on; it is reversed (again) if it holds or moved money.
    LateApproval {
        trace: Trace,
        approval: Approval,
    },
    /// The latest attempt was approved, and waits for a person.
    ReviewOpened {
        review: ReviewId,
        at: Timestamp,
    },
    ReviewClosed {
        at: Timestamp,
        reason: ReviewClosing,
    },
    /// It became known whether an attempt was fraud.
    Labelled {
        attempt: u16,
        label: FraudLabel,
        at: Timestamp,
    },
    /// An operator settles what no acquirer would answer; what follows from it comes next.
    OperatorNote {
        at: Timestamp,
        reference: u64,
        reason: String,
    },
    /// An outstanding message was looked at again, and nothing new is known of it.
    Postponed {
        reference: u64,
        due: Timestamp,
    },
    /// The merchant took the card back: another one must be given before the next attempt.
    InstrumentCleared,
}

/// A transition as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recorded {
    /// 1, 2, 3, … without a gap, per payment.
    pub seq: u32,
    pub at: Timestamp,
    pub event: Event,
    /// What it moved; sums to zero.
    pub postings: Vec<Posting>,
}
