//! `loadtest growth`.

use super::place::Place;
use super::progress::tell;
use super::time::length;
use crate::endurance::bench::Driving;
use crate::endurance::{Bench, growth};
use crate::failure::{Failure, Result};
use crate::mix::authorizations::Population;
use crate::stage::Config;
use std::time::Duration;

/// Measure speed, memory, disk and restart at growing numbers of stored payments.
///
/// At each level: requests a second and CPU time an authorization at full speed, both also in units of a bare server that is
/// measured before and after; then kill -9 and the time until it serves.
/// Kept when, at the last level against the first and in these units, CPU is at most 1.5 times as much and throughput at least
/// 0.6, memory is within 1 GiB and the restart within 2 s. Exit code 99 otherwise.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    place: Place,
    /// Levels, rising.
    #[arg(long, value_delimiter = ',', default_values_t = [100_000_u64, 500_000, 2_000_000])]
    levels: Vec<u64>,
    /// Measured time at each level.
    #[arg(long, default_value = "10s", value_parser = length)]
    duration: Duration,
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=16_384))]
    connections: u32,
    /// Distinct cards.
    #[arg(long, default_value_t = 200_000)]
    cards: u64,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

impl Arguments {
    /// Grows and judges.
    pub fn run(self) -> Result<()> {
        if self.levels.is_empty()
            || !self.levels.is_sorted()
            || self.levels.iter().any(|level| *level > 100_000_000)
        {
            return Err(Failure::usage(
                "--levels must rise, and be at most 100,000,000: --levels 100000,500000,2000000",
            ));
        }
        let (install, _room) = self.place.settle()?;
        let population = Population { cards: self.cards, ..Population::default() };
        let driving = Driving { population, ..Driving::plain(self.connections, self.seed) };
        let bench = Bench::start(&install, &Config::in_process(), driving)?;
        let report = growth::run(bench, &self.levels, self.duration, &mut |line| tell(line))?;
        if self.json {
            println!("{}", serde_json::to_string(&report).expect("a report is plain data"));
        } else {
            report.levels.iter().for_each(|level| println!("{}", growth::line(level)));
            println!(
                "last against first, in units of the bare server: CPU {:.2}x, throughput {:.2}x",
                report.ratio_cpu, report.ratio_throughput
            );
        }
        judge(&report)
    }
}

fn judge(report: &growth::Report) -> Result<()> {
    let last = report.levels.last().ok_or_else(|| Failure::failed("nothing was measured"))?;
    let criteria = [
        (report.ratio_cpu <= 1.5, "CPU grew by more than 1.5x"),
        (report.ratio_throughput >= 0.6, "throughput fell below 0.6x"),
        (last.memory_bytes <= 1 << 30, "more than 1 GiB of memory"),
        (last.restart_ms <= 2_000.0, "more than 2 s to restart"),
    ];
    let broken: Vec<&str> = criteria.iter().filter(|(kept, _)| !kept).map(|(_, text)| *text).collect();
    if broken.is_empty() { Ok(()) } else { Err(Failure::Threshold(broken.join(", "))) }
}
