//! The gateway's process: the command line, and what it serves.

use std::process::ExitCode;

fn main() -> ExitCode {
    gateway::cli::run(std::env::args_os(), gateway::launch::build).into()
}
