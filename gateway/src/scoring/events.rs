//! From payments to the scorer's events and records: for serving, for its memory, and for the export, in one place.

use gateway_core::Currency;
use gateway_core::acquirer::DeclineCode;
use gateway_core::id::{CustomerId, PaymentId};
use gateway_core::payment::{Attempt, CancellationReason, Event, Failure, FailureKind, Instrument, Payment};
use gateway_core::risk::{FraudLabel, OriginKeys};
use gateway_core::tenant::Tenant;
use gateway_core::time::Timestamp;
use risk::event::{Entity, Label, Outcome, Record};

/// What an event is about, beside its amount and time.
pub struct Subject {
    pub id: u64,
    pub tenant: Tenant,
    pub currency: Currency,
    /// None where no card pays.
    pub card: Option<[u8; 16]>,
    pub customer: Option<CustomerId>,
    pub origin: OriginKeys,
}

impl Subject {
    /// A payment with this card or wallet.
    pub fn of(payment: &Payment, (instrument, origin): (&Instrument, OriginKeys)) -> Self {
        Self {
            id: payment_key(payment.id),
            tenant: payment.tenant,
            currency: payment.amount.currency,
            card: instrument.means.card().map(|card| card.fingerprint),
            customer: payment.details.customer,
            origin,
        }
    }
}

const fn payment_key(id: PaymentId) -> u64 {
    id.0.0 as u64
}

/// The scorer's event of an attempt.
pub fn event(subject: &Subject, (number, amount_minor, at): (u16, i64, Timestamp)) -> risk::event::Event {
    let code: [u8; 3] = subject.currency.code().as_bytes().try_into().unwrap_or(*b"usd");
    let exponent = u8::try_from(subject.currency.exponent()).unwrap_or(2);
    let card = |whole: [u8; 16]| u64::from_be_bytes(*whole.first_chunk().expect("eight of sixteen bytes"));
    let folded = |id: u128| (id >> 64) as u64 ^ id as u64;
    let id = subject.id ^ (u64::from(number) << 48);
    let mut event = risk::event::Event::new(id, at.unix_seconds(), amount_minor)
        .in_currency(code, exponent)
        .with(Entity::Merchant, folded(subject.tenant.merchant.0.0));
    let OriginKeys { address, device, email } = subject.origin;
    let others = [
        (Entity::Card, subject.card.map(card)),
        (Entity::Customer, subject.customer.map(|customer| folded(customer.0.0))),
        (Entity::Address, address),
        (Entity::Device, device),
        (Entity::Email, email),
    ];
    for (entity, key) in others {
        if let Some(key) = key {
            event = event.with(entity, key);
        }
    }
    event
}

fn attempt_event(payment: &Payment, attempt: &Attempt) -> risk::event::Event {
    let subject = Subject::of(payment, (&attempt.instrument, attempt.risk.origin));
    event(&subject, (attempt.number, attempt.amount_minor, attempt.at))
}

/// What a transition teaches the scorer, `payment` being as its write left it.
pub fn records(payment: &Payment, event: &Event, at: Timestamp) -> [Option<Record>; 2] {
    let time_s = at.unix_seconds();
    let told = |outcome| {
        let attempt = payment.attempt()?;
        Some(Record::Outcome { event: attempt_event(payment, attempt), outcome, time_s })
    };
    let labelled = |number: u16, verdict: Label| {
        let attempt = payment.attempt_numbered(number)?;
        Some(Record::Label { event: attempt_event(payment, attempt), verdict, known_at_s: time_s })
    };
    match event {
        Event::AuthorizationIntended { attempt, .. } => {
            [Some(Record::Authorization(attempt_event(payment, attempt))), None]
        }
        Event::Blocked { attempt, .. } => {
            [Some(Record::Authorization(attempt_event(payment, attempt))), told(Outcome::Blocked)]
        }
        Event::Authorized { .. } | Event::Sold { .. } => [told(Outcome::Approved), None],
        Event::AuthorizationFailed { failure, .. } if is_issuers_word(failure) => {
            [told(Outcome::Declined), None]
        }
        Event::RefundIntended { refund, .. } if is_news(payment, refund) => {
            [labelled(refund.attempt, Label::Fraud), None]
        }
        Event::Voided { reason: CancellationReason::Fraudulent, .. } => {
            [payment.attempt().and_then(|attempt| labelled(attempt.number, Label::Fraud)), None]
        }
        Event::Labelled { attempt, label, .. } => [labelled(*attempt, said(*label)), None],
        _teaches_nothing => [None, None],
    }
}

/// Whether somebody else said no: a customer who does not approve their own payment tells nothing against it.
const fn is_issuers_word(failure: &Failure) -> bool {
    let own = matches!(failure.code, DeclineCode::CustomerDeclined | DeclineCode::AttemptExpired);
    matches!(failure.kind, FailureKind::Declined) && !own
}

/// What a stored label says.
pub const fn said(label: FraudLabel) -> Label {
    match label {
        FraudLabel::Fraud => Label::Fraud,
        FraudLabel::Genuine => Label::Genuine,
    }
}

/// Of several refunds of one attempt, only the first that reports fraud says something new.
fn is_news(payment: &Payment, refund: &gateway_core::payment::Refund) -> bool {
    let mut reports =
        payment.refunds.iter().filter(|one| one.attempt == refund.attempt && one.reported_as_fraud());
    let known = payment.attempt_numbered(refund.attempt).is_some_and(|a| a.label == Some(FraudLabel::Fraud));
    refund.reported_as_fraud() && !known && reports.next().is_some_and(|first| first.id == refund.id)
}
