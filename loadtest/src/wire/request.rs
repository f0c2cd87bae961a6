//! One request, rendered before it is due, and what came of it.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Uri, header};
use http_body_util::Full;
use std::fmt;

/// A request that only has to be sent.
#[derive(Debug, Clone)]
pub struct Prepared {
    pub method: Method,
    pub uri: Uri,
    /// `Bearer sk_...`, rendered once a key.
    pub authorization: HeaderValue,
    /// For POSTs.
    pub idempotency_key: Option<HeaderValue>,
    pub body: Bytes,
}

/// The type of every body.
pub const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");
const IDEMPOTENCY_KEY: http::HeaderName = http::HeaderName::from_static("idempotency-key");

impl Prepared {
    /// The request for the HTTP library. `host` is needed by HTTP/1.1 only.
    pub fn request(&self, host: Option<&HeaderValue>) -> Request<Full<Bytes>> {
        let mut headers = HeaderMap::with_capacity(8);
        if let Some(host) = host {
            headers.insert(header::HOST, host.clone());
        }
        headers.insert(header::AUTHORIZATION, self.authorization.clone());
        if self.method == Method::POST {
            headers.insert(header::CONTENT_TYPE, FORM);
        }
        if let Some(key) = &self.idempotency_key {
            headers.insert(IDEMPOTENCY_KEY, key.clone());
        }
        let mut request = Request::new(Full::new(self.body.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = self.uri.clone();
        *request.headers_mut() = headers;
        request
    }
}

/// A complete answer.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    /// `Idempotent-Replayed: true` was there.
    pub replayed: bool,
    pub body: Bytes,
    /// Bytes of the status line and the headers, as HTTP/1.1 writes them.
    pub head_bytes: usize,
}

/// Why a request has no answer. What the server did with it is unknown, except for the first two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Loss {
    /// The client's queue for connections was full, or it waited in it for longer than the plan's patience; never sent.
    Unsent,
    /// No connection could be made; never sent.
    Connect,
    /// The connection ended before the answer did.
    Reset,
    /// No answer within the deadline.
    Timeout,
    /// The client hung up, on purpose.
    HungUp,
}

impl Loss {
    /// Whether the server can have seen the request.
    pub fn was_sent(self) -> bool {
        match self {
            Self::Unsent | Self::Connect => false,
            Self::Reset | Self::Timeout | Self::HungUp => true,
        }
    }

    /// The word for reports and histories.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unsent => "unsent",
            Self::Connect => "connect",
            Self::Reset => "reset",
            Self::Timeout => "timeout",
            Self::HungUp => "hung_up",
        }
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
