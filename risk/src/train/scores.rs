//! The table of scores that `score` writes and `evaluate` and `compare` read.

use std::path::Path;

use super::Failure;
use super::columnar::{Column, write_table};
use super::metrics::Scored;
use super::table::Table;
use super::time::render_time;
use crate::event::key_of;

/// One scored payment, as the file has it.
#[derive(Clone, Debug, PartialEq)]
pub struct ScoreRow {
    /// Identifier of the transaction.
    pub id: String,
    /// When, Unix seconds.
    pub time_s: i64,
    /// Identifier of the card.
    pub card: String,
    /// Whether it was fraud.
    pub fraud: bool,
    /// Probability of fraud.
    pub score: f64,
}

/// Writes `TRANSACTION_ID,TX_DATETIME,CUSTOMER_ID,TX_FRAUD,score`.
///
/// # Errors
/// The file cannot be written.
pub fn write_scores(path: &Path, rows: &[ScoreRow]) -> Result<(), Failure> {
    let columns = [
        ("TRANSACTION_ID", Column::Texts(rows.iter().map(|row| row.id.clone()).collect())),
        ("TX_DATETIME", Column::Texts(rows.iter().map(|row| render_time(row.time_s)).collect())),
        ("CUSTOMER_ID", Column::Texts(rows.iter().map(|row| row.card.clone()).collect())),
        ("TX_FRAUD", Column::Integers(rows.iter().map(|row| i64::from(row.fraud)).collect())),
        ("score", Column::Numbers(rows.iter().map(|row| row.score).collect())),
    ];
    write_table(path, &columns)
}

/// Reads a table of scores.
///
/// # Errors
/// A column is missing, or a cell is not what its column needs.
pub fn read_scores(path: &Path) -> Result<Vec<ScoreRow>, Failure> {
    let table = Table::read(path, &|_| true)?;
    let [id, time, card] = [
        table.require("TRANSACTION_ID", "the transaction")?,
        table.require("TX_DATETIME", "the time")?,
        table.require("CUSTOMER_ID", "the card")?,
    ];
    let (fraud, score) = (table.require("TX_FRAUD", "the label")?, table.require("score", "the score")?);
    let row = |row: usize| -> Result<ScoreRow, Failure> {
        let value = table.number(score, row)?.ok_or_else(|| table.wrong(score, row, "a score", ""))?;
        Ok(ScoreRow {
            id: table.text(id, row),
            time_s: table.time(time, row)?,
            card: table.text(card, row),
            fraud: table.flag(fraud, row)?,
            score: value,
        })
    };
    (0..table.rows()).map(row).collect()
}

impl ScoreRow {
    /// The row as the metrics take it.
    pub fn scored(&self) -> Scored {
        Scored {
            score: self.score,
            fraud: self.fraud,
            time_s: self.time_s,
            card: key_of(&self.card),
            amount: 0.0,
        }
    }
}
