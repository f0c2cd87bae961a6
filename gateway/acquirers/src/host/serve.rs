//! The host's side of connections: read what is there, rule on all of it, write the book, then the answers.

use super::answer::{Outcome, compose, compose_network, restore, rule};
use super::book_file::BookFile;
use super::faults::{Fault, FaultCounts, FaultKind, Faults, Moment};
use super::settings::{HostPorts, Settings};
use crate::bank::Book;
use crate::iso8583::codec::{Class, Message, Profile, next_frame};
use crate::stream::BoxedStream;
use bytes::BytesMut;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};

/// Answers that wait for their time, a connection.
const DELAYED: usize = 65_536;

/// An acquirer host.
pub struct Host {
    profile: &'static Profile,
    settings: Settings,
    ports: HostPorts,
    book: Book,
    file: BookFile,
    faults: Faults,
    begun: Instant,
    connections: AtomicUsize,
    requests: AtomicU64,
}

/// How a connection goes on after a frame.
enum Next {
    Go,
    Close,
}

impl Host {
    /// A host with the book at `path`, continued if there is one; without a path it keeps its book in memory alone.
    ///
    /// # Errors
    /// The book can't be opened, or is none.
    pub fn new(settings: Settings, ports: HostPorts, path: Option<&Path>) -> io::Result<Arc<Host>> {
        let book = Book::new(settings.book_entries);
        let mut previous = None;
        let file = match path {
            Some(path) => BookFile::open(path, |line| restore(&book, line, &mut previous))?,
            None => BookFile::none(),
        };
        Ok(Arc::new(Host {
            profile: Profile::tollgate_1987(),
            faults: Faults::new(settings.faults.clone()),
            settings,
            ports,
            book,
            file,
            begun: Instant::now(),
            connections: AtomicUsize::new(0),
            requests: AtomicU64::new(0),
        }))
    }

    /// The scripted faults, to change them while it serves.
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// How often each fault was delivered.
    #[must_use]
    pub fn fault_counts(&self) -> FaultCounts {
        self.faults.counts()
    }

    /// How many requests it received, sign-on and echo not counted.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Accepts connections for ever.
    ///
    /// # Errors
    /// The listener's.
    pub async fn serve(self: Arc<Host>, listener: TcpListener) -> io::Result<()> {
        loop {
            let (stream, _) = listener.accept().await?;
            stream.set_nodelay(true)?;
            let host = Arc::clone(&self);
            self.ports.tasks.spawn("acquirer host connection", Box::pin(host.serve_stream(Box::new(stream))));
        }
    }

    /// Serves one connection until it ends.
    pub async fn serve_stream(self: Arc<Host>, stream: BoxedStream) {
        let served = self.connections.fetch_add(1, Ordering::AcqRel);
        if served < self.settings.connections {
            let (reader, writer) = tokio::io::split(stream);
            if let Err(error) = self.converse(reader, writer).await {
                tracing::debug!(%error, "a connection to the acquirer host ended");
            }
        }
        self.connections.fetch_sub(1, Ordering::AcqRel);
    }

    async fn converse(
        self: &Arc<Host>,
        mut reader: ReadHalf<BoxedStream>,
        mut writer: WriteHalf<BoxedStream>,
    ) -> io::Result<()> {
        let (delayed, mut due) = mpsc::channel::<Vec<u8>>(DELAYED);
        let mut input = BytesMut::with_capacity(64 * 1024);
        let (mut out, mut lines) = (Vec::new(), Vec::new());
        loop {
            tokio::select! {
                biased;
                read = reader.read_buf(&mut input) => if read? == 0 { return Ok(()) },
                Some(answer) = due.recv() => out.extend_from_slice(&answer),
            }
            let mut next = Next::Go;
            while let (Next::Go, Some(frame)) =
                (&next, next_frame(self.profile, &mut input).map_err(io::Error::other)?)
            {
                next = self.received(&frame, &delayed, &mut out, &mut lines);
            }
            self.file.append(&lines)?;
            lines.clear();
            if !out.is_empty() {
                timeout(Duration::from_secs(10), writer.write_all(&out)).await??;
                writer.flush().await?;
                out.clear();
            }
            if matches!(next, Next::Close) {
                return Ok(());
            }
        }
    }

    fn received(
        self: &Arc<Host>,
        frame: &[u8],
        delayed: &mpsc::Sender<Vec<u8>>,
        out: &mut Vec<u8>,
        lines: &mut Vec<u8>,
    ) -> Next {
        let message = match Message::parse(self.profile, frame) {
            Ok(message) => message,
            Err(error) => {
                tracing::warn!(%error, "a request can't be read");
                return Next::Close;
            }
        };
        if message.mti().class() == Class::Network {
            if message.mti().asks() {
                compose_network(self.profile, &message, out).expect("an echo of fields that were read");
            }
            return Next::Go;
        }
        if !message.mti().asks() {
            return Next::Go;
        }
        self.requests.fetch_add(1, Ordering::Relaxed);
        let mti = message.mti();
        let at = Moment {
            mti: mti.as_bytes(),
            card: message.text(2),
            since_start_ms: u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        };
        let fault = self.faults.choose(&at, &*self.ports.random);
        let mut answer = Vec::with_capacity(256);
        let next = self.answer(&message, fault.as_ref(), &mut answer, lines);
        let mut wait = self.settings.latency.draw(&*self.ports.random);
        if let Some(fault) = &fault {
            wait += if fault.kind == FaultKind::Late {
                Duration::from_millis(fault.delay_ms)
            } else {
                Duration::ZERO
            };
        }
        if wait.is_zero() || matches!(next, Next::Close) {
            out.extend_from_slice(&answer);
        } else if !answer.is_empty() {
            let delayed = delayed.clone();
            self.ports.tasks.spawn(
                "delayed answer",
                Box::pin(async move {
                    sleep(wait).await;
                    // The connection may be gone by then; so is its answer.
                    let _ = delayed.try_send(answer);
                }),
            );
        }
        next
    }

    /// Rules, as far as the fault lets it, and writes the answer, as the fault will have it.
    fn answer(
        &self,
        message: &Message<'_>,
        fault: Option<&Fault>,
        out: &mut Vec<u8>,
        lines: &mut Vec<u8>,
    ) -> Next {
        let kind = fault.map(|fault| fault.kind);
        if let Some(kind) = kind {
            self.faults.delivered(kind);
        }
        if kind == Some(FaultKind::Reset) {
            return Next::Close;
        }
        let rules = !matches!(kind, Some(FaultKind::Lost | FaultKind::Respond));
        let less = i64::from(kind == Some(FaultKind::OtherAmount));
        let outcome = match (rules, fault) {
            (false, Some(fault)) => {
                Outcome { code: fault.code.clone().into(), amount: None, authorization: None }
            }
            _ => rule(&self.book, message, less, self.ports.clock.now(), lines),
        };
        self.write(message, kind, &outcome, out)
    }

    fn write(
        &self,
        message: &Message<'_>,
        kind: Option<FaultKind>,
        outcome: &Outcome,
        out: &mut Vec<u8>,
    ) -> Next {
        let compose = |out: &mut Vec<u8>| {
            compose(self.profile, message, outcome, out).expect("an echo of fields that were read");
        };
        match kind {
            None | Some(FaultKind::Late | FaultKind::OtherAmount | FaultKind::Respond) => compose(out),
            Some(FaultKind::Reset | FaultKind::ResetAfter) => return Next::Close,
            Some(FaultKind::Lost | FaultKind::Silent) => {}
            Some(FaultKind::PartialAnswer) => {
                compose(out);
                out.truncate(out.len() / 2);
                return Next::Close;
            }
            Some(FaultKind::Doubled) => {
                compose(out);
                out.extend_from_within(..);
            }
            Some(FaultKind::Anothers) => {
                compose(out);
                another(self.profile, out);
            }
            Some(FaultKind::Garbage) => {
                let mut noise = [0u8; 64];
                self.ports.random.fill(&mut noise);
                // A type that is none, so that it can't pass for a message by accident.
                noise[..4].copy_from_slice(b"\xff\xfe\xfd\xfc");
                out.extend_from_slice(&[0, 64]);
                out.extend_from_slice(&noise);
            }
        }
        Next::Go
    }
}

/// Turns an answer into one to another message: everything as it was, but another retrieval reference.
fn another(profile: &Profile, out: &mut Vec<u8>) {
    use crate::iso8583::codec::Builder;
    let Ok(message) = Message::parse(profile, out.get(2..).unwrap_or_default()) else { return };
    let mut changed = Builder::new(profile, message.mti());
    for field in message.fields().iter() {
        let value = message.field(field).unwrap_or_default();
        let value = if field == 37 { b"999999999999" } else { value };
        changed.set(field, value).expect("fields that were read");
    }
    let mut bytes = Vec::with_capacity(out.len());
    changed.encode(&mut bytes).expect("a message that was read");
    *out = bytes;
}
