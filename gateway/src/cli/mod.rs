//! The command line: `gateway` serves; its subcommands look after merchants and keys, and show the configuration.
//!
//! Exit codes: 0 done, 1 failed, 2 bad usage (a flag or a setting is wrong).

mod admin_client;
mod args;
mod keys;
mod payments;
mod risk;
mod routing;
mod verify;

use crate::config::Config;
use crate::serve::{self, Build, Setup};
use args::{Cli, Command};
use clap::Parser;
use std::ffi::OsString;
use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0.
    Done,
    /// 1: it was called well, and failed.
    Failed,
    /// 2: a flag or a setting is wrong.
    Usage,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        match exit {
            Exit::Done => ExitCode::SUCCESS,
            Exit::Failed => ExitCode::FAILURE,
            Exit::Usage => ExitCode::from(2),
        }
    }
}

/// Why a command did not succeed.
enum Failure {
    /// The way it was called is at fault.
    Usage(String),
    /// It was called well, and failed.
    Work(String),
}

/// Runs the command line `arguments` (the program's name first) to its end.
pub fn run(arguments: impl IntoIterator<Item = OsString>, build: Build) -> Exit {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are errors to the parser, and go to standard output.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage } else { Exit::Done };
        }
    };
    let result = match cli.command {
        None => start(&cli.serve, build),
        Some(Command::Serve(serve)) => start(&serve, build),
        Some(Command::Verify(command)) => verify::verify(command).map_err(Failure::Work),
        Some(Command::Config(serve)) => show(&serve),
        Some(Command::Export(command)) => risk::export(command).map_err(Failure::Work),
        Some(Command::State(command)) => risk::state(&command).map_err(Failure::Work),
        Some(Command::Model(command)) => risk::model(command).map_err(Failure::Work),
        Some(Command::Labels(command)) => risk::labels(&command).map_err(Failure::Work),
        Some(Command::Merchant(command)) => keys::merchant(command).map_err(Failure::Work),
        Some(Command::Payment(command)) => payments::payment(command).map_err(Failure::Work),
        Some(Command::Keys(command)) => keys::keys(command).map_err(Failure::Work),
        Some(Command::Routing(command)) => routing::routing(command),
    };
    match result {
        Ok(()) => Exit::Done,
        Err(Failure::Usage(what)) => {
            eprintln!("gateway: {what}");
            Exit::Usage
        }
        Err(Failure::Work(what)) => {
            eprintln!("gateway: {what}");
            Exit::Failed
        }
    }
}

fn start(arguments: &args::Serve, build: Build) -> Result<(), Failure> {
    let sources = arguments.sources();
    let config = Config::load(&sources).map_err(|error| Failure::Usage(error.to_string()))?;
    serve::run(Setup { sources, config }, build).map_err(Failure::Work)
}

fn show(arguments: &args::Serve) -> Result<(), Failure> {
    let text = Config::load(&arguments.sources())
        .and_then(|config| config.to_toml())
        .map_err(|error| Failure::Usage(error.to_string()))?;
    print!("{text}");
    Ok(())
}
