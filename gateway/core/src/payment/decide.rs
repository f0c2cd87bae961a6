//! Judges commands: every guard stands here, in the order of [`Refusal`]. Pure.

use super::command::{Command, Confirm, Create, OpenSeed, RefundRequest};
use super::conclude::conclude;
use super::event::Event;
use super::review;
use super::routed::Rerouting;
use super::settle::settle;
use super::state::{
    AfterReversal, Attempt, AttemptState, CancellationReason, CaptureMethod, Details, InstrumentChange, Open,
    OpenKind, Payment, Refund, RefundState, Stage, Status,
};
use super::text;
use super::{MAX_ATTEMPTS, MAX_CAPTURES, MAX_INCREMENTS, MAX_REFUNDS, MAX_REFUSED};
use crate::acquirer::{Abilities, FinalCapture, Trace};
use crate::id::RefundId;
use crate::money::{MAX_AMOUNT_MINOR, Money};
use crate::record::Metadata;
use crate::refusal::{Operation, Refusal};
use crate::risk::Decision;
use crate::time::Timestamp;
use smol_str::SmolStr;
use std::sync::Arc;
/// Judges a new payment.
///
/// # Errors
/// The amount is out of range.
pub fn create(create: Create) -> Result<Vec<Event>, Refusal> {
    check_amount(create.amount)?;
    let Create { id, tenant, at, amount, capture_method, details, instrument, secret } = create;
    text::check_new(&details, instrument.as_ref())?;
    let mut events =
        vec![Event::Created { id, tenant, at, amount, capture_method, details: Arc::new(details), secret }];
    events.extend(instrument.map(|i| Event::InstrumentSet(Arc::new(i))));
    Ok(events)
}

/// Judges a command against a payment. The events are the transitions it causes, in order.
///
/// # Errors
/// The first [`Refusal`] that applies; nothing has changed then.
pub fn decide(payment: &Payment, command: Command) -> Result<Vec<Event>, Refusal> {
    let moment = match &command {
        Command::Capture { at, .. } | Command::Approve { at, .. } => Some(*at),
        Command::Conclude(conclusion) => Some(conclusion.at),
        Command::Settle(word) => Some(word.at),
        Command::Refund { request, .. } => Some(request.at),
        _no_review_depends_on_it => None,
    };
    let events = judge(payment, command)?;
    Ok(match moment {
        Some(at) => review::follow(payment, events, at),
        None => events,
    })
}

fn judge(payment: &Payment, command: Command) -> Result<Vec<Event>, Refusal> {
    match command {
        Command::Update { amount, capture_method, details, instrument } => {
            update(payment, (amount, capture_method), details, instrument)
        }
        Command::Authorize(confirm) => authorize(payment, *confirm),
        Command::Block { at, risk, decision } => block(payment, (at, risk), decision),
        Command::Reroute { from, why, acquirer, trace, due } => {
            reroute(payment, (from, why), (acquirer, trace, due))
        }
        Command::Capture { amount_minor, last, at, abilities, seed } => {
            capture(payment, (amount_minor, last), (at, abilities), seed)
        }
        Command::Approve { at, abilities, seed } => review::approve(payment, (at, abilities), seed),
        Command::Label { attempt, label, at } => review::label(payment, (attempt, label), at),
        Command::Cancel { reason, at, seed } => cancel(payment, reason, at, seed),
        Command::Expire { at, seed } => expire(payment, at, seed),
        Command::Increment { total_minor, abilities, seed } => {
            increment(payment, total_minor, abilities, seed)
        }
        Command::Refund { request, seed } => refund(payment, *request, seed),
        Command::UpdateRefund { refund, metadata } => update_refund(payment, refund, metadata),
        Command::Conclude(conclusion) => conclude(payment, *conclusion),
        Command::Retry { reference, due } => {
            payment.open_by_reference(reference).ok_or(Refusal::NotOutstanding)?;
            Ok(vec![Event::RetryIntended { reference, due }])
        }
        Command::Reverse { reference, seed } => reverse(payment, reference, seed),
        Command::Settle(word) => settle(payment, *word),
    }
}

/// Whether the payment may be confirmed now: asked before anything is scored, and again when the attempt is made.
///
/// # Errors
/// See [`Refusal`].
pub fn may_confirm(payment: &Payment) -> Result<(), Refusal> {
    match payment.status() {
        Status::RequiresPaymentMethod => Err(Refusal::NoPaymentMethod),
        Status::RequiresConfirmation if payment.attempts.len() >= MAX_ATTEMPTS => {
            Err(Refusal::TooMany { operation: Operation::Confirm, limit: MAX_ATTEMPTS })
        }
        Status::RequiresConfirmation if !may_wait(payment) => {
            Err(Refusal::NotSupported { operation: Operation::Capture })
        }
        Status::RequiresConfirmation => text::check_attempt(payment),
        status @ (Status::RequiresAction
        | Status::Processing
        | Status::RequiresCapture
        | Status::Canceled
        | Status::Succeeded) => Err(Refusal::UnexpectedState { status, operation: Operation::Confirm }),
    }
}

/// A wallet's owner pays at once: nothing can be held of it, to be captured later.
fn may_wait(payment: &Payment) -> bool {
    let wallet = payment.instrument.as_ref().and_then(|instrument| instrument.means.wallet());
    wallet.is_none() || !matches!(payment.capture_method, CaptureMethod::Manual)
}

fn check_amount(amount: Money) -> Result<(), Refusal> {
    let minimum_minor = amount.currency.minimum_minor();
    if amount.minor < minimum_minor {
        return Err(Refusal::AmountTooSmall { minimum_minor, currency: amount.currency });
    }
    if amount.minor > MAX_AMOUNT_MINOR {
        return Err(Refusal::AmountTooLarge { maximum_minor: MAX_AMOUNT_MINOR });
    }
    Ok(())
}

fn expect_status(payment: &Payment, wanted: &[Status], operation: Operation) -> Result<(), Refusal> {
    let status = payment.status();
    if wanted.contains(&status) { Ok(()) } else { Err(Refusal::UnexpectedState { status, operation }) }
}

fn update(
    payment: &Payment,
    (amount, capture_method): (Option<Money>, Option<CaptureMethod>),
    details: Arc<Details>,
    instrument: InstrumentChange,
) -> Result<Vec<Event>, Refusal> {
    let unpaid = [Status::RequiresPaymentMethod, Status::RequiresConfirmation];
    let wanted: &[Status] =
        if amount.is_some() || capture_method.is_some() || !matches!(instrument, InstrumentChange::Keep) {
            &unpaid
        } else {
            &[
                Status::RequiresPaymentMethod,
                Status::RequiresConfirmation,
                Status::RequiresAction,
                Status::RequiresCapture,
                Status::Succeeded,
                Status::Canceled,
            ]
        };
    expect_status(payment, wanted, Operation::Update)?;
    amount.map_or(Ok(()), check_amount)?;
    // What was asked, and what may yet have to be reversed, is in the currency of the attempts.
    if amount.is_some_and(|a| a.currency != payment.amount.currency) && !payment.attempts.is_empty() {
        return Err(Refusal::UnexpectedState { status: payment.status(), operation: Operation::Update });
    }
    text::check_update(payment, &details, &instrument)?;
    let mut events = vec![Event::Updated { amount, capture_method, details }];
    match instrument {
        InstrumentChange::Set(instrument) => events.push(Event::InstrumentSet(Arc::from(instrument))),
        InstrumentChange::Clear if payment.instrument.is_some() => events.push(Event::InstrumentCleared),
        InstrumentChange::Clear | InstrumentChange::Keep => {}
    }
    Ok(events)
}

fn new_attempt(payment: &Payment, confirm: &Confirm) -> Result<Attempt, Refusal> {
    may_confirm(payment)?;
    let instrument = payment.instrument.clone().ok_or(Refusal::NoPaymentMethod)?;
    let number = u16::try_from(payment.attempts.len() + 1).expect("bounded by MAX_ATTEMPTS");
    let wallet = instrument.means.wallet().is_some();
    Ok(Attempt {
        number,
        at: confirm.at,
        instrument,
        amount_minor: payment.amount.minor,
        acquirer: confirm.acquirer.clone(),
        routed: confirm.routed.clone(),
        trace: confirm.seed.trace,
        // What waits for a person is authorized only, if it can be: a wallet pays at once, and is looked at afterwards.
        sale: wallet
            || (!matches!(payment.capture_method, CaptureMethod::Manual) && confirm.risk.review.is_none()),
        risk: confirm.risk.clone(),
        state: AttemptState::Open,
        captures: Vec::new(),
        increments: 0,
        closed: false,
        capture_before: confirm.capture_before,
        review: None,
        label: None,
    })
}

/// A message that is about to be sent.
pub(super) fn open(seed: OpenSeed, kind: OpenKind, attempt: &Attempt) -> Open {
    Open {
        kind,
        attempt: attempt.number,
        acquirer: attempt.acquirer.clone(),
        trace: seed.trace,
        stage: Stage::Sent,
        due: seed.due,
        tries: 0,
        claim: seed.claim,
    }
}

fn authorize(payment: &Payment, mut confirm: Confirm) -> Result<Vec<Event>, Refusal> {
    let attempt = new_attempt(payment, &confirm)?;
    let decision = confirm.decision.take();
    let kind = if attempt.sale { OpenKind::Sale } else { OpenKind::Authorize };
    let open = open(confirm.seed, kind, &attempt);
    Ok(vec![Event::AuthorizationIntended { attempt: Box::new(attempt), open: Box::new(open), decision }])
}

fn block(
    payment: &Payment,
    (at, risk): (Timestamp, super::state::RiskOutcome),
    decision: Option<Box<Decision>>,
) -> Result<Vec<Event>, Refusal> {
    let trace = Trace { stan: 0, reference: 0, at };
    let seed = OpenSeed { trace, due: at, claim: None };
    let acquirer = SmolStr::default();
    let confirm = Confirm { at, risk, acquirer, routed: None, seed, capture_before: at, decision: None };
    let attempt = new_attempt(payment, &confirm)?;
    Ok(vec![Event::Blocked { attempt: Box::new(attempt), decision }])
}

fn reroute(
    payment: &Payment,
    (from, why): (u64, Rerouting),
    (acquirer, trace, due): (SmolStr, Trace, Timestamp),
) -> Result<Vec<Event>, Refusal> {
    let open = payment.open_by_reference(from).ok_or(Refusal::NotOutstanding)?;
    match (&open.kind, &open.stage) {
        // Once it was repeated or inquired, not reaching the acquirer says nothing about the first time.
        (OpenKind::Authorize | OpenKind::Sale, Stage::Sent) if open.tries == 0 && why.is_allowed() => {
            Ok(vec![Event::Rerouted { from, why, acquirer, trace, due }])
        }
        _sent_or_other => Err(Refusal::NotOutstanding),
    }
}

fn held_attempt(payment: &Payment, operation: Operation) -> Result<&Attempt, Refusal> {
    expect_status(payment, &[Status::RequiresCapture], operation)?;
    Ok(payment.attempt().expect("a payment that requires capture has an attempt"))
}

/// What was declined is kept, so the number of declines is bounded.
fn check_refused(payment: &Payment, operation: Operation) -> Result<(), Refusal> {
    if payment.refused.len() < MAX_REFUSED {
        return Ok(());
    }
    Err(Refusal::TooMany { operation, limit: MAX_REFUSED })
}

pub(super) fn capture(
    payment: &Payment,
    (amount_minor, last): (Option<i64>, FinalCapture),
    (at, abilities): (Timestamp, Abilities),
    seed: OpenSeed,
) -> Result<Vec<Event>, Refusal> {
    let attempt = held_attempt(payment, Operation::Capture)?;
    if at >= attempt.capture_before {
        return Err(Refusal::AuthorizationExpired);
    }
    let capturable_minor = payment.capturable_minor();
    let amount_minor = amount_minor.unwrap_or(capturable_minor);
    if amount_minor < 1 {
        return Err(Refusal::AmountTooSmall { minimum_minor: 1, currency: payment.amount.currency });
    }
    if amount_minor > capturable_minor {
        return Err(Refusal::CaptureTooLarge { capturable_minor });
    }
    let whole = amount_minor == capturable_minor;
    let last = if whole { FinalCapture::Yes } else { last };
    let partial = !whole || !attempt.captures.is_empty();
    let several = last == FinalCapture::No || !attempt.captures.is_empty();
    if (partial && !abilities.partial_capture.is_yes()) || (several && !abilities.multiple_capture.is_yes()) {
        return Err(Refusal::NotSupported { operation: Operation::Capture });
    }
    if attempt.captures.len() >= MAX_CAPTURES {
        return Err(Refusal::TooMany { operation: Operation::Capture, limit: MAX_CAPTURES });
    }
    check_refused(payment, Operation::Capture)?;
    let open = open(seed, OpenKind::Capture { amount_minor, last }, attempt);
    Ok(vec![Event::CaptureIntended { open: Box::new(open) }])
}

fn cancel(
    payment: &Payment,
    reason: CancellationReason,
    at: Timestamp,
    seed: OpenSeed,
) -> Result<Vec<Event>, Refusal> {
    let status = payment.status();
    let unexpected = Refusal::UnexpectedState { status, operation: Operation::Cancel };
    match status {
        Status::RequiresPaymentMethod | Status::RequiresConfirmation => {
            Ok(vec![Event::Canceled { at, reason }])
        }
        Status::RequiresCapture => {
            let attempt = held_attempt(payment, Operation::Cancel)?;
            if !attempt.captures.is_empty() {
                return Err(unexpected);
            }
            check_refused(payment, Operation::Cancel)?;
            let open = open(seed, OpenKind::Void { reason }, attempt);
            Ok(vec![Event::VoidIntended { open: Box::new(open) }])
        }
        Status::RequiresAction => {
            let waiting = payment.open.iter().find(|o| o.asks_customer()).ok_or(unexpected)?;
            Ok(vec![reversal(payment, waiting, seed, (AfterReversal::Cancel(reason), Stage::Sent))?])
        }
        Status::Processing | Status::Canceled | Status::Succeeded => Err(unexpected),
    }
}

fn expire(payment: &Payment, at: Timestamp, seed: OpenSeed) -> Result<Vec<Event>, Refusal> {
    let attempt = held_attempt(payment, Operation::Cancel)?;
    if at < attempt.capture_before {
        return Err(Refusal::UnexpectedState { status: payment.status(), operation: Operation::Cancel });
    }
    if attempt.captures.is_empty() {
        let open = open(seed, OpenKind::Void { reason: CancellationReason::Expired }, attempt);
        return Ok(vec![Event::VoidIntended { open: Box::new(open) }]);
    }
    let amount_minor = payment.capturable_minor();
    let open = open(seed, OpenKind::Release { amount_minor }, attempt);
    Ok(vec![Event::HoldClosed { at }, Event::ReleaseIntended { open: Box::new(open) }])
}

fn increment(
    payment: &Payment,
    total_minor: i64,
    abilities: Abilities,
    seed: OpenSeed,
) -> Result<Vec<Event>, Refusal> {
    let attempt = held_attempt(payment, Operation::Increment)?;
    if seed.trace.at >= attempt.capture_before {
        return Err(Refusal::AuthorizationExpired);
    }
    check_amount(Money::new(total_minor, payment.amount.currency))?;
    let amount_minor = attempt.approval().map_or(0, |a| a.amount.minor);
    if total_minor <= amount_minor {
        return Err(Refusal::IncrementNotHigher { amount_minor });
    }
    if !abilities.incremental.is_yes() || !attempt.captures.is_empty() {
        return Err(Refusal::NotSupported { operation: Operation::Increment });
    }
    if attempt.increments >= MAX_INCREMENTS {
        return Err(Refusal::TooMany { operation: Operation::Increment, limit: usize::from(MAX_INCREMENTS) });
    }
    check_refused(payment, Operation::Increment)?;
    let open = open(seed, OpenKind::Increment { total_minor }, attempt);
    Ok(vec![Event::IncrementIntended { open: Box::new(open) }])
}

fn refund(payment: &Payment, request: RefundRequest, seed: OpenSeed) -> Result<Vec<Event>, Refusal> {
    if payment.open.iter().any(Open::holds_payment) {
        let status = payment.status();
        return Err(Refusal::UnexpectedState { status, operation: Operation::Refund });
    }
    let captured = payment.captured_minor();
    let attempt = payment.attempt().filter(|_| captured > 0).ok_or(Refusal::NothingCaptured)?;
    let refundable_minor = captured - payment.refunded_or_reserved_minor();
    if refundable_minor <= 0 {
        return Err(Refusal::AlreadyRefunded);
    }
    let amount_minor = request.amount_minor.unwrap_or(refundable_minor);
    if amount_minor < 1 {
        return Err(Refusal::AmountTooSmall { minimum_minor: 1, currency: payment.amount.currency });
    }
    if amount_minor > refundable_minor {
        return Err(Refusal::RefundTooLarge { refundable_minor });
    }
    if payment.refunds.len() >= MAX_REFUNDS {
        return Err(Refusal::TooMany { operation: Operation::Refund, limit: MAX_REFUNDS });
    }
    let RefundRequest { id, at, reason, metadata, .. } = request;
    text::check_refund(payment, &metadata, None)?;
    let (trace, attempt_number) = (seed.trace, attempt.number);
    let open = open(seed, OpenKind::Refund { refund: id.0 }, attempt);
    let refund = Refund {
        id,
        amount_minor,
        attempt: attempt_number,
        created: at,
        reason,
        metadata,
        trace,
        state: RefundState::Pending,
        reference: SmolStr::default(),
    };
    Ok(vec![Event::RefundIntended { refund: Box::new(refund), open: Box::new(open) }])
}

fn update_refund(payment: &Payment, refund: RefundId, metadata: Metadata) -> Result<Vec<Event>, Refusal> {
    let place = payment.refunds.iter().position(|r| r.id == refund).ok_or(Refusal::NothingCaptured)?;
    text::check_refund(payment, &metadata, Some(place))?;
    Ok(vec![Event::RefundUpdated { refund: refund.0, metadata }])
}

fn reverse(payment: &Payment, reference: u64, seed: OpenSeed) -> Result<Vec<Event>, Refusal> {
    let unknown = payment.open_by_reference(reference).ok_or(Refusal::NotOutstanding)?;
    // The acquirer may still decide: a reversal now could cross its approval.
    // A time before the message's own means that the clock was set back: then the caller has waited by another one.
    let decides = |until| (unknown.trace.at..until).contains(&seed.trace.at);
    if matches!(unknown.stage, Stage::Accepted { until, .. } if decides(until)) {
        return Err(Refusal::UnexpectedState { status: payment.status(), operation: Operation::Cancel });
    }
    let then = match &unknown.kind {
        // The operator of a wallet has it, and had the time that it said: the customer never came.
        OpenKind::Authorize | OpenKind::Sale
            if waits_for_wallet(payment, unknown) && matches!(unknown.stage, Stage::Accepted { .. }) =>
        {
            AfterReversal::Expire
        }
        OpenKind::Authorize | OpenKind::Sale => AfterReversal::Fail,
        OpenKind::Increment { .. } => AfterReversal::KeepTotal,
        OpenKind::Refund { refund } => AfterReversal::FailRefund(*refund),
        // Advices are repeated until they are answered, never reversed.
        OpenKind::Capture { .. }
        | OpenKind::Void { .. }
        | OpenKind::Reverse { .. }
        | OpenKind::Release { .. } => {
            return Err(Refusal::NotOutstanding);
        }
    };
    let claim = unknown.claim.clone();
    Ok(vec![reversal(payment, unknown, OpenSeed { claim, ..seed }, (then, Stage::Sent))?])
}

fn waits_for_wallet(payment: &Payment, message: &Open) -> bool {
    let attempt = payment.attempt_numbered(message.attempt);
    attempt.is_some_and(|attempt| attempt.instrument.means.wallet().is_some())
}

/// The event that replaces an outstanding message by its reversal, which is sent at once, or for the first time by the resolver.
pub(super) fn reversal(
    payment: &Payment,
    message: &Open,
    seed: OpenSeed,
    (then, stage): (AfterReversal, Stage),
) -> Result<Event, Refusal> {
    // A peer that tells messages apart by their reference would answer the reversal with what it said of the message itself.
    assert_ne!(seed.trace.reference, message.trace.reference, "a reversal has numbers of its own");
    let attempt = payment.attempt_numbered(message.attempt).ok_or(Refusal::NotOutstanding)?;
    let (kind, amount_minor) = match &message.kind {
        OpenKind::Authorize => (crate::acquirer::OriginalKind::Authorize, attempt.amount_minor),
        OpenKind::Sale => (crate::acquirer::OriginalKind::Sale, attempt.amount_minor),
        OpenKind::Increment { total_minor } => {
            let held = attempt.approval().map_or(0, |a| a.amount.minor);
            (crate::acquirer::OriginalKind::Increment, total_minor - held)
        }
        OpenKind::Refund { refund } => {
            let amount = payment.refunds.iter().find(|r| r.id.0 == *refund).map_or(0, |r| r.amount_minor);
            (crate::acquirer::OriginalKind::Refund, amount)
        }
        OpenKind::Capture { .. }
        | OpenKind::Void { .. }
        | OpenKind::Reverse { .. }
        | OpenKind::Release { .. } => {
            return Err(Refusal::NotOutstanding);
        }
    };
    let kind = OpenKind::Reverse { kind, of: message.trace, amount_minor, then };
    let open = Box::new(Open { stage, ..open(seed, kind, attempt) });
    Ok(Event::ReversalIntended { reference: message.trace.reference, open })
}
