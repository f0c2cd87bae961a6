//! Who runs an operation in this process: a reservation in memory, made before anything is stored, held until it ends.

use crate::exchange::Reply;
use dashmap::DashMap;
use dashmap::mapref::entry::Entry as Slot;
use gateway_core::claim::{ClaimKey, RequestDigest};
use std::sync::{Arc, Mutex};
use tokio::sync::Notify;

struct Running {
    digest: RequestDigest,
    end: Arc<End>,
}

/// How an operation that runs will end. Those who wait are woken in the order in which they came, so that a simulation runs
/// alike each time (a watch channel would wake them in any).
#[derive(Default)]
pub struct End {
    /// Nothing yet, or whether it ended with a reply.
    how: Mutex<Option<Option<Reply>>>,
    rung: Notify,
}

impl End {
    /// Waits for the reply; nothing if the operation ended without one, and must be asked for again.
    pub async fn reply(&self) -> Option<Reply> {
        loop {
            let rung = self.rung.notified();
            if let Some(how) = self.how.lock().expect("no code panics while it holds this lock").clone() {
                return how;
            }
            rung.await;
        }
    }

    /// The first end counts.
    fn set(&self, reply: Option<Reply>) {
        self.how.lock().expect("no code panics while it holds this lock").get_or_insert(reply);
        self.rung.notify_waiters();
    }
}

/// The operations that run now, by their keys.
#[derive(Default)]
pub struct Claims {
    running: DashMap<ClaimKey, Running>,
}

/// What a request with a key finds in this process.
pub enum Entry {
    /// Nobody runs it: look into the store, then run.
    Run(Ticket),
    /// It runs: its reply will come here.
    Wait(Arc<End>),
    /// It runs, for another request.
    Mismatch,
}

/// The right to run one operation. Dropped without a reply, it lets a waiting request try in its place.
pub struct Ticket {
    claims: Arc<Claims>,
    key: ClaimKey,
    end: Arc<End>,
}

impl Claims {
    /// Reserves a key, or says who has it.
    pub fn enter(self: &Arc<Self>, key: &ClaimKey, digest: &RequestDigest) -> Entry {
        match self.running.entry(key.clone()) {
            Slot::Occupied(slot) if slot.get().digest == *digest => Entry::Wait(Arc::clone(&slot.get().end)),
            Slot::Occupied(_) => Entry::Mismatch,
            Slot::Vacant(slot) => {
                let end = Arc::<End>::default();
                slot.insert(Running { digest: *digest, end: Arc::clone(&end) });
                Entry::Run(Ticket { claims: Arc::clone(self), key: key.clone(), end })
            }
        }
    }

    /// Whether an operation runs under this key now.
    pub fn is_running(&self, key: &ClaimKey) -> bool {
        self.running.contains_key(key)
    }

    /// How many run.
    pub fn len(&self) -> usize {
        self.running.len()
    }

    /// Whether none runs.
    pub fn is_empty(&self) -> bool {
        self.running.is_empty()
    }
}

impl Ticket {
    /// The key it reserves.
    pub fn key(&self) -> &ClaimKey {
        &self.key
    }

    /// Ends the operation: everyone who waits gets the same reply.
    pub fn finish(self, reply: &Reply) {
        self.end.set(Some(reply.clone()));
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.claims.running.remove(&self.key);
        self.end.set(None);
    }
}
