//! What can be asked of a payment, with everything that the judgment needs.

use super::routed::{Rerouting, Routed};
use super::settle::Settle;
use super::state::{CancellationReason, CaptureMethod, Details, Instrument, InstrumentChange};
use crate::acquirer::{Abilities, Answer, FinalCapture, Trace, Transmission};
use crate::claim::ClaimKey;
use crate::id::{PaymentId, RefundId};
use crate::money::Money;
use crate::record::Metadata;
use crate::risk::{Decision, FraudLabel};
use crate::tenant::Tenant;
use crate::time::Timestamp;
use smol_str::SmolStr;
use std::sync::Arc;

/// What a new payment is made of.
#[derive(Debug, Clone)]
pub struct Create {
    pub id: PaymentId,
    pub tenant: Tenant,
    pub at: Timestamp,
    pub amount: Money,
    pub capture_method: CaptureMethod,
    pub details: Details,
    pub instrument: Option<Instrument>,
    pub secret: [u8; 16],
}

/// What every message to an acquirer begins with.
#[derive(Debug, Clone)]
pub struct OpenSeed {
    pub trace: Trace,
    /// By then an answer must have come, else the resolver looks at it.
    pub due: Timestamp,
    pub claim: Option<ClaimKey>,
}

/// An attempt that was scored and routed.
#[derive(Debug, Clone)]
pub struct Confirm {
    pub at: Timestamp,
    pub risk: super::state::RiskOutcome,
    /// The first acquirer of the route.
    pub acquirer: SmolStr,
    /// How it was chosen.
    pub routed: Option<Box<Routed>>,
    pub seed: OpenSeed,
    /// End of the hold.
    pub capture_before: Timestamp,
    /// What the verdict rests on; kept with the attempt.
    pub decision: Option<Box<Decision>>,
}

/// A refund that is asked for.
#[derive(Debug, Clone)]
pub struct RefundRequest {
    pub id: RefundId,
    pub at: Timestamp,
    /// `None`: all that remains.
    pub amount_minor: Option<i64>,
    pub reason: Option<String>,
    pub metadata: Metadata,
}

/// What may be asked of a payment.
#[derive(Debug, Clone)]
pub enum Command {
    /// Change what the merchant may change.
    Update {
        amount: Option<Money>,
        capture_method: Option<CaptureMethod>,
        details: Arc<Details>,
        instrument: InstrumentChange,
    },
    /// Send the next attempt.
    Authorize(Box<Confirm>),
    /// The scorer said no.
    Block {
        at: Timestamp,
        risk: super::state::RiskOutcome,
        decision: Option<Box<Decision>>,
    },
    /// Ask another acquirer, because of what came of asking the first.
    Reroute {
        from: u64,
        why: Rerouting,
        acquirer: SmolStr,
        trace: Trace,
        due: Timestamp,
    },
    /// `amount_minor` `None`: all that is capturable.
    Capture {
        amount_minor: Option<i64>,
        last: FinalCapture,
        at: Timestamp,
        abilities: Abilities,
        seed: OpenSeed,
    },
    /// A person has looked at it, and it may go on.
    Approve {
        at: Timestamp,
        abilities: Abilities,
        seed: OpenSeed,
    },
    /// It became known whether an attempt was fraud.
    Label {
        attempt: u16,
        label: FraudLabel,
        at: Timestamp,
    },
    Cancel {
        reason: CancellationReason,
        at: Timestamp,
        seed: OpenSeed,
    },
    /// The hold ran out.
    Expire {
        at: Timestamp,
        seed: OpenSeed,
    },
    Increment {
        total_minor: i64,
        abilities: Abilities,
        seed: OpenSeed,
    },
    Refund {
        request: Box<RefundRequest>,
        seed: OpenSeed,
    },
    UpdateRefund {
        refund: RefundId,
        metadata: Metadata,
    },
    /// An answer to an outstanding message, or the lack of one; or an approval that comes after its message was given up,
    /// which is reversed.
    Conclude(Box<Conclusion>),
    /// The resolver is about to send or inquire again.
    Retry {
        reference: u64,
        due: Timestamp,
    },
    /// The resolver undoes a message whose outcome is unknown; refused with `UnexpectedState` while the acquirer, which has
    /// accepted it, may still decide.
    Reverse {
        reference: u64,
        seed: OpenSeed,
    },
    /// An operator's word on a message; refused with `NotSupported` if it would leave undone what must be undone.
    Settle(Box<Settle>),
}

/// What came of a message.
#[derive(Debug, Clone)]
pub struct Conclusion {
    /// Of the message that was answered.
    pub reference: u64,
    pub answer: Answer,
    /// Whether the message was sent for the first time, or repeated or inquired.
    pub transmission: Transmission,
    pub at: Timestamp,
    /// When to look again, if the answer settles nothing.
    pub due: Timestamp,
    /// Numbers for a reversal or release that may follow from it.
    pub spare: Trace,
    /// The merchant takes an approval for less than was asked.
    pub accept_partial: bool,
}
