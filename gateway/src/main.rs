//! The gateway's process: the command line, and what it serves.

use std::process::ExitCode;

/// An authorization allocates a few hundred times; this halves what that costs.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    gateway::cli::run(std::env::args_os(), gateway::launch::build).into()
}
