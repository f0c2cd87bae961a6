//! The client with its pool: a bounded number of connections, kept open between calls.

use super::call::{Call, Caller};
use super::connection::{Connection, Failed};
use super::error::{ClientError, Phase};
use super::response::RawResponse;
use super::target::{Deadlines, Protocol, Target};
use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use std::sync::{Mutex, PoisonError};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

/// How many calls run at a time, and on how many connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolSize {
    /// Calls at a time. On HTTP/1.1 this is also the number of connections.
    pub calls: usize,
    /// Connections of HTTP/2, over which calls are spread.
    pub connections: usize,
}

impl Default for PoolSize {
    /// Sixty-four calls; on HTTP/2 over four connections.
    fn default() -> Self {
        Self { calls: 64, connections: 4 }
    }
}

/// A client of one server, with one API key. Share it by reference or in an `Arc`.
#[derive(Debug)]
pub struct Client {
    target: Target,
    caller: Caller,
    deadlines: Deadlines,
    /// HTTP/1.1: connections without a call. HTTP/2: all connections, in turn.
    idle: Mutex<Vec<Connection>>,
    places: Semaphore,
    /// HTTP/2: one call at a time opens a connection, so that a burst does not open one for each.
    opening: tokio::sync::Mutex<()>,
    shared: usize,
}

impl Client {
    /// A client that connects when it is first used.
    ///
    /// # Errors
    /// [`ClientError::NotSent`] when the key can't stand in a header.
    pub fn new(target: Target, key: &str, deadlines: Deadlines, size: PoolSize) -> Result<Self, ClientError> {
        let caller = Caller::new(&target, key)?;
        let shared = size.connections.max(1);
        let places = Semaphore::new(size.calls.clamp(1, Semaphore::MAX_PERMITS));
        Ok(Self {
            target,
            caller,
            deadlines,
            idle: Mutex::default(),
            places,
            opening: tokio::sync::Mutex::default(),
            shared,
        })
    }

    /// The deadlines of this client.
    pub fn deadlines(&self) -> &Deadlines {
        &self.deadlines
    }

    /// Makes a call and reads the whole answer, whatever its status.
    ///
    /// # Errors
    /// [`ClientError::NotSent`] or [`ClientError::Unknown`].
    pub async fn send(&self, call: &Call) -> Result<RawResponse, ClientError> {
        let request = self.caller.request(call)?;
        let _place = self.place().await?;
        match self.attempt(request).await {
            // A kept connection had ended: nothing was sent, so once more on a new one changes nothing but the delay.
            Err(Failed { unsent: Some(request), .. }) => {
                let fresh = Connection::open(&self.target, &self.deadlines).await?;
                self.run(fresh, request).await.map_err(|failed| failed.error)
            }
            outcome => outcome.map_err(|failed| failed.error),
        }
    }

    async fn place(&self) -> Result<SemaphorePermit<'_>, ClientError> {
        match timeout(self.deadlines.connect, self.places.acquire()).await {
            Ok(Ok(place)) => Ok(place),
            Ok(Err(closed)) => Err(ClientError::not_sent(Phase::Pool, closed)),
            Err(elapsed) => Err(ClientError::not_sent(Phase::Pool, elapsed)),
        }
    }

    async fn attempt(&self, request: Request<Full<Bytes>>) -> Result<RawResponse, Failed> {
        let connection = match self.kept() {
            Some(connection) => connection,
            None => self.open().await?,
        };
        self.run(connection, request).await
    }

    async fn open(&self) -> Result<Connection, ClientError> {
        if self.target.protocol == Protocol::Http1 {
            return Connection::open(&self.target, &self.deadlines).await;
        }
        let turn = timeout(self.deadlines.connect, self.opening.lock()).await;
        let _turn = turn.map_err(|elapsed| ClientError::not_sent(Phase::Pool, elapsed))?;
        if let Some(connection) = self.kept() {
            return Ok(connection);
        }
        let connection = Connection::open(&self.target, &self.deadlines).await?;
        // Kept before the turn ends, so that those who wait for it see it.
        if let Some(other) = connection.share() {
            self.keep(other);
        }
        Ok(connection)
    }

    async fn run(
        &self,
        mut connection: Connection,
        request: Request<Full<Bytes>>,
    ) -> Result<RawResponse, Failed> {
        let answer = connection.exchange(request, &self.deadlines).await?;
        if self.target.protocol == Protocol::Http1 {
            self.keep(connection);
        }
        Ok(answer)
    }

    /// A connection that was kept, if there is one to use.
    fn kept(&self) -> Option<Connection> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|connection| !connection.is_closed());
        match self.target.protocol {
            Protocol::Http1 => idle.pop(),
            // Calls take turns over the connections, and a new one is made until there are enough.
            Protocol::Http2 if idle.len() >= self.shared => {
                idle.rotate_left(1);
                idle.last().and_then(Connection::share)
            }
            Protocol::Http2 => None,
        }
    }

    fn keep(&self, connection: Connection) {
        if !connection.is_closed() {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
    }
}
