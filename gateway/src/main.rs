//! The gateway's process: the command line, and what it serves.

mod allocator;

use std::process::ExitCode;

fn main() -> ExitCode {
    allocator::settle();
    gateway::cli::run(std::env::args_os(), gateway::launch::build).into()
}
