//! Many seeds: run on several threads, added up in the order of their numbers, shown as text or JSON.

use super::audit::Violation;
use super::faults::{Pair, reachable};
use super::planted::Planted;
use super::run::{self, Outcome};
use serde_json::json;
use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// What to run.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// The first seed.
    pub first: u64,
    /// How many.
    pub seeds: u64,
    /// Threads.
    pub jobs: usize,
    pub planted: Option<Planted>,
    /// Stop at the first seed with a violation.
    pub until_found: bool,
}

/// What came of them.
#[derive(Debug, Clone)]
pub struct Report {
    pub seeds: u64,
    pub payments: u64,
    pub faults: u64,
    pub pairs: BTreeSet<Pair>,
    pub crashes_between: u64,
    pub simulated_ms: u64,
    /// Each with its seed.
    pub violations: Vec<(u64, Violation)>,
    pub trace_hash: u64,
}

/// From so many seeds on, every reachable pair must have been hit: a harness that hits less is itself at fault.
const SEEDS_FOR_ALL_PAIRS: u64 = 10_000;
/// From so many seeds on, some faults must have been injected.
const SEEDS_FOR_ANY_FAULT: u64 = 20;

/// Runs them.
pub fn run(options: Options) -> Report {
    let (next, found) = (AtomicU64::new(options.first), AtomicBool::new(false));
    let (done, hurt) = (AtomicU64::new(0), AtomicBool::new(false));
    let outcomes = Mutex::new(Vec::new());
    let end = options.first + options.seeds;
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end || (options.until_found && found.load(Ordering::Relaxed)) {
                return;
            }
            let outcome = run::seed(seed, options.planted);
            hurt.fetch_or(outcome.faults > 0, Ordering::Relaxed);
            let idle = done.fetch_add(1, Ordering::Relaxed) + 1 >= SEEDS_FOR_ANY_FAULT
                && !hurt.load(Ordering::Relaxed);
            found.fetch_or(!outcome.violations.is_empty() || idle, Ordering::Relaxed);
            outcomes.lock().expect("nothing panics while it holds this lock").push(outcome);
        }
    };
    std::thread::scope(|scope| {
        for _job in 0..options.jobs.max(1) {
            scope.spawn(work);
        }
    });
    let mut outcomes = outcomes.into_inner().expect("nothing panics while it holds this lock");
    outcomes.sort_by_key(|outcome| outcome.seed);
    Report::of(&outcomes)
}

impl Report {
    fn of(outcomes: &[Outcome]) -> Self {
        let mut hasher = DefaultHasher::new();
        let sum = |of: fn(&Outcome) -> u64| outcomes.iter().map(of).sum();
        let mut report = Self {
            seeds: outcomes.len() as u64,
            payments: sum(|outcome| outcome.payments),
            faults: sum(|outcome| outcome.faults),
            pairs: BTreeSet::new(),
            crashes_between: sum(|outcome| outcome.crashes_between),
            simulated_ms: sum(|outcome| outcome.simulated_ms),
            violations: Vec::new(),
            trace_hash: 0,
        };
        for outcome in outcomes {
            (outcome.seed, outcome.trace_hash).hash(&mut hasher);
            report.pairs.extend(outcome.pairs.iter().copied());
            let violations = outcome.violations.iter().cloned();
            report.violations.extend(violations.map(|violation| (outcome.seed, violation)));
        }
        report.trace_hash = hasher.finish();
        report.judge_the_harness(outcomes.last().map_or(0, |outcome| outcome.seed));
        report
    }

    /// Invariant 14: the harness itself.
    fn judge_the_harness(&mut self, last: u64) {
        if self.seeds >= SEEDS_FOR_ANY_FAULT && self.faults == 0 {
            self.violations.push((last, Violation::of("14: no fault was injected")));
        }
        if self.seeds >= SEEDS_FOR_ALL_PAIRS {
            for pair in self.missed() {
                self.violations.push((last, Violation::of(&format!("14: never hit: {pair:?}"))));
            }
        }
    }

    /// Reachable pairs that were not hit.
    pub fn missed(&self) -> Vec<Pair> {
        reachable().into_iter().filter(|pair| !self.pairs.contains(pair)).collect()
    }

    /// As one JSON object.
    pub fn json(&self) -> serde_json::Value {
        let violations: Vec<_> = self
            .violations
            .iter()
            .map(|(seed, violation)| {
                json!({ "seed": seed, "invariant": violation.invariant, "what": violation.what })
            })
            .collect();
        json!({
            "seeds": self.seeds,
            "payments": self.payments,
            "faults": self.faults,
            "pairs_hit": self.pairs.len(),
            "pairs_reachable": reachable().len(),
            "crashes_between_send_and_record": self.crashes_between,
            "simulated_seconds": self.simulated_ms / 1000,
            "violations": violations,
            "trace_hash": format!("{:016x}", self.trace_hash),
        })
    }
}
