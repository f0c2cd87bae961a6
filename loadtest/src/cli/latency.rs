//! `loadtest latency`.

use super::ceiling::ContestArguments;
use super::place::Place;
use super::progress::tell;
use crate::ceiling::{Contest, latency};
use crate::failure::{Failure, Result};
use crate::stage::Config;
use std::time::Duration;

/// Measure how much later the gateway answers than a bare server that makes two group commits an answer.
///
/// Open loop, at half of the gateway's capacity, latency from the intended start, both sides in turn.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    contest: ContestArguments,
    /// Rounds; the median counts.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=99))]
    rounds: u32,
    /// Requests a second; half of what the gateway can do if not given.
    #[arg(long)]
    rate: Option<f64>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    /// Fail with 99 if the difference is above this many milliseconds.
    #[arg(long, value_name = "MS")]
    max_difference_ms: Option<f64>,
}

impl Arguments {
    /// Compares and prints.
    pub fn run(self) -> Result<()> {
        let (install, _room) = self.place.settle()?;
        let setting = self.contest.setting(self.rounds)?;
        let length: Duration = setting.warmup + setting.seconds;
        let mut contest = Contest::prepare(&install, &Config::in_process(), setting, 2)?;
        let report =
            latency::compare(&mut contest, (self.rate, self.rounds), length, &mut |line| tell(line))?;
        contest.verify()?;
        if self.json {
            println!("{}", serde_json::to_string(&report).expect("plain numbers are JSON"));
        } else {
            println!("at {:.0} requests/s, p99 in ms:   bare with two commits   gateway", report.rate);
            for round in &report.rounds {
                println!("{:>56.2}{:>10.2}", round.bare.p99 as f64 / 1e3, round.gateway.p99 as f64 / 1e3);
            }
            println!("median of the differences: {:.2} ms", report.p99_difference_ms);
            report.warnings.iter().for_each(|warning| println!("warning: {warning}"));
        }
        match self.max_difference_ms {
            Some(most) if report.p99_difference_ms > most => Err(Failure::Threshold(format!(
                "p99 is {:.2} ms above the bare server's, more than {most} ms",
                report.p99_difference_ms
            ))),
            Some(_) | None => Ok(()),
        }
    }
}
