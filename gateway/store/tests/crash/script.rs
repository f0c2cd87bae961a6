//! Scripted runs of the journal machine, and the comparison of a store with the oracle.

use crate::fixtures::{self as f, Seeded, block_on, tenant};
use gateway_core::event::EventKind;
use gateway_core::id::{CustomerId, Id};
use gateway_core::journal::{
    Batch, CommitError, DueKind, First, Journal, Query, Range, RowKey, Urgency, Version,
};
use gateway_core::ports::Random;
use gateway_core::time::Timestamp;
use gateway_store::Memory;
use gateway_store::embedded::{Broken, Inline, OpenError, Setup, Sizes};
use gateway_store::lossy::{LossyDisk, LossyIndex};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub type Store = Inline<LossyDisk, LossyIndex>;

#[derive(Debug, Clone)]
pub enum Step {
    Group(Vec<Batch>),
    Feed,
    Checkpoint,
}

/// Small, so that a short run goes through layers and segments.
pub fn sizes() -> Sizes {
    Sizes {
        segment_bytes: 6_000,
        layer_entries: 10,
        overlay_entries: 10_000,
        recent_rows: 4,
        ..Sizes::default()
    }
}

pub fn open(disk: &LossyDisk, index: &LossyIndex, seed: u64) -> Result<Store, OpenError> {
    let setup = Setup { sizes: sizes(), random: Arc::new(Seeded::new(seed)), observer: None };
    Inline::open(disk.clone(), index.clone(), setup)
}

/// What the script's maker believes of the store.
struct Believed<'a> {
    random: &'a Seeded,
    payments: BTreeMap<u128, u32>,
    next_id: u128,
}

impl Believed<'_> {
    fn below(&self, bound: u64) -> u64 {
        self.random.below(bound)
    }

    fn due(&self) -> Option<i64> {
        (self.below(4) > 0).then(|| self.below(6) as i64 * 100)
    }

    fn fresh(&mut self) -> u128 {
        // Mostly rising, as ids are; sometimes below the largest.
        self.next_id += 1;
        if self.below(8) == 0 { 1_000_000 + self.next_id } else { self.next_id }
    }

    /// The first commit of a payment.
    fn intend(&mut self) -> Batch {
        let id = self.fresh();
        let t = tenant((id % 2) as u8);
        let customer = (self.below(2) == 0).then_some(7);
        self.payments.insert(id, 1);
        let mut batch = Batch::new(Urgency::New);
        let payment = f::payment(t, id, 1, customer, self.due());
        batch.insert(f::telling(payment, &[(id, EventKind::PaymentIntentCreated)]));
        batch.insert(f::claim(t, &format!("key {id}"), None));
        batch
    }

    /// A later commit of one.
    fn conclude(&mut self) -> Option<Batch> {
        let at = self.below(self.payments.len() as u64 + 1) as usize;
        let (id, version) = self.payments.iter().nth(at).map(|(id, version)| (*id, *version))?;
        let t = tenant((id % 2) as u8);
        let customer = (self.below(3) == 0).then_some(7);
        self.payments.insert(id, version + 1);
        let mut batch = Batch::new(Urgency::Outcome);
        let (first, second) = (self.fresh(), self.fresh());
        let told = [(first, EventKind::ChargeUpdated), (second, EventKind::ChargeSucceeded)];
        let payment = f::payment(t, id, version + 1, customer, self.due());
        batch.replace(Version(u64::from(version)), f::telling(payment, &told[..self.below(3) as usize]));
        if version == 1 {
            let body = vec![b'{'; self.below(3_000) as usize];
            batch.replace(Version(1), f::claim(t, &format!("key {id}"), Some(body)));
        }
        let event = self.fresh();
        batch.insert(f::event(t, event, EventKind::ChargeUpdated));
        Some(batch)
    }

    /// One that loses.
    fn lose(&self) -> Batch {
        let id = u128::from(self.below(20));
        let mut batch = Batch::new(Urgency::New);
        batch.insert(f::sequence("never", 1));
        batch.insert(f::claim(tenant((id % 2) as u8), &format!("key {id}"), None));
        batch.replace(Version(99), f::sequence("missing", 1));
        batch
    }
}

/// A run of so many groups.
pub fn script(seed: u64, groups: usize) -> Vec<Step> {
    let random = Seeded::new(seed);
    let mut believed = Believed { random: &random, payments: BTreeMap::new(), next_id: 0 };
    let mut steps = Vec::new();
    for _ in 0..groups {
        let batches = (0..=random.below(4)).filter_map(|_| match random.below(7) {
            0..=2 => Some(believed.intend()),
            3..=5 => believed.conclude(),
            _other => Some(believed.lose()),
        });
        steps.push(Step::Group(batches.collect()));
        match random.below(6) {
            0 => steps.push(Step::Feed),
            1 => steps.push(Step::Checkpoint),
            _other => {}
        }
    }
    steps
}

/// Everything that a script writes to.
pub fn keys(steps: &[Step]) -> BTreeSet<RowKey> {
    let batches = steps.iter().flat_map(|step| match step {
        Step::Group(batches) => batches.as_slice(),
        Step::Feed | Step::Checkpoint => &[],
    });
    batches.flat_map(|batch| batch.writes.iter().map(|write| write.row.key())).collect()
}

/// What was acknowledged, and the group of which that is not known.
#[derive(Default)]
pub struct Acked {
    pub batches: Vec<Batch>,
    pub in_flight: Vec<Batch>,
}

impl Acked {
    /// The oracle after what was acknowledged, and what more.
    pub fn oracle(&self, more: &[Batch]) -> Memory {
        let memory = Memory::new();
        for batch in self.batches.iter().chain(more) {
            // Losers of the group under way lose here, too.
            block_on(memory.commit(batch.clone())).ok();
        }
        memory
    }
}

fn verdict(result: Result<gateway_core::journal::Receipt, CommitError>) -> Result<(), CommitError> {
    result.map(|_| ())
}

/// Plays steps until they end or the store breaks. Every verdict must be the oracle's.
pub fn play(store: &Store, steps: &[Step], acked: &mut Acked) -> Result<(), Broken> {
    let oracle = acked.oracle(&[]);
    for step in steps {
        match step {
            Step::Feed => store.feed()?,
            Step::Checkpoint => store.checkpoint()?,
            Step::Group(batches) => {
                acked.in_flight = batches.clone();
                let told = store.commit_group(batches.clone())?;
                acked.in_flight.clear();
                let expected: Vec<_> =
                    batches.iter().map(|batch| verdict(block_on(oracle.commit(batch.clone())))).collect();
                for ((batch, told), expected) in batches.iter().zip(told).zip(expected) {
                    let accepted = told.is_ok();
                    compare_verdicts(verdict(told), expected);
                    if accepted {
                        acked.batches.push(batch.clone());
                    }
                }
            }
        }
    }
    Ok(())
}

/// Within a group, a conflict shows the row after the whole group, which may be newer than the one that the oracle saw.
fn compare_verdicts(told: Result<(), CommitError>, expected: Result<(), CommitError>) {
    match (told, expected) {
        (Err(CommitError::Conflict { key, current }), Err(CommitError::Conflict { key: k, current: c })) => {
            assert_eq!(key, k);
            assert_eq!(current.is_some(), c.is_some());
            assert!(current.map(|row| row.version) >= c.map(|row| row.version));
        }
        (told, expected) => assert_eq!(told, expected),
    }
}

fn questions() -> Vec<Query> {
    let mut all = vec![Query::Merchants, Query::ApiKeys];
    for first in [First::Newest, First::Oldest] {
        let range = Range { above: None, below: None, first, limit: 500 };
        for tenant in [tenant(0), tenant(1)] {
            all.push(Query::Payments { tenant, customer: None, range });
            all.push(Query::Payments { tenant, customer: Some(CustomerId(Id(7))), range });
            all.push(Query::Events { tenant, kinds: vec![EventKind::ChargeUpdated], range });
            all.push(Query::Events { tenant, kinds: Vec::new(), range });
        }
    }
    for until in [0, 250, i64::MAX] {
        all.push(Query::Due { kind: DueKind::Open, after: None, until: Timestamp(until), limit: 500 });
    }
    all.extend((0..6).map(|reference| Query::Awaiting { reference }));
    all
}

/// Whether a store answers everything as the oracle does; else what it answered otherwise.
pub fn differs(store: &dyn Journal, oracle: &Memory, keys: &BTreeSet<RowKey>) -> Option<String> {
    block_on(async {
        for key in keys {
            let (a, b) = (store.read(key).await, oracle.read(key).await);
            if a != b {
                return Some(format!("{key:?}: {a:?}, not {b:?}"));
            }
            if let RowKey::Payment(tenant, id) = key {
                let (a, b) = (store.history(*tenant, *id).await, oracle.history(*tenant, *id).await);
                if a != b {
                    return Some(format!("history of {id}: {a:?}, not {b:?}"));
                }
            }
        }
        for query in questions() {
            let (a, b) = (store.query(&query).await, oracle.query(&query).await);
            if a != b {
                return Some(format!("{query:?}: {a:?}, not {b:?}"));
            }
        }
        None
    })
}

/// After a crash: all that was acknowledged, and the group under way wholly or not at all. Takes it as acknowledged if it is there, since
/// from now on it is shown.
pub fn settle(store: &Store, acked: &mut Acked, keys: &BTreeSet<RowKey>) {
    let without = differs(store, &acked.oracle(&[]), keys);
    if without.is_none() {
        acked.in_flight.clear();
        return;
    }
    let group = std::mem::take(&mut acked.in_flight);
    let oracle = acked.oracle(&[]);
    let with = differs(store, &acked.oracle(&group), keys);
    assert_eq!(with, None, "neither without the group under way ({without:?}) nor with it");
    for batch in group {
        if block_on(oracle.commit(batch.clone())).is_ok() {
            acked.batches.push(batch);
        }
    }
}

/// A row that no script writes, to see that a store still takes commits.
pub fn probe(number: u64) -> (Batch, RowKey) {
    let row = f::sequence(&format!("probe {number}"), number);
    let key = row.key();
    let mut batch = Batch::new(Urgency::New);
    batch.insert(row);
    (batch, key)
}
