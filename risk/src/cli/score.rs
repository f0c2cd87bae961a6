//! `risk score`: scores for days of a history, as a table.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::arguments::{Data, read_model, settings, window};
use super::output::Output;
use crate::train::Failure;
use crate::train::dataset::FeatureSet;
use crate::train::scores::{ScoreRow, write_scores};
use crate::train::source::Source;

/// Arguments of `risk score`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The model.
    #[arg(long, value_name = "MODEL.json")]
    model: PathBuf,
    #[command(flatten)]
    data: Data,
    /// First day to score; earlier rows warm the features up.
    #[arg(long, value_name = "DATE")]
    from: String,
    /// Last day to score, inclusive.
    #[arg(long, value_name = "DATE")]
    to: String,
    /// The scores to write, CSV or Parquet by its ending.
    #[arg(long, value_name = "SCORES.csv")]
    out: PathBuf,
}

/// Scores and writes.
///
/// # Errors
/// The model or the data cannot be read, or the scores cannot be written.
pub fn run(arguments: &Arguments, output: &Output) -> Result<(), Failure> {
    let model = read_model(&arguments.model)?;
    let set = FeatureSet::named(&model.file().feature_set)
        .ok_or_else(|| Failure(format!("unknown features {:?}", model.file().feature_set)))?;
    let busy = output.busy("reading");
    let settings = settings(model.file().training.label_delay_days);
    let source = Source::read(&arguments.data.data, &arguments.data.map()?, (set, settings))?;
    busy.set_message("scoring");
    let matrix = source.matrices(&[window(&arguments.from, &arguments.to)?]).remove(0);
    if matrix.names != model.file().features {
        return Err(Failure(
            "the data's columns are not the features that the model was trained on".to_owned(),
        ));
    }
    let row = |row: usize| {
        let payment = &source.history.payments[matrix.places[row]];
        ScoreRow {
            id: payment.id.to_string(),
            time_s: payment.event.time_s,
            card: payment.card.to_string(),
            fraud: payment.fraud,
            score: model.probability(matrix.row(row)),
        }
    };
    let rows: Vec<ScoreRow> = (0..matrix.rows()).map(row).collect();
    write_scores(&arguments.out, &rows)?;
    busy.finish_and_clear();
    let result = json!({ "model": model.file().version, "rows": rows.len(), "out": arguments.out });
    output.show(&result, || format!("{} payments scored, written to {}", rows.len(), arguments.out.display()))
}
