//! One training from data to model, as `train` and `backtest` run it.

use std::collections::BTreeMap;

use super::Failure;
use super::assemble::{Story, assemble, logistic_body};
use super::dataset::{FeatureSet, Matrix};
use super::fit::{self, Options};
use super::metrics::{Metrics, Scored};
use super::tree;
use crate::model::{Model, Training, logistic};

/// What is trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// The logistic regression.
    Logistic,
    /// A decision tree.
    Tree {
        /// Most questions of a path.
        depth: usize,
        /// Fewest payments of a leaf.
        leaf: usize,
    },
}

/// A training.
#[derive(Clone, Debug)]
pub struct Job {
    /// What is trained.
    pub algorithm: Algorithm,
    /// The features of the matrix.
    pub set: FeatureSet,
    /// What training may choose from.
    pub options: Options,
    /// First and last day, as the model file tells them.
    pub days: (String, String),
    /// Days after which a label is known.
    pub label_delay_days: u32,
}

impl Job {
    /// Trains on a matrix.
    ///
    /// # Errors
    /// The rows do not allow it; the message says why.
    pub fn run(&self, matrix: &Matrix) -> Result<Model, Failure> {
        let mut training = Training {
            from: self.days.0.clone(),
            to: self.days.1.clone(),
            rows: matrix.rows(),
            frauds: matrix.labels.iter().filter(|label| **label).count(),
            label_delay_days: self.label_delay_days,
            solver: self.options.solver.name().to_owned(),
            penalty: 0.0,
        };
        let (body, honest_log_odds) = match self.algorithm {
            Algorithm::Logistic => {
                let trained = fit::train(matrix, &self.options)?;
                training.penalty = trained.penalty;
                let body = logistic_body(&trained.blocks, &trained.fitted, matrix, trained.calibration);
                (body, trained.honest_log_odds)
            }
            Algorithm::Tree { depth, leaf } => {
                training.solver = "linfa-trees".to_owned();
                let body = tree::grow(matrix, depth, leaf)?;
                let odds = super::assemble::body_log_odds(&body, matrix)?;
                (body, odds)
            }
        };
        let metrics = figures(matrix, &honest_log_odds);
        let feature_set = self.set.name().to_owned();
        assemble(body, matrix, Story { feature_set, training, metrics, honest_log_odds }).map_err(Failure)
    }
}

/// Figures of held-out scores of the training rows; for a tree, of its own.
fn figures(matrix: &Matrix, log_odds: &[f64]) -> BTreeMap<String, f64> {
    let row = |(odds, fraud): (&f64, &bool)| Scored {
        score: logistic(*odds),
        fraud: *fraud,
        time_s: 0,
        card: 0,
        amount: 0.0,
    };
    let metrics = Metrics::of(&log_odds.iter().zip(&matrix.labels).map(row).collect::<Vec<_>>());
    let round = |value: f64| (value * 1e6).round() / 1e6;
    [
        ("training_auc", metrics.auc),
        ("training_ap", metrics.ap),
        ("training_recall_01", metrics.recall_01),
        ("training_recall_05", metrics.recall_05),
        ("training_log_loss", metrics.log_loss),
        ("training_brier", metrics.brier),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), round(value)))
    .collect()
}
