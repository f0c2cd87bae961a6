//! The feeder's half of the store: what is durable in the journal goes on into the index, and checkpoints say how far it has come.
//!
//! A checkpoint is written only after the whole index was synced, to a file of its own, by rename: a mark inside an index that is not
//! synced could survive while entries before it were lost, and a lost idempotency key charges twice.

use super::format::checkpoint::{self, Checkpoint};
use super::layer::Layer;
use super::machine::{Broken, Machine};
use super::port::{Disk, Index, Seal};
use super::relay::Relay;
use super::view::View;
use std::io;
use std::sync::Arc;

/// Bytes of a checkpoint that are written before they are synced: a commit's sync waits for whatever was handed to the disk before it,
/// and what the scorer remembers can be a hundred times as much.
const PIECE: usize = 1 << 20;
/// A checkpoint is written in so many pieces, at most: nothing is fed meanwhile.
const PIECES: usize = 64;

impl<D: Disk, I: Index> Machine<D, I> {
    /// Puts what has been gathered into the index.
    ///
    /// # Errors
    /// The machine is broken: it must be dropped, and recovered anew.
    pub fn feed(&mut self) -> Result<(), Broken> {
        self.view.layers_mut().freeze();
        self.view.feed_all()
    }

    /// Makes a checkpoint, all in one.
    ///
    /// # Errors
    /// As [`Machine::feed`].
    pub fn checkpoint(&mut self) -> Result<(), Broken> {
        let checkpoint = self.begin_checkpoint();
        self.view.finish_checkpoint(checkpoint).map(drop)
    }
}

impl<D: Disk, I: Index> View<D, I> {
    fn oldest_frozen(&self) -> Option<Arc<Layer>> {
        self.layers().frozen.front().map(Arc::clone)
    }

    /// The oldest frozen layer is in the index. Only now: readers look there first, and then find in the index what left.
    fn drop_oldest_frozen(&self) {
        self.layers_mut().frozen.pop_front();
    }

    /// Puts all frozen layers into the index.
    pub(crate) fn feed_all(&self) -> Result<(), Broken> {
        self.feed_until(|| false)
    }

    /// The same; stops before the next layer when it is told to.
    pub(crate) fn feed_until(&self, stop: impl Fn() -> bool) -> Result<(), Broken> {
        while !stop()
            && let Some(layer) = self.oldest_frozen()
        {
            self.index.write(&mut layer.changes()).map_err(Broken::Index)?;
            self.drop_oldest_frozen();
        }
        Ok(())
    }

    /// The same for all; the last one goes with the seal, which then needs no place of its own in the index.
    fn feed_and_seal(&self, seal: Seal) -> Result<(), Broken> {
        self.feed_until(|| self.layers().frozen.len() == 1)?;
        match self.oldest_frozen() {
            Some(layer) => {
                self.index.persist(&mut layer.changes(), seal).map_err(Broken::Index)?;
                self.drop_oldest_frozen();
                Ok(())
            }
            None => self.index.persist(&mut std::iter::empty(), seal).map_err(Broken::Index),
        }
    }

    /// Completes a checkpoint that the machine began, and gives its length in bytes.
    pub(crate) fn finish_checkpoint(&self, mut checkpoint: Checkpoint) -> Result<u64, Broken> {
        // First of all, whatever fails later: commits are kept from the observer until it is done.
        checkpoint.observer = self.relay.as_ref().map(Relay::snapshot);
        self.feed_and_seal(Seal { store: checkpoint.store, position: checkpoint.seal })?;
        self.write_checkpoint(checkpoint).map_err(Broken::Disk)
    }

    /// Gives its length.
    fn write_checkpoint(&self, checkpoint: Checkpoint) -> io::Result<u64> {
        let disk = &self.disk;
        if disk.list()?.iter().any(|name| name == checkpoint::FILE_NEXT) {
            disk.remove(checkpoint::FILE_NEXT)?;
        }
        disk.create(checkpoint::FILE_NEXT)?;
        let bytes = checkpoint.encode();
        // It holds as much again.
        drop(checkpoint);
        for piece in bytes.chunks(PIECE.max(bytes.len().div_ceil(PIECES))) {
            disk.append(checkpoint::FILE_NEXT, piece)?;
            disk.sync(checkpoint::FILE_NEXT)?;
        }
        disk.rename(checkpoint::FILE_NEXT, checkpoint::FILE)?;
        disk.sync_dir()?;
        Ok(bytes.len() as u64)
    }

    /// Takes back all trust in the index: the next start rebuilds it from the journal.
    pub(crate) fn distrust_index(&self) -> io::Result<()> {
        if self.disk.list()?.iter().any(|name| name == checkpoint::FILE) {
            self.disk.remove(checkpoint::FILE)?;
        }
        self.disk.sync_dir()
    }
}
