//! The closed sets of words that parameters take, and currencies.

use crate::error::ApiError;
use crate::form::Fields;
use crate::wire_enum::wire_enum;

wire_enum! {
    /// When an authorized amount is captured.
    CaptureMethod {
        Automatic = "automatic",
        AutomaticAsync = "automatic_async",
        Manual = "manual",
    }
}

wire_enum! {
    /// What a payment method is: a card, or a wallet whose owner approves each payment.
    MethodType {
        Card = "card",
        Alipay = "alipay",
        WechatPay = "wechat_pay",
    }
}

wire_enum! {
    /// Who may confirm an intent.
    ConfirmationMethod {
        Automatic = "automatic",
        Manual = "manual",
    }
}

wire_enum! {
    /// What the card will be used for later.
    SetupFutureUsage {
        OffSession = "off_session",
        OnSession = "on_session",
        None = "none",
    }
}

wire_enum! {
    /// What a saved card is meant for.
    SetupUsage {
        OffSession = "off_session",
        OnSession = "on_session",
    }
}

wire_enum! {
    /// Why a caller cancels an intent.
    CancellationReason {
        Abandoned = "abandoned",
        Duplicate = "duplicate",
        Fraudulent = "fraudulent",
        RequestedByCustomer = "requested_by_customer",
    }
}

wire_enum! {
    /// Why a caller refunds.
    RefundReason {
        Duplicate = "duplicate",
        Fraudulent = "fraudulent",
        RequestedByCustomer = "requested_by_customer",
    }
}

wire_enum! {
    /// Whether automatic payment methods may redirect the customer.
    AllowRedirects {
        Always = "always",
        Never = "never",
    }
}

wire_enum! {
    /// When to ask for a challenge.
    ThreeDSecureRequest {
        Any = "any",
        Automatic = "automatic",
        Challenge = "challenge",
    }
}

wire_enum! {
    /// Whether a card feature is wanted.
    WhenAvailable {
        IfAvailable = "if_available",
        Never = "never",
    }
}

wire_enum! {
    /// Whether the customer is away from the checkout.
    OffSession {
        No = "false",
        Yes = "true",
        OneOff = "one_off",
        Recurring = "recurring",
    }
}

/// A currency as three lower-case letters. Whether it exists is the domain's to judge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CurrencyCode([u8; 3]);

impl CurrencyCode {
    /// Reads three letters, of either case.
    pub fn parse(text: &str) -> Option<Self> {
        let letters: [u8; 3] = text.as_bytes().try_into().ok()?;
        letters
            .iter()
            .all(u8::is_ascii_alphabetic)
            .then(|| Self(letters.map(|letter| letter.to_ascii_lowercase())))
    }

    /// The lower-case letters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("only ASCII letters are stored")
    }

    /// Takes a currency from the parameters.
    pub(super) fn take(fields: &mut Fields<'_>, name: &str) -> Result<Option<Self>, ApiError> {
        let Some(text) = fields.nonempty(name)? else { return Ok(None) };
        Self::parse(text).map(Some).ok_or_else(|| {
            let message = "Invalid currency: send the three letters of ISO 4217, like usd.";
            ApiError::invalid_parameter(fields.path(name), message)
        })
    }
}
