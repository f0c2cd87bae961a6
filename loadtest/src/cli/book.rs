//! `loadtest book`.

use crate::failure::{Failure, Result};
use gateway_acquirers::host::summary;
use std::fs::File;
use std::io::BufReader;
use std::path::PathBuf;

/// Add up an acquirer's book: lines and amounts by operation, result and currency.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The book, as `loadtest acquirer --book` writes it.
    file: PathBuf,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

impl Arguments {
    /// Prints the sums.
    pub fn run(self) -> Result<()> {
        let file =
            File::open(&self.file).map_err(|error| Failure::file("reading the book", &self.file, &error))?;
        let summary = summary(BufReader::new(file))
            .map_err(|error| Failure::file("reading the book", &self.file, &error))?;
        if self.json {
            println!("{}", serde_json::to_string(&summary).expect("sums are plain data"));
            return Ok(());
        }
        println!("{:<32}{:>12}{:>20}", "operation, result, currency", "lines", "minor units");
        for (name, total) in &summary.totals {
            println!("{name:<32}{:>12}{:>20}", total.lines, total.amount_minor);
        }
        println!("references approved more than once: {}", summary.double_approvals);
        Ok(())
    }
}
