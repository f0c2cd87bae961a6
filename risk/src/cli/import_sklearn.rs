//! `risk import-sklearn`: a logistic regression that scikit-learn fitted, as a model file.

use std::path::PathBuf;

use clap::Args;
use serde::Deserialize;
use serde_json::json;

use super::arguments::{Data, Delay, read_text, window};
use super::output::{Output, write_file};
use crate::model::{Body, Calibration, Slope, Term, Training, logistic};
use crate::train::Failure;
use crate::train::assemble::{Story, assemble, body_log_odds};
use crate::train::dataset::FeatureSet;
use crate::train::metrics::{Metrics, Scored};
use crate::train::source::Source;

/// Arguments of `risk import-sklearn`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// JSON with `features`, `coef` and `intercept`, and where a StandardScaler came first `mean` and `scale`;
    /// `classes`, if given, must be [0, 1].
    #[arg(long, value_name = "FILE")]
    coefficients: PathBuf,
    #[command(flatten)]
    data: Data,
    /// First training day; the risk score is learned from these payments.
    #[arg(long, value_name = "DATE")]
    train_from: String,
    /// Last training day, inclusive.
    #[arg(long, value_name = "DATE")]
    train_to: String,
    #[command(flatten)]
    delay: Delay,
    /// Which features the names belong to: handbook, streaming or columns.
    #[arg(long, default_value = "handbook")]
    features: String,
    /// The model file to write.
    #[arg(long, value_name = "MODEL.json")]
    out: PathBuf,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Coefficients {
    features: Vec<String>,
    coef: Vec<f64>,
    intercept: f64,
    #[serde(default)]
    mean: Vec<f64>,
    #[serde(default)]
    scale: Vec<f64>,
    #[serde(default)]
    classes: Vec<i64>,
}

/// Imports and writes.
///
/// # Errors
/// The coefficients contradict themselves or the data, or a file cannot be read or written.
pub fn run(arguments: &Arguments, output: &Output) -> Result<(), Failure> {
    let path = &arguments.coefficients;
    let text = read_text(path)?;
    let wrong = |problem: String| Failure(format!("{}: {problem}", path.display()));
    let given: Coefficients = serde_json::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    let count = given.features.len();
    let fits = |list: &Vec<f64>| list.is_empty() || list.len() == count;
    if given.coef.len() != count || !fits(&given.mean) || !fits(&given.scale) {
        return Err(wrong(format!("{count} features need as many coef, mean and scale")));
    }
    if !given.classes.is_empty() && given.classes != [0, 1] {
        return Err(wrong(format!("classes are {:?}; fit with labels 0 and 1, fraud as 1", given.classes)));
    }
    let set = FeatureSet::named(&arguments.features).ok_or_else(|| {
        Failure(format!("--features {:?}: handbook, streaming or columns", arguments.features))
    })?;
    let settings = arguments.delay.settings();
    let source = Source::read(&arguments.data.data, &arguments.data.map()?, (set, settings))?;
    let matrix = source.matrices(&[window(&arguments.train_from, &arguments.train_to)?]).remove(0);
    if let Some(unknown) = given.features.iter().find(|name| !matrix.names.contains(name)) {
        return Err(wrong(format!("{unknown:?} is no {} feature", set.name())));
    }
    let body = body(&given, |name| {
        let place = matrix.names.iter().position(|known| known == name).unwrap_or(0);
        let column = matrix.values.iter().skip(place).step_by(matrix.width()).copied();
        let known = column.filter(|value| !crate::features::is_missing(*value));
        known.fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)))
    });
    let honest_log_odds = body_log_odds(&body, &matrix)?;
    let scored: Vec<Scored> = honest_log_odds
        .iter()
        .zip(&matrix.labels)
        .map(|(odds, fraud)| Scored {
            score: logistic(*odds),
            fraud: *fraud,
            time_s: 0,
            card: 0,
            amount: 0.0,
        })
        .collect();
    let metrics = Metrics::of(&scored);
    let training = Training {
        from: arguments.train_from.clone(),
        to: arguments.train_to.clone(),
        rows: matrix.rows(),
        frauds: metrics.frauds,
        label_delay_days: arguments.delay.label_delay_days,
        solver: "scikit-learn".to_owned(),
        penalty: 0.0,
    };
    let figures = [("training_auc", metrics.auc), ("training_ap", metrics.ap)];
    let metrics = figures.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let story = Story { feature_set: set.name().to_owned(), training, metrics, honest_log_odds };
    let model = assemble(body, &matrix, story).map_err(Failure)?;
    write_file(&arguments.out, &model.render())?;
    let result =
        json!({ "model": model.file().version, "out": arguments.out, "metrics": model.file().metrics });
    output.show(&result, || format!("{} written to {}", model.file().version, arguments.out.display()))
}

/// A line for each feature, over a wide range around the training values.
fn body(given: &Coefficients, range: impl Fn(&str) -> (f64, f64)) -> Body {
    let mut intercept = given.intercept;
    let mut terms = Vec::new();
    for (place, name) in given.features.iter().enumerate() {
        let mean = given.mean.get(place).copied().unwrap_or(0.0);
        let scale = given.scale.get(place).copied().unwrap_or(1.0);
        let weight = given.coef[place] / if scale == 0.0 { 1.0 } else { scale };
        let (low, high) = range(name);
        let reach = 1e3 * (high - low).max(1e-9);
        let (from, to) = (low - reach, high + reach);
        intercept += weight * (from - mean);
        // "No data" counts as the mean.
        terms.push(Term {
            feature: name.clone(),
            missing: weight * (mean - from),
            slopes: vec![Slope { from, to, weight }],
            ..Term::default()
        });
    }
    Body::Logistic {
        intercept,
        terms,
        crosses: Vec::new(),
        calibration: Calibration { slope: 1.0, intercept: 0.0 },
    }
}
