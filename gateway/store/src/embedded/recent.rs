//! Rows that were read and will be read again, by their position: what stands at a position never changes, so nothing here is ever stale.
//! Rows are not kept when they are written: most are not read soon, and thousands of kept rows are memory that is cold when it is freed.

use foldhash::fast::RandomState as FastHash;
use gateway_core::journal::{Row, Versioned};
use std::collections::HashMap;
use std::sync::Arc;

/// How much is kept, in one of two generations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Capacity {
    pub rows: usize,
    /// By their length in the journal.
    pub bytes: usize,
}

#[derive(Debug)]
struct Kept {
    row: Arc<Versioned>,
    bytes: usize,
}

/// Two generations: rows of the older one that are asked for again move to the younger one, the others go with it.
#[derive(Debug)]
pub(crate) struct Recent {
    young: HashMap<u64, Kept, FastHash>,
    young_bytes: usize,
    old: HashMap<u64, Kept, FastHash>,
    capacity: Capacity,
}

impl Recent {
    /// At most twice `capacity`.
    pub(crate) fn new(capacity: Capacity) -> Self {
        Self { young: HashMap::default(), young_bytes: 0, old: HashMap::default(), capacity }
    }

    pub(crate) fn find(&mut self, position: u64) -> Option<Arc<Versioned>> {
        if let Some(kept) = self.young.get(&position) {
            return Some(Arc::clone(&kept.row));
        }
        let Kept { row, bytes } = self.old.remove(&position)?;
        self.keep(position, Arc::clone(&row), bytes);
        Some(row)
    }

    /// Keeps a row that takes so many bytes in the journal.
    pub(crate) fn keep(&mut self, position: u64, row: Arc<Versioned>, bytes: usize) {
        if self.capacity.rows == 0 || bytes > self.capacity.bytes {
            return;
        }
        let full = self.young.len() >= self.capacity.rows;
        if full || self.young_bytes + bytes > self.capacity.bytes {
            self.old = std::mem::take(&mut self.young);
            self.young_bytes = 0;
        }
        self.young_bytes += bytes;
        if let Some(before) = self.young.insert(position, Kept { row, bytes }) {
            self.young_bytes -= before.bytes;
        }
    }
}

/// Whether a row that was read is likely to be read again as it is. Payments change with most of what is done to them.
pub(crate) const fn worth_keeping(row: &Row) -> bool {
    match row {
        Row::PaymentMethod(_) | Row::Customer(_) | Row::Merchant(_) | Row::ApiKey(_) => true,
        Row::Payment(_)
        | Row::Claim(_)
        | Row::Event(_)
        | Row::Refund(_)
        | Row::Token(_)
        | Row::SetupIntent(_)
        | Row::Sequence(_)
        | Row::Review(_)
        | Row::ValueList(_)
        | Row::ValueListItem(_)
        | Row::Evaluation(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gateway_core::journal::Version;
    use gateway_core::record::Sequence;

    #[test]
    fn it_stays_within_its_bound_and_keeps_what_is_used() {
        let row = Arc::new(Versioned {
            version: Version(1),
            row: Row::Sequence(Sequence { name: "n".to_owned(), next: 1 }),
        });
        let mut recent = Recent::new(Capacity { rows: 4, bytes: 1_000 });
        recent.keep(0, Arc::clone(&row), 10);
        for position in 1..100 {
            recent.keep(position, Arc::clone(&row), 10);
            assert!(recent.find(0).is_some(), "{position}");
            assert!(recent.young.len() + recent.old.len() <= 8);
        }
        assert!(recent.find(1).is_none());
    }

    #[test]
    fn large_rows_are_weighed() {
        let row = Arc::new(Versioned {
            version: Version(1),
            row: Row::Sequence(Sequence { name: "n".to_owned(), next: 1 }),
        });
        let mut recent = Recent::new(Capacity { rows: 1_000, bytes: 1_000 });
        for position in 0..100 {
            recent.keep(position, Arc::clone(&row), 300);
            recent.keep(position, Arc::clone(&row), 300);
            assert!(recent.young_bytes <= 1_000 && recent.young.len() <= 3, "{position}");
            assert!(recent.find(position).is_some());
        }
        recent.keep(200, Arc::clone(&row), 1_001);
        assert!(recent.find(200).is_none(), "what alone would fill it is not kept");
    }
}
