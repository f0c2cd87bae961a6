//! Reviews: which transitions open and close one. A review belongs to an attempt, so whatever happens to the money happens to it
//! in the same commit.

use super::command::OpenSeed;
use super::decide::capture;
use super::event::Event;
use super::state::{Attempt, CancellationReason, CaptureMethod, Payment};
use crate::acquirer::{Abilities, FinalCapture};
use crate::refusal::Refusal;
use crate::risk::{FraudLabel, Review, ReviewClosing};
use crate::time::Timestamp;

/// The payment's review that waits, with its attempt.
pub fn open_review(payment: &Payment) -> Option<(&Attempt, &Review)> {
    let attempt = payment.attempt()?;
    attempt.review.as_ref().filter(|review| review.is_open()).map(|review| (attempt, review))
}

/// Adds what a decision's transitions mean for the payment's review.
pub(super) fn follow(payment: &Payment, mut events: Vec<Event>, at: Timestamp) -> Vec<Event> {
    let opened = events.iter().find_map(|event| opening(payment, event, at));
    events.extend(opened);
    if open_review(payment).is_some()
        && let Some(reason) = events.iter().find_map(closing)
    {
        events.push(Event::ReviewClosed { at, reason });
    }
    events
}

fn opening(payment: &Payment, event: &Event, at: Timestamp) -> Option<Event> {
    // A sale with a review is a wallet's: what was paid already is looked at afterwards.
    let (Event::Authorized { reference, .. } | Event::Sold { reference, .. }) = event else { return None };
    let open = payment.open_by_reference(*reference)?;
    let review = payment.attempt_numbered(open.attempt)?.risk.review?;
    Some(Event::ReviewOpened { review, at })
}

/// Capturing a payment is the merchant's word that it is good; canceling it, that it is not.
fn closing(event: &Event) -> Option<ReviewClosing> {
    match event {
        Event::CaptureIntended { .. } => Some(ReviewClosing::Approved),
        // Before its capture nothing can be paid back, so this is of what was paid at once.
        Event::RefundIntended { refund, .. } if refund.reported_as_fraud() => {
            Some(ReviewClosing::RefundedAsFraud)
        }
        Event::RefundIntended { .. } => Some(ReviewClosing::Refunded),
        Event::Voided { reason, .. } => Some(match reason {
            CancellationReason::Fraudulent => ReviewClosing::RefundedAsFraud,
            CancellationReason::Expired => ReviewClosing::PaymentNeverSettled,
            CancellationReason::Duplicate
            | CancellationReason::RequestedByCustomer
            | CancellationReason::Abandoned
            | CancellationReason::Unspecified => ReviewClosing::Canceled,
        }),
        _leaves_it_open => None,
    }
}

/// A person approves: what was to be captured automatically is captured now; a manual capture stays the merchant's, and of what is
/// paid already nothing is left to do.
pub(super) fn approve(
    payment: &Payment,
    (at, abilities): (Timestamp, Abilities),
    seed: OpenSeed,
) -> Result<Vec<Event>, Refusal> {
    let (attempt, _review) = open_review(payment).ok_or(Refusal::ReviewClosed)?;
    if attempt.sale {
        return Ok(vec![Event::ReviewClosed { at, reason: ReviewClosing::Approved }]);
    }
    match payment.capture_method {
        CaptureMethod::Automatic | CaptureMethod::AutomaticAsync => {
            capture(payment, (None, FinalCapture::Yes), (at, abilities), seed)
        }
        CaptureMethod::Manual => Ok(vec![Event::ReviewClosed { at, reason: ReviewClosing::Approved }]),
    }
}

/// A label that says nothing new changes nothing.
pub(super) fn label(
    payment: &Payment,
    (number, label): (u16, FraudLabel),
    at: Timestamp,
) -> Result<Vec<Event>, Refusal> {
    let attempt = payment.attempt_numbered(number).ok_or(Refusal::NotOutstanding)?;
    let known = payment.label_of(attempt);
    let new = known != Some(label) && !(known.is_none() && label == FraudLabel::Genuine);
    Ok(if new { vec![Event::Labelled { attempt: number, label, at }] } else { Vec::new() })
}
