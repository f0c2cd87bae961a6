//! One request and its answer, free of the HTTP library: what the edge hands in, and what it writes back.

use bytes::Bytes;
use gateway_api::error::ApiError;
use gateway_core::id::RequestId;
use gateway_core::ports::BoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use std::net::IpAddr;

/// A complete request: the body was read within its limits and deadlines.
#[derive(Debug)]
pub struct Exchange {
    pub request_id: RequestId,
    pub method: Method,
    pub path: String,
    pub query: Option<String>,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// The peer's address, as the connection shows it.
    pub peer: IpAddr,
}

impl Exchange {
    /// A header's value, if it is there once or more and is text.
    pub fn header(&self, name: impl http::header::AsHeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

/// A request of which the body has not been read.
#[derive(Debug, Clone, Copy)]
pub struct Arriving<'a> {
    pub path: &'a str,
    pub headers: &'a HeaderMap,
    /// The peer's address, as the connection shows it.
    pub peer: IpAddr,
}

/// An answer. The edge adds `Request-Id`, `Date` and the echo of `Stripe-Version` and `Idempotency-Key`.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    /// Beside `Content-Type: application/json`.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    pub body: Bytes,
}

impl Reply {
    /// A JSON answer.
    pub fn json(status: u16, body: impl Into<Bytes>) -> Self {
        Self { status, headers: Vec::new(), body: body.into() }
    }

    /// Adds a header; values that are no legal header text are left out.
    #[must_use]
    pub fn with_header(mut self, name: &'static str, value: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((HeaderName::from_static(name), value));
        }
        self
    }
}

impl From<ApiError> for Reply {
    fn from(error: ApiError) -> Self {
        let mut reply = Reply::json(error.status, error.to_json());
        if let Some(retry) = error.should_retry {
            reply = reply.with_header("stripe-should-retry", if retry { "true" } else { "false" });
        }
        if let Some(seconds) = error.retry_after_s {
            reply = reply.with_header("retry-after", &seconds.to_string());
        }
        reply
    }
}

/// What serves the merchant API behind the edge.
pub trait Service: Send + Sync + 'static {
    /// The answer to a request that is refused whatever its body says: then the body is not read. Must be quick.
    fn refuses(&self, arriving: &Arriving<'_>) -> Option<Reply>;

    /// The answer to a complete request that there is no processor for now, or that nobody could be asked for anyway. Must be quicker
    /// than any other answer: it is given when there is too much to do already.
    fn sheds(&self, method: &Method, path: &str) -> Option<Reply>;

    /// Answers one request. Dropping the future (the client hung up) stops nothing that has begun.
    fn call(&self, exchange: Box<Exchange>) -> BoxFuture<'_, Reply>;
}
