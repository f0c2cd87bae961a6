//! The journal machine driven where it is called, without threads: the simulation and the crash tests run the same machine as production
//! over a disk of their own.

use super::error::OpenError;
use super::machine::{Broken, Judged, Machine, Verdict};
use super::port::{Disk, Index};
use super::prepared::Prepared;
use super::query::Walk;
use super::recover::{Recovered, Setup, recover};
use super::view::View;
use gateway_core::id::PaymentId;
use gateway_core::journal::{Batch, CommitError, Journal, Query, Receipt, RowKey, StoreError, Versioned};
use gateway_core::payment::Recorded;
use gateway_core::ports::BoxFuture;
use gateway_core::tenant::Tenant;
use std::sync::{Arc, Mutex, MutexGuard};

/// A store whose every call is done when it returns.
pub struct Inline<D, I> {
    machine: Mutex<Machine<D, I>>,
    view: Arc<View<D, I>>,
    recovered: Recovered,
}

/// What each batch of a group was told.
pub type Told = Vec<Result<Receipt, CommitError>>;

impl<D: Disk, I: Index> Inline<D, I> {
    /// Opens the store on a disk.
    ///
    /// # Errors
    /// As [`recover`].
    pub fn open(disk: D, index: I, setup: Setup) -> Result<Self, OpenError> {
        let (machine, recovered) = recover(disk, index, setup)?;
        let view = Arc::clone(&machine.view);
        Ok(Self { machine: Mutex::new(machine), view, recovered })
    }

    /// How the start went.
    pub const fn recovered(&self) -> Recovered {
        self.recovered
    }

    fn machine(&self) -> MutexGuard<'_, Machine<D, I>> {
        self.machine.lock().expect("nothing panics while it holds this lock")
    }

    /// Commits batches as one group: one sync for all of them, a verdict for each.
    ///
    /// # Errors
    /// Nothing of the group is acknowledged, nothing more can be written, and what became of it is known after the next start only.
    pub fn commit_group(&self, batches: Vec<Batch>) -> Result<Told, Broken> {
        let mut machine = self.machine();
        let mut judged: Vec<Result<Judged, CommitError>> = Vec::with_capacity(batches.len());
        for batch in batches {
            judged.push(match Prepared::new(batch) {
                Ok(prepared) => Ok(machine.stage(Box::new(prepared))?),
                Err(error) => Err(error),
            });
        }
        let durable = machine.commit()?;
        let told = judged.into_iter().map(|judged| match judged?.told(&durable) {
            Verdict::Committed(receipt) => Ok(receipt),
            Verdict::Overloaded => Err(CommitError::Overloaded),
            Verdict::Conflict(key) => Err(self.view.conflict(key)),
        });
        Ok(told.collect())
    }

    /// Puts what has been gathered into the index.
    ///
    /// # Errors
    /// As [`Machine::feed`].
    pub fn feed(&self) -> Result<(), Broken> {
        self.machine().feed()
    }

    /// Makes a checkpoint.
    ///
    /// # Errors
    /// As [`Machine::checkpoint`].
    pub fn checkpoint(&self) -> Result<(), Broken> {
        self.machine().checkpoint()
    }
}

impl<D: Disk, I: Index> View<D, I> {
    /// A conflict with what stood in the way: durable by the time it is told, and read as anything else is.
    pub(crate) fn conflict(&self, key: RowKey) -> CommitError {
        match self.read(&key) {
            Ok(current) => CommitError::Conflict { key, current: current.map(Box::new) },
            Err(StoreError::Unavailable(why) | StoreError::Corrupt(why)) => CommitError::Unavailable(why),
        }
    }
}

impl<D: Disk, I: Index> Journal for Inline<D, I> {
    fn commit<'a>(&'a self, batch: Batch) -> BoxFuture<'a, Result<Receipt, CommitError>> {
        Box::pin(async move {
            let told =
                self.commit_group(vec![batch]).map_err(|broken| CommitError::Unknown(broken.to_string()))?;
            told.into_iter().next().expect("one batch, one verdict")
        })
    }

    fn read<'a>(&'a self, key: &'a RowKey) -> BoxFuture<'a, Result<Option<Versioned>, StoreError>> {
        Box::pin(async move { self.view.read(key) })
    }

    fn query<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Vec<Versioned>, StoreError>> {
        Box::pin(async move {
            let mut walk = Walk::of(query);
            while walk.step(&self.view)? {}
            Ok(walk.finish(query))
        })
    }

    fn history<'a>(
        &'a self,
        tenant: Tenant,
        payment: PaymentId,
    ) -> BoxFuture<'a, Result<Vec<Recorded>, StoreError>> {
        Box::pin(async move { self.view.history(tenant, payment) })
    }
}
