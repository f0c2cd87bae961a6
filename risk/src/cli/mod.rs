//! The analyst's command line: one command a room, all with `--json`.

mod arguments;
mod backtest;
mod compare;
mod convert;
mod drift;
mod evaluate;
mod explain;
mod import_sklearn;
mod output;
mod replay;
mod score;
mod simulate;
mod threshold;
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
    /// Figures of a table of scores, and a report with charts.
    Evaluate(evaluate::Arguments),
    /// What each feature added to the score of one payment.
    Explain(explain::Arguments),
    /// Champion against challenger, with bootstrap intervals and money.
    Compare(compare::Arguments),
    /// Thresholds from costs and the capacity for reviews.
    Threshold(threshold::Arguments),
    /// Whether payments and scores still look as in training.
    Drift(drift::Arguments),
    /// Recompute the decisions of a gateway's export, bit for bit.
    Replay(replay::Arguments),
    /// Make a model file of a logistic regression of scikit-learn.
    ImportSklearn(import_sklearn::Arguments),
    /// A table from CSV to Parquet or back.
    Convert(convert::Arguments),
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
        Command::Evaluate(arguments) => evaluate::run(&arguments, &output),
        Command::Explain(arguments) => explain::run(&arguments, &output),
        Command::Compare(arguments) => compare::run(&arguments, &output),
        Command::Threshold(arguments) => threshold::run(&arguments, &output),
        Command::Drift(arguments) => drift::run(&arguments, &output),
        Command::Replay(arguments) => replay::run(&arguments, &output),
        Command::ImportSklearn(arguments) => import_sklearn::run(&arguments, &output),
        Command::Convert(arguments) => convert::run(&arguments, &output),
        Command::Simulate(arguments) => simulate::run(&arguments, &output),
    }
}
