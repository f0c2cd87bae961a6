//! From an outstanding message of a payment to what the adapter is given.

use crate::cards;
use crate::engine::Engine;
use gateway_core::acquirer::{AcquirerRequest, CustomerPresence, Original, OriginalKind, Transmission, Verb};
use gateway_core::card::Cvc;
use gateway_core::money::Money;
use gateway_core::payment::{Attempt, Open, OpenKind, Payment};

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
    let sealed = (&attempt.instrument.card, &attempt.instrument.sealed);
    let card = cards::open(engine, payment.tenant, sealed, manner.cvc)
        .map_err(|_| CannotSend("the card's key is missing from the keyring"))?;
    let merchant_name = engine
        .merchants
        .merchant(payment.tenant.merchant)
        .map_or_else(String::new, |merchant| merchant.name.chars().take(40).collect());
    let timeout_ms = engine.acquirers.timeout_ms(&open.acquirer);
    let (tenant, trace, transmission) = (payment.tenant, open.trace, manner.transmission);
    let (customer, card) = (manner.customer, Some(card));
    Ok(AcquirerRequest {
        tenant,
        merchant_name,
        trace,
        transmission,
        amount,
        card,
        verb,
        customer,
        timeout_ms,
    })
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
