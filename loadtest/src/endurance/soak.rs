//! `loadtest soak`: a steady load for a long time; nothing may pile up, and nothing may slow down.

use super::bench::{Bench, Stretch};
use crate::failure::Result;
use crate::load::engine::Observer;
use crate::load::{Named, Pace, Shape};
use crate::measure::process::{Holdings, Process};
use crate::measure::summary::{Quantiles, Summary};
use hdrhistogram::Histogram;
use serde::Serialize;
use std::time::Duration;

/// What the process held at a moment.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Sample {
    pub at_s: f64,
    #[serde(flatten)]
    pub holdings: Holdings,
}

/// The run.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    pub rate: f64,
    pub seconds: f64,
    pub errors: u64,
    pub requests: u64,
    pub samples: Vec<Sample>,
    /// p99 of the first and of the last quarter, microseconds.
    pub p99_first_us: u64,
    pub p99_last_us: u64,
    /// Bytes of memory more a payment, from the second quarter to the end.
    pub memory_per_payment: f64,
    /// Descriptors (of files and of all else) and threads after the load against before.
    pub files: (u64, u64),
    pub descriptors: (u64, u64),
    pub threads: (u64, u64),
    pub kept: bool,
    pub failures: Vec<String>,
}

/// The bar: bytes of memory that may stay for each payment. What is stored lies on the disk; a card's features cost 256 bytes.
const MEMORY_PER_PAYMENT: f64 = 512.0;
/// Growth below this is the allocator's, however few payments it is divided by.
const MEMORY_NOISE: f64 = 32.0 * 1024.0 * 1024.0;
/// Files that may be open. The store grows meanwhile, and keeps up to 128 segments of its journal open, and its index's tables; a process
/// may have 1,024 descriptors.
const FILES: u64 = 256;
/// After the load, connections take this long to be closed.
const SETTLING: Duration = Duration::from_secs(3);

/// Looks at the process while the load runs.
struct Watch {
    process: Process,
    every: Duration,
    next: Duration,
    samples: Vec<Sample>,
}

impl Observer for Watch {
    fn tick(&mut self, at: Duration, _counts: (u64, u64)) {
        if at < self.next {
            return;
        }
        self.next = at + self.every;
        if let Ok(holdings) = self.process.holdings() {
            self.samples.push(Sample { at_s: at.as_secs_f64(), holdings });
        }
    }
}

/// A steady load.
///
/// # Errors
/// The gateway can't be reached, or ended.
pub fn run(bench: &mut Bench, rate: f64, length: Duration) -> Result<Report> {
    let process = bench.process();
    let before = process.holdings()?;
    let every = (length / 120).max(Duration::from_secs(1));
    let mut watch = Watch { process, every, next: Duration::ZERO, samples: Vec::new() };
    let shape = Shape::named(Named::Poisson, (rate, rate), length)?;
    let stretch = Stretch {
        pace: Pace::Open(shape),
        warmup: Duration::ZERO,
        duration: length,
        timeout: Duration::from_secs(30),
        gives_up: None,
    };
    let summary = bench.drive(stretch, &mut watch)?;
    std::thread::sleep(SETTLING);
    let after = process.holdings()?;
    Ok(judge(&summary, watch.samples, (before, after)))
}

fn judge(summary: &Summary, samples: Vec<Sample>, (before, after): (Holdings, Holdings)) -> Report {
    let quarter = |from: usize, until: usize| {
        let slices = summary.series.slices();
        let mut all: Histogram<u32> =
            Histogram::new_with_bounds(1, 600_000_000, 2).expect("two digits are legal");
        for slice in &slices[slices.len() * from / 4..slices.len() * until / 4] {
            all.add(&slice.latency).expect("all slices have the same bounds");
        }
        Quantiles::of(&all).p99
    };
    let (p99_first_us, p99_last_us) = (quarter(0, 1), quarter(3, 4));
    let early = samples.get(samples.len() / 4).copied();
    let late = samples.last().copied();
    let mut grown_bytes = 0.0;
    let memory_per_payment = early.zip(late).map_or(0.0, |(early, late)| {
        let grown = late.holdings.memory_bytes as f64 - early.holdings.memory_bytes as f64;
        let payments = summary.goodput() * (late.at_s - early.at_s);
        grown_bytes = grown;
        grown / payments.max(1.0)
    });
    let mut failures = Vec::new();
    let mut demand = |holds: bool, text: String| {
        if !holds {
            failures.push(text);
        }
    };
    demand(summary.errors() == 0, format!("{} errors: {:?}", summary.errors(), summary.causes));
    demand(
        p99_last_us as f64 <= 1.5 * p99_first_us as f64 + 1_000.0,
        format!("p99 grew from {p99_first_us} to {p99_last_us} us"),
    );
    demand(
        memory_per_payment <= MEMORY_PER_PAYMENT || grown_bytes <= MEMORY_NOISE,
        format!(
            "{memory_per_payment:.0} bytes of memory stay for each payment, more than {MEMORY_PER_PAYMENT}"
        ),
    );
    demand(
        after.descriptors <= before.descriptors + 16,
        format!("descriptors that are no files grew from {} to {}", before.descriptors, after.descriptors),
    );
    demand(after.files <= FILES, format!("{} files are open, more than {FILES}", after.files));
    demand(
        after.threads <= before.threads + 4,
        format!("threads grew from {} to {}", before.threads, after.threads),
    );
    Report {
        rate: summary.intended / summary.duration.as_secs_f64(),
        seconds: summary.duration.as_secs_f64(),
        errors: summary.errors(),
        requests: summary.requests(),
        samples,
        p99_first_us,
        p99_last_us,
        memory_per_payment,
        files: (before.files, after.files),
        descriptors: (before.descriptors, after.descriptors),
        threads: (before.threads, after.threads),
        kept: failures.is_empty(),
        failures,
    }
}
