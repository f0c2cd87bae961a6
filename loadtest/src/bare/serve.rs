//! The bare server's listener.

use super::journal::Journal;
use crate::failure::{Failure, Result};
use crate::wire::tls;
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// How the bare server is to be.
#[derive(Debug, Clone)]
pub struct Settings {
    pub listen: SocketAddr,
    pub chain: PathBuf,
    pub key: PathBuf,
    /// Bytes of each answer's body.
    pub body_bytes: usize,
    /// Bytes of each answer's head; one header is padded to reach it.
    pub head_bytes: usize,
    /// Group commits that each answer waits for, and the file that they go to.
    pub commits: Option<(u32, PathBuf)>,
}

/// What every connection shares.
struct Shared {
    acceptor: TlsAcceptor,
    body: Bytes,
    padding: Option<HeaderValue>,
    journal: Option<(u32, Journal)>,
}

const PADDING: HeaderName = HeaderName::from_static("padding");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The head without padding: status line, date, type, length, empty line.
const PLAIN_HEAD: usize = 19 + 37 + 32 + 21;

/// Serves until the process ends. `accepting` is told the address.
///
/// # Errors
/// The certificate can't be read, or the address is taken.
pub async fn serve(settings: Settings, accepting: impl FnOnce(SocketAddr)) -> Result<Infallible> {
    let listener = TcpListener::bind(settings.listen)
        .await
        .map_err(|error| Failure::failed(format!("listening on {}: {error}", settings.listen)))?;
    let address = listener.local_addr().map_err(|error| Failure::failed(error.to_string()))?;
    let shared = Arc::new(Shared::new(&settings)?);
    accepting(address);
    loop {
        match listener.accept().await {
            Ok((tcp, _peer)) => {
                tokio::spawn(connection(tcp, Arc::clone(&shared)));
            }
            // Out of descriptors: those in use will be given back.
            Err(_full) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

impl Shared {
    fn new(settings: &Settings) -> Result<Self> {
        let journal = match &settings.commits {
            Some((count, path)) => Some((*count, Journal::open(path)?)),
            None => None,
        };
        // `padding: ` and the line's end take eleven bytes.
        let missing = settings.head_bytes.saturating_sub(PLAIN_HEAD + 11).min(8_192);
        let padding =
            (missing > 0).then(|| HeaderValue::from_bytes(&vec![b'x'; missing]).expect("letters are legal"));
        let mut body = b"{\"object\":\"nothing\",\"padding\":\"".to_vec();
        body.resize(settings.body_bytes.saturating_sub(2), b'x');
        body.extend_from_slice(b"\"}");
        body.truncate(settings.body_bytes);
        Ok(Self {
            acceptor: TlsAcceptor::from(tls::server(&settings.chain, &settings.key)?),
            body: body.into(),
            padding,
            journal,
        })
    }

    async fn answer(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
        let body = request.into_body().collect().await?.to_bytes();
        std::hint::black_box(&body);
        let mut response = Response::new(Full::new(self.body.clone()));
        if let Some((count, journal)) = &self.journal {
            for _commit in 0..*count {
                if !journal.commit().await {
                    *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
                    return Ok(response);
                }
            }
        }
        response.headers_mut().insert(http::header::CONTENT_TYPE, JSON);
        if let Some(padding) = &self.padding {
            response.headers_mut().insert(PADDING, padding.clone());
        }
        Ok(response)
    }
}

/// Serves one connection. Whatever goes wrong on it ends it, and nothing else.
async fn connection(tcp: TcpStream, shared: Arc<Shared>) {
    let _slow = tcp.set_nodelay(true);
    let handshake = tokio::time::timeout(Duration::from_secs(10), shared.acceptor.accept(tcp));
    let Ok(Ok(tls)) = handshake.await else { return };
    let two = tls.get_ref().1.alpn_protocol() == Some(b"h2");
    let io = TokioIo::new(tls);
    let service = service_fn(move |request| {
        let shared = Arc::clone(&shared);
        async move { shared.answer(request).await }
    });
    if two {
        let mut builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        let _ended = builder.timer(TokioTimer::new()).serve_connection(io, service).await;
    } else {
        let mut builder = hyper::server::conn::http1::Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(30));
        let _ended = builder.serve_connection(io, service).await;
    }
}
