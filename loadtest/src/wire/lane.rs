//! A connection that is made again when it breaks, and the requests that go over it.

use crate::wire::request::{Answer, Loss, Prepared};
use crate::wire::{Http, Sources, Target};
use bytes::Bytes;
use http::HeaderValue;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::net::TcpSocket;
use tokio_rustls::TlsConnector;

/// How long connecting and shaking hands may take together.
const DIAL: Duration = Duration::from_secs(5);

enum Sender {
    One(http1::SendRequest<Full<Bytes>>),
    Two(http2::SendRequest<Full<Bytes>>),
}

/// One connection to the target. Over HTTP/2 it is shared by as many tasks as it has streams; all of them live on one
/// thread.
pub struct Lane {
    target: Rc<Target>,
    host: HeaderValue,
    /// Which of all connections this is: it decides the client address.
    number: usize,
    sources: Sources,
    sender: RefCell<Option<Sender>>,
    /// Held while a connection is being made, so that streams do not make one each.
    dialing: tokio::sync::Mutex<()>,
}

impl Lane {
    /// A lane that is not yet connected.
    pub fn new(target: Rc<Target>, sources: Sources, number: usize) -> Self {
        let host = HeaderValue::from_str(&target.authority).expect("an authority is header text");
        Self {
            target,
            host,
            number,
            sources,
            sender: RefCell::new(None),
            dialing: tokio::sync::Mutex::new(()),
        }
    }

    /// Connects, if it is not connected.
    ///
    /// # Errors
    /// What the system, TLS or the peer said.
    pub async fn connect(&self) -> Result<(), String> {
        let _turn = self.dialing.lock().await;
        if self.is_open() {
            return Ok(());
        }
        match tokio::time::timeout(DIAL, self.dial()).await {
            Ok(Ok(sender)) => {
                *self.sender.borrow_mut() = Some(sender);
                Ok(())
            }
            Ok(Err(error)) => Err(error),
            Err(_elapsed) => {
                Err(format!("no connection to {} within {} s", self.target.address, DIAL.as_secs()))
            }
        }
    }

    fn is_open(&self) -> bool {
        match &*self.sender.borrow() {
            Some(Sender::One(sender)) => !sender.is_closed(),
            Some(Sender::Two(sender)) => !sender.is_closed(),
            None => false,
        }
    }

    async fn dial(&self) -> Result<Sender, String> {
        let peer = self.target.address;
        let socket = if peer.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() };
        let socket = socket.map_err(|error| format!("no socket: {error}"))?;
        if let Some(source) = self.sources.of(self.number, peer) {
            socket.bind(source).map_err(|error| format!("no port on {}: {error}", source.ip()))?;
        }
        let tcp = socket.connect(peer).await.map_err(|error| format!("connecting to {peer}: {error}"))?;
        tcp.set_nodelay(true).map_err(|error| format!("setting TCP_NODELAY: {error}"))?;
        let tls = TlsConnector::from(std::sync::Arc::clone(&self.target.tls))
            .connect(self.target.name.clone(), tcp)
            .await
            .map_err(|error| format!("TLS with {peer}: {error}"))?;
        let io = TokioIo::new(tls);
        match self.target.http {
            Http::One => {
                let (sender, connection) = http1::handshake(io).await.map_err(|error| error.to_string())?;
                tokio::task::spawn_local(connection);
                Ok(Sender::One(sender))
            }
            Http::Two => {
                let (sender, connection) = http2::Builder::new(TokioExecutor::new())
                    .initial_stream_window_size(1 << 20)
                    .initial_connection_window_size(1 << 24)
                    .handshake(io)
                    .await
                    .map_err(|error| error.to_string())?;
                tokio::task::spawn_local(connection);
                Ok(Sender::Two(sender))
            }
        }
    }

    /// Sends one request and reads its whole answer. A broken connection is made anew first.
    ///
    /// # Errors
    /// Why there is no answer.
    pub async fn send(&self, prepared: &Prepared, deadline: Duration) -> Result<Answer, Loss> {
        if !self.is_open() {
            self.connect().await.map_err(|_text| Loss::Connect)?;
        }
        match tokio::time::timeout(deadline, self.exchange(prepared)).await {
            Ok(result) => result,
            Err(_elapsed) => {
                // On HTTP/1.1 the connection is gone with the sender; on HTTP/2 the stream is reset.
                Err(Loss::Timeout)
            }
        }
    }

    /// Sends one request and hangs up after the delay: closes the connection on HTTP/1.1, resets the stream on HTTP/2.
    pub async fn hang_up(&self, prepared: &Prepared, after: Duration) -> Result<Answer, Loss> {
        match self.send(prepared, after).await {
            Err(Loss::Timeout) => Err(Loss::HungUp),
            other => other,
        }
    }

    /// Sends over HTTP/1.1, where the sender is taken out meanwhile, so that a dropped future takes it along.
    async fn exchange(&self, prepared: &Prepared) -> Result<Answer, Loss> {
        let taken = match &mut *self.sender.borrow_mut() {
            Some(Sender::Two(shared)) => Sender::Two(shared.clone()),
            slot => slot.take().ok_or(Loss::Connect)?,
        };
        match taken {
            Sender::One(mut sender) => {
                sender.ready().await.map_err(|_closed| Loss::Connect)?;
                let response = sender.send_request(prepared.request(Some(&self.host))).await;
                let answer = read(response.map_err(|_broken| Loss::Reset)?).await?;
                *self.sender.borrow_mut() = Some(Sender::One(sender));
                Ok(answer)
            }
            Sender::Two(mut sender) => {
                sender.ready().await.map_err(|_closed| Loss::Connect)?;
                let response = sender.send_request(prepared.request(None)).await;
                read(response.map_err(|_broken| Loss::Reset)?).await
            }
        }
    }

    /// Closes the connection.
    pub fn close(&self) {
        *self.sender.borrow_mut() = None;
    }

    /// Connects, trying again until the deadline.
    ///
    /// # Errors
    /// The last attempt's error.
    pub async fn connect_until(&self, deadline: Instant) -> Result<(), String> {
        loop {
            match self.connect().await {
                Ok(()) => return Ok(()),
                Err(error) if Instant::now() >= deadline => return Err(error),
                Err(_later) => tokio::time::sleep(Duration::from_millis(20)).await,
            }
        }
    }
}

async fn read(response: http::Response<hyper::body::Incoming>) -> Result<Answer, Loss> {
    let (head, body) = response.into_parts();
    let body = body.collect().await.map_err(|_cut| Loss::Reset)?.to_bytes();
    let replayed = head.headers.get("idempotent-replayed").is_some_and(|value| value == "true");
    // `HTTP/1.1 200 OK`, the empty line, and `name: value` a header.
    let head_bytes =
        19 + head.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum::<usize>();
    Ok(Answer { status: head.status.as_u16(), replayed, body, head_bytes })
}
