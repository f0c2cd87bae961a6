//! `loadtest failover`.

use super::place::Place;
use crate::failover::{Setting, Trial};
use crate::failure::{Failure, Result};
use crate::mix::Mix;
use std::path::PathBuf;
use std::time::Duration;

/// Kill one of two acquirer hosts every few seconds under load, and audit the money.
///
/// Both hosts speak ISO 8583 and keep a book each; the gateway routes by weight between them. Merchants must see nothing but
/// answers and declines, every request must have a final answer in the end, the books and the store must agree, and traffic
/// must return to the host when it is back. Exit code 1 otherwise.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    place: Place,
    /// How long to load.
    #[arg(long, default_value = "60s", value_parser = super::time::length)]
    duration: Duration,
    /// Requests a second.
    #[arg(long, default_value_t = 200.0)]
    rate: f64,
    /// Connections of the client.
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=4_096))]
    connections: u32,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The host is killed after so long.
    #[arg(long, default_value = "3s", value_parser = super::time::length)]
    up: Duration,
    /// And started again after so long.
    #[arg(long, default_value = "1s", value_parser = super::time::length)]
    down: Duration,
    /// The settings of [routing], as TOML.
    #[arg(long, default_value = "strategy = \"weighted\"")]
    routing: String,
    /// What is asked, as `loadtest run --mix` reads it; cards alone.
    #[arg(long, value_name = "FILE")]
    mix: Option<PathBuf>,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

impl Arguments {
    /// Loads, kills, audits, reports.
    pub fn run(self) -> Result<()> {
        let (install, _room) = self.place.settle()?;
        let setting = Setting {
            duration: self.duration,
            rate: self.rate,
            connections: self.connections as usize,
            seed: self.seed,
            up: self.up,
            down: self.down,
            routing: self.routing,
            mix: self.mix.as_deref().map_or_else(|| Ok(Mix::default()), Mix::read_of_cards)?,
        };
        let (report, text) = Trial::prepare(&install, setting)?.run()?;
        if self.json {
            println!("{}", serde_json::to_string(&report).expect("a report is plain data"));
        } else {
            print!("{}", report.text());
        }
        if report.clean() {
            return Ok(());
        }
        Err(Failure::failed(format!("merchants saw errors, or the money is not right\n{text}")))
    }
}
