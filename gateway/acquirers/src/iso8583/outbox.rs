//! Messages on their way out: a queue that all connections of an acquirer share, and what one connection is writing.

use super::departure::Departure;
use super::key::Key;
use crate::stream::Buffering;
use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use tokio::io::AsyncWrite;
use tokio::sync::Notify;
use zeroize::Zeroizing;

/// How many messages one write gathers.
const GATHERED: usize = 32;

/// A framed message, and whom it belongs to.
pub struct Outgoing {
    pub bytes: Zeroizing<Vec<u8>>,
    pub departure: Arc<Departure>,
    /// Nothing for sign-on and echo.
    pub entry: Option<(Key, u64)>,
}

/// The queue of one acquirer, bounded.
pub struct Queue {
    items: Mutex<VecDeque<Outgoing>>,
    most: usize,
    /// Rung when something is in the queue.
    pub ready: Notify,
}

impl Queue {
    /// A queue for at most `most` messages.
    pub fn new(most: usize) -> Queue {
        Queue { items: Mutex::default(), most, ready: Notify::new() }
    }

    /// Adds one at the end. False: the queue is full.
    pub fn push(&self, outgoing: Outgoing) -> bool {
        let mut items = self.items.lock().unwrap_or_else(PoisonError::into_inner);
        if items.len() >= self.most {
            // Those whose senders gave up take no room.
            items.retain(|item| !item.departure.is_revoked());
        }
        if items.len() >= self.most {
            return false;
        }
        items.push_back(outgoing);
        drop(items);
        self.ready.notify_one();
        true
    }

    /// Moves up to `room` messages to a connection.
    pub fn take(&self, room: usize, into: &mut VecDeque<Outgoing>) {
        let mut items = self.items.lock().unwrap_or_else(PoisonError::into_inner);
        let count = room.min(items.len());
        into.extend(items.drain(..count));
        let more = !items.is_empty();
        drop(items);
        if more {
            self.ready.notify_one();
        }
    }

    /// Puts messages back that a connection did not begin, in their order, before all others.
    pub fn put_back(&self, unbegun: VecDeque<Outgoing>) {
        let mut items = self.items.lock().unwrap_or_else(PoisonError::into_inner);
        unbegun.into_iter().rev().for_each(|outgoing| items.push_front(outgoing));
        drop(items);
        self.ready.notify_one();
    }

    /// Takes everything out.
    pub fn drain(&self) -> VecDeque<Outgoing> {
        std::mem::take(&mut *self.items.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What one connection is writing.
pub struct Writing {
    pub out: VecDeque<Outgoing>,
    /// How much of the first message is written.
    offset: usize,
    buffering: Buffering,
    /// Messages whose first byte is written, not collected yet.
    pub begun: Vec<(Key, u64, Arc<Departure>)>,
}

impl Writing {
    /// Nothing to write yet.
    pub fn new(buffering: Buffering) -> Writing {
        Writing { out: VecDeque::new(), offset: 0, buffering, begun: Vec::new() }
    }

    /// Hands over what the stream takes now. Ready when something was written or nothing is left; messages are claimed
    /// only for the moment of the write, so that a deadline can still revoke those that the stream had no room for.
    pub fn poll_some(
        &mut self,
        cx: &mut Context<'_>,
        stream: &mut (dyn AsyncWrite + Unpin),
    ) -> Poll<io::Result<()>> {
        let begun = usize::from(self.offset > 0);
        let fresh = loop {
            let mut at = 0;
            self.out.retain(|outgoing| {
                at += 1;
                at <= begun || !outgoing.departure.is_revoked()
            });
            if self.out.is_empty() {
                return Pin::new(stream).poll_flush(cx);
            }
            let fresh = self.claim(begun);
            if begun + fresh > 0 {
                break fresh;
            }
        };
        let mut slices = [IoSlice::new(&[]); GATHERED];
        let mut total = 0;
        for (at, (slice, outgoing)) in slices.iter_mut().zip(&self.out).take(begun + fresh).enumerate() {
            *slice = IoSlice::new(&outgoing.bytes[if at == 0 { self.offset } else { 0 }..]);
            total += slice.len();
        }
        let (written, outcome) = match Pin::new(stream).poll_write_vectored(cx, &slices[..begun + fresh]) {
            Poll::Pending => (0, Poll::Pending),
            Poll::Ready(Ok(0)) => (0, Poll::Ready(Err(io::ErrorKind::WriteZero.into()))),
            Poll::Ready(Ok(written)) => (written, Poll::Ready(Ok(()))),
            Poll::Ready(Err(error)) if self.buffering == Buffering::Inside => {
                (total, Poll::Ready(Err(error)))
            }
            Poll::Ready(Err(error)) => (0, Poll::Ready(Err(error))),
        };
        self.settle(fresh, written);
        outcome
    }

    /// Claims messages behind the one that is partly written; fewer if one is revoked in this moment.
    fn claim(&self, begun: usize) -> usize {
        let rest = self.out.iter().skip(begun).take(GATHERED - begun);
        rest.take_while(|outgoing| outgoing.departure.begin()).count()
    }

    /// After a write: those of the `fresh` claims that it reached have begun, the others are free again.
    fn settle(&mut self, mut fresh: usize, written: usize) {
        let mut left = written;
        while left > 0 {
            let Some(front) = self.out.front() else { break };
            if self.offset == 0 {
                fresh -= 1;
                self.begun
                    .extend(front.entry.map(|(key, serial)| (key, serial, Arc::clone(&front.departure))));
            }
            let rest = front.bytes.len() - self.offset;
            if left < rest {
                self.offset += left;
                break;
            }
            left -= rest;
            self.offset = 0;
            self.out.pop_front();
        }
        let begun = usize::from(self.offset > 0);
        self.out.iter().skip(begun).take(fresh).for_each(|outgoing| outgoing.departure.unbegin());
    }

    /// The messages that were not begun; the connection is over.
    pub fn into_unbegun(mut self) -> VecDeque<Outgoing> {
        if self.offset > 0 {
            self.out.pop_front();
        }
        self.out.retain(|outgoing| !outgoing.departure.is_revoked());
        self.out
    }
}
