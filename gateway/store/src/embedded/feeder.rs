//! The thread that brings commits into the index and writes checkpoints, so that the writer never waits for either.

use super::format::checkpoint::Checkpoint;
use super::machine::Broken;
use super::port::{Disk, Index};
use super::stats::Counters;
use super::view::View;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Instant;

/// Tasks that wait, at most: one to feed, one checkpoint, and the last one.
const TASKS: usize = 4;

/// What the feeder is told to do.
enum Task {
    /// A layer is frozen.
    Feed,
    Checkpoint(Box<Checkpoint>),
}

/// The writer's end.
pub(crate) struct Feeder {
    tasks: SyncSender<Task>,
    /// A checkpoint is under way.
    busy: Arc<AtomicBool>,
    /// A `Feed` waits already: so the tasks never fill their line.
    asked: Arc<AtomicBool>,
    /// Bytes of the latest checkpoint that was completed.
    latest_len: Arc<AtomicU64>,
}

/// The feeder's end.
pub(crate) struct FeederThread<D, I> {
    view: Arc<View<D, I>>,
    tasks: Receiver<Task>,
    busy: Arc<AtomicBool>,
    asked: Arc<AtomicBool>,
    latest_len: Arc<AtomicU64>,
    counters: Arc<Counters>,
}

/// Both ends.
pub(crate) fn feeder<D: Disk, I: Index>(
    view: Arc<View<D, I>>,
    counters: Arc<Counters>,
) -> (Feeder, FeederThread<D, I>) {
    let (tell, tasks) = sync_channel(TASKS);
    let busy = Arc::new(AtomicBool::new(false));
    let asked = Arc::new(AtomicBool::new(false));
    let latest_len = Arc::new(AtomicU64::new(0));
    let thread = FeederThread {
        view,
        tasks,
        busy: Arc::clone(&busy),
        asked: Arc::clone(&asked),
        latest_len: Arc::clone(&latest_len),
        counters,
    };
    (Feeder { tasks: tell, busy, asked, latest_len }, thread)
}

impl Feeder {
    /// Whether a checkpoint is under way. Only the writer begins one, so what it was told stays true until it does.
    pub(crate) fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Acquire)
    }

    /// A checkpoint begins: from now on the feeder leaves what is frozen to it. Not while another is under way.
    pub(crate) fn begin_checkpoint(&self) {
        self.busy.store(true, Ordering::Release);
    }

    /// Bytes of the latest checkpoint that was completed; 0 before the first since the start.
    pub(crate) fn latest_len(&self) -> u64 {
        self.latest_len.load(Ordering::Relaxed)
    }

    /// Asks for the frozen layers to be fed.
    pub(crate) fn feed(&self) {
        if !self.asked.swap(true, Ordering::AcqRel) {
            self.tell(Task::Feed);
        }
    }

    /// Hands over the checkpoint that was begun.
    pub(crate) fn checkpoint(&self, checkpoint: Checkpoint) {
        self.tell(Task::Checkpoint(Box::new(checkpoint)));
    }

    /// There is room for one task of each kind. It fails only if the thread ended, for a reason that it told.
    fn tell(&self, task: Task) {
        self.tasks.try_send(task).ok();
    }

    /// Hands over the last checkpoint. The feeder's thread ends after it.
    pub(crate) fn finish(self, checkpoint: Checkpoint) {
        // Fails only if the thread ended already, for a reason that it told.
        self.tasks.send(Task::Checkpoint(Box::new(checkpoint))).ok();
    }
}

impl<D: Disk, I: Index> FeederThread<D, I> {
    /// Works until the writer is gone.
    pub(crate) fn run(self) -> Result<(), Broken> {
        while let Ok(task) = self.tasks.recv() {
            match task {
                Task::Feed => {
                    self.asked.store(false, Ordering::Release);
                    // A checkpoint that has begun feeds the rest itself, and seals it with the last.
                    self.view.feed_until(|| self.busy.load(Ordering::Acquire))?;
                }
                Task::Checkpoint(checkpoint) => {
                    let begun = Instant::now();
                    let len = self.view.finish_checkpoint(*checkpoint)?;
                    self.latest_len.store(len, Ordering::Relaxed);
                    self.counters.checkpoint(begun.elapsed());
                    self.busy.store(false, Ordering::Release);
                }
            }
        }
        Ok(())
    }
}
