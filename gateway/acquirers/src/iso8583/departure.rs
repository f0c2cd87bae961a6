//! Whether a message has begun to leave: the line between `NotSent` and `Unknown`, drawn at its first byte.

use super::connection::Conn;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

const QUEUED: u8 = 0;
const BEGUN: u8 = 1;
/// Given up while a write held it: it counts as sent, but if the write did not reach it, it shall not leave later.
const ABANDONED: u8 = 2;
const REVOKED: u8 = 3;

/// Whether a message has begun to leave. One word, because two sides race for it: the writer, and the deadline.
#[derive(Default)]
pub struct Departure {
    state: AtomicU8,
    /// The connection that carries it, once it has begun.
    carrier: Mutex<Carrier>,
}

#[derive(Default)]
enum Carrier {
    #[default]
    None,
    Conn(Arc<Conn>),
    /// The message has its outcome; no connection needs to count it any more.
    Over,
}

impl Departure {
    /// The writer is about to hand over the first byte. False: the message was revoked, and must not leave.
    pub fn begin(&self) -> bool {
        self.state.compare_exchange(QUEUED, BEGUN, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// The writer handed over no byte of it after all.
    pub fn unbegin(&self) {
        if self.state.compare_exchange(BEGUN, QUEUED, Ordering::AcqRel, Ordering::Acquire).is_err() {
            self.state.store(REVOKED, Ordering::Release);
        }
    }

    /// Whoever waits gives up. True: no byte has left, and none will.
    pub fn revoke(&self) -> bool {
        let change = |from, to| self.state.compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire);
        loop {
            if change(QUEUED, REVOKED).is_ok() {
                return true;
            }
            match change(BEGUN, ABANDONED) {
                Ok(_) | Err(ABANDONED) => return false,
                Err(REVOKED) => return true,
                // The writer let go of it between the two looks.
                Err(_) => {}
            }
        }
    }

    /// Notes the connection whose window it fills. False: it has its outcome already.
    pub fn carried_by(&self, conn: &Arc<Conn>) -> bool {
        let mut carrier = self.carrier.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*carrier, Carrier::Over) {
            return false;
        }
        *carrier = Carrier::Conn(Arc::clone(conn));
        true
    }

    /// The message has its outcome. Says which connection's window it filled.
    pub fn over(&self) -> Option<Arc<Conn>> {
        let mut carrier = self.carrier.lock().unwrap_or_else(PoisonError::into_inner);
        match std::mem::replace(&mut *carrier, Carrier::Over) {
            Carrier::Conn(conn) => Some(conn),
            Carrier::None | Carrier::Over => None,
        }
    }

    /// Whether it was revoked.
    pub fn is_revoked(&self) -> bool {
        self.state.load(Ordering::Acquire) == REVOKED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_writer_and_deadline_wins() {
        let departure = Departure::default();
        assert!(departure.begin() && !departure.revoke() && !departure.is_revoked());
        departure.unbegin();
        assert!(
            departure.is_revoked() && !departure.begin(),
            "given up while claimed, not reached: it never leaves"
        );
        let departure = Departure::default();
        assert!(departure.begin());
        departure.unbegin();
        assert!(departure.revoke() && departure.is_revoked() && !departure.begin());
    }
}
