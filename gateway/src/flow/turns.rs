//! One change of an object at a time in this process, in the order of arrival. Other processes are kept apart by versions.

use dashmap::DashMap;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, OwnedMutexGuard};

/// Queues, one an object.
pub struct Turns<K: Eq + Hash + Copy> {
    queues: DashMap<K, Arc<Mutex<()>>>,
}

/// The right to change one object. Dropped, it lets the next one in.
pub struct Turn<'a, K: Eq + Hash + Copy> {
    turns: &'a Turns<K>,
    key: K,
    guard: Option<OwnedMutexGuard<()>>,
}

impl<K: Eq + Hash + Copy> Default for Turns<K> {
    fn default() -> Self {
        Self { queues: DashMap::new() }
    }
}

impl<K: Eq + Hash + Copy> Turns<K> {
    /// Waits for the object's turn; `None` if it did not come in time.
    pub async fn wait(&self, key: K, deadline: Duration) -> Option<Turn<'_, K>> {
        let queue = Arc::clone(&self.queues.entry(key).or_default());
        let guard = tokio::time::timeout(deadline, queue.lock_owned()).await.ok();
        // The turn is made even without a guard: dropping it clears a queue that nobody uses.
        let turn = Turn { turns: self, key, guard };
        turn.guard.is_some().then_some(turn)
    }
}

impl<K: Eq + Hash + Copy> Drop for Turn<'_, K> {
    fn drop(&mut self) {
        self.guard = None;
        // Only the map holds it: nobody waits. The map's lock keeps newcomers out meanwhile.
        self.turns.queues.remove_if(&self.key, |_, queue| Arc::strong_count(queue) == 1);
    }
}
