//! `loadtest growth`: what becomes of speed, memory, disk and restart when payments pile up.

use super::bench::{Bench, Stretch};
use crate::ceiling::beside::AUTHORIZED;
use crate::failure::{Failure, Result};
use crate::load::engine::Observer;
use crate::measure::process::{Process, disk_bytes};
use crate::measure::summary::{Quantiles, Summary};
use crate::stage::BareServer;
use serde::Serialize;
use std::time::Duration;

/// What was measured with so many payments stored.
#[derive(Debug, Clone, Serialize)]
pub struct Level {
    pub payments: u64,
    pub requests_per_s: f64,
    /// The gateway's CPU time an authorization, microseconds.
    pub cpu_us: f64,
    /// The same of a bare server, measured before and after it: what the machine could do at that time.
    pub bare_requests_per_s: f64,
    pub bare_cpu_us: f64,
    pub latency_us: Quantiles,
    pub memory_bytes: u64,
    /// Of the data directory.
    pub disk_bytes: u64,
    /// From kill -9 and start to serving, milliseconds.
    pub restart_ms: f64,
}

/// All levels, and the highest against the lowest, each in units of the bare server beside it: the levels are minutes apart, and a
/// shared machine is another one by then.
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

impl Cpu {
    const fn of(process: Process) -> Self {
        Self { process, taken: [Duration::ZERO; 2] }
    }

    /// Microseconds a request.
    fn a_request(&self, summary: &Summary) -> f64 {
        self.taken[1].saturating_sub(self.taken[0]).as_secs_f64() * 1e6 / summary.requests().max(1) as f64
    }
}

/// Requests a second, and microseconds of CPU time for each.
type Speed = (f64, f64);

/// One look at what the machine can do.
fn bare_speed(bench: &mut Bench, bare: &BareServer, measured: Duration) -> Result<Speed> {
    let mut cpu = Cpu::of(Process(bare.child.id()));
    let summary = bench.drive_at(&bare.url, Stretch::closed(Duration::from_secs(1), measured), &mut cpu)?;
    let speed = (summary.goodput(), cpu.a_request(&summary));
    if summary.errors() > 0 || speed.0 <= 0.0 || speed.1 <= 0.0 {
        return Err(Failure::failed(format!(
            "the bare server can't be measured: {} errors",
            summary.errors()
        )));
    }
    Ok(speed)
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
        let bare = bench.bare()?;
        let before = bare_speed(&mut bench, &bare, measured / 2)?;
        let mut cpu = Cpu::of(bench.process());
        let summary = bench.drive(Stretch::closed(Duration::from_secs(1), measured), &mut cpu)?;
        let payments = stored;
        stored += authorized(&summary)? + AUTHORIZED;
        // At once: a gateway that rests has less to hold and to read again.
        let holdings = bench.process().holdings()?;
        let data = bench.gateway.install.data();
        let disk = disk_bytes(&data);
        let (again, starting) = bench.crash()?;
        bench = again;
        let after = bare_speed(&mut bench, &bare, measured / 2)?;
        let level = Level {
            payments,
            requests_per_s: summary.goodput(),
            cpu_us: cpu.a_request(&summary),
            bare_requests_per_s: f64::midpoint(before.0, after.0),
            bare_cpu_us: f64::midpoint(before.1, after.1),
            latency_us: Quantiles::of(&summary.latency(None)),
            memory_bytes: holdings.memory_bytes,
            disk_bytes: disk,
            restart_ms: starting.as_secs_f64() * 1e3,
        };
        told(&line(&level));
        seen.push(level);
    }
    let (Some(first), Some(last)) = (seen.first(), seen.last()) else {
        return Err(Failure::usage("growth needs at least one level"));
    };
    let ratio_cpu = last.cpu() / first.cpu().max(1e-9);
    let ratio_throughput = last.throughput() / first.throughput().max(1e-9);
    Ok(Report { ratio_cpu, ratio_throughput, levels: seen })
}

impl Level {
    /// CPU time in units of the bare server's.
    fn cpu(&self) -> f64 {
        self.cpu_us / self.bare_cpu_us.max(1e-9)
    }

    /// Throughput in units of the bare server's.
    fn throughput(&self) -> f64 {
        self.requests_per_s / self.bare_requests_per_s.max(1e-9)
    }
}

/// One level as a line.
pub fn line(level: &Level) -> String {
    format!(
        "{:>10} payments: {:>8.0}/s, {:>6.2} us CPU ({:.3} and {:.2} of the bare server beside it), p99 {:>7.2} ms, {:>6} MiB memory, {:>7} MiB disk, restart {:>6.0} ms",
        level.payments,
        level.requests_per_s,
        level.cpu_us,
        level.throughput(),
        level.cpu(),
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
