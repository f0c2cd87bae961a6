//! Values by key, in the order in which they came, found by hash: the pending rows of a group, and the slots of a layer.
//!
//! Entries never move: they lie in blocks, one behind the other, and what finds them is small. So what came together is found together in
//! memory, and a table that grows copies numbers only.

use super::key::{AsIs, Hashed};
use std::collections::HashMap;
use std::collections::hash_map::Entry as Place;

/// Entries of a block.
const BLOCK: usize = 1 << 10;

/// The place of an entry.
pub(crate) type At = u32;

#[derive(Debug)]
struct Held<V> {
    key: Hashed,
    value: V,
    /// The next entry with the same hash.
    next: Option<At>,
}

/// A table.
#[derive(Debug)]
pub(crate) struct Table<V> {
    blocks: Vec<Vec<Held<V>>>,
    /// The latest entry of each hash.
    by_hash: HashMap<u64, At, AsIs>,
    len: usize,
}

impl<V> Default for Table<V> {
    fn default() -> Self {
        Self { blocks: Vec::new(), by_hash: HashMap::default(), len: 0 }
    }
}

impl<V> Table<V> {
    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    fn held(&self, at: At) -> &Held<V> {
        &self.blocks[at as usize / BLOCK][at as usize % BLOCK]
    }

    /// The key at a place.
    #[inline]
    pub(crate) fn key(&self, at: At) -> &Hashed {
        &self.held(at).key
    }

    /// The value at a place.
    #[inline]
    pub(crate) fn value(&self, at: At) -> &V {
        &self.held(at).value
    }

    /// The value at a place, to be changed.
    pub(crate) fn value_mut(&mut self, at: At) -> &mut V {
        &mut self.blocks[at as usize / BLOCK][at as usize % BLOCK].value
    }

    /// The place of a key.
    pub(crate) fn find(&self, key: &Hashed) -> Option<At> {
        self.among(self.by_hash.get(&key.hash).copied(), key)
    }

    fn among(&self, first: Option<At>, key: &Hashed) -> Option<At> {
        std::iter::successors(first, |at| self.held(*at).next).find(|at| self.held(*at).key.key == key.key)
    }

    /// Adds a key that the table does not hold.
    pub(crate) fn add(&mut self, key: Hashed, value: V) -> At {
        let at = At::try_from(self.len).expect("a table holds far fewer entries");
        let next = match self.by_hash.entry(key.hash) {
            Place::Vacant(place) => {
                place.insert(at);
                None
            }
            Place::Occupied(mut place) => Some(place.insert(at)),
        };
        if self.len.is_multiple_of(BLOCK) {
            self.begin_block();
        }
        self.blocks[self.len / BLOCK].push(Held { key, value, next });
        self.len += 1;
        at
    }

    /// A table that was emptied has its blocks already. The first grows as it is filled: many tables hold little.
    fn begin_block(&mut self) {
        if self.blocks.len() == self.len / BLOCK {
            let room = if self.len == 0 { 0 } else { BLOCK };
            self.blocks.push(Vec::with_capacity(room));
        }
    }

    /// Sets the value of a key, whether the table holds it or not.
    pub(crate) fn set(&mut self, key: &Hashed, value: V) {
        match self.find(key) {
            Some(at) => *self.value_mut(at) = value,
            None => {
                self.add(key.clone(), value);
            }
        }
    }

    /// Removes all entries, and keeps their room.
    pub(crate) fn clear(&mut self) {
        self.blocks.iter_mut().for_each(Vec::clear);
        self.by_hash.clear();
        self.len = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::super::key::Key;
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Hashes of a few values only, so that many keys share one.
        #[test]
        fn it_finds_what_it_was_given(keys in prop::collection::vec((0..40u8, 0..9u8), 0..80), cleared in 0..80usize) {
            let mut table = Table::default();
            let mut model = HashMap::new();
            for (number, (byte, value)) in keys.into_iter().enumerate() {
                if number == cleared {
                    table.clear();
                    model.clear();
                }
                let key = Hashed { hash: u64::from(byte % 4), key: Key::from_slice(&[byte]) };
                table.set(&key, value);
                model.insert(byte, value);
                prop_assert_eq!(table.len(), model.len());
            }
            for byte in 0..40 {
                let key = Hashed { hash: u64::from(byte % 4), key: Key::from_slice(&[byte]) };
                let found = table.find(&key).map(|at| (table.key(at).key[0], *table.value(at)));
                prop_assert_eq!(found, model.get(&byte).map(|value| (byte, *value)));
            }
        }
    }

    #[test]
    fn places_stay_over_many_blocks() {
        let mut table = Table::default();
        let key = |number: u32| Hashed::from(Key::from_slice(&number.to_be_bytes()));
        let count = 3 * BLOCK as u32 + 1;
        for round in 0..2 {
            for number in 0..count {
                assert_eq!(table.add(key(number), number), number, "{round}");
            }
            for number in 0..count {
                assert_eq!(table.find(&key(number)), Some(number));
                assert_eq!(*table.value(number), number);
            }
            assert_eq!(table.find(&key(count)), None);
            table.clear();
        }
    }
}
