//! What a model file must satisfy before it may score a payment.

use std::fmt;

use ring::digest::{SHA256, digest};

use super::compiled::Compiled;
use super::file::{Body, Cross, ModelFile, Term};
use crate::features::{HANDBOOK_NAMES, MISSING, streaming_names};

/// Largest difference from a golden answer.
const GOLDEN_TOLERANCE: f64 = 1e-9;
/// Most features, terms or bins that a file may have.
const LARGEST: usize = 4_096;

/// Why a model file is refused.
#[derive(Clone, Debug, PartialEq)]
pub enum ModelError {
    /// Not JSON, or not of this shape.
    Malformed(String),
    /// Another version of the format.
    Schema {
        /// The file's version.
        found: u32,
    },
    /// The contents were changed after training.
    Checksum {
        /// The file's checksum.
        found: String,
        /// The checksum of its contents.
        expected: String,
    },
    /// The contents contradict themselves.
    Inconsistent(String),
    /// A golden input does not give its answer.
    Golden {
        /// Which one, from 0.
        place: usize,
        /// The file's answer.
        expected: f64,
        /// What came out.
        found: f64,
    },
}

impl fmt::Display for ModelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ModelError::Malformed(problem) => write!(f, "not a model file: {problem}"),
            ModelError::Schema { found } => {
                write!(f, "model schema {found} is not {}; train the model again", super::SCHEMA)
            }
            ModelError::Checksum { found, expected } => write!(
                f,
                "the model was changed after training: its checksum is {found}, its contents have {expected}"
            ),
            ModelError::Inconsistent(problem) => write!(f, "the model contradicts itself: {problem}"),
            ModelError::Golden { place, expected, found } => write!(
                f,
                "golden input {place} gives log odds {found}, and must give {expected}; train the model again"
            ),
        }
    }
}

impl std::error::Error for ModelError {}

/// SHA-256, in hexadecimal, of the compact JSON of the file with an empty checksum.
pub(super) fn checksum(file: &ModelFile) -> String {
    let blank = ModelFile { checksum: String::new(), ..file.clone() };
    let text = serde_json::to_vec(&blank).expect("finite numbers and texts serialise");
    digest(&SHA256, &text).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn consistent(file: &ModelFile) -> Result<(), ModelError> {
    if file.positive_class != "fraud" {
        return wrong(format!("the positive class is {:?}, and must be \"fraud\"", file.positive_class));
    }
    if file.features.is_empty() || file.features.len() > LARGEST {
        return wrong(format!("{} features", file.features.len()));
    }
    let known: Option<Vec<&str>> = match file.feature_set.as_str() {
        "streaming" => Some(streaming_names().iter().map(String::as_str).collect()),
        "handbook" => Some(HANDBOOK_NAMES.to_vec()),
        "columns" => None,
        other => return wrong(format!("unknown feature set {other:?}")),
    };
    if known.is_some_and(|known| file.features != known) {
        return wrong(format!("its features are not the {} features of this version", file.feature_set));
    }
    match &file.body {
        Body::Logistic { intercept, terms, crosses, .. } => {
            finite("intercept", &[*intercept])?;
            terms.iter().try_for_each(term)?;
            crosses.iter().try_for_each(cross)?;
        }
        Body::Tree { nodes } => tree(nodes)?,
    }
    score_knots(file)?;
    if file.golden.is_empty() {
        return wrong("it has no golden inputs".to_owned());
    }
    Ok(())
}

fn wrong<T>(problem: String) -> Result<T, ModelError> {
    Err(ModelError::Inconsistent(problem))
}

fn finite(name: &str, values: &[f64]) -> Result<(), ModelError> {
    match values.iter().all(|value| value.is_finite()) && values.len() <= LARGEST {
        true => Ok(()),
        false => wrong(format!("a number of {name} is not finite")),
    }
}

fn rising(name: &str, edges: &[f64]) -> Result<(), ModelError> {
    finite(name, edges)?;
    match edges.windows(2).all(|pair| pair[0] < pair[1]) {
        true => Ok(()),
        false => wrong(format!("the thresholds of {name} do not rise")),
    }
}

fn term(term: &Term) -> Result<(), ModelError> {
    rising(&term.feature, &term.edges)?;
    finite(&term.feature, &term.weights)?;
    finite(&term.feature, &[term.missing])?;
    for slope in &term.slopes {
        finite(&term.feature, &[slope.from, slope.to, slope.weight])?;
        if slope.from > slope.to {
            return wrong(format!("a line of {} ends before it starts", term.feature));
        }
    }
    let bins = if term.edges.is_empty() && term.weights.is_empty() { 0 } else { term.edges.len() + 1 };
    match term.weights.len() == bins {
        true => Ok(()),
        false => wrong(format!("{} has {} weights for {bins} bins", term.feature, term.weights.len())),
    }
}

fn cross(cross: &Cross) -> Result<(), ModelError> {
    let name = cross.features.join(" x ");
    let [a, b] = &cross.edges;
    rising(&name, a)?;
    rising(&name, b)?;
    for row in &cross.weights {
        finite(&name, row)?;
    }
    let fits = cross.weights.len() == a.len() + 2 && cross.weights.iter().all(|row| row.len() == b.len() + 2);
    match fits {
        true => Ok(()),
        false => wrong(format!("the weights of {name} do not fit its bins")),
    }
}

fn tree(nodes: &[super::Node]) -> Result<(), ModelError> {
    if nodes.is_empty() {
        return wrong("the tree has no root".to_owned());
    }
    for (place, node) in nodes.iter().enumerate() {
        finite("a node", &[node.log_odds])?;
        if let Some(split) = &node.split {
            finite("a split", &[split.threshold])?;
            // Children come after their parent, so that every walk ends.
            if [split.below, split.above].iter().any(|child| *child <= place || *child >= nodes.len()) {
                return wrong(format!("the children of node {place} are out of place"));
            }
        }
    }
    Ok(())
}

fn score_knots(file: &ModelFile) -> Result<(), ModelError> {
    let knots = &file.risk_score;
    let odds: Vec<f64> = knots.iter().map(|knot| knot.log_odds).collect();
    rising("the risk score", &odds)?;
    let scores_rise = knots.windows(2).all(|pair| pair[0].score <= pair[1].score);
    let in_range = knots.iter().all(|knot| (0.0..=100.0).contains(&knot.score));
    match knots.len() >= 2 && scores_rise && in_range {
        true => Ok(()),
        false => wrong("the risk score needs two or more knots that rise between 0 and 100".to_owned()),
    }
}

pub(super) fn golden(file: &ModelFile, compiled: &Compiled) -> Result<(), ModelError> {
    for (place, golden) in file.golden.iter().enumerate() {
        if golden.features.len() != file.features.len() {
            return wrong(format!("golden input {place} has {} features", golden.features.len()));
        }
        let features: Vec<f64> = golden.features.iter().map(|value| value.unwrap_or(MISSING)).collect();
        let found = compiled.log_odds(&features);
        let close = (found - golden.log_odds).abs() <= GOLDEN_TOLERANCE * golden.log_odds.abs().max(1.0);
        if !close {
            return Err(ModelError::Golden { place, expected: golden.log_odds, found });
        }
    }
    Ok(())
}
