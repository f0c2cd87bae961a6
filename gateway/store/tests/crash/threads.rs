//! The engine's threads over a disk that fails or fills up: nothing is acknowledged that is not durable, and outcomes get the last room.

use crate::fixtures::{Seeded, block_on};
use crate::script::probe;
use gateway_core::journal::{Batch, CommitError, Journal, Observer, Urgency};
use gateway_store::Options;
use gateway_store::embedded::{Engine, open_on};
use gateway_store::lossy::{Fault, LossyDisk, LossyIndex};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

type Reasons = Arc<Mutex<Vec<String>>>;

fn engine(disk: &LossyDisk, reserve_bytes: u64) -> (Engine<LossyDisk, LossyIndex>, Reasons) {
    let reasons = Reasons::default();
    let told = Arc::clone(&reasons);
    let mut options = Options::new(Arc::new(Seeded::new(1)));
    options.reserve_bytes = reserve_bytes;
    options.group_bytes = 10_000;
    options.fatal = Arc::new(move |why| told.lock().unwrap().push(why.to_owned()));
    (open_on(disk.clone(), LossyIndex::new(), options, None).unwrap(), reasons)
}

#[test]
fn a_failed_sync_stops_the_store_unacknowledged() {
    let disk = LossyDisk::new();
    let (store, reasons) = engine(&disk, 0);
    block_on(store.commit(probe(1).0)).unwrap();
    // The append, then the sync.
    disk.strike(disk.operations() + 2, Fault::SyncFails);
    let (batch, key) = probe(2);
    let error = block_on(store.commit(batch)).unwrap_err();
    assert!(matches!(error, CommitError::Unknown(_)), "{error:?}");
    assert_eq!(block_on(store.read(&key)).unwrap(), None, "what is not durable is not shown");
    let begun = Instant::now();
    while reasons.lock().unwrap().is_empty() && begun.elapsed() < Duration::from_secs(5) {
        std::thread::sleep(Duration::from_millis(1));
    }
    let told = reasons.lock().unwrap().clone();
    assert!(matches!(told.as_slice(), [why] if why.contains("writing the journal")), "{told:?}");
    let operations = disk.operations();
    let error = block_on(store.commit(probe(3).0)).unwrap_err();
    assert!(matches!(error, CommitError::Unavailable(_) | CommitError::Unknown(_)), "{error:?}");
    drop(store);
    assert_eq!(disk.operations(), operations, "a failed sync is not tried again");
}

#[test]
fn the_last_room_is_for_outcomes() {
    let disk = LossyDisk::new();
    let reserve = 1_000_000;
    disk.set_room(10 * reserve);
    let (store, reasons) = engine(&disk, reserve);
    assert_eq!(disk.held(), reserve);
    let outcome = |number| {
        let mut batch = probe(number).0;
        batch.urgency = Urgency::Outcome;
        batch
    };
    let follow_up = |number| {
        let mut batch = probe(number).0;
        batch.urgency = Urgency::FollowUp;
        batch
    };
    block_on(store.commit(probe(1).0)).unwrap();
    assert!(store.has_room().unwrap());
    let table = [(reserve, reserve), (reserve / 2, reserve), (5_000, 0), (0, 0)];
    for (number, (room, held)) in (2..).step_by(3).zip(table) {
        disk.set_room(room);
        assert!(!store.has_room().unwrap(), "{room}");
        assert_eq!(block_on(store.commit(probe(number).0)), Err(CommitError::Full), "{room}");
        let followed = block_on(store.commit(follow_up(number + 1)));
        assert_eq!(followed.is_ok(), held > 0, "a capture, with {room} bytes left: {followed:?}");
        block_on(store.commit(outcome(number + 2))).unwrap();
        assert_eq!(disk.held(), held, "with {room} bytes left");
    }
    disk.set_room(10 * reserve);
    assert!(store.has_room().unwrap());
    block_on(store.commit(probe(100).0)).unwrap();
    assert_eq!(disk.held(), reserve, "held back again");
    assert_eq!(store.stats().shed, 6);
    assert!(reasons.lock().unwrap().is_empty());
}

#[test]
fn the_reserve_is_given_free_while_nothing_is_committed_and_at_a_start_too() {
    let disk = LossyDisk::new();
    let reserve = 1_000_000;
    disk.set_room(10 * reserve);
    let (store, reasons) = engine(&disk, reserve);
    assert_eq!(disk.held(), reserve);
    disk.set_room(0);
    let begun = Instant::now();
    while disk.held() > 0 && begun.elapsed() < Duration::from_secs(5) {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(disk.held(), 0, "others filled the disk, and the index needs room");
    drop(store);
    disk.set_room(10 * reserve);
    drop(engine(&disk, reserve));
    assert_eq!(disk.held(), reserve);
    disk.set_room(1_000);
    let (_store, _) = engine(&disk, reserve);
    assert_eq!(disk.held(), 0, "a start on a full disk has the reserve");
    assert!(reasons.lock().unwrap().is_empty());
}

#[test]
fn what_waits_is_served_before_the_end() {
    let disk = LossyDisk::new();
    let (store, _) = engine(&disk, 0);
    let store = Arc::new(store);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).build().unwrap();
    let commits: Vec<_> = (0..200)
        .map(|number| {
            let store = Arc::clone(&store);
            runtime.spawn(async move { store.commit(probe(number).0).await })
        })
        .collect();
    store.close();
    let served = commits.into_iter().map(|commit| runtime.block_on(commit).unwrap());
    for told in served {
        assert!(matches!(told, Ok(_) | Err(CommitError::Unavailable(_))), "{told:?}");
    }
    let stats = store.stats();
    assert!(stats.syncs <= stats.commits && stats.overlay_entries == 0, "{stats:?}");
}

/// Remembers so many bytes, and whether it got them back.
struct Heavy {
    bytes: Vec<u8>,
    restored: AtomicBool,
}

impl Heavy {
    fn new(len: usize) -> Arc<Self> {
        let bytes = (0..len).map(|at| (at % 251) as u8).collect();
        Arc::new(Self { bytes, restored: AtomicBool::new(false) })
    }
}

impl Observer for Heavy {
    fn restore(&self, snapshot: Option<&[u8]>) -> bool {
        self.restored.store(snapshot == Some(&self.bytes), Ordering::Relaxed);
        true
    }

    fn committed(&self, _position: u64, _batch: &Batch) {}

    fn snapshot(&self) -> Vec<u8> {
        self.bytes.clone()
    }
}

fn observed(disk: &LossyDisk, index: &LossyIndex, observer: &Arc<Heavy>) -> Engine<LossyDisk, LossyIndex> {
    let mut options = Options::new(Arc::new(Seeded::new(1)));
    options.checkpoint_interval = Duration::from_millis(1);
    let observer = Arc::clone(observer) as Arc<dyn Observer>;
    open_on(disk.clone(), index.clone(), options, Some(observer)).unwrap()
}

/// Checkpoints that are made while commits come in slowly, by an observer that remembers so much; and it all comes back.
fn checkpoints_with(len: usize) -> u64 {
    let (disk, index, heavy) = (LossyDisk::new(), LossyIndex::new(), Heavy::new(len));
    let store = observed(&disk, &index, &heavy);
    for number in 1..=60 {
        block_on(store.commit(probe(number).0)).unwrap();
        std::thread::sleep(Duration::from_millis(5));
    }
    let made = store.stats().checkpoints;
    store.close();
    drop(store);
    assert!(!heavy.restored.load(Ordering::Relaxed));
    let store = observed(&disk, &index, &heavy);
    assert!(heavy.restored.load(Ordering::Relaxed), "{len} bytes");
    store.close();
    made
}

#[test]
fn a_long_checkpoint_waits_for_as_much_journal() {
    assert!(checkpoints_with(8) >= 3);
    // The first of all, if it was done by then: how long it is was not known.
    assert!(checkpoints_with(3_500_000) <= 1);
}
