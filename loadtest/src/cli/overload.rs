//! `loadtest overload`.

use super::place::Place;
use super::progress::{Bar, tell};
use crate::endurance::bench::{Driving, Stretch};
use crate::endurance::{Bench, overload};
use crate::failure::{Failure, Result};
use crate::load::engine::Unobserved;
use crate::stage::{AcquirerKind, Config};
use crate::wire::Http;
use std::time::Duration;

/// Offer more than the gateway can do, and see that it still does what it can.
///
/// With `acquirer` the capacity is set by a simulated acquirer of 50 ms and a window of 100, so 2,000/s, of which 1x, 2x, 5x,
/// 10x and then 0.5x are offered without a pause; with `cpu` it is measured first, and 1x, 2x, 3x and 0.5x of it are offered.
/// Kept when the goodput (answered 200 within a second) at the highest multiple is at least 0.9 of that at 1x, 99 of 100 refusals come within 5 ms of the
/// sending, and within 10 s of the return to 0.5x nothing is refused any more. Exit code 99 otherwise.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    place: Place,
    /// What limits the gateway.
    #[arg(long, value_enum, default_value = "acquirer")]
    bound: Bound,
    /// Seconds of each phase.
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..=120))]
    seconds: u32,
    /// HTTP/2 connections; each carries up to 100 requests at once, so that clients do not wait for each other.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=256))]
    connections: u32,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// What limits the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum Bound {
    Acquirer,
    Cpu,
}

impl Arguments {
    /// Overloads and judges.
    pub fn run(self) -> Result<()> {
        let (install, _room) = self.place.settle()?;
        let mut config = Config::in_process();
        if self.bound == Bound::Acquirer {
            config.acquirer = AcquirerKind::InProcess { latency_ms: 50, window: 100 };
        }
        let driving =
            Driving { http: Http::Two, streams: 100, ..Driving::plain(self.connections, self.seed) };
        let mut bench = Bench::start(&install, &config, driving)?;
        let (capacity, multiples): (f64, &[f64]) = match self.bound {
            Bound::Acquirer => (2_000.0, &[1.0, 2.0, 5.0, 10.0, 0.5]),
            Bound::Cpu => {
                let stretch = Stretch::closed(Duration::from_secs(2), Duration::from_secs(8));
                let summary = bench.drive(stretch, &mut Unobserved)?;
                tell(&format!("capacity {:.0}/s", summary.goodput()));
                (summary.goodput(), &[1.0, 2.0, 3.0, 0.5])
            }
        };
        let length =
            Duration::from_secs(u64::from(self.seconds)) * u32::try_from(multiples.len()).unwrap_or(1);
        let report = overload::run(&mut bench, capacity, (multiples, self.seconds), &mut Bar::new(length))?;
        bench.gateway.stop()?.verify(None)?;
        if self.json {
            println!("{}", serde_json::to_string(&report).expect("a report is plain data"));
        } else {
            print(&report);
        }
        if report.kept {
            return Ok(());
        }
        Err(Failure::Threshold("the criteria of overload were not kept".to_owned()))
    }
}

fn print(report: &overload::Report) {
    println!("capacity {:.0}/s; per second, p99 in ms of what was not refused", report.capacity_per_s);
    println!("{:>6}{:>10}{:>10}{:>10}{:>10}{:>9}", "", "offered", "done", "p99", "refused", "failed");
    for phase in &report.phases {
        println!(
            "{:>5}x{:>10.0}{:>10.0}{:>10.1}{:>10.0}{:>9.1}",
            phase.multiple,
            phase.offered_per_s,
            phase.goodput_per_s,
            phase.latency_us.p99 as f64 / 1e3,
            phase.refused_per_s,
            phase.failed_per_s
        );
    }
    report.warnings.iter().for_each(|warning| println!("WARNING: {warning}"));
    let recovery = report.recovery_s.map_or("not seen".to_owned(), |seconds| format!("after {seconds} s"));
    println!(
        "goodput ratio {:.3} (at least {}), p99 of {} refusals {:.2} ms, recovery {recovery}",
        report.goodput_ratio,
        overload::GOODPUT,
        report.refusal_us.count,
        report.refusal_us.p99 as f64 / 1e3
    );
}
