//! The command line: one file a command, each from arguments to exit code.

mod acquirer;
mod audit;
mod bare_server;
mod book;
mod ceiling;
mod compare;
mod crash;
mod failover;
mod growth;
mod latency;
mod overload;
mod peer;
mod place;
mod progress;
mod run;
mod run_report;
mod soak;
mod time;

use crate::failure::Result;
use clap::{Parser, Subcommand};

/// Load tester, acquirer host and money audit for Tollgate.
///
/// Loads go to this machine only. Exit codes: 0 fine, 1 failed or a breach was found, 2 wrong usage, 99 a threshold was
/// not kept. Progress is shown on a terminal only; reports go to standard output.
#[derive(Debug, Parser)]
#[command(name = "loadtest", version, max_term_width = 110)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(Box<run::Arguments>),
    Audit(audit::Arguments),
    Acquirer(acquirer::Arguments),
    Book(book::Arguments),
    Compare(compare::Arguments),
    Crash(crash::Arguments),
    Failover(failover::Arguments),
    Ceiling(ceiling::Arguments),
    Overload(overload::Arguments),
    Growth(growth::Arguments),
    Soak(soak::Arguments),
    Peer(peer::Arguments),
    Latency(latency::Arguments),
    BareServer(bare_server::Arguments),
}

impl Cli {
    /// Runs the command.
    ///
    /// # Errors
    /// What went wrong, with its exit code.
    pub fn run(self) -> Result<()> {
        match self.command {
            Command::Run(arguments) => arguments.run(),
            Command::Acquirer(arguments) => arguments.run(),
            Command::Book(arguments) => arguments.run(),
            Command::Audit(arguments) => arguments.run(),
            Command::Compare(arguments) => arguments.run(),
            Command::Crash(arguments) => arguments.run(),
            Command::Failover(arguments) => arguments.run(),
            Command::Overload(arguments) => arguments.run(),
            Command::Growth(arguments) => arguments.run(),
            Command::Soak(arguments) => arguments.run(),
            Command::Peer(arguments) => arguments.run(),
            Command::Ceiling(arguments) => arguments.run(),
            Command::Latency(arguments) => arguments.run(),
            Command::BareServer(arguments) => arguments.run(),
        }
    }
}
