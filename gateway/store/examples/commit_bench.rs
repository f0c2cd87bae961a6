//! Loads a store as authorizations do (two commits each, 256 at a time), and prints what it costs.
//!
//! `commit_bench DIR [PAYMENTS [WRITERS]]` loads and then ends without closing, as a kill would; `commit_bench DIR reopen` times the next start.

#![allow(clippy::unwrap_used, reason = "a benchmark stops where something fails")]

#[path = "../tests/fixtures/mod.rs"]
mod fixtures;

use fixtures::{self as f, Seeded, tenant};
use gateway_core::event::EventKind;
use gateway_core::id::{Id, PaymentId};
use gateway_core::journal::{Batch, Journal, Row, RowKey, Urgency, Version};
use gateway_store::{Embedded, Options, open};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

/// Payments between two lines of figures.
const STRIDE: u64 = 100_000;
/// `sysconf(_SC_CLK_TCK)` is 100 on every Linux.
const TICK_MS: u64 = 10;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let dir = args.first().expect("the directory of the store").clone();
    if args.get(1).is_some_and(|arg| arg == "reopen") {
        return reopen(Path::new(&dir));
    }
    let number = |at: usize, default| args.get(at).map_or(default, |arg| arg.parse().expect("a number"));
    let (payments, writers) = (number(1, 200_000), number(2, 256));
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .expect("a bench stops at the first error");
    let store = Arc::new(open(Path::new(&dir), options(), None).expect("a bench stops at the first error"));
    runtime.block_on(load(Arc::clone(&store), payments, writers));
    // As a kill would end it: nothing is closed.
    std::process::exit(0);
}

fn options() -> Options {
    Options::new(Arc::new(Seeded::new(
        SystemTime::UNIX_EPOCH.elapsed().expect("a bench stops at the first error").subsec_nanos().into(),
    )))
}

fn reopen(dir: &Path) {
    let begun = Instant::now();
    let store = open(dir, options(), None).expect("a bench stops at the first error");
    println!("reopened in {} ms: {:?}", begun.elapsed().as_millis(), store.recovered());
    println!("memory {} MiB", memory_mib("VmRSS"));
}

/// Ids as the gateway draws them: milliseconds, a counter, random bits.
struct Ids {
    random: Seeded,
    last: AtomicU64,
}

impl Ids {
    fn next(&self) -> u128 {
        let ms =
            SystemTime::UNIX_EPOCH.elapsed().expect("a bench stops at the first error").as_millis() as u64;
        let now = ms << 16;
        let step = |last| Some(now.max(last + 1));
        let last = self
            .last
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, step)
            .expect("a bench stops at the first error");
        (u128::from(now.max(last + 1)) << 64) | u128::from(self.random.next())
    }
}

struct Load {
    store: Arc<Embedded>,
    ids: Ids,
    begun: AtomicU64,
    done: AtomicU64,
    payments: u64,
}

async fn load(store: Arc<Embedded>, payments: u64, writers: u64) {
    let ids = Ids { random: Seeded::new(1), last: AtomicU64::new(0) };
    let load = Arc::new(Load { store, ids, begun: AtomicU64::new(0), done: AtomicU64::new(0), payments });
    let watch = tokio::spawn(watch(Arc::clone(&load)));
    let tasks: Vec<_> = (0..writers).map(|_| tokio::spawn(Arc::clone(&load).writer())).collect();
    let mut latencies = Vec::new();
    for task in tasks {
        latencies.extend(task.await.expect("a bench stops at the first error"));
    }
    watch.await.expect("a bench stops at the first error");
    latencies.sort_unstable();
    let at = |permille: usize| latencies[(latencies.len() - 1) * permille / 1000];
    println!("commit latency p50 {} us, p99 {} us, max {} us", at(500), at(990), at(1000));
    println!("memory {} MiB, at most {} MiB", memory_mib("VmRSS"), memory_mib("VmHWM"));
    println!("{:?}", load.store.stats());
}

impl Load {
    async fn writer(self: Arc<Self>) -> Vec<u32> {
        let mut latencies = Vec::new();
        while self.begun.fetch_add(1, Ordering::Relaxed) < self.payments {
            self.authorize(&mut latencies).await;
            self.done.fetch_add(1, Ordering::Relaxed);
        }
        latencies
    }

    async fn authorize(&self, latencies: &mut Vec<u32>) {
        let (t, id) = (tenant(0), self.ids.next());
        let key = format!("{id:032x}-{:04x}", id as u16);
        let due = (id >> 80) as i64;
        let mut intent = Batch::new(Urgency::New);
        let told = [(self.ids.next(), EventKind::PaymentIntentCreated)];
        intent.insert(f::telling(f::payment(t, id, 1, None, Some(due + 10_000)), &told));
        intent.insert(f::claim(t, &key, None));
        self.commit(intent, latencies).await;
        let row = RowKey::Payment(t, PaymentId(Id(id)));
        let before = self
            .store
            .read(&row)
            .await
            .expect("a bench stops at the first error")
            .expect("a bench stops at the first error");
        assert!(matches!(before.row, Row::Payment(_)));
        let mut outcome = Batch::new(Urgency::Outcome);
        let told = [EventKind::ChargeSucceeded, EventKind::PaymentIntentAmountCapturableUpdated];
        let told = told.map(|kind| (self.ids.next(), kind));
        let payment = f::payment(t, id, 2, None, Some(due + 600_000_000));
        outcome.replace(before.version, f::telling(payment, &told));
        outcome.replace(Version(1), f::claim(t, &key, Some(vec![b'x'; 1_200])));
        self.commit(outcome, latencies).await;
    }

    async fn commit(&self, batch: Batch, latencies: &mut Vec<u32>) {
        let begun = Instant::now();
        self.store.commit(batch).await.expect("a bench stops at the first error");
        latencies.push(begun.elapsed().as_micros() as u32);
    }
}

/// Prints figures as the store grows.
async fn watch(load: Arc<Load>) {
    let (mut at, mut cpu, mut stats) = (Instant::now(), cpu_ms(), load.store.stats());
    let mut next = STRIDE.min(load.payments);
    while next <= load.payments {
        while load.done.load(Ordering::Relaxed) < next {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let (now, cpu_now, stats_now) = (Instant::now(), cpu_ms(), load.store.stats());
        let commits = stats_now.commits - stats.commits;
        println!(
            "{next} payments: {} commits/s, {} us CPU a commit, {} commits a sync, {} bytes a payment, {} MiB",
            commits * 1000 / (now - at).as_millis() as u64,
            (cpu_now - cpu) * 1000 / commits,
            commits / (stats_now.syncs - stats.syncs).max(1),
            (stats_now.bytes - stats.bytes) * 2 / commits,
            memory_mib("VmRSS"),
        );
        (at, cpu, stats) = (now, cpu_now, stats_now);
        next += STRIDE;
    }
}

/// CPU time of the process so far, in user and kernel.
fn cpu_ms() -> u64 {
    let stat = std::fs::read_to_string("/proc/self/stat").expect("a bench stops at the first error");
    let fields = stat.rsplit(')').next().expect("a bench stops at the first error").split_whitespace();
    fields
        .skip(11)
        .take(2)
        .map(|ticks| ticks.parse::<u64>().expect("a bench stops at the first error") * TICK_MS)
        .sum()
}

fn memory_mib(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("a bench stops at the first error");
    let line = status.lines().find(|line| line.starts_with(field)).expect("a bench stops at the first error");
    line.split_whitespace()
        .nth(1)
        .expect("a bench stops at the first error")
        .parse::<u64>()
        .expect("a bench stops at the first error")
        / 1024
}
