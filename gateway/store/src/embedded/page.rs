//! Ranges over the layers and the index as one: the layers' entries stand before the index's, and what they removed is gone.

use super::key::Key;
use super::keys::Span;
use super::layer::{Layer, Slot};
use super::port::{Disk, Index, IndexError};
use super::view::View;
use gateway_core::journal::First;
use std::collections::BTreeMap;
use std::ops::ControlFlow;

/// A key and its value; empty in lists.
pub(crate) type Found = (Key, Value);

/// The value of a key of a range: not decoded yet, since most are only followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Slot(Slot),
    Bytes(Vec<u8>),
}

/// Part of a range.
#[derive(Debug)]
pub(crate) struct Page {
    /// In the direction of the range.
    pub found: Vec<Found>,
    /// What is left of the range; `None`: nothing.
    pub rest: Option<Span>,
}

impl<D: Disk, I: Index> View<D, I> {
    /// The next entries of a range: some, if there are any, and not many more than `want`.
    pub(crate) fn page(&self, span: &Span, first: First, want: usize) -> Result<Page, IndexError> {
        let mut reach = Reach { span: span.clone(), first };
        // The layers before the index: what leaves a layer meanwhile is found in the index.
        let slots = self.overlay(&mut reach, want);
        let mut merged: BTreeMap<Key, Value> = BTreeMap::new();
        let most = want.saturating_add(slots.len());
        let mut count = 0;
        let mut last = None;
        self.index.range(&reach.span.from, &reach.span.to, first, &mut |key, value| {
            if !slots.contains_key(key) {
                merged.insert(Key::from_slice(key), Value::Bytes(value.to_vec()));
            }
            count += 1;
            if count < most {
                return ControlFlow::Continue(());
            }
            last = Some(key.to_vec());
            ControlFlow::Break(())
        })?;
        if let Some(last) = last {
            reach.cut(&last);
        }
        let live = slots.into_iter().filter(|(_, slot)| *slot != Slot::Gone);
        merged.extend(live.map(|(key, slot)| (key, Value::Slot(slot))));
        merged.retain(|key, _| reach.covers(key));
        let found = match first {
            First::Oldest => merged.into_iter().collect(),
            First::Newest => merged.into_iter().rev().collect(),
        };
        Ok(Page { found, rest: reach.rest_of(span) })
    }

    /// The layers' newest slots in the range; cuts the range to where they are known completely.
    fn overlay(&self, reach: &mut Reach, want: usize) -> BTreeMap<Key, Slot> {
        let mut slots = BTreeMap::new();
        let layers = self.layers();
        for layer in layers.newest_first() {
            take_of_layer(layer, reach, want, &mut slots);
        }
        drop(layers);
        slots.retain(|key, _| reach.covers(key));
        slots
    }
}

/// Adds a layer's slots that no newer layer holds, up to `want` that are not removals.
fn take_of_layer(layer: &Layer, reach: &mut Reach, want: usize, slots: &mut BTreeMap<Key, Slot>) {
    let mut live = 0;
    let mut last = None;
    for (key, slot) in layer.range((&reach.span.from, &reach.span.to), reach.first) {
        slots.entry(key.clone()).or_insert(slot);
        live += usize::from(slot != Slot::Gone);
        if live >= want {
            last = Some(key.clone());
            break;
        }
    }
    if let Some(last) = last {
        reach.cut(&last);
    }
}

/// How far, from its beginning, a range is known.
struct Reach {
    span: Span,
    first: First,
}

impl Reach {
    /// Nothing is known beyond `last`.
    fn cut(&mut self, last: &[u8]) {
        match self.first {
            First::Oldest => self.span.to = Key::from_slice(last),
            First::Newest => self.span.from = Key::from_slice(last),
        }
    }

    fn covers(&self, key: &[u8]) -> bool {
        self.span.from[..] <= *key && *key <= self.span.to[..]
    }

    /// What of the whole range lies beyond. The keys of a range have one length and its bounds have it too, but for the names of claims,
    /// which no range runs over, so the next key is the next number.
    fn rest_of(&self, whole: &Span) -> Option<Span> {
        match self.first {
            First::Oldest => {
                let from = next_key(&self.span.to)?;
                (from <= whole.to).then(|| Span { from, to: whole.to.clone() })
            }
            First::Newest => {
                let to = previous_key(&self.span.from)?;
                (whole.from <= to).then(|| Span { from: whole.from.clone(), to })
            }
        }
    }
}

/// The next key of the same length.
fn next_key(key: &[u8]) -> Option<Key> {
    let mut next = Key::from_slice(key);
    for byte in next.iter_mut().rev() {
        let (value, carried) = byte.overflowing_add(1);
        *byte = value;
        if !carried {
            return Some(next);
        }
    }
    None
}

/// The key before, of the same length.
fn previous_key(key: &[u8]) -> Option<Key> {
    let mut previous = Key::from_slice(key);
    for byte in previous.iter_mut().rev() {
        let (value, borrowed) = byte.overflowing_sub(1);
        *byte = value;
        if !borrowed {
            return Some(previous);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours() {
        assert_eq!(next_key(&[1, 0xFF]), Some(Key::from_slice(&[2, 0])));
        assert_eq!(previous_key(&[2, 0]), Some(Key::from_slice(&[1, 0xFF])));
        assert_eq!(next_key(&[0xFF, 0xFF]), None);
        assert_eq!(previous_key(&[0, 0]), None);
    }
}
