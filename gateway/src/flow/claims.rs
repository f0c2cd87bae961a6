//! Who runs an operation in this process: a reservation in memory, made before anything is stored, held until it ends.

use crate::exchange::Reply;
use dashmap::DashMap;
use dashmap::mapref::entry::Entry as Slot;
use gateway_core::claim::{ClaimKey, RequestDigest};
use std::sync::Arc;
use tokio::sync::watch;

struct Running {
    digest: RequestDigest,
    done: watch::Receiver<Option<Reply>>,
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
    /// It runs: its reply will come here. The sender's end without a value means that it must be asked again.
    Wait(watch::Receiver<Option<Reply>>),
    /// It runs, for another request.
    Mismatch,
}

/// The right to run one operation. Dropped without a reply, it lets a waiting request try in its place.
pub struct Ticket {
    claims: Arc<Claims>,
    key: ClaimKey,
    done: watch::Sender<Option<Reply>>,
}

impl Claims {
    /// Reserves a key, or says who has it.
    pub fn enter(self: &Arc<Self>, key: &ClaimKey, digest: &RequestDigest) -> Entry {
        match self.running.entry(key.clone()) {
            Slot::Occupied(slot) if slot.get().digest == *digest => Entry::Wait(slot.get().done.clone()),
            Slot::Occupied(_) => Entry::Mismatch,
            Slot::Vacant(slot) => {
                let (sender, receiver) = watch::channel(None);
                slot.insert(Running { digest: *digest, done: receiver });
                Entry::Run(Ticket { claims: Arc::clone(self), key: key.clone(), done: sender })
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
        self.done.send_replace(Some(reply.clone()));
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.claims.running.remove(&self.key);
    }
}
