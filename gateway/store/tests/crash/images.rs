//! Crash images: the power goes at every operation of scripted runs, again while the store recovers, and the index loses what it may.

use crate::fixtures::{Seeded, block_on};
use crate::script::{Acked, Step, Store, differs, keys, open, play, probe, script, settle};
use gateway_core::journal::{DueKind, Journal, Query, RowKey};
use gateway_core::ports::Random;
use gateway_core::time::Timestamp;
use gateway_store::embedded::port::Disk;
use gateway_store::embedded::{IndexState, OpenError};
use gateway_store::lossy::{Fault, LossyDisk, LossyIndex};
use std::collections::BTreeSet;

/// What else is lost at the crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Also {
    Nothing,
    Index,
    Checkpoint,
}

/// Operations of a run without faults.
fn operations(steps: &[Step]) -> u64 {
    let (disk, index) = (LossyDisk::new(), LossyIndex::new());
    let store = open(&disk, &index, 1).unwrap();
    play(&store, steps, &mut Acked::default()).unwrap();
    disk.operations()
}

struct Image {
    seed: u64,
    strike: u64,
    also: Also,
}

impl Image {
    /// Runs into the crash, recovers (crashing on the way, if the seed says so), audits, goes on, and audits again.
    fn run(&self, steps: &[Step], keys: &BTreeSet<RowKey>) -> IndexState {
        let random = Seeded::new(self.seed ^ (self.strike << 8));
        let (disk, index) = (LossyDisk::new(), LossyIndex::new());
        let mut acked = Acked::default();
        disk.strike(self.strike, Fault::PowerLoss);
        let mut left = steps;
        match open(&disk, &index, 1) {
            Err(OpenError::Io { .. }) => {}
            Err(error) => panic!("{error}"),
            Ok(store) => {
                for (at, step) in steps.iter().enumerate() {
                    left = &steps[at + 1..];
                    if play(&store, std::slice::from_ref(step), &mut acked).is_err() {
                        break;
                    }
                }
            }
        }
        self.crash(&disk, &index, &random);
        if random.below(2) == 0 {
            // Again, on the way up.
            disk.strike(disk.operations() + 1 + random.below(8), Fault::PowerLoss);
            match open(&disk, &index, 2) {
                Ok(store) => settle(&store, &mut acked, keys),
                Err(OpenError::Io { .. }) => {}
                Err(error) => panic!("{error}"),
            }
            disk.crash(&random);
            index.crash(&random);
        }
        let store = open(&disk, &index, 3).unwrap();
        settle(&store, &mut acked, keys);
        let found = store.recovered().index;
        // Life goes on, and what was recovered stays.
        play(&store, left, &mut acked).unwrap();
        let (batch, key) = probe(self.strike);
        block_on(store.commit(batch)).unwrap();
        drop(store);
        disk.crash(&random);
        index.crash(&random);
        let store = open(&disk, &index, 4).unwrap();
        assert_eq!(differs(&store, &acked.oracle(&[]), keys), None);
        assert!(block_on(store.read(&key)).unwrap().is_some());
        no_garbage(&store, &index);
        found
    }

    fn crash(&self, disk: &LossyDisk, index: &LossyIndex, random: &Seeded) {
        disk.crash(random);
        index.crash(random);
        match self.also {
            Also::Nothing => {}
            Also::Index => index.lose(),
            Also::Checkpoint => {
                disk.remove("checkpoint").ok();
                disk.sync_dir().unwrap();
            }
        }
    }
}

/// Nothing stands in the index's due work that is not due: readers would pass over it, but ever more of it.
fn no_garbage(store: &Store, index: &LossyIndex) {
    store.feed().unwrap();
    let due = Query::Due { kind: DueKind::Open, after: None, until: Timestamp(i64::MAX), limit: usize::MAX };
    assert_eq!(index.count(0x40), block_on(store.query(&due)).unwrap().len(), "stale due work in the index");
}

fn all_images(seeds: std::ops::Range<u64>, groups: usize, also: Also) {
    let (mut images, mut kept) = (0, 0);
    for seed in seeds {
        let steps = script(seed, groups);
        let keys = keys(&steps);
        for strike in 1..=operations(&steps) {
            let image = Image { seed, strike, also };
            let ran = std::panic::catch_unwind(|| image.run(&steps, &keys));
            let found =
                ran.unwrap_or_else(|_| panic!("seed {seed}, operation {strike}, also lost: {also:?}"));
            kept += u32::from(found == IndexState::Kept);
            images += 1;
        }
    }
    assert!(images > 500, "only {images} images");
    // The interesting ones are those that trust an index of which a part is lost.
    match also {
        Also::Nothing => assert!(kept > images / 4, "the index was kept {kept} times of {images}"),
        Also::Index => assert!(kept < images / 4, "a lost index was trusted {kept} times of {images}"),
        Also::Checkpoint => {}
    }
}

#[test]
fn power_loss_at_every_operation() {
    all_images(0..24, 16, Also::Nothing);
}

#[test]
fn power_loss_and_the_index_gone() {
    all_images(100..112, 16, Also::Index);
}

#[test]
fn power_loss_and_the_checkpoint_gone() {
    all_images(200..212, 16, Also::Checkpoint);
}

/// The process is killed where the power would have gone: what was written is there, synced or not, and is shown only when it is durable.
#[test]
fn kill_then_power_loss() {
    for seed in 300..312 {
        let steps = script(seed, 16);
        let keys = keys(&steps);
        for strike in 1..=operations(&steps) {
            let random = Seeded::new(seed + strike);
            let (disk, index) = (LossyDisk::new(), LossyIndex::new());
            let mut acked = Acked::default();
            disk.strike(strike, Fault::PowerLoss);
            if let Ok(store) = open(&disk, &index, 1) {
                play(&store, &steps, &mut acked).ok();
            }
            disk.kill();
            let store = open(&disk, &index, 2).unwrap();
            settle(&store, &mut acked, &keys);
            drop(store);
            disk.crash(&random);
            index.crash(&random);
            let store = open(&disk, &index, 3).unwrap();
            assert_eq!(differs(&store, &acked.oracle(&[]), &keys), None, "seed {seed}, operation {strike}");
        }
    }
}

/// A sync fails, and the system forgets what it should have written: later syncs succeed without it. What the next process reads and shows
/// must be on the disk all the same.
#[test]
fn a_failed_sync_is_never_believed_later() {
    let mut struck = 0;
    for seed in 400..412 {
        let steps = script(seed, 12);
        let keys = keys(&steps);
        for strike in 1..=operations(&steps) {
            let random = Seeded::new(seed + strike);
            let (disk, index) = (LossyDisk::new(), LossyIndex::new());
            let mut acked = Acked::default();
            disk.strike(strike, Fault::SyncFails);
            let broke = match open(&disk, &index, 1) {
                Ok(store) => play(&store, &steps, &mut acked).is_err(),
                Err(_) => true,
            };
            struck += u32::from(broke);
            disk.kill();
            let store = open(&disk, &index, 2).unwrap();
            settle(&store, &mut acked, &keys);
            drop(store);
            disk.crash(&random);
            index.crash(&random);
            let store = open(&disk, &index, 3).unwrap();
            assert_eq!(differs(&store, &acked.oracle(&[]), &keys), None, "seed {seed}, operation {strike}");
        }
    }
    assert!(struck > 100, "only {struck} syncs failed");
}

/// An index from an older backup beside a newer journal and checkpoint is not trusted; one newer than the checkpoint is.
#[test]
fn an_older_index_is_rebuilt_and_a_newer_one_kept() {
    let steps = script(500, 20);
    let keys = keys(&steps);
    let (disk, index) = (LossyDisk::new(), LossyIndex::new());
    let mut acked = Acked::default();
    let store = open(&disk, &index, 1).unwrap();
    play(&store, &steps[..8], &mut acked).unwrap();
    store.checkpoint().unwrap();
    let older = index.copy();
    play(&store, &steps[8..], &mut acked).unwrap();
    store.checkpoint().unwrap();
    drop(store);
    let store = open(&disk, &older, 2).unwrap();
    assert_eq!(store.recovered().index, IndexState::Rebuilt);
    assert_eq!(differs(&store, &acked.oracle(&[]), &keys), None);
    drop(store);
    // The power goes between the sync of the index and the writing of the checkpoint.
    let store = open(&disk, &index, 3).unwrap();
    store.checkpoint().unwrap();
    let (batch, key) = probe(1);
    block_on(store.commit(batch)).unwrap();
    disk.strike(disk.operations() + 1, Fault::PowerLoss);
    assert!(store.checkpoint().is_err());
    drop(store);
    disk.crash(&Seeded::new(1));
    index.crash(&Seeded::new(1));
    let store = open(&disk, &index, 4).unwrap();
    assert_eq!(store.recovered().index, IndexState::Kept);
    assert_eq!(differs(&store, &acked.oracle(&[]), &keys), None);
    assert!(block_on(store.read(&key)).unwrap().is_some());
}
