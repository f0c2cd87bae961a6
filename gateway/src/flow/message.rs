//! From an outstanding message of a payment to what the adapter is given.

use crate::cards;
use crate::engine::Engine;
use crate::render::extra;
use crate::text::cut;
use gateway_core::acquirer::{
    AcquirerRequest, CustomerPresence, Original, OriginalKind, Transmission, Verb, WalletOrder,
};
use gateway_core::card::Cvc;
use gateway_core::money::Money;
use gateway_core::payment::{Attempt, Open, OpenKind, Payment, Refund, RefundState, Stage};

/// How a message is sent this time.
pub struct Manner {
    pub transmission: Transmission,
    /// Only with the first authorization of a card that the cardholder typed.
    pub cvc: Option<Cvc>,
    /// Ask what became of it, instead of sending it.
    pub inquire: bool,
    /// Whether the customer can be asked to act.
    pub customer: CustomerPresence,
}

impl Manner {
    /// For the first time.
    pub const fn first(cvc: Option<Cvc>, customer: CustomerPresence) -> Self {
        Self { transmission: Transmission::First, cvc, inquire: false, customer }
    }

    /// Again, marked as a repeat.
    pub const fn repeat() -> Self {
        Self {
            transmission: Transmission::Repeat,
            cvc: None,
            inquire: false,
            customer: CustomerPresence::Absent,
        }
    }

    /// As an inquiry.
    pub const fn inquiry() -> Self {
        Self {
            transmission: Transmission::Repeat,
            cvc: None,
            inquire: true,
            customer: CustomerPresence::Absent,
        }
    }
}

/// Why a message can't be made.
#[derive(Debug)]
pub struct CannotSend(pub &'static str);

/// Builds the request for an outstanding message.
///
/// # Errors
/// The payment has no such attempt, or its card can't be opened.
pub fn build(
    engine: &Engine,
    payment: &Payment,
    open: &Open,
    manner: Manner,
) -> Result<AcquirerRequest, CannotSend> {
    let attempt = payment.attempt_numbered(open.attempt).ok_or(CannotSend("no such attempt"))?;
    let currency = payment.amount.currency;
    let (amount_minor, verb) = describe(payment, attempt, open);
    let amount = Money::new(amount_minor, currency);
    let verb = if manner.inquire { Verb::Inquire(itself(attempt, open, amount)) } else { verb };
    let means = &attempt.instrument.means;
    let opened = means.sealed().map(|sealed| cards::open(engine, payment.tenant, sealed, manner.cvc));
    let card = opened.transpose().map_err(|_| CannotSend("the card's key is missing from the keyring"))?;
    let wallet = means.wallet().map(|wallet| WalletOrder { wallet, return_url: return_url(payment) });
    let merchant_name = engine
        .merchants
        .merchant(payment.tenant.merchant)
        .map_or_else(String::new, |merchant| cut(&merchant.name, 40).to_owned());
    let timeout_ms = engine.acquirers.timeout_ms(&open.acquirer);
    let (tenant, trace, transmission) = (payment.tenant, open.trace, manner.transmission);
    let customer = manner.customer;
    Ok(AcquirerRequest {
        tenant,
        merchant_name,
        trace,
        transmission,
        amount,
        card,
        wallet,
        verb,
        customer,
        timeout_ms,
    })
}

/// An inquiry of an attempt or a refund that was closed without an approval; `None` if there is none of this reference.
pub fn closed(engine: &Engine, payment: &Payment, reference: u64) -> Option<AcquirerRequest> {
    let refused = |attempt: &&Attempt| attempt.trace.reference == reference && attempt.approval().is_none();
    let attempt = payment.attempts.iter().find(refused).map(|attempt| {
        let kind = if attempt.sale { OpenKind::Sale } else { OpenKind::Authorize };
        (attempt.number, attempt.trace, kind)
    });
    let failed = |refund: &&Refund| {
        refund.trace.reference == reference && matches!(refund.state, RefundState::Failed(_))
    };
    let refund = payment.refunds.iter().find(failed);
    let refund = refund.map(|one| (one.attempt, one.trace, OpenKind::Refund { refund: one.id.0 }));
    let (attempt, trace, kind) = attempt.or(refund)?;
    let acquirer = payment.asked_of(reference)?.into();
    let (stage, due) = (Stage::Unknown, trace.at);
    let open = Open { kind, attempt, acquirer, trace, stage, due, tries: 0, claim: None };
    build(engine, payment, &open, Manner::inquiry()).ok()
}

/// Where the merchant wants the customer back.
fn return_url(payment: &Payment) -> Option<String> {
    let more = extra::parse(&payment.details.extra);
    more.get("return_url").and_then(serde_json::Value::as_str).map(str::to_owned)
}

/// The first message of the attempt, as later ones refer to it.
fn original(attempt: &Attempt, currency: gateway_core::Currency) -> Original {
    Original {
        kind: attempt.original_kind(),
        trace: attempt.trace,
        amount: Money::new(attempt.amount_minor, currency),
        approval: attempt.approval().cloned(),
    }
}

/// The outstanding message itself, as an inquiry refers to it.
fn itself(attempt: &Attempt, open: &Open, amount: Money) -> Original {
    let kind = kind_of(open);
    Original { kind, trace: open.trace, amount, approval: attempt.approval().cloned() }
}

/// What kind of message it is, for those that speak of it.
pub const fn kind_of(open: &Open) -> OriginalKind {
    use OriginalKind as Kind;
    match &open.kind {
        OpenKind::Authorize => Kind::Authorize,
        OpenKind::Sale => Kind::Sale,
        OpenKind::Increment { .. } => Kind::Increment,
        OpenKind::Capture { .. } => Kind::Capture,
        OpenKind::Void { .. } | OpenKind::Reverse { .. } | OpenKind::Release { .. } => Kind::Void,
        OpenKind::Refund { .. } => Kind::Refund,
    }
}

fn describe(payment: &Payment, attempt: &Attempt, open: &Open) -> (i64, Verb) {
    let original = original(attempt, payment.amount.currency);
    match &open.kind {
        OpenKind::Authorize => (attempt.amount_minor, Verb::Authorize),
        OpenKind::Sale => (attempt.amount_minor, Verb::Sale),
        OpenKind::Increment { total_minor } => (*total_minor, Verb::Increment(original)),
        OpenKind::Capture { amount_minor, last } => (*amount_minor, Verb::Capture { original, last: *last }),
        OpenKind::Void { .. } => (attempt.amount_minor, Verb::Void(original)),
        OpenKind::Refund { refund } => {
            let amount = payment.refunds.iter().find(|r| r.id.0 == *refund).map_or(0, |r| r.amount_minor);
            (amount, Verb::Refund(original))
        }
        OpenKind::Reverse { kind, of, amount_minor, .. } => {
            let amount = Money::new(*amount_minor, payment.amount.currency);
            let undone = Original { kind: *kind, trace: *of, amount, approval: None };
            (*amount_minor, Verb::Reverse(undone))
        }
        OpenKind::Release { amount_minor } => (*amount_minor, Verb::Reverse(original)),
    }
}
