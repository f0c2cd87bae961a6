//! What an operation answers: rendered from the payment's state and from what just happened to it.

use super::draft::Draft;
use super::{Call, Fault};
use crate::engine::Engine;
use crate::exchange::Reply;
use crate::render::related::Related;
use crate::render::{Renderer, charge, decline, payment, refund, review};
use bumpalo::Bump;
use gateway_api::error::{ApiError, ErrorCode};
use gateway_api::expand::{Expand, Level};
use gateway_api::objects;
use gateway_core::claim::{RenderSpec, Subject};
use gateway_core::journal::Batch;
use gateway_core::payment::{Event, Payment, Status};
use gateway_core::refusal::{Operation, Refusal};

/// What the events of an operation mean for its caller: an error beside the object, or none.
fn bad_news(payment: &Payment, events: &[Event]) -> Option<ApiError> {
    events.iter().find_map(|event| match event {
        Event::Blocked { .. } | Event::AuthorizationFailed { .. } | Event::Reversed { .. } => {
            decline::last_error(payment)
        }
        Event::CaptureDeclined { code, .. }
        | Event::VoidDeclined { code, .. }
        | Event::IncrementDeclined { code, .. } => Some(ApiError::declined(decline::word(*code))),
        _good_or_open => None,
    })
}

/// The paths of a spec, as they are read.
fn expand(spec: &RenderSpec) -> Expand {
    let paths: Vec<&str> = spec.expand.iter().map(String::as_str).collect();
    // They were checked when the request came in.
    Expand::parse(&paths).unwrap_or_default()
}

/// Renders the answer of an operation.
///
/// # Errors
/// 503 if an object to be expanded can't be read.
pub async fn render(
    engine: &Engine,
    payment: &Payment,
    (events, subject): (&[Event], Subject),
    spec: &RenderSpec,
) -> Result<Reply, ApiError> {
    let paths: Vec<&str> = spec.expand.iter().map(String::as_str).collect();
    let related = Related::of_payments(engine, std::iter::once(payment), &paths).await?;
    let expand = expand(spec);
    let texts = Bump::with_capacity(2048);
    let r = Renderer { texts: &texts, related: &related, public_url: &engine.settings.public_url };
    Ok(match bad_news(payment, events) {
        Some(error) => Reply::from(with_payment(&r, error, payment)),
        None => Reply::json(200, body(&r, payment, subject, expand.root())),
    })
}

/// Renders an object's present state.
pub fn body(r: &Renderer<'_>, p: &Payment, subject: Subject, level: Level<'_>) -> Vec<u8> {
    let mut out = Vec::with_capacity(2048);
    match subject {
        Subject::Payment(_) | Subject::Other => objects::write(&payment::intent(r, p, level), &mut out),
        Subject::Charge { attempt, .. } => {
            if let Some(attempt) = p.attempt_numbered(attempt) {
                objects::write(&charge::charge(r, (p, attempt), level), &mut out);
            }
        }
        Subject::Review(_) => {
            if let Some(attempt) = p.attempt().filter(|attempt| attempt.review.is_some()) {
                objects::write(&review::review(r, (p, attempt), level), &mut out);
            }
        }
        Subject::Refund { refund: id, .. } => {
            if let Some(one) = p.refunds.iter().find(|refund| refund.id.0 == id) {
                objects::write(&refund::refund(r, (p, one), level), &mut out);
            }
        }
    }
    out
}

/// The status and body that a key whose bytes aged out, or are not final, answers with.
///
/// # Errors
/// 503 if an object to be expanded can't be read.
pub async fn present(
    engine: &Engine,
    payment: &Payment,
    (status, subject): (u16, Subject),
    spec: &RenderSpec,
) -> Result<Reply, ApiError> {
    let paths: Vec<&str> = spec.expand.iter().map(String::as_str).collect();
    let related = Related::of_payments(engine, std::iter::once(payment), &paths).await?;
    let expand = expand(spec);
    let texts = Bump::with_capacity(2048);
    let r = Renderer { texts: &texts, related: &related, public_url: &engine.settings.public_url };
    if status >= 400 {
        let error = decline::last_error(payment).unwrap_or_else(ApiError::internal);
        return Ok(Reply { status, ..Reply::from(with_payment(&r, error, payment)) });
    }
    Ok(Reply::json(status, body(&r, payment, subject, expand.root())))
}

/// Adds the payment, and its charge, to an error.
fn with_payment(r: &Renderer<'_>, error: ApiError, p: &Payment) -> ApiError {
    let intent = payment::intent(r, p, Level::default());
    let error = error.with_payment_intent(objects::to_json(&intent));
    match p.latest_charge() {
        Some(charge) => error.with_charge(charge.to_string()),
        None => error,
    }
}

/// A refusal of what is not a payment yet.
pub fn before_any_payment(refusal: Refusal) -> ApiError {
    refusal_error((String::new(), String::new()), (Subject::Other, refusal))
}

/// What a refusal of the domain says in the dialect, about this payment and its charge.
fn refusal_error((payment, charge): (String, String), (subject, refusal): (Subject, Refusal)) -> ApiError {
    let charge = || charge;
    match refusal {
        Refusal::UnexpectedState { status, operation } => unexpected(status, operation),
        Refusal::NoPaymentMethod => {
            ApiError::parameter_missing("payment_method").with_code(ErrorCode::ParameterMissing)
        }
        Refusal::AmountTooSmall { minimum_minor, .. } => ApiError::amount_too_small("amount", minimum_minor),
        Refusal::AmountTooLarge { maximum_minor } => ApiError::amount_too_large("amount", maximum_minor),
        Refusal::CaptureTooLarge { capturable_minor } => {
            // The two routes that capture name the amount differently.
            let param =
                if matches!(subject, Subject::Charge { .. }) { "amount" } else { "amount_to_capture" };
            ApiError::amount_too_large(param, capturable_minor)
        }
        Refusal::RefundTooLarge { refundable_minor } => ApiError::invalid_parameter(
            "amount",
            format!("The refund is greater than the {refundable_minor} that can still be refunded."),
        ),
        Refusal::AlreadyRefunded => ApiError::charge_already_refunded(&charge()),
        Refusal::NothingCaptured => ApiError::invalid_request(format!(
            "This PaymentIntent ({payment}) has no captured charge to refund. Capture it first, or cancel it."
        )),
        Refusal::IncrementNotHigher { amount_minor } => ApiError::invalid_parameter(
            "amount",
            format!("The new amount must be greater than the {amount_minor} that is authorized now."),
        ),
        Refusal::NotSupported { operation } => ApiError::invalid_request(format!(
            "This payment's acquirer cannot {} it this way.",
            operation.as_str()
        )),
        Refusal::AuthorizationExpired => ApiError::charge_expired_for_capture(&charge()),
        Refusal::AlreadyCaptured => ApiError::charge_already_captured(&charge()),
        Refusal::TooMany { operation, limit } => ApiError::invalid_request(format!(
            "A payment takes at most {limit} of these ({}).",
            operation.as_str()
        )),
        Refusal::ReviewClosed => {
            ApiError::invalid_request("This review is closed, so it can't be approved.".to_owned())
        }
        Refusal::TooMuchText { limit_bytes } => ApiError::invalid_request(format!(
            "This payment's metadata, descriptions and details, those of its charges and refunds included, would take more \
             than {limit_bytes} bytes. Shorten or leave out some of them."
        )),
        Refusal::NotOutstanding => ApiError::lock_timeout(),
    }
}

fn unexpected(status: Status, operation: Operation) -> ApiError {
    let (done, allowed) = match operation {
        Operation::Update => ("updated", "requires_payment_method or requires_confirmation"),
        Operation::Confirm => ("confirmed", "requires_payment_method or requires_confirmation"),
        Operation::Capture => ("captured", "requires_capture"),
        Operation::Cancel => (
            "canceled",
            "requires_payment_method, requires_confirmation, requires_action or requires_capture (with nothing captured)",
        ),
        Operation::Refund => ("refunded", "succeeded, or requires_capture after a partial capture"),
        Operation::Increment => ("incremented", "requires_capture"),
        // Of operators only, who are answered elsewhere.
        Operation::Settle => ("settled", "processing"),
    };
    ApiError::payment_intent_unexpected_state(done, status.as_str(), allowed)
}

/// Stores a refusal of the domain under the request's key, and answers it.
///
/// # Errors
/// It could not be stored: nothing was.
pub async fn refuse(call: &Call, draft: Draft, refusal: Refusal, spec: RenderSpec) -> Result<Reply, Fault> {
    let subject = Subject::Payment(draft.payment().id);
    refuse_about(call, draft, (subject, refusal), spec).await
}

/// The same, about the object that the request named.
///
/// # Errors
/// It could not be stored: nothing was.
pub async fn refuse_about(
    call: &Call,
    draft: Draft,
    (subject, refusal): (Subject, Refusal),
    spec: RenderSpec,
) -> Result<Reply, Fault> {
    let payment = draft.payment();
    let charge = payment.latest_charge().map(|id| id.to_string()).unwrap_or_default();
    let error = refusal_error((payment.id.to_string(), charge), (subject, refusal));
    let error = if matches!(refusal, Refusal::UnexpectedState { .. }) {
        let texts = Bump::with_capacity(2048);
        let related = Related::default();
        let r = Renderer { texts: &texts, related: &related, public_url: &call.engine.settings.public_url };
        with_payment(&r, error, payment)
    } else {
        error
    };
    let reply = Reply::from(error);
    if draft.is_new() {
        // A payment that could not even be created leaves nothing behind.
        return Ok(reply);
    }
    let mut batch = Batch::new(call.urgency);
    batch.insert(call.settled(subject, spec, &reply));
    super::commit(&call.engine, batch).await?;
    Ok(reply)
}
