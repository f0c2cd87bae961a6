//! A gateway of ours as another one's upstream: two in a chain, by the dialect over HTTP, with answers that get lost.

use super::support::{Gateway, Request, gateway, gateway_over, quick};
use bytes::Bytes;
use crypto::webhook::{WebhookSecret, stripe_signature};
use gateway::exchange::{Exchange, Service};
use gateway::routing::Target;
use gateway_acquirers::Kind;
use gateway_core::id::{Id, RequestId};
use gateway_core::tenant::Mode;
use gateway_store::Memory;
use http_body_util::{BodyExt, Full};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use tokio::net::{TcpListener, TcpStream};

/// Two gateways, the first of which has the second as its only acquirer.
struct Chain {
    near: Gateway,
    far: Arc<Gateway>,
    wire: Arc<Wire>,
    secret: WebhookSecret,
    _files: tempfile::TempDir,
}

/// What lies between them.
#[derive(Default)]
struct Wire {
    /// The next answer to a path that contains this is lost: done, and never told.
    loses: Mutex<Option<&'static str>>,
    lost: AtomicU64,
    requests: AtomicU64,
}

async fn serve(far: Arc<Gateway>, wire: Arc<Wire>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (far, wire) = (Arc::clone(&far), Arc::clone(&wire));
            tokio::spawn(converse(stream, far, wire));
        }
    });
    address
}

async fn converse(stream: TcpStream, far: Arc<Gateway>, wire: Arc<Wire>) {
    let service = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
        let (far, wire) = (Arc::clone(&far), Arc::clone(&wire));
        async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await.map_err(|_| "a body")?.to_bytes();
            let path = head.uri.path().to_owned();
            let number = wire.requests.fetch_add(1, Ordering::SeqCst);
            let exchange = Exchange {
                request_id: RequestId(Id(u128::from(number) + (1 << 64))),
                method: head.method,
                path: path.clone(),
                query: head.uri.query().map(str::to_owned),
                headers: head.headers,
                body,
                peer: IpAddr::V4(Ipv4Addr::LOCALHOST),
            };
            let reply = far.app.api.call(Box::new(exchange)).await;
            if wire.loses.lock().unwrap().take_if(|part| path.contains(*part)).is_some() {
                wire.lost.fetch_add(1, Ordering::SeqCst);
                return Err("the answer is lost");
            }
            let answer = hyper::Response::builder()
                .status(reply.status)
                .header("content-type", "application/json")
                .body(Full::new(reply.body));
            answer.map_err(|_| "a response")
        }
    });
    // A lost answer ends the connection, as it should.
    let _ended =
        hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn chain() -> Chain {
    let far = Arc::new(gateway().await);
    let wire: Arc<Wire> = Arc::default();
    let address = serve(Arc::clone(&far), Arc::clone(&wire)).await;
    let files = tempfile::tempdir().unwrap();
    let secret = WebhookSecret::generate(&crypto::random::System);
    let file = |name: &str, text: &str| {
        std::fs::write(files.path().join(name), text).unwrap();
        format!("file:{}", files.path().join(name).display())
    };
    let settings = json!({
        "kind": "stripe",
        "url": format!("http://{address}"),
        "key": file("key", &far.key),
        "webhook_secret": file("secret", secret.expose()),
        "response_timeout_ms": 5_000,
    });
    let kind: Kind = serde_json::from_value(settings).unwrap();
    let acquirers = Box::new(move |ports: &gateway_acquirers::Ports| {
        let acquirer = kind.build("psp", ports)?;
        Ok(vec![Target { acquirer, modes: vec![Mode::Test], timeout_ms: 5_000 }])
    });
    let near = gateway_over(Arc::new(Memory::new()), acquirers, quick()).await;
    Chain { near, far, wire, secret, _files: files }
}

impl Chain {
    fn lose(&self, part: &'static str) {
        *self.wire.loses.lock().unwrap() = Some(part);
    }

    /// What each side says of all its payments: status, received, refunded, in the order of their making.
    async fn sides(&self) -> (Vec<Value>, Vec<Value>) {
        let side = async |g: &Gateway| {
            let listed = g.get("/v1/payment_intents?limit=100&expand[]=data.latest_charge").await.ok();
            let mut all: Vec<Value> = listed.body["data"]
                .as_array()
                .unwrap()
                .iter()
                .map(|p| {
                    json!({
                        "amount": p["amount"],
                        "status": p["status"],
                        "received": p["amount_received"],
                        "refunded": p["latest_charge"]["amount_refunded"],
                    })
                })
                .collect();
            all.sort_by_key(|one| one["amount"].as_i64());
            all
        };
        (side(&self.near).await, side(&self.far).await)
    }
}

const MANUAL: &str = "&capture_method=manual";

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_life_of_payments_agrees_on_both_sides() {
    let chain = chain().await;
    let g = &chain.near;
    let hold = async |amount| g.pay(amount, "pm_card_visa", MANUAL).await.ok().text("/id").to_owned();
    let partly = hold(3_001).await;
    g.post(&format!("/v1/payment_intents/{partly}/capture"), "amount_to_capture=2000").await.ok();
    g.post("/v1/refunds", &format!("payment_intent={partly}&amount=500")).await.ok();
    let voided = hold(3_002).await;
    g.post(&format!("/v1/payment_intents/{voided}/cancel"), "").await.ok();
    hold(3_003).await;
    g.pay(3_004, "pm_card_visa", "").await.ok();
    let declined = g.pay(3_005, "pm_card_visa_chargeDeclinedInsufficientFunds", "").await;
    assert_eq!(declined.refused(402, "card_declined").text("/error/decline_code"), "insufficient_funds");
    let (near, far) = chain.sides().await;
    assert_eq!(near, far);
    assert_eq!(near[0], json!({"amount": 3_001, "status": "succeeded", "received": 2_000, "refunded": 500}));
    assert_eq!(near[1]["status"], "canceled");
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_answers_are_resolved_to_what_happened() {
    let chain = chain().await;
    let g = &chain.near;
    chain.lose("/confirm");
    let unknown = g.pay(4_001, "pm_card_visa", MANUAL).await.ok();
    assert_eq!(unknown.text("/status"), "processing");
    let held = format!("/v1/payment_intents/{}", unknown.text("/id"));
    g.until(&held, "/status", "requires_capture").await;
    chain.lose("/capture");
    g.post(&format!("{held}/capture"), "").await.ok();
    g.until(&held, "/status", "succeeded").await;
    let void = g.pay(4_002, "pm_card_visa", MANUAL).await.ok();
    let void = format!("/v1/payment_intents/{}", void.text("/id"));
    chain.lose("/cancel");
    g.post(&format!("{void}/cancel"), "").await.ok();
    g.until(&void, "/status", "canceled").await;
    assert_eq!(chain.wire.lost.load(Ordering::SeqCst), 3, "every loss was delivered");
    let (near, far) = chain.sides().await;
    assert_eq!(near, far);
    assert_eq!(far.len(), 2, "nothing was made twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_challenge_at_the_upstream_reaches_the_customer_and_a_webhook_brings_the_outcome() {
    let chain = chain().await;
    let g = &chain.near;
    let waiting =
        g.pay(5_001, "pm_card_authenticationRequired", "&return_url=https://shop.example/").await.ok();
    assert_eq!(waiting.text("/status"), "requires_action");
    let url = waiting.text("/next_action/redirect_to_url/url").to_owned();
    let page = url.strip_prefix("https://localhost:8443").expect("a page of the upstream").to_owned();
    assert!(page.starts_with("/challenge/"), "{page}");
    let passed = Request { key: None, ..chain.far.form(&format!("{page}/pass"), "") };
    assert_eq!(chain.far.send(passed).await.status, 200);
    let reference = {
        let listed = chain.far.get("/v1/payment_intents").await.ok();
        listed.text("/data/0/metadata/tollgate_reference").to_owned()
    };
    let event = json!({
        "type": "payment_intent.succeeded",
        "data": { "object": { "object": "payment_intent", "metadata": { "tollgate_reference": reference } } },
    })
    .to_string();
    let send = async |signature: String| {
        let exchange = Exchange {
            request_id: RequestId(Id(1)),
            method: http::Method::POST,
            path: "/notifications/psp".to_owned(),
            query: None,
            headers: [("stripe-signature", signature)]
                .into_iter()
                .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
                .collect(),
            body: Bytes::from(event.clone()),
            peer: IpAddr::V4(Ipv4Addr::LOCALHOST),
        };
        g.app.api.call(Box::new(exchange)).await.status
    };
    let now = u64::try_from(g.app.engine.clock.now().unix_seconds()).unwrap();
    let forged =
        stripe_signature(&[&WebhookSecret::generate(&crypto::random::System)], now, event.as_bytes());
    assert_eq!(send(forged).await, 400);
    assert_eq!(send(stripe_signature(&[&chain.secret], now - 400, event.as_bytes())).await, 400, "too old");
    assert_eq!(send(stripe_signature(&[&chain.secret], now, event.as_bytes())).await, 200);
    let path = format!("/v1/payment_intents/{}", waiting.text("/id"));
    g.until(&path, "/status", "succeeded").await;
    let (near, far) = chain.sides().await;
    assert_eq!(near, far);
}
