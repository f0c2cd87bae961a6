//! Where the rows of a command come from: a history that is replayed, or a table of ready columns.

use std::path::{Path, PathBuf};

use super::Failure;
use super::dataset::{ColumnMap, FeatureSet, History, Matrix, Payment, Window, replay};
use super::table::Table;
use crate::event::{Event, key_of};
use crate::features::{MISSING, Settings};

/// Names that a label has where no map tells.
const LABELS: [&str; 4] = ["TX_FRAUD", "Class", "label", "fraud"];

/// Data of a command, ready to give matrices.
pub struct Source {
    /// The payments; of a table of columns, its rows.
    pub history: History,
    set: FeatureSet,
    columns: Option<Matrix>,
    settings: Settings,
}

impl Source {
    /// Reads files for a feature set.
    ///
    /// # Errors
    /// A file cannot be read, or a cell is not what its column needs.
    pub fn read(
        files: &[PathBuf],
        map: &ColumnMap,
        (set, settings): (FeatureSet, Settings),
    ) -> Result<Self, Failure> {
        match set {
            FeatureSet::Streaming | FeatureSet::Handbook => {
                let history = History::read(files, map)?;
                Ok(Source { history, set, columns: None, settings })
            }
            FeatureSet::Columns => {
                let (history, matrix) = read_columns(files, map)?;
                Ok(Source { history, set, columns: Some(matrix), settings })
            }
        }
    }

    /// Features of the payments in each window, in one pass.
    pub fn matrices(&self, windows: &[Window]) -> Vec<Matrix> {
        let Some(columns) = &self.columns else {
            return replay(&self.history, self.set, self.settings, windows);
        };
        let within = |window: &Window| {
            let chosen = (0..columns.rows())
                .filter(|row| (window.0..window.1).contains(&self.history.payments[*row].event.time_s));
            columns.select(&chosen.collect::<Vec<_>>())
        };
        windows.iter().map(within).collect()
    }

    /// First and last moment of the data, Unix seconds.
    pub fn span(&self) -> (i64, i64) {
        let times = self.history.payments.iter().map(|payment| payment.event.time_s);
        (times.clone().min().unwrap_or(0), times.max().unwrap_or(0))
    }
}

fn read_columns(files: &[PathBuf], map: &ColumnMap) -> Result<(History, Matrix), Failure> {
    let (mut history, mut matrix) = (History::default(), Matrix::default());
    for file in files {
        let table = Table::read(file, &|_| true)?;
        append_columns(&table, map, (&mut history, &mut matrix), file)?;
    }
    if matrix.rows() == 0 {
        return Err(Failure("the data files hold no rows".to_owned()));
    }
    Ok((history, matrix))
}

fn append_columns(
    table: &Table,
    map: &ColumnMap,
    (history, matrix): (&mut History, &mut Matrix),
    file: &Path,
) -> Result<(), Failure> {
    let label = [map.label.as_str()].into_iter().chain(LABELS).find_map(|name| table.column(name));
    let Some(label) = label else {
        table.require(&map.label, "the label")?;
        return Ok(());
    };
    let (id, time) = (table.column(&map.id), table.column(&map.time));
    let card = map.card.as_deref().and_then(|name| table.column(name));
    let amount = [map.amount.as_str(), "Amount"].into_iter().find_map(|name| table.column(name));
    let apart: Vec<usize> = [Some(label), id, time, card].into_iter().flatten().collect();
    // A column without a name is the running number that some tools write in front.
    let numeric = |column: &usize| {
        let name = &table.names()[*column];
        !apart.contains(column)
            && !name.is_empty()
            && !name.starts_with("Unnamed")
            && table.is_numeric(*column)
    };
    let features: Vec<usize> = (0..table.names().len()).filter(numeric).collect();
    let names: Vec<String> = features.iter().map(|column| table.names()[*column].clone()).collect();
    if matrix.names.is_empty() {
        matrix.names.clone_from(&names);
    } else if matrix.names != names {
        return Err(Failure(format!("{}: its numeric columns differ from the first file's", file.display())));
    }
    for row in 0..table.rows() {
        let place = history.payments.len();
        let text = id.map_or_else(|| place.to_string(), |column| table.text(column, row));
        let moment = time.map_or(Ok(0), |column| table.time(column, row))?;
        let paid = amount.map_or(Ok(None), |column| table.number(column, row))?.unwrap_or(0.0);
        let card = card.map_or_else(|| text.clone(), |column| table.text(column, row));
        let fraud = table.flag(label, row)?;
        let event = Event::new(key_of(&text), moment, (paid * 100.0).round() as i64)
            .with(crate::event::Entity::Card, key_of(&card));
        for column in &features {
            matrix.values.push(table.number(*column, row)?.unwrap_or(MISSING));
        }
        matrix.labels.push(fraud);
        matrix.places.push(place);
        matrix.groups.push(event.id);
        let (id, card) = (text.into_boxed_str(), card.into_boxed_str());
        history.payments.push(Payment { event, id, card, fraud, declined: false });
    }
    Ok(())
}
