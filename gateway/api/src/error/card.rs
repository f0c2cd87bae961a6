//! Card errors, all of them 402: what an issuer, the risk verdict or the card itself says no to.

use super::{ApiError, DeclineCode, ErrorCode, ErrorType};
use std::borrow::Cow;

/// A card error that came from checking the card itself, before anyone was asked.
fn invalid_card(code: ErrorCode, message: &'static str) -> ApiError {
    ApiError::new(402, ErrorType::Card, message).with_code(code)
}

impl ApiError {
    /// The issuer declined (or the gateway did in its place); code and message follow from the reason.
    pub fn declined(reason: DeclineCode) -> Self {
        let mut error = Self::new(402, ErrorType::Card, reason.message()).with_code(reason.error_code());
        error.0.decline_code = match reason {
            // These are codes of their own; a decline code would only say the same again.
            DeclineCode::ExpiredCard
            | DeclineCode::IncorrectCvc
            | DeclineCode::IncorrectNumber
            | DeclineCode::ProcessingError => None,
            DeclineCode::AuthenticationRequired
            | DeclineCode::CardVelocityExceeded
            | DeclineCode::DoNotHonor
            | DeclineCode::Fraudulent
            | DeclineCode::GenericDecline
            | DeclineCode::InsufficientFunds
            | DeclineCode::LostCard
            | DeclineCode::PickupCard
            | DeclineCode::StolenCard
            | DeclineCode::TryAgainLater => Some(reason),
        };
        error
    }

    /// A challenge is needed and the caller asked for an error instead of `requires_action`.
    pub fn authentication_required() -> Self {
        Self::declined(DeclineCode::AuthenticationRequired)
    }

    /// The number is not digits, or of no known length.
    pub fn invalid_number(param: impl Into<Cow<'static, str>>) -> Self {
        invalid_card(
            ErrorCode::InvalidNumber,
            "The card number is not a valid one: send 12 to 19 digits, with or without spaces.",
        )
        .with_param(param)
    }

    /// The number fails its check digit.
    pub fn incorrect_number(param: impl Into<Cow<'static, str>>) -> Self {
        invalid_card(ErrorCode::IncorrectNumber, DeclineCode::IncorrectNumber.message()).with_param(param)
    }

    /// The month is not 1 to 12.
    pub fn invalid_expiry_month(param: impl Into<Cow<'static, str>>) -> Self {
        invalid_card(ErrorCode::InvalidExpiryMonth, "The card's expiration month is invalid: send 1 to 12.")
            .with_param(param)
    }

    /// The year is in the past, or too far ahead.
    pub fn invalid_expiry_year(param: impl Into<Cow<'static, str>>) -> Self {
        invalid_card(
            ErrorCode::InvalidExpiryYear,
            "The card's expiration year is invalid: send the two or four digits printed on the card.",
        )
        .with_param(param)
    }

    /// The security code is not three or four digits.
    pub fn invalid_cvc(param: impl Into<Cow<'static, str>>) -> Self {
        invalid_card(
            ErrorCode::InvalidCvc,
            "The card's security code is invalid: send the three or four digits printed on the card.",
        )
        .with_param(param)
    }
}
