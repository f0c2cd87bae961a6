//! The client against a small server on loopback: what it sends, what it reads, and what it says when things go wrong.

use bytes::Bytes;
use gateway_api::client::*;
use gateway_api::form::Encoding;
use gateway_api::objects::{self, PaymentIntent};
use gateway_api::params::{self, CardSource, MeansInput};
use gateway_api::{ApiError, DeclineCode, Params, decode};
use http_body_util::{BodyExt, Full};
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode, body::Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

const KEY: &str = "sk_test_51abc";
const QUICK: Deadlines = Deadlines { connect: Duration::from_secs(2), answer: Duration::from_millis(400) };

/// How a test server treats its connections.
#[derive(Clone, Copy, PartialEq)]
enum Manner {
    /// Answers for as long as the client likes.
    Steady,
    /// Closes each connection shortly after its first answer, without saying so.
    Fleeting,
}

struct Server {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    client_config: Arc<rustls::ClientConfig>,
}

impl Server {
    async fn start(manner: Manner, protocol: Option<Protocol>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
        let address = listener.local_addr().expect("bound");
        let connections = Arc::new(AtomicUsize::new(0));
        let (server_config, client_config) = certificates();
        let acceptor = tokio_rustls::TlsAcceptor::from(server_config);
        let counter = Arc::clone(&connections);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::SeqCst);
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    match protocol {
                        None => serve(TokioIo::new(stream), manner, Protocol::Http1).await,
                        Some(protocol) => {
                            let stream = acceptor.accept(stream).await.expect("a TLS handshake");
                            serve(TokioIo::new(stream), manner, protocol).await;
                        }
                    }
                });
            }
        });
        Self { address, connections, client_config }
    }

    fn plain(&self) -> Target {
        Target::plain("localhost", self.address.port(), Protocol::Http1).at(self.address)
    }

    fn tls(&self, protocol: Protocol) -> Target {
        let target = Target::tls("localhost", self.address.port(), &self.client_config, protocol);
        target.expect("a server name").at(self.address)
    }

    fn opened(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

fn client(target: Target, deadlines: Deadlines) -> Client {
    Client::new(target, KEY, deadlines, PoolSize { calls: 8, connections: 2 }).expect("a key")
}

fn certificates() -> (Arc<rustls::ServerConfig>, Arc<rustls::ClientConfig>) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
    let certificate = CertificateDer::from(made.cert.der().to_vec());
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = rustls::RootCertStore::empty();
    roots.add(certificate.clone()).expect("a root");
    let mut server = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .expect("a matching key");
    server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let client = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    (Arc::new(server), Arc::new(client))
}

async fn serve<I>(io: I, manner: Manner, protocol: Protocol)
where
    I: hyper::rt::Read + hyper::rt::Write + Unpin + Send + 'static,
{
    let service = service_fn(answer);
    match protocol {
        Protocol::Http1 => {
            let connection = hyper::server::conn::http1::Builder::new().serve_connection(io, service);
            if manner == Manner::Steady {
                connection.await.ok();
            } else {
                tokio::time::timeout(Duration::from_millis(60), connection).await.ok();
            }
        }
        Protocol::Http2 => {
            let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            builder.serve_connection(io, service).await.ok();
        }
    }
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, std::io::Error> {
    let header = |name: &str| request.headers().get(name).and_then(|v| v.to_str().ok()).map(str::to_owned);
    if header("authorization").as_deref() != Some("Bearer sk_test_51abc") {
        return Ok(refuse(&ApiError::key_missing()));
    }
    let key = header("idempotency-key").unwrap_or_default();
    let path = request.uri().path().to_owned();
    let body = request.into_body().collect().await.map_err(std::io::Error::other)?.to_bytes();
    match path.as_str() {
        "/v1/payment_intents" => Ok(pay(&body, &key)),
        "/v1/payment_intents/pi_slow/cancel" => {
            tokio::time::sleep(Duration::from_secs(60)).await;
            Err(std::io::Error::other("too late"))
        }
        "/v1/payment_intents/pi_broken/cancel" => Err(std::io::Error::other("the connection breaks here")),
        "/v1/customers" => Ok(respond(502, &key, b"<html>bad gateway</html>".to_vec())),
        _ => Ok(refuse(&ApiError::unknown_route("POST", &path))),
    }
}

fn pay(body: &[u8], key: &str) -> Response<Full<Bytes>> {
    let params = match Params::from_body(Encoding::Form, body) {
        Ok(params) => params,
        Err(error) => return refuse(&error),
    };
    let payment: params::CreatePaymentIntent<'_> = match decode(&params) {
        Ok(payment) => payment,
        Err(error) => return refuse(&error),
    };
    let data = payment.payment_method_data.as_ref();
    if let Some(MeansInput::Card(CardSource::Details(card))) = data.map(|data| data.means)
        && card.number.expose() == "4000000000000002"
    {
        let intent =
            objects::to_json(&PaymentIntent { id: "pi_2", currency: "usd", ..PaymentIntent::default() });
        return refuse(&ApiError::declined(DeclineCode::GenericDecline).with_payment_intent(intent));
    }
    let intent = PaymentIntent {
        id: "pi_1",
        amount: payment.amount,
        amount_capturable: payment.amount,
        currency: payment.currency.as_str(),
        capture_method: "manual",
        description: payment.description,
        latest_charge: Some("ch_1".into()),
        status: "requires_capture",
        ..PaymentIntent::default()
    };
    respond(200, key, objects::to_json(&intent).into_bytes())
}

fn refuse(error: &ApiError) -> Response<Full<Bytes>> {
    respond(error.status, "", error.to_json())
}

fn respond(status: u16, key: &str, body: Vec<u8>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(body)));
    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
    let headers = response.headers_mut();
    headers.insert("request-id", "req_7".parse().expect("a header"));
    if key == "again" {
        headers.insert("idempotent-replayed", "true".parse().expect("a header"));
    }
    headers.insert("stripe-should-retry", "false".parse().expect("a header"));
    headers.insert("retry-after", "3".parse().expect("a header"));
    response
}

const VISA: PaymentMethodChoice<'_> = PaymentMethodChoice::Card(CardDetails {
    number: "4242424242424242",
    exp_month: 12,
    exp_year: 2034,
    cvc: Some("123"),
});

fn authorization() -> CreatePayment<'static> {
    CreatePayment {
        description: Some("tea & sympathy = 100%"),
        ..CreatePayment::authorization(2000, "USD", VISA)
    }
}

async fn authorizes(client: &Client) {
    let answer = client.create_payment_intent(&authorization(), "again").await.expect("an authorization");
    assert_eq!((answer.view.id.as_str(), answer.view.amount_capturable), ("pi_1", 2000));
    assert_eq!(answer.view.latest_charge, Some(Reference::Id("ch_1".to_owned())));
    assert_eq!((answer.raw.request_id(), answer.raw.is_replay()), (Some("req_7"), true));
    assert_eq!((answer.raw.should_retry(), answer.raw.retry_after_s()), (Some(false), Some(3)));
    let body = String::from_utf8(answer.raw.body.to_vec()).expect("text");
    assert!(body.contains("tea & sympathy = 100%"), "the form was encoded and decoded: {body}");
}

#[tokio::test]
async fn it_pays_over_each_protocol() {
    let plain = Server::start(Manner::Steady, None).await;
    authorizes(&client(plain.plain(), QUICK)).await;
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let server = Server::start(Manner::Steady, Some(protocol)).await;
        authorizes(&client(server.tls(protocol), QUICK)).await;
    }
}

#[tokio::test]
async fn connections_are_kept_and_bounded() {
    for (protocol, most) in [(Protocol::Http1, 8), (Protocol::Http2, 2)] {
        let server = Server::start(Manner::Steady, Some(protocol)).await;
        let client = Arc::new(client(server.tls(protocol), Deadlines::default()));
        let calls = (0..40).map(|_| {
            let client = Arc::clone(&client);
            tokio::spawn(async move { authorizes(&client).await })
        });
        for call in calls.collect::<Vec<_>>() {
            call.await.expect("no panic");
        }
        assert!(server.opened() <= most, "{protocol:?} opened {}", server.opened());
        let before = server.opened();
        authorizes(&client).await;
        assert_eq!(server.opened(), before, "{protocol:?} did not keep its connections");
    }
}

#[tokio::test]
async fn a_connection_that_ended_meanwhile_is_replaced() {
    let server = Server::start(Manner::Fleeting, None).await;
    let client = client(server.plain(), QUICK);
    for _ in 0..3 {
        authorizes(&client).await;
        tokio::time::sleep(Duration::from_millis(120)).await;
    }
    assert_eq!(server.opened(), 3);
}

#[tokio::test]
async fn an_explicit_connection_gives_raw_bytes() {
    let server = Server::start(Manner::Steady, None).await;
    let target = server.plain();
    let caller = Caller::new(&target, KEY).expect("a key");
    let mut connection = Connection::open(&target, &QUICK).await.expect("a connection");
    for _ in 0..3 {
        let call = Call::post("/v1/payment_intents", authorization().to_form(), "k");
        let request = caller.request(&call).expect("a request");
        let raw = connection.send(request, &QUICK).await.expect("an answer");
        assert_eq!(raw.status, 200);
        raw.read::<PaymentIntentView>().expect("an intent");
    }
    assert_eq!(server.opened(), 1);
}

#[tokio::test]
async fn a_decline_is_read_from_its_envelope() {
    let server = Server::start(Manner::Steady, None).await;
    let declined = CardDetails { number: "4000000000000002", exp_month: 1, exp_year: 2034, cvc: None };
    let payment = CreatePayment::authorization(2000, "usd", PaymentMethodChoice::Card(declined));
    let error =
        client(server.plain(), QUICK).create_payment_intent(&payment, "k").await.expect_err("declined");
    assert_eq!((error.outcome(), error.status()), (Outcome::Answered, Some(402)));
    let refused = error.refused().expect("an envelope");
    assert_eq!((refused.kind.as_str(), refused.code.as_deref()), ("card_error", Some("card_declined")));
    assert_eq!(refused.decline_code.as_deref(), Some("generic_decline"));
    assert_eq!(refused.payment_intent.as_ref().map(|intent| intent.id.as_str()), Some("pi_2"));
}

#[tokio::test]
async fn the_key_is_sent_and_a_wrong_one_refused() {
    let server = Server::start(Manner::Steady, None).await;
    let size = PoolSize::default();
    let other = Client::new(server.plain(), "sk_test_other", QUICK, size).expect("a key");
    let error = other.create_payment_intent(&authorization(), "k").await.expect_err("unauthorized");
    assert_eq!(error.status(), Some(401));
    assert!(!format!("{other:?}").contains("sk_test_other"), "the key is not printed");
}

#[tokio::test]
async fn an_answer_outside_the_dialect_is_no_success() {
    let server = Server::start(Manner::Steady, None).await;
    let error =
        client(server.plain(), QUICK).create_customer(Form::new(), "k").await.expect_err("unreadable");
    assert!(matches!(error, ClientError::Unreadable { .. }), "{error}");
    assert_eq!((error.outcome(), error.status()), (Outcome::Answered, Some(502)));
}

#[tokio::test]
async fn no_answer_in_time_is_unknown() {
    let server = Server::start(Manner::Steady, None).await;
    let error =
        client(server.plain(), QUICK).cancel_payment_intent("pi_slow", "k").await.expect_err("too slow");
    assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
}

#[tokio::test]
async fn a_connection_that_breaks_after_the_request_is_unknown() {
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let server = Server::start(Manner::Steady, Some(protocol)).await;
        let client = client(server.tls(protocol), QUICK);
        let error = client.cancel_payment_intent("pi_broken", "k").await.expect_err("broken");
        assert_eq!(error.outcome(), Outcome::Unknown, "{protocol:?}: {error}");
    }
}

#[tokio::test]
async fn what_never_left_is_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let address = listener.local_addr().expect("bound");
    drop(listener);
    let nobody = Target::plain("localhost", address.port(), Protocol::Http1).at(address);
    let error = client(nobody, QUICK).cancel_payment_intent("pi_1", "k").await.expect_err("nobody listens");
    assert!(matches!(&error, ClientError::NotSent(failure) if failure.phase == Phase::Connect), "{error}");

    let server = Server::start(Manner::Steady, None).await;
    let bad_key =
        client(server.plain(), QUICK).cancel_payment_intent("pi_1", "a\nb").await.expect_err("bad key");
    assert!(matches!(&bad_key, ClientError::NotSent(failure) if failure.phase == Phase::Build), "{bad_key}");
    assert_eq!(server.opened(), 0);
}

#[tokio::test]
async fn a_handshake_that_fails_or_hangs_is_not_sent() {
    let quick = Deadlines { connect: Duration::from_millis(200), ..QUICK };
    for greeting in [Some("SSH-2.0-nonsense\r\n"), None] {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
        let address = listener.local_addr().expect("bound");
        let held = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            if let Some(greeting) = greeting {
                stream.write_all(greeting.as_bytes()).await.expect("written");
            }
            tokio::time::sleep(Duration::from_secs(60)).await;
        });
        let (_, config) = certificates();
        let target =
            Target::tls("localhost", address.port(), &config, Protocol::Http1).expect("a name").at(address);
        let error = client(target, quick).cancel_payment_intent("pi_1", "k").await.expect_err("no TLS here");
        assert!(matches!(&error, ClientError::NotSent(failure) if failure.phase == Phase::Tls), "{error}");
        held.abort();
    }
}

#[test]
fn forms_are_encoded_as_servers_read_them() {
    let form =
        Form::new().pair("metadata[a b&c]", "1 + 1 = 2 €").optional("none", None::<&str>).pair("n", -5);
    assert_eq!(form.as_str(), "metadata[a+b%26c]=1+%2B+1+%3D+2+%E2%82%AC&n=-5");
    let params = Params::from_body(Encoding::Form, form.as_str().as_bytes()).expect("valid");
    let mut fields = params.fields();
    let pairs = fields.pairs("metadata").expect("pairs").set();
    assert_eq!(pairs, Some(vec![("a b&c", "1 + 1 = 2 €")]));
    assert_eq!(fields.integer("n"), Ok(Some(-5)));
    assert_eq!(format!("{form:?}"), "Form(46 bytes, not shown)");
}
