//! `loadtest soak`.

use super::place::Place;
use super::time::length;
use crate::endurance::bench::Driving;
use crate::endurance::{Bench, soak};
use crate::failure::{Failure, Result};
use crate::stage::Config;
use std::time::Duration;

/// Load the gateway steadily for a long time: nothing may pile up, and nothing may slow down.
///
/// Kept when there is no error, p99 of the last quarter is at most 1.5 times that of the first, no more than 512 bytes of memory
/// stay for each payment, threads and descriptors of all but files return to where they were, and no more than 256 files are open.
/// Exit code 99 otherwise.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    place: Place,
    /// Requests a second.
    #[arg(long, default_value_t = 1_000.0)]
    rate: f64,
    #[arg(long, default_value = "1h", value_parser = length)]
    duration: Duration,
    #[arg(long, default_value_t = 128, value_parser = clap::value_parser!(u32).range(1..=16_384))]
    connections: u32,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

impl Arguments {
    /// Soaks and judges.
    pub fn run(self) -> Result<()> {
        let (install, _room) = self.place.settle()?;
        let driving = Driving::plain(self.connections, self.seed);
        let mut bench = Bench::start(&install, &Config::in_process(), driving)?;
        let report = soak::run(&mut bench, self.rate, self.duration)?;
        bench.gateway.stop()?.verify(None)?;
        if self.json {
            println!("{}", serde_json::to_string(&report).expect("a report is plain data"));
        } else {
            println!(
                "{:.0} s at {:.0}/s: {} requests, {} errors; p99 {:.2} ms in the first quarter, {:.2} ms in the last; {:.0} bytes \
                 of memory a payment; files {} -> {}, other descriptors {} -> {}, threads {} -> {}",
                report.seconds,
                report.rate,
                report.requests,
                report.errors,
                report.p99_first_us as f64 / 1e3,
                report.p99_last_us as f64 / 1e3,
                report.memory_per_payment,
                report.files.0,
                report.files.1,
                report.descriptors.0,
                report.descriptors.1,
                report.threads.0,
                report.threads.1
            );
        }
        if report.kept { Ok(()) } else { Err(Failure::Threshold(report.failures.join("; "))) }
    }
}
