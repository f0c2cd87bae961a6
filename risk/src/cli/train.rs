//! `risk train`: from days of a history to a model file.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::arguments::{Data, Delay, Method, window};
use super::output::{Output, write_file};
use crate::train::Failure;
use crate::train::job::Job;
use crate::train::source::Source;
use crate::train::time::render_date;

/// Arguments of `risk train`.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    data: Data,
    /// First day to train on; earlier rows warm the features up. Default: the first day of the data.
    #[arg(long, value_name = "DATE")]
    train_from: Option<String>,
    /// Last day to train on, inclusive. Default: the last day of the data.
    #[arg(long, value_name = "DATE")]
    train_to: Option<String>,
    #[command(flatten)]
    delay: Delay,
    #[command(flatten)]
    method: Method,
    /// The model file to write.
    #[arg(long, value_name = "MODEL.json")]
    out: PathBuf,
}

/// Trains and writes the model.
///
/// # Errors
/// The data cannot be read or trained on, or the model cannot be written.
pub fn run(arguments: &Arguments, output: &Output) -> Result<(), Failure> {
    let (set, options) = (arguments.method.set(), arguments.method.options()?);
    let busy = output.busy("reading");
    let source =
        Source::read(&arguments.data.data, &arguments.data.map()?, (set, arguments.delay.settings()))?;
    let (first_s, last_s) = source.span();
    let from = arguments.train_from.clone().unwrap_or_else(|| render_date(first_s));
    let to = arguments.train_to.clone().unwrap_or_else(|| render_date(last_s));
    busy.set_message("computing features");
    let matrix = source.matrices(&[window(&from, &to)?]).remove(0);
    if matrix.rows() == 0 {
        return Err(Failure(format!("no payments from {from} to {to} in the data files")));
    }
    busy.set_message("training");
    let job = Job {
        algorithm: arguments.method.algorithm(),
        set,
        options,
        days: (from, to),
        label_delay_days: arguments.delay.label_delay_days,
    };
    let model = job.run(&matrix)?;
    write_file(&arguments.out, &model.render())?;
    busy.finish_and_clear();
    let file = model.file();
    let result = json!({
        "model": file.version, "out": arguments.out, "training": file.training, "metrics": file.metrics,
    });
    output.show(&result, || {
        let figures: Vec<String> =
            file.metrics.iter().map(|(name, value)| format!("  {name:<20} {value:.4}")).collect();
        format!(
            "{}: {} payments, {} frauds, {} to {}\nwritten to {}\n{}",
            file.version,
            file.training.rows,
            file.training.frauds,
            file.training.from,
            file.training.to,
            arguments.out.display(),
            figures.join("\n")
        )
    })
}
