//! The words of an error: its type (which decides the SDK's exception class), its code, and an issuer's reason.

use crate::wire_enum::wire_enum;

wire_enum! {
    /// The `type` of an error. With the HTTP status it decides which exception an SDK raises.
    ErrorType {
        Api = "api_error",
        Authentication = "authentication_error",
        Card = "card_error",
        Idempotency = "idempotency_error",
        InvalidRequest = "invalid_request_error",
        RateLimit = "rate_limit_error",
    }
}

wire_enum! {
    /// The `code` of an error: what a program may branch on.
    ErrorCode {
        AccountInvalid = "account_invalid",
        AmountTooLarge = "amount_too_large",
        AmountTooSmall = "amount_too_small",
        ApiKeyExpired = "api_key_expired",
        AuthenticationRequired = "authentication_required",
        CardDeclined = "card_declined",
        ChargeAlreadyCaptured = "charge_already_captured",
        ChargeAlreadyRefunded = "charge_already_refunded",
        ChargeDisputed = "charge_disputed",
        ChargeExpiredForCapture = "charge_expired_for_capture",
        ExpiredCard = "expired_card",
        IdempotencyKeyInUse = "idempotency_key_in_use",
        IncorrectCvc = "incorrect_cvc",
        IncorrectNumber = "incorrect_number",
        InvalidCharacters = "invalid_characters",
        InvalidCvc = "invalid_cvc",
        InvalidExpiryMonth = "invalid_expiry_month",
        InvalidExpiryYear = "invalid_expiry_year",
        InvalidNumber = "invalid_number",
        LockTimeout = "lock_timeout",
        ParameterInvalidEmpty = "parameter_invalid_empty",
        ParameterInvalidInteger = "parameter_invalid_integer",
        ParameterMissing = "parameter_missing",
        ParameterUnknown = "parameter_unknown",
        ParametersExclusive = "parameters_exclusive",
        PaymentIntentAuthenticationFailure = "payment_intent_authentication_failure",
        PaymentIntentPaymentAttemptExpired = "payment_intent_payment_attempt_expired",
        PaymentIntentUnexpectedState = "payment_intent_unexpected_state",
        PaymentMethodCustomerDecline = "payment_method_customer_decline",
        PaymentMethodProviderDecline = "payment_method_provider_decline",
        PaymentMethodUnexpectedState = "payment_method_unexpected_state",
        ProcessingError = "processing_error",
        RateLimit = "rate_limit",
        ResourceMissing = "resource_missing",
        SecretKeyRequired = "secret_key_required",
        SetupIntentUnexpectedState = "setup_intent_unexpected_state",
        TokenAlreadyUsed = "token_already_used",
    }
}

wire_enum! {
    /// Why the issuer (or the gateway in its place) said no; stands beside the code of a card error.
    DeclineCode {
        AuthenticationRequired = "authentication_required",
        CardVelocityExceeded = "card_velocity_exceeded",
        DoNotHonor = "do_not_honor",
        ExpiredCard = "expired_card",
        Fraudulent = "fraudulent",
        GenericDecline = "generic_decline",
        IncorrectCvc = "incorrect_cvc",
        IncorrectNumber = "incorrect_number",
        InsufficientFunds = "insufficient_funds",
        LostCard = "lost_card",
        PickupCard = "pickup_card",
        ProcessingError = "processing_error",
        StolenCard = "stolen_card",
        TryAgainLater = "try_again_later",
    }
}

impl DeclineCode {
    /// The error code under which this reason is reported: a few have one of their own, the rest are `card_declined`.
    pub fn error_code(self) -> ErrorCode {
        match self {
            Self::ExpiredCard => ErrorCode::ExpiredCard,
            Self::IncorrectCvc => ErrorCode::IncorrectCvc,
            Self::IncorrectNumber => ErrorCode::IncorrectNumber,
            Self::ProcessingError => ErrorCode::ProcessingError,
            Self::AuthenticationRequired => ErrorCode::AuthenticationRequired,
            Self::CardVelocityExceeded
            | Self::DoNotHonor
            | Self::Fraudulent
            | Self::GenericDecline
            | Self::InsufficientFunds
            | Self::LostCard
            | Self::PickupCard
            | Self::StolenCard
            | Self::TryAgainLater => ErrorCode::CardDeclined,
        }
    }

    /// What the cardholder may be told. Reasons that would help a thief (lost, stolen, fraud) read as a plain decline.
    pub fn message(self) -> &'static str {
        match self {
            Self::AuthenticationRequired => {
                "This payment needs the cardholder's authentication. Confirm it again with the customer present."
            }
            Self::CardVelocityExceeded => {
                "The card was declined because it has been used too often, or beyond its limit. Try another card."
            }
            Self::ExpiredCard => "The card has expired. Use another card.",
            Self::IncorrectCvc => "The card's security code is incorrect. Check it and try again.",
            Self::IncorrectNumber => "The card number is incorrect. Check it and try again.",
            Self::InsufficientFunds => {
                "The card has insufficient funds. Use another card or a smaller amount."
            }
            Self::ProcessingError => {
                "The card could not be processed because of an error on the way. Try again in a moment."
            }
            Self::TryAgainLater => "The issuer could not answer now. Try again later.",
            Self::DoNotHonor
            | Self::Fraudulent
            | Self::GenericDecline
            | Self::LostCard
            | Self::PickupCard
            | Self::StolenCard => "The card was declined. Use another card, or ask the issuer why.",
        }
    }

    /// What a merchant's program may do next, in the words of `advice_code`.
    pub fn advice(self) -> Option<&'static str> {
        match self {
            Self::ExpiredCard | Self::IncorrectCvc | Self::IncorrectNumber => Some("confirm_card_data"),
            Self::Fraudulent | Self::LostCard | Self::PickupCard | Self::StolenCard => {
                Some("do_not_try_again")
            }
            Self::CardVelocityExceeded
            | Self::DoNotHonor
            | Self::GenericDecline
            | Self::InsufficientFunds
            | Self::ProcessingError
            | Self::TryAgainLater => Some("try_again_later"),
            Self::AuthenticationRequired => None,
        }
    }
}
