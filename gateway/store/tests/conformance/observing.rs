//! Observers: every commit once, in order, also those that are replayed.

use super::Factory;
use super::cases::{ABSENT, at, batch, put};
use super::fixtures as f;
use super::fixtures::tenant;
use gateway_core::journal::{Batch, Committed, Cursor, Expect, Journal, Observer, Row};
use std::sync::{Arc, Mutex};

/// Remembers positions, what was written, and under which expectation. Its snapshot is what it remembers of the names and numbers.
#[derive(Default)]
struct Listener {
    heard: Mutex<Heard>,
}

#[derive(Default, Clone, PartialEq, Eq, Debug)]
struct Heard {
    positions: Vec<u64>,
    sum: u64,
    expects: Vec<Expect>,
}

impl Observer for Listener {
    fn restore(&self, snapshot: Option<&[u8]>) -> bool {
        let sum = snapshot.map_or(0, |bytes| u64::from_le_bytes(bytes.try_into().unwrap()));
        *self.heard.lock().unwrap() = Heard { sum, ..Heard::default() };
        true
    }

    fn committed(&self, position: u64, batch: &Batch) {
        let mut heard = self.heard.lock().unwrap();
        heard.positions.push(position);
        for write in &batch.writes {
            heard.expects.push(write.expect);
            if let Row::Sequence(sequence) = &write.row {
                heard.sum = heard.sum.wrapping_mul(31).wrapping_add(sequence.next);
            }
        }
    }

    fn snapshot(&self) -> Vec<u8> {
        self.heard.lock().unwrap().sum.to_le_bytes().to_vec()
    }
}

pub async fn order(make: Factory) {
    let listener = Arc::new(Listener::default());
    let mut engine = make(Some(listener.clone()));
    let mut positions = Vec::new();
    let mut sum = 0u64;
    for next in 1..=60u64 {
        let expect = if next == 1 { ABSENT } else { at(next - 1) };
        positions.push(put(engine.journal(), expect, f::sequence("n", next)).await.unwrap().position);
        sum = sum.wrapping_mul(31).wrapping_add(next);
        let lost = batch(vec![(ABSENT, f::sequence("n", 1000))]);
        assert!(engine.journal().commit(lost).await.is_err());
        let heard = listener.heard.lock().unwrap().clone();
        assert_eq!(heard.sum, sum, "{next}");
        assert_eq!(heard.positions.last(), positions.last());
        assert_eq!(heard.expects.last(), Some(&expect));
        if next % 20 == 0 {
            engine = engine.reopen();
            assert_eq!(listener.heard.lock().unwrap().sum, sum, "{next}, reopened");
        }
    }
    assert!(positions.is_sorted());
}

/// Takes no snapshot back, as an observer of a newer version does with an older one's.
#[derive(Default)]
struct Forgetful(Listener);

impl Observer for Forgetful {
    fn restore(&self, snapshot: Option<&[u8]>) -> bool {
        snapshot.is_none() && self.0.restore(None)
    }

    fn committed(&self, position: u64, batch: &Batch) {
        self.0.committed(position, batch);
    }

    fn snapshot(&self) -> Vec<u8> {
        self.0.snapshot()
    }
}

pub async fn refused_snapshot(make: Factory) {
    let forgetful = Arc::new(Forgetful::default());
    let mut engine = make(Some(forgetful.clone()));
    for next in 1..=60u64 {
        let expect = if next == 1 { ABSENT } else { at(next - 1) };
        put(engine.journal(), expect, f::sequence("n", next)).await.unwrap();
        if next % 20 == 0 {
            let before = forgetful.0.heard.lock().unwrap().clone();
            engine = engine.reopen();
            let after = forgetful.0.heard.lock().unwrap().clone();
            assert_eq!((after.sum, after.positions), (before.sum, before.positions), "all is told again");
        }
    }
}

/// Everything that was committed, part by part.
async fn journal_of(journal: &dyn Journal) -> Vec<Committed> {
    let mut all: Vec<Committed> = Vec::new();
    let mut from = Some(Cursor::default());
    while let Some(cursor) = from {
        let part = journal.part(cursor).await.unwrap();
        all.extend(part.commits);
        from = part.next;
    }
    assert!(all.is_sorted_by(|a, b| a.position < b.position), "in the journal's order");
    all
}

pub async fn parts(make: Factory) {
    let mut engine = make(None);
    assert_eq!(journal_of(engine.journal()).await, Vec::new());
    let mut written = Vec::new();
    for round in 0..2 {
        for id in 0..400u128 {
            let row = f::payment(tenant(0), round * 1_000 + id, 1, None, None);
            let one = batch(vec![(ABSENT, row)]);
            engine.journal().commit(one.clone()).await.unwrap();
            written.push(one);
        }
        let told = journal_of(engine.journal()).await;
        // An expectation is judged and then gone: what was written stays.
        let rows = |batch: &Batch| batch.writes.iter().map(|write| write.row.clone()).collect::<Vec<_>>();
        let told: Vec<_> = told.iter().map(|one| rows(&one.batch)).collect();
        assert_eq!(told, written.iter().map(rows).collect::<Vec<_>>());
        engine = engine.reopen();
    }
}
