//! One connection: handshake, protocol by ALPN, and hyper with limits.

use super::gate::Seat;
use super::handler::{self, Peer};
use super::pulse::{Protocol, Pulse};
use super::settings::Settings;
use super::shared::Shared;
use super::watchdog::{End, Finish, Rules, drive};
use super::wire::Wire;
use hyper::body::{Body, Incoming};
use hyper::server::conn::{http1, http2};
use hyper::service::{HttpService, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use std::error::Error;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// What rustls holds of written but unsent data, and hyper of read but unparsed data, in bytes.
const BUFFER_BYTES: usize = 32 * 1024;
/// HTTP/2 windows: one stream's, and all streams' together. A body is 256 KiB at most, and nobody's is urgent.
const STREAM_WINDOW_BYTES: u32 = 64 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 256 * 1024;
const STREAM_SEND_BYTES: usize = 64 * 1024;
/// Streams that a client may reset before we have looked at them, and that we may reset for its errors.
const RESET_STREAMS: usize = 32;
const PING_EVERY: Duration = Duration::from_secs(30);
const PING_ANSWER: Duration = Duration::from_secs(20);

/// hyper's two servers, set up once.
pub(super) struct Servers {
    http1: http1::Builder,
    http2: http2::Builder<TokioExecutor>,
}

impl Servers {
    pub(super) fn new(settings: &Settings) -> Self {
        let head_bytes = settings.limits.head_bytes;
        let mut http1 = http1::Builder::new();
        http1
            // Deadlines are the watchdog's: hyper's own would set a timer for each request.
            .header_read_timeout(None)
            .max_header_size(head_bytes)
            .max_buf_size(BUFFER_BYTES.max(head_bytes))
            // A client that has said all it wants to say may still listen.
            .half_close(true);
        let mut http2 = http2::Builder::new(TokioExecutor::new());
        http2
            .timer(TokioTimer::new())
            .initial_stream_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .max_concurrent_streams(settings.limits.http2_streams)
            .max_send_buf_size(STREAM_SEND_BYTES)
            .max_header_list_size(u32::try_from(head_bytes).unwrap_or(u32::MAX))
            .max_pending_accept_reset_streams(RESET_STREAMS)
            .max_local_error_reset_streams(RESET_STREAMS)
            .keep_alive_interval(PING_EVERY)
            .keep_alive_timeout(PING_ANSWER);
        Self { http1, http2 }
    }
}

/// Serves one accepted socket to its end.
pub(super) async fn run(shared: Arc<Shared>, socket: TcpStream, seat: Seat) {
    let Some(tls) = shake_hands(&shared, socket).await else { return };
    let protocol = match tls.get_ref().1.alpn_protocol() {
        Some(b"h2") => Protocol::Http2,
        Some(_) | None => Protocol::Http1,
    };
    let _gauge = shared.meters.connected(protocol);
    // On the heap, each at its own size: a connection that waits must not hold room for what it is not.
    let end = match protocol {
        Protocol::Http1 => Box::pin(run_http1(&shared, tls, &seat)).await,
        Protocol::Http2 => Box::pin(run_http2(&shared, tls, &seat)).await,
    };
    shared.meters.ended(&end);
    match end {
        End::Closed(Err(error)) => tracing::debug!(peer = %seat.peer(), %error, "connection failed"),
        End::Expired(phase) => tracing::debug!(peer = %seat.peer(), ?phase, "connection missed a deadline"),
        End::Closed(Ok(())) | End::Aborted => {}
    }
}

async fn shake_hands(shared: &Shared, socket: TcpStream) -> Option<TlsStream<TcpStream>> {
    let accept = TlsAcceptor::from(shared.tls.current())
        .accept_with(socket, |session| session.set_buffer_limit(Some(BUFFER_BYTES)));
    match tokio::time::timeout(shared.settings.deadlines.handshake, accept).await {
        Ok(Ok(tls)) => {
            shared.meters.handshakes_done.increment(1);
            Some(tls)
        }
        Ok(Err(error)) => {
            shared.meters.handshakes_failed.increment(1);
            tracing::debug!(%error, "handshake failed");
            None
        }
        Err(_) => {
            shared.meters.handshakes_late.increment(1);
            None
        }
    }
}

async fn run_http1(shared: &Arc<Shared>, tls: TlsStream<TcpStream>, seat: &Seat) -> End {
    let (peer, io) = open(shared, (tls, Protocol::Http1), seat);
    let pulse = Arc::clone(&peer.pulse);
    let service = service_fn(move |request| handler::handle(Arc::clone(&peer), request));
    drive(shared.servers.http1.serve_connection(io, service), rules(shared, &pulse)).await
}

async fn run_http2(shared: &Arc<Shared>, tls: TlsStream<TcpStream>, seat: &Seat) -> End {
    let (peer, io) = open(shared, (tls, Protocol::Http2), seat);
    let pulse = Arc::clone(&peer.pulse);
    let service = service_fn(move |request| handler::handle(Arc::clone(&peer), request));
    drive(shared.servers.http2.serve_connection(io, service), rules(shared, &pulse)).await
}

fn open(
    shared: &Arc<Shared>,
    (tls, protocol): (TlsStream<TcpStream>, Protocol),
    seat: &Seat,
) -> (Arc<Peer>, TokioIo<Wire>) {
    let pulse = Arc::new(Pulse::new(protocol));
    let wire = Wire::new(tls, Arc::clone(&pulse), Arc::clone(&shared.request_ids));
    let (address, bodies) = (seat.peer(), seat.bodies());
    (Arc::new(Peer { shared: Arc::clone(shared), pulse, address, bodies }), TokioIo::new(wire))
}

fn rules<'a>(shared: &'a Shared, pulse: &'a Pulse) -> Rules<'a> {
    Rules { pulse, deadlines: &shared.settings.deadlines, drain: &shared.drain }
}

impl<I, B, S> Finish for http1::Connection<I, S>
where
    S: HttpService<Incoming, ResBody = B>,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    I: hyper::rt::Read + hyper::rt::Write + Unpin,
    B: Body + 'static,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    fn finish(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}

impl<I, B, S> Finish for http2::Connection<I, S, TokioExecutor>
where
    S: HttpService<Incoming, ResBody = B>,
    S::Future: Send + 'static,
    S::Error: Into<Box<dyn Error + Send + Sync>>,
    I: hyper::rt::Read + hyper::rt::Write + Unpin,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    fn finish(self: Pin<&mut Self>) {
        self.graceful_shutdown();
    }
}
