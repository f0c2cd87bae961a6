//! The one thread through which all commits go: it takes whatever waits when the last sync ended, judges it in order, writes it as one
//! group, syncs once, and tells each its verdict.

use super::feeder::Feeder;
use super::machine::{Broken, Judged, Machine, Verdict};
use super::options::Options;
use super::port::{Disk, Index};
use super::queue::{Next, Queue, Reply, Request};
use super::room::{Reserve, Room};
use super::stats::Counters;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// How long the writer sleeps at most: a checkpoint that is due waits no longer than that.
const PATIENCE: Duration = Duration::from_millis(500);

/// The writer's thread.
pub(crate) struct Committer<D, I> {
    pub machine: Machine<D, I>,
    pub queue: Arc<Queue>,
    pub feeder: Feeder,
    pub counters: Arc<Counters>,
    pub options: Options,
    pub reserve: Reserve,
    /// Position and time of the last checkpoint that was begun.
    pub last_checkpoint: (u64, Instant),
}

impl<D: Disk, I: Index> Committer<D, I> {
    /// Serves until the line is closed; then everything is in the index, and the last checkpoint is written.
    pub(crate) fn run(mut self) -> Result<(), Broken> {
        let mut crowded = false;
        loop {
            if crowded {
                // Where processors are short, whoever is about to commit comes first and is in the next group: one sync for more of
                // them. On an idle processor this is nothing, and a lonely commit has nobody to wait for.
                std::thread::yield_now();
            }
            match self.queue.take(PATIENCE) {
                Next::Requests(requests) => {
                    crowded = requests.len() > 1;
                    self.serve(requests)?;
                }
                // The index is fed and sealed while nobody commits, and others may fill the disk.
                Next::Idle => drop(self.look_for_room()?),
                Next::Closed => break,
            }
            self.checkpoint_if_due();
        }
        // A store that was only read needs no new checkpoint; one that is under way is completed all the same.
        if self.machine.position() != self.last_checkpoint.0 {
            let last = self.machine.begin_checkpoint();
            self.feeder.finish(last);
        }
        Ok(())
    }

    fn serve(&mut self, mut requests: VecDeque<Request>) -> Result<(), Broken> {
        while !requests.is_empty() {
            self.group(&mut requests)?;
        }
        Ok(())
    }

    /// Takes from the front as much as one group holds.
    fn group(&mut self, requests: &mut VecDeque<Request>) -> Result<(), Broken> {
        let room = self.look_for_room()?;
        let mut judged: Vec<(oneshot::Sender<Reply>, Judged)> = Vec::with_capacity(requests.len());
        while let Some(Request { prepared, tell }) = requests.pop_front() {
            if !room.takes(prepared.urgency()) {
                self.counters.shed();
                tell.send(Reply::Full).ok();
                continue;
            }
            judged.push((tell, self.machine.stage(prepared)?));
            if self.machine.staged_bytes() >= self.options.group_bytes {
                break;
            }
        }
        let begun = Instant::now();
        let mut durable = self.machine.commit()?;
        let mut used = std::mem::take(&mut durable.used).into_iter();
        if durable.commits > 0 {
            self.counters.group(durable.commits as u64, durable.bytes as u64, begun.elapsed());
        }
        for (tell, judged) in judged {
            let verdict = judged.told(&durable);
            match &verdict {
                Verdict::Committed(_) => {}
                Verdict::Conflict(_) => self.counters.conflict(),
                Verdict::Overloaded => self.counters.shed(),
            }
            let given_back = if matches!(verdict, Verdict::Committed(_)) { used.next() } else { None };
            // Whoever waited may be gone; the commit stands all the same.
            tell.send(Reply::Judged(verdict, given_back)).ok();
        }
        if !self.machine.view.layers().frozen.is_empty() {
            self.feeder.feed();
        }
        Ok(())
    }

    fn look_for_room(&mut self) -> Result<Room, Broken> {
        let next = self.options.group_bytes as u64;
        self.reserve.look(&self.machine.view.disk, next).map_err(Broken::Disk)
    }

    fn checkpoint_if_due(&mut self) {
        // First, because the length below is that of the one that was under way.
        if self.feeder.is_busy() {
            return;
        }
        let (position, at) = self.last_checkpoint;
        let written = self.machine.position() - position;
        // By time alone not more is written for checkpoints than for what they are about; what a start has to replay is bounded all the same.
        let worth = written > 0 && written >= self.feeder.latest_len();
        let due = written >= self.options.checkpoint_bytes
            || (worth && at.elapsed() >= self.options.checkpoint_interval);
        if due {
            self.feeder.begin_checkpoint();
            let checkpoint = self.machine.begin_checkpoint();
            self.last_checkpoint = (checkpoint.position, Instant::now());
            self.feeder.checkpoint(checkpoint);
        }
    }
}
