//! Failures in the dialect's words.

use gateway_api::error::{ApiError, DeclineCode as Word};
use gateway_core::acquirer::DeclineCode;
use gateway_core::payment::{Attempt, Failure, FailureKind, Payment};

/// The dialect's decline code.
pub const fn word(code: DeclineCode) -> Word {
    match code {
        // Of a wallet's customer the dialect has codes of their own.
        DeclineCode::GenericDecline
        | DeclineCode::InvalidAmount
        | DeclineCode::CustomerDeclined
        | DeclineCode::AttemptExpired => Word::GenericDecline,
        DeclineCode::InsufficientFunds => Word::InsufficientFunds,
        DeclineCode::LostCard => Word::LostCard,
        DeclineCode::StolenCard => Word::StolenCard,
        DeclineCode::Fraudulent => Word::Fraudulent,
        DeclineCode::DoNotHonor => Word::DoNotHonor,
        DeclineCode::PickupCard => Word::PickupCard,
        DeclineCode::CardVelocityExceeded => Word::CardVelocityExceeded,
        DeclineCode::TryAgainLater => Word::TryAgainLater,
        DeclineCode::AuthenticationRequired => Word::AuthenticationRequired,
        DeclineCode::ExpiredCard => Word::ExpiredCard,
        DeclineCode::IncorrectCvc => Word::IncorrectCvc,
        DeclineCode::IncorrectNumber => Word::IncorrectNumber,
        DeclineCode::ProcessingError => Word::ProcessingError,
    }
}

/// The error of a payment whose last attempt failed; `None` if it did not.
pub fn last_error(payment: &Payment) -> Option<ApiError> {
    let failure = payment.last_failure()?;
    payment.attempt().map(|attempt| error(attempt, failure))
}

/// The error that a failed attempt answers, without the objects that go with it.
pub fn error(attempt: &Attempt, failure: &Failure) -> ApiError {
    let wallet = attempt.instrument.means.wallet().is_some();
    match (failure.kind, failure.code) {
        (FailureKind::Declined, DeclineCode::CustomerDeclined) => ApiError::payment_method_customer_decline(),
        (FailureKind::Declined, DeclineCode::AttemptExpired) => {
            ApiError::payment_intent_payment_attempt_expired()
        }
        (FailureKind::Declined, _) if wallet => ApiError::payment_method_provider_decline(),
        (kind, code) => of_card(kind, code),
    }
}

fn of_card(kind: FailureKind, code: DeclineCode) -> ApiError {
    match kind {
        FailureKind::NotAuthenticated => ApiError::payment_intent_authentication_failure(),
        FailureKind::Blocked | FailureKind::Declined | FailureKind::NotSent | FailureKind::Reversed => {
            ApiError::declined(word(code))
        }
    }
}
