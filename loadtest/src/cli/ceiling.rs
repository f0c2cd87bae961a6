//! `loadtest ceiling`.

use super::place::{Beside, Place};
use super::progress::tell;
use crate::ceiling::{Contest, Report, Setting};
use crate::failure::{Failure, Result};
use crate::mix::authorizations::Population;
use crate::wire::Http;
use std::time::Duration;

/// Measure what a durable authorization costs, in units of a bare HTTPS request.
///
/// Starts a gateway and a bare hyper + rustls server with the same TLS and runtime settings, which reads the same bodies and
/// answers as many bytes. The same client drives both in turn (A B A B) at full speed, with scoring, limits, idempotency,
/// TLS, postings and events on. Afterwards `gateway verify` must find as many authorizations as were answered 200.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    contest: ContestArguments,
    /// Rounds; three at least.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(3..=99))]
    rounds: u32,
    /// Where the gateway's payments go.
    #[arg(long, value_enum, default_value = "in-process")]
    acquirer: Beside,
    /// Print one JSON object: bare, gateway, ratio_throughput, ratio_cpu.
    #[arg(long)]
    json: bool,
    /// Fail with 99 if ratio_cpu is above this.
    #[arg(long, value_name = "RATIO")]
    max_ratio_cpu: Option<f64>,
    /// Fail with 99 if ratio_throughput is below this.
    #[arg(long, value_name = "RATIO")]
    min_ratio_throughput: Option<f64>,
}

/// How a contest is held; shared by `ceiling`, `latency` and the peers.
#[derive(Debug, clap::Args)]
pub struct ContestArguments {
    /// Version of HTTP.
    #[arg(long, value_enum, default_value = "1")]
    http: Http,
    /// Connections of the client.
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=16_384))]
    connections: u32,
    /// Requests at once on a connection; 1 with HTTP/1.1.
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=256))]
    streams: Option<u32>,
    /// Measured seconds of each side in each round.
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// Seconds before each that are not measured.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(0..=60))]
    warmup: u64,
    /// The same seed gives the same requests.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Distinct cards.
    #[arg(long, default_value_t = 200_000)]
    cards: u64,
}

impl ContestArguments {
    /// The setting, of this many rounds.
    pub fn setting(&self, rounds: u32) -> Result<Setting> {
        let streams = match (self.http, self.streams) {
            (Http::One, None | Some(1)) => 1,
            (Http::One, Some(_)) => {
                return Err(Failure::usage(
                    "HTTP/1.1 has one request at a time on a connection: leave out --streams",
                ));
            }
            (Http::Two, streams) => streams.unwrap_or(16) as usize,
        };
        Ok(Setting {
            http: self.http,
            connections: self.connections as usize,
            streams,
            rounds,
            seconds: Duration::from_secs(self.seconds),
            warmup: Duration::from_secs(self.warmup),
            seed: self.seed,
            population: Population { cards: self.cards, ..Population::default() },
        })
    }
}

impl Arguments {
    /// Holds the contest and prints its report.
    pub fn run(self) -> Result<()> {
        let (install, _room) = self.place.settle()?;
        let (config, _host) = self.acquirer.beside(&install.dir)?;
        let mut contest = Contest::prepare(&install, &config, self.contest.setting(self.rounds)?, 0)?;
        let report = contest.closed_rounds(&mut |line| tell(line))?;
        let verified = contest.verify()?;
        if self.json {
            println!("{}", serde_json::to_string(&report).expect("plain numbers are JSON"));
        } else {
            print(&report, verified);
        }
        self.judge(&report)
    }

    fn judge(&self, report: &Report) -> Result<()> {
        if let Some(most) = self.max_ratio_cpu
            && report.ratio_cpu > most
        {
            return Err(Failure::Threshold(format!("ratio_cpu is {:.2}, above {most}", report.ratio_cpu)));
        }
        if let Some(least) = self.min_ratio_throughput
            && report.ratio_throughput < least
        {
            let text = format!("ratio_throughput is {:.3}, below {least}", report.ratio_throughput);
            return Err(Failure::Threshold(text));
        }
        Ok(())
    }
}

fn print(report: &Report, verified: u64) {
    let Report { bare, gateway, ratio_throughput, ratio_cpu } = report;
    println!("                     requests/s   CPU us/request   requests   errors");
    for (name, side) in [("bare hyper + rustls", bare), ("durable authorization", &gateway.side)] {
        println!(
            "{name:<21}{:>10.0}{:>17.2}{:>11}{:>9}",
            side.requests_per_s, side.cpu_us_per_request, side.requests, side.errors
        );
    }
    println!("ratio                {ratio_throughput:>10.3}{ratio_cpu:>17.2}");
    println!(
        "The store made {} commits with {} fsyncs; verified: {verified} authorizations.",
        gateway.commits, gateway.fsyncs
    );
}
