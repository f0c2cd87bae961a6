//! How load is made: the target, the pace, the connections.

use crate::load::Shape;
use crate::wire::{Http, Sources, Target};
use std::time::Duration;

/// When requests are sent.
#[derive(Debug, Clone)]
pub enum Pace {
    /// At the moments of the shape, whatever the server does. Latency counts from the intended moment.
    Open(Shape),
    /// Each connection sends as soon as it has an answer. Latency counts from the sending, and says nothing of what
    /// clients that do not wait would have seen.
    Closed,
}

/// One run.
#[derive(Debug, Clone)]
pub struct Plan {
    pub target: Target,
    pub pace: Pace,
    pub connections: usize,
    /// Requests at once on each connection; 1 with HTTP/1.1.
    pub streams: usize,
    /// Threads of the client.
    pub workers: usize,
    /// Answers to requests that were due in this time are not measured.
    pub warmup: Duration,
    /// The measured time after it.
    pub duration: Duration,
    /// Longest wait for an answer.
    pub timeout: Duration,
    pub sources: Sources,
    pub seed: u64,
    /// The most requests that may wait for a connection; more are lost as `unsent`.
    pub backlog: usize,
    /// A request that has waited for a connection for longer than this is lost as `unsent` too.
    pub gives_up: Option<Duration>,
    /// For so long a server that refuses the first connections is asked again: it may be one that is killed and comes back.
    pub insistence: Duration,
    /// How long after the end requests that are sent again may still take, beyond one timeout.
    pub patience: Duration,
}

impl Plan {
    /// A plan with the usual sizes.
    pub fn new(target: Target, pace: Pace, duration: Duration) -> Self {
        let streams = if target.http == Http::Two { 16 } else { 1 };
        Self {
            target,
            pace,
            connections: 256,
            streams,
            workers: std::thread::available_parallelism().map_or(2, usize::from).min(8),
            warmup: Duration::from_secs(1),
            duration,
            timeout: Duration::from_secs(30),
            sources: Sources::new(256),
            seed: 1,
            backlog: 100_000,
            gives_up: None,
            insistence: Duration::ZERO,
            patience: Duration::from_secs(5),
        }
    }

    /// Warm-up and measured time.
    pub fn length(&self) -> Duration {
        self.warmup + self.duration
    }
}
