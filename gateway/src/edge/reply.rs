//! Answers on their way out: the headers that every one of them has, and a body that notices when it was written.

use super::pulse::{Protocol, Pulse};
use crate::exchange::Reply;
use bytes::{Buf, Bytes};
use gateway_api::{ApiError, ErrorType};
use gateway_core::id::{BODY_LEN, RequestId};
use http::header::{CONNECTION, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use hyper::body::{Body, Frame, SizeHint};
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

static REQUEST_ID: HeaderName = HeaderName::from_static("request-id");
static STRIPE_VERSION: HeaderName = HeaderName::from_static("stripe-version");
static IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
static JSON: HeaderValue = HeaderValue::from_static("application/json");
static CLOSE: HeaderValue = HeaderValue::from_static("close");

/// Whether the connection goes on after an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum After {
    Stay,
    /// What follows on the stream can't be trusted or is not wanted.
    Close,
}

/// What an answer repeats of its request.
pub(super) struct Echo {
    request_id: RequestId,
    version: Option<HeaderValue>,
    idempotency_key: Option<HeaderValue>,
}

impl Echo {
    /// Keeps what will be echoed; the values share the request's bytes.
    pub(super) fn new(request_id: RequestId, headers: &HeaderMap) -> Self {
        let kept = |name| headers.get(name).filter(|value: &&HeaderValue| value.len() <= 257).cloned();
        Self { request_id, version: kept(&STRIPE_VERSION), idempotency_key: kept(&IDEMPOTENCY_KEY) }
    }

    /// Builds the response. A status that is none becomes 500: a bug of ours must not look like a success.
    pub(super) fn respond(self, reply: Reply, after: After, pulse: &Arc<Pulse>) -> Response<ReplyBody> {
        let mut response = Response::new(ReplyBody::new(reply.body, pulse));
        *response.status_mut() =
            StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.reserve(6 + reply.headers.len());
        headers.insert(CONTENT_TYPE, JSON.clone());
        headers.insert(REQUEST_ID.clone(), request_id_value(self.request_id));
        if let Some(version) = self.version {
            headers.insert(STRIPE_VERSION.clone(), version);
        }
        if let Some(key) = self.idempotency_key {
            headers.insert(IDEMPOTENCY_KEY.clone(), unrepeated(key));
        }
        for (name, value) in reply.headers {
            // A page of ours is HTML.
            if name == CONTENT_TYPE {
                headers.insert(name, value);
            } else {
                headers.append(name, value);
            }
        }
        if after == After::Close && pulse.protocol() == Protocol::Http1 {
            headers.insert(CONNECTION, CLOSE.clone());
            pulse.request_linger();
        }
        response
    }
}

fn request_id_text(id: RequestId) -> [u8; RequestId::PREFIX.len() + BODY_LEN] {
    let mut text = [0; RequestId::PREFIX.len() + BODY_LEN];
    let (prefix, letters) = text.split_at_mut(RequestId::PREFIX.len());
    prefix.copy_from_slice(RequestId::PREFIX.as_bytes());
    letters.copy_from_slice(&id.0.encode());
    text
}

fn request_id_value(id: RequestId) -> HeaderValue {
    unrepeated(
        HeaderValue::from_bytes(&request_id_text(id)).expect("letters and digits are legal in a header"),
    )
}

/// A value that no other answer will have: HTTP/2 must not push what does repeat out of its compression table for it,
/// nor search the table for it, which took 4,000 of an answer's 65,000 instructions.
fn unrepeated(mut value: HeaderValue) -> HeaderValue {
    value.set_sensitive(true);
    value
}

/// 414 has no constructor of its own in the dialect.
pub(super) fn target_too_long() -> ApiError {
    ApiError::new(414, ErrorType::InvalidRequest, "The request's URL is too long.")
}

/// A whole HTTP/1.1 answer in bytes, for a request that never became one.
pub(super) fn raw_http1(error: &ApiError, id: RequestId) -> Vec<u8> {
    let body = error.to_json();
    let reason = StatusCode::from_u16(error.status).ok().and_then(|status| status.canonical_reason());
    let mut out = format!(
        "HTTP/1.1 {} {}\r\ncontent-type: application/json\r\nrequest-id: {id}\r\nconnection: close\r\n\
         content-length: {}\r\n\r\n",
        error.status,
        reason.unwrap_or("Error"),
        body.len(),
    )
    .into_bytes();
    out.extend_from_slice(&body);
    out
}

/// An answer's body: one piece.
pub(super) struct ReplyBody(Option<Piece>);

impl ReplyBody {
    fn new(bytes: Bytes, pulse: &Arc<Pulse>) -> Self {
        if bytes.is_empty() {
            return Self(None);
        }
        // HTTP/1.1 writes one answer after the other, and its stream tells when it is flushed. In HTTP/2 a client can
        // hold back the windows of single answers, so each is followed until it is out.
        let pulse = (pulse.protocol() == Protocol::Http2).then(|| {
            pulse.hand_over_body();
            Arc::clone(pulse)
        });
        Self(Some(Piece { bytes, pulse }))
    }
}

impl Body for ReplyBody {
    type Data = Piece;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Piece>, Infallible>>> {
        Poll::Ready(self.0.take().map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.as_ref().map_or(0, |piece| piece.bytes.len() as u64))
    }
}

/// Bytes that are dropped when the last of them is written, or when nobody will write them any more.
pub(super) struct Piece {
    bytes: Bytes,
    pulse: Option<Arc<Pulse>>,
}

impl Buf for Piece {
    fn remaining(&self) -> usize {
        self.bytes.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.bytes.chunk()
    }

    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
    }

    fn copy_to_bytes(&mut self, count: usize) -> Bytes {
        self.bytes.copy_to_bytes(count)
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        if let Some(pulse) = &self.pulse {
            pulse.note_sent();
        }
    }
}
