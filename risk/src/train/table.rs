//! Tables from CSV and Parquet files, read by column, with errors that name file, line and column.

use std::path::Path;

use super::columnar::Column;
use super::time::parse_time;
use super::{Failure, parquet_file};

/// The cells of one column.
pub(super) enum Cells {
    Integers(Vec<Option<i64>>),
    Numbers(Vec<Option<f64>>),
    /// Unix seconds.
    Times(Vec<Option<i64>>),
    /// All texts in one string; `ends[row]` is where the row's text ends.
    Texts {
        joined: String,
        ends: Vec<usize>,
    },
}

/// One file's columns, or those of them that were asked for.
pub struct Table {
    file: String,
    names: Vec<String>,
    /// Names of all columns of the file, also those that were not asked for.
    header: Vec<String>,
    cells: Vec<Cells>,
    rows: usize,
    /// Line of each row in a CSV file; empty for Parquet.
    lines: Vec<u64>,
}

impl Table {
    /// Reads a file: Parquet by its ending `.parquet`, anything else as CSV with a header line. `wanted` picks
    /// columns by name.
    ///
    /// # Errors
    /// The file cannot be read, or is malformed; the message names the line.
    pub fn read(path: &Path, wanted: &dyn Fn(&str) -> bool) -> Result<Self, Failure> {
        let parquet = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("parquet"));
        let table = if parquet { read_parquet(path, wanted) } else { read_csv(path, wanted) };
        table.map_err(|problem| Failure(format!("{}: {problem}", path.display())))
    }

    /// Names of the columns that were read.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Place of a column.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| known == name)
    }

    /// Place of a column that must be there.
    ///
    /// # Errors
    /// The file has no such column; the message lists what it has.
    pub fn require(&self, name: &str, purpose: &str) -> Result<usize, Failure> {
        self.column(name).ok_or_else(|| {
            let mut known = self.header[..self.header.len().min(30)].join(", ");
            if self.header.len() > 30 {
                known.push_str(", and more");
            }
            Failure(format!(
                "{}: no column {name:?} for {purpose}; it has: {known}. Name it in a --column-map file",
                self.file
            ))
        })
    }

    /// A cell as a number; `None` if it is empty.
    ///
    /// # Errors
    /// The cell holds no finite number.
    pub fn number(&self, column: usize, row: usize) -> Result<Option<f64>, Failure> {
        let value = match &self.cells[column] {
            Cells::Integers(cells) | Cells::Times(cells) => cells[row].map(|value| value as f64),
            Cells::Numbers(cells) => cells[row],
            Cells::Texts { .. } => match self.raw(column, row) {
                "" => None,
                text => Some(text.trim().parse().map_err(|_| self.wrong(column, row, "a number", text))?),
            },
        };
        match value {
            Some(value) if !value.is_finite() => {
                Err(self.wrong(column, row, "a finite number", &value.to_string()))
            }
            value => Ok(value),
        }
    }

    /// A cell as Unix seconds: a timestamp, a whole number of seconds, or text such as `2018-07-25 13:05:09`.
    ///
    /// # Errors
    /// The cell is empty or no time.
    pub fn time(&self, column: usize, row: usize) -> Result<i64, Failure> {
        let value = match &self.cells[column] {
            Cells::Integers(cells) | Cells::Times(cells) => cells[row],
            Cells::Numbers(cells) => cells[row].map(|value| value as i64),
            Cells::Texts { .. } => parse_time(self.raw(column, row)),
        };
        value.ok_or_else(|| {
            self.wrong(column, row, "a time like 2018-07-25 13:05:09", &self.text(column, row))
        })
    }

    /// A cell as text; numbers are written in their shortest form.
    pub fn text(&self, column: usize, row: usize) -> String {
        let integer = |value: &Option<i64>| value.map_or_else(String::new, |value| value.to_string());
        match &self.cells[column] {
            Cells::Integers(cells) | Cells::Times(cells) => integer(&cells[row]),
            Cells::Numbers(cells) => cells[row].map_or_else(String::new, |value| value.to_string()),
            Cells::Texts { .. } => self.raw(column, row).to_owned(),
        }
    }

    /// A cell as a yes or no: 1/0, true/false.
    ///
    /// # Errors
    /// The cell is something else.
    pub fn flag(&self, column: usize, row: usize) -> Result<bool, Failure> {
        match self.text(column, row).as_str() {
            "1" | "1.0" | "true" | "True" => Ok(true),
            "0" | "0.0" | "false" | "False" => Ok(false),
            other => Err(self.wrong(column, row, "a label, 0 or 1", other)),
        }
    }

    /// All columns, ready to be written: texts that are all numbers become numbers, if their form survives.
    pub fn columns(&self) -> Vec<(String, Column)> {
        let column = |place: usize| match &self.cells[place] {
            Cells::Integers(cells) if cells.iter().all(Option::is_some) => {
                Column::Integers(cells.iter().copied().flatten().collect())
            }
            Cells::Numbers(cells) if cells.iter().all(Option::is_some) => {
                Column::Numbers(cells.iter().copied().flatten().collect())
            }
            Cells::Times(cells) => Column::Texts(
                cells.iter().map(|cell| cell.map_or_else(String::new, super::time::render_time)).collect(),
            ),
            Cells::Integers(_) | Cells::Numbers(_) | Cells::Texts { .. } => self.typed(place),
        };
        (0..self.names.len()).map(|place| (self.names[place].clone(), column(place))).collect()
    }

    fn typed(&self, column: usize) -> Column {
        let texts: Vec<String> = (0..self.rows).map(|row| self.text(column, row)).collect();
        let survives = |text: &String, parsed: Option<String>| parsed.as_ref() == Some(text);
        let integer = |text: &String| survives(text, text.parse::<i64>().ok().map(|value| value.to_string()));
        let number = |text: &String| survives(text, text.parse::<f64>().ok().map(|value| value.to_string()));
        if texts.iter().all(integer) {
            return Column::Integers(texts.iter().filter_map(|text| text.parse().ok()).collect());
        }
        if texts.iter().all(number) {
            return Column::Numbers(texts.iter().filter_map(|text| text.parse().ok()).collect());
        }
        Column::Texts(texts)
    }

    /// Whether the first cells of a column that are not empty are numbers.
    pub fn is_numeric(&self, column: usize) -> bool {
        match &self.cells[column] {
            Cells::Integers(_) | Cells::Numbers(_) => true,
            Cells::Times(_) => false,
            Cells::Texts { .. } => {
                let filled = (0..self.rows).map(|row| self.raw(column, row)).filter(|text| !text.is_empty());
                let mut first = filled.take(100).peekable();
                first.peek().is_some() && first.all(|text| text.trim().parse::<f64>().is_ok())
            }
        }
    }

    /// The complaint about one cell.
    pub fn wrong(&self, column: usize, row: usize, expected: &str, found: &str) -> Failure {
        let place = match self.lines.get(row) {
            Some(line) => format!("line {line}"),
            None => format!("row {}", row + 1),
        };
        let name = &self.names[column];
        Failure(format!("{}: {place}, column {name}: expected {expected}, found {found:?}", self.file))
    }

    fn raw(&self, column: usize, row: usize) -> &str {
        match &self.cells[column] {
            Cells::Texts { joined, ends } => {
                let from = if row == 0 { 0 } else { ends[row - 1] };
                &joined[from..ends[row]]
            }
            Cells::Integers(_) | Cells::Numbers(_) | Cells::Times(_) => "",
        }
    }
}

fn read_csv(path: &Path, wanted: &dyn Fn(&str) -> bool) -> Result<Table, String> {
    let mut reader = csv::ReaderBuilder::new().from_path(path).map_err(|error| error.to_string())?;
    let header = reader.headers().map_err(|error| error.to_string())?.clone();
    let kept: Vec<usize> = (0..header.len()).filter(|place| wanted(&header[*place])).collect();
    let names: Vec<String> = kept.iter().map(|place| header[*place].to_owned()).collect();
    let mut texts: Vec<(String, Vec<usize>)> = vec![(String::new(), Vec::new()); kept.len()];
    let mut lines = Vec::new();
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record).map_err(|error| error.to_string())? {
        lines.push(record.position().map_or(0, csv::Position::line));
        for (place, (joined, ends)) in kept.iter().zip(&mut texts) {
            joined.push_str(&record[*place]);
            ends.push(joined.len());
        }
    }
    let cells = texts.into_iter().map(|(joined, ends)| Cells::Texts { joined, ends }).collect();
    let header = header.iter().map(str::to_owned).collect();
    Ok(Table { file: path.display().to_string(), names, header, cells, rows: lines.len(), lines })
}

fn read_parquet(path: &Path, wanted: &dyn Fn(&str) -> bool) -> Result<Table, String> {
    let parquet_file::Columns { names, header, cells, rows } = parquet_file::read(path, wanted)?;
    Ok(Table { file: path.display().to_string(), names, header, cells, rows, lines: Vec::new() })
}
