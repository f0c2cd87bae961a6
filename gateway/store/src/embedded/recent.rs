//! Rows that were just written or read, by their position: what stands at a position never changes, so nothing here is ever stale.

use gateway_core::journal::{Row, Versioned};
use std::collections::HashMap;
use std::sync::Arc;

/// Two generations: rows of the older one that are asked for again move to the younger one, the others go with it.
#[derive(Debug)]
pub(crate) struct Recent {
    young: HashMap<u64, Arc<Versioned>>,
    old: HashMap<u64, Arc<Versioned>>,
    /// Rows in one generation, at most.
    capacity: usize,
}

impl Recent {
    /// At most twice `capacity` rows.
    pub(crate) fn new(capacity: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), capacity }
    }

    pub(crate) fn find(&mut self, position: u64) -> Option<Arc<Versioned>> {
        if let Some(row) = self.young.get(&position) {
            return Some(Arc::clone(row));
        }
        let row = self.old.remove(&position)?;
        self.keep(position, Arc::clone(&row));
        Some(row)
    }

    pub(crate) fn keep(&mut self, position: u64, row: Arc<Versioned>) {
        if self.capacity == 0 {
            return;
        }
        if self.young.len() >= self.capacity {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(position, row);
    }

    /// The row at `position` was replaced: it will hardly be asked for again.
    pub(crate) fn forget(&mut self, position: u64) {
        if self.young.remove(&position).is_none() {
            self.old.remove(&position);
        }
    }
}

/// Whether a row is likely to be read again soon. Answers and events are not: they are read by retries and by the feed.
pub(crate) const fn worth_keeping(row: &Row) -> bool {
    match row {
        Row::Payment(_) | Row::PaymentMethod(_) | Row::Customer(_) | Row::Merchant(_) | Row::ApiKey(_) => {
            true
        }
        Row::Claim(_)
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
        let mut recent = Recent::new(4);
        recent.keep(0, Arc::clone(&row));
        for position in 1..100 {
            recent.keep(position, Arc::clone(&row));
            assert!(recent.find(0).is_some(), "{position}");
            assert!(recent.young.len() + recent.old.len() <= 8);
        }
        assert!(recent.find(1).is_none());
        recent.forget(0);
        assert!(recent.find(0).is_none());
    }
}
