//! Which acquirer takes a payment.

use gateway_core::acquirer::{Acquirer, Link};
use gateway_core::tenant::Mode;
use std::sync::Arc;

/// For an acquirer that the configuration no longer has.
const DEFAULT_TIMEOUT_MS: u64 = 10_000;

/// An acquirer, and the modes that it serves.
pub struct Target {
    pub acquirer: Arc<dyn Acquirer>,
    pub modes: Vec<Mode>,
    /// How long an answer may take, in milliseconds.
    pub timeout_ms: u64,
}

/// The configured acquirers, in the order in which they are asked.
#[derive(Default)]
pub struct Acquirers {
    targets: Vec<Target>,
}

impl Acquirers {
    /// In order of priority.
    pub fn new(targets: Vec<Target>) -> Self {
        Self { targets }
    }

    /// Those that may take a payment of this mode, the first first. Links that are down come last: a request waits for them
    /// within its time if there is no other.
    pub fn route(&self, mode: Mode) -> Vec<Arc<dyn Acquirer>> {
        let mut route: Vec<_> = self
            .targets
            .iter()
            .filter(|t| t.modes.contains(&mode))
            .map(|t| Arc::clone(&t.acquirer))
            .collect();
        route.sort_by_key(|acquirer| match acquirer.link() {
            Link::Up => 0,
            Link::Connecting => 1,
            Link::Down => 2,
        });
        route
    }

    /// The acquirer of this name; `None` if the configuration no longer has it.
    pub fn named(&self, name: &str) -> Option<Arc<dyn Acquirer>> {
        self.targets.iter().find(|t| t.acquirer.name() == name).map(|t| Arc::clone(&t.acquirer))
    }

    /// How long an answer of this acquirer may take, in milliseconds.
    pub fn timeout_ms(&self, name: &str) -> u64 {
        self.targets.iter().find(|t| t.acquirer.name() == name).map_or(DEFAULT_TIMEOUT_MS, |t| t.timeout_ms)
    }

    /// Whether one at least is signed on.
    pub fn any_up(&self) -> bool {
        self.targets.iter().any(|t| t.acquirer.link() == Link::Up)
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &Arc<dyn Acquirer>> {
        self.targets.iter().map(|t| &t.acquirer)
    }
}
