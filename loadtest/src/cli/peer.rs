//! `loadtest peer`.

use super::ceiling::ContestArguments;
use super::place::Place;
use super::progress::tell;
use crate::ceiling::{Contest, report::median};
use crate::failure::{Failure, Result};
use crate::load::Pace;
use crate::peer::{Localstripe, Postgres};
use crate::stage::Config;
use clap::Subcommand;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Measure the gateway against something else on the same disk, in the same run.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    #[command(subcommand)]
    peer: Peer,
}

#[derive(Debug, Subcommand)]
enum Peer {
    Postgres(PostgresArguments),
    Localstripe(LocalstripeArguments),
}

/// What every contest with a peer is told.
#[derive(Debug, clap::Args)]
struct Turns {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    contest: ContestArguments,
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=99))]
    rounds: u32,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

/// PostgreSQL doing the two durable transactions of an authorization, by pgbench.
///
/// Without TLS, HTTP, keys, limits and scores on its side; the best of several numbers of clients counts. Both sides in turn,
/// medians. Needs Debian's postgresql and postgresql-contrib.
#[derive(Debug, clap::Args)]
struct PostgresArguments {
    #[command(flatten)]
    turns: Turns,
    /// Numbers of pgbench's clients; the best one is taken in each round.
    #[arg(long, value_delimiter = ',', default_values_t = [32_u32, 64, 128])]
    clients: Vec<u32>,
    /// Fail with 99 if the ratio is below this.
    #[arg(long, value_name = "RATIO")]
    min_ratio: Option<f64>,
}

/// localstripe, another implementation of the dialect, authorizing over plain HTTP.
///
/// Without TLS, limits and scores on its side; it writes its whole state to a file with each change, and syncs nothing. Both sides
/// in turn, medians. Needs localstripe from PyPI, which listens on all addresses while it runs.
#[derive(Debug, clap::Args)]
struct LocalstripeArguments {
    #[command(flatten)]
    turns: Turns,
    /// The program; `pip install localstripe` puts it beside pip.
    #[arg(long, value_name = "PATH", default_value = "localstripe")]
    program: PathBuf,
    /// Its clients.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u32).range(1..=1024))]
    clients: u32,
}

impl Arguments {
    /// Measures both.
    pub fn run(self) -> Result<()> {
        match self.peer {
            Peer::Postgres(arguments) => arguments.run(),
            Peer::Localstripe(arguments) => arguments.run(),
        }
    }
}

impl PostgresArguments {
    fn run(self) -> Result<()> {
        let best = |postgres: &Postgres, seconds| {
            let mut rates = self.clients.iter().map(|clients| postgres.measure(*clients, seconds));
            rates.try_fold(0.0_f64, |best, rate| Ok(best.max(rate?)))
        };
        let ratio = self.turns.run(("postgres", "PostgreSQL"), Postgres::start, best)?;
        match self.min_ratio {
            Some(least) if ratio < least => Err(Failure::Threshold(format!("{ratio:.2}x is below {least}x"))),
            Some(_) | None => Ok(()),
        }
    }
}

impl LocalstripeArguments {
    fn run(self) -> Result<()> {
        let start = |dir: &Path| Localstripe::start(&self.program, dir);
        let rate = |peer: &Localstripe, seconds| peer.measure(self.clients, seconds);
        self.turns.run(("localstripe", "localstripe"), start, rate).map(drop)
    }
}

impl Turns {
    /// Starts the peer, measures it and the gateway in turns, says both medians, and gives their ratio.
    fn run<P>(
        &self,
        (key, name): (&str, &str),
        start: impl FnOnce(&Path) -> Result<P>,
        rate: impl Fn(&P, Duration) -> Result<f64>,
    ) -> Result<f64> {
        let (install, room) = self.place.settle()?;
        let setting = self.contest.setting(self.rounds)?;
        let seconds: Duration = setting.seconds;
        let peer = start(&room.path)?;
        let mut contest = Contest::prepare(&install, &Config::in_process(), setting, 0)?;
        let (mut theirs, mut ours) = (Vec::new(), Vec::new());
        for round in 1..=self.rounds {
            let their = rate(&peer, seconds)?;
            let (summary, _) = contest.durable(Pace::Closed)?;
            tell(&format!("round {round}: {name} {their:.0}/s, gateway {:.0}/s", summary.goodput()));
            theirs.push(their);
            ours.push(summary.goodput());
        }
        contest.verify()?;
        Ok(told(self.json, key, name, (theirs, ours)))
    }
}

/// Prints the medians of both sides, and gives their ratio.
fn told(json: bool, key: &str, name: &str, (theirs, ours): (Vec<f64>, Vec<f64>)) -> f64 {
    let (theirs, ours) = (median(theirs.into_iter()), median(ours.into_iter()));
    let ratio = ours / theirs.max(1e-9);
    if json {
        println!(
            "{}",
            serde_json::json!({format!("{key}_per_s"): theirs, "gateway_per_s": ours, "ratio": ratio})
        );
    } else {
        println!("{name} {theirs:.0}/s, gateway {ours:.0}/s: {ratio:.1}x");
    }
    ratio
}
