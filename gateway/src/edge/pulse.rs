//! What a connection is doing right now, noted by its parts in passing and read by its watchdog.
//!
//! All of it belongs to one connection. In HTTP/1.1 one task does everything, in HTTP/2 each request has a task of its
//! own; so these are atomics, but nobody contends for them and no order between them matters.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};

/// What was agreed by ALPN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Protocol {
    Http1,
    Http2,
}

/// What a connection spends its time on; each has its own deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Activity {
    /// Waits for the next request.
    Idle,
    /// Part of a head has arrived (HTTP/1.1).
    Head,
    /// Part of a body has arrived (HTTP/1.1; in HTTP/2 each request has its own timer).
    Body,
    /// The service works. It has deadlines of its own.
    Busy,
    /// The client is to take an answer.
    Writing,
    /// The last answer is written; what still comes is discarded.
    Lingering,
}

/// The notes.
#[derive(Debug)]
pub(super) struct Pulse {
    protocol: Protocol,
    /// Requests whose answer is not ready.
    open: AtomicU32,
    /// Requests answered, counted round.
    served: AtomicU32,
    /// Requests dropped before their answer was ready.
    abandoned: AtomicU32,
    /// Bodies given to HTTP/2 and not yet written out, and how many have been.
    unsent: AtomicU32,
    sent: AtomicU32,
    /// Bytes came in since the last request was taken up or answered.
    received: AtomicBool,
    reading_body: AtomicBool,
    body_late: AtomicBool,
    /// An answer was handed to HTTP/1.1 and is not flushed.
    answering: AtomicBool,
    /// The socket takes no more at the moment.
    blocked: AtomicBool,
    linger: AtomicBool,
    lingering: AtomicBool,
}

impl Pulse {
    pub(super) fn new(protocol: Protocol) -> Self {
        Self {
            protocol,
            open: AtomicU32::new(0),
            served: AtomicU32::new(0),
            abandoned: AtomicU32::new(0),
            unsent: AtomicU32::new(0),
            sent: AtomicU32::new(0),
            received: AtomicBool::new(false),
            reading_body: AtomicBool::new(false),
            body_late: AtomicBool::new(false),
            answering: AtomicBool::new(false),
            blocked: AtomicBool::new(false),
            linger: AtomicBool::new(false),
            lingering: AtomicBool::new(false),
        }
    }

    pub(super) fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// The current activity, and a number that moves when it makes progress: a new pair is a new deadline.
    pub(super) fn activity(&self) -> (Activity, u32) {
        if self.lingering.load(Relaxed) {
            return (Activity::Lingering, 0);
        }
        let open = self.open.load(Relaxed) > 0;
        let served = self.served.load(Relaxed);
        match self.protocol {
            Protocol::Http1 if open && self.reading_body.load(Relaxed) => (Activity::Body, served),
            Protocol::Http1 if open => (Activity::Busy, served),
            Protocol::Http1 if self.answering.load(Relaxed) => (Activity::Writing, served),
            Protocol::Http1 if self.received.load(Relaxed) => (Activity::Head, served),
            Protocol::Http2 if self.blocked.load(Relaxed) || self.unsent.load(Relaxed) > 0 => {
                (Activity::Writing, self.sent.load(Relaxed))
            }
            Protocol::Http2 if open => (Activity::Busy, served),
            Protocol::Http1 | Protocol::Http2 => (Activity::Idle, served),
        }
    }

    /// Whether the client opens and drops requests without reading answers (a flood of resets).
    pub(super) fn is_abused(&self) -> bool {
        const TOLERATED: u32 = 256;
        let abandoned = self.abandoned.load(Relaxed);
        abandoned > TOLERATED && abandoned > self.served.load(Relaxed)
    }

    pub(super) fn note_received(&self) {
        self.received.store(true, Relaxed);
    }

    pub(super) fn note_blocked(&self, blocked: Blocked) {
        self.blocked.store(matches!(blocked, Blocked::Yes), Relaxed);
    }

    pub(super) fn note_flushed(&self) {
        self.blocked.store(false, Relaxed);
        self.answering.store(false, Relaxed);
    }

    /// Whether what is written now is the answer to a request (and not hyper's own word about a bad head).
    pub(super) fn is_answering(&self) -> bool {
        self.answering.load(Relaxed) || self.open.load(Relaxed) > 0
    }

    pub(super) fn begin_body(&self) {
        self.reading_body.store(true, Relaxed);
    }

    pub(super) fn end_body(&self) {
        self.reading_body.store(false, Relaxed);
    }

    /// Tells whoever reads the body that its time is over.
    pub(super) fn give_up_body(&self) {
        self.body_late.store(true, Relaxed);
    }

    pub(super) fn is_body_late(&self) -> bool {
        self.body_late.load(Relaxed)
    }

    pub(super) fn hand_over_body(&self) {
        self.unsent.fetch_add(1, Relaxed);
    }

    pub(super) fn note_sent(&self) {
        self.sent.fetch_add(1, Relaxed);
        self.unsent.fetch_sub(1, Relaxed);
    }

    /// After the answer at hand, keep reading and discarding for a while, so that the client gets to read it.
    pub(super) fn request_linger(&self) {
        self.linger.store(true, Relaxed);
    }

    pub(super) fn wants_linger(&self) -> bool {
        self.linger.load(Relaxed)
    }

    pub(super) fn begin_linger(&self) {
        self.lingering.store(true, Relaxed);
    }
}

/// Whether the socket took what was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Blocked {
    Yes,
    No,
}

/// One request, from its head to its answer. Dropped without [`Open::answered`], it counts as abandoned.
pub(super) struct Open<'a> {
    pulse: &'a Pulse,
    answered: bool,
}

impl<'a> Open<'a> {
    pub(super) fn new(pulse: &'a Pulse) -> Self {
        pulse.received.store(false, Relaxed);
        pulse.open.fetch_add(1, Relaxed);
        Self { pulse, answered: false }
    }

    /// The answer is ready to be written.
    pub(super) fn answered(mut self) {
        self.answered = true;
        self.pulse.served.fetch_add(1, Relaxed);
        self.pulse.received.store(false, Relaxed);
        self.pulse.answering.store(true, Relaxed);
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.pulse.open.fetch_sub(1, Relaxed);
        if !self.answered {
            self.pulse.abandoned.fetch_add(1, Relaxed);
        }
    }
}
