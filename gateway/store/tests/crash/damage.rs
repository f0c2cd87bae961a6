//! Damage that no crash leaves: it is refused or reported, never served.

use crate::fixtures::{Seeded, block_on, payment, tenant};
use crate::script::{Acked, Step, open, play, probe, script, sizes};
use gateway_core::journal::{Batch, CommitError, DueKind, Journal, Query, RowKey, StoreError, Urgency};
use gateway_core::time::Timestamp;
use gateway_store::embedded::format::record::{take_commit, take_record};
use gateway_store::embedded::port::Disk;
use gateway_store::embedded::{Inline, OpenError, Setup, Sizes};
use gateway_store::lossy::{Fault, LossyDisk, LossyIndex};
use std::sync::Arc;

/// A disk after a run, and its segments, oldest first.
fn written(groups: usize) -> (LossyDisk, LossyIndex, Vec<String>) {
    let (disk, index) = (LossyDisk::new(), LossyIndex::new());
    let steps: Vec<Step> =
        script(7, groups).into_iter().filter(|step| matches!(step, Step::Group(_))).collect();
    play(&open(&disk, &index, 1).unwrap(), &steps, &mut Acked::default()).unwrap();
    let mut segments: Vec<String> =
        disk.list().unwrap().into_iter().filter(|name| name.ends_with(".segment")).collect();
    segments.sort();
    (disk, index, segments)
}

fn refusal(disk: &LossyDisk, index: &LossyIndex) -> String {
    match open(disk, index, 2) {
        Ok(_) => panic!("it was opened"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn damage_before_a_good_group_is_refused() {
    let (_, _, segments) = written(20);
    assert!(segments.len() > 2, "{segments:?}");
    for (at, name) in segments.iter().enumerate() {
        let (disk, index, _) = written(20);
        // Behind the head and the first group's head: in a payload that was acknowledged.
        disk.tamper(name, |bytes| bytes[64 + 32 + 20] ^= 1).unwrap();
        let last = at + 1 == segments.len();
        let only_group = disk.len(name).unwrap() < 3_000 && last;
        if !only_group {
            let why = refusal(&disk, &index);
            assert!(why.contains(name.as_str()) && why.contains("damaged"), "{why}");
        }
    }
}

#[test]
fn missing_and_cut_segments_are_refused() {
    type Change = fn(&LossyDisk, &str);
    let table: &[(&str, usize, Change)] = &[
        ("missing", 0, |disk, name| disk.remove(name).unwrap()),
        ("missing", 1, |disk, name| disk.remove(name).unwrap()),
        ("does not end where", 0, |disk, name| disk.tamper(name, |bytes| bytes.truncate(900)).unwrap()),
        ("its head", 0, |disk, name| disk.tamper(name, |bytes| bytes[20] ^= 1).unwrap()),
        ("its head", 1, |disk, name| disk.tamper(name, |bytes| bytes.clear()).unwrap()),
    ];
    for (expected, segment, change) in table {
        let (disk, index, segments) = written(20);
        change(&disk, &segments[*segment]);
        let why = refusal(&disk, &index);
        assert!(why.contains(expected), "{expected}: {why}");
    }
}

#[test]
fn a_journal_shorter_than_its_checkpoint_is_refused() {
    let (disk, index, segments) = written(3);
    open(&disk, &index, 2).unwrap().checkpoint().unwrap();
    disk.tamper(segments.last().unwrap(), |bytes| bytes.truncate(bytes.len() - 1)).unwrap();
    let why = refusal(&disk, &index);
    assert!(why.contains("acknowledged commits are missing"), "{why}");
    index.lose();
    let why = refusal(&disk, &index);
    assert!(why.contains("acknowledged commits are missing"), "{why}");
}

#[test]
fn newer_formats_are_refused_by_name() {
    let (disk, index, segments) = written(3);
    open(&disk, &index, 2).unwrap().checkpoint().unwrap();
    disk.tamper("checkpoint", |bytes| bytes[8] = 7).unwrap();
    let why = refusal(&disk, &index);
    assert!(why.contains("checkpoint has format version 7"), "{why}");
    disk.tamper("checkpoint", |bytes| bytes[8] = 1).unwrap();
    disk.tamper(&segments[0], |bytes| {
        bytes[8] = 9;
        let checksum = crc32c::crc32c(&bytes[..60]);
        bytes[60..64].copy_from_slice(&checksum.to_le_bytes());
    })
    .unwrap();
    let why = refusal(&disk, &index);
    assert!(why.contains("format version 9") && why.contains(&segments[0]), "{why}");
}

/// Rot in a place that a start does not read is found by whoever reads it.
#[test]
fn rot_is_reported_to_the_reader() {
    let (disk, index, segments) = written(20);
    open(&disk, &index, 2).unwrap().checkpoint().unwrap();
    disk.tamper(&segments[0], |bytes| bytes[64 + 32 + 200] ^= 1).unwrap();
    let store = open(&disk, &index, 3).unwrap();
    let keys = crate::script::keys(&script(7, 20));
    let corrupt = keys.iter().filter(|key| {
        let read = block_on(store.read(key));
        matches!(read, Err(StoreError::Corrupt(why)) if why.contains("position"))
    });
    let histories = keys.iter().filter_map(|key| match key {
        gateway_core::journal::RowKey::Payment(tenant, id) => Some(block_on(store.history(*tenant, *id))),
        _other => None,
    });
    assert!(corrupt.count() + histories.filter(Result::is_err).count() > 0);
}

/// One damaged record must not keep all other due work from being done; whoever asks for it by name is told.
#[test]
fn due_work_that_rotted_is_passed_over() {
    let (disk, index) = (LossyDisk::new(), LossyIndex::new());
    let row = |id| payment(tenant(0), id, 1, None, Some(100));
    let store = open(&disk, &index, 1).unwrap();
    let mut places = Vec::new();
    for id in 1..=5 {
        let mut batch = Batch::new(Urgency::Outcome);
        batch.insert(row(id));
        places.push(block_on(store.commit(batch)).unwrap().position);
    }
    store.checkpoint().unwrap();
    drop(store);
    let in_the_record = usize::try_from(places[2]).unwrap() + 40;
    disk.tamper("000000000001.segment", |bytes| bytes[in_the_record] ^= 1).unwrap();
    let store = open(&disk, &index, 2).unwrap();
    let query = Query::Due { kind: DueKind::Open, after: None, until: Timestamp(100), limit: 10 };
    let due = block_on(store.query(&query)).unwrap();
    let keys: Vec<RowKey> = due.iter().map(|stored| stored.row.key()).collect();
    assert_eq!(keys, [1, 2, 4, 5].map(|id| row(id).key()));
    assert!(matches!(block_on(store.read(&row(3).key())), Err(StoreError::Corrupt(_))));
}

/// A full disk breaks the machine in the middle of a group; the next start cuts it off.
#[test]
fn a_group_that_found_no_room_leaves_no_trace() {
    let (disk, index) = (LossyDisk::new(), LossyIndex::new());
    let store = open(&disk, &index, 1).unwrap();
    let (first, kept) = probe(1);
    let (second, lost) = probe(2);
    block_on(store.commit(first)).unwrap();
    disk.strike(disk.operations() + 1, Fault::Full);
    let error = block_on(store.commit(second)).unwrap_err();
    assert!(matches!(error, CommitError::Unknown(_)), "{error:?}");
    let (third, _) = probe(3);
    let error = block_on(store.commit(third)).unwrap_err();
    assert!(matches!(error, CommitError::Unknown(_)), "nothing is written after a failure: {error:?}");
    drop(store);
    disk.kill();
    let store = open(&disk, &index, 2).unwrap();
    assert!(store.recovered().torn_bytes > 0);
    assert!(block_on(store.read(&kept)).unwrap().is_some());
    assert_eq!(block_on(store.read(&lost)).unwrap(), None);
}

/// An index that lags too far behind costs new work, never outcomes.
#[test]
fn a_full_overlay_sheds_new_work_only() {
    let small = Sizes { overlay_entries: 5, layer_entries: 1_000, ..sizes() };
    let setup = Setup { sizes: small, random: Arc::new(Seeded::new(1)), observer: None };
    let store = Inline::open(LossyDisk::new(), LossyIndex::new(), setup).unwrap();
    for number in 0..5 {
        block_on(store.commit(probe(number).0)).unwrap();
    }
    assert_eq!(block_on(store.commit(probe(5).0)), Err(CommitError::Overloaded));
    let mut outcome = probe(6).0;
    outcome.urgency = Urgency::Outcome;
    block_on(store.commit(outcome)).unwrap();
    store.feed().unwrap();
    block_on(store.commit(probe(7).0)).unwrap();
}

/// Whatever bytes stand where a record should: an error, no panic.
#[test]
fn decoders_survive_nonsense() {
    let random = Seeded::new(5);
    let (disk, _, segments) = written(6);
    let mut bytes = vec![0; 6_000];
    let count = disk.read(&segments[0], 0, &mut bytes).unwrap();
    bytes.truncate(count);
    for _ in 0..20_000 {
        let start = random.next() as usize % bytes.len();
        let end = start + random.next() as usize % (bytes.len() - start);
        let mut piece = bytes[start..end].to_vec();
        if let Some(byte) = piece.get_mut(random.next() as usize % (end - start + 1)) {
            *byte ^= random.next() as u8;
        }
        take_record(&piece).ok();
        take_commit(&piece).ok();
    }
    assert!(
        matches!(OpenError::Locked { dir: "d".into() }.to_string(), text if text.contains("another process"))
    );
}
