//! `loadtest overload`: more than can be done is offered; what can be done must still be done, the rest refused at once, and
//! all of it over soon after.
//!
//! One run without a pause: the rate jumps from multiple to multiple of the capacity. Goodput is what was answered 200 within a
//! second of its intended start, while the multiple lasted: a server that queues everything and answers when nobody waits any
//! more does no good.

use super::bench::{Bench, Stretch};
use crate::failure::{Failure, Result};
use crate::load::arrivals::{Piece, Spacing};
use crate::load::engine::Observer;
use crate::load::{Pace, Shape};
use crate::measure::series::Slice;
use crate::measure::summary::{Quantiles, Summary};
use serde::Serialize;
use std::time::Duration;

/// What was seen at one multiple of the capacity.
#[derive(Debug, Clone, Serialize)]
pub struct Phase {
    /// Of the capacity.
    pub multiple: f64,
    pub offered_per_s: f64,
    /// Answered 200 within the deadline, a second.
    pub goodput_per_s: f64,
    /// Answered 429 or 503, a second.
    pub refused_per_s: f64,
    /// Given up by the client, after [`PATIENCE`] without a connection or because too many others waited for one; a second.
    pub unsent_per_s: f64,
    /// None of these; a second.
    pub failed_per_s: f64,
    /// Of what was not refused, from the intended start, microseconds.
    pub latency_us: Quantiles,
    /// Of refusals, from the sending, microseconds.
    pub refusal_us: Quantiles,
    /// Of all requests, the part that the client noticed more than a millisecond late: how far it could not keep up itself.
    pub client_late: f64,
}

/// All phases.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Requests a second that the gateway can do.
    pub capacity_per_s: f64,
    pub phases: Vec<Phase>,
    /// Goodput at the highest multiple, divided by that at 1x.
    pub goodput_ratio: f64,
    /// Of all refusals, from the sending, microseconds.
    pub refusal_us: Quantiles,
    /// Seconds after the return below the capacity from which on nothing was refused or failed; absent if there was no such
    /// second.
    pub recovery_s: Option<u64>,
    pub warnings: Vec<String>,
    pub kept: bool,
}

/// The bar for goodput.
pub const GOODPUT: f64 = 0.9;
/// An answer that comes later than this helps nobody, microseconds.
pub const DEADLINE_US: u64 = 1_000_000;
/// A client that has found no connection for so long gives up. All clients share some connections here, which real ones do not:
/// without an end to their patience, the requests that wait for one would be a queue of the load tester's own, of which every later
/// request is late, whatever the gateway does.
pub const PATIENCE: Duration = Duration::from_millis(500);
/// The part of the offered requests that may be given up in this way at the highest multiple: with more of them it was another
/// multiple.
pub const UNSENT: f64 = 0.1;
/// The bar for refusals, microseconds, 99 of 100.
pub const REFUSAL_US: u64 = 5_000;
/// The bar for recovery, seconds.
pub const RECOVERY_S: u64 = 10;

/// Offers multiples of a capacity, one after the other, each for `seconds`.
///
/// # Errors
/// The gateway can't be reached.
pub fn run(
    bench: &mut Bench,
    capacity: f64,
    (multiples, seconds): (&[f64], u32),
    observer: &mut dyn Observer,
) -> Result<Report> {
    let piece = |multiple: &f64| {
        let rate = capacity * multiple;
        Piece { seconds: f64::from(seconds), from: rate, to: rate }
    };
    let shape = Shape::new(multiples.iter().map(piece).collect(), Spacing::Poisson)?;
    if shape.length() > Duration::from_secs(600) {
        return Err(Failure::usage("an overload lasts ten minutes at most: lower --seconds"));
    }
    let duration = shape.length();
    let timeout = Duration::from_secs(10);
    let gives_up = Some(PATIENCE);
    let stretch = Stretch { pace: Pace::Open(shape), warmup: Duration::ZERO, duration, timeout, gives_up };
    let summary = bench.drive(stretch, observer)?;
    Ok(judge(capacity, (multiples, seconds as usize), &summary))
}

fn judge(capacity_per_s: f64, (multiples, seconds): (&[f64], usize), summary: &Summary) -> Report {
    let slices = |index: usize| summary.series.slices().iter().skip(index * seconds).take(seconds);
    let phases: Vec<Phase> = multiples
        .iter()
        .enumerate()
        .map(|(index, multiple)| phase(*multiple, slices(index), seconds))
        .collect();
    let recovery_s = (multiples.last().is_some_and(|multiple| *multiple < 1.0))
        .then(|| recovery(slices(multiples.len() - 1)))
        .flatten();
    let mut report = Report {
        capacity_per_s,
        phases,
        goodput_ratio: 0.0,
        refusal_us: Quantiles::of(&summary.refusals),
        recovery_s,
        warnings: summary.saturation().into_iter().collect(),
        kept: false,
    };
    report.decide();
    report
}

impl Report {
    fn decide(&mut self) {
        let at_one = self.phases.iter().find(|phase| phase.multiple == 1.0);
        let at_one = at_one.map_or(self.capacity_per_s, |phase| phase.goodput_per_s);
        let highest = self.phases.iter().max_by(|a, b| a.multiple.total_cmp(&b.multiple));
        self.goodput_ratio = highest.map_or(0.0, |phase| phase.goodput_per_s / at_one.max(1e-9));
        let quick = self.refusal_us.count == 0 || self.refusal_us.p99 < REFUSAL_US;
        let recovered = self.recovery_s.is_some_and(|seconds| seconds <= RECOVERY_S);
        let unsent = highest.map_or(0.0, |phase| phase.unsent_per_s / phase.offered_per_s.max(1e-9));
        if unsent > UNSENT {
            self.warnings.push(format!(
                "{:.0} % of what was to be offered at the highest multiple found no connection within {} ms: less was offered than \
                 the multiple says",
                unsent * 100.0,
                PATIENCE.as_millis()
            ));
        }
        self.kept = self.goodput_ratio >= GOODPUT && quick && recovered && unsent <= UNSENT;
    }
}

fn phase<'a>(multiple: f64, slices: impl Iterator<Item = &'a Slice>, seconds: usize) -> Phase {
    let mut sum = Slice::new();
    slices.for_each(|slice| sum.add(slice));
    let per_s = |count: u64| count as f64 / seconds as f64;
    Phase {
        multiple,
        offered_per_s: per_s(sum.due),
        goodput_per_s: per_s(sum.latency.count_between(0, DEADLINE_US).min(sum.done - sum.errors)),
        refused_per_s: per_s(sum.refused),
        unsent_per_s: per_s(sum.unsent),
        failed_per_s: per_s(sum.errors - sum.refused - sum.unsent),
        latency_us: Quantiles::of(&sum.latency),
        refusal_us: Quantiles::of(&sum.refusals),
        client_late: sum.late as f64 / (sum.due as f64).max(1.0),
    }
}

/// From which second on nothing went wrong any more.
fn recovery<'a>(slices: impl Iterator<Item = &'a Slice>) -> Option<u64> {
    let wrong: Vec<bool> = slices.map(|slice| slice.errors > 0 || slice.done == 0).collect();
    let first_clean = wrong.iter().rposition(|wrong| *wrong).map_or(0, |last| last + 1);
    (first_clean < wrong.len()).then_some(first_clean as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(goodput: f64, refusal_p99: u64, recovery_s: Option<u64>) -> Report {
        let at = |multiple: f64, goodput_per_s: f64| Phase {
            multiple,
            offered_per_s: multiple * 2_000.0,
            goodput_per_s,
            refused_per_s: 0.0,
            unsent_per_s: 0.0,
            failed_per_s: 0.0,
            latency_us: Quantiles::default(),
            refusal_us: Quantiles::default(),
            client_late: 0.0,
        };
        let mut report = Report {
            capacity_per_s: 2_000.0,
            phases: vec![at(1.0, 2_000.0), at(10.0, goodput), at(0.5, 1_000.0)],
            goodput_ratio: 0.0,
            refusal_us: Quantiles { count: 10, p99: refusal_p99, ..Quantiles::default() },
            recovery_s,
            warnings: Vec::new(),
            kept: false,
        };
        report.decide();
        report
    }

    #[test]
    fn each_criterion_can_fail() {
        assert!(report(1_900.0, 900, Some(3)).kept);
        assert!(!report(1_700.0, 900, Some(3)).kept);
        assert!(!report(1_900.0, 6_000, Some(3)).kept);
        assert!(!report(1_900.0, 900, Some(11)).kept);
        assert!(!report(1_900.0, 900, None).kept);
        let mut unsent = report(1_900.0, 900, Some(3));
        unsent.phases[1].unsent_per_s = 2_100.0;
        unsent.decide();
        assert!(!unsent.kept && unsent.warnings.len() == 1);
    }

    #[test]
    fn recovery_is_the_end_of_trouble_and_not_a_pause_of_it() {
        let slice = |errors| Slice { due: 10, done: 10, errors, refused: errors, ..Slice::new() };
        let seconds =
            |errors: &[u64]| recovery(errors.iter().map(|errors| slice(*errors)).collect::<Vec<_>>().iter());
        assert_eq!(seconds(&[5, 0, 3, 0, 0]), Some(3));
        assert_eq!(seconds(&[0, 0]), Some(0));
        assert_eq!(seconds(&[0, 1]), None);
        assert_eq!(seconds(&[]), None);
    }
}
