//! `loadtest latency`: how much later a durable answer is than that of a bare server which commits as often.
//!
//! Open loop at half of the gateway's capacity, from the intended start; the bare server makes two group commits for each
//! answer, so what is left is what the gateway itself adds.

use crate::ceiling::report::median;
use crate::ceiling::rounds::Contest;
use crate::failure::Result;
use crate::load::{Named, Pace, Shape};
use crate::measure::summary::Quantiles;
use serde::Serialize;
use std::time::Duration;

/// What one round showed, latencies in microseconds.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Round {
    pub bare: Quantiles,
    pub gateway: Quantiles,
}

/// The comparison.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Requests a second offered to both.
    pub rate: f64,
    pub rounds: Vec<Round>,
    /// Median over the rounds of the gateway's p99 less the bare server's, in milliseconds.
    pub p99_difference_ms: f64,
    /// Why the client itself may have been late, if it may.
    pub warnings: Vec<String>,
}

/// Measures the gateway's capacity, then both sides at half of it, in turn.
///
/// # Errors
/// A side broke.
pub fn compare(
    contest: &mut Contest,
    (rate, rounds): (Option<f64>, u32),
    length: Duration,
    told: &mut dyn FnMut(&str),
) -> Result<Report> {
    let rate = match rate {
        Some(rate) => rate,
        None => {
            let (summary, _) = contest.durable(Pace::Closed)?;
            told(&format!("capacity {:.0}/s; both sides get half of it", summary.goodput()));
            (summary.goodput() / 2.0).max(1.0)
        }
    };
    let shape = Shape::named(Named::Poisson, (rate, rate), length)?;
    let (mut seen, mut warnings) = (Vec::new(), Vec::new());
    for number in 1..=rounds {
        let (bare, _) = contest.bare(Pace::Open(shape.clone()))?;
        let (gateway, _) = contest.durable(Pace::Open(shape.clone()))?;
        warnings.extend(bare.saturation().into_iter().chain(gateway.saturation()));
        let round = Round {
            bare: Quantiles::of(&bare.latency(None)),
            gateway: Quantiles::of(&gateway.latency(None)),
        };
        told(&format!(
            "round {number}: p99 bare with two commits {:.2} ms, gateway {:.2} ms",
            round.bare.p99 as f64 / 1e3,
            round.gateway.p99 as f64 / 1e3
        ));
        seen.push(round);
    }
    let difference = |round: &Round| (round.gateway.p99 as f64 - round.bare.p99 as f64) / 1e3;
    let p99_difference_ms = median(seen.iter().map(difference));
    Ok(Report { rate, rounds: seen, p99_difference_ms, warnings })
}
