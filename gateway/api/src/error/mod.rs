//! Errors as a merchant sees them: one value that knows its status, its words, and how to write its envelope.

mod card;
mod code;
mod mask;
mod request;
mod service;

pub use code::{DeclineCode, ErrorCode, ErrorType};

use crate::json::write_text;
use crate::wire_enum::WireEnum;
use std::borrow::Cow;
use std::fmt;

/// An answer other than 2xx. One pointer wide, so that `Result`s on the hot path stay small.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiError(Box<ErrorBody>);

/// What an [`ApiError`] holds. Every field but `status`, `kind` and `message` may be absent on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ErrorBody {
    /// The HTTP status, 400 to 599.
    pub status: u16,
    /// `type` on the wire.
    pub kind: ErrorType,
    /// What a program may branch on.
    pub code: Option<ErrorCode>,
    /// The issuer's reason, for card errors.
    pub decline_code: Option<DeclineCode>,
    /// One or two sentences for a person: what is wrong and what to do.
    pub message: Cow<'static, str>,
    /// The parameter at fault, in brackets: `payment_method_data[card][number]`.
    pub param: Option<Cow<'static, str>>,
    /// The id of the charge that failed.
    pub charge: Option<String>,
    /// The payment intent as it is now, already rendered as a JSON object.
    pub payment_intent: Option<Box<str>>,
    /// The setup intent as it is now, already rendered as a JSON object.
    pub setup_intent: Option<Box<str>>,
    /// The payment method that was refused, already rendered as a JSON object.
    pub payment_method: Option<Box<str>>,
    /// What `Stripe-Should-Retry` says; the header is left out when this is `None`.
    pub should_retry: Option<bool>,
    /// What `Retry-After` says, in seconds.
    pub retry_after_s: Option<u32>,
}

impl ApiError {
    /// An error with only its status, type and message; the other constructors are made from this one.
    pub fn new(status: u16, kind: ErrorType, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(ErrorBody {
            status,
            kind,
            code: None,
            decline_code: None,
            message: printable(message.into()),
            param: None,
            charge: None,
            payment_intent: None,
            setup_intent: None,
            payment_method: None,
            should_retry: None,
            retry_after_s: None,
        }))
    }

    /// Adds the code.
    pub fn with_code(mut self, code: ErrorCode) -> Self {
        self.0.code = Some(code);
        self
    }

    /// Names the parameter at fault, in its bracket form.
    pub fn with_param(mut self, param: impl Into<Cow<'static, str>>) -> Self {
        self.0.param = Some(param.into());
        self
    }

    /// Names the charge that failed.
    pub fn with_charge(mut self, id: impl Into<String>) -> Self {
        self.0.charge = Some(id.into());
        self
    }

    /// Adds the payment intent, rendered as a JSON object by the caller (it is written as it is).
    pub fn with_payment_intent(mut self, json: impl Into<Box<str>>) -> Self {
        self.0.payment_intent = Some(json.into());
        self
    }

    /// Adds the setup intent, rendered as a JSON object by the caller (it is written as it is).
    pub fn with_setup_intent(mut self, json: impl Into<Box<str>>) -> Self {
        self.0.setup_intent = Some(json.into());
        self
    }

    /// Adds the payment method, rendered as a JSON object by the caller (it is written as it is).
    pub fn with_payment_method(mut self, json: impl Into<Box<str>>) -> Self {
        self.0.payment_method = Some(json.into());
        self
    }

    /// Tells SDKs to try again by themselves, with the same idempotency key.
    pub fn retryable(mut self) -> Self {
        self.0.should_retry = Some(true);
        self
    }

    /// Tells SDKs not to try again by themselves.
    pub fn not_retryable(mut self) -> Self {
        self.0.should_retry = Some(false);
        self
    }

    /// Sets `Retry-After`, in seconds.
    pub fn retry_after(mut self, seconds: u32) -> Self {
        self.0.retry_after_s = Some(seconds);
        self
    }

    /// Writes the envelope `{"error":{...}}` at the end of `out`.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        let body = &*self.0;
        out.extend_from_slice(b"{\"error\":{\"type\":");
        write_text(out, body.kind.as_str());
        let texts = [
            ("code", body.code.map(WireEnum::as_str)),
            ("decline_code", body.decline_code.map(WireEnum::as_str)),
            ("advice_code", body.decline_code.and_then(DeclineCode::advice)),
            ("message", Some(&*body.message)),
            ("param", body.param.as_deref()),
            ("charge", body.charge.as_deref()),
        ];
        for (key, value) in texts {
            if let Some(text) = value {
                write_key(out, key);
                write_text(out, &mask::cards(text));
            }
        }
        let objects = [
            ("payment_intent", &body.payment_intent),
            ("setup_intent", &body.setup_intent),
            ("payment_method", &body.payment_method),
        ];
        for (key, value) in objects {
            if let Some(json) = value {
                write_key(out, key);
                out.extend_from_slice(json.as_bytes());
            }
        }
        out.extend_from_slice(b"}}");
    }

    /// The envelope as bytes of its own.
    pub fn to_json(&self) -> Vec<u8> {
        let nested = self.0.payment_intent.as_ref().map_or(0, |json| json.len());
        let mut out = Vec::with_capacity(256 + nested);
        self.write_json(&mut out);
        out
    }
}

/// The words without control characters: a value that is quoted in them was sent by anyone, and may end up in a log.
fn printable(words: Cow<'static, str>) -> Cow<'static, str> {
    match words {
        Cow::Owned(words) if words.contains(char::is_control) => {
            Cow::Owned(words.replace(char::is_control, "\u{fffd}"))
        }
        plain => plain,
    }
}

fn write_key(out: &mut Vec<u8>, key: &str) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(key.as_bytes());
    out.extend_from_slice(b"\":");
}

impl std::ops::Deref for ApiError {
    type Target = ErrorBody;

    fn deref(&self) -> &ErrorBody {
        &self.0
    }
}

impl fmt::Debug for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.status, self.code.map_or(self.kind.as_str(), WireEnum::as_str))?;
        write!(f, ": {}", self.message)?;
        match &self.param {
            Some(param) => write!(f, " ({param})"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ApiError {}
