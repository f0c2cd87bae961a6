//! What is durable in the journal but not in the index yet, kept in memory and merged into every read.
//!
//! Writes of one key within a layer leave one entry: a payment that is intended and concluded within it costs the index one put, and
//! work that was due only in between costs it nothing.

use super::keys::{Entry, Key};
use super::port::{Change, IndexError, Value};
use std::collections::{BTreeMap, VecDeque};
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
}

/// Whether anything older may hold a list's key as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Since {
    /// It was made in this layer: if it goes in this layer, nothing need be told to the index.
    ThisLayer,
    Unknown,
}

/// A sorted overlay.
#[derive(Debug, Default)]
pub(crate) struct Layer {
    pub slots: BTreeMap<Key, Slot>,
}

impl Layer {
    /// Takes one change. `since` is what to note of a list's key that this layer does not hold yet.
    pub(crate) fn take(&mut self, key: Key, step: Step, since: Since) {
        match step {
            Step::Row(entry) => {
                self.slots.insert(key, Slot::Row(entry));
            }
            Step::Enlist => match self.slots.get(&key) {
                None => {
                    self.slots.insert(key, Slot::Listed(since));
                }
                Some(Slot::Gone) => {
                    self.slots.insert(key, Slot::Listed(Since::Unknown));
                }
                Some(Slot::Listed(_) | Slot::Row(_)) => {}
            },
            Step::Delist => match self.slots.get(&key) {
                Some(Slot::Listed(Since::ThisLayer)) => {
                    self.slots.remove(&key);
                }
                Some(Slot::Listed(Since::Unknown) | Slot::Gone | Slot::Row(_)) | None => {
                    self.slots.insert(key, Slot::Gone);
                }
            },
        }
    }

    /// What to tell the index, in key order.
    pub(crate) fn changes(&self) -> impl Iterator<Item = Change<'_>> {
        self.slots.iter().map(|(key, slot)| {
            let value = match slot {
                Slot::Row(entry) => Some(encode_entry(entry)),
                Slot::Listed(_) => Some(Value::new()),
                Slot::Gone => None,
            };
            (&key[..], value)
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
    pub(crate) fn find(&self, key: &[u8]) -> Option<Slot> {
        self.newest_first().find_map(|layer| layer.slots.get(key).copied())
    }

    /// Entries in all layers.
    pub(crate) fn len(&self) -> usize {
        self.newest_first().map(|layer| layer.slots.len()).sum()
    }

    /// Closes the active layer, so that it can go into the index.
    pub(crate) fn freeze(&mut self) {
        if !self.active.slots.is_empty() {
            self.frozen.push_back(Arc::new(std::mem::take(&mut self.active)));
        }
    }
}

/// Longest entry: three numbers of 64 bits, one of 128, and three bytes that say what there is.
const MAX_ENTRY_LEN: usize = 3 * 10 + 19 + 3;

/// An entry's bytes in the index.
pub(crate) fn encode_entry(entry: &Entry) -> Value {
    let mut room = [0; MAX_ENTRY_LEN];
    Value::from_slice(postcard::to_slice(entry, &mut room).expect("no entry is longer"))
}

/// Reads [`encode_entry`]'s bytes.
pub(crate) fn decode_entry(bytes: &[u8]) -> Result<Entry, IndexError> {
    postcard::from_bytes(bytes).map_err(|_| IndexError("an entry of the index can't be read".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(steps: &[Step], since: Since) -> Option<Slot> {
        let mut layer = Layer::default();
        for step in steps {
            layer.take(Key::from_slice(&[1]), step.clone(), since);
        }
        layer.slots.get(&[1][..]).copied()
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
        ];
        for (steps, since, expected) in table {
            assert_eq!(after(steps, *since), *expected, "{steps:?} {since:?}");
        }
    }
}
