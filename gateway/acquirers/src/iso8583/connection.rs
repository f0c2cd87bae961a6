//! One connection's life: sign on, carry traffic both ways, echo when idle, until something ends it.

use super::civil::Civil;
use super::codec::{Builder, Class, Message, Mti, Profile, next_frame};
use super::departure::Departure;
use super::key::{Key, NetworkKey};
use super::outbox::{Outgoing, Writing};
use super::shared::Shared;
use super::table::{Arrival, Sink};
use crate::stream::BoxedStream;
use bytes::BytesMut;
use gateway_core::acquirer::Answer;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout_at};
use zeroize::Zeroizing;

/// Network management information codes (field 70).
const SIGN_ON: u64 = 1;
const ECHO: u64 = 301;

/// Why a connection ended, or never began. Says nothing of what went over it.
#[derive(Debug)]
pub enum Ended {
    Dial(std::io::Error),
    /// Connecting or signing on took too long.
    Slow,
    /// The host refused the sign-on, with this response code.
    Refused(String),
    Io(std::io::Error),
    /// The host closed it.
    Closed,
    /// The host sent what is no message; nobody knows where the next one begins.
    Garbage(String),
    /// No byte came for too long, not even an echo.
    Silent,
    /// A message of our own could not be made.
    Own(String),
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ended::Dial(error) => write!(f, "can't connect: {error}"),
            Ended::Slow => f.write_str("connecting and signing on took too long"),
            Ended::Refused(code) => write!(f, "the host refused the sign-on with {code}"),
            Ended::Io(error) => write!(f, "connection lost: {error}"),
            Ended::Closed => f.write_str("the host closed the connection"),
            Ended::Garbage(what) => write!(f, "the host sent no ISO 8583 ({what})"),
            Ended::Silent => f.write_str("the host does not answer the echo"),
            Ended::Own(what) => write!(f, "no message of our own: {what}"),
        }
    }
}

impl From<std::io::Error> for Ended {
    fn from(error: std::io::Error) -> Ended {
        Ended::Io(error)
    }
}

/// What the two directions of a connection share, and what senders tell it when their message has its outcome.
pub struct Conn {
    /// Begun and unanswered, in the order of sending.
    flying: Mutex<BTreeMap<u64, Key>>,
    /// Sign-on, echo and answers to the host's own, which pass before everything else.
    own: Mutex<VecDeque<Outgoing>>,
    /// Rung when there is room in the window, or something of its own to send.
    room: Notify,
    heard: Mutex<Instant>,
    awaited: Mutex<Option<NetworkKey>>,
    answered: Mutex<Option<Result<(), String>>>,
    signed: Notify,
    /// Signed on: only from then on the host's silence means anything.
    up: AtomicBool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Conn {
    fn new() -> Conn {
        Conn {
            flying: Mutex::default(),
            own: Mutex::default(),
            room: Notify::new(),
            heard: Mutex::new(Instant::now()),
            awaited: Mutex::default(),
            answered: Mutex::default(),
            signed: Notify::new(),
            up: AtomicBool::new(false),
        }
    }

    /// A message of this connection has its outcome.
    pub fn land(&self, serial: u64) {
        lock(&self.flying).remove(&serial);
        self.room.notify_one();
    }

    fn flying(&self) -> usize {
        lock(&self.flying).len()
    }

    fn send_own(&self, bytes: Vec<u8>) {
        let bytes = Zeroizing::new(bytes);
        lock(&self.own).push_back(Outgoing { bytes, departure: Arc::new(Departure::default()), entry: None });
        self.room.notify_one();
    }
}

/// An established connection.
pub struct Connection {
    shared: Arc<Shared>,
    conn: Arc<Conn>,
}

impl Connection {
    /// Connects, signs on and carries traffic until it ends. `up` is called once traffic may pass.
    pub async fn live(shared: &Arc<Shared>, up: impl FnOnce()) -> Ended {
        let deadline = Instant::now() + Duration::from_millis(shared.settings.connect_timeout_ms);
        let stream = match timeout_at(deadline, shared.dial.dial()).await {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Ended::Dial(error),
            Err(_) => return Ended::Slow,
        };
        let connection = Connection { shared: Arc::clone(shared), conn: Arc::new(Conn::new()) };
        connection.carry(stream, deadline, up).await
    }

    async fn carry(&self, stream: BoxedStream, deadline: Instant, up: impl FnOnce()) -> Ended {
        let (mut reader, mut writer) = tokio::io::split(stream);
        let mut writing = Writing::new(self.shared.buffering);
        let ended = tokio::select! {
            biased;
            ended = self.read(&mut reader) => ended,
            ended = self.talk(&mut writer, &mut writing, deadline, up) => ended,
            ended = self.watch() => ended,
        };
        self.settle(&mut writing);
        let flying = std::mem::take(&mut *lock(&self.conn.flying));
        for (serial, key) in flying {
            self.shared.table.conclude(&key, serial, Answer::Unknown(ended.to_string()));
        }
        self.shared.queue.put_back(writing.into_unbegun());
        // A polite end; whatever happens to it, the connection is over.
        let _ = tokio::time::timeout(Duration::from_millis(100), writer.shutdown()).await;
        ended
    }

    /// Signs on, then writes what the queue has, as far as the window allows.
    async fn talk(
        &self,
        writer: &mut WriteHalf<BoxedStream>,
        writing: &mut Writing,
        deadline: Instant,
        up: impl FnOnce(),
    ) -> Ended {
        match timeout_at(deadline, self.sign_on(writer)).await {
            Ok(Ok(())) => {
                self.conn.up.store(true, Ordering::Release);
                up();
            }
            Ok(Err(ended)) => return ended,
            Err(_) => return Ended::Slow,
        }
        loop {
            self.fill(writing);
            if writing.out.is_empty() {
                let room = self.conn.flying() < self.shared.settings.window;
                tokio::select! {
                    biased;
                    () = self.conn.room.notified() => {}
                    () = self.shared.queue.ready.notified(), if room => {}
                }
                continue;
            }
            let wrote = std::future::poll_fn(|cx| writing.poll_some(cx, writer)).await;
            self.settle(writing);
            if let Err(error) = wrote {
                return Ended::Io(error);
            }
        }
    }

    fn fill(&self, writing: &mut Writing) {
        writing.out.extend(lock(&self.conn.own).drain(..));
        let taken = self.conn.flying() + writing.out.len();
        let room = self.shared.settings.window.saturating_sub(taken).min(64);
        if room > 0 {
            self.shared.queue.take(room, &mut writing.out);
        }
    }

    /// Enters what has begun to leave, so that its end is this connection's affair.
    fn settle(&self, writing: &mut Writing) {
        for (key, serial, departure) in writing.begun.drain(..) {
            lock(&self.conn.flying).insert(serial, key);
            if !departure.carried_by(&self.conn) {
                // It has its outcome already.
                self.conn.land(serial);
            }
        }
    }

    async fn sign_on(&self, writer: &mut WriteHalf<BoxedStream>) -> Result<(), Ended> {
        let bytes = self.network_message(SIGN_ON).await?;
        writer.write_all(&bytes).await?;
        writer.flush().await?;
        self.conn.signed.notified().await;
        match lock(&self.conn.answered).take() {
            Some(Ok(())) => Ok(()),
            Some(Err(code)) => Err(Ended::Refused(code)),
            None => Err(Ended::Refused("no response code".to_owned())),
        }
    }

    /// An 0800, and its answer is awaited from now on.
    async fn network_message(&self, code: u64) -> Result<Vec<u8>, Ended> {
        let shared = &self.shared;
        let number = shared.ports.sequences.next(&shared.network_sequence).await;
        let number = number.map_err(|error| Ended::Own(error.0))?;
        let build = || {
            let civil = Civil::of(shared.ports.clock.now());
            let mut message = Builder::new(&shared.profile, Mti::NETWORK);
            message.set(7, &civil.transmission())?.number(11, number % 999_999 + 1)?.number(70, code)?;
            let mut bytes = Vec::with_capacity(64);
            message.encode(&mut bytes)?;
            Ok((bytes, NetworkKey::of_request(&message)))
        };
        let (bytes, key) =
            build().map_err(|error: super::codec::CodecError| Ended::Own(error.to_string()))?;
        *lock(&self.conn.awaited) = key;
        Ok(bytes)
    }

    async fn read(&self, reader: &mut ReadHalf<BoxedStream>) -> Ended {
        let mut buffer = BytesMut::with_capacity(16 * 1024);
        loop {
            loop {
                match next_frame(&self.shared.profile, &mut buffer) {
                    Ok(Some(frame)) => {
                        if let Err(ended) = self.received(&frame) {
                            return ended;
                        }
                    }
                    Ok(None) => break,
                    Err(error) => return Ended::Garbage(error.to_string()),
                }
            }
            match reader.read_buf(&mut buffer).await {
                Ok(0) => return Ended::Closed,
                Ok(_) => *lock(&self.conn.heard) = Instant::now(),
                Err(error) => return Ended::Io(error),
            }
        }
    }

    fn received(&self, frame: &[u8]) -> Result<(), Ended> {
        let shared = &self.shared;
        let message = match Message::parse(&shared.profile, frame) {
            Ok(message) => message,
            // A frame that does not even begin with a type: the stream is out of step.
            Err(error) if Mti::parse(frame).is_err() => return Err(Ended::Garbage(error.to_string())),
            Err(error) => {
                shared.count_trouble("unreadable");
                tracing::warn!(acquirer = %shared.name, %error, "an answer can't be read");
                return Ok(());
            }
        };
        if message.mti().class() == Class::Network {
            self.network_received(&message);
            return Ok(());
        }
        let sink = Sink { acquirer: &shared.name, now: shared.ports.clock.now(), late: &*shared.ports.late };
        match shared.table.arrived(&message, &sink) {
            Arrival::Awaited => {}
            Arrival::Late => shared.count_trouble("late"),
            Arrival::Unmatched => {
                shared.count_trouble("unmatched");
                tracing::warn!(acquirer = %shared.name, ?message, "an answer to nothing that is known");
            }
        }
        Ok(())
    }

    fn network_received(&self, message: &Message<'_>) {
        if message.mti() == Mti::NETWORK {
            if let Some(bytes) = answer_to_host(&self.shared.profile, message) {
                self.conn.send_own(bytes);
            }
            return;
        }
        let mut awaited = lock(&self.conn.awaited);
        if awaited.is_none() || *awaited != NetworkKey::of_answer(message) {
            return;
        }
        *awaited = None;
        let code = message.text(39).unwrap_or_default();
        *lock(&self.conn.answered) = Some(if code == "00" { Ok(()) } else { Err(code.to_owned()) });
        self.conn.signed.notify_one();
    }

    /// Sends an echo whenever the host has been silent for a while, and gives up if that brings nothing.
    async fn watch(&self) -> Ended {
        let idle = Duration::from_millis(self.shared.settings.echo_idle_ms);
        let patience = Duration::from_millis(self.shared.settings.connect_timeout_ms);
        loop {
            let heard = *lock(&self.conn.heard);
            if heard + idle > Instant::now() || !self.conn.up.load(Ordering::Acquire) {
                sleep_until((heard + idle).max(Instant::now() + idle / 4)).await;
                continue;
            }
            match self.network_message(ECHO).await {
                Ok(bytes) => self.conn.send_own(bytes),
                Err(ended) => return ended,
            }
            sleep_until(Instant::now() + patience).await;
            if *lock(&self.conn.heard) == heard {
                return Ended::Silent;
            }
        }
    }
}

/// The 0810 to a host's own 0800.
fn answer_to_host(profile: &Profile, message: &Message<'_>) -> Option<Vec<u8>> {
    let mut answer = Builder::new(profile, Mti::NETWORK_ANSWER);
    for field in [7, 11, 70] {
        answer.set(field, message.field(field)?).ok()?;
    }
    answer.text(39, "00").ok()?;
    let mut bytes = Vec::with_capacity(64);
    answer.encode(&mut bytes).ok()?;
    Some(bytes)
}
