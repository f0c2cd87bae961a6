//! The model file: readable JSON with everything that a score needs, and how it came about.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Version of the file format that this code writes and reads.
pub const SCHEMA: u32 = 1;

/// A model as its file has it. [`super::Model`] is the form that scores.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct ModelFile {
    /// Version of the format: [`SCHEMA`].
    pub schema: u32,
    /// Name and version of this very model, for records and logs.
    pub version: String,
    /// What the probability is the probability of.
    pub positive_class: String,
    /// Where the features come from: `streaming`, `handbook` or `columns`.
    pub feature_set: String,
    /// Names of the features, in the order of the vector.
    pub features: Vec<String>,
    /// The function of the features.
    pub body: Body,
    /// From log odds to a risk score of 0 to 100: knots of a rising piecewise linear function.
    pub risk_score: Vec<ScoreKnot>,
    /// How it was trained.
    pub training: Training,
    /// Figures from training, by name.
    pub metrics: BTreeMap<String, f64>,
    /// Inputs with the answers that this model must give, checked before it is used.
    pub golden: Vec<Golden>,
    /// SHA-256 of this file without this field, see [`super::Model::parse`].
    pub checksum: String,
}

/// The function of a model.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
#[serde(tag = "algorithm", rename_all = "snake_case", deny_unknown_fields)]
pub enum Body {
    /// A sum of terms is the log odds.
    Logistic {
        /// Log odds where every term is zero.
        intercept: f64,
        /// Terms of one feature.
        terms: Vec<Term>,
        /// Terms of two features.
        crosses: Vec<Cross>,
        /// What calibration did to the weights; already part of them.
        calibration: Calibration,
    },
    /// A decision tree.
    Tree {
        /// The nodes; the first is the root.
        nodes: Vec<Node>,
    },
}

/// What one feature adds to the log odds.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Term {
    /// The feature.
    pub feature: String,
    /// Added where the feature has no data, in place of all below.
    pub missing: f64,
    /// Straight lines and hinges.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slopes: Vec<Slope>,
    /// Thresholds, ascending; a value equal to a threshold is above it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub edges: Vec<f64>,
    /// Weight of each bin: one more than thresholds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weights: Vec<f64>,
}

impl Term {
    /// Largest less smallest part of the log odds.
    pub fn reach(&self) -> f64 {
        let spread = |(low, high): (f64, f64), part: f64| (low.min(part), high.max(part));
        let first = self.weights.first().copied().unwrap_or(0.0);
        let (low, high) = self.weights.iter().copied().fold((first, first), spread);
        let lines: f64 = self.slopes.iter().map(|slope| (slope.weight * (slope.to - slope.from)).abs()).sum();
        high - low + lines
    }
}

/// A straight line within bounds: adds `weight * (min(max(value, from), to) - from)`.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Slope {
    /// Below this the line is flat; a hinge is a line that starts at its knot.
    pub from: f64,
    /// Above this the line is flat.
    pub to: f64,
    /// Log odds a unit of the feature.
    pub weight: f64,
}

impl Slope {
    /// What it adds for a value.
    #[inline]
    pub fn at(&self, value: f64) -> f64 {
        self.weight * (value.clamp(self.from, self.to) - self.from)
    }
}

/// What two features add together.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Cross {
    /// The two features.
    pub features: [String; 2],
    /// Thresholds of each.
    pub edges: [Vec<f64>; 2],
    /// A row for each bin of the first feature, a column for each of the second; the first row and the first
    /// column are "no data".
    pub weights: Vec<Vec<f64>>,
}

/// An affine correction of the log odds, fitted on payments that the weights were not fitted on.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// Factor of the log odds.
    pub slope: f64,
    /// Added to the log odds.
    pub intercept: f64,
}

/// A node of a decision tree.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// Log odds of the training payments that came here, smoothed.
    pub log_odds: f64,
    /// Where it goes on from here; a leaf has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split: Option<Split>,
}

/// A question of a decision tree.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Split {
    /// The feature asked about.
    pub feature: String,
    /// Values below it go to `below`, others to `above`. "No data" is below everything.
    pub threshold: f64,
    /// Node for values below the threshold.
    pub below: usize,
    /// Node for the others.
    pub above: usize,
}

/// A knot of the risk score.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct ScoreKnot {
    /// Log odds of fraud.
    pub log_odds: f64,
    /// Score of 0 to 100 there.
    pub score: f64,
}

/// How a model was trained.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Training {
    /// First day, inclusive.
    pub from: String,
    /// Last day, inclusive.
    pub to: String,
    /// Payments trained on.
    pub rows: usize,
    /// Frauds among them.
    pub frauds: usize,
    /// Days after which a label is known.
    pub label_delay_days: u32,
    /// `linfa`, `newton` or, for a tree, `linfa-trees`.
    pub solver: String,
    /// L2 penalty of the weights (1 / C of other libraries); the intercept is free.
    pub penalty: f64,
}

/// An input with the answer that it must give.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Golden {
    /// The features, in the order of `features`; `null` is "no data".
    pub features: Vec<Option<f64>>,
    /// The log odds that must come out, to 1e-9.
    pub log_odds: f64,
}
