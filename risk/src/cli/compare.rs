//! `risk compare`: champion against challenger on the same payments, with bootstrap intervals and money.

use std::collections::HashMap;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::output::{Output, aligned};
use crate::train::Failure;
use crate::train::metrics::{Metrics, Scored, steps};
use crate::train::scores::read_scores;
use crate::train::simulate::Dice;

/// Arguments of `risk compare`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Scores of the champion.
    #[arg(long, value_name = "SCORES.csv")]
    champion: PathBuf,
    /// Scores of the challenger.
    #[arg(long, value_name = "SCORES.csv")]
    challenger: PathBuf,
    /// Bootstrap samples. Cards are drawn, not payments: frauds of one card are not independent.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(10..=10_000))]
    samples: u32,
    /// The same seed draws the same samples.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// What a missed fraud costs.
    #[arg(long, default_value_t = 100.0)]
    fraud_cost: f64,
    /// What looking at an alarm costs.
    #[arg(long, default_value_t = 5.0)]
    alarm_cost: f64,
}

/// One figure of both, and the interval of the difference.
#[derive(Debug, Serialize)]
struct Line {
    figure: &'static str,
    champion: f64,
    challenger: f64,
    difference: f64,
    /// 2.5 % and 97.5 % of the bootstrap differences.
    interval: (f64, f64),
    better: &'static str,
}

/// Compares two tables of scores.
///
/// # Errors
/// A table cannot be read, or they share no payments.
pub fn run(arguments: &Arguments, output: &Output) -> Result<(), Failure> {
    let champion = read_scores(&arguments.champion)?;
    let challenger = read_scores(&arguments.challenger)?;
    let by_id: HashMap<&str, f64> = challenger.iter().map(|row| (row.id.as_str(), row.score)).collect();
    let pairs: Vec<(Scored, f64)> =
        champion.iter().filter_map(|row| Some((row.scored(), *by_id.get(row.id.as_str())?))).collect();
    if pairs.is_empty() {
        return Err(Failure("the two tables have no transaction in common".to_owned()));
    }
    let costs = (arguments.fraud_cost, arguments.alarm_cost);
    let whole = both(&pairs, costs);
    let mut cards: HashMap<u64, Vec<usize>> = HashMap::new();
    for (place, (row, _)) in pairs.iter().enumerate() {
        cards.entry(row.card).or_default().push(place);
    }
    let mut cards: Vec<Vec<usize>> = cards.into_values().collect();
    cards.sort();
    let bar = output.progress(u64::from(arguments.samples), "samples");
    let mut dice = Dice::new(arguments.seed);
    let mut differences: [Vec<f64>; FIGURES.len()] = Default::default();
    for _ in 0..arguments.samples {
        let drawn: Vec<(Scored, f64)> = (0..cards.len())
            .flat_map(|_| cards[dice.below(cards.len())].iter().map(|place| pairs[*place]))
            .collect();
        let (a, b) = both(&drawn, costs);
        for (figure, list) in differences.iter_mut().enumerate() {
            list.push(b[figure] - a[figure]);
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    let lines: Vec<Line> = differences
        .into_iter()
        .enumerate()
        .map(|(figure, list)| line(figure, (whole.0[figure], whole.1[figure]), list))
        .collect();
    output.show(&serde_json::json!({ "rows": pairs.len(), "figures": lines }), || text(&lines, pairs.len()))
}

/// Figures compared, and whether less is better.
const FIGURES: [(&str, bool); 6] = [
    ("average precision", false),
    ("AUC", false),
    ("recall at 0.1 %", false),
    ("recall at 0.5 %", false),
    ("log loss", true),
    ("money saved", false),
];

type Figures = [f64; FIGURES.len()];

fn both(pairs: &[(Scored, f64)], costs: (f64, f64)) -> (Figures, Figures) {
    let first: Vec<Scored> = pairs.iter().map(|pair| pair.0).collect();
    let second: Vec<Scored> = pairs.iter().map(|pair| Scored { score: pair.1, ..pair.0 }).collect();
    (figures(&first, costs), figures(&second, costs))
}

fn figures(scored: &[Scored], (fraud_cost, alarm_cost): (f64, f64)) -> Figures {
    let metrics = Metrics::of(scored);
    // Each at its own best threshold.
    let saved = |found: usize, alarms: usize| found as f64 * fraud_cost - alarms as f64 * alarm_cost;
    let money = steps(scored)
        .iter()
        .map(|step| saved(step.true_positives, step.true_positives + step.false_positives))
        .fold(0.0, f64::max);
    [metrics.ap, metrics.auc, metrics.recall_01, metrics.recall_05, metrics.log_loss, money]
}

fn line(figure: usize, (champion, challenger): (f64, f64), mut list: Vec<f64>) -> Line {
    list.sort_by(f64::total_cmp);
    let quantile = |share: f64| list[((list.len() - 1) as f64 * share).round() as usize];
    let interval = (quantile(0.025), quantile(0.975));
    let (name, less_is_better) = FIGURES[figure];
    let (up, down) = if less_is_better { ("champion", "challenger") } else { ("challenger", "champion") };
    let better = if interval.0 > 0.0 {
        up
    } else if interval.1 < 0.0 {
        down
    } else {
        "undecided"
    };
    Line { figure: name, champion, challenger, difference: challenger - champion, interval, better }
}

fn text(lines: &[Line], rows: usize) -> String {
    let head = ["figure", "champion", "challenger", "difference", "95 % interval", "better"];
    let mut table = vec![head.map(str::to_owned).to_vec()];
    table.extend(lines.iter().map(|line| {
        vec![
            line.figure.to_owned(),
            format!("{:.4}", line.champion),
            format!("{:.4}", line.challenger),
            format!("{:+.4}", line.difference),
            format!("{:+.4} to {:+.4}", line.interval.0, line.interval.1),
            line.better.to_owned(),
        ]
    }));
    format!("{rows} payments in common\n{}", aligned(&table))
}
