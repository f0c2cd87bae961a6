//! The oracle: the journal's semantics in plain ordered maps under one lock. What it answers is what every engine must answer.
//!
//! It is durable only as long as the process lives: for tests, for the simulation's model, and for trying things out.

mod query;

use crate::rows;
use gateway_core::id::{Id, PaymentId};
use gateway_core::journal::{
    Batch, CommitError, Committed, Cursor, DueKind, Expect, Journal, Observer, Part, Query, Receipt, Row,
    RowKey, StoreError, Version, Versioned,
};
use gateway_core::payment::Recorded;
use gateway_core::ports::BoxFuture;
use gateway_core::tenant::Tenant;
use gateway_core::time::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

/// Commits of one part of the journal, at most.
const PART: usize = 256;

/// A store in memory.
#[derive(Default)]
pub struct Memory {
    state: Mutex<State>,
    /// Told of every commit, under the lock, so in commit order.
    observer: Option<Arc<dyn Observer>>,
}

/// Everything that was committed.
#[derive(Default)]
struct State {
    /// Position of the last commit; the first is 1.
    position: u64,
    last_event: Id,
    rows: BTreeMap<RowKey, Versioned>,
    /// The one list whose order is not that of the rows' keys.
    due: BTreeSet<(DueKind, Timestamp, Tenant, PaymentId)>,
    /// Which payments may await an answer to a message; never taken away.
    awaited: BTreeSet<(u64, Tenant, PaymentId)>,
    /// Transitions of each payment over all its writes.
    histories: BTreeMap<(Tenant, PaymentId), Vec<Recorded>>,
    /// Every batch, in order: the one of position 1 first.
    log: Vec<Arc<Batch>>,
}

impl Memory {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty store that tells `observer` of every commit.
    pub fn observed(observer: Arc<dyn Observer>) -> Self {
        observer.restore(None);
        Self { state: Mutex::default(), observer: Some(observer) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nothing panics while it holds this lock")
    }

    fn commit_now(&self, mut batch: Batch) -> Result<Receipt, CommitError> {
        if let Some(at) = rows::named_twice(&batch.writes, |write| write.row.key()) {
            return Err(CommitError::Unavailable(rows::named_twice_text(&batch.writes[at].row.key())));
        }
        let mut state = self.lock();
        let last_event = state.order_events(&mut batch);
        state.judge(&batch)?;
        state.last_event = last_event;
        state.write(&batch);
        let position = state.position;
        if let Some(observer) = &self.observer {
            observer.committed(position, &batch);
        }
        Ok(Receipt { position })
    }
}

impl State {
    /// Gives new events ids above all before; returns the last of them.
    fn order_events(&self, batch: &mut Batch) -> Id {
        let mut last = self.last_event;
        for id in batch.writes.iter_mut().flat_map(rows::new_events) {
            id.0 = id.0.above(last);
            last = id.0;
        }
        last
    }

    /// The first expectation that does not hold.
    fn judge(&self, batch: &Batch) -> Result<(), CommitError> {
        for write in &batch.writes {
            let key = write.row.key();
            let current = self.rows.get(&key);
            let holds = match write.expect {
                Expect::Absent => current.is_none(),
                Expect::Version(version) => current.is_some_and(|row| row.version == version),
            };
            if !holds {
                return Err(CommitError::Conflict { key, current: current.cloned().map(Box::new) });
            }
        }
        Ok(())
    }

    /// After this point the batch must succeed.
    fn write(&mut self, batch: &Batch) {
        self.position += 1;
        self.log.push(Arc::new(batch.clone()));
        for write in &batch.writes {
            let key = write.row.key();
            let before = self.rows.get(&key);
            let version = Version(before.map_or(1, |row| row.version.0 + 1));
            if let Row::Payment(row) = &write.row {
                let (tenant, id) = (row.payment.tenant, row.payment.id);
                if let Some((kind, at)) = before.and_then(|before| rows::due_of(&before.row)) {
                    self.due.remove(&(kind, at, tenant, id));
                }
                if let Some((kind, at)) = row.payment.due() {
                    self.due.insert((kind, at, tenant, id));
                }
                self.awaited.extend(row.payment.awaited().map(|reference| (reference, tenant, id)));
                self.histories.entry((tenant, id)).or_default().extend(row.events.iter().cloned());
                for event in row.public_events().flatten() {
                    let row = Row::Event(Box::new(event));
                    self.rows.insert(row.key(), Versioned { version: Version(1), row });
                }
            }
            self.rows.insert(key, Versioned { version, row: write.row.clone() });
        }
    }
}

impl Journal for Memory {
    fn commit<'a>(&'a self, batch: Batch) -> BoxFuture<'a, Result<Receipt, CommitError>> {
        Box::pin(async move { self.commit_now(batch) })
    }

    fn read<'a>(&'a self, key: &'a RowKey) -> BoxFuture<'a, Result<Option<Versioned>, StoreError>> {
        Box::pin(async move { Ok(self.lock().rows.get(key).cloned()) })
    }

    fn query<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Vec<Versioned>, StoreError>> {
        Box::pin(async move { Ok(self.lock().answer(query)) })
    }

    fn part<'a>(&'a self, from: Cursor) -> BoxFuture<'a, Result<Part, StoreError>> {
        Box::pin(async move {
            let state = self.lock();
            let start = usize::try_from(from.0[0]).unwrap_or(usize::MAX);
            let found = state.log.iter().enumerate().skip(start).take(PART);
            let commits: Vec<Committed> = found
                .map(|(at, batch)| Committed { position: at as u64 + 1, batch: batch.as_ref().clone() })
                .collect();
            let end = start.saturating_add(commits.len());
            let next = (end < state.log.len()).then_some(Cursor([end as u64, 0, 0]));
            Ok(Part { commits, next })
        })
    }

    fn history<'a>(
        &'a self,
        tenant: Tenant,
        payment: PaymentId,
    ) -> BoxFuture<'a, Result<Vec<Recorded>, StoreError>> {
        Box::pin(
            async move { Ok(self.lock().histories.get(&(tenant, payment)).cloned().unwrap_or_default()) },
        )
    }
}
