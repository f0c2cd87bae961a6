//! What a command prints and writes: text or JSON on the standard output, progress on a terminal.

use std::io::{IsTerminal, Write};
use std::path::Path;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::train::Failure;

/// How results are shown.
pub struct Output {
    json: bool,
}

impl Output {
    /// Text, or JSON if the flag was given.
    pub fn new(json: impl Into<bool>) -> Self {
        Output { json: json.into() }
    }

    /// Shows a result: its JSON, or the text that `text` makes.
    ///
    /// # Errors
    /// The standard output is closed.
    pub fn show(&self, result: &impl Serialize, text: impl FnOnce() -> String) -> Result<(), Failure> {
        let mut shown = if self.json {
            serde_json::to_string_pretty(result).map_err(|error| Failure(error.to_string()))?
        } else {
            text()
        };
        if !shown.ends_with('\n') {
            shown.push('\n');
        }
        std::io::stdout()
            .write_all(shown.as_bytes())
            .map_err(|error| Failure(format!("standard output: {error}")))
    }

    /// A spinner with a message, on a terminal only.
    pub fn busy(&self, message: &str) -> ProgressBar {
        if !std::io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let bar = ProgressBar::new_spinner().with_message(message.to_owned());
        bar.set_style(ProgressStyle::default_spinner());
        bar.enable_steady_tick(Duration::from_millis(120));
        bar
    }

    /// A bar of `length` steps with a message, on a terminal only.
    pub fn progress(&self, length: u64, message: &str) -> ProgressBar {
        if !std::io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        ProgressBar::new(length).with_message(message.to_owned())
    }
}

/// Writes a text file by replacing it as a whole.
///
/// # Errors
/// The file cannot be written.
pub fn write_file(path: &Path, text: &str) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure(format!("{}: {error}", path.display()));
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    std::fs::write(&beside, text).map_err(failed)?;
    std::fs::rename(&beside, path).map_err(failed)
}

/// A table in text, columns aligned; the first is aligned left, the others right.
pub fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().zip(&widths).enumerate().map(|(place, (cell, width))| match place {
            0 => format!("{cell:<width$}"),
            _further => format!("{cell:>width$}"),
        });
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}
