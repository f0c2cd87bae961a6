//! Invalid requests: the caller's fault, known before any money could move.

use super::{ApiError, ErrorCode, ErrorType};
use std::borrow::Cow;
use std::fmt::Write as _;

fn invalid(message: impl Into<Cow<'static, str>>) -> ApiError {
    ApiError::new(400, ErrorType::InvalidRequest, message)
}

fn coded(code: ErrorCode, message: impl Into<Cow<'static, str>>) -> ApiError {
    invalid(message).with_code(code)
}

impl ApiError {
    /// 400 without a code: the message says all there is.
    pub fn invalid_request(message: impl Into<Cow<'static, str>>) -> Self {
        invalid(message)
    }

    /// 400 for a body where parameters stand in the query: it would not be read.
    pub fn body_unexpected(method: &str) -> Self {
        invalid(format!("A {method} request takes no body: send its parameters in the query of the URL."))
    }

    /// 400 for a parameter whose value is of the wrong shape or outside its bounds.
    pub fn invalid_parameter(
        param: impl Into<Cow<'static, str>>,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        invalid(message).with_param(param)
    }

    /// Parameters that this operation does not know. `params` holds at least one; the first one becomes `param`.
    pub fn parameter_unknown(params: &[String]) -> Self {
        let plural = if params.len() == 1 { "" } else { "s" };
        let message = format!("Received unknown parameter{plural}: {}", params.join(", "));
        let error = coded(ErrorCode::ParameterUnknown, message);
        match params.first() {
            Some(first) => error.with_param(first.clone()),
            None => error,
        }
    }

    /// A required parameter was not sent.
    pub fn parameter_missing(param: impl Into<Cow<'static, str>>) -> Self {
        let param = param.into();
        coded(ErrorCode::ParameterMissing, format!("Missing required param: {param}.")).with_param(param)
    }

    /// Not a whole number, or one that does not fit 64 bits. Only the first eight characters of the value are quoted: a
    /// card number in the wrong field must not be echoed.
    pub fn parameter_invalid_integer(param: impl Into<Cow<'static, str>>, value: &str) -> Self {
        let shown: String = value.chars().take(8).collect();
        let mut message = format!("Invalid integer: {shown}");
        if shown.len() < value.len() {
            message.push('…');
        }
        coded(ErrorCode::ParameterInvalidInteger, message).with_param(param)
    }

    /// An empty string where a value can't be unset.
    pub fn parameter_invalid_empty(param: impl Into<Cow<'static, str>>) -> Self {
        let param = param.into();
        let message = format!(
            "You passed an empty string for '{param}', which would unset it, but it can't be unset. Leave it out or \
             send a value."
        );
        coded(ErrorCode::ParameterInvalidEmpty, message).with_param(param)
    }

    /// A word that is not one of those allowed.
    pub fn parameter_invalid_choice(param: impl Into<Cow<'static, str>>, allowed: &[&str]) -> Self {
        let param = param.into();
        let mut message = format!("Invalid {param}: must be one of ");
        for (position, word) in allowed.iter().enumerate() {
            let glue = match position {
                0 => "",
                _ if position + 1 == allowed.len() => ", or ",
                _ => ", ",
            };
            write!(message, "{glue}{word}").expect("a string takes all text");
        }
        invalid(message).with_param(param)
    }

    /// Control characters, or others that an identifier can't hold.
    pub fn invalid_characters(param: impl Into<Cow<'static, str>>) -> Self {
        let param = param.into();
        let message = format!("'{param}' contains characters that are not allowed here; remove them.");
        coded(ErrorCode::InvalidCharacters, message).with_param(param)
    }

    /// Two parameters that can't be used together; `param` is the second of them.
    pub fn parameters_exclusive(first: &str, second: &str) -> Self {
        let message = format!("Send only one of '{first}' and '{second}'.");
        coded(ErrorCode::ParametersExclusive, message).with_param(second.to_owned())
    }

    /// No such object, or one of another merchant or mode: the two must not be told apart. 404.
    pub fn resource_missing(kind: &str, id: &str, param: impl Into<Cow<'static, str>>) -> Self {
        let message = format!("No such {kind}: '{id}'");
        Self::new(404, ErrorType::InvalidRequest, message)
            .with_code(ErrorCode::ResourceMissing)
            .with_param(param)
    }

    /// The amount is below the least that can be charged.
    pub fn amount_too_small(param: impl Into<Cow<'static, str>>, minimum: i64) -> Self {
        let message = format!("The amount is too small: it must be at least {minimum} in the smallest unit.");
        coded(ErrorCode::AmountTooSmall, message).with_param(param)
    }

    /// The amount is above what can be charged, captured or refunded here; `maximum` in minor units.
    pub fn amount_too_large(param: impl Into<Cow<'static, str>>, maximum: i64) -> Self {
        let message = format!("The amount is too large: it can be at most {maximum} in the smallest unit.");
        coded(ErrorCode::AmountTooLarge, message).with_param(param)
    }

    /// A refund over what remains; `remaining` in minor units. 400 with `param` `amount` and no code.
    pub fn refund_exceeds_remaining(requested: i64, remaining: i64) -> Self {
        let message =
            format!("The refund of {requested} is greater than the {remaining} that can still be refunded.");
        invalid(message).with_param("amount")
    }

    /// The intent's status does not allow the operation. Add the intent by [`ApiError::with_payment_intent`].
    pub fn payment_intent_unexpected_state(operation: &str, status: &str, allowed: &str) -> Self {
        let message = format!(
            "This PaymentIntent can't be {operation} because its status is {status}; it must be {allowed}."
        );
        coded(ErrorCode::PaymentIntentUnexpectedState, message)
    }

    /// The setup intent's status does not allow the operation.
    pub fn setup_intent_unexpected_state(operation: &str, status: &str, allowed: &str) -> Self {
        let message = format!(
            "This SetupIntent can't be {operation} because its status is {status}; it must be {allowed}."
        );
        coded(ErrorCode::SetupIntentUnexpectedState, message)
    }

    /// The payment method can't be used so: used up, detached, or already attached elsewhere.
    pub fn payment_method_unexpected_state(message: impl Into<Cow<'static, str>>) -> Self {
        coded(ErrorCode::PaymentMethodUnexpectedState, message).with_param("payment_method")
    }

    /// The challenge was failed or abandoned.
    pub fn payment_intent_authentication_failure() -> Self {
        coded(
            ErrorCode::PaymentIntentAuthenticationFailure,
            "The cardholder did not pass the authentication. Provide a payment method and confirm again.",
        )
    }

    /// The customer did not do in time what was asked of them.
    pub fn payment_intent_payment_attempt_expired() -> Self {
        coded(
            ErrorCode::PaymentIntentPaymentAttemptExpired,
            "The customer did not approve the payment in time. Provide a payment method and confirm again.",
        )
    }

    /// The customer said no to the operator of their wallet.
    pub fn payment_method_customer_decline() -> Self {
        coded(
            ErrorCode::PaymentMethodCustomerDecline,
            "The customer did not approve the payment. Provide a payment method and confirm again.",
        )
    }

    /// The operator of a wallet said no.
    pub fn payment_method_provider_decline() -> Self {
        coded(
            ErrorCode::PaymentMethodProviderDecline,
            "The wallet's operator declined the payment. Provide another payment method and confirm again.",
        )
    }

    /// A charge that was captured before.
    pub fn charge_already_captured(id: &str) -> Self {
        coded(ErrorCode::ChargeAlreadyCaptured, format!("Charge {id} has already been captured."))
            .with_charge(id)
    }

    /// A charge that holds nothing to capture: it failed, or was given up for a later attempt.
    pub fn charge_not_capturable(id: &str) -> Self {
        invalid(format!("Charge {id} did not succeed, so there is nothing of it to capture.")).with_charge(id)
    }

    /// A charge that took nothing which could be given back: it failed, or was given up for a later attempt.
    pub fn charge_not_refundable(id: &str) -> Self {
        let message = format!("Charge {id} did not succeed, so there is nothing of it to refund.");
        invalid(message).with_param("charge").with_charge(id)
    }

    /// A charge of which nothing remains to refund.
    pub fn charge_already_refunded(id: &str) -> Self {
        coded(ErrorCode::ChargeAlreadyRefunded, format!("Charge {id} has already been refunded."))
            .with_charge(id)
    }

    /// A charge that the cardholder disputes; its money is decided by the dispute.
    pub fn charge_disputed(id: &str) -> Self {
        let message = format!("Charge {id} is disputed; it can't be refunded while the dispute is open.");
        coded(ErrorCode::ChargeDisputed, message).with_charge(id)
    }

    /// An authorization that ran out before it was captured.
    pub fn charge_expired_for_capture(id: &str) -> Self {
        let message = format!("Charge {id} was not captured in time and has expired; make a new payment.");
        coded(ErrorCode::ChargeExpiredForCapture, message).with_charge(id)
    }

    /// A token that was used before.
    pub fn token_already_used(id: &str) -> Self {
        let message = format!("Token {id} has already been used: a token serves once. Make a new one.");
        coded(ErrorCode::TokenAlreadyUsed, message)
    }

    /// The same idempotency key with other parameters, or on another route. 400, and nothing was done.
    pub fn idempotency_mismatch(key: &str) -> Self {
        let message = format!(
            "The idempotency key '{key}' was first used with other parameters or on another route. Use a new key for \
             a new request."
        );
        Self::new(400, ErrorType::Idempotency, message)
    }

    /// An idempotency key that is empty, too long or not printable. 400.
    pub fn idempotency_key_invalid() -> Self {
        Self::new(400, ErrorType::Idempotency, "An idempotency key is 1 to 255 printable characters.")
    }
}
