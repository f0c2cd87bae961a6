//! Requests as forms, and what clients read of answers.

use super::super::facts::{Asked, Told, View};
use super::super::world::World;
use super::Request;
use gateway::exchange::{Exchange, Reply};
use gateway_core::id::{Id, RequestId};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde::Deserialize;
use std::net::{IpAddr, Ipv4Addr};

/// A request as the edge hands it in.
pub fn exchange(world: &World, secret: &str, request: &Request) -> Exchange {
    let mut headers = HeaderMap::new();
    let mut put = |name: &'static str, value: &str| {
        let value = HeaderValue::from_str(value).expect("keys are plain text");
        headers.insert(HeaderName::from_static(name), value);
    };
    put("authorization", &format!("Bearer {secret}"));
    let reads = request.key.is_empty();
    if !reads {
        put("idempotency-key", &request.key);
        put("content-type", "application/x-www-form-urlencoded");
    }
    let number =
        u128::from(world.draw(|dice| dice.next())) << 64 | u128::from(world.draw(|dice| dice.next()));
    Exchange {
        request_id: RequestId(Id(number)),
        method: if reads { Method::GET } else { Method::POST },
        path: request.path.clone(),
        query: None,
        headers,
        body: bytes::Bytes::copy_from_slice(request.body.as_bytes()),
        peer: IpAddr::V4(Ipv4Addr::LOCALHOST),
    }
}

/// What a browser sends from the challenge's page: it has no key.
pub fn browser(world: &World, path: String) -> Exchange {
    let number = world.draw(|dice| u128::from(dice.next()) << 64 | u128::from(dice.next()));
    Exchange {
        request_id: RequestId(Id(number)),
        method: Method::POST,
        path,
        query: None,
        headers: HeaderMap::new(),
        body: bytes::Bytes::new(),
        peer: IpAddr::V4(Ipv4Addr::LOCALHOST),
    }
}

/// The same key with another body.
pub fn foreign(request: &Request) -> Request {
    let body = format!("{}&expand[]=latest_charge", request.body);
    Request { body, foreign: true, ..request.clone() }
}

#[derive(Deserialize)]
struct Object {
    #[serde(default)]
    id: Option<String>,
    #[serde(default)]
    object: Option<String>,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    amount: i64,
    #[serde(default)]
    amount_received: i64,
    #[serde(default)]
    amount_capturable: i64,
    #[serde(default)]
    next_action: Option<NextAction>,
    #[serde(default)]
    payment_intent: Option<Named>,
    #[serde(default)]
    error: Option<Box<Error>>,
}

#[derive(Deserialize)]
struct NextAction {
    #[serde(default)]
    redirect_to_url: Option<Redirect>,
}

#[derive(Deserialize)]
struct Redirect {
    url: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Named {
    Id(String),
    Whole(Box<Object>),
}

#[derive(Deserialize)]
struct Error {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    payment_intent: Option<Box<Object>>,
}

/// An answer, read.
pub fn told(reply: &Reply) -> Told {
    let view = serde_json::from_slice(&reply.body).map(view).unwrap_or_default();
    let replayed = reply.headers.iter().any(|(name, _)| name == "idempotent-replayed");
    Told { status: reply.status, body: reply.body.clone(), replayed, view }
}

fn view(object: Object) -> View {
    if let Some(error) = object.error {
        // Of this kind, one has no code: that the key belongs to another request.
        let mismatch = error.code.is_none() && error.kind == "idempotency_error";
        let code = if mismatch { Some(error.kind) } else { error.code };
        let shown = error.payment_intent.map(|intent| view(*intent)).unwrap_or_default();
        return View { code, ..shown };
    }
    let is_refund = object.object.as_deref() == Some("refund");
    let named = object.payment_intent.and_then(|named| match named {
        Named::Id(id) => Some(id),
        Named::Whole(whole) => whole.id,
    });
    View {
        payment: if is_refund { named } else { object.id.clone() },
        refund: object.id.filter(|_| is_refund),
        state: object.status,
        amount: object.amount,
        received: object.amount_received,
        capturable: object.amount_capturable,
        page: object.next_action.and_then(|action| action.redirect_to_url).map(|to| to.url),
        code: None,
    }
}

/// A request to look at a payment.
pub fn look(payment: &str) -> Request {
    Request {
        key: String::new(),
        asked: Asked::Look,
        payment: Some(payment.to_owned()),
        path: format!("/v1/payment_intents/{payment}"),
        body: String::new(),
        deed: super::Deed::Plain,
        foreign: false,
    }
}
