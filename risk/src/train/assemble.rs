//! From fitted columns to a model file: one weight vector, centred, with its risk score and golden inputs.

use std::collections::BTreeMap;

use super::dataset::Matrix;
use super::design::Block;
use super::newton::Fitted;
use crate::features::is_missing;
use crate::model::{
    Body, Calibration, Cross, Golden, Model, ModelFile, SCHEMA, ScoreKnot, Slope, Term, Training,
};

/// Share of genuine payments at or above a score, and that score: the scale of the risk score.
const SCALE: [(f64, f64); 8] = [
    (0.5, 15.0),
    (0.2, 30.0),
    (0.05, 45.0),
    (0.02, 55.0),
    (0.005, 65.0),
    (0.001, 75.0),
    (0.000_3, 85.0),
    (0.000_1, 92.0),
];
/// Golden inputs of a model.
const GOLDEN: usize = 8;

/// Everything that a file tells about its training.
pub struct Story {
    /// `streaming`, `handbook` or `columns`.
    pub feature_set: String,
    /// When and how.
    pub training: Training,
    /// Figures.
    pub metrics: BTreeMap<String, f64>,
    /// Log odds of training payments that a fit without them gave; the risk score is learned from these.
    pub honest_log_odds: Vec<f64>,
}

/// The body of a logistic regression: columns folded into weights, scaled by the calibration, and centred, so
/// that a contribution says how a payment differs from the mean of the training payments.
pub fn logistic_body(blocks: &[Block], fitted: &Fitted, matrix: &Matrix, calibration: Calibration) -> Body {
    let mut intercept = calibration.slope * fitted.intercept + calibration.intercept;
    let (mut terms, mut crosses): (BTreeMap<usize, Term>, Vec<Cross>) = (BTreeMap::new(), Vec::new());
    let mut first = 0;
    for block in blocks {
        let weights: Vec<f64> = fitted.weights[first..first + block.columns()]
            .iter()
            .map(|weight| weight * calibration.slope)
            .collect();
        first += block.columns();
        let mut by_code: Vec<f64> = (0..block.codes())
            .map(|code| block.active(code).into_iter().map(|column| weights[column]).sum())
            .collect();
        if !matches!(block, Block::Line { .. }) {
            let rows = matrix.values.chunks_exact(matrix.width());
            let mean = rows.map(|row| by_code[block.read(row).0]).sum::<f64>() / matrix.rows().max(1) as f64;
            by_code.iter_mut().for_each(|weight| *weight -= mean);
            intercept += mean;
        }
        match block {
            Block::Bins { feature, edges } => {
                let term = terms.entry(*feature).or_default();
                term.missing += by_code[0];
                term.edges.clone_from(edges);
                term.weights = by_code[1..].to_vec();
            }
            Block::Line { feature, from, to, mean, scale } => {
                let weight = by_code[0] / scale;
                let term = terms.entry(*feature).or_default();
                term.missing += weight * (mean - from);
                term.slopes.push(Slope { from: *from, to: *to, weight });
                intercept -= weight * (mean - from);
            }
            Block::Cells { features, edges, .. } => crosses.push(Cross {
                features: features.map(|place| matrix.names[place].clone()),
                edges: edges.clone(),
                weights: by_code.chunks_exact(edges[1].len() + 2).map(<[f64]>::to_vec).collect(),
            }),
        }
    }
    let named = |(place, term): (usize, Term)| Term { feature: matrix.names[place].clone(), ..term };
    Body::Logistic { intercept, terms: terms.into_iter().map(named).collect(), crosses, calibration }
}

/// Log odds that a body gives each row.
///
/// # Errors
/// The body names features that the rows do not have.
pub fn body_log_odds(body: &Body, matrix: &Matrix) -> Result<Vec<f64>, super::Failure> {
    let features = matrix.names.clone();
    let scores =
        crate::model::Unsealed::new(body, &features).map_err(|error| super::Failure(error.to_string()))?;
    Ok(matrix.values.chunks_exact(matrix.width()).map(|row| scores.log_odds(row)).collect())
}

/// Seals a body into a model.
///
/// # Errors
/// The body contradicts itself, which a defect of training would be.
pub fn assemble(body: Body, matrix: &Matrix, story: Story) -> Result<Model, String> {
    let text = serde_json::to_string(&body).map_err(|error| error.to_string())?;
    let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    let short: String = digest.as_ref()[..4].iter().map(|byte| format!("{byte:02x}")).collect();
    let mut file = ModelFile {
        schema: SCHEMA,
        version: format!("{}-{}-{short}", story.feature_set, story.training.to),
        positive_class: "fraud".to_owned(),
        feature_set: story.feature_set,
        features: matrix.names.clone(),
        body,
        risk_score: score_knots(&story.honest_log_odds, &matrix.labels),
        training: story.training,
        metrics: story.metrics,
        golden: vec![Golden { features: vec![None; matrix.width()], log_odds: 0.0 }],
        checksum: String::new(),
    };
    let scores =
        crate::model::Unsealed::new(&file.body, &file.features).map_err(|error| error.to_string())?;
    for features in golden_inputs(matrix, &story.honest_log_odds) {
        let golden = features.iter().map(|value| (!is_missing(*value)).then_some(*value)).collect();
        file.golden.push(Golden { features: golden, log_odds: scores.log_odds(&features) });
    }
    file.golden[0].log_odds = scores.log_odds(&vec![crate::features::MISSING; matrix.width()]);
    Model::seal(file).map_err(|error| error.to_string())
}

/// The highest-scored row and rows at even distances.
fn golden_inputs(matrix: &Matrix, log_odds: &[f64]) -> Vec<Vec<f64>> {
    let highest = (0..log_odds.len()).max_by(|a, b| log_odds[*a].total_cmp(&log_odds[*b])).unwrap_or(0);
    let even = (0..GOLDEN).map(|step| step * matrix.rows() / GOLDEN);
    even.chain([highest]).map(|row| matrix.row(row).to_vec()).collect()
}

/// Knots of the risk score: quantiles of the genuine payments' log odds, by [`SCALE`].
fn score_knots(log_odds: &[f64], labels: &[bool]) -> Vec<ScoreKnot> {
    let genuine = log_odds.iter().zip(labels).filter(|(_, fraud)| !**fraud);
    let mut sorted: Vec<f64> = genuine.map(|(odds, _)| *odds).collect();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let lowest = sorted.last().copied().unwrap_or(-10.0);
    let mut knots = vec![ScoreKnot { log_odds: lowest - 1e-3, score: 0.0 }];
    for (share, score) in SCALE {
        let place = ((share * sorted.len() as f64) as usize).min(sorted.len().saturating_sub(1));
        let odds = sorted.get(place).copied().unwrap_or(0.0);
        let last = knots.last().map_or(f64::NEG_INFINITY, |knot| knot.log_odds);
        knots.push(ScoreKnot { log_odds: odds.max(last) + 1e-6, score });
    }
    let last = knots.last().map_or(0.0, |knot| knot.log_odds);
    let highest = log_odds.iter().copied().fold(last, f64::max);
    knots.push(ScoreKnot { log_odds: highest.max(last + 0.5), score: 100.0 });
    knots
}
