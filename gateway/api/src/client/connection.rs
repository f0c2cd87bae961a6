//! One connection, and how a request fares on it.

use super::error::{ClientError, Phase};
use super::response::RawResponse;
use super::target::{Deadlines, Protocol, Target};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// The largest answer that is read, in bytes: a page of a hundred expanded objects fits several times.
pub const MAX_ANSWER_BYTES: usize = 4 * 1024 * 1024;

/// How often an idle HTTP/2 connection is probed.
const PROBE_INTERVAL: Duration = Duration::from_secs(30);

/// An open connection. HTTP/1.1 carries one request at a time; an HTTP/2 connection can be cloned and shared.
#[derive(Debug)]
pub struct Connection {
    sender: Sender,
}

#[derive(Debug)]
enum Sender {
    Http1(http1::SendRequest<Full<Bytes>>),
    Http2(http2::SendRequest<Full<Bytes>>),
}

/// A failed exchange, with the request given back when it was certainly not sent.
pub(super) struct Failed {
    pub(super) error: ClientError,
    pub(super) unsent: Option<Request<Full<Bytes>>>,
}

impl Connection {
    /// Connects, and does the TLS and HTTP handshakes, each within the deadline.
    ///
    /// # Errors
    /// [`ClientError::NotSent`] with the phase that failed.
    pub async fn open(target: &Target, deadlines: &Deadlines) -> Result<Self, ClientError> {
        let stream = within(deadlines.connect, Phase::Connect, connect(target)).await?;
        let Some((connector, name)) = &target.tls else {
            return Self::start(stream, target.protocol, deadlines).await;
        };
        let handshake = connector.connect(name.clone(), stream);
        let stream = within(deadlines.connect, Phase::Tls, handshake).await?;
        if target.protocol == Protocol::Http2 && stream.get_ref().1.alpn_protocol() != Some(b"h2") {
            return Err(ClientError::not_sent(Phase::Tls, "the server does not offer HTTP/2"));
        }
        Self::start(stream, target.protocol, deadlines).await
    }

    async fn start<S>(stream: S, protocol: Protocol, deadlines: &Deadlines) -> Result<Self, ClientError>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let io = TokioIo::new(stream);
        let sender = match protocol {
            Protocol::Http1 => {
                let handshake = http1::handshake(io);
                let (sender, driver) = within(deadlines.connect, Phase::Handshake, handshake).await?;
                // The driver ends with the connection, or when its sender is dropped; its error is the call's, too.
                tokio::spawn(async move { driver.await.ok() });
                Sender::Http1(sender)
            }
            Protocol::Http2 => {
                let handshake = http2::Builder::new(TokioExecutor::new())
                    .timer(TokioTimer::new())
                    .keep_alive_interval(PROBE_INTERVAL)
                    .keep_alive_timeout(deadlines.connect)
                    .handshake(io);
                let (sender, driver) = within(deadlines.connect, Phase::Handshake, handshake).await?;
                tokio::spawn(async move { driver.await.ok() });
                Sender::Http2(sender)
            }
        };
        Ok(Self { sender })
    }

    /// Whether the connection has ended.
    pub fn is_closed(&self) -> bool {
        match &self.sender {
            Sender::Http1(sender) => sender.is_closed(),
            Sender::Http2(sender) => sender.is_closed(),
        }
    }

    /// Another handle on the same connection; HTTP/2 only.
    pub fn share(&self) -> Option<Self> {
        match &self.sender {
            Sender::Http1(_) => None,
            Sender::Http2(sender) => Some(Self { sender: Sender::Http2(sender.clone()) }),
        }
    }

    /// Sends a request and reads the whole answer, whatever its status.
    ///
    /// # Errors
    /// [`ClientError::NotSent`] if the connection had ended before, else [`ClientError::Unknown`]. In both cases the
    /// connection is of no more use.
    pub async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
        deadlines: &Deadlines,
    ) -> Result<RawResponse, ClientError> {
        self.exchange(request, deadlines).await.map_err(|failed| failed.error)
    }

    /// Like [`Connection::send`], but gives a request back that was not sent.
    pub(super) async fn exchange(
        &mut self,
        request: Request<Full<Bytes>>,
        deadlines: &Deadlines,
    ) -> Result<RawResponse, Failed> {
        match timeout(deadlines.connect, self.ready()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return Err(unsent(error, request)),
            Err(elapsed) => return Err(unsent(elapsed, request)),
        }
        match timeout(deadlines.answer, self.round_trip(request)).await {
            Ok(outcome) => outcome,
            Err(elapsed) => Err(ClientError::unknown(Phase::Send, elapsed).into()),
        }
    }

    async fn ready(&mut self) -> hyper::Result<()> {
        match &mut self.sender {
            Sender::Http1(sender) => sender.ready().await,
            Sender::Http2(sender) => sender.ready().await,
        }
    }

    async fn round_trip(&mut self, request: Request<Full<Bytes>>) -> Result<RawResponse, Failed> {
        let sent = match &mut self.sender {
            Sender::Http1(sender) => sender.try_send_request(request).await,
            Sender::Http2(sender) => sender.try_send_request(request).await,
        };
        match sent {
            Ok(response) => read(response).await.map_err(Failed::from),
            Err(error) => Err(failed(error)),
        }
    }
}

/// Reads the body to its end.
async fn read(response: Response<Incoming>) -> Result<RawResponse, ClientError> {
    let (head, body) = response.into_parts();
    match Limited::new(body, MAX_ANSWER_BYTES).collect().await {
        Ok(body) => {
            Ok(RawResponse { status: head.status.as_u16(), headers: head.headers, body: body.to_bytes() })
        }
        Err(error) => Err(ClientError::unknown(Phase::Body, error)),
    }
}

/// hyper gives the request back exactly when it did not begin to write it.
fn failed(mut error: TrySendError<Request<Full<Bytes>>>) -> Failed {
    match error.take_message() {
        Some(request) => unsent(error.into_error(), request),
        None => ClientError::unknown(Phase::Send, error.into_error()).into(),
    }
}

fn unsent(
    error: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    request: Request<Full<Bytes>>,
) -> Failed {
    Failed { error: ClientError::not_sent(Phase::Handshake, error), unsent: Some(request) }
}

impl From<ClientError> for Failed {
    fn from(error: ClientError) -> Self {
        Self { error, unsent: None }
    }
}

async fn connect(target: &Target) -> std::io::Result<TcpStream> {
    let stream = match target.address {
        Some(address) => TcpStream::connect(address).await?,
        None => TcpStream::connect((target.host.trim_matches(['[', ']']), target.port)).await?,
    };
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Runs one phase before the request, within its deadline.
async fn within<T, E>(
    limit: Duration,
    phase: Phase,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, ClientError>
where
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    match timeout(limit, work).await {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(ClientError::not_sent(phase, error)),
        Err(elapsed) => Err(ClientError::not_sent(phase, elapsed)),
    }
}
