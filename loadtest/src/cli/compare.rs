//! `loadtest compare`.

use crate::failure::{Failure, Result};
use crate::report::{RunReport, compare};
use std::path::{Path, PathBuf};

/// Compare the JSON reports of two runs.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The report of the first run, from `loadtest run --json-out`.
    first: PathBuf,
    /// That of the second.
    second: PathBuf,
}

fn read(path: &Path) -> Result<RunReport> {
    let text = std::fs::read(path).map_err(|error| Failure::file("reading", path, &error))?;
    serde_json::from_slice(&text)
        .map_err(|error| Failure::usage(format!("{} is no report of a run: {error}", path.display())))
}

impl Arguments {
    /// Prints the comparison.
    pub fn run(self) -> Result<()> {
        print!("{}", compare::text(&read(&self.first)?, &read(&self.second)?));
        Ok(())
    }
}
