//! `loadtest overload`.

use super::place::Place;
use super::progress::{Bar, tell};
use crate::endurance::bench::{Driving, Stretch};
use crate::endurance::{Bench, overload};
use crate::failure::{Failure, Result};
use crate::load::engine::Unobserved;
use crate::stage::{AcquirerKind, Config, Halves, Install};
use crate::wire::Http;
use std::time::Duration;

/// Offer more than the gateway can do, and see that it still does what it can.
///
/// With `acquirer` the capacity is set by a simulated acquirer of 50 ms and a window of 100, so 2,000/s, of which 1x, 2x, 5x,
/// 10x and then 0.5x are offered without a pause; with `cpu` it is measured first, and 1x, 2x, 3x and 0.5x of it are offered.
/// Gateway and client have half of the processors each.
/// Kept when the goodput (answered 200 within a second) at the highest multiple is at least 0.9 of that at 1x, 99 of 100 refusals come within 5 ms of the
/// sending, and within 10 s of the return to 0.5x nothing is refused any more, and at most 0.1 of what was offered found no connection within
/// half a second, after which a client gives up. Exit code 99 otherwise.
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
    /// The version of HTTP. An HTTP/2 connection carries up to 100 requests at once.
    #[arg(long, value_enum, default_value = "1")]
    http: Http,
    /// Connections, so many that clients do not wait for each other. Default 1,024 over HTTP/1.1 and 64 over HTTP/2.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=8_192))]
    connections: Option<u32>,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// Requests at once where the capacity is measured: as many as keep the processors busy. More would only wait, and some be refused for it.
const CAPACITY_AT_ONCE: usize = 256;

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
        let (connections, streams) = match self.http {
            Http::One => (self.connections.unwrap_or(1_024), 1),
            Http::Two => (self.connections.unwrap_or(64), 100),
        };
        let driving = Driving { http: self.http, streams, ..Driving::plain(connections, self.seed) };
        let mut bench = Self::start(&install, &config, driving)?;
        let (capacity, multiples): (f64, &[f64]) = match self.bound {
            Bound::Acquirer => (2_000.0, &[1.0, 2.0, 5.0, 10.0, 0.5]),
            Bound::Cpu => {
                let stretch = Stretch::closed(Duration::from_secs(2), Duration::from_secs(8));
                bench.set_at_once((CAPACITY_AT_ONCE / streams.min(4), streams.min(4)));
                let summary = bench.drive(stretch, &mut Unobserved)?;
                bench.set_at_once((connections as usize, streams));
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

impl Arguments {
    /// The client may not take the processors of which there will be too little.
    fn start(install: &Install, config: &Config, driving: Driving) -> Result<Bench> {
        let halves = Halves::new()?;
        tell(&halves.to_string());
        halves.start_gateway()?;
        let bench = Bench::start(install, config, driving);
        halves.start_client()?;
        bench
    }
}

fn print(report: &overload::Report) {
    println!(
        "capacity {:.0}/s; per second, p99 in ms; unsent: given up without a connection; late: noticed late by the client itself",
        report.capacity_per_s
    );
    println!(
        "{:>6}{:>10}{:>10}{:>10}{:>10}{:>10}{:>10}{:>9}{:>8}",
        "", "offered", "done", "p99", "refused", "p99", "unsent", "failed", "late"
    );
    for phase in &report.phases {
        println!(
            "{:>5}x{:>10.0}{:>10.0}{:>10.1}{:>10.0}{:>10.2}{:>10.0}{:>9.1}{:>7.1}%",
            phase.multiple,
            phase.offered_per_s,
            phase.goodput_per_s,
            phase.latency_us.p99 as f64 / 1e3,
            phase.refused_per_s,
            phase.refusal_us.p99 as f64 / 1e3,
            phase.unsent_per_s,
            phase.failed_per_s,
            phase.client_late * 100.0
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
