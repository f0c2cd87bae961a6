//! Trains generated rows once and tells how long it took, for `benches/figures.py`, which lets scikit-learn train the same ones:
//! `training newton|linfa ROWS COLUMNS DIRECTORY`. The rows are written to the directory by the first call.

use ndarray::Array2;
use risk::model::logistic;
use risk::train::newton::{self, Fitted, Problem};
use risk::train::simulate::Dice;
use risk::train::solver::linfa_fit;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::Instant;

/// Standardised columns, of which neighbours are related; about one row in fifty is fraud.
fn rows(count: usize, columns: usize) -> (Array2<f64>, Vec<bool>) {
    let mut dice = Dice::new(count as u64);
    let mut rows = Array2::zeros((count, columns));
    let mut labels = Vec::with_capacity(count);
    for mut row in rows.rows_mut() {
        let (mut before, mut odds) = (0.0, -5.0);
        for (place, value) in row.iter_mut().enumerate() {
            *value = 0.6 * before + 0.8 * dice.normal();
            odds += *value * [0.9, -0.5, 0.0, 0.3][place % 4];
            before = *value;
        }
        labels.push(dice.chance(logistic(odds)));
    }
    (rows, labels)
}

fn write(directory: &Path, rows: &Array2<f64>, labels: &[bool]) -> std::io::Result<()> {
    let path = directory.join("rows.f64");
    if path.exists() {
        return Ok(());
    }
    let mut out = BufWriter::new(std::fs::File::create(&path)?);
    for value in rows {
        out.write_all(&value.to_ne_bytes())?;
    }
    out.flush()?;
    std::fs::write(
        directory.join("labels.u8"),
        labels.iter().map(|label| u8::from(*label)).collect::<Vec<_>>(),
    )
}

fn run() -> Result<String, String> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [solver, count, columns, directory] = words.as_slice() else {
        return Err("usage: training newton|linfa ROWS COLUMNS DIRECTORY".to_owned());
    };
    let number = |text: &str| text.parse::<usize>().map_err(|error| format!("{text:?}: {error}"));
    let (rows, labels) = rows(number(count)?, number(columns)?);
    write(Path::new(directory), &rows, &labels).map_err(|error| format!("{directory}: {error}"))?;
    let problem = Problem { labels: &labels, sample_weights: &[], penalty: 1.0 };
    let began = Instant::now();
    let Fitted { weights, intercept } = match solver.as_str() {
        "newton" => newton::fit(&rows, &problem, None)?,
        "linfa" => linfa_fit(&rows, &problem, None)?,
        other => return Err(format!("{other:?} is no solver: newton or linfa")),
    };
    let ms = began.elapsed().as_secs_f64() * 1e3;
    let weights: Vec<f64> = weights.into_iter().chain([intercept]).collect();
    Ok(serde_json::json!({ "ms": ms, "weights": weights }).to_string())
}

fn main() -> std::process::ExitCode {
    match run() {
        Ok(text) => {
            println!("{text}");
            std::process::ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("training: {why}");
            std::process::ExitCode::FAILURE
        }
    }
}
