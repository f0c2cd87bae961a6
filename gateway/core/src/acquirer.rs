//! The acquirer port: one message out, one of six answers back.
//!
//! Architecture invariant: an adapter is called with a [`Permit`], which only [`crate::journal::commit_intent`] makes, after the
//! intent is durable, and which the call consumes. So nothing is sent unrecorded, and nothing is sent twice by mistake.
//! An adapter only sends and receives: what to repeat, reverse or forward is decided and stored by the flows.

use crate::card::CardInClear;
use crate::means::{MeansKind, Wallet};
use crate::money::Money;
use crate::ports::BoxFuture;
use crate::tenant::Tenant;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use smol_str::{SmolStr, format_smolstr};

/// Proof that an intent for exactly one send is durable. Neither copied nor kept: the call consumes it.
#[derive(Debug)]
pub struct Permit {
    reference: u64,
}

impl Permit {
    /// For the message of this reference; only [`crate::journal::commit_intent`] calls it.
    pub(crate) const fn granted(reference: u64) -> Self {
        Self { reference }
    }

    /// For a message that moves nothing: an inquiry or a verification needs no durable intent. `None` for any other.
    pub fn harmless(request: &AcquirerRequest) -> Option<Self> {
        matches!(request.verb, Verb::Inquire(_) | Verb::Verify)
            .then_some(Self { reference: request.trace.reference })
    }

    /// Whether this permit was granted for `request`. Adapters refuse to send otherwise.
    pub const fn covers(&self, request: &AcquirerRequest) -> bool {
        self.reference == request.trace.reference
    }

    /// For an adapter's own tests.
    #[cfg(feature = "testing")]
    pub const fn for_test(request: &AcquirerRequest) -> Self {
        Self { reference: request.trace.reference }
    }
}

/// The numbers that name one message to an acquirer, durable before it is sent, so that it can be inquired or reversed later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Trace {
    /// Systems trace audit number (ISO 8583 field 11), 1 to 999,999.
    pub stan: u32,
    /// Retrieval reference number (field 37), below 10^12; unique per acquirer, and the reference in its book.
    pub reference: u64,
    /// Transmission time (field 7).
    pub at: Timestamp,
}

impl Trace {
    /// From the next number of an acquirer's sequence.
    pub const fn from_sequence(number: u64, at: Timestamp) -> Self {
        Self { stan: (number % 999_999) as u32 + 1, reference: number % 1_000_000_000_000, at }
    }

    /// The reference as twelve digits.
    pub fn reference_text(&self) -> SmolStr {
        format_smolstr!("{:012}", self.reference)
    }
}

/// First send, or a repeat of one that was not answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Transmission {
    First,
    /// The peer may have seen it already: marked as a repeat on the wire (0221, 0401, 0421, same idempotency key).
    Repeat,
}

/// What kind of message an [`Original`] was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum OriginalKind {
    Authorize,
    Sale,
    Increment,
    Capture,
    Void,
    Refund,
}

/// An earlier message that this one is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Original {
    pub kind: OriginalKind,
    pub trace: Trace,
    pub amount: Money,
    /// What the acquirer answered to it, if it did.
    pub approval: Option<Approval>,
}

/// One message to an acquirer.
#[derive(Debug)]
pub struct AcquirerRequest {
    pub tenant: Tenant,
    /// The merchant's name and place, at most 40 characters (field 43).
    pub merchant_name: String,
    /// This message's own numbers.
    pub trace: Trace,
    pub transmission: Transmission,
    /// The operation's amount (for a partial reversal: what is released).
    pub amount: Money,
    /// The card, where the message needs it.
    pub card: Option<CardInClear>,
    /// The wallet, where a wallet pays in place of a card.
    pub wallet: Option<WalletOrder>,
    pub verb: Verb,
    /// Whether the customer can be asked to act (a challenge, a redirect).
    pub customer: CustomerPresence,
    /// Answer within this time, else it is [`Answer::Unknown`] (or [`Answer::NotSent`] if nothing was written).
    pub timeout_ms: u64,
}

/// What an adapter is given of a payment from a wallet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WalletOrder {
    pub wallet: Wallet,
    /// Where the operator sends the customer back to, if the merchant said so.
    pub return_url: Option<String>,
}

/// Whether the customer is there. An adapter that would need an absent one answers [`DeclineCode::AuthenticationRequired`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CustomerPresence {
    Present,
    Absent,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verb {
    /// Hold the amount.
    Authorize,
    /// Authorize and capture in one message.
    Sale,
    /// Raise the hold of `Original` to this message's amount.
    Increment(Original),
    /// Take this amount of a hold. An advice: it may be repeated until answered.
    Capture { original: Original, last: FinalCapture },
    /// The merchant's cancellation of a hold.
    Void(Original),
    /// Pay back. `Original` is the authorization or sale.
    Refund(Original),
    /// Undo a message whose answer never came, or release the rest of a hold. Repeated until acknowledged.
    Reverse(Original),
    /// What became of `Original`?
    Inquire(Original),
    /// Is the card good (no money)?
    Verify,
}

/// Whether more captures of the hold may follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum FinalCapture {
    Yes,
    No,
}

/// Answer of an acquirer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answer {
    /// Done, for the amount it names (which may differ from the one asked).
    Approved(Approval),
    /// Refused by the issuer or the acquirer. Final.
    Declined(Decline),
    /// Received; the answer comes later. Poll by inquiry; never reverse before `until`.
    Pending(PendingAnswer),
    /// No byte left this process. Safe to decline or to send elsewhere.
    NotSent(String),
    /// It may or may not have happened. Never rounded to anything else. The text says why.
    Unknown(String),
    /// Only to an inquiry or a reversal: the acquirer has no such message. Final only when the original can no longer arrive.
    NotFound,
}

/// An approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// The amount that was approved.
    pub amount: Money,
    /// The acquirer's own reference; empty if it has none.
    pub reference: SmolStr,
    /// The issuer's authorization code (field 38); empty if none.
    pub authorization_code: SmolStr,
    /// The scheme's transaction id, where known.
    pub network_transaction_id: Option<SmolStr>,
    /// The issuer's verdict on the CVC, where it was sent.
    pub cvc_check: Option<Check>,
}

/// Result of a check that the issuer made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Check {
    Pass,
    Fail,
    Unavailable,
}

impl Check {
    /// The dialect's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Check::Pass => "pass",
            Check::Fail => "fail",
            Check::Unavailable => "unavailable",
        }
    }
}

/// A refusal by the issuer or the acquirer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decline {
    pub code: DeclineCode,
    /// The peer's own code, for the merchant's support; empty if none.
    pub network_code: SmolStr,
    pub cvc_check: Option<Check>,
}

/// Why an issuer says no, in the dialect's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum DeclineCode {
    GenericDecline,
    InsufficientFunds,
    LostCard,
    StolenCard,
    Fraudulent,
    DoNotHonor,
    PickupCard,
    CardVelocityExceeded,
    TryAgainLater,
    AuthenticationRequired,
    ExpiredCard,
    IncorrectCvc,
    IncorrectNumber,
    InvalidAmount,
    ProcessingError,
    /// The customer said no to the operator of their wallet.
    CustomerDeclined,
    /// The customer did not do in time what was asked of them.
    AttemptExpired,
}

impl DeclineCode {
    /// The dialect's `decline_code`.
    pub const fn as_str(self) -> &'static str {
        match self {
            DeclineCode::GenericDecline => "generic_decline",
            DeclineCode::InsufficientFunds => "insufficient_funds",
            DeclineCode::LostCard => "lost_card",
            DeclineCode::StolenCard => "stolen_card",
            DeclineCode::Fraudulent => "fraudulent",
            DeclineCode::DoNotHonor => "do_not_honor",
            DeclineCode::PickupCard => "pickup_card",
            DeclineCode::CardVelocityExceeded => "card_velocity_exceeded",
            DeclineCode::TryAgainLater => "try_again_later",
            DeclineCode::AuthenticationRequired => "authentication_required",
            DeclineCode::ExpiredCard => "expired_card",
            DeclineCode::IncorrectCvc => "incorrect_cvc",
            DeclineCode::IncorrectNumber => "incorrect_number",
            DeclineCode::InvalidAmount => "invalid_amount",
            DeclineCode::ProcessingError => "processing_error",
            DeclineCode::CustomerDeclined => "customer_declined",
            DeclineCode::AttemptExpired => "attempt_expired",
        }
    }

    /// Whether the same request may succeed later or elsewhere (a soft decline).
    pub const fn may_retry(self) -> bool {
        matches!(self, DeclineCode::TryAgainLater | DeclineCode::ProcessingError)
    }
}

/// The acquirer has it, and will tell.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingAnswer {
    /// Before this the acquirer may still decide; only after it may the message be reversed.
    pub until: Timestamp,
    /// What the customer must do meanwhile, if anything.
    pub action: Option<CustomerAction>,
}

/// Something only the customer can do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum CustomerAction {
    /// Visit a page. `None`: a page of the gateway's own (the simulated challenge).
    Redirect { url: Option<String> },
    /// Scan a code that holds this text. `None`: the address of a page of the gateway's own (the simulated wallet).
    QrCode { text: Option<String> },
}

/// What an adapter can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Abilities {
    pub inquiry: Able,
    pub partial_capture: Able,
    pub multiple_capture: Able,
    pub incremental: Able,
    /// For how long a repeated message is recognised, in milliseconds; 0: not at all.
    pub repeat_window_ms: u64,
    /// A message that has not arrived so long after it was handed over never will, in milliseconds: from then on "not found" is final.
    /// What it may wait for in the adapter, its place or a connection, counts in.
    pub max_delay_ms: u64,
}

/// Yes or no, with a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Able {
    Yes,
    No,
}

impl Able {
    /// As a condition.
    pub const fn is_yes(self) -> bool {
        matches!(self, Able::Yes)
    }
}

/// Whether the link to the acquirer carries traffic now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Link {
    /// Signed on.
    Up,
    Connecting,
    Down,
}

/// An answer that nobody waited for any more, to be matched against stored intents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LateAnswer {
    pub acquirer: SmolStr,
    /// The trace of the message it answers, as far as the peer echoed it: reference and stan; `at` is when it was received.
    pub trace: Trace,
    /// The kind of message that it answers.
    pub kind: OriginalKind,
    pub answer: Answer,
}

/// Where adapters put late, doubled and unmatched answers. Must not block.
pub trait LateAnswers: Send + Sync {
    /// Hands over one answer.
    fn arrived(&self, answer: LateAnswer);
}

/// An acquirer.
pub trait Acquirer: Send + Sync {
    /// The name in the configuration.
    fn name(&self) -> &str;

    /// What it can do; constant over its life.
    fn abilities(&self) -> Abilities;

    /// The link's state, for readiness and routing.
    fn link(&self) -> Link;

    /// Whether it takes payments by this means; constant over its life. Cards, unless it says otherwise.
    fn serves(&self, means: MeansKind) -> bool {
        means == MeansKind::Card
    }

    /// Messages that are under way to its peer at a time, at most; what is sent beyond waits for a place. 0: as many as are sent.
    fn window(&self) -> usize {
        0
    }

    /// Sends one message and waits for its answer, at most `request.timeout_ms`. Never panics on what the peer sends.
    fn send<'a>(&'a self, permit: Permit, request: AcquirerRequest) -> BoxFuture<'a, Answer>;

    /// The outcome of a challenge that the customer met on a page of the gateway's own. Only the simulated acquirer has one; others ignore it.
    fn challenge_answered(&self, _trace: Trace, _result: ChallengeResult) {}

    /// Judges a notification that the peer sent by itself. Of what it says only the reference is taken: that there is news.
    /// What the news is, an inquiry tells.
    fn notified(&self, _notice: &Notice<'_>) -> Noticed {
        Noticed::NotTaken
    }
}

/// A notification, as it came in.
#[derive(Debug, Clone, Copy)]
pub struct Notice<'a> {
    /// The signature's header.
    pub signature: &'a str,
    pub body: &'a [u8],
    pub now: Timestamp,
}

/// What a notification is worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Noticed {
    /// There is news of the message with this reference.
    About(u64),
    /// It is genuine, and about nothing of ours.
    Nothing,
    /// Its signature does not fit, or is too old.
    NotGenuine,
    /// This acquirer takes none.
    NotTaken,
}

/// What the customer did on the challenge page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChallengeResult {
    Passed,
    Failed,
}
