//! What is known of a payment.

use super::routed::Routed;
use crate::acquirer::{Approval, CustomerAction, DeclineCode, FinalCapture, OriginalKind, Trace};
use crate::claim::ClaimKey;
use crate::id::{ChargeId, CustomerId, Id, PaymentId, PaymentMethodId, RefundId, ReviewId};
use crate::journal::DueKind;
use crate::means::Means;
use crate::money::Money;
use crate::record::Metadata;
use crate::risk::{FraudLabel, OriginKeys, Review};
use crate::tenant::Tenant;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;
use std::sync::Arc;

/// The dialect's status of a payment intent. Derived, never stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    RequiresPaymentMethod,
    RequiresConfirmation,
    RequiresAction,
    Processing,
    RequiresCapture,
    Canceled,
    Succeeded,
}

impl Status {
    /// The dialect's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Status::RequiresPaymentMethod => "requires_payment_method",
            Status::RequiresConfirmation => "requires_confirmation",
            Status::RequiresAction => "requires_action",
            Status::Processing => "processing",
            Status::RequiresCapture => "requires_capture",
            Status::Canceled => "canceled",
            Status::Succeeded => "succeeded",
        }
    }
}

/// When the money is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CaptureMethod {
    Automatic,
    /// As automatic, under the dialect's other name.
    AutomaticAsync,
    Manual,
}

impl CaptureMethod {
    /// The dialect's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            CaptureMethod::Automatic => "automatic",
            CaptureMethod::AutomaticAsync => "automatic_async",
            CaptureMethod::Manual => "manual",
        }
    }
}

/// What the merchant says about a payment: stored and shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Details {
    pub customer: Option<CustomerId>,
    pub description: Option<String>,
    pub receipt_email: Option<String>,
    pub statement_descriptor: Option<String>,
    pub statement_descriptor_suffix: Option<String>,
    pub setup_future_usage: Option<String>,
    pub metadata: Metadata,
    /// Everything else of the dialect that is only shown again (`shipping`, `payment_method_options`, …), one JSON object; empty for none.
    pub extra: String,
}

/// What the next attempt will charge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instrument {
    pub method: PaymentMethodId,
    pub means: Means,
    /// `billing_details` as one JSON object; empty for none.
    pub billing_details: String,
}

/// What an update does to the means that the next attempt will charge.
#[derive(Debug, Clone)]
pub enum InstrumentChange {
    Keep,
    Clear,
    Set(Box<Instrument>),
}

/// The scorer's verdict on an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RiskVerdict {
    Accept,
    Review,
    Block,
}

/// What the scorer said of an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RiskOutcome {
    pub verdict: RiskVerdict,
    /// 0 to 100.
    pub score: u8,
    /// The dialect's risk level: `normal`, `elevated`, `highest`.
    pub level: RiskLevel,
    /// Why, as a stable code; empty for the model's own verdict.
    pub reason: String,
    /// What the payment came with: part of what was scored, so it is kept.
    pub origin: OriginKeys,
    /// The review that an authorization opens; only with the verdict `Review`.
    pub review: Option<ReviewId>,
}

/// The dialect's risk level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RiskLevel {
    Normal,
    Elevated,
    Highest,
    /// Nothing was scored.
    NotAssessed,
}

impl RiskLevel {
    /// The dialect's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            RiskLevel::Normal => "normal",
            RiskLevel::Elevated => "elevated",
            RiskLevel::Highest => "highest",
            RiskLevel::NotAssessed => "not_assessed",
        }
    }
}

/// Why an attempt came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    pub kind: FailureKind,
    pub code: DeclineCode,
    /// The issuer's own code; empty if none.
    pub network_code: SmolStr,
    /// The issuer's verdict on the CVC.
    pub cvc_check: Option<crate::acquirer::Check>,
}

impl Failure {
    /// One on which no issuer had a word.
    pub fn ours(kind: FailureKind, code: DeclineCode) -> Self {
        Self { kind, code, network_code: SmolStr::default(), cvc_check: None }
    }
}

/// Where an attempt failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FailureKind {
    /// By the scorer or a rule, before any acquirer was asked.
    Blocked,
    /// By the issuer or the acquirer.
    Declined,
    /// No acquirer could be reached; nothing was sent.
    NotSent,
    /// Its outcome was unknown, and it was reversed.
    Reversed,
    /// The customer did not pass, or did not finish, what was asked of them.
    NotAuthenticated,
}

/// Where an attempt stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AttemptState {
    /// Its message is outstanding.
    Open,
    Authorized(Approval),
    Failed(Failure),
    /// The hold was released by the merchant.
    Voided(Approval),
    /// The hold ran out.
    Expired(Approval),
    /// The payment was canceled while its message was outstanding; that message was reversed.
    Abandoned,
}

/// A capture that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaptureRecord {
    pub amount_minor: i64,
    pub at: Timestamp,
    pub trace: Trace,
}

/// One attempt to authorize: the dialect's charge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// From 1.
    pub number: u16,
    pub at: Timestamp,
    pub instrument: Arc<Instrument>,
    /// Asked for; after an increment, the new total.
    pub amount_minor: i64,
    /// The acquirer that has it; empty if none was asked.
    pub acquirer: SmolStr,
    /// How that one was chosen; `None` where there was no choice.
    pub routed: Option<Box<Routed>>,
    /// The numbers of its authorization or sale.
    pub trace: Trace,
    /// Whether it was sent as a sale.
    pub sale: bool,
    pub risk: RiskOutcome,
    pub state: AttemptState,
    /// Captured so far.
    pub captures: Vec<CaptureRecord>,
    /// Raises of the hold that were asked for.
    pub increments: u16,
    /// No further capture will come.
    pub closed: bool,
    /// The hold ends then.
    pub capture_before: Timestamp,
    /// A person's look at it, if the verdict asked for one and the issuer approved.
    pub review: Option<Review>,
    /// What was reported of it by upload.
    pub label: Option<FraudLabel>,
}

impl Attempt {
    /// The sum of its captures, in minor units.
    pub fn captured_minor(&self) -> i64 {
        self.captures.iter().map(|c| c.amount_minor).sum()
    }

    /// The approval, if there is or was one.
    pub const fn approval(&self) -> Option<&Approval> {
        match &self.state {
            AttemptState::Authorized(a) | AttemptState::Voided(a) | AttemptState::Expired(a) => Some(a),
            AttemptState::Open | AttemptState::Failed(_) | AttemptState::Abandoned => None,
        }
    }

    /// The kind of its first message.
    pub const fn original_kind(&self) -> OriginalKind {
        if self.sale { OriginalKind::Sale } else { OriginalKind::Authorize }
    }
}

/// Where a refund stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RefundState {
    /// Reserved; its outcome is not known.
    Pending,
    Succeeded,
    Failed(DeclineCode),
}

/// A refund.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    pub id: RefundId,
    pub amount_minor: i64,
    pub attempt: u16,
    pub created: Timestamp,
    pub reason: Option<String>,
    pub metadata: Metadata,
    pub trace: Trace,
    pub state: RefundState,
    /// The acquirer's reference; empty until it answered.
    pub reference: SmolStr,
}

impl Refund {
    /// Whether the merchant gave fraud as the reason.
    pub fn reported_as_fraud(&self) -> bool {
        self.reason.as_deref() == Some("fraudulent")
    }
}

/// What an outstanding message does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum OpenKind {
    Authorize,
    Sale,
    /// Raises the hold to this total.
    Increment {
        total_minor: i64,
    },
    Capture {
        amount_minor: i64,
        last: FinalCapture,
    },
    Void {
        reason: CancellationReason,
    },
    Refund {
        refund: Id,
    },
    /// Undoes the message with these numbers, whose outcome never came (or came late, or for another amount).
    Reverse {
        kind: OriginalKind,
        of: Trace,
        amount_minor: i64,
        then: AfterReversal,
    },
    /// Gives back what a final capture left of the hold.
    Release {
        amount_minor: i64,
    },
}

/// What an acknowledged reversal means for the payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum AfterReversal {
    /// The attempt failed; the customer may try again.
    Fail,
    /// The merchant had canceled.
    Cancel(CancellationReason),
    /// The payment had moved on already.
    Nothing,
    /// The refund with this id failed.
    FailRefund(Id),
    /// The hold stays at its old total.
    KeepTotal,
    /// The attempt ran out: the customer never did what was asked of them.
    Expire,
}

/// Where an outstanding message stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// Durable and about to be sent, or sent: treat as sent.
    Sent,
    /// Known not to have left. It is sent when the link is back.
    Unsent,
    /// No answer came, or none that could be read.
    Unknown,
    /// The acquirer has it and decides later; not to be reversed before `until`.
    Accepted { until: Timestamp, action: Option<CustomerAction> },
}

/// A message to an acquirer whose outcome is not known yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Open {
    pub kind: OpenKind,
    pub attempt: u16,
    pub acquirer: SmolStr,
    pub trace: Trace,
    pub stage: Stage,
    /// When to look at it next.
    pub due: Timestamp,
    /// How often it was sent or inquired since its first send.
    pub tries: u32,
    /// The key whose answer waits for it.
    pub claim: Option<ClaimKey>,
}

impl Open {
    /// Whether it was tried so often that an operator should know.
    pub const fn is_stuck(&self) -> bool {
        self.tries >= super::STUCK_AFTER
    }

    /// Whether it is the message of an attempt to pay, the only one for which a customer may have to act.
    pub const fn asks_customer(&self) -> bool {
        matches!(self.kind, OpenKind::Authorize | OpenKind::Sale)
    }

    /// Whether the payment as a whole waits for it.
    pub const fn holds_payment(&self) -> bool {
        match &self.kind {
            OpenKind::Authorize
            | OpenKind::Sale
            | OpenKind::Increment { .. }
            | OpenKind::Capture { .. }
            | OpenKind::Void { .. } => true,
            OpenKind::Reverse { then, .. } => {
                matches!(
                    then,
                    AfterReversal::Fail
                        | AfterReversal::Cancel(_)
                        | AfterReversal::KeepTotal
                        | AfterReversal::Expire
                )
            }
            OpenKind::Refund { .. } | OpenKind::Release { .. } => false,
        }
    }
}

/// A message that was closed without an approval: a raise, a capture or a void that was declined or reversed, or an attempt of which
/// nothing had left when another acquirer was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    pub kind: OpenKind,
    pub attempt: u16,
    pub acquirer: SmolStr,
    pub trace: Trace,
    /// What its approval would have moved, in minor units.
    pub amount_minor: i64,
}

/// Why a payment was canceled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum CancellationReason {
    Duplicate,
    Fraudulent,
    RequestedByCustomer,
    Abandoned,
    /// The merchant gave none.
    Unspecified,
    /// The hold ran out.
    Expired,
}

impl CancellationReason {
    /// The dialect's word; `None` where it shows null.
    pub const fn as_str(self) -> Option<&'static str> {
        match self {
            CancellationReason::Duplicate => Some("duplicate"),
            CancellationReason::Fraudulent => Some("fraudulent"),
            CancellationReason::RequestedByCustomer => Some("requested_by_customer"),
            CancellationReason::Abandoned => Some("abandoned"),
            CancellationReason::Unspecified => None,
            CancellationReason::Expired => Some("automatic"),
        }
    }
}

/// A payment (the dialect's payment intent) with all its attempts, captures and refunds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    pub id: PaymentId,
    pub tenant: Tenant,
    /// Transitions so far.
    pub version: u32,
    pub created: Timestamp,
    pub amount: Money,
    pub capture_method: CaptureMethod,
    pub details: Arc<Details>,
    pub instrument: Option<Arc<Instrument>>,
    pub attempts: Vec<Attempt>,
    pub refunds: Vec<Refund>,
    /// Messages whose outcome is not known.
    pub open: Vec<Open>,
    /// Messages that came to nothing and left no other trace: should an approval come after all, it is known what it was for.
    /// At most [`super::MAX_REFUSED`].
    pub refused: Vec<Refused>,
    /// Approvals so far that could not be taken, at most [`super::MAX_LATE_APPROVALS`].
    pub late_approvals: u16,
    pub canceled: Option<(Timestamp, CancellationReason)>,
    /// The random part of the client secret.
    #[serde(with = "serde_bytes")]
    pub secret: [u8; 16],
}

impl Payment {
    /// The latest attempt.
    pub fn attempt(&self) -> Option<&Attempt> {
        self.attempts.last()
    }

    /// The attempt of this number.
    pub fn attempt_numbered(&self, number: u16) -> Option<&Attempt> {
        self.attempts.get(usize::from(number).checked_sub(1)?)
    }

    /// The latest attempt's charge id.
    pub fn latest_charge(&self) -> Option<ChargeId> {
        self.attempt().map(|a| ChargeId { payment: self.id, attempt: a.number })
    }

    /// What is reported of an attempt: by upload, else by a refund or a cancellation as fraud.
    pub fn label_of(&self, attempt: &Attempt) -> Option<FraudLabel> {
        let refunded = |r: &&Refund| r.attempt == attempt.number && r.reported_as_fraud();
        let canceled = matches!(self.canceled, Some((_, CancellationReason::Fraudulent)));
        let reported = canceled || self.refunds.iter().find(refunded).is_some();
        attempt.label.or_else(|| reported.then_some(FraudLabel::Fraud))
    }

    /// Messages whose outcome is not known.
    pub fn outstanding(&self) -> impl Iterator<Item = &Open> {
        self.open.iter()
    }

    /// The outstanding message of this reference.
    pub fn open_by_reference(&self, reference: u64) -> Option<&Open> {
        self.open.iter().find(|o| o.trace.reference == reference)
    }

    /// The dialect's status.
    pub fn status(&self) -> Status {
        if self.canceled.is_some() {
            return Status::Canceled;
        }
        if let Some(open) = self.open.iter().find(|o| o.holds_payment()) {
            return match &open.stage {
                Stage::Accepted { action: Some(_), .. } => Status::RequiresAction,
                Stage::Accepted { action: None, .. } | Stage::Sent | Stage::Unsent | Stage::Unknown => {
                    Status::Processing
                }
            };
        }
        match self.attempt().map(|a| (&a.state, a.closed)) {
            Some((AttemptState::Authorized(_), false)) => Status::RequiresCapture,
            Some((AttemptState::Authorized(_), true)) => Status::Succeeded,
            Some((AttemptState::Open, _)) => Status::Processing,
            Some((AttemptState::Voided(_) | AttemptState::Expired(_) | AttemptState::Abandoned, _)) => {
                Status::Canceled
            }
            Some((AttemptState::Failed(_), _)) | None => match self.instrument {
                Some(_) => Status::RequiresConfirmation,
                None => Status::RequiresPaymentMethod,
            },
        }
    }

    /// What may still be captured, in minor units: held, not captured, not reserved by a capture under way.
    pub fn capturable_minor(&self) -> i64 {
        let Some(attempt) = self.attempt().filter(|_| self.canceled.is_none()) else { return 0 };
        let AttemptState::Authorized(approval) = &attempt.state else { return 0 };
        if attempt.closed {
            return 0;
        }
        let reserved: i64 = self
            .open
            .iter()
            .map(|open| if let OpenKind::Capture { amount_minor, .. } = open.kind { amount_minor } else { 0 })
            .sum();
        approval.amount.minor - attempt.captured_minor() - reserved
    }

    /// What was captured, in minor units.
    pub fn captured_minor(&self) -> i64 {
        self.attempts.iter().map(Attempt::captured_minor).sum()
    }

    /// What was refunded or is reserved for a refund under way, in minor units.
    pub fn refunded_or_reserved_minor(&self) -> i64 {
        self.refunds
            .iter()
            .filter(|r| !matches!(r.state, RefundState::Failed(_)))
            .map(|r| r.amount_minor)
            .sum()
    }

    /// What was refunded for certain, in minor units.
    pub fn refunded_minor(&self) -> i64 {
        self.refunds.iter().filter(|r| r.state == RefundState::Succeeded).map(|r| r.amount_minor).sum()
    }

    /// The last attempt's failure, if that is where the payment stands.
    pub fn last_failure(&self) -> Option<&Failure> {
        match self.attempt().map(|a| &a.state) {
            Some(AttemptState::Failed(failure)) => Some(failure),
            _other => None,
        }
    }

    /// The next thing that must be done without being asked, and when: an outstanding message, or the end of the hold. A refund
    /// or a release that hangs does not keep a hold from running out. A payment with a message that was tried too often stands
    /// apart, with all that is due of it, so that it keeps nobody waiting and operators see it.
    pub fn due(&self) -> Option<(DueKind, Timestamp)> {
        let open = self.open.iter().map(|o| (DueKind::Open, o.due)).min_by_key(|(_, due)| *due);
        let (kind, due) = open.into_iter().chain(self.expiry()).min_by_key(|(_, due)| *due)?;
        let stuck = self.open.iter().any(Open::is_stuck);
        Some((if stuck { DueKind::Stuck } else { kind }, due))
    }

    /// When the hold runs out, if there is one that does.
    pub fn expiry(&self) -> Option<(DueKind, Timestamp)> {
        let runs_out = self.attempt().filter(|_| self.status() == Status::RequiresCapture);
        runs_out.map(|attempt| (DueKind::Expiry, attempt.capture_before))
    }
}
