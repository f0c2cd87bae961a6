//! Off the hot path: tables, replay, training, evaluation and reports.

pub mod assemble;
pub mod binning;
pub mod columnar;
pub mod crosses;
pub mod curves;
pub mod dataset;
pub mod design;
pub mod export;
pub mod fit;
pub mod job;
pub mod metrics;
pub mod newton;
mod parquet_file;
pub mod protocol;
pub mod report;
pub mod scores;
pub mod simulate;
pub mod solver;
pub mod source;
pub mod table;
pub mod time;
pub mod tree;

/// Why a command could not do its work, in words for the person at the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure(pub String);

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Failure {}
