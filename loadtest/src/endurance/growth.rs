//! `loadtest growth`: what becomes of speed, memory, disk and restart when payments pile up.

use super::bench::{Bench, Stretch};
use crate::failure::{Failure, Result};
use crate::load::engine::Observer;
use crate::measure::process::{Process, disk_bytes};
use crate::measure::summary::{Quantiles, Summary};
use serde::Serialize;
use std::time::Duration;

/// What was measured with so many payments stored.
#[derive(Debug, Clone, Serialize)]
pub struct Level {
    pub payments: u64,
    pub requests_per_s: f64,
    /// The gateway's CPU time an authorization, microseconds.
    pub cpu_us: f64,
    pub latency_us: Quantiles,
    pub memory_bytes: u64,
    /// Of the data directory.
    pub disk_bytes: u64,
    /// From kill -9 and start to serving, milliseconds.
    pub restart_ms: f64,
}

/// All levels, and the highest against the lowest.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    pub levels: Vec<Level>,
    pub ratio_cpu: f64,
    pub ratio_throughput: f64,
}

/// CPU time over the measured stretch.
struct Cpu {
    process: Process,
    taken: [Duration; 2],
}

impl Observer for Cpu {
    fn opened(&mut self) {
        self.taken[0] = self.process.cpu().unwrap_or_default();
    }

    fn closed(&mut self) {
        self.taken[1] = self.process.cpu().unwrap_or_default();
    }
}

/// Fills the store level by level, measuring at each.
///
/// # Errors
/// The gateway refuses, or does not come back.
pub fn run(
    mut bench: Bench,
    levels: &[u64],
    measured: Duration,
    told: &mut dyn FnMut(&str),
) -> Result<Report> {
    let (mut stored, mut seen) = (0_u64, Vec::new());
    for level in levels {
        while stored < *level {
            stored += fill(&mut bench, *level - stored)?;
            told(&format!("{stored} payments stored"));
        }
        let mut cpu = Cpu { process: bench.process(), taken: [Duration::ZERO; 2] };
        let summary = bench.drive(Stretch::closed(Duration::from_secs(1), measured), &mut cpu)?;
        let payments = stored;
        stored += authorized(&summary)?;
        let holdings = bench.process().holdings()?;
        let data = bench.gateway.install.data();
        let (again, starting) = bench.crash()?;
        bench = again;
        let cpu_us = (cpu.taken[1].saturating_sub(cpu.taken[0])).as_secs_f64() * 1e6
            / summary.requests().max(1) as f64;
        let level = Level {
            payments,
            requests_per_s: summary.goodput(),
            cpu_us,
            latency_us: Quantiles::of(&summary.latency(None)),
            memory_bytes: holdings.memory_bytes,
            disk_bytes: disk_bytes(&data),
            restart_ms: starting.as_secs_f64() * 1e3,
        };
        told(&line(&level));
        seen.push(level);
    }
    let (Some(first), Some(last)) = (seen.first(), seen.last()) else {
        return Err(Failure::usage("growth needs at least one level"));
    };
    let ratio_cpu = last.cpu_us / first.cpu_us.max(1e-9);
    let ratio_throughput = last.requests_per_s / first.requests_per_s.max(1e-9);
    Ok(Report { ratio_cpu, ratio_throughput, levels: seen })
}

/// One level as a line.
pub fn line(level: &Level) -> String {
    format!(
        "{:>10} payments: {:>8.0}/s, {:>6.2} us CPU, p99 {:>7.2} ms, {:>6} MiB memory, {:>7} MiB disk, restart {:>6.0} ms",
        level.payments,
        level.requests_per_s,
        level.cpu_us,
        level.latency_us.p99 as f64 / 1e3,
        level.memory_bytes >> 20,
        level.disk_bytes >> 20,
        level.restart_ms
    )
}

/// Some seconds at full speed, shorter when little is missing.
fn fill(bench: &mut Bench, missing: u64) -> Result<u64> {
    let seconds = (missing as f64 / 20_000.0).clamp(0.2, 10.0);
    let stretch = Stretch::closed(Duration::ZERO, Duration::from_secs_f64(seconds));
    authorized(&bench.drive(stretch, &mut crate::load::engine::Unobserved)?)
}

fn authorized(summary: &Summary) -> Result<u64> {
    let done = summary.answered(200);
    if done == 0 || summary.errors() > 0 {
        let errors = summary.errors();
        return Err(Failure::failed(format!(
            "{errors} errors while filling the store: {:?}",
            summary.causes
        )));
    }
    Ok(done)
}
