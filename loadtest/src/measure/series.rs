//! A run in slices of equal length: what a report draws over time.

use hdrhistogram::Histogram;
use std::time::Duration;

/// The most slices of one run; longer runs have longer slices.
const MOST: u64 = 600;
/// Longest latency that is told apart: ten minutes, in microseconds.
const HIGHEST_US: u64 = 600_000_000;

/// One slice.
#[derive(Debug, Clone)]
pub struct Slice {
    /// Requests that were due in it.
    pub due: u64,
    /// Answers that came in it, errors included.
    pub done: u64,
    pub errors: u64,
    /// Those of the errors that were refusals: 429 and 503.
    pub refused: u64,
    /// Those of them for which there was no connection.
    pub unsent: u64,
    /// From the sending to the refusal, in microseconds.
    pub refusals: Histogram<u32>,
    /// Requests that the client itself noticed late.
    pub late: u64,
    /// Latencies of the expected answers that came in it, and of requests that got none in time, in microseconds.
    pub latency: Histogram<u32>,
}

impl Slice {
    /// One in which nothing happened.
    pub fn new() -> Self {
        let histogram = || Histogram::new_with_bounds(1, HIGHEST_US, 2).expect("two digits are legal");
        let (refusals, latency) = (histogram(), histogram());
        Self { due: 0, done: 0, errors: 0, refused: 0, unsent: 0, refusals, late: 0, latency }
    }

    /// Adds what another thread saw in the same time, or this one in another.
    pub fn add(&mut self, other: &Self) {
        self.due += other.due;
        self.done += other.done;
        self.errors += other.errors;
        self.refused += other.refused;
        self.unsent += other.unsent;
        self.late += other.late;
        self.refusals.add(&other.refusals).expect("all slices have the same bounds");
        self.latency.add(&other.latency).expect("all slices have the same bounds");
    }
}

impl Default for Slice {
    fn default() -> Self {
        Self::new()
    }
}

/// The slices of a run.
#[derive(Debug, Clone)]
pub struct Series {
    slice: Duration,
    slices: Vec<Slice>,
}

impl Series {
    /// Slices of a second, or longer if the run has more than 600 of them.
    pub fn new(length: Duration) -> Self {
        let seconds = length.as_secs().div_ceil(MOST).max(1);
        Self { slice: Duration::from_secs(seconds), slices: Vec::new() }
    }

    /// The length of a slice.
    pub fn slice(&self) -> Duration {
        self.slice
    }

    /// All slices so far.
    pub fn slices(&self) -> &[Slice] {
        &self.slices
    }

    fn at(&mut self, at: Duration) -> &mut Slice {
        let index = usize::try_from(at.as_micros() / self.slice.as_micros()).unwrap_or(usize::MAX);
        // Answers may come after the end; they fall into the last slices, of which there are not more than twice as many.
        let index = index.min(2 * MOST as usize);
        while self.slices.len() <= index {
            self.slices.push(Slice::new());
        }
        &mut self.slices[index]
    }

    /// A request was due at this distance from the start.
    pub fn due(&mut self, at: Duration) {
        self.at(at).due += 1;
    }

    /// The client noticed late that one was due.
    pub fn late(&mut self, at: Duration) {
        self.at(at).late += 1;
    }

    /// An answer came at this distance from the start.
    pub fn done(&mut self, at: Duration, latency_us: u64) {
        let slice = self.at(at);
        slice.done += 1;
        slice.latency.saturating_record(latency_us.max(1));
    }

    /// A request failed; how quickly says nothing of the server.
    pub fn failed(&mut self, at: Duration) {
        let slice = self.at(at);
        slice.done += 1;
        slice.errors += 1;
    }

    /// A request was given up before it was sent.
    pub fn unsent(&mut self, at: Duration) {
        self.failed(at);
        self.at(at).unsent += 1;
    }

    /// A refusal came: it is done, and an error, and so quick that its latency would hide the others'.
    pub fn refused(&mut self, at: Duration, service_us: u64) {
        let slice = self.at(at);
        slice.refusals.saturating_record(service_us.max(1));
        slice.done += 1;
        slice.errors += 1;
        slice.refused += 1;
    }

    /// The answer that was just counted was an error.
    pub fn error(&mut self, at: Duration) {
        self.at(at).errors += 1;
    }

    /// Adds another thread's series of the same run.
    pub fn add(&mut self, other: &Self) {
        for (index, slice) in other.slices.iter().enumerate() {
            self.at(self.slice * u32::try_from(index).expect("at most 1,200 slices")).add(slice);
        }
    }
}
