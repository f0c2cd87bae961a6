//! Every way in which the domain says no to a caller: one ordered enum, in the order in which they are checked.

use crate::money::Currency;
use crate::payment::Status;

/// A command can't be carried out. Nothing has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Refusal {
    /// The operation does not fit the payment's status.
    UnexpectedState { status: Status, operation: Operation },
    /// Confirmed without a payment method.
    NoPaymentMethod,
    /// Below what the currency allows, in minor units.
    AmountTooSmall { minimum_minor: i64, currency: Currency },
    /// Above eight digits of minor units.
    AmountTooLarge { maximum_minor: i64 },
    /// More than is capturable.
    CaptureTooLarge { capturable_minor: i64 },
    /// More than remains of what was captured.
    RefundTooLarge { refundable_minor: i64 },
    /// Everything was refunded already.
    AlreadyRefunded,
    /// Nothing was captured that could be refunded.
    NothingCaptured,
    /// An increment must raise the total.
    IncrementNotHigher { amount_minor: i64 },
    /// The acquirer can't do this.
    NotSupported { operation: Operation },
    /// The authorization ran out.
    AuthorizationExpired,
    /// The charge was captured already.
    AlreadyCaptured,
    /// The payment has no review that waits.
    ReviewClosed,
    /// More than [`crate::payment::MAX_CAPTURES`] captures, [`crate::payment::MAX_REFUNDS`] refunds or
    /// [`crate::payment::MAX_ATTEMPTS`] attempts.
    TooMany { operation: Operation, limit: usize },
    /// More than [`crate::payment::MAX_TEXT_BYTES`] of the merchant's own words on one payment.
    TooMuchText { limit_bytes: usize },
    /// The message that an answer belongs to is not outstanding: it was answered before.
    NotOutstanding,
}

/// What was asked of the payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    Update,
    Confirm,
    Capture,
    Cancel,
    Refund,
    Increment,
    /// An answer, or an operator's, for a message.
    Settle,
}

impl Operation {
    /// The word for messages: "you cannot … this payment".
    pub const fn as_str(self) -> &'static str {
        match self {
            Operation::Update => "update",
            Operation::Confirm => "confirm",
            Operation::Capture => "capture",
            Operation::Cancel => "cancel",
            Operation::Refund => "refund",
            Operation::Increment => "increment",
            Operation::Settle => "settle",
        }
    }
}
