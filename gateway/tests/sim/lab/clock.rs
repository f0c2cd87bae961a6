//! The simulated clocks: one that runs evenly on the runtime's virtual time, and a wall clock that can be set wrong.

use gateway_core::ports::Clock;
use gateway_core::time::Timestamp;
use std::sync::atomic::{AtomicI64, Ordering};
use tokio::time::Instant;

/// Where wall-clock time begins: a summer day in 2027.
const EPOCH_MS: i64 = 1_814_400_000_000;

/// Both clocks of one simulated machine.
pub struct SimClock {
    begun: Instant,
    wrong_by_ms: AtomicI64,
}

impl SimClock {
    /// Both begin now.
    pub fn new() -> Self {
        Self { begun: Instant::now(), wrong_by_ms: AtomicI64::new(0) }
    }

    /// Virtual milliseconds since the seed began.
    pub fn elapsed_ms(&self) -> u64 {
        self.begun.elapsed().as_millis() as u64
    }

    /// Somebody sets the wall clock.
    pub fn jump(&self, by_ms: i64) {
        self.wrong_by_ms.fetch_add(by_ms, Ordering::Relaxed);
    }

    /// How far the wall clock is from where it would be without jumps.
    pub fn wrong_by_ms(&self) -> i64 {
        self.wrong_by_ms.load(Ordering::Relaxed)
    }
}

impl Clock for SimClock {
    fn now(&self) -> Timestamp {
        Timestamp(EPOCH_MS + self.elapsed_ms() as i64 + self.wrong_by_ms())
    }

    fn monotonic_ns(&self) -> u64 {
        self.begun.elapsed().as_nanos() as u64
    }
}
