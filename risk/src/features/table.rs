//! One bounded, sharded table of entities: readers never wait for each other, eviction is deterministic.

use std::collections::VecDeque;
use std::hash::{BuildHasherDefault, Hasher};

use dashmap::DashMap;

use super::state::EntityState;
use crate::event::mix;

/// Hashes the 64-bit keys; deterministic, because the keys are already keyed fingerprints.
#[derive(Default)]
pub(crate) struct KeyHasher(u64);

impl Hasher for KeyHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = mix(self.0 ^ u64::from(*byte));
        }
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = mix(key);
    }
}

/// Entities of one kind. States are boxed, so that the map's spare places cost sixteen bytes, not two hundred.
pub(crate) struct Table {
    states: DashMap<u64, Box<EntityState>, BuildHasherDefault<KeyHasher>>,
}

/// The order in which the entities of a table are considered for eviction; only the writer holds it.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    pub(crate) keys: VecDeque<u64>,
    pub(crate) evicted: u64,
}

impl Table {
    pub(crate) fn new() -> Self {
        Table { states: DashMap::with_hasher_and_shard_amount(BuildHasherDefault::default(), 64) }
    }

    pub(crate) fn len(&self) -> usize {
        self.states.len()
    }

    /// A copy of one entity's state; no lock is held afterwards.
    pub(crate) fn read(&self, key: u64) -> Option<EntityState> {
        self.states.get(&key).map(|state| **state)
    }

    /// Changes one entity's state in place, if it is known.
    pub(crate) fn update(&self, key: u64, change: impl FnOnce(&mut EntityState)) {
        if let Some(mut state) = self.states.get_mut(&key) {
            change(&mut state);
        }
    }

    /// Changes one entity's state, making room for it if it is new.
    pub(crate) fn upsert(
        &self,
        key: u64,
        places: (&mut Queue, usize),
        change: impl FnOnce(&mut EntityState),
    ) {
        if let Some(mut state) = self.states.get_mut(&key) {
            state.referenced = true;
            change(&mut state);
            return;
        }
        let (queue, capacity) = places;
        while queue.keys.len() >= capacity.max(1) {
            self.evict_one(queue);
        }
        let mut state = Box::<EntityState>::default();
        change(&mut state);
        self.states.insert(key, state);
        queue.keys.push_back(key);
    }

    /// The second-chance clock: an entity seen since its last turn goes to the back, the first other leaves.
    fn evict_one(&self, queue: &mut Queue) {
        while let Some(key) = queue.keys.pop_front() {
            let spared =
                self.states.get_mut(&key).is_some_and(|mut state| std::mem::take(&mut state.referenced));
            if spared {
                queue.keys.push_back(key);
            } else {
                self.states.remove(&key);
                queue.evicted += 1;
                return;
            }
        }
    }

    pub(crate) fn insert(&self, key: u64, state: EntityState) {
        self.states.insert(key, Box::new(state));
    }
}
