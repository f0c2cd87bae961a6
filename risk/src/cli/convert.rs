//! `risk convert`: a table from CSV to Parquet or back, by the endings of the files.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::output::Output;
use crate::train::Failure;
use crate::train::columnar::write_table;
use crate::train::table::Table;

/// Arguments of `risk convert`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The table to read.
    #[arg(long, value_name = "FILE")]
    data: PathBuf,
    /// The table to write, CSV or Parquet by its ending.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Converts.
///
/// # Errors
/// The table cannot be read or written.
pub fn run(arguments: &Arguments, output: &Output) -> Result<(), Failure> {
    let table = Table::read(&arguments.data, &|_| true)?;
    write_table(&arguments.out, &table.columns())?;
    let result = json!({ "rows": table.rows(), "columns": table.names().len(), "out": arguments.out });
    output.show(&result, || format!("{} rows written to {}", table.rows(), arguments.out.display()))
}
