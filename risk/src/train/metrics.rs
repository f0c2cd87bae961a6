//! How good scores are: ranking, calibration, and what an analyst's day would look like.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use super::time::DAY_S;

/// One scored payment with its truth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scored {
    /// Probability of fraud, or any score that rises with it.
    pub score: f64,
    /// Whether it was fraud.
    pub fraud: bool,
    /// When it was paid, Unix seconds.
    pub time_s: i64,
    /// The card, as a key.
    pub card: u64,
    /// Amount in major units; 0 where unknown.
    pub amount: f64,
}

/// Figures of one set of scores. Rates are 0 to 1.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Metrics {
    /// Payments.
    pub rows: usize,
    /// Frauds among them.
    pub frauds: usize,
    /// Area under the ROC curve.
    pub auc: f64,
    /// Average precision.
    pub ap: f64,
    /// Card precision among the hundred highest-scored cards of a day.
    pub cp100: f64,
    /// Recall where 0.1 % of the genuine payments score as high.
    pub recall_01: f64,
    /// Recall at 0.5 %.
    pub recall_05: f64,
    /// Recall at 1 %.
    pub recall_1: f64,
    /// Largest distance between the two distributions of scores (Kolmogorov-Smirnov).
    pub ks: f64,
    /// Mean squared error of the probability.
    pub brier: f64,
    /// Mean negative log likelihood.
    pub log_loss: f64,
    /// Mean predicted probability divided by the rate of fraud; 1 is perfect.
    pub calibration: f64,
    /// The threshold with the best F1.
    pub best_f1: BestF1,
}

/// The row of the threshold with the best F1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct BestF1 {
    /// Scores from here on count as fraud.
    pub threshold: f64,
    /// Harmonic mean of precision and recall.
    pub f1: f64,
    /// Share of payments judged rightly.
    pub accuracy: f64,
    /// Share of frauds among those judged to be.
    pub precision: f64,
    /// Share of the frauds that were found.
    pub recall: f64,
}

/// Counts at a threshold: everything scored at least `score` is judged to be fraud.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// The threshold.
    pub score: f64,
    /// Frauds at or above it.
    pub true_positives: usize,
    /// Genuine payments at or above it.
    pub false_positives: usize,
}

/// One step for each distinct score, from the highest down. Ties are one step.
pub fn steps(scored: &[Scored]) -> Vec<Step> {
    let mut order: Vec<&Scored> = scored.iter().collect();
    order.sort_by(|a, b| b.score.total_cmp(&a.score));
    let mut steps: Vec<Step> = Vec::new();
    let (mut true_positives, mut false_positives) = (0, 0);
    for row in order {
        true_positives += usize::from(row.fraud);
        false_positives += usize::from(!row.fraud);
        let step = Step { score: row.score, true_positives, false_positives };
        match steps.last_mut() {
            Some(last) if last.score == row.score => *last = step,
            Some(_) | None => steps.push(step),
        }
    }
    steps
}

impl Metrics {
    /// All figures of a set of scores.
    pub fn of(scored: &[Scored]) -> Metrics {
        let steps = steps(scored);
        let Some(end) = steps.last().copied() else { return Metrics::default() };
        let (frauds, genuine) = (end.true_positives, end.false_positives);
        let (positives, negatives) = (frauds.max(1) as f64, genuine.max(1) as f64);
        let mut metrics = Metrics { rows: scored.len(), frauds, ..Metrics::default() };
        let mut last = Step { score: f64::INFINITY, true_positives: 0, false_positives: 0 };
        for step in &steps {
            let found = (step.true_positives - last.true_positives) as f64;
            let alarms = (step.false_positives - last.false_positives) as f64;
            let height = 0.5 * (step.true_positives + last.true_positives) as f64;
            metrics.auc += alarms * height / (positives * negatives);
            let judged = (step.true_positives + step.false_positives) as f64;
            let precision = step.true_positives as f64 / judged;
            metrics.ap += precision * found / positives;
            let recall = step.true_positives as f64 / positives;
            let false_rate = step.false_positives as f64 / negatives;
            metrics.ks = metrics.ks.max(recall - false_rate);
            for (bound, best) in [
                (0.001, &mut metrics.recall_01),
                (0.005, &mut metrics.recall_05),
                (0.01, &mut metrics.recall_1),
            ] {
                if false_rate <= bound {
                    *best = recall;
                }
            }
            let f1 = 2.0 * precision * recall / (precision + recall).max(f64::MIN_POSITIVE);
            if f1 > metrics.best_f1.f1 {
                let right = step.true_positives + (genuine - step.false_positives);
                let accuracy = right as f64 / scored.len() as f64;
                metrics.best_f1 = BestF1 { threshold: step.score, f1, accuracy, precision, recall };
            }
            last = *step;
        }
        metrics.likelihood(scored);
        metrics.cp100 = card_precision(scored, 100);
        metrics
    }

    fn likelihood(&mut self, scored: &[Scored]) {
        let rows = scored.len() as f64;
        for row in scored {
            let probability = row.score.clamp(1e-15, 1.0 - 1e-15);
            let truth = f64::from(u8::from(row.fraud));
            self.brier += (row.score - truth).powi(2) / rows;
            let likelihood = if row.fraud { probability } else { 1.0 - probability };
            self.log_loss -= likelihood.ln() / rows;
            self.calibration += row.score / self.frauds.max(1) as f64;
        }
    }

    /// The mean of several sets, figure by figure.
    pub fn mean(all: &[Metrics]) -> Metrics {
        let count = all.len().max(1) as f64;
        let mean = |figure: fn(&Metrics) -> f64| all.iter().map(figure).sum::<f64>() / count;
        Metrics {
            rows: all.iter().map(|metrics| metrics.rows).sum(),
            frauds: all.iter().map(|metrics| metrics.frauds).sum(),
            auc: mean(|metrics| metrics.auc),
            ap: mean(|metrics| metrics.ap),
            cp100: mean(|metrics| metrics.cp100),
            recall_01: mean(|metrics| metrics.recall_01),
            recall_05: mean(|metrics| metrics.recall_05),
            recall_1: mean(|metrics| metrics.recall_1),
            ks: mean(|metrics| metrics.ks),
            brier: mean(|metrics| metrics.brier),
            log_loss: mean(|metrics| metrics.log_loss),
            calibration: mean(|metrics| metrics.calibration),
            best_f1: BestF1 {
                threshold: mean(|metrics| metrics.best_f1.threshold),
                f1: mean(|metrics| metrics.best_f1.f1),
                accuracy: mean(|metrics| metrics.best_f1.accuracy),
                precision: mean(|metrics| metrics.best_f1.precision),
                recall: mean(|metrics| metrics.best_f1.recall),
            },
        }
    }
}

/// Mean over the days of the share of compromised cards among the `top` highest-scored cards. A card that was
/// found leaves the pool of the later days.
pub fn card_precision(scored: &[Scored], top: usize) -> f64 {
    let mut days: HashMap<i64, HashMap<u64, (f64, bool)>> = HashMap::new();
    for row in scored {
        let cards = days.entry(row.time_s.div_euclid(DAY_S)).or_default();
        let card = cards.entry(row.card).or_insert((f64::NEG_INFINITY, false));
        *card = (card.0.max(row.score), card.1 | row.fraud);
    }
    let mut order: Vec<i64> = days.keys().copied().collect();
    order.sort_unstable();
    let (mut found, mut sum) = (HashSet::new(), 0.0);
    for day in &order {
        let mut cards: Vec<(u64, (f64, bool))> = days[day]
            .iter()
            .filter(|(card, _)| !found.contains(*card))
            .map(|(card, seen)| (*card, *seen))
            .collect();
        // The card's key breaks ties, so that the figure does not depend on the order of a map.
        cards.sort_by(|a, b| b.1.0.total_cmp(&a.1.0).then(a.0.cmp(&b.0)));
        let caught: Vec<u64> = cards.iter().take(top).filter(|card| card.1.1).map(|card| card.0).collect();
        sum += caught.len() as f64 / top as f64;
        found.extend(caught);
    }
    sum / order.len().max(1) as f64
}
