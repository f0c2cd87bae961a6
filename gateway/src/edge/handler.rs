//! One request: its body is read, the service is called, and whatever happens there is an answer with an envelope.

use super::body::{self, Fault};
use super::budget::{Budget, Holding};
use super::pulse::{Open, Pulse};
use super::reply::{After, Echo, ReplyBody};
use super::shared::Shared;
use crate::exchange::{Arriving, Exchange, Reply};
use futures_util::FutureExt;
use gateway_api::ApiError;
use http::header::HOST;
use http::{Method, Request, Response, Version, request};
use hyper::body::{Body, Incoming};
use std::convert::Infallible;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

/// What the requests of one connection share.
pub(super) struct Peer {
    pub(super) shared: Arc<Shared>,
    pub(super) pulse: Arc<Pulse>,
    pub(super) address: IpAddr,
    /// What the bodies of its address may take.
    pub(super) bodies: Arc<Budget>,
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
    let mut holding = Holding::new(&peer.bodies, &peer.shared.bodies);
    let (mut reply, after) = match receive(&peer, &head, (body, &mut holding)).await {
        Ok(_unread) if let Some(reply) = peer.shared.service.sheds(&head.method, head.uri.path()) => {
            peer.shared.meters.refused(reply.status);
            (reply, After::Stay)
        }
        Ok(body) => {
            // In a box from here on: it goes through many hands.
            let exchange = Box::new(Exchange {
                request_id,
                path: head.uri.path().to_owned(),
                query: head.uri.query().map(str::to_owned),
                method: head.method,
                headers: head.headers,
                body,
                peer: peer.address,
            });
            (serve(&peer.shared, exchange).await, After::Stay)
        }
        Err(reply) => {
            peer.shared.meters.refused(reply.status);
            (*reply, After::Close)
        }
    };
    drop(holding);
    if is_head {
        reply.body.clear();
    }
    let response = echo.respond(reply, after, &peer.pulse);
    open.answered();
    Ok(response)
}

/// Checks the framing and reads the body. Every error here ends an HTTP/1.1 connection: where the next request would
/// begin is not known.
async fn receive(
    peer: &Peer,
    head: &request::Parts,
    (body, holding): (Incoming, &mut Holding<'_>),
) -> Result<bytes::Bytes, Box<Reply>> {
    let refuse = |error: ApiError| Box::new(Reply::from(error));
    if head.version == Version::HTTP_11 && !head.headers.contains_key(HOST) {
        return Err(refuse(ApiError::invalid_request("An HTTP/1.1 request needs a Host header.")));
    }
    if body.is_end_stream() {
        return Ok(bytes::Bytes::new());
    }
    let arriving = Arriving { path: head.uri.path(), headers: &head.headers, peer: peer.address };
    if let Some(refusal) = peer.shared.service.refuses(&arriving) {
        return Err(Box::new(refusal));
    }
    let settings = &peer.shared.settings;
    body::collect((body, holding), &peer.pulse, settings).await.map_err(|fault| {
        refuse(match fault {
            Fault::TooLarge => ApiError::body_too_large(settings.limits.body_bytes),
            Fault::Crowded => ApiError::unavailable(1),
            Fault::Broken => ApiError::invalid_request(
                "The request body ended early, or is not framed as its headers say. Nothing was done.",
            ),
            Fault::Late => ApiError::request_timeout(),
        })
    })
}

/// A panic is ours: the client gets an answer that it may retry, and the process goes on.
async fn serve(shared: &Shared, exchange: Box<Exchange>) -> Reply {
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
