//! The analyst's command line: one command a room, all with `--json`.

mod arguments;
mod backtest;
mod output;
mod score;
mod simulate;
mod train;

use clap::{Parser, Subcommand};

use crate::train::Failure;

/// Trains, compares, explains and watches fraud models.
#[derive(Debug, Parser)]
#[command(name = "risk", version, arg_required_else_help = true)]
pub struct Cli {
    /// Print the result as one JSON document.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Train a model on the days of a history.
    Train(train::Arguments),
    /// Score the days of a history with a model.
    Score(score::Arguments),
    /// Run the whole protocol: train a week, skip a week, test a week.
    Backtest(backtest::Arguments),
    /// Generate a seeded history of labelled payments.
    Simulate(simulate::Arguments),
}

/// Runs a parsed command line.
///
/// # Errors
/// Why the command could not do its work.
pub fn run(cli: Cli) -> Result<(), Failure> {
    let output = output::Output::new(cli.json);
    match cli.command {
        Command::Train(arguments) => train::run(&arguments, &output),
        Command::Score(arguments) => score::run(&arguments, &output),
        Command::Backtest(arguments) => backtest::run(&arguments, &output),
        Command::Simulate(arguments) => simulate::run(&arguments, &output),
    }
}
