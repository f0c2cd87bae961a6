//! A running edge, a service that can be slow, large or broken, and raw clients.

use bytes::Bytes;
use gateway::edge::{Edge, Listeners, Parts, Settings, TlsSlot, bind};
use gateway::exchange::{Arriving, Exchange, Reply, Service};
use gateway_core::id::{Id, RequestId};
use gateway_core::ports::BoxFuture;
use http_body_util::{BodyExt, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::ServerName;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Nothing in these tests takes longer, or it has failed.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// What the service was asked, as far as tests want to know.
#[derive(Debug, Default)]
pub struct Book {
    pub called: AtomicUsize,
    pub finished: AtomicUsize,
    pub body_bytes: AtomicUsize,
}

pub struct Demo(pub Arc<Book>);

impl Service for Demo {
    fn refuses(&self, arriving: &Arriving<'_>) -> Option<Reply> {
        let refused = arriving.path == "/keyed" && !arriving.headers.contains_key("authorization");
        refused.then(|| Reply::from(gateway_api::ApiError::key_missing()))
    }

    fn sheds(&self, _method: &http::Method, path: &str) -> Option<Reply> {
        (path == "/shed").then(|| Reply::from(gateway_api::ApiError::unavailable(1)))
    }

    fn call(&self, exchange: Box<Exchange>) -> BoxFuture<'_, Reply> {
        Box::pin(async move {
            self.0.called.fetch_add(1, Ordering::SeqCst);
            self.0.body_bytes.fetch_add(exchange.body.len(), Ordering::SeqCst);
            let reply = answer(&exchange).await;
            self.0.finished.fetch_add(1, Ordering::SeqCst);
            reply
        })
    }
}

async fn answer(exchange: &Exchange) -> Reply {
    let number = exchange.query.as_deref().and_then(|query| query.parse().ok()).unwrap_or(0);
    match exchange.path.as_str() {
        "/slow" => {
            tokio::time::sleep(Duration::from_millis(number)).await;
            Reply::json(200, "{\"slow\":true}")
        }
        "/big" => Reply::json(200, vec![b'7'; usize::try_from(number).unwrap()]),
        "/panic" => panic!("as asked"),
        "/page" => Reply::json(200, "<p>hello</p>").with_header("content-type", "text/html"),
        "/odd" => Reply::json(7, "{}"),
        _ => Reply::json(200, format!("{{\"length\":{}}}", exchange.body.len()))
            .with_header("idempotent-replayed", "true"),
    }
}

/// A running edge.
pub struct Rig {
    pub edge: Edge,
    pub port: u16,
    pub book: Arc<Book>,
    pub tls: Arc<TlsSlot>,
    connector: Connector,
    _directory: tempfile::TempDir,
}

struct Connector {
    authority: Vec<u8>,
}

impl Rig {
    pub async fn start(settings: Settings) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs();
        let certs = crypto::devcerts::ensure_dev_certs(directory.path(), now).unwrap();
        let tls = Arc::new(TlsSlot::new(&certs.identity().unwrap()).unwrap());
        let book = Arc::new(Book::default());
        let next = AtomicU64::new(1);
        let edge = Edge::new(Parts {
            settings,
            tls: Arc::clone(&tls),
            service: Arc::new(Demo(Arc::clone(&book))),
            request_ids: Arc::new(move || RequestId(Id(u128::from(next.fetch_add(1, Ordering::Relaxed))))),
        });
        let Listeners { sockets, port } = bind("127.0.0.1:0").unwrap();
        for socket in sockets {
            let (edge, socket) = (edge.clone(), tokio::net::TcpListener::from_std(socket).unwrap());
            tokio::spawn(async move { edge.serve(socket).await });
        }
        let connector = Connector { authority: std::fs::read(&certs.ca_pem_path).unwrap() };
        Self { edge, port, book, tls, connector, _directory: directory }
    }

    pub async fn tcp(&self) -> TcpStream {
        TcpStream::connect(("127.0.0.1", self.port)).await.unwrap()
    }

    /// A TLS connection that offers these protocols.
    pub async fn connect(&self, alpn: &[&[u8]]) -> std::io::Result<TlsStream<TcpStream>> {
        let trust = crypto::tls::Trust::Authority(&self.connector.authority);
        let config = crypto::tls::client_config(trust, alpn).unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(config).connect(name, self.tcp().await).await
    }

    pub async fn http1(&self) -> Raw {
        Raw(self.connect(&[b"http/1.1"]).await.unwrap())
    }

    /// One HTTP/1.1 exchange on a connection of its own.
    pub async fn ask(&self, request: &[u8]) -> String {
        let mut client = self.http1().await;
        client.send(request).await;
        client.read_all().await
    }

    pub async fn http2(&self) -> Http2 {
        let stream = self.connect(&[b"h2"]).await.unwrap();
        let (sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        let closed = tokio::spawn(async move { connection.await.map_err(|error| error.to_string()) });
        Http2 { sender, closed }
    }

    pub fn count(&self, figure: impl Fn(&Book) -> &AtomicUsize) -> usize {
        figure(&self.book).load(Ordering::SeqCst)
    }

    /// Waits until the edge holds this many connections.
    pub async fn until_connections(&self, count: usize) {
        let reached = async {
            while self.edge.connections() != count {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, reached).await;
        assert!(waited.is_ok(), "{} connections, expected {count}", self.edge.connections());
    }
}

/// An HTTP/1.1 client that says exactly what it is told to.
pub struct Raw(pub TlsStream<TcpStream>);

impl Raw {
    pub async fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
        self.0.flush().await.unwrap();
    }

    /// Reads until the server closes, however it does that.
    pub async fn read_all(&mut self) -> String {
        let mut bytes = Vec::new();
        let read = async {
            let mut buffer = [0u8; 4096];
            while let Ok(count @ 1..) = self.0.read(&mut buffer).await {
                bytes.extend_from_slice(&buffer[..count]);
            }
        };
        tokio::time::timeout(PATIENCE, read).await.expect("the server closes in time");
        String::from_utf8(bytes).unwrap()
    }

    /// Reads one answer of which the length is given.
    pub async fn read_one(&mut self) -> String {
        let mut bytes = Vec::new();
        let mut buffer = [0u8; 4096];
        loop {
            let text = String::from_utf8_lossy(&bytes);
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length: usize = header(head, "content-length").unwrap().parse().unwrap();
                if body.len() >= length {
                    return text.into_owned();
                }
            }
            let count = tokio::time::timeout(PATIENCE, self.0.read(&mut buffer)).await.unwrap().unwrap();
            assert_ne!(count, 0, "closed in the middle of an answer: {text}");
            bytes.extend_from_slice(&buffer[..count]);
        }
    }
}

/// A header's value in a raw head.
pub fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then_some(value.trim())
    })
}

/// Checks that a raw answer has this status, an envelope and a request id, and ends the connection.
pub fn assert_refused(answer: &str, status: u16, message: &str) {
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert_eq!(header(head, "connection"), Some("close"), "{answer}");
    assert_eq!(header(head, "content-type"), Some("application/json"), "{answer}");
    assert!(header(head, "request-id").unwrap().starts_with("req_"), "{answer}");
    let json: serde_json::Value = serde_json::from_str(body).unwrap();
    assert!(json["error"]["type"].is_string(), "{answer}");
    assert!(json["error"]["message"].as_str().unwrap().contains(message), "{answer}");
}

/// An HTTP/2 client, and what became of its connection.
pub struct Http2 {
    pub sender: hyper::client::conn::http2::SendRequest<Full<Bytes>>,
    pub closed: tokio::task::JoinHandle<Result<(), String>>,
}

impl Http2 {
    pub async fn post(&mut self, path: &str, body: Vec<u8>) -> (http::response::Parts, Bytes) {
        let request = http::Request::post(format!("https://localhost{path}"))
            .body(Full::new(Bytes::from(body)))
            .unwrap();
        let response =
            tokio::time::timeout(PATIENCE, self.sender.send_request(request)).await.unwrap().unwrap();
        let (head, body) = response.into_parts();
        (head, body.collect().await.unwrap().to_bytes())
    }
}

/// A body that never ends, and whose length is not told.
struct Endless;

impl hyper::body::Body for Endless {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<hyper::body::Frame<Bytes>, Self::Error>>> {
        std::task::Poll::Pending
    }
}

/// Posts a body of which nothing comes; the status of the answer.
pub async fn post_without_end(stream: TlsStream<TcpStream>) -> u16 {
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = http::Request::post("https://localhost/v1/x").body(Endless).unwrap();
    tokio::time::timeout(PATIENCE, sender.send_request(request)).await.unwrap().unwrap().status().as_u16()
}

/// Asks for an answer and leaves its body where it is: the windows stay closed as long as the value returned lives.
pub async fn get_without_reading(stream: TlsStream<TcpStream>, path: &str) -> impl Sized {
    let (mut sender, connection) = hyper::client::conn::http2::Builder::new(TokioExecutor::new())
        .initial_stream_window_size(1_000)
        .handshake(TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    let request =
        http::Request::get(format!("https://localhost{path}")).body(Full::new(Bytes::new())).unwrap();
    let response = sender.send_request(request).await.unwrap();
    (sender, response)
}
