//! `risk explain`: what each feature added to the log odds of one payment.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::arguments::{Data, read_model, settings};
use super::output::{Output, aligned};
use crate::features::is_missing;
use crate::model::Source as Part;
use crate::train::Failure;
use crate::train::dataset::FeatureSet;
use crate::train::source::Source;

/// Arguments of `risk explain`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The model.
    #[arg(long, value_name = "MODEL.json")]
    model: PathBuf,
    #[command(flatten)]
    data: Data,
    /// Identifier of the transaction.
    #[arg(long, value_name = "TRANSACTION_ID")]
    id: String,
    /// Contributions to print; the JSON has all.
    #[arg(long, default_value_t = 20)]
    top: usize,
}

/// Explains one decision.
///
/// # Errors
/// The model or the data cannot be read, or the data hold no such transaction.
pub fn run(arguments: &Arguments, output: &Output) -> Result<(), Failure> {
    let model = read_model(&arguments.model)?;
    let set = FeatureSet::named(&model.file().feature_set)
        .ok_or_else(|| Failure(format!("unknown features {:?}", model.file().feature_set)))?;
    let settings = settings(model.file().training.label_delay_days);
    let source = Source::read(&arguments.data.data, &arguments.data.map()?, (set, settings))?;
    let place = source.history.payments.iter().position(|payment| *payment.id == *arguments.id);
    let place =
        place.ok_or_else(|| Failure(format!("no transaction {:?} in the data files", arguments.id)))?;
    let time_s = source.history.payments[place].event.time_s;
    let matrix = source.matrices(&[(time_s, time_s + 1)]).remove(0);
    let row = matrix.places.iter().position(|found| *found == place);
    let features = matrix.row(row.ok_or_else(|| Failure("the transaction was not replayed".to_owned()))?);
    let mut parts = Vec::new();
    model.contributions(features, |part| parts.push(part));
    let sum: f64 = parts.iter().map(|part| part.log_odds).sum();
    let log_odds = model.log_odds(features);
    parts.sort_by(|a, b| b.log_odds.abs().total_cmp(&a.log_odds.abs()));
    let value = |place: u16| features[place as usize];
    let shown = |part: Part| match part {
        Part::Intercept => String::new(),
        Part::Feature(a) => written(value(a)),
        Part::Cross(a, b) => format!("{} x {}", written(value(a)), written(value(b))),
    };
    let probability = model.probability(features);
    let contributions: Vec<_> = parts
        .iter()
        .map(|part| {
            json!({ "source": model.source_name(part.source), "value": shown(part.source), "log_odds": part.log_odds })
        })
        .collect();
    let result = json!({
        "transaction": arguments.id, "model": model.file().version, "log_odds": log_odds, "sum": sum,
        "probability": probability, "risk_score": model.risk_score(log_odds), "contributions": contributions,
    });
    output.show(&result, || {
        let mut rows = vec![["contribution", "value", "log odds"].map(str::to_owned).to_vec()];
        rows.extend(parts.iter().take(arguments.top).map(|part| {
            vec![model.source_name(part.source), shown(part.source), format!("{:+.4}", part.log_odds)]
        }));
        rows.push(vec!["sum of all".to_owned(), String::new(), format!("{sum:+.4}")]);
        format!(
            "transaction {}: probability {probability:.6}, risk score {}\n{}",
            arguments.id,
            model.risk_score(log_odds),
            aligned(&rows)
        )
    })
}

fn written(value: f64) -> String {
    if is_missing(value) { "no data".to_owned() } else { format!("{value:.4}") }
}
