//! The line in front of the writer: bounded for new work, open for outcomes, whose number the new work before them bounds.

use super::machine::Verdict;
use super::prepared::Prepared;
use gateway_core::journal::CommitError;
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::Duration;
use tokio::sync::oneshot;

/// What a waiting batch is told.
#[derive(Debug)]
pub(crate) enum Reply {
    /// With the batch, if it was committed.
    Judged(Verdict, Option<Box<Prepared>>),
    /// No room on the disk for new work.
    Full,
}

/// A batch that waits.
pub(crate) struct Request {
    pub prepared: Box<Prepared>,
    pub tell: oneshot::Sender<Reply>,
}

#[derive(Default)]
struct Line {
    waiting: VecDeque<Request>,
    /// Of all that waits.
    bytes: usize,
    closed: Option<String>,
    /// The writer sleeps: whoever comes must wake it.
    idle: bool,
}

/// What the writer finds.
pub(crate) enum Next {
    Requests(VecDeque<Request>),
    /// Nothing came in time.
    Idle,
    /// The line is closed and empty.
    Closed,
}

/// The line.
pub(crate) struct Queue {
    line: Mutex<Line>,
    came: Condvar,
    bound: Bound,
}

/// From where on new work is refused; what follows up earlier work, at twice as much.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    /// Batches in the line.
    pub batches: usize,
    /// Their bytes.
    pub bytes: usize,
}

const HELD: &str = "nothing panics while it holds this lock";

impl Queue {
    pub(crate) fn new(bound: Bound) -> Self {
        Self { line: Mutex::default(), came: Condvar::new(), bound }
    }

    fn lock(&self) -> MutexGuard<'_, Line> {
        self.line.lock().expect(HELD)
    }

    pub(crate) fn push(&self, request: Request) -> Result<(), CommitError> {
        let mut line = self.lock();
        if let Some(why) = &line.closed {
            return Err(CommitError::Unavailable(why.clone()));
        }
        let prepared = &request.prepared;
        if !prepared.fits(line.waiting.len(), self.bound.batches)
            || !prepared.fits(line.bytes, self.bound.bytes)
        {
            return Err(CommitError::Overloaded);
        }
        line.bytes += prepared.max_len;
        line.waiting.push_back(request);
        if line.idle {
            line.idle = false;
            self.came.notify_one();
        }
        Ok(())
    }

    /// Everything that waits; sleeps at most `patience` for it.
    pub(crate) fn take(&self, patience: Duration) -> Next {
        let mut line = self.lock();
        if line.waiting.is_empty() && line.closed.is_none() {
            line.idle = true;
            line = self.came.wait_timeout(line, patience).expect(HELD).0;
            line.idle = false;
        }
        if !line.waiting.is_empty() {
            line.bytes = 0;
            Next::Requests(std::mem::take(&mut line.waiting))
        } else if line.closed.is_some() {
            Next::Closed
        } else {
            Next::Idle
        }
    }

    /// Refuses what comes from now on; what waits is still served.
    pub(crate) fn close(&self, why: &str) {
        let mut line = self.lock();
        line.closed.get_or_insert_with(|| why.to_owned());
        self.came.notify_all();
    }

    /// Drops everything that waits: nobody will serve it.
    pub(crate) fn abandon(&self, why: &str) {
        self.close(why);
        self.lock().waiting.clear();
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().waiting.len()
    }
}
