//! The one conformance suite of the journal port. Every engine answers it alike; the memory engine is the oracle of the random part.

#![allow(clippy::unwrap_used, reason = "a test stops where something fails")]

mod cases;
mod feed;
#[path = "../fixtures/mod.rs"]
mod fixtures;
mod lists;
mod observing;
mod random;

use fixtures::{Seeded, block_on};
use gateway_core::journal::{Journal, Observer};
use gateway_store::{Embedded, Memory, Options, open};
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

/// Makes stores of one engine.
pub trait Engine {
    /// An open store; dropped, it is closed.
    fn journal(&self) -> &dyn Journal;
    /// Closes the store and opens it again; what does not survive that returns itself.
    fn reopen(self: Box<Self>) -> Box<dyn Engine>;
}

type Factory = fn(Option<Arc<dyn Observer>>) -> Box<dyn Engine>;

struct InMemory(Memory);

impl Engine for InMemory {
    fn journal(&self) -> &dyn Journal {
        &self.0
    }

    fn reopen(self: Box<Self>) -> Box<dyn Engine> {
        self
    }
}

fn memory(observer: Option<Arc<dyn Observer>>) -> Box<dyn Engine> {
    Box::new(InMemory(observer.map_or_else(Memory::new, Memory::observed)))
}

struct OnDisk {
    store: Option<Embedded>,
    observer: Option<Arc<dyn Observer>>,
    dir: TempDir,
}

/// Small sizes, so that short tests go through layers, segments and pages.
fn small_options() -> Options {
    let mut options = Options::new(Arc::new(Seeded::new(1)));
    options.sizes.segment_bytes = 20_000;
    options.sizes.layer_entries = 24;
    options.sizes.recent_rows = 8;
    options.reserve_bytes = 0;
    options.fatal = Arc::new(|why| panic!("the store broke: {why}"));
    options
}

fn open_in(dir: &Path, observer: Option<Arc<dyn Observer>>) -> Embedded {
    open(dir, small_options(), observer).unwrap()
}

impl Engine for OnDisk {
    fn journal(&self) -> &dyn Journal {
        self.store.as_ref().unwrap()
    }

    fn reopen(mut self: Box<Self>) -> Box<dyn Engine> {
        self.store = None;
        self.store = Some(open_in(self.dir.path(), self.observer.clone()));
        self
    }
}

fn embedded(observer: Option<Arc<dyn Observer>>) -> Box<dyn Engine> {
    let dir = tempfile::tempdir().unwrap();
    Box::new(OnDisk { store: Some(open_in(dir.path(), observer.clone())), observer, dir })
}

/// As [`embedded`], but opened without its index every time.
fn rebuilt(observer: Option<Arc<dyn Observer>>) -> Box<dyn Engine> {
    struct Rebuilt(OnDisk);
    impl Engine for Rebuilt {
        fn journal(&self) -> &dyn Journal {
            self.0.store.as_ref().unwrap()
        }

        fn reopen(mut self: Box<Self>) -> Box<dyn Engine> {
            self.0.store = None;
            std::fs::remove_dir_all(self.0.dir.path().join("index")).unwrap();
            self.0.store = Some(open_in(self.0.dir.path(), self.0.observer.clone()));
            self
        }
    }
    let dir = tempfile::tempdir().unwrap();
    Box::new(Rebuilt(OnDisk { store: Some(open_in(dir.path(), observer.clone())), observer, dir }))
}

macro_rules! suite {
    ($($engine:ident),*) => {$(
        mod $engine {
            use super::*;

            #[test]
            fn conditions() { block_on(cases::conditions(super::$engine)); }
            #[test]
            fn conflicts_show_what_stands_in_the_way() { block_on(cases::conflicts(super::$engine)); }
            #[test]
            fn batches_are_all_or_nothing() { block_on(cases::all_or_nothing(super::$engine)); }
            #[test]
            fn a_row_named_twice_is_refused() { block_on(cases::named_twice(super::$engine)); }
            #[test]
            fn every_kind_of_row_comes_back() { block_on(cases::every_row(super::$engine)); }
            #[test]
            fn histories() { block_on(cases::histories(super::$engine)); }
            #[test]
            fn one_of_many_wins() { cases::races(super::$engine); }
            #[test]
            fn events_appear_in_the_order_of_their_ids() { block_on(feed::order(super::$engine)); }
            #[test]
            fn who_polls_the_feed_misses_nothing() { feed::polling(super::$engine); }
            #[test]
            fn ranges() { block_on(lists::ranges(super::$engine)); }
            #[test]
            fn filters() { block_on(lists::filters(super::$engine)); }
            #[test]
            fn due_work() { block_on(lists::due(super::$engine)); }
            #[test]
            fn due_work_by_page() { block_on(lists::due_places(super::$engine)); }
            #[test]
            fn awaited_answers() { block_on(lists::awaiting(super::$engine)); }
            #[test]
            fn operators_lists() { block_on(lists::operators(super::$engine)); }
            #[test]
            fn observers_hear_all_in_order() { block_on(observing::order(super::$engine)); }
            #[test]
            fn an_observer_that_takes_no_snapshot_is_told_again() {
                block_on(observing::refused_snapshot(super::$engine));
            }
            #[test]
            fn the_journal_is_read_in_its_order() { block_on(observing::parts(super::$engine)); }
            #[test]
            fn reviews_and_values_are_listed_while_they_stand() { block_on(lists::standing(super::$engine)); }
        }
    )*};
}

suite!(memory, embedded, rebuilt);
