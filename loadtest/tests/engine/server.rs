//! Servers for the engine: certificates, the bare server, and one that stalls.

use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use loadtest::bare::{Settings, serve};
use loadtest::load::workload::Note;
use loadtest::load::{Action, After, Job, Workload};
use loadtest::wire::{Answer, Http, Loss, Prepared, Target, tls};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::mpsc;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio_rustls::TlsAcceptor;

/// A directory with a certificate for `localhost` that is its own authority.
pub fn certificates() -> TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    std::fs::write(dir.path().join("localhost.pem"), made.cert.pem()).expect("writable");
    std::fs::write(dir.path().join("localhost.key"), made.signing_key.serialize_pem()).expect("writable");
    dir
}

/// A server on a thread of its own; it lives as long as the test's process.
pub struct Server {
    certs: TempDir,
    address: SocketAddr,
}

impl Server {
    pub fn bare(body_bytes: usize, head_bytes: usize) -> Self {
        let certs = certificates();
        let (chain, key) = (certs.path().join("localhost.pem"), certs.path().join("localhost.key"));
        let listen = "127.0.0.1:0".parse().expect("an address");
        let settings = Settings { listen, chain, key, body_bytes, head_bytes, commits: None };
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime
                .block_on(serve(settings, |address| tell.send(address).expect("the test waits")))
                .map(|_| ())
        });
        let address = told.recv_timeout(Duration::from_secs(10)).expect("it listens");
        Self { certs, address }
    }

    /// Answers at once, but not between `from` and `until` after its start: what comes then waits for the end of it.
    pub fn stalling(from: Duration, until: Duration) -> (Self, Instant) {
        let certs = certificates();
        let (chain, key) = (certs.path().join("localhost.pem"), certs.path().join("localhost.key"));
        let begun = Instant::now();
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(stall(chain, key, (begun + from, begun + until), tell));
        });
        let address = told.recv_timeout(Duration::from_secs(10)).expect("it listens");
        (Self { certs, address }, begun)
    }

    pub fn target(&self, http: Http) -> Target {
        let url = format!("https://localhost:{}", self.address.port());
        Target::new(&url, &self.certs.path().join("localhost.pem"), http).expect("a target")
    }
}

async fn stall(chain: PathBuf, key: PathBuf, pause: (Instant, Instant), tell: mpsc::Sender<SocketAddr>) {
    let acceptor = TlsAcceptor::from(tls::server(&chain, &key).expect("certificates"));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    tell.send(listener.local_addr().expect("an address")).expect("the test waits");
    loop {
        let (tcp, _peer) = listener.accept().await.expect("a connection");
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            let Ok(tls) = acceptor.accept(tcp).await else { return };
            let service = service_fn(move |request: Request<Incoming>| async move {
                let _body = request.into_body().collect().await;
                if (pause.0..pause.1).contains(&Instant::now()) {
                    tokio::time::sleep_until(pause.1.into()).await;
                }
                Ok::<_, Infallible>(Response::new(Full::new(bytes::Bytes::from("{}"))))
            });
            let _ended =
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(tls), service).await;
        });
    }
}

/// The same POST for ever.
pub struct Posts {
    request: Prepared,
}

impl Posts {
    pub fn boxed(target: &Target) -> Box<dyn Workload> {
        let request = Prepared {
            method: http::Method::POST,
            uri: target.uri("/v1/payment_intents"),
            authorization: "Bearer sk_test_1".parse().expect("a header"),
            idempotency_key: Some("key".parse().expect("a header")),
            body: "amount=100&currency=usd".into(),
        };
        Box::new(Self { request })
    }
}

impl Workload for Posts {
    fn due(&mut self) -> Job {
        let request = self.request.clone();
        Job { action: Action::Authorize, request, hang_up_after: None, note: Note::default(), attempt: 1 }
    }

    fn done(&mut self, _job: &Job, _result: &Result<Answer, Loss>) -> After {
        After::Done
    }
}
