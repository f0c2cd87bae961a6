//! An answer: its status, the headers that the dialect uses, its bytes, and what they mean.

use super::error::{ClientError, Refused};
use super::views::ErrorEnvelope;
use bytes::Bytes;
use http::HeaderMap;
use serde::de::DeserializeOwned;

/// An answer as it came.
#[derive(Debug, Clone)]
pub struct RawResponse {
    /// The HTTP status.
    pub status: u16,
    /// All headers.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
}

/// A readable 2xx answer.
#[derive(Debug, Clone)]
pub struct Response<T> {
    /// As it came.
    pub raw: RawResponse,
    /// What it says.
    pub view: T,
}

impl RawResponse {
    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// `Request-Id`.
    pub fn request_id(&self) -> Option<&str> {
        self.header("request-id")
    }

    /// Whether this is the stored answer of an earlier request with the same idempotency key.
    pub fn is_replay(&self) -> bool {
        self.header("idempotent-replayed") == Some("true")
    }

    /// What `Stripe-Should-Retry` says, if it is there.
    pub fn should_retry(&self) -> Option<bool> {
        match self.header("stripe-should-retry") {
            Some("true") => Some(true),
            Some("false") => Some(false),
            _ => None,
        }
    }

    /// `Retry-After` in seconds; a date there is not read.
    pub fn retry_after_s(&self) -> Option<u32> {
        self.header("retry-after").and_then(|value| value.trim().parse().ok())
    }

    /// Whether the status is 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Reads the body: as `T` when the status is 2xx, else as the error envelope.
    ///
    /// # Errors
    /// [`ClientError::Refused`] for other statuses, [`ClientError::Unreadable`] for a body that is not the dialect.
    pub fn read<T: DeserializeOwned>(self) -> Result<Response<T>, ClientError> {
        if self.is_success() {
            return match serde_json::from_slice(&self.body) {
                Ok(view) => Ok(Response { raw: self, view }),
                Err(reason) => Err(ClientError::Unreadable { response: Box::new(self), reason }),
            };
        }
        match serde_json::from_slice::<ErrorEnvelope>(&self.body) {
            Ok(envelope) => {
                Err(ClientError::Refused(Box::new(Refused { response: self, error: envelope.error })))
            }
            Err(reason) => Err(ClientError::Unreadable { response: Box::new(self), reason }),
        }
    }
}
