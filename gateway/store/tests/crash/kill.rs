//! The real engine on real files: a process that is killed while it commits, an index that is deleted or cut, a second process.

use crate::fixtures::{self as f, Seeded, block_on, tenant};
use gateway_core::journal::{Batch, CommitError, Journal, Urgency, Version};
use gateway_store::embedded::{Archive, IndexState, scan};
use gateway_store::{Embedded, OpenError, Options, open};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const CHILD: &str = "TOLLGATE_STORE_TEST_CHILD";

fn options() -> Options {
    let mut options = Options::new(Arc::new(Seeded::new(3)));
    options.sizes.segment_bytes = 300_000;
    options.sizes.layer_entries = 200;
    options.checkpoint_bytes = 150_000;
    options.checkpoint_interval = Duration::from_millis(40);
    options.reserve_bytes = 0;
    options
}

fn open_in(dir: &Path) -> Embedded {
    open(dir, options(), None).unwrap()
}

fn key(number: u64) -> String {
    format!("key {number}")
}

fn intend(number: u64) -> Batch {
    let mut batch = Batch::new(Urgency::New);
    batch.insert(f::payment(tenant(0), u128::from(number), 1, Some(1), Some(50)));
    batch.insert(f::claim(tenant(0), &key(number), None));
    batch
}

fn conclude(number: u64) -> Batch {
    let mut batch = Batch::new(Urgency::Outcome);
    batch.replace(Version(1), f::payment(tenant(0), u128::from(number), 2, Some(1), None));
    batch.replace(Version(1), f::claim(tenant(0), &key(number), Some(answer(number))));
    batch
}

fn answer(number: u64) -> Vec<u8> {
    format!("{{\"answer\":{number},\"pad\":\"{}\"}}", "x".repeat(900)).into_bytes()
}

/// The child: commits without end, and says so after each that was acknowledged. Does nothing when it runs as a test.
#[test]
fn child_that_commits_until_it_is_killed() {
    let Ok(dir) = std::env::var(CHILD) else { return };
    let (dir, start) = dir.split_once('|').unwrap();
    let start: u64 = start.parse().unwrap();
    let store = open_in(Path::new(dir));
    std::thread::scope(|scope| {
        for lane in 0..4u64 {
            let store = &store;
            scope.spawn(move || {
                block_on(async move {
                    for number in (start + lane..).step_by(4) {
                        store.commit(intend(number)).await.unwrap();
                        say(&format!("i {number}"));
                        store.commit(conclude(number)).await.unwrap();
                        say(&format!("c {number}"));
                    }
                });
            });
        }
    });
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("\n@{line}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

/// What a child acknowledged.
#[derive(Default)]
struct Heard {
    intended: Vec<u64>,
    concluded: Vec<u64>,
}

/// Runs a child until it has acknowledged `enough`, then kills it.
fn run_and_kill(dir: &Path, start: u64, enough: usize, heard: &mut Heard) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "kill::child_that_commits_until_it_is_killed", "--nocapture", "--test-threads=1"])
        .env(CHILD, format!("{}|{start}", dir.display()))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut count = 0;
    let mut killed = false;
    for line in lines {
        let Ok(line) = line else { break };
        let Some(told) = line.strip_prefix('@') else { continue };
        let (kind, number) = told.split_once(' ').unwrap();
        // The last line may be cut.
        let Ok(number) = number.parse() else { break };
        if kind == "i" {
            heard.intended.push(number)
        } else {
            heard.concluded.push(number)
        }
        count += 1;
        if count == enough {
            child.kill().unwrap();
            killed = true;
            // What is in the pipe was acknowledged, too: read on.
        }
    }
    assert!(killed, "the child ended by itself after {count} acknowledgements");
    child.wait().unwrap();
}

fn audit(store: &Embedded, heard: &Heard) {
    block_on(async {
        for number in &heard.intended {
            let payment = store.read(&intend(*number).writes[0].row.key()).await.unwrap();
            assert!(payment.is_some(), "payment {number} was acknowledged and is gone");
            // Its key can't be claimed again.
            let again = store.commit(intend(*number)).await.unwrap_err();
            assert!(matches!(again, CommitError::Conflict { current: Some(_), .. }), "{again:?}");
        }
        for number in &heard.concluded {
            let wanted = conclude(*number);
            for write in &wanted.writes {
                let found = store.read(&write.row.key()).await.unwrap().unwrap();
                assert_eq!((found.version, &found.row), (Version(2), &write.row), "{number}");
            }
        }
    });
}

#[test]
fn killed_again_and_again_with_the_index_whole_deleted_and_cut() {
    let dir = tempfile::tempdir().unwrap();
    let index = dir.path().join("index");
    let mut heard = Heard::default();
    for cycle in 0..9u64 {
        run_and_kill(dir.path(), cycle * 1_000_000, 150 + 90 * cycle as usize, &mut heard);
        match cycle % 3 {
            0 => {}
            1 => std::fs::remove_dir_all(&index).unwrap(),
            _cut => cut_files(&index, cycle),
        }
        let store = open_in(dir.path());
        audit(&store, &heard);
        match cycle % 3 {
            1 => assert_eq!(store.recovered().index, IndexState::Rebuilt),
            // Closed cleanly before, so there is a checkpoint; a process that dies takes nothing from files with it.
            0 if cycle > 0 => assert_eq!(store.recovered().index, IndexState::Kept),
            _first_or_cut => {}
        }
    }
    assert!(heard.concluded.len() > 1_000);
    let mut concluded = 0;
    let counts = scan(dir.path(), &mut |_, batch| {
        concluded += usize::from(batch.urgency == Urgency::Outcome);
        Ok(())
    })
    .unwrap();
    assert!(concluded >= heard.concluded.len());
    assert!(counts.segments > 1 && counts.commits as usize >= heard.intended.len() + concluded, "{counts:?}");
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { all.extend(files(&path)) } else { all.push(path) }
    }
    all.sort();
    all
}

/// Halves every third file of the index.
fn cut_files(dir: &Path, seed: u64) {
    let all = files(dir);
    for path in all.iter().skip(seed as usize % 3).step_by(3) {
        let len = std::fs::metadata(path).unwrap().len();
        std::fs::OpenOptions::new().write(true).open(path).unwrap().set_len(len / 2).unwrap();
    }
}

/// Copies a directory.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &target);
        } else {
            std::fs::copy(&path, &target).unwrap();
        }
    }
}

/// Each file of the index in turn is removed, and cut in half, after a clean close and after a kill.
#[test]
fn any_file_of_the_index_may_be_lost() {
    let origin = tempfile::tempdir().unwrap();
    let mut heard = Heard::default();
    run_and_kill(origin.path(), 0, 900, &mut heard);
    let all = files(&origin.path().join("index"));
    assert!(all.len() > 4, "{all:?}");
    for path in &all {
        for remove in [true, false] {
            let dir = tempfile::tempdir().unwrap();
            copy(origin.path(), dir.path());
            let victim = dir.path().join(path.strip_prefix(origin.path()).unwrap());
            if remove {
                std::fs::remove_file(&victim).unwrap();
            } else {
                let len = std::fs::metadata(&victim).unwrap().len();
                std::fs::OpenOptions::new().write(true).open(&victim).unwrap().set_len(len / 2).unwrap();
            }
            let broke = Arc::new(AtomicBool::new(false));
            let mut options = options();
            let flag = Arc::clone(&broke);
            options.fatal = Arc::new(move |_| flag.store(true, Ordering::Release));
            let store = open(dir.path(), options, None).unwrap();
            let audited = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| audit(&store, &heard)));
            drop(store);
            if audited.is_err() {
                // Damage that shows only later: then the store must have stopped, and the next start is sound.
                assert!(broke.load(Ordering::Acquire), "{} (removed: {remove})", victim.display());
                audit(&open_in(dir.path()), &heard);
            }
        }
    }
}

/// After a clean close the checkpoint says how far the journal reaches: a scan must not bless less.
#[test]
fn a_scan_misses_what_was_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let store = open_in(dir.path());
    for number in 1..=5 {
        block_on(store.commit(intend(number))).unwrap();
    }
    drop(store);
    let whole = scan(dir.path(), &mut |_, _| Ok(())).unwrap();
    assert_eq!((whole.commits, whole.torn_bytes), (5, 0));
    let last = files(dir.path()).into_iter().rfind(|path| path.extension().is_some_and(|it| it == "segment"));
    let last = std::fs::OpenOptions::new().write(true).open(last.unwrap()).unwrap();
    last.set_len(last.metadata().unwrap().len() - 1).unwrap();
    let walked = Archive::open(dir.path()).unwrap().walk(&mut |_| Ok(())).err();
    let scanned = scan(dir.path(), &mut |_, _| Ok(())).err();
    for error in [walked, scanned, open(dir.path(), options(), None).err()] {
        let error = error.unwrap().to_string();
        assert!(error.contains("acknowledged commits are missing"), "{error}");
    }
}

#[test]
fn a_second_process_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let store = open_in(dir.path());
    for error in [open(dir.path(), options(), None).err(), scan(dir.path(), &mut |_, _| Ok(())).err()] {
        let error = error.unwrap();
        assert!(matches!(error, OpenError::Locked { .. }), "{error}");
        assert!(error.to_string().contains(&dir.path().display().to_string()), "{error}");
    }
    drop(store);
    drop(open_in(dir.path()));
}

#[test]
fn a_closed_store_refuses_commits_and_still_reads() {
    let dir = tempfile::tempdir().unwrap();
    let store = open_in(dir.path());
    block_on(store.commit(intend(1))).unwrap();
    store.close();
    store.close();
    assert!(matches!(block_on(store.commit(intend(2))), Err(CommitError::Unavailable(_))));
    assert!(block_on(store.read(&intend(1).writes[0].row.key())).unwrap().is_some());
    let stats = store.stats();
    assert_eq!((stats.commits, stats.queued, stats.overlay_entries), (1, 0, 0));
    drop(store);
    let store = open_in(dir.path());
    assert_eq!(
        (store.recovered().groups, store.recovered().index),
        (0, IndexState::Kept),
        "nothing to replay"
    );
}
