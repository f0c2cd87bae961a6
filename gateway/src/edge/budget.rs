//! How much of all requests' bodies may be in memory at a time, and how much of that for one address.
//!
//! Every connection keeps to limits of its own, but many connections of many streams add up. What is over the budget is refused, not
//! held back: a body that may not be read on would keep its connection, and in HTTP/2 the others in it, waiting.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes that are held, in sum.
#[derive(Debug)]
pub(super) struct Budget {
    held: AtomicUsize,
    limit: usize,
}

impl Budget {
    pub(super) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { held: AtomicUsize::new(0), limit })
    }

    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    fn take(&self, bytes: usize) -> bool {
        if self.held.fetch_add(bytes, Ordering::Relaxed) + bytes <= self.limit {
            return true;
        }
        self.give_back(bytes);
        false
    }

    fn give_back(&self, bytes: usize) {
        self.held.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// What one request holds; given back when dropped.
pub(super) struct Holding<'a> {
    address: &'a Budget,
    all: &'a Budget,
    bytes: usize,
}

impl<'a> Holding<'a> {
    /// Nothing yet, of the budget of an address and of that of all.
    pub(super) const fn new(address: &'a Budget, all: &'a Budget) -> Self {
        Self { address, all, bytes: 0 }
    }

    /// Holds so many bytes more; false if they are over a budget.
    #[must_use]
    pub(super) fn add(&mut self, bytes: usize) -> bool {
        if !self.address.take(bytes) {
            return false;
        }
        if !self.all.take(bytes) {
            self.address.give_back(bytes);
            return false;
        }
        self.bytes += bytes;
        true
    }
}

impl Drop for Holding<'_> {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.address.give_back(self.bytes);
            self.all.give_back(self.bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_over_either_budget_is_refused_and_all_is_given_back() {
        let (address, all) = (Budget::new(10), Budget::new(15));
        let mut first = Holding::new(&address, &all);
        assert!(first.add(6) && first.add(4));
        assert!(!first.add(1), "the address has its share");
        let other = Budget::new(10);
        let mut second = Holding::new(&other, &all);
        assert!(!second.add(6), "more than is left for all");
        assert_eq!((address.held(), other.held(), all.held()), (10, 0, 10));
        assert!(second.add(5));
        drop(first);
        assert!(second.add(5));
        drop(second);
        assert_eq!((address.held(), other.held(), all.held()), (0, 0, 0));
    }
}
