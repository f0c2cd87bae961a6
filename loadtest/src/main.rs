//! Load tester, acquirer host and money audit for Tollgate: the command line.

use clap::Parser;
use loadtest::cli::Cli;
use std::process::ExitCode;

/// The gateway's, so that the bare server beside it has no worse one.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match Cli::parse().run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("loadtest: {failure}");
            ExitCode::from(&failure)
        }
    }
}
