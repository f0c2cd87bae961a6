//! The records of all threads as one: what the reports are written from.

use crate::load::{Action, Pace, Plan};
use crate::measure::Outcome;
use crate::measure::recorder::{Cell, Lateness, Recorder};
use crate::measure::series::Series;
use crate::wire::{Http, Loss};
use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// More late sends than this share, by the client's own fault, and the client is taken to be the bottleneck.
const LATE_SHARE: f64 = 0.01;
/// A thread that computes for more than this share of the time has no room left to be on time.
const BUSY_SHARE: f64 = 0.90;

/// What a run has shown.
#[derive(Debug, Clone)]
pub struct Summary {
    pub open: bool,
    pub http: Http,
    pub connections: usize,
    pub seed: u64,
    /// The measured time.
    pub duration: Duration,
    /// How many requests the shape expects in the measured time; those sent, in the closed model.
    pub intended: f64,
    pub cells: Vec<Cell>,
    pub series: Series,
    pub lateness: Lateness,
    pub causes: BTreeMap<String, u64>,
    /// Answers of every status, warm-up included.
    pub statuses: BTreeMap<u16, u64>,
    pub replays: u64,
    /// From the sending to the refusal, of 429 and 503, in microseconds.
    pub refusals: Histogram<u64>,
    /// CPU time of each thread of the client, from the start to the end of the run.
    pub client_cpu: Vec<Duration>,
    pub length: Duration,
}

/// Latencies in microseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Quantiles {
    pub count: u64,
    pub mean: f64,
    pub p50: u64,
    pub p90: u64,
    pub p95: u64,
    pub p99: u64,
    pub p999: u64,
    pub max: u64,
}

impl Quantiles {
    /// Of a histogram of microseconds.
    pub fn of<C: hdrhistogram::Counter>(histogram: &Histogram<C>) -> Self {
        let at = |quantile| histogram.value_at_quantile(quantile);
        Self {
            count: histogram.len(),
            mean: if histogram.is_empty() { 0.0 } else { histogram.mean() },
            p50: at(0.5),
            p90: at(0.9),
            p95: at(0.95),
            p99: at(0.99),
            p999: at(0.999),
            max: histogram.max(),
        }
    }
}

impl Summary {
    /// Puts the threads' records together.
    pub fn of(plan: &Plan, flown: impl Iterator<Item = (Recorder, Duration)>) -> Self {
        let mut summary = Self {
            open: matches!(plan.pace, Pace::Open(_)),
            http: plan.target.http,
            connections: plan.connections,
            seed: plan.seed,
            duration: plan.duration,
            intended: 0.0,
            cells: Vec::new(),
            series: Series::new(plan.length()),
            lateness: Lateness::default(),
            causes: BTreeMap::new(),
            statuses: BTreeMap::new(),
            replays: 0,
            refusals: Histogram::new_with_bounds(1, 600_000_000, 3).expect("three digits are legal"),
            client_cpu: Vec::new(),
            length: plan.length(),
        };
        for (recorder, cpu) in flown {
            summary.add(recorder, cpu);
        }
        summary.cells.sort_by_key(|cell| (cell.action, cell.outcome));
        summary.intended = match &plan.pace {
            Pace::Open(shape) => {
                let window = plan.warmup..plan.length();
                shape.arrivals(plan.seed).filter(|at| window.contains(at)).count() as f64
            }
            Pace::Closed => summary.requests() as f64,
        };
        summary
    }

    fn add(&mut self, recorder: Recorder, cpu: Duration) {
        for cell in recorder.cells {
            let known = self.cells.iter_mut().find(|c| c.action == cell.action && c.outcome == cell.outcome);
            match known {
                Some(known) => known.latency.add(&cell.latency).expect("all cells have the same bounds"),
                None => self.cells.push(cell),
            }
        }
        self.series.add(&recorder.series);
        self.lateness.client += recorder.lateness.client;
        self.lateness.connection += recorder.lateness.connection;
        self.lateness.longest_us = self.lateness.longest_us.max(recorder.lateness.longest_us);
        for (cause, count) in recorder.causes {
            *self.causes.entry(cause).or_insert(0) += count;
        }
        for (status, count) in recorder.statuses {
            *self.statuses.entry(status).or_insert(0) += count;
        }
        self.replays += recorder.replays;
        self.refusals.add(&recorder.refusals).expect("both have the same bounds");
        self.client_cpu.push(cpu);
    }

    /// Requests that were due in the measured time.
    pub fn requests(&self) -> u64 {
        self.cells.iter().map(|cell| cell.latency.len()).sum()
    }

    /// Those of them that did not end as their action expects.
    pub fn errors(&self) -> u64 {
        self.cells
            .iter()
            .filter(|cell| cell.outcome.is_error(cell.action))
            .map(|cell| cell.latency.len())
            .sum()
    }

    /// Requests a second that ended as expected.
    pub fn goodput(&self) -> f64 {
        (self.requests() - self.errors()) as f64 / self.duration.as_secs_f64()
    }

    /// Latencies of all requests, or of those of one action; lost ones count with the time until they were given up. What was
    /// never sent for want of room in the client's queue is left out: it is an error, and no quick one.
    pub fn latency(&self, action: Option<Action>) -> Histogram<u64> {
        let mut all = Histogram::new_with_bounds(1, 600_000_000, 3).expect("three digits are legal");
        let of_action = |cell: &&Cell| action.is_none_or(|action| action == cell.action);
        let sent = |cell: &&Cell| cell.outcome != Outcome::Lost(Loss::Unsent);
        for cell in self.cells.iter().filter(of_action).filter(sent) {
            all.add(&cell.latency).expect("all cells have the same bounds");
        }
        all
    }

    /// How many answers had this status, warm-up included.
    pub fn answered(&self, status: u16) -> u64 {
        self.statuses.get(&status).copied().unwrap_or(0)
    }

    /// Why the client itself may have been the bottleneck, if it may.
    pub fn saturation(&self) -> Option<String> {
        let busiest = self.client_cpu.iter().max().copied().unwrap_or_default();
        let busy = busiest.as_secs_f64() / self.length.as_secs_f64().max(1e-9);
        let late = self.lateness.client as f64 / (self.requests() as f64).max(1.0);
        if !self.open {
            return None;
        }
        if late > LATE_SHARE {
            return Some(format!(
                "{:.1} % of the requests were noticed more than 1 ms late by the client itself: \
                 lower --rate or give the client cores of its own",
                late * 100.0
            ));
        }
        (busy > BUSY_SHARE).then(|| {
            format!(
                "a thread of the client was busy {:.0} % of the time: raise --workers or lower --rate",
                busy * 100.0
            )
        })
    }
}
