//! `risk threshold`: from costs and the capacity for reviews to thresholds, chosen on training payments.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::arguments::read_model;
use super::output::Output;
use crate::train::Failure;
use crate::train::metrics::Scored;
use crate::train::scores::{ScoreRow, read_scores};
use crate::train::time::DAY_S;

/// Arguments of `risk threshold`.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Scores of payments to choose on: of days before the ones that the thresholds will serve.
    #[arg(long, value_name = "SCORES.csv")]
    scores: PathBuf,
    /// The model that gave the scores, for thresholds of the risk score.
    #[arg(long, value_name = "MODEL.json")]
    model: PathBuf,
    /// What a fraud that goes through costs.
    #[arg(long, default_value_t = 100.0)]
    fraud_cost: f64,
    /// What blocking a genuine payment costs.
    #[arg(long, default_value_t = 30.0)]
    block_cost: f64,
    /// What a review costs.
    #[arg(long, default_value_t = 5.0)]
    review_cost: f64,
    /// Reviews that can be done in a day.
    #[arg(long, default_value_t = 50)]
    reviews_a_day: u32,
}

/// Chooses thresholds.
///
/// # Errors
/// The scores or the model cannot be read, or there are none.
pub fn run(arguments: &Arguments, output: &Output) -> Result<(), Failure> {
    let model = read_model(&arguments.model)?;
    let mut scored: Vec<Scored> = read_scores(&arguments.scores)?.iter().map(ScoreRow::scored).collect();
    if scored.is_empty() {
        return Err(Failure(format!("{}: it holds no scores", arguments.scores.display())));
    }
    scored.sort_by(|a, b| b.score.total_cmp(&a.score));
    let first = scored.iter().map(|row| row.time_s.div_euclid(DAY_S)).min().unwrap_or(0);
    let last = scored.iter().map(|row| row.time_s.div_euclid(DAY_S)).max().unwrap_or(0);
    let days = (last - first + 1) as usize;
    let capacity = days * arguments.reviews_a_day as usize;
    let log_odds = |place: usize| {
        let probability = scored[place].score.clamp(1e-12, 1.0 - 1e-12);
        (probability / (1.0 - probability)).ln()
    };
    let score = |place: Option<usize>| place.map_or(101, |place| model.risk_score(log_odds(place)));
    // The scale of 0 to 100 is what a gateway compares with, so the choice is made on it.
    let mut totals = [(0usize, 0usize); 102];
    for (place, row) in scored.iter().enumerate() {
        let total = &mut totals[usize::from(score(Some(place)))];
        total.0 += usize::from(row.fraud);
        total.1 += 1;
    }
    let above =
        |from: usize| totals[from..].iter().fold((0, 0), |sum, total| (sum.0 + total.0, sum.1 + total.1));
    let frauds = above(0).0;
    let mut best: Option<(f64, usize, usize)> = None;
    for block in 1..=101 {
        for review in 1..=block {
            let (blocked, judged) = (above(block), above(review));
            let reviews = judged.1 - blocked.1;
            if reviews > capacity {
                continue;
            }
            let cost = (frauds - judged.0) as f64 * arguments.fraud_cost
                + (blocked.1 - blocked.0) as f64 * arguments.block_cost
                + reviews as f64 * arguments.review_cost;
            if best.is_none_or(|found| cost < found.0) {
                best = Some((cost, review, block));
            }
        }
    }
    let (cost, review, block) = best.ok_or_else(|| Failure("no thresholds fit the capacity".to_owned()))?;
    let (blocked, judged) = (above(block), above(review));
    let nothing = frauds as f64 * arguments.fraud_cost;
    let result = json!({
        "review": review, "block": block, "cost": cost, "cost_without": nothing, "days": days,
        "blocked": blocked.1, "frauds_blocked": blocked.0, "reviewed": judged.1 - blocked.1,
        "frauds_reviewed": judged.0 - blocked.0, "frauds": frauds,
    });
    output.show(&result, || {
        format!(
            "review from {review}, block from {block} (101 is never)\n\
             {} of {frauds} frauds blocked among {} blocks, {} in {} reviews over {days} days\n\
             cost {cost:.2}, against {nothing:.2} without",
            blocked.0,
            blocked.1,
            judged.0 - blocked.0,
            judged.1 - blocked.1
        )
    })
}
