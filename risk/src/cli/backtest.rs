//! `risk backtest`: the whole protocol in one command, a row a week and the mean.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::arguments::{Data, Delay, Method};
use super::output::{Output, aligned, write_file};
use crate::train::Failure;
use crate::train::job::Job;
use crate::train::metrics::Metrics;
use crate::train::protocol;
use crate::train::source::Source;
use crate::train::time::{DAY_S, day_start, parse_date, render_date};

/// Arguments of `risk backtest`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    data: Data,
    /// First days of the test weeks. Default: the last four whole weeks of the data.
    #[arg(long, value_delimiter = ',', value_name = "DATE,...")]
    weeks: Vec<String>,
    #[command(flatten)]
    delay: Delay,
    #[command(flatten)]
    method: Method,
    /// Write the model of each week into this directory.
    #[arg(long, value_name = "DIRECTORY")]
    models: Option<PathBuf>,
}

const WEEK_S: i64 = 7 * DAY_S;

/// Trains and tests each week.
///
/// # Errors
/// The data cannot be read, a week has no payments, or training fails.
pub fn run(arguments: &Arguments, output: &Output) -> Result<(), Failure> {
    let (set, options) = (arguments.method.set(), arguments.method.options()?);
    let reading = output.busy("reading");
    let source =
        Source::read(&arguments.data.data, &arguments.data.map()?, (set, arguments.delay.settings()))?;
    let delay_s = i64::from(arguments.delay.label_delay_days) * DAY_S;
    let weeks = weeks(&arguments.weeks, source.span())?;
    let windows: Vec<_> = weeks
        .iter()
        .flat_map(|test| [(test - delay_s - WEEK_S, test - delay_s), (*test, test + WEEK_S)])
        .collect();
    reading.set_message("computing features");
    let matrices = source.matrices(&windows);
    reading.finish_and_clear();
    let bar = output.progress(weeks.len() as u64, "weeks");
    let mut rows = Vec::new();
    for (week, (pair, window)) in matrices.chunks(2).zip(windows.chunks(2)).enumerate() {
        let (training, test) = (&pair[0], &pair[1]);
        let start = render_date(weeks[week]);
        if training.rows() == 0 || test.rows() == 0 {
            return Err(Failure(format!("the week of {start} has no payments to train on, or none to test")));
        }
        let job = Job {
            algorithm: arguments.method.algorithm(),
            set,
            options: options.clone(),
            days: (render_date(window[0].0), render_date(window[0].1 - 1)),
            label_delay_days: arguments.delay.label_delay_days,
        };
        let model = job.run(training)?;
        let scores: Vec<f64> = (0..test.rows()).map(|row| model.probability(test.row(row))).collect();
        let scored = protocol::join(&source.history, test, &scores, (window[0], delay_s / DAY_S));
        rows.push((start.clone(), Metrics::of(&scored)));
        if let Some(directory) = &arguments.models {
            write_file(&directory.join(format!("week-{start}.json")), &model.render())?;
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    let mean = Metrics::mean(&rows.iter().map(|row| row.1.clone()).collect::<Vec<_>>());
    let result = json!({
        "features": set.name(),
        "weeks": rows.iter().map(|(start, metrics)| json!({ "test": start, "metrics": metrics })).collect::<Vec<_>>(),
        "mean": mean,
    });
    output.show(&result, || render(&rows, &mean))
}

/// Starts of the test weeks, Unix seconds.
fn weeks(named: &[String], (_, last_s): (i64, i64)) -> Result<Vec<i64>, Failure> {
    if !named.is_empty() {
        return named.iter().map(|date| Ok(day_start(parse_date(date)?))).collect();
    }
    let end_s = (last_s.div_euclid(DAY_S) + 1) * DAY_S;
    Ok((1..=4).rev().map(|back| end_s - back * WEEK_S).collect())
}

fn render(rows: &[(String, Metrics)], mean: &Metrics) -> String {
    let mut table = vec![
        ["week", "payments", "frauds", "AP", "AUC", "CP@100", "R@0.1%", "R@0.5%", "log loss", "Brier"]
            .map(str::to_owned)
            .to_vec(),
    ];
    let line = |name: &str, metrics: &Metrics| {
        vec![
            name.to_owned(),
            metrics.rows.to_string(),
            metrics.frauds.to_string(),
            format!("{:.4}", metrics.ap),
            format!("{:.4}", metrics.auc),
            format!("{:.4}", metrics.cp100),
            format!("{:.4}", metrics.recall_01),
            format!("{:.4}", metrics.recall_05),
            format!("{:.5}", metrics.log_loss),
            format!("{:.5}", metrics.brier),
        ]
    };
    table.extend(rows.iter().map(|(start, metrics)| line(start, metrics)));
    table.push(line("mean", mean));
    aligned(&table)
}
