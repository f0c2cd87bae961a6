//! Serves the admin listener: a small HTTP/1.1 server with its own, narrow limits.

use super::{AdminReply, AdminRequest, AdminService, AdminStream, Readiness};
use crate::observe::Figures;
use bytes::Bytes;
use futures_util::FutureExt;
use http::header::{CONTENT_TYPE, HOST};
use http::{Method, Request, Response, StatusCode, Version, header::HeaderValue};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, Limited, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;

/// Connections at a time.
const CONNECTIONS: usize = 256;
/// Longest body, in bytes.
const BODY_BYTES: usize = 64 * 1024;
/// The same for models and labels.
const RISK_BODY_BYTES: usize = 16 << 20;
/// For a head, and for a body.
const PATIENCE: Duration = Duration::from_secs(10);
/// For one request from its head to its answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// A connection is closed after this long, whatever it does.
const CONNECTION_LIFE: Duration = Duration::from_secs(3_600);
/// After the system refused a descriptor.
const PAUSE: Duration = Duration::from_millis(50);

/// What the listener serves.
pub struct Parts {
    pub figures: Figures,
    pub readiness: Arc<dyn Readiness>,
    pub service: Arc<dyn AdminService>,
    /// Whether names other than this machine's are believed in `Host`.
    pub hosts: Hosts,
}

/// Which names a request may give in `Host`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hosts {
    /// `localhost` and addresses.
    Local,
    /// Any: others are meant to reach this listener.
    Any,
}

/// The admin listener's server.
#[derive(Clone)]
pub struct AdminServer {
    parts: Arc<Parts>,
    draining: Arc<AtomicBool>,
    places: Arc<Semaphore>,
}

impl AdminServer {
    /// A server that serves nothing yet.
    pub fn new(parts: Parts) -> Self {
        let places = Arc::new(Semaphore::new(CONNECTIONS));
        Self { parts: Arc::new(parts), draining: Arc::default(), places }
    }

    /// From now on `/readyz` says that we are going.
    pub fn begin_drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    /// Accepts and serves until dropped.
    pub async fn serve(self, listener: TcpListener) {
        loop {
            let Ok(place) = Arc::clone(&self.places).acquire_owned().await else { return };
            match listener.accept().await {
                Ok((socket, _)) => {
                    let server = self.clone();
                    let _detached = tokio::spawn(async move {
                        let _ = tokio::time::timeout(CONNECTION_LIFE, server.converse(socket)).await;
                        drop(place);
                    });
                }
                Err(error) => {
                    tracing::warn!(%error, "the admin listener cannot accept connections");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    async fn converse(&self, socket: TcpStream) {
        let service =
            service_fn(|request| async { Ok::<_, Infallible>(self.answer(request).await.render()) });
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(PATIENCE)
            .max_buf_size(64 * 1024)
            .serve_connection(TokioIo::new(socket), service);
        // Errors here are the client's: it left, or spoke something else.
        let _ = connection.await;
    }

    async fn answer(&self, request: Request<Incoming>) -> Answered {
        if let Err(refused) = self.check(&request) {
            return refused.into();
        }
        let work = AssertUnwindSafe(self.dispatch(request)).catch_unwind();
        match tokio::time::timeout(ANSWER_WITHIN, work).await {
            Ok(Ok(reply)) => reply,
            Ok(Err(_)) => {
                AdminReply::problem(500, "Something went wrong on our side; the log says where.").into()
            }
            Err(_) => {
                AdminReply::problem(503, "There was no answer within 30 s. Look before you try again.").into()
            }
        }
    }

    /// Refuses what a web page of somebody else's could have sent.
    fn check(&self, request: &Request<Incoming>) -> Result<(), AdminReply> {
        let text = |name| request.headers().get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let host = text(HOST).map(|host| host_name(host).to_owned());
        let believed = match (&host, self.parts.hosts) {
            (_, Hosts::Any) => true,
            (Some(host), Hosts::Local) => host == "localhost" || host.parse::<IpAddr>().is_ok(),
            (None, Hosts::Local) => request.version() == Version::HTTP_10,
        };
        if !believed {
            return Err(AdminReply::problem(
                421,
                "Address this listener as localhost or by its IP address; other names need admin.allow_remote.",
            ));
        }
        let safe = [Method::GET, Method::HEAD].contains(request.method());
        // No page of another origin can send either without our consent.
        let is_json = text(CONTENT_TYPE).and_then(|kind| kind.split(';').next()).is_some_and(|kind| {
            let csv = kind.trim() == "text/csv" && request.uri().path() == "/risk/labels";
            kind.trim() == "application/json" || csv
        });
        if safe || is_json || request.method() == Method::DELETE {
            return Ok(());
        }
        Err(AdminReply::problem(415, "Send the body as JSON, with Content-Type: application/json."))
    }

    async fn dispatch(&self, request: Request<Incoming>) -> Answered {
        let fixed = match request.uri().path() {
            "/livez" => AdminReply::text(200, "live\n"),
            "/readyz" => self.readiness(),
            "/metrics" => AdminReply {
                status: 200,
                content_type: "text/plain; version=0.0.4; charset=utf-8".into(),
                body: self.parts.figures.render().into(),
            },
            "/version" => AdminReply::json(
                200,
                format!(
                    "{{\"name\":\"tollgate\",\"version\":\"{}\",\"api_version\":\"{}\"}}",
                    env!("CARGO_PKG_VERSION"),
                    gateway_api::API_VERSION
                ),
            ),
            _ => return self.forward(request).await,
        };
        match request.method() {
            &Method::GET | &Method::HEAD => fixed.into(),
            _ => AdminReply::method_not_allowed("GET").into(),
        }
    }

    fn readiness(&self) -> AdminReply {
        let mut reasons = self.parts.readiness.reasons();
        if self.draining.load(Ordering::Relaxed) {
            reasons.insert(0, "draining".to_owned());
        }
        if reasons.is_empty() {
            return AdminReply::text(200, "ready\n");
        }
        AdminReply::problem(503, &reasons.join("; "))
    }

    async fn forward(&self, request: Request<Incoming>) -> Answered {
        let (head, body) = request.into_parts();
        let path = head.uri.path().to_owned();
        let longest = if path.starts_with("/risk/") { RISK_BODY_BYTES } else { BODY_BYTES };
        let body = match tokio::time::timeout(PATIENCE, Limited::new(body, longest).collect()).await {
            Ok(Ok(body)) => body.to_bytes(),
            Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
                let what = format!("The body is longer than {} KiB.", longest / 1024);
                return AdminReply::problem(413, &what).into();
            }
            Ok(Err(_)) => return AdminReply::problem(400, "The body ended early. Nothing was done.").into(),
            Err(_) => {
                return AdminReply::problem(408, "The body did not arrive in time. Nothing was done.").into();
            }
        };
        let query = head.uri.query().map(str::to_owned);
        let request = AdminRequest { method: head.method, path, query, body };
        match self.parts.service.stream(&request) {
            Some(stream) => Answered::Piecewise(stream),
            None => self.parts.service.call(request).await.into(),
        }
    }
}

/// An answer, whole or still being made.
enum Answered {
    Whole(AdminReply),
    Piecewise(AdminStream),
}

impl From<AdminReply> for Answered {
    fn from(reply: AdminReply) -> Self {
        Self::Whole(reply)
    }
}

impl Answered {
    fn render(self) -> Response<UnsyncBoxBody<Bytes, std::io::Error>> {
        match self {
            Self::Whole(reply) => {
                render(reply).map(|body| body.map_err(|never| match never {}).boxed_unsync())
            }
            Self::Piecewise(AdminStream { content_type, pieces }) => {
                let frames = futures_util::stream::unfold(pieces, |mut pieces| async {
                    let piece = pieces.recv().await?;
                    Some((piece.map(Frame::data).map_err(std::io::Error::other), pieces))
                });
                let mut response = Response::new(StreamBody::new(frames).boxed_unsync());
                response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
                response
            }
        }
    }
}

/// The name in a `Host` field, without port and brackets.
fn host_name(host: &str) -> &str {
    match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    }
}

fn render(reply: AdminReply) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(reply.body));
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let kind = HeaderValue::from_str(&reply.content_type)
        .unwrap_or_else(|_| HeaderValue::from_static("application/octet-stream"));
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}
