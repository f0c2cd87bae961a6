//! What is durable in the journal but not in the index yet, kept in memory and merged into every read.
//!
//! Writes of one key within a layer leave one entry: a payment that is intended and concluded within it costs the index one put, and
//! work that was due only in between costs it nothing.

use super::format::writer;
use super::key::{Hashed, Key};
use super::keys::Entry;
use super::port::{Change, IndexError, Value};
use super::runs::Runs;
use super::table::Table;
use gateway_core::journal::First;
use std::collections::VecDeque;
use std::sync::Arc;

/// A change of the index that a commit means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// The row's entry.
    Row(Entry),
    /// The row stands in this list from now on.
    Enlist,
    /// The row stands in this list no more.
    Delist,
}

/// What a layer holds for a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slot {
    Row(Entry),
    Listed(Since),
    Gone,
    /// It came and went in this layer: as if the layer had never held it.
    Void,
}

/// Whether anything older may hold a list's key as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Since {
    /// It was made in this layer: if it goes in this layer, nothing need be told to the index.
    ThisLayer,
    Unknown,
}

/// An overlay.
#[derive(Debug, Default)]
pub(crate) struct Layer {
    slots: Table<Slot>,
    runs: Runs,
}

impl Layer {
    /// Takes one change. `since` is what to note of a list's key that this layer does not hold yet.
    pub(crate) fn take(&mut self, key: Hashed, step: Step, since: Since) {
        let Some(at) = self.slots.find(&key) else {
            let slot = match step {
                Step::Row(entry) => Slot::Row(entry),
                Step::Enlist => Slot::Listed(since),
                Step::Delist => Slot::Gone,
            };
            let at = self.slots.add(key, slot);
            return self.runs.add(&self.slots, at);
        };
        let slot = self.slots.value_mut(at);
        *slot = match (step, *slot) {
            (Step::Row(entry), _) => Slot::Row(entry),
            (Step::Enlist, Slot::Gone) => Slot::Listed(Since::Unknown),
            (Step::Enlist, Slot::Void) => Slot::Listed(since),
            (Step::Enlist, held @ (Slot::Listed(_) | Slot::Row(_))) => held,
            (Step::Delist, Slot::Listed(Since::ThisLayer)) => Slot::Void,
            (Step::Delist, Slot::Listed(Since::Unknown) | Slot::Gone | Slot::Row(_) | Slot::Void) => {
                Slot::Gone
            }
        };
    }

    /// Entries, those that came and went included: they take room, too.
    pub(crate) const fn len(&self) -> usize {
        self.slots.len()
    }

    /// The slot of a key.
    pub(crate) fn find(&self, key: &Hashed) -> Option<Slot> {
        let slot = *self.slots.value(self.slots.find(key)?);
        (slot != Slot::Void).then_some(slot)
    }

    /// The slots of the keys from `from` to `to`, both included, from either end.
    pub(crate) fn range<'a>(
        &'a self,
        bounds: (&'a Key, &'a Key),
        first: First,
    ) -> impl Iterator<Item = (&'a Key, Slot)> {
        let places = self.runs.range(&self.slots, bounds, first);
        let slots = places.map(|at| (&self.slots.key(at).key, *self.slots.value(at)));
        slots.filter(|(_, slot)| *slot != Slot::Void)
    }

    /// What to tell the index, in key order.
    pub(crate) fn changes(&self) -> impl Iterator<Item = Change<'_>> {
        let mut encoded = Vec::new();
        self.runs.sorted(&self.slots).into_iter().filter_map(move |at| {
            let value = match self.slots.value(at) {
                Slot::Row(entry) => {
                    encoded.clear();
                    writer::put(&mut encoded, entry);
                    Some(Value::from_slice(&encoded))
                }
                Slot::Listed(_) => Some(Value::new()),
                Slot::Gone => None,
                Slot::Void => return None,
            };
            Some((&self.slots.key(at).key[..], value))
        })
    }
}

/// The layers over the index: one that takes commits, and older ones on their way into the index.
#[derive(Debug, Default)]
pub(crate) struct Layers {
    pub active: Layer,
    /// Oldest first.
    pub frozen: VecDeque<Arc<Layer>>,
}

impl Layers {
    /// Newest first.
    pub(crate) fn newest_first(&self) -> impl Iterator<Item = &Layer> {
        std::iter::once(&self.active).chain(self.frozen.iter().rev().map(Arc::as_ref))
    }

    /// The newest slot of a key.
    pub(crate) fn find(&self, key: &Hashed) -> Option<Slot> {
        self.newest_first().find_map(|layer| layer.find(key))
    }

    /// Entries in all layers.
    pub(crate) fn len(&self) -> usize {
        self.newest_first().map(Layer::len).sum()
    }

    /// Closes the active layer, so that it can go into the index.
    pub(crate) fn freeze(&mut self) {
        if self.active.len() > 0 {
            self.frozen.push_back(Arc::new(std::mem::take(&mut self.active)));
        }
    }
}

/// Reads the bytes that an entry has in the index.
pub(crate) fn decode_entry(bytes: &[u8]) -> Result<Entry, IndexError> {
    postcard::from_bytes(bytes).map_err(|_| IndexError("an entry of the index can't be read".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(steps: &[Step], since: Since) -> Option<Slot> {
        let mut layer = Layer::default();
        let key = Hashed::from(Key::from_slice(&[1]));
        for step in steps {
            layer.take(key.clone(), step.clone(), since);
        }
        let found = layer.find(&key);
        let bounds = (&key.key, &key.key);
        let ranged: Vec<Slot> = layer.range(bounds, First::Oldest).map(|(_, slot)| slot).collect();
        assert_eq!(ranged, found.into_iter().collect::<Vec<_>>());
        assert_eq!(layer.changes().count(), ranged.len());
        found
    }

    #[test]
    fn what_came_and_went_in_one_layer_leaves_no_trace() {
        use Since::{ThisLayer, Unknown};
        use Step::{Delist, Enlist};
        let table: &[(&[Step], Since, Option<Slot>)] = &[
            (&[Enlist], ThisLayer, Some(Slot::Listed(ThisLayer))),
            (&[Enlist, Delist], ThisLayer, None),
            (&[Enlist, Delist], Unknown, Some(Slot::Gone)),
            (&[Delist], ThisLayer, Some(Slot::Gone)),
            (&[Delist, Enlist], ThisLayer, Some(Slot::Listed(Unknown))),
            (&[Delist, Enlist, Delist], ThisLayer, Some(Slot::Gone)),
            (&[Enlist, Delist, Enlist], ThisLayer, Some(Slot::Listed(ThisLayer))),
            (&[Enlist, Delist, Delist], ThisLayer, Some(Slot::Gone)),
        ];
        for (steps, since, expected) in table {
            assert_eq!(after(steps, *since), *expected, "{steps:?} {since:?}");
        }
    }
}
