//! One bounded table of entities, whose eviction is deterministic.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasherDefault, Hasher};

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

/// Parts of a table. Each grows by itself, so that no record waits for a million entries to move.
const PARTS: usize = 64;

type Part = HashMap<u64, Box<EntityState>, BuildHasherDefault<KeyHasher>>;

/// Entities of one kind. States are boxed, so that the map's spare places cost sixteen bytes, not two hundred.
pub(crate) struct Table {
    parts: Box<[Part]>,
}

/// The order in which the entities of a table are considered for eviction; only the writer holds it.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    pub(crate) keys: VecDeque<u64>,
    pub(crate) evicted: u64,
}

impl Table {
    pub(crate) fn new() -> Self {
        Table { parts: (0..PARTS).map(|_| Part::default()).collect() }
    }

    pub(crate) fn len(&self) -> usize {
        self.parts.iter().map(Part::len).sum()
    }

    /// One entity's state, if it is known.
    #[inline]
    pub(crate) fn read(&self, key: u64) -> Option<&EntityState> {
        self.parts[part_of(key)].get(&key).map(Box::as_ref)
    }

    /// The same, to be changed.
    #[inline]
    pub(crate) fn write(&mut self, key: u64) -> Option<&mut EntityState> {
        self.parts[part_of(key)].get_mut(&key).map(Box::as_mut)
    }

    /// Changes one entity's state, making room for it if it is new.
    pub(crate) fn upsert(
        &mut self,
        key: u64,
        places: (&mut Queue, usize),
        change: impl FnOnce(&mut EntityState),
    ) {
        if let Some(state) = self.write(key) {
            state.referenced = true;
            change(state);
            return;
        }
        let (queue, capacity) = places;
        while queue.keys.len() >= capacity.max(1) {
            self.evict_one(queue);
        }
        let mut state = Box::<EntityState>::default();
        change(&mut state);
        self.parts[part_of(key)].insert(key, state);
        queue.keys.push_back(key);
    }

    /// The second-chance clock: an entity seen since its last turn goes to the back, the first other leaves.
    fn evict_one(&mut self, queue: &mut Queue) {
        while let Some(key) = queue.keys.pop_front() {
            let spared = self.write(key).is_some_and(|state| std::mem::take(&mut state.referenced));
            if spared {
                queue.keys.push_back(key);
            } else {
                self.parts[part_of(key)].remove(&key);
                queue.evicted += 1;
                return;
            }
        }
    }

    pub(crate) fn insert(&mut self, key: u64, state: EntityState) {
        self.parts[part_of(key)].insert(key, Box::new(state));
    }
}

/// By bits that the maps, which look at the lowest and the highest, do not need.
fn part_of(key: u64) -> usize {
    (mix(key) >> 40) as usize % PARTS
}
