//! The lossy index.

use super::coin;
use crate::embedded::port::{Change, Index, IndexError, Seal, Visit};
use gateway_core::journal::First;
use gateway_core::ports::Random;
use std::collections::BTreeMap;
use std::ops::{Bound, ControlFlow};
use std::sync::{Arc, Mutex, MutexGuard};

/// An index in memory. Clones are the same index.
#[derive(Clone, Default)]
pub struct LossyIndex(Arc<Mutex<State>>);

type Entries = BTreeMap<Vec<u8>, Vec<u8>>;

#[derive(Default)]
struct State {
    now: Entries,
    seal: Option<Seal>,
    /// As of the last persist.
    durable: (Entries, Option<Seal>),
}

impl State {
    fn take(&mut self, changes: &mut dyn Iterator<Item = Change<'_>>) {
        for (key, value) in changes {
            match value {
                Some(value) => self.now.insert(key.to_vec(), value.to_vec()),
                None => self.now.remove(key),
            };
        }
    }
}

impl LossyIndex {
    /// An empty index.
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("nothing panics while it holds this lock")
    }

    /// The power goes and comes back: of each key, what was last persisted or what was last written is there, as drawn.
    pub fn crash(&self, random: &dyn Random) {
        let mut state = self.lock();
        let (mut after, seal) = state.durable.clone();
        let State { now, .. } = &mut *state;
        let keys: Vec<Vec<u8>> = now.keys().chain(after.keys()).cloned().collect();
        for key in keys {
            if coin(random) {
                match now.get(&key) {
                    Some(value) => after.insert(key, value.clone()),
                    None => after.remove(&key),
                };
            }
        }
        state.durable = (after.clone(), seal);
        state.now = after;
        state.seal = seal;
    }

    /// A copy of it as it is now, durable.
    pub fn copy(&self) -> Self {
        let state = self.lock();
        let (now, seal) = (state.now.clone(), state.seal);
        let durable = (now.clone(), seal);
        Self(Arc::new(Mutex::new(State { now, seal, durable })))
    }

    /// How many keys begin with this byte.
    pub fn count(&self, kind: u8) -> usize {
        self.lock().now.keys().filter(|key| key.first() == Some(&kind)).count()
    }

    /// Someone deletes it.
    pub fn lose(&self) {
        *self.lock() = State::default();
    }
}

impl Index for LossyIndex {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, IndexError> {
        Ok(self.lock().now.get(key).cloned())
    }

    fn write(&self, changes: &mut dyn Iterator<Item = Change<'_>>) -> Result<(), IndexError> {
        self.lock().take(changes);
        Ok(())
    }

    fn range(&self, from: &[u8], to: &[u8], first: First, visit: &mut Visit<'_>) -> Result<(), IndexError> {
        let state = self.lock();
        let mut range = state.now.range::<[u8], _>((Bound::Included(from), Bound::Included(to)));
        while let Some((key, value)) = match first {
            First::Oldest => range.next(),
            First::Newest => range.next_back(),
        } {
            if visit(key, value) == ControlFlow::Break(()) {
                break;
            }
        }
        Ok(())
    }

    fn persist(&self, changes: &mut dyn Iterator<Item = Change<'_>>, seal: Seal) -> Result<(), IndexError> {
        let mut state = self.lock();
        state.take(changes);
        state.seal = Some(seal);
        state.durable = (state.now.clone(), Some(seal));
        Ok(())
    }

    fn seal(&self) -> Result<Option<Seal>, IndexError> {
        Ok(self.lock().seal)
    }

    fn clear(&self) -> Result<(), IndexError> {
        let mut state = self.lock();
        state.now.clear();
        state.seal = None;
        Ok(())
    }
}
