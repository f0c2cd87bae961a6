//! `loadtest crash`.

use super::place::Place;
use crate::crash::{Crash, Setting, cycle::FAULTS};
use crate::failure::{Failure, Result};
use crate::mix::Mix;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::path::PathBuf;

/// Kill the gateway under load, again and again, and audit the money.
///
/// The acquirer's host lives in another process and keeps its own book; it is slow, silent, late and doubled now and then.
/// Every third death is by strace at the N-th fsync, write or rename, where strace is there. After each restart clients repeat
/// what had no final answer with the same key, and every final answer is asked for again: it must be the same bytes. Exit code
/// 1 on any breach, with the payment's three histories.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    place: Place,
    /// How often to kill; each takes some four seconds.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    cycles: u32,
    /// Requests a second.
    #[arg(long, default_value_t = 300.0)]
    rate: f64,
    /// Connections of the client.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(1..=4_096))]
    connections: u32,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Verify the store and audit after so many cycles, and at the end.
    #[arg(long, default_value_t = 25, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    audit_every: u32,
    /// What the acquirer's host does wrong, as `loadtest acquirer --faults` reads it.
    #[arg(long, value_name = "FILE.toml")]
    faults: Option<PathBuf>,
    /// What is asked, as `loadtest run --mix` reads it; cards alone.
    #[arg(long, value_name = "FILE")]
    mix: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

impl Arguments {
    /// Crashes, audits, reports.
    pub fn run(self) -> Result<()> {
        let (install, _room) = self.place.settle()?;
        let faults = match &self.faults {
            Some(path) => std::fs::read_to_string(path)
                .map_err(|error| Failure::file("reading the faults", path, &error))?,
            None => FAULTS.to_owned(),
        };
        let setting = Setting {
            cycles: self.cycles,
            rate: self.rate,
            connections: self.connections as usize,
            seed: self.seed,
            audit_every: self.audit_every,
            faults,
            mix: self.mix.as_deref().map_or_else(|| Ok(Mix::default()), Mix::read_of_cards)?,
        };
        let bar = ProgressBar::with_draw_target(Some(u64::from(self.cycles)), ProgressDrawTarget::stderr());
        bar.set_style(
            ProgressStyle::with_template("{bar:40} {pos}/{len}  {msg}").expect("the template is well formed"),
        );
        let (report, text) = Crash::prepare(&install, setting)?.run(&mut |cycle, how| {
            bar.set_position(u64::from(cycle));
            bar.set_message(how.to_owned());
        })?;
        bar.finish_and_clear();
        if self.json {
            println!("{}", serde_json::to_string(&report).expect("a report is plain data"));
        } else {
            print!("{}", report.text());
        }
        if report.clean() {
            return Ok(());
        }
        Err(Failure::failed(format!("the money is not right, or answers were lost\n{text}")))
    }
}
