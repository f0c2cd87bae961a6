//! `loadtest audit`.

use crate::audit::{Evidence, audit};
use crate::failure::{Failure, Result};
use std::path::PathBuf;

/// Hold what clients saw, the acquirer's book and the gateway's store against each other.
///
/// Invariants 1 to 9 of the gateway's money-safety document. A breach is printed with the payment's three histories, and ends
/// the program with 1. Only files are read; the store is never opened.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// What clients saw: JSON lines, as `loadtest run --history` writes them.
    #[arg(long, value_name = "FILE")]
    client: PathBuf,
    /// The acquirer's book: JSON lines, as `loadtest acquirer --book` writes them. What needs it is not checked without.
    #[arg(long, value_name = "FILE")]
    book: Option<PathBuf>,
    /// The store's payments: JSON lines, as `gateway verify --history` writes them.
    #[arg(long, value_name = "FILE")]
    gateway_history: PathBuf,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
}

impl Arguments {
    /// Audits and prints.
    pub fn run(self) -> Result<()> {
        let evidence = Evidence::read(&self.client, self.book.as_deref(), &self.gateway_history)?;
        let findings = audit(&evidence);
        if self.json {
            println!("{}", serde_json::to_string(&findings).expect("findings are plain data"));
        } else {
            print!("{}", findings.text(&evidence));
        }
        if findings.payments == 0 && findings.requests == 0 {
            return Err(Failure::failed(
                "there was nothing to audit: the client's and the store's histories are empty",
            ));
        }
        if findings.clean() {
            return Ok(());
        }
        Err(Failure::failed(format!("{} breaches", findings.breaches.len())))
    }
}
