//! `risk evaluate`: the figures of a table of scores, and a report.

use std::collections::HashMap;
use std::path::PathBuf;

use clap::Args;

use super::arguments::read_model;
use super::output::{Output, aligned, write_file};
use crate::event::key_of;
use crate::model::{Body, Model};
use crate::train::Failure;
use crate::train::dataset::{ColumnMap, History};
use crate::train::metrics::{Metrics, Scored};
use crate::train::protocol::known_by;
use crate::train::report::{Report, figures, render};
use crate::train::scores::read_scores;
use crate::train::time::{DAY_S, day_start, parse_date};

/// Arguments of `risk evaluate`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Scores that `risk score` wrote, or a table with the same columns.
    #[arg(long, value_name = "SCORES.csv")]
    scores: PathBuf,
    /// Leave out a payment if its card had a fraud that was known by then; needs the history.
    #[arg(long, requires = "data")]
    exclude_known_cards: bool,
    /// History with the earlier frauds and the amounts.
    #[arg(long, num_args = 1.., value_name = "FILE")]
    data: Vec<PathBuf>,
    /// JSON file that says which column of the history holds what.
    #[arg(long, value_name = "FILE")]
    column_map: Option<PathBuf>,
    /// From when on a fraud makes its card known: the first day of training. Default: fourteen days before the
    /// first score.
    #[arg(long, value_name = "DATE")]
    known_from: Option<String>,
    /// Days after which a label is known.
    #[arg(long, default_value_t = 7)]
    label_delay_days: u32,
    /// Model whose feature weights the report shows.
    #[arg(long, value_name = "MODEL.json")]
    model: Option<PathBuf>,
    /// Write a report with charts into this file.
    #[arg(long, value_name = "REPORT.html")]
    html: Option<PathBuf>,
}

/// Evaluates and reports.
///
/// # Errors
/// The scores, the history or the model cannot be read, or the report cannot be written.
pub fn run(arguments: &Arguments, output: &Output) -> Result<(), Failure> {
    let rows = read_scores(&arguments.scores)?;
    if rows.is_empty() {
        return Err(Failure(format!("{}: it holds no scores", arguments.scores.display())));
    }
    let mut scored: Vec<Scored> = rows.iter().map(crate::train::scores::ScoreRow::scored).collect();
    if !arguments.data.is_empty() {
        let map = super::arguments::column_map(arguments.column_map.as_deref())?;
        scored = with_history(arguments, &map, (&rows, scored))?;
    }
    let metrics = Metrics::of(&scored);
    if let Some(path) = &arguments.html {
        let model = arguments.model.as_deref().map(read_model).transpose()?;
        let title = format!("Evaluation of {}", arguments.scores.display());
        let weights = model.as_ref().map(weights).unwrap_or_default();
        let report = Report { title: &title, scored: &scored, metrics: &metrics, weights: &weights };
        write_file(path, &render(&report))?;
    }
    output.show(&metrics, || {
        aligned(
            &figures(&metrics)
                .into_iter()
                .map(|(name, value)| vec![name.to_owned(), value])
                .collect::<Vec<_>>(),
        )
    })
}

fn with_history(
    arguments: &Arguments,
    map: &ColumnMap,
    (rows, scored): (&[crate::train::scores::ScoreRow], Vec<Scored>),
) -> Result<Vec<Scored>, Failure> {
    let history = History::read(&arguments.data, map)?;
    let amounts: HashMap<&str, f64> =
        history.payments.iter().map(|payment| (&*payment.id, payment.event.amount())).collect();
    let first_s = scored.iter().map(|row| row.time_s).min().unwrap_or(0).div_euclid(DAY_S) * DAY_S;
    let from_s = match &arguments.known_from {
        Some(date) => day_start(parse_date(date)?),
        None => first_s - 14 * DAY_S,
    };
    let known = known_by(&history, from_s, |payment| key_of(&payment.card));
    let delay_days = i64::from(arguments.label_delay_days);
    let unknown = |row: &Scored| {
        let day = row.time_s.div_euclid(DAY_S);
        known.get(&row.card).is_none_or(|first| *first >= day - delay_days)
    };
    let rows = scored.into_iter().zip(rows).map(|(mut row, named)| {
        row.amount = amounts.get(named.id.as_str()).copied().unwrap_or(0.0);
        row
    });
    Ok(rows.filter(|row| !arguments.exclude_known_cards || unknown(row)).collect())
}

/// How far each feature can move the log odds, the largest first.
fn weights(model: &Model) -> Vec<(String, f64)> {
    let mut sizes: Vec<(String, f64)> = match &model.file().body {
        Body::Logistic { terms, crosses, .. } => {
            let terms = terms.iter().map(|term| (term.feature.clone(), term.reach()));
            let cross = |cross: &crate::model::Cross| {
                let all = cross.weights.iter().flatten();
                let (low, high) = all.fold((0.0f64, 0.0f64), |(low, high), w| (low.min(*w), high.max(*w)));
                (cross.features.join(" x "), high - low)
            };
            terms.chain(crosses.iter().map(cross)).collect()
        }
        Body::Tree { nodes } => {
            let mut sums: HashMap<String, f64> = HashMap::new();
            for node in nodes {
                if let Some(split) = &node.split {
                    let step = nodes[split.above].log_odds - nodes[split.below].log_odds;
                    *sums.entry(split.feature.clone()).or_default() += step.abs();
                }
            }
            sums.into_iter().collect()
        }
    };
    sizes.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    sizes
}
