//! What can be set of the simulated acquirer.

use serde::Deserialize;

/// The simulated acquirer's settings; all have defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// How long an answer takes, in milliseconds; 0 answers at once, without a timer.
    pub latency_ms: u64,
    /// How many messages may be in flight; 0 is no limit. One more waits for a place within its own deadline, and is
    /// then not sent.
    pub window: usize,
    /// How many messages the book remembers, at some 150 bytes each.
    pub book_entries: usize,
    /// How long a customer may take over a challenge, in milliseconds.
    pub challenge_ms: u64,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { latency_ms: 0, window: 0, book_entries: 100_000, challenge_ms: 900_000 }
    }
}
