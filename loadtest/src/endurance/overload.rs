//! `loadtest overload`: more than can be done is offered; what can be done must still be done, the rest refused at once, and
//! all of it over soon after.

use super::bench::{Bench, Stretch};
use crate::failure::Result;
use crate::load::engine::Unobserved;
use crate::load::{Named, Pace, Shape};
use crate::measure::summary::{Quantiles, Summary};
use hdrhistogram::Histogram;
use serde::Serialize;
use std::time::Duration;

/// What was seen at one multiple of the capacity.
#[derive(Debug, Clone, Serialize)]
pub struct Phase {
    /// Of the capacity.
    pub multiple: f64,
    pub offered_per_s: f64,
    /// Answered 200, a second.
    pub goodput_per_s: f64,
    /// Answered 429 or 503, a second.
    pub refused_per_s: f64,
    /// Neither; a second.
    pub failed_per_s: f64,
    /// Of what was answered 200, microseconds.
    pub latency_us: Quantiles,
    /// Of what was refused, microseconds.
    pub refusal_us: Quantiles,
    pub warnings: Vec<String>,
}

/// All phases.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Requests a second that the gateway can do.
    pub capacity_per_s: f64,
    pub phases: Vec<Phase>,
    /// Goodput at the highest multiple, divided by that at 1x (or, without one, by the capacity).
    pub goodput_ratio: f64,
    /// Whether every refusal came within 5 ms, but for one in a hundred.
    pub refusals_are_quick: bool,
    /// Seconds after the return to half of the capacity until a second without a refusal or an error; absent if there was
    /// none, or no such phase.
    pub recovery_s: Option<u64>,
    pub kept: bool,
}

/// The bar for goodput.
pub const GOODPUT: f64 = 0.9;
/// The bar for refusals, microseconds.
pub const REFUSAL_US: u64 = 5_000;
/// The bar for recovery, seconds.
pub const RECOVERY_S: u64 = 10;

/// Offers multiples of a capacity, one after the other.
///
/// # Errors
/// The gateway can't be reached.
pub fn run(
    bench: &mut Bench,
    capacity: f64,
    (multiples, length): (&[f64], Duration),
    told: &mut dyn FnMut(&str),
) -> Result<Report> {
    let mut phases = Vec::new();
    let mut recovery_s = None;
    for multiple in multiples {
        let offered = capacity * multiple;
        let shape = Shape::named(Named::Poisson, (offered, offered), length)?;
        let stretch = Stretch {
            pace: Pace::Open(shape),
            warmup: Duration::ZERO,
            duration: length,
            timeout: Duration::from_secs(20),
        };
        let summary = bench.drive(stretch, &mut Unobserved)?;
        let phase = phase(&summary, *multiple);
        told(&format!(
            "{multiple}x: offered {:.0}/s, done {:.0}/s (p99 {:.1} ms), refused {:.0}/s (p99 {:.1} ms), failed {:.1}/s",
            phase.offered_per_s,
            phase.goodput_per_s,
            phase.latency_us.p99 as f64 / 1e3,
            phase.refused_per_s,
            phase.refusal_us.p99 as f64 / 1e3,
            phase.failed_per_s
        ));
        if *multiple < 1.0 {
            let clean = summary.series.slices().iter().position(|slice| slice.done > 0 && slice.errors == 0);
            recovery_s = clean.map(|second| second as u64);
        }
        phases.push(phase);
    }
    Ok(judge(capacity, phases, recovery_s))
}

fn judge(capacity: f64, phases: Vec<Phase>, recovery_s: Option<u64>) -> Report {
    let at_one =
        phases.iter().find(|phase| phase.multiple == 1.0).map_or(capacity, |phase| phase.goodput_per_s);
    let highest = phases.iter().max_by(|a, b| a.multiple.total_cmp(&b.multiple));
    let goodput_ratio = highest.map_or(0.0, |phase| phase.goodput_per_s / at_one.max(1e-9));
    let refusals_are_quick =
        phases.iter().all(|phase| phase.refusal_us.count == 0 || phase.refusal_us.p99 < REFUSAL_US);
    let recovers =
        !phases.iter().any(|phase| phase.multiple < 1.0) || recovery_s.is_some_and(|s| s <= RECOVERY_S);
    let kept = goodput_ratio >= GOODPUT && refusals_are_quick && recovers;
    Report { capacity_per_s: capacity, phases, goodput_ratio, refusals_are_quick, recovery_s, kept }
}

fn phase(summary: &Summary, multiple: f64) -> Phase {
    let seconds = summary.duration.as_secs_f64();
    let of = |wanted: &dyn Fn(&str) -> bool| {
        let mut all: Histogram<u64> =
            Histogram::new_with_bounds(1, 600_000_000, 3).expect("three digits are legal");
        for cell in summary.cells.iter().filter(|cell| wanted(&cell.outcome.to_string())) {
            all.add(&cell.latency).expect("all cells have the same bounds");
        }
        all
    };
    let done = of(&|outcome| outcome == "200");
    let refused = of(&|outcome| outcome == "429" || outcome == "503");
    let failed = of(&|outcome| !matches!(outcome, "200" | "429" | "503"));
    Phase {
        multiple,
        offered_per_s: summary.intended / seconds,
        goodput_per_s: done.len() as f64 / seconds,
        refused_per_s: refused.len() as f64 / seconds,
        failed_per_s: failed.len() as f64 / seconds,
        latency_us: Quantiles::of(&done),
        refusal_us: Quantiles::of(&refused),
        warnings: summary.saturation().into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(multiple: f64, goodput_per_s: f64, refusal_p99: u64) -> Phase {
        let refusal_us = Quantiles { count: 10, p99: refusal_p99, ..Quantiles::default() };
        Phase {
            multiple,
            offered_per_s: multiple * 2_000.0,
            goodput_per_s,
            refused_per_s: 0.0,
            failed_per_s: 0.0,
            latency_us: Quantiles::default(),
            refusal_us,
            warnings: Vec::new(),
        }
    }

    #[test]
    fn each_criterion_can_fail() {
        let good = [at(1.0, 2_000.0, 900), at(10.0, 1_900.0, 900), at(0.5, 1_000.0, 900)];
        assert!(judge(2_000.0, good.to_vec(), Some(3)).kept);
        assert!(!judge(2_000.0, good.to_vec(), Some(11)).kept);
        assert!(!judge(2_000.0, good.to_vec(), None).kept);
        assert!(!judge(2_000.0, vec![at(1.0, 2_000.0, 900), at(10.0, 1_700.0, 900)], None).kept);
        assert!(!judge(2_000.0, vec![at(1.0, 2_000.0, 900), at(10.0, 2_000.0, 6_000)], None).kept);
        assert!(judge(2_000.0, vec![at(1.0, 2_000.0, 900), at(10.0, 2_000.0, 4_000)], None).kept);
    }
}
