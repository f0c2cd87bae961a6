//! Tables that commands write: CSV, or Parquet by the file's ending.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::Failure;

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
    if parquet { write_parquet(file, columns) } else { write_csv(file, columns) }.map_err(failed)
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

fn write_parquet<N: AsRef<str>>(file: File, columns: &[(N, Column)]) -> Result<(), String> {
    let array = |column: &Column| -> ArrayRef {
        match column {
            Column::Integers(cells) => Arc::new(Int64Array::from(cells.clone())),
            Column::Numbers(cells) => Arc::new(Float64Array::from(cells.clone())),
            Column::Texts(cells) => Arc::new(
                cells.iter().map(|cell| (!cell.is_empty()).then_some(cell.as_str())).collect::<StringArray>(),
            ),
        }
    };
    let arrays = columns.iter().map(|(name, column)| (name.as_ref(), array(column)));
    let batch = RecordBatch::try_from_iter_with_nullable(arrays.map(|(name, array)| (name, array, true)))
        .map_err(|error| error.to_string())?;
    let level = ZstdLevel::try_new(3).map_err(|error| error.to_string())?;
    let properties = WriterProperties::builder().set_compression(Compression::ZSTD(level)).build();
    let mut writer =
        ArrowWriter::try_new(file, batch.schema(), Some(properties)).map_err(|error| error.to_string())?;
    writer.write(&batch).map_err(|error| error.to_string())?;
    writer.close().map_err(|error| error.to_string())?;
    Ok(())
}
