//! The acquirer hosts of the other protocols, behind HTTP/1.1 on loopback: an upstream that speaks the merchants' dialect, and an
//! operator of wallets.

use crate::failure::{Failure, Result};
use bytes::Bytes;
use gateway_acquirers::host::dialect::Dialect;
use gateway_acquirers::host::wallet::Operator;
use gateway_acquirers::host::{Call, Reaction};
use http::{Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};

/// Longest body of a call, in bytes.
const BODY_BYTES: usize = 256 * 1024;
/// A call that gets no answer on purpose ends after this, as even the most patient caller has given up.
const SILENCE: Duration = Duration::from_secs(120);

/// Who answers calls.
#[derive(Clone)]
pub enum Upstream {
    Dialect(Arc<Dialect>),
    Wallet(Arc<Operator>),
}

impl Upstream {
    fn answer(&self, call: &Call<'_>) -> std::io::Result<Reaction> {
        match self {
            Upstream::Dialect(host) => host.answer(call),
            Upstream::Wallet(operator) => operator.answer(call),
        }
    }
}

/// Accepts connections for ever.
///
/// # Errors
/// The listener's.
pub async fn serve(host: Upstream, listener: TcpListener) -> Result<()> {
    loop {
        let (stream, _peer) =
            listener.accept().await.map_err(|error| Failure::failed(format!("accepting: {error}")))?;
        tokio::spawn(connection(stream, host.clone()));
    }
}

/// Serves one connection. An error of a call ends it without an answer, which is what a fault is to look like.
async fn connection(stream: TcpStream, host: Upstream) {
    let _slow = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let host = host.clone();
        async move { answer(&host, request).await }
    });
    let mut builder = hyper::server::conn::http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(90));
    let _ended = builder.serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(
    host: &Upstream,
    request: Request<Incoming>,
) -> std::result::Result<Response<Full<Bytes>>, String> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, BODY_BYTES).collect().await.map_err(|error| error.to_string())?.to_bytes();
    let key = head.headers.get("idempotency-key").and_then(|key| key.to_str().ok());
    let call = Call { method: head.method.as_str(), path: head.uri.path(), key, body: &body };
    match host.answer(&call).map_err(|error| error.to_string())? {
        Reaction::Close => Err("closed, as the script has it".to_owned()),
        Reaction::Silence => {
            tokio::time::sleep(SILENCE).await;
            Err("silent, as the script has it".to_owned())
        }
        Reaction::Answer { status, body, after } => {
            if !after.is_zero() {
                tokio::time::sleep(after).await;
            }
            let response = Response::builder().status(status).header("content-type", "application/json");
            response.body(Full::new(Bytes::from(body))).map_err(|error| error.to_string())
        }
    }
}
