//! The small ports: time, randomness, ids, number sequences. The big ones are [`crate::journal`] and [`crate::acquirer`].

use crate::id::Id;
use crate::time::Timestamp;
use std::future::Future;
use std::pin::Pin;

/// A boxed future, so that ports stay object-safe.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Wall-clock time. Waits are the runtime's (monotonic); this is for what is stored and shown.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;
    /// Nanoseconds on a clock that never runs backwards, from an arbitrary origin: for rates and latencies.
    fn monotonic_ns(&self) -> u64;
}

/// Randomness. Production draws from the operating system; the simulation from its seed.
pub trait Random: Send + Sync {
    /// Fills `out` with random bytes.
    fn fill(&self, out: &mut [u8]);

    /// A random number below `bound` (which must not be 0), near enough to uniform for jitter and choices.
    fn below(&self, bound: u64) -> u64 {
        let mut bytes = [0u8; 8];
        self.fill(&mut bytes);
        ((u128::from(u64::from_le_bytes(bytes)) * u128::from(bound)) >> 64) as u64
    }
}

/// New identifiers: unique, and never smaller than one given before by the same process.
pub trait Ids: Send + Sync {
    /// The next id.
    fn next(&self) -> Id;
}

/// Sequences of numbers that never repeat, also over restarts: leased from the store in blocks, so that most calls touch no disk.
pub trait Sequences: Send + Sync {
    /// The next number of the sequence `name`, from 1.
    ///
    /// # Errors
    /// The store could not lease a block in time.
    fn next<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<u64, SequenceError>>;
}

/// A block of numbers could not be leased; nothing was used up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SequenceError(pub String);
