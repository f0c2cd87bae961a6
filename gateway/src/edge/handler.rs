//! One request: its body is read, the service is called, and whatever happens there is an answer with an envelope.

use super::body::{self, Fault};
use super::pulse::{Open, Pulse};
use super::reply::{After, Echo, ReplyBody};
use super::shared::Shared;
use crate::exchange::{Exchange, Reply};
use futures_util::FutureExt;
use gateway_api::ApiError;
use http::header::HOST;
use http::{Method, Request, Response, Version, request};
use hyper::body::Incoming;
use std::convert::Infallible;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

/// What the requests of one connection share.
pub(super) struct Peer {
    pub(super) shared: Arc<Shared>,
    pub(super) pulse: Arc<Pulse>,
    pub(super) address: IpAddr,
}

/// Answers one request.
pub(super) async fn handle(
    peer: Arc<Peer>,
    request: Request<Incoming>,
) -> Result<Response<ReplyBody>, Infallible> {
    let open = Open::new(&peer.pulse);
    let (head, body) = request.into_parts();
    let request_id = (peer.shared.request_ids)();
    let echo = Echo::new(request_id, &head.headers);
    let is_head = head.method == Method::HEAD;
    let (mut reply, after) = match receive(&peer, &head, body).await {
        Ok(body) => {
            let exchange = Exchange {
                request_id,
                path: head.uri.path().to_owned(),
                query: head.uri.query().map(str::to_owned),
                method: head.method,
                headers: head.headers,
                body,
                peer: peer.address,
            };
            (serve(&peer.shared, exchange).await, After::Stay)
        }
        Err(error) => {
            peer.shared.meters.refused(error.status);
            (Reply::from(error), After::Close)
        }
    };
    if is_head {
        reply.body.clear();
    }
    let response = echo.respond(reply, after, &peer.pulse);
    open.answered();
    Ok(response)
}

/// Checks the framing and reads the body. Every error here ends an HTTP/1.1 connection: where the next request would
/// begin is not known.
async fn receive(peer: &Peer, head: &request::Parts, body: Incoming) -> Result<bytes::Bytes, ApiError> {
    if head.version == Version::HTTP_11 && !head.headers.contains_key(HOST) {
        return Err(ApiError::invalid_request("An HTTP/1.1 request needs a Host header."));
    }
    let settings = &peer.shared.settings;
    body::collect(body, &peer.pulse, settings).await.map_err(|fault| match fault {
        Fault::TooLarge => ApiError::body_too_large(settings.limits.body_bytes),
        Fault::Broken => ApiError::invalid_request(
            "The request body ended early, or is not framed as its headers say. Nothing was done.",
        ),
        Fault::Late => ApiError::request_timeout(),
    })
}

/// A panic is ours: the client gets an answer that it may retry, and the process goes on.
async fn serve(shared: &Shared, exchange: Exchange) -> Reply {
    let request_id = exchange.request_id;
    match AssertUnwindSafe(shared.service.call(exchange)).catch_unwind().await {
        Ok(reply) => reply,
        Err(_) => {
            shared.meters.panicked();
            tracing::error!(%request_id, "a request panicked; it was answered 500");
            Reply::from(ApiError::internal())
        }
    }
}
