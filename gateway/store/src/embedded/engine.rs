//! The embedded engine: the journal machine on real files, one thread that writes, one that feeds the index, and any number that read.
//!
//! Reads run where they are called: an entry from memory or the index, then one read of the journal, mostly from the page cache: tens of
//! microseconds at worst, but for a cold disk. Long lists let others run between their pages.

use super::committer::Committer;
use super::error::{OpenError, io_error};
use super::feeder::feeder;
use super::files::{DirLock, FileDisk};
use super::fjall_index::FjallIndex;
use super::machine::{Broken, Verdict};
use super::options::{Fatal, Options};
use super::port::{Disk, Index, IndexError};
use super::prepared::Prepared;
use super::query::Walk;
use super::queue::{Queue, Reply, Request};
use super::recover::{Recovered, Setup, recover};
use super::room::{Kept, Reserve};
use super::stats::{Counters, Stats};
use super::view::View;
use gateway_core::id::PaymentId;
use gateway_core::journal::{
    Batch, CommitError, Cursor, Journal, Observer, Part, Query, Receipt, RowKey, StoreError, Versioned,
};
use gateway_core::payment::Recorded;
use gateway_core::ports::BoxFuture;
use gateway_core::tenant::Tenant;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Instant;
use tokio::sync::oneshot;

/// The directory of the index, inside the store's.
const INDEX_DIR: &str = "index";

/// The embedded store: on files, with fjall as its index.
pub type Embedded = Engine<FileDisk, FjallIndex>;

/// An open store.
pub struct Engine<D: Disk, I: Index> {
    view: Arc<View<D, I>>,
    queue: Arc<Queue>,
    counters: Arc<Counters>,
    recovered: Recovered,
    threads: Mutex<Vec<JoinHandle<()>>>,
    guard: Guard<D, I>,
    kept: Kept,
    /// Bytes that one group may take.
    group_bytes: u64,
    /// Last, so that the directory is free only when nothing works in it any more.
    _lock: Option<DirLock>,
}

/// Opens the store in `dir`, which is made if it is missing. The observer is restored and told of all that came after its snapshot
/// before this returns.
///
/// # Errors
/// See [`OpenError`].
pub fn open(
    dir: &Path,
    options: Options,
    observer: Option<Arc<dyn Observer>>,
) -> Result<Embedded, OpenError> {
    let lock = DirLock::take(dir)?;
    let disk = FileDisk::open(dir).map_err(io_error(format!("opening {}", dir.display())))?;
    // First of all: on a full disk the index could not even be opened.
    let reserve = Reserve::hold(&disk, options.reserve_bytes);
    let index = FjallIndex::open(&dir.join(INDEX_DIR), options.index).map_err(OpenError::Index)?;
    let mut engine = open_with((disk, index, reserve), options, observer)?;
    engine._lock = Some(lock);
    Ok(engine)
}

/// Opens a store on any disk and index: for tests of the threads over a disk that fails. Nothing keeps a second one away.
///
/// # Errors
/// See [`OpenError`].
pub fn open_on<D: Disk, I: Index>(
    disk: D,
    index: I,
    options: Options,
    observer: Option<Arc<dyn Observer>>,
) -> Result<Engine<D, I>, OpenError> {
    let reserve = Reserve::hold(&disk, options.reserve_bytes);
    open_with((disk, index, reserve), options, observer)
}

fn open_with<D: Disk, I: Index>(
    (disk, index, reserve): (D, I, Reserve),
    options: Options,
    observer: Option<Arc<dyn Observer>>,
) -> Result<Engine<D, I>, OpenError> {
    Counters::describe();
    let setup = Setup { sizes: options.sizes, random: Arc::clone(&options.random), observer };
    let (machine, recovered) = recover(disk, index, setup)?;
    let view = Arc::clone(&machine.view);
    let queue = Arc::new(Queue::new(options.queue));
    let counters = Arc::new(Counters::default());
    let (feeder, feeder_thread) = feeder(Arc::clone(&view), Arc::clone(&counters));
    let fatal = Arc::clone(&options.fatal);
    let (kept, group_bytes) = (reserve.kept(), options.group_bytes as u64);
    let committer = Committer {
        // What was replayed counts, so that the next start need not read all of it again.
        last_checkpoint: (machine.position() - recovered.replayed_bytes, Instant::now()),
        machine,
        queue: Arc::clone(&queue),
        feeder,
        counters: Arc::clone(&counters),
        options,
        reserve,
    };
    let guard = Guard { view: Arc::clone(&view), queue: Arc::clone(&queue), fatal };
    let threads = Mutex::new(vec![
        spawn("store-feeder", guard.clone(), move || feeder_thread.run())?,
        spawn("store-writer", guard.clone(), move || committer.run())?,
    ]);
    Ok(Engine { view, queue, counters, recovered, threads, guard, kept, group_bytes, _lock: None })
}

/// What a thread of the store does when it can't go on.
struct Guard<D, I> {
    view: Arc<View<D, I>>,
    queue: Arc<Queue>,
    fatal: Fatal,
}

impl<D, I> Clone for Guard<D, I> {
    fn clone(&self) -> Self {
        Self { view: Arc::clone(&self.view), queue: Arc::clone(&self.queue), fatal: Arc::clone(&self.fatal) }
    }
}

impl<D: Disk, I: Index> Guard<D, I> {
    fn stop(&self, why: &str) {
        (self.fatal)(why);
        // Only where the hook lets the process live: nothing is acknowledged any more.
        self.queue.abandon(why);
    }

    fn broken(&self, broken: &Broken) {
        if matches!(broken, Broken::Index(_)) {
            self.view.distrust_index().ok();
        }
        self.stop(&broken.to_string());
    }
}

fn spawn<D: Disk, I: Index>(
    name: &str,
    guard: Guard<D, I>,
    run: impl FnOnce() -> Result<(), Broken> + Send + 'static,
) -> Result<JoinHandle<()>, OpenError> {
    let body = move || match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(())) => {}
        Ok(Err(broken)) => guard.broken(&broken),
        Err(_panic) => guard.stop("a thread of the store panicked"),
    };
    std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(body)
        .map_err(io_error("starting a thread of the store"))
}

impl<D: Disk, I: Index> Engine<D, I> {
    /// How the start went.
    pub const fn recovered(&self) -> Recovered {
        self.recovered
    }

    /// What was counted since the start; also refreshes the gauges.
    pub fn stats(&self) -> Stats {
        self.counters.stats(self.queue.len() as u64, self.view.layers().len() as u64)
    }

    /// Whether the disk has room for new work: what a readiness probe asks.
    ///
    /// # Errors
    /// Of the medium.
    pub fn has_room(&self) -> io::Result<bool> {
        Ok(self.kept.leaves_room(self.view.disk.room()?, self.group_bytes))
    }

    /// Serves what waits, writes a last checkpoint, and ends. Later commits are refused; reads go on. Blocks until it is done: call it
    /// where blocking is allowed. A second call does nothing.
    pub fn close(&self) {
        self.queue.close("the store is closed");
        let threads =
            std::mem::take(&mut *self.threads.lock().expect("nothing panics while it holds this lock"));
        for thread in threads {
            // It caught its own panics and told of them.
            thread.join().ok();
        }
    }

    async fn commit_batch(&self, batch: Batch) -> Result<Receipt, CommitError> {
        let prepared = Box::new(Prepared::new(batch)?);
        let (tell, told) = oneshot::channel();
        self.queue.push(Request { prepared, tell }).inspect_err(|error| {
            if *error == CommitError::Overloaded {
                self.counters.shed();
            }
        })?;
        match told.await {
            Ok(Reply::Judged(Verdict::Committed(receipt), _freed_here)) => Ok(receipt),
            Ok(Reply::Judged(Verdict::Conflict(key), _)) => Err(self.view.conflict(key)),
            Ok(Reply::Judged(Verdict::Overloaded, _)) => Err(CommitError::Overloaded),
            Ok(Reply::Full) => Err(CommitError::Full),
            Err(_gone) => {
                Err(CommitError::Unknown("the store stopped while the commit was under way".to_owned()))
            }
        }
    }
}

/// Reads.
impl<D: Disk, I: Index> Engine<D, I> {
    /// An index that fails under a read is dropped like one that fails under a write: the process stops, and the next start rebuilds it.
    fn checked<T>(&self, answer: Result<T, StoreError>) -> Result<T, StoreError> {
        if answer.is_err() && self.view.index_failed() {
            self.guard.broken(&Broken::Index(IndexError("it failed under a read".to_owned())));
        }
        answer
    }

    async fn ask(&self, query: &Query) -> Result<Vec<Versioned>, StoreError> {
        let mut walk = Walk::of(query);
        while self.checked(walk.step(&self.view))? {
            tokio::task::yield_now().await;
        }
        Ok(walk.finish(query))
    }
}

impl<D: Disk, I: Index> Drop for Engine<D, I> {
    fn drop(&mut self) {
        self.close();
    }
}

impl<D: Disk, I: Index> Journal for Engine<D, I> {
    fn commit<'a>(&'a self, batch: Batch) -> BoxFuture<'a, Result<Receipt, CommitError>> {
        Box::pin(self.commit_batch(batch))
    }

    fn read<'a>(&'a self, key: &'a RowKey) -> BoxFuture<'a, Result<Option<Versioned>, StoreError>> {
        Box::pin(async move { self.checked(self.view.read(key)) })
    }

    fn query<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<Vec<Versioned>, StoreError>> {
        Box::pin(self.ask(query))
    }

    fn part<'a>(&'a self, from: Cursor) -> BoxFuture<'a, Result<Part, StoreError>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            self.view.part(from)
        })
    }

    fn history<'a>(
        &'a self,
        tenant: Tenant,
        payment: PaymentId,
    ) -> BoxFuture<'a, Result<Vec<Recorded>, StoreError>> {
        Box::pin(async move { self.checked(self.view.history(tenant, payment)) })
    }
}
