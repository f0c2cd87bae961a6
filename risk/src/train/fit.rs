//! Training of the logistic regression: thresholds and crosses from the data, the penalty by inner validation,
//! weights by the chosen solver, calibration on payments that the weights were not fitted on.

use super::Failure;
use super::binning::{Bounds, learn_edges, separation};
use super::crosses::{Candidates, Choice, Residual};
use super::dataset::Matrix;
use super::design::{Block, Coded};
use super::newton::{self, Fitted, Problem, Rows};
use super::solver::Solver;
use crate::event::mix;
use crate::features::is_missing;
use crate::model::{Calibration, logistic};

/// What training may choose from.
#[derive(Clone, Debug)]
pub struct Options {
    /// When thresholds stop.
    pub bounds: Bounds,
    /// Which pairs of features are crossed.
    pub choice: Choice,
    /// Penalties that inner validation chooses from.
    pub penalties: Vec<f64>,
    /// Most features that get bins: the ones that separate best.
    pub features: usize,
    /// What fits the final weights. The inner fits are Newton's: the optimum is the same.
    pub solver: Solver,
    /// Parts of the inner validation.
    pub folds: u64,
    /// Plain standardised columns in place of learned bins and crosses, under the first penalty and without
    /// calibration: what other libraries call a logistic regression.
    pub plain: bool,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            bounds: Bounds::default(),
            choice: Choice::default(),
            penalties: vec![3.0, 10.0, 30.0],
            features: 60,
            solver: Solver::Linfa,
            folds: 5,
            plain: false,
        }
    }
}

/// A fitted regression with what inner validation found.
#[derive(Debug)]
pub struct Trained {
    /// How columns are made.
    pub blocks: Vec<Block>,
    /// Their weights.
    pub fitted: Fitted,
    /// The penalty that was chosen.
    pub penalty: f64,
    /// Correction of the log odds.
    pub calibration: Calibration,
    /// Calibrated log odds of each training row, by fits that had not seen it or its merchant.
    pub honest_log_odds: Vec<f64>,
}

/// Trains on a matrix.
///
/// # Errors
/// The rows hold one class only, no feature separates them, or a solver fails.
pub fn train(matrix: &Matrix, options: &Options) -> Result<Trained, Failure> {
    let frauds = matrix.labels.iter().filter(|label| **label).count();
    if frauds == 0 || frauds == matrix.rows() {
        return Err(Failure(format!(
            "{frauds} of the {} rows to train on are fraud: both classes are needed, choose other days",
            matrix.rows()
        )));
    }
    if options.plain {
        return plain(matrix, options);
    }
    let (penalty, raw) = validate(matrix, options)?;
    let blocks = structure(matrix, options, penalty)?;
    let coded = Coded::new(blocks.clone(), &matrix.values, matrix.width());
    let problem = Problem { labels: &matrix.labels, sample_weights: &[], penalty };
    let fitted = options.solver.fit(&coded, &problem).map_err(Failure)?;
    let calibration = calibrate(&raw, &matrix.labels);
    let honest_log_odds = raw.iter().map(|odds| calibration.slope * odds + calibration.intercept).collect();
    Ok(Trained { blocks, fitted, penalty, calibration, honest_log_odds })
}

/// A regression on standardised columns, as they are.
fn plain(matrix: &Matrix, options: &Options) -> Result<Trained, Failure> {
    let blocks: Vec<Block> = (0..matrix.width()).filter_map(|place| standardised(matrix, place)).collect();
    let penalty = options.penalties[0];
    let coded = Coded::new(blocks.clone(), &matrix.values, matrix.width());
    let problem = Problem { labels: &matrix.labels, sample_weights: &[], penalty };
    let fitted = options.solver.fit(&coded, &problem).map_err(Failure)?;
    let mut honest_log_odds = vec![0.0; matrix.rows()];
    coded.log_odds(&fitted, 0..matrix.rows(), &mut honest_log_odds);
    let calibration = Calibration { slope: 1.0, intercept: 0.0 };
    Ok(Trained { blocks, fitted, penalty, calibration, honest_log_odds })
}

/// The line of a whole column; nothing if it is constant.
fn standardised(matrix: &Matrix, feature: usize) -> Option<Block> {
    let column = matrix.values.iter().skip(feature).step_by(matrix.width());
    let known: Vec<f64> = column.copied().filter(|value| !is_missing(*value)).collect();
    let count = known.len() as f64;
    let mean = known.iter().sum::<f64>() / count;
    let scale = (known.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt();
    // Test payments beyond the training range go on along the line.
    let (from, to) =
        known.iter().fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(*value), high.max(*value)));
    let reach = 1e3 * (to - from);
    (scale > 0.0).then_some(Block::Line { feature, from: from - reach, to: to + reach, mean, scale })
}

/// The penalty with the least loss on held-out parts, and the held-out log odds under it.
fn validate(matrix: &Matrix, options: &Options) -> Result<(f64, Vec<f64>), Failure> {
    let mut all = vec![vec![0.0; matrix.rows()]; options.penalties.len()];
    for fold in 0..options.folds {
        let held = |row: usize| mix(matrix.groups[row]) % options.folds == fold;
        let (inside, outside): (Vec<usize>, Vec<usize>) = (0..matrix.rows()).partition(|row| !held(*row));
        let part = matrix.select(&inside);
        if outside.is_empty() || !part.labels.contains(&true) || !part.labels.contains(&false) {
            continue;
        }
        let rest = matrix.select(&outside);
        let middle = options.penalties[options.penalties.len() / 2];
        let blocks = structure(&part, options, middle)?;
        let coded = Coded::new(blocks.clone(), &part.values, part.width());
        let unseen = Coded::new(blocks, &rest.values, rest.width());
        let mut start = None;
        for (penalty, honest) in options.penalties.iter().zip(&mut all).rev() {
            let problem = Problem { labels: &part.labels, sample_weights: &[], penalty: *penalty };
            let fitted = newton::fit(&coded, &problem, start.as_ref()).map_err(Failure)?;
            let mut odds = vec![0.0; outside.len()];
            unseen.log_odds(&fitted, 0..outside.len(), &mut odds);
            start = Some(fitted);
            for (row, odds) in outside.iter().zip(odds) {
                honest[*row] = odds;
            }
        }
    }
    let chosen = most_cautious(&all, matrix, options);
    Ok((options.penalties[chosen], all.swap_remove(chosen)))
}

/// The largest penalty that is not clearly worse than the best: its loss exceeds the best by less than the
/// standard error of that excess over the folds.
fn most_cautious(all: &[Vec<f64>], matrix: &Matrix, options: &Options) -> usize {
    let by_fold = |odds: &Vec<f64>| {
        let mut losses = vec![0.0; options.folds as usize];
        for (row, (odds, fraud)) in odds.iter().zip(&matrix.labels).enumerate() {
            losses[(mix(matrix.groups[row]) % options.folds) as usize] += newton::log_loss(*odds, *fraud);
        }
        losses
    };
    let losses: Vec<Vec<f64>> = all.iter().map(by_fold).collect();
    let sum = |place: &usize| losses[*place].iter().sum::<f64>();
    let best = (0..all.len()).min_by(|a, b| sum(a).total_cmp(&sum(b))).unwrap_or(0);
    let tolerable = |place: &usize| {
        let excess: Vec<f64> =
            losses[*place].iter().zip(&losses[best]).map(|(loss, least)| loss - least).collect();
        let (folds, mean) = (excess.len() as f64, excess.iter().sum::<f64>() / excess.len() as f64);
        let variance =
            excess.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (folds - 1.0).max(1.0);
        mean <= (variance / folds).sqrt()
    };
    let cautious = (0..all.len()).filter(tolerable);
    cautious.max_by(|a, b| options.penalties[*a].total_cmp(&options.penalties[*b])).unwrap_or(best)
}

/// Thresholds and crosses of a matrix.
fn structure(matrix: &Matrix, options: &Options, penalty: f64) -> Result<Vec<Block>, Failure> {
    let binned = binned_features(matrix, options);
    if binned.is_empty() {
        return Err(Failure(
            "no feature separates fraud from genuine payments in the rows to train on".to_owned(),
        ));
    }
    let bins = |(feature, edges): &(usize, Vec<f64>)| Block::Bins { feature: *feature, edges: edges.clone() };
    let mut blocks: Vec<Block> = binned.iter().map(bins).collect();
    if options.choice.pairs == 0 {
        return Ok(blocks);
    }
    let problem = Problem { labels: &matrix.labels, sample_weights: &[], penalty };
    let mut coded = Coded::new(blocks.clone(), &matrix.values, matrix.width());
    let mut fitted = newton::fit(&coded, &problem, None).map_err(Failure)?;
    let paired = binned.into_iter().take(options.choice.features).collect();
    let candidates = Candidates::new(paired, &matrix.values, matrix.width());
    let mut taken: Vec<[usize; 2]> = Vec::new();
    while taken.len() < options.choice.pairs {
        let left = residuals(&coded, &fitted, &matrix.labels);
        let more = candidates.choose(&left, options.choice, &taken, 2);
        if more.is_empty() {
            break;
        }
        for block in more {
            if let Block::Cells { features, .. } = &block {
                taken.push(*features);
            }
            fitted.weights.extend(std::iter::repeat_n(0.0, block.columns()));
            blocks.push(block);
        }
        coded = Coded::new(blocks.clone(), &matrix.values, matrix.width());
        fitted = newton::fit(&coded, &problem, Some(&fitted)).map_err(Failure)?;
    }
    Ok(blocks)
}

/// Features with thresholds, the one that separates best first. Of two with the same separation, which are
/// one feature in two guises, the first stays.
fn binned_features(matrix: &Matrix, options: &Options) -> Vec<(usize, Vec<f64>)> {
    let mut found: Vec<(f64, usize, Vec<f64>)> = Vec::new();
    for place in 0..matrix.width() {
        let column: Vec<f64> = matrix.values.iter().skip(place).step_by(matrix.width()).copied().collect();
        let edges = learn_edges(&column, &matrix.labels, options.bounds);
        if !edges.is_empty() {
            found.push((separation(&column, &edges, &matrix.labels), place, edges));
        }
    }
    found.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    found.dedup_by(|later, earlier| (later.0 - earlier.0).abs() < 1e-9 && later.2.len() == earlier.2.len());
    found.truncate(options.features);
    found.into_iter().map(|(_, place, edges)| (place, edges)).collect()
}

fn residuals(coded: &Coded, fitted: &Fitted, labels: &[bool]) -> Vec<Residual> {
    let mut odds = vec![0.0; coded.rows];
    coded.log_odds(fitted, 0..coded.rows, &mut odds);
    let left = |(odds, label): (&f64, &bool)| {
        let probability = logistic(*odds);
        (f64::from(u8::from(*label)) - probability, probability * (1.0 - probability))
    };
    odds.iter().zip(labels).map(left).collect()
}

/// Platt's correction: a regression of the truth on the held-out log odds.
fn calibrate(log_odds: &[f64], labels: &[bool]) -> Calibration {
    let column = ndarray::Array2::from_shape_fn((log_odds.len(), 1), |(row, _)| log_odds[row]);
    // A slight penalty keeps the slope finite where the scores separate the classes perfectly.
    let problem = Problem { labels, sample_weights: &[], penalty: 1e-3 };
    match newton::fit(&column, &problem, None) {
        // A slope of zero or less would turn the order around; such scores are left as they are.
        Ok(fitted) if fitted.weights[0] > 0.05 => {
            Calibration { slope: fitted.weights[0].min(2.0), intercept: fitted.intercept }
        }
        Ok(_) | Err(_) => Calibration { slope: 1.0, intercept: 0.0 },
    }
}
