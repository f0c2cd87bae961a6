//! The solvers of the logistic regression: linfa, which is the reference, and Newton's method.

use linfa::prelude::*;
use linfa_logistic::LogisticRegression;
use ndarray::Array1;
use serde::{Deserialize, Serialize};

use super::design::{Block, Coded};
use super::newton::{self, Fitted, Problem};

/// Steps that linfa may take; its line search needs many where columns are alike.
const LINFA_STEPS: u64 = 2_000;
/// Size of the gradient, a sum over the rows, at which linfa stops.
const LINFA_GRADIENT: f64 = 1e-6;
/// The same where it starts from an optimum: below it, its line search would chase rounding errors.
const LINFA_CONFIRMS: f64 = 1e-4;

/// Who fits the weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Solver {
    /// linfa-logistic: no sample weights, up to some hundred thousand rows.
    Linfa,
    /// Newton's method: sample weights, millions of rows.
    Newton,
}

impl Solver {
    /// Name on the command line and in files.
    pub fn name(self) -> &'static str {
        match self {
            Solver::Linfa => "linfa",
            Solver::Newton => "newton",
        }
    }

    /// Fits coded rows.
    ///
    /// # Errors
    /// One class only, no convergence, or sample weights that the solver would ignore.
    pub fn fit(self, coded: &Coded, problem: &Problem<'_>) -> Result<Fitted, String> {
        match self {
            Solver::Newton => newton::fit(coded, problem, None),
            Solver::Linfa => {
                let lines = coded.blocks.iter().all(|block| matches!(block, Block::Line { .. }));
                // From zero, linfa needs minutes for hundreds of columns of bins that are nearly alike; from
                // Newton's optimum it confirms it, or goes on to a better one.
                let start = if lines { None } else { Some(newton::fit(coded, problem, None)?) };
                linfa_fit(&coded.dense(), problem, start.as_ref())
            }
        }
    }
}

/// Fits dense rows with linfa, from zero or from an earlier fit.
///
/// # Errors
/// One class only, no convergence, or sample weights, which linfa would silently ignore.
pub fn linfa_fit(
    columns: &ndarray::Array2<f64>,
    problem: &Problem<'_>,
    start: Option<&Fitted>,
) -> Result<Fitted, String> {
    if !problem.sample_weights.is_empty() {
        return Err("linfa ignores sample weights; use --solver newton".to_owned());
    }
    let labels: Array1<bool> = problem.labels.iter().copied().collect();
    let dataset = linfa::DatasetBase::new(columns.view(), labels.view());
    let mut regression = LogisticRegression::default()
        .alpha(problem.penalty)
        .max_iterations(LINFA_STEPS)
        .gradient_tolerance(if start.is_some() { LINFA_CONFIRMS } else { LINFA_GRADIENT });
    if let Some(start) = start {
        // linfa calls the larger class positive.
        let frauds = problem.labels.iter().filter(|fraud| **fraud).count();
        let sign = if 2 * frauds > problem.labels.len() { 1.0 } else { -1.0 };
        let all = start.weights.iter().chain([&start.intercept]);
        regression = regression.initial_params(all.map(|weight| sign * weight).collect());
    }
    let model = regression
        .fit(&dataset)
        .map_err(|error| format!("linfa: {error}; --solver newton may fit these rows"))?;
    // linfa calls one of the two classes positive by a rule of its own; only this tells which.
    let sign = if model.labels().pos.class { 1.0 } else { -1.0 };
    let weights = model.params().iter().map(|weight| sign * weight).collect();
    Ok(Fitted { weights, intercept: sign * model.intercept() })
}
