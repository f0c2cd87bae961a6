//! Where the report of a run goes, and whether it kept its thresholds.

use crate::failure::{Failure, Result};
use crate::measure::Summary;
use crate::report::{RunReport, hdr_log, html, text};
use std::path::{Path, PathBuf};

/// Files of a report.
#[derive(Debug, clap::Args)]
pub struct Files {
    /// Print the report as one JSON object instead of text.
    #[arg(long)]
    json: bool,
    /// Write the JSON report here too, for `loadtest compare`.
    #[arg(long, value_name = "FILE")]
    json_out: Option<PathBuf>,
    /// Write the report as one HTML file.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Write an HdrHistogram log.
    #[arg(long, value_name = "FILE")]
    hdr: Option<PathBuf>,
}

fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).map_err(|error| Failure::file("writing", path, &error))
}

/// Prints the report and writes its files.
///
/// # Errors
/// A file can't be written.
pub fn publish(report: &RunReport, summary: &Summary, files: &Files) -> Result<()> {
    let json = serde_json::to_string(report).expect("a report is plain data");
    if files.json {
        println!("{json}");
    } else {
        print!("{}", text::text(report));
    }
    if let Some(path) = &files.json_out {
        write(path, &json)?;
    }
    if let Some(path) = &files.html {
        write(path, &html::page(report))?;
    }
    files.hdr.as_deref().map_or(Ok(()), |path| hdr_log::write(summary, path))
}

/// Fails with 99 if a threshold was not kept.
///
/// # Errors
/// Names those that were not.
pub fn judge(report: &RunReport) -> Result<()> {
    let broken: Vec<&str> = report
        .thresholds
        .iter()
        .filter(|verdict| !verdict.kept)
        .map(|verdict| verdict.threshold.as_str())
        .collect();
    if broken.is_empty() {
        Ok(())
    } else {
        Err(Failure::Threshold(format!("not kept: {}", broken.join(", "))))
    }
}
