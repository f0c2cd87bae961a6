//! The order of a layer's keys: a sorted run for each group of keys of which a range may be asked.
//!
//! Keys come nearly in the order of their groups, since ids and times grow: most are added at the end of their run, after one comparison.

use super::key::Key;
use super::keys::{self, Group};
use super::table::{At, Table};
use foldhash::fast::RandomState;
use gateway_core::journal::First;
use std::collections::HashMap;

/// Places of a piece of a run, at most: what one key in the middle moves.
const PIECE: usize = 512;

/// Places in a table, in the order of their keys, all of one group.
#[derive(Debug, Default)]
struct Run {
    /// None is empty.
    pieces: Vec<Vec<At>>,
}

impl Run {
    fn insert<V>(&mut self, table: &Table<V>, at: At) {
        let key = &table.key(at).key;
        let behind = |place: &At| table.key(*place).key > *key;
        let Some(last) = self.pieces.last_mut() else { return self.pieces.push(vec![at]) };
        if last.last().is_none_or(|place| !behind(place)) && last.len() < PIECE {
            return last.push(at);
        }
        // The piece that begins at or before the key, the last one nearly always; the first for what stands before all.
        let begins = |piece: &Vec<At>| piece.first().is_some_and(|first| !behind(first));
        let number = match begins(last) {
            true => self.pieces.len() - 1,
            false => self.pieces.partition_point(begins).saturating_sub(1),
        };
        let piece = &mut self.pieces[number];
        let within = piece.partition_point(|place| !behind(place));
        piece.insert(within, at);
        if piece.len() > PIECE {
            // What is full at its end stays full, and the new one takes what comes.
            let rest = piece.split_off(if within == PIECE { PIECE } else { PIECE / 2 });
            self.pieces.insert(number + 1, rest);
        }
    }

    /// The piece and place of the first key that is not below `from`.
    fn reach<V>(&self, table: &Table<V>, from: &Key) -> (usize, usize) {
        let below = |place: &At| table.key(*place).key < *from;
        let number = self.pieces.partition_point(|piece| piece.last().is_some_and(below));
        let within = self.pieces.get(number).map_or(0, |piece| piece.partition_point(below));
        (number, within)
    }
}

/// The runs of a layer.
#[derive(Debug, Default)]
pub(crate) struct Runs {
    runs: HashMap<Group, Run, RandomState>,
    /// Of these no range is asked: they are put in order only when they leave.
    unordered: Vec<At>,
}

impl Runs {
    /// Takes up a key that is new in the table.
    pub(crate) fn add<V>(&mut self, table: &Table<V>, at: At) {
        let key = &table.key(at).key;
        if keys::is_unordered(key) {
            self.unordered.push(at);
        } else {
            self.runs.entry(keys::group_of(key)).or_default().insert(table, at);
        }
    }

    /// The places of the keys from `from` to `to`, both included, of one group, from either end.
    pub(crate) fn range<'a, V>(
        &'a self,
        table: &'a Table<V>,
        (from, to): (&'a Key, &'a Key),
        first: First,
    ) -> Box<dyn Iterator<Item = At> + 'a> {
        debug_assert_eq!(keys::group_of(from), keys::group_of(to), "a range lies within a group");
        let Some(run) = self.runs.get(&keys::group_of(from)) else { return Box::new(std::iter::empty()) };
        match first {
            First::Oldest => {
                let (number, within) = run.reach(table, from);
                let places = run.pieces[number..].iter().flatten().copied().skip(within);
                Box::new(places.take_while(move |at| table.key(*at).key <= *to))
            }
            First::Newest => {
                let (number, within) = run.reach(table, to);
                let last = run.pieces.get(number).map_or(&[][..], |piece| {
                    let is_there = piece.get(within).is_some_and(|at| table.key(*at).key == *to);
                    &piece[..within + usize::from(is_there)]
                });
                let before = run.pieces[..number].iter().rev().flat_map(|piece| piece.iter().rev());
                let places = last.iter().rev().chain(before).copied();
                Box::new(places.take_while(move |at| table.key(*at).key >= *from))
            }
        }
    }

    /// All places, in the order of their keys.
    pub(crate) fn sorted<V>(&self, table: &Table<V>) -> Vec<At> {
        let mut unordered = self.unordered.clone();
        unordered.sort_unstable_by(|one, other| table.key(*one).key.cmp(&table.key(*other).key));
        let mut parts: Vec<(Group, Vec<&[At]>)> = self
            .runs
            .iter()
            .map(|(group, run)| (*group, run.pieces.iter().map(Vec::as_slice).collect()))
            .collect();
        if let Some(first) = unordered.first() {
            parts.push((keys::group_of(&table.key(*first).key), vec![&unordered]));
        }
        parts.sort_unstable_by_key(|(group, _)| *group);
        parts.iter().flat_map(|(_, pieces)| pieces).flat_map(|piece| piece.iter()).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::key::Hashed;
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    /// A payment's key, for one of two tenants.
    fn key((merchant, id): (u8, u16)) -> Key {
        use gateway_core::id::{Id, MerchantId, PaymentId};
        use gateway_core::tenant::{Mode, Tenant};
        let tenant = Tenant { merchant: MerchantId(Id(merchant.into())), mode: Mode::Live };
        keys::row_key(&gateway_core::journal::RowKey::Payment(tenant, PaymentId(Id(id.into()))))
    }

    fn filled(ids: &[(u8, u16)]) -> (Table<()>, Runs) {
        let (mut table, mut runs) = (Table::default(), Runs::default());
        for id in ids {
            let at = table.add(Hashed::from(key(*id)), ());
            runs.add(&table, at);
        }
        (table, runs)
    }

    fn in_order(ids: &[(u8, u16)], bounds: ((u8, u16), (u8, u16))) {
        let (table, runs) = filled(ids);
        let model: BTreeSet<Key> = ids.iter().map(|id| key(*id)).collect();
        let all: Vec<Key> = runs.sorted(&table).iter().map(|at| table.key(*at).key.clone()).collect();
        assert!(all.iter().eq(&model), "{} keys", ids.len());
        let (from, to) = (key(bounds.0), key(bounds.1));
        let expected: Vec<&Key> = model.iter().filter(|key| from <= **key && **key <= to).collect();
        for first in [First::Oldest, First::Newest] {
            let mut found: Vec<&Key> =
                runs.range(&table, (&from, &to), first).map(|at| &table.key(at).key).collect();
            if first == First::Newest {
                found.reverse();
            }
            assert_eq!(found, expected, "{first:?}");
        }
    }

    proptest! {
        #[test]
        fn runs_are_in_order(
            mut ids in prop::collection::hash_set((0..2u8, 0..4_000u16), 0..3_000),
            sorted in 0..3_000usize,
            (merchant, from, to) in (0..2u8, 0..4_000u16, 0..4_000u16),
        ) {
            // Nearly in order, as ids come, or in none.
            let mut ids: Vec<_> = ids.drain().collect();
            let sorted = sorted.min(ids.len());
            ids[..sorted].sort_unstable_by_key(|(_, id)| id / 4);
            in_order(&ids, ((merchant, from), (merchant, to)));
        }
    }

    #[test]
    fn runs_of_many_pieces_are_in_order() {
        let count = 5 * PIECE as u16;
        let up: Vec<_> = (0..count).map(|id| (0, id)).collect();
        let down: Vec<_> = (0..count).rev().map(|id| (0, id)).collect();
        let halves: Vec<_> = (0..count).map(|id| (0, if id % 2 == 0 { id } else { count - id })).collect();
        for ids in [up, down, halves] {
            in_order(&ids, ((0, 3), (0, count - 3)));
            in_order(&ids, ((0, 0), (0, count)));
        }
    }
}
