//! Tables that commands write: CSV, or Parquet by the file's ending.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use super::{Failure, parquet_file};

/// The cells of a column to write.
pub enum Column {
    /// Whole numbers.
    Integers(Vec<i64>),
    /// Numbers, written in their shortest form.
    Numbers(Vec<f64>),
    /// Texts; an empty one is "no data".
    Texts(Vec<String>),
}

impl Column {
    fn len(&self) -> usize {
        match self {
            Column::Integers(cells) => cells.len(),
            Column::Numbers(cells) => cells.len(),
            Column::Texts(cells) => cells.len(),
        }
    }

    fn text(&self, row: usize) -> String {
        match self {
            Column::Integers(cells) => cells[row].to_string(),
            Column::Numbers(cells) => cells[row].to_string(),
            Column::Texts(cells) => cells[row].clone(),
        }
    }
}

/// Writes named columns of one length.
///
/// # Errors
/// The file cannot be written.
pub fn write_table<N: AsRef<str>>(path: &Path, columns: &[(N, Column)]) -> Result<(), Failure> {
    let failed = |problem: String| Failure(format!("{}: {problem}", path.display()));
    let file = File::create(path).map_err(|error| failed(error.to_string()))?;
    let parquet = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("parquet"));
    if parquet { parquet_file::write(file, columns) } else { write_csv(file, columns) }.map_err(failed)
}

fn write_csv<N: AsRef<str>>(file: File, columns: &[(N, Column)]) -> Result<(), String> {
    let mut writer = csv::Writer::from_writer(BufWriter::new(file));
    let text = |error: csv::Error| error.to_string();
    writer.write_record(columns.iter().map(|(name, _)| name.as_ref())).map_err(text)?;
    let rows = columns.first().map_or(0, |(_, column)| column.len());
    for row in 0..rows {
        writer.write_record(columns.iter().map(|(_, column)| column.text(row))).map_err(text)?;
    }
    writer.flush().map_err(|error| error.to_string())
}
