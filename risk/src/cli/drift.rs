//! `risk drift`: whether the payments of today still look like those of training, and the scores still hold.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::arguments::{Data, read_model, settings, window};
use super::output::{Output, aligned};
use crate::train::Failure;
use crate::train::dataset::{FeatureSet, Matrix};
use crate::train::design::code;
use crate::train::metrics::{Metrics, Scored};
use crate::train::source::Source;
use crate::train::time::DAY_S;

/// Arguments of `risk drift`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The model.
    #[arg(long, value_name = "MODEL.json")]
    model: PathBuf,
    #[command(flatten)]
    data: Data,
    /// First day of the payments to look at.
    #[arg(long, value_name = "DATE")]
    from: String,
    /// Last day, inclusive.
    #[arg(long, value_name = "DATE")]
    to: String,
    /// Features to print; the JSON has all.
    #[arg(long, default_value_t = 15)]
    top: usize,
}

/// Bins of the comparison.
const BINS: usize = 10;

#[derive(Debug, Serialize)]
struct Drift {
    feature: String,
    /// Population stability index: below 0.1 steady, above 0.25 another population.
    psi: f64,
}

#[derive(Debug, Serialize)]
struct Report {
    /// Index of the score itself.
    score_psi: f64,
    /// Share of the payments at or above the score that 1 % of the training payments reached.
    top_bucket_share: f64,
    /// Rate of fraud in that bucket then and now, from labels whose delay has passed.
    top_bucket_fraud: (f64, f64),
    /// Average precision then and now, from labels whose delay has passed.
    average_precision: (f64, f64),
    features: Vec<Drift>,
}

/// Compares the days with the training days of the model.
///
/// # Errors
/// The model or the data cannot be read, or a period has no payments.
pub fn run(arguments: &Arguments, output: &Output) -> Result<(), Failure> {
    let model = read_model(&arguments.model)?;
    let training = model.file().training.clone();
    let set = FeatureSet::named(&model.file().feature_set)
        .ok_or_else(|| Failure(format!("unknown features {:?}", model.file().feature_set)))?;
    let busy = output.busy("reading");
    let source = Source::read(
        &arguments.data.data,
        &arguments.data.map()?,
        (set, settings(training.label_delay_days)),
    )?;
    let windows = [window(&training.from, &training.to)?, window(&arguments.from, &arguments.to)?];
    busy.set_message("computing features");
    let matrices = source.matrices(&windows);
    busy.finish_and_clear();
    let [then, now] = [&matrices[0], &matrices[1]];
    if then.rows() == 0 || now.rows() == 0 {
        return Err(Failure(format!(
            "the data must hold the training days {} to {} as well as {} to {}",
            training.from, training.to, arguments.from, arguments.to
        )));
    }
    let odds =
        |matrix: &Matrix| (0..matrix.rows()).map(|row| model.log_odds(matrix.row(row))).collect::<Vec<_>>();
    let scores = [odds(then), odds(now)];
    let mut sorted = scores[0].clone();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let bar = sorted[sorted.len() / 100];
    // A label counts only if its delay had passed at the end of the data.
    let known_until_s = source.span().1 - i64::from(training.label_delay_days) * DAY_S;
    let [before, after] = [(then, &scores[0]), (now, &scores[1])].map(|(matrix, scores)| {
        let all = matrix.places.iter().zip(scores).map(|(place, score)| {
            let payment = &source.history.payments[*place];
            Scored { score: *score, fraud: payment.fraud, time_s: payment.event.time_s, card: 0, amount: 0.0 }
        });
        all.filter(|row| row.time_s < known_until_s).collect::<Vec<_>>()
    });
    let top_rate = |rows: &[Scored]| {
        let top: Vec<&Scored> = rows.iter().filter(|row| row.score >= bar).collect();
        top.iter().filter(|row| row.fraud).count() as f64 / top.len().max(1) as f64
    };
    let mut features: Vec<Drift> = (0..then.width())
        .map(|place| Drift {
            feature: then.names[place].clone(),
            psi: psi(&column(then, place), &column(now, place)),
        })
        .collect();
    features.sort_by(|a, b| b.psi.total_cmp(&a.psi).then_with(|| a.feature.cmp(&b.feature)));
    let report = Report {
        score_psi: psi(&scores[0], &scores[1]),
        top_bucket_share: scores[1].iter().filter(|score| **score >= bar).count() as f64 / now.rows() as f64,
        top_bucket_fraud: (top_rate(&before), top_rate(&after)),
        average_precision: (Metrics::of(&before).ap, Metrics::of(&after).ap),
        features,
    };
    output.show(&report, || text(&report, arguments.top))
}

fn column(matrix: &Matrix, place: usize) -> Vec<f64> {
    matrix.values.iter().skip(place).step_by(matrix.width()).copied().collect()
}

/// Population stability index, in bins of equal size of the first population; "no data" is a bin.
fn psi(then: &[f64], now: &[f64]) -> f64 {
    let mut sorted: Vec<f64> =
        then.iter().copied().filter(|value| !crate::features::is_missing(*value)).collect();
    sorted.sort_by(f64::total_cmp);
    let mut edges: Vec<f64> = if sorted.is_empty() {
        Vec::new()
    } else {
        (1..BINS).map(|bin| sorted[bin * sorted.len() / BINS]).collect()
    };
    edges.dedup();
    let shares = |values: &[f64]| {
        let mut counts = vec![0.5; edges.len() + 2];
        values.iter().for_each(|value| counts[code(&edges, *value)] += 1.0);
        let total: f64 = counts.iter().sum();
        counts.into_iter().map(|count| count / total).collect::<Vec<f64>>()
    };
    shares(then).iter().zip(shares(now)).map(|(then, now)| (now - then) * (now / then).ln()).sum()
}

fn text(report: &Report, top: usize) -> String {
    let mut rows = vec![vec!["feature".to_owned(), "PSI".to_owned()]];
    rows.push(vec!["the score".to_owned(), format!("{:.4}", report.score_psi)]);
    rows.extend(
        report
            .features
            .iter()
            .take(top)
            .map(|drift| vec![drift.feature.clone(), format!("{:.4}", drift.psi)]),
    );
    format!(
        "top 1 % bucket of training: now {:.2} % of the payments, fraud in it {:.1} % -> {:.1} %\n\
         average precision {:.4} -> {:.4} (labels whose delay has passed)\n{}",
        100.0 * report.top_bucket_share,
        100.0 * report.top_bucket_fraud.0,
        100.0 * report.top_bucket_fraud.1,
        report.average_precision.0,
        report.average_precision.1,
        aligned(&rows)
    )
}
