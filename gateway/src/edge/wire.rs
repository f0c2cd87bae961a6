//! The stream under hyper: notes reads and blocked writes for the watchdog, puts the envelope into the answers that
//! hyper gives by itself to a malformed head, and lets a client read its last answer before the socket goes away.

use super::pulse::{Blocked, Pulse};
use super::reply;
use super::shared::RequestIds;
use gateway_api::ApiError;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

/// What is discarded after the last answer, at most.
const LINGER_BYTES: usize = 16 << 20;

/// One client's encrypted stream.
pub(super) struct Wire {
    tls: TlsStream<TcpStream>,
    pulse: Arc<Pulse>,
    request_ids: RequestIds,
    /// Our answer in place of one of hyper's, and how much of it has been written.
    instead: Option<(Vec<u8>, usize)>,
    discarded: usize,
}

impl Wire {
    pub(super) fn new(tls: TlsStream<TcpStream>, pulse: Arc<Pulse>, request_ids: RequestIds) -> Self {
        Self { tls, pulse, request_ids, instead: None, discarded: 0 }
    }

    /// A write that belongs to no request is hyper's answer to a head that it could not read: a status and no body,
    /// which some clients take for a success. It is written in one piece.
    fn replaces(&mut self, first: &[u8]) -> bool {
        if self.instead.is_some() {
            return true;
        }
        if self.pulse.is_answering() || !first.starts_with(b"HTTP/1.1 4") {
            return false;
        }
        let error = match first.get(9..12) {
            Some(b"431") => ApiError::head_too_large(),
            Some(b"414") => reply::target_too_long(),
            _ => ApiError::invalid_request("The request's head is not well-formed HTTP/1.1."),
        };
        self.pulse.request_linger();
        self.instead = Some((reply::raw_http1(&error, (self.request_ids)()), 0));
        true
    }

    fn poll_instead(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some((bytes, written)) = &mut self.instead {
            let count = ready!(Pin::new(&mut self.tls).poll_write(cx, &bytes[*written..]))?;
            *written += count;
            if *written == bytes.len() {
                self.instead = None;
            } else if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
        }
        Poll::Ready(Ok(()))
    }

    fn note<T>(&self, result: Poll<T>) -> Poll<T> {
        self.pulse.note_blocked(if result.is_pending() { Blocked::Yes } else { Blocked::No });
        result
    }

    /// Reads what the client still sends, undeciphered, until it has read our last word and closes.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut scratch = [0u8; 8 * 1024];
        let socket = self.tls.get_mut().0;
        while self.discarded < LINGER_BYTES {
            let mut buffer = ReadBuf::new(&mut scratch);
            match ready!(Pin::new(&mut *socket).poll_read(cx, &mut buffer)) {
                Ok(()) if buffer.filled().is_empty() => break,
                Ok(()) => self.discarded += buffer.filled().len(),
                Err(_) => break,
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let result = Pin::new(&mut self.tls).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.pulse.note_received();
        }
        result
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.replaces(bytes) {
            ready!(self.poll_instead(cx))?;
            return Poll::Ready(Ok(bytes.len()));
        }
        let result = Pin::new(&mut self.tls).poll_write(cx, bytes);
        self.note(result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.replaces(slices.first().map_or(&[], |slice| &**slice)) {
            ready!(self.poll_instead(cx))?;
            return Poll::Ready(Ok(slices.iter().map(|slice| slice.len()).sum()));
        }
        let result = Pin::new(&mut self.tls).poll_write_vectored(cx, slices);
        self.note(result)
    }

    fn is_write_vectored(&self) -> bool {
        self.tls.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.tls).poll_flush(cx);
        match result {
            Poll::Ready(_) => self.pulse.note_flushed(),
            Poll::Pending => self.pulse.note_blocked(Blocked::Yes),
        }
        result
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.tls).poll_shutdown(cx))?;
        if !self.pulse.wants_linger() {
            return Poll::Ready(Ok(()));
        }
        // A socket that is closed with unread bytes resets, and the reset can overtake the answer.
        self.pulse.begin_linger();
        self.poll_linger(cx)
    }
}
