//! Failures in the dialect's words.

use gateway_api::error::{ApiError, DeclineCode as Word};
use gateway_core::acquirer::DeclineCode;
use gateway_core::payment::{Failure, FailureKind};

/// The dialect's decline code.
pub const fn word(code: DeclineCode) -> Word {
    match code {
        DeclineCode::GenericDecline | DeclineCode::InvalidAmount => Word::GenericDecline,
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

/// The error that a failed attempt answers, without the objects that go with it.
pub fn error(failure: &Failure) -> ApiError {
    match failure.kind {
        FailureKind::NotAuthenticated => ApiError::payment_intent_authentication_failure(),
        FailureKind::Blocked | FailureKind::Declined | FailureKind::NotSent | FailureKind::Reversed => {
            ApiError::declined(word(failure.code))
        }
    }
}
