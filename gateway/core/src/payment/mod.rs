//! A payment: its state, and what can be asked of it. `decide` judges, `apply` moves; both are pure.

mod announce;
mod apply;
mod command;
mod conclude;
mod decide;
mod event;
mod late;
mod review;
mod routed;
mod settle;
mod state;
mod stored;
mod text;

pub use announce::announce;
pub use apply::{advance, apply, replay};
pub use command::{Command, Conclusion, Confirm, Create, OpenSeed, RefundRequest};
pub use decide::{create, decide, may_confirm};
pub use event::{Event, Recorded};
pub use review::open_review;
pub use routed::{Ranked, Rerouting, Routed, Standing, Strategy};
pub use settle::{Settle, Settlement};
pub use state::{
    AfterReversal, Attempt, AttemptState, CancellationReason, CaptureMethod, CaptureRecord, Details, Failure,
    FailureKind, Instrument, InstrumentChange, Open, OpenKind, Payment, Refund, RefundState, Refused,
    RiskLevel, RiskOutcome, RiskVerdict, Stage, Status,
};

/// Captures of one authorization, at most.
pub const MAX_CAPTURES: usize = 50;
/// Refunds of one payment, at most: a bound on the size of its record.
pub const MAX_REFUNDS: usize = 500;
/// Attempts to authorize one payment, at most.
pub const MAX_ATTEMPTS: usize = 100;
/// Raises of one hold that are asked for, at most.
pub const MAX_INCREMENTS: u16 = 10;
/// Declined captures, voids and raises of one payment, at most: one more is refused before it is sent.
pub const MAX_REFUSED: usize = 100;
/// Approvals of one payment that can't be taken and are reversed, at most. More of them are an alarm, and no rows.
pub const MAX_LATE_APPROVALS: u16 = 100;
/// A message that was tried this often is stuck: an operator is told, and can settle it.
pub const STUCK_AFTER: u32 = 20;
/// Bytes of a merchant's own words on one payment, those of its attempts and refunds included, at most. Each step of a payment is written
/// with all of them, so this bounds what one step costs, and all of them together.
pub const MAX_TEXT_BYTES: usize = 64 << 10;
/// An uncaptured authorization lives this long, in milliseconds: seven days.
pub const AUTHORIZATION_LIFE_MS: i64 = 7 * 24 * 3600 * 1000;
