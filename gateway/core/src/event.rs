//! Public events: what a merchant is told, derived from what happened.

use crate::id::{EventId, PaymentId};
use crate::tenant::Tenant;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

macro_rules! kinds {
    ($($name:ident = $text:literal),* $(,)?) => {
        /// The dialect's event types.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum EventKind { $($name),* }

        impl EventKind {
            /// All of them.
            pub const ALL: &'static [EventKind] = &[$(EventKind::$name),*];

            /// The dialect's word.
            pub const fn as_str(self) -> &'static str {
                match self { $(EventKind::$name => $text),* }
            }
        }
    };
}

kinds! {
    PaymentIntentCreated = "payment_intent.created",
    PaymentIntentProcessing = "payment_intent.processing",
    PaymentIntentRequiresAction = "payment_intent.requires_action",
    PaymentIntentAmountCapturableUpdated = "payment_intent.amount_capturable_updated",
    PaymentIntentSucceeded = "payment_intent.succeeded",
    PaymentIntentPaymentFailed = "payment_intent.payment_failed",
    PaymentIntentCanceled = "payment_intent.canceled",
    ChargeSucceeded = "charge.succeeded",
    ChargeFailed = "charge.failed",
    ChargeCaptured = "charge.captured",
    ChargeUpdated = "charge.updated",
    ChargeExpired = "charge.expired",
    ChargeRefunded = "charge.refunded",
    ChargeRefundUpdated = "charge.refund.updated",
    RefundCreated = "refund.created",
    RefundUpdated = "refund.updated",
    RefundFailed = "refund.failed",
    PaymentMethodAttached = "payment_method.attached",
    PaymentMethodDetached = "payment_method.detached",
    PaymentMethodUpdated = "payment_method.updated",
    CustomerCreated = "customer.created",
    CustomerUpdated = "customer.updated",
    CustomerDeleted = "customer.deleted",
    SetupIntentCreated = "setup_intent.created",
    SetupIntentSucceeded = "setup_intent.succeeded",
    SetupIntentSetupFailed = "setup_intent.setup_failed",
    SetupIntentCanceled = "setup_intent.canceled",
    SetupIntentRequiresAction = "setup_intent.requires_action",
    ReviewOpened = "review.opened",
    ReviewClosed = "review.closed",
}

impl EventKind {
    /// Reads the dialect's word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == text)
    }
}

/// What the event shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Snapshot {
    /// The payment intent after its `version`-th transition.
    Payment { payment: PaymentId, version: u32 },
    /// A charge of the payment then.
    Charge { payment: PaymentId, version: u32, attempt: u16 },
    /// A refund of the payment then, by its place in the payment's list.
    Refund { payment: PaymentId, version: u32, index: u32 },
    /// An object of its own, as JSON bytes.
    Json(#[serde(with = "serde_bytes")] Vec<u8>),
    /// The review of the payment's latest attempt then.
    Review { payment: PaymentId, version: u32 },
}

/// What an event of a payment shows, of the payment as it was then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Shown {
    Payment,
    /// The charge of this attempt.
    Charge {
        attempt: u16,
    },
    /// The review of the latest attempt.
    Review,
    /// The refund at this place of the payment's list.
    Refund {
        index: u32,
    },
}

impl Shown {
    /// The same of one payment, after its `version`-th transition.
    pub const fn of(self, payment: PaymentId, version: u32) -> Snapshot {
        match self {
            Shown::Payment => Snapshot::Payment { payment, version },
            Shown::Charge { attempt } => Snapshot::Charge { payment, version, attempt },
            Shown::Review => Snapshot::Review { payment, version },
            Shown::Refund { index } => Snapshot::Refund { payment, version, index },
        }
    }
}

/// An event that a write of a payment tells. What else is to be said of it stands in the payment's row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ToldEvent {
    pub id: EventId,
    pub kind: EventKind,
    /// The transition that it tells of, one of those of the same write.
    pub version: u32,
    pub shown: Shown,
}

/// What a write of a payment tells its merchant.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Told {
    /// The request that caused it, if one did.
    pub request_id: Option<crate::id::RequestId>,
    pub idempotency_key: Option<SmolStr>,
    pub events: Vec<ToldEvent>,
}

/// One event of the merchant's feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicEvent {
    pub id: EventId,
    pub tenant: Tenant,
    pub kind: EventKind,
    pub created: Timestamp,
    pub snapshot: Snapshot,
    /// The request that caused it, if one did.
    pub request_id: Option<crate::id::RequestId>,
    pub idempotency_key: Option<SmolStr>,
}
