//! What can be set of the host.

use super::faults::Fault;
use crate::tasks::Tasks;
use gateway_core::ports::{Clock, Random};
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;

/// What the host needs of the world.
#[derive(Clone)]
pub struct HostPorts {
    /// For the book's lines.
    pub clock: Arc<dyn Clock>,
    /// For latencies and faults.
    pub random: Arc<dyn Random>,
    /// Runs one task a connection.
    pub tasks: Arc<dyn Tasks>,
}

impl From<&crate::Ports> for HostPorts {
    fn from(ports: &crate::Ports) -> HostPorts {
        let crate::Ports { clock, random, tasks, .. } = ports.clone();
        HostPorts { clock, random, tasks }
    }
}

/// The host's settings; all have defaults.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// How long answers take.
    pub latency: Latency,
    /// What goes wrong, and when. The first that fits a message applies.
    #[serde(rename = "fault")]
    pub faults: Vec<Fault>,
    /// How many messages the book remembers, at some 150 bytes each.
    pub book_entries: usize,
    /// How many connections are served; one more is closed at once.
    pub connections: usize,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            latency: Latency::default(),
            faults: Vec::new(),
            book_entries: 4_000_000,
            connections: 1_024,
        }
    }
}

/// How long answers take: a fixed time, an evenly drawn one on top, and now and then a long one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Latency {
    /// Milliseconds that every answer takes.
    pub fixed_ms: u64,
    /// At most so many milliseconds more, drawn evenly.
    pub spread_ms: u64,
    /// How many answers in a million take `tail_ms` more.
    pub tail_per_million: u64,
    /// Milliseconds.
    pub tail_ms: u64,
}

impl Latency {
    /// Draws one answer's time.
    pub fn draw(&self, random: &dyn Random) -> Duration {
        let spread = if self.spread_ms > 0 { random.below(self.spread_ms + 1) } else { 0 };
        let in_tail = self.tail_per_million > 0 && random.below(1_000_000) < self.tail_per_million;
        Duration::from_millis(self.fixed_ms + spread + if in_tail { self.tail_ms } else { 0 })
    }
}
