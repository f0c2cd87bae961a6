//! A model laid out for the hot path: flat arrays, no names, no allocation.

use super::check::ModelError;
use super::file::{Body, ScoreKnot, Slope};
use crate::features::is_missing;

/// Where a part of the log odds comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// The intercept, or the root of a tree.
    Intercept,
    /// One feature, by its place in the vector.
    Feature(u16),
    /// Two features, by their places in the vector.
    Cross(u16, u16),
}

/// A part of the log odds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Contribution {
    /// Where it comes from.
    pub source: Source,
    /// What it adds to the log odds.
    pub log_odds: f64,
}

#[derive(Debug)]
pub(super) struct Compiled {
    function: Function,
    knots: Vec<ScoreKnot>,
}

#[derive(Debug)]
enum Function {
    Sum(Sum),
    Tree(Vec<Step>),
}

#[derive(Debug, Default)]
struct Sum {
    intercept: f64,
    terms: Vec<FlatTerm>,
    crosses: Vec<FlatCross>,
    edges: Vec<f64>,
    weights: Vec<f64>,
    slopes: Vec<Slope>,
}

/// A run in one of the flat arrays.
#[derive(Clone, Copy, Debug)]
struct Run {
    from: u32,
    len: u32,
}

impl Run {
    fn of<T>(self, all: &[T]) -> &[T] {
        &all[self.from as usize..(self.from + self.len) as usize]
    }
}

#[derive(Debug)]
struct FlatTerm {
    feature: u16,
    edges: Run,
    /// Where its weights begin: "no data", then the bins.
    weights: u32,
    slopes: Run,
}

#[derive(Debug)]
struct FlatCross {
    features: [u16; 2],
    edges: [Run; 2],
    weights: u32,
}

#[derive(Debug)]
struct Step {
    log_odds: f64,
    /// Feature, threshold, below, above.
    split: Option<(u16, f64, u32, u32)>,
}

fn push<T: Copy>(all: &mut Vec<T>, part: &[T]) -> Run {
    let from = all.len() as u32;
    all.extend_from_slice(part);
    Run { from, len: part.len() as u32 }
}

/// Bin of a value: 0 is "no data", then one more for each edge that the value reaches.
fn bin(edges: &[f64], value: f64) -> usize {
    if is_missing(value) { 0 } else { 1 + edges.iter().filter(|edge| value >= **edge).count() }
}

impl Compiled {
    pub(super) fn new(body: &Body, features: &[String], knots: &[ScoreKnot]) -> Result<Self, ModelError> {
        let place = |name: &str| {
            features
                .iter()
                .position(|known| known == name)
                .map(|place| place as u16)
                .ok_or_else(|| ModelError::Inconsistent(format!("{name} is not one of its features")))
        };
        let function = match body {
            Body::Logistic { intercept, terms, crosses, .. } => {
                let mut sum = Sum { intercept: *intercept, ..Sum::default() };
                for term in terms {
                    let edges = push(&mut sum.edges, &term.edges);
                    let weights = push(&mut sum.weights, &[term.missing]).from;
                    // A term of slopes alone has one bin, of weight zero.
                    push(&mut sum.weights, if term.weights.is_empty() { &[0.0] } else { &term.weights });
                    let slopes = push(&mut sum.slopes, &term.slopes);
                    sum.terms.push(FlatTerm { feature: place(&term.feature)?, edges, weights, slopes });
                }
                for cross in crosses {
                    let [a, b] = &cross.edges;
                    let edges = [push(&mut sum.edges, a), push(&mut sum.edges, b)];
                    let features = [place(&cross.features[0])?, place(&cross.features[1])?];
                    let weights = push(&mut sum.weights, &cross.weights.concat()).from;
                    sum.crosses.push(FlatCross { features, edges, weights });
                }
                Function::Sum(sum)
            }
            Body::Tree { nodes } => {
                let steps = nodes.iter().map(|node| {
                    let split = node.split.as_ref().map(|split| {
                        let feature = place(&split.feature)?;
                        Ok((feature, split.threshold, split.below as u32, split.above as u32))
                    });
                    Ok(Step { log_odds: node.log_odds, split: split.transpose()? })
                });
                Function::Tree(steps.collect::<Result<_, ModelError>>()?)
            }
        };
        Ok(Compiled { function, knots: knots.to_vec() })
    }

    pub(super) fn log_odds(&self, features: &[f64]) -> f64 {
        match &self.function {
            Function::Sum(sum) => sum.parts(features, |_, _| {}),
            Function::Tree(steps) => steps[walk(steps, features, |_, _| {})].log_odds,
        }
    }

    pub(super) fn contributions(&self, features: &[f64], mut visit: impl FnMut(Contribution)) {
        let mut each = |source, log_odds| visit(Contribution { source, log_odds });
        match &self.function {
            Function::Sum(sum) => {
                each(Source::Intercept, sum.intercept);
                sum.parts(features, each);
            }
            Function::Tree(steps) => {
                each(Source::Intercept, steps[0].log_odds);
                walk(steps, features, each);
            }
        }
    }

    pub(super) fn risk_score(&self, log_odds: f64) -> u8 {
        let above = self.knots.partition_point(|knot| knot.log_odds <= log_odds);
        let score = match (above.checked_sub(1).map(|below| self.knots[below]), self.knots.get(above)) {
            (Some(below), Some(above)) => {
                let part = (log_odds - below.log_odds) / (above.log_odds - below.log_odds);
                below.score + part * (above.score - below.score)
            }
            (Some(last), None) => last.score,
            (None, Some(first)) => first.score,
            (None, None) => 0.0,
        };
        score.clamp(0.0, 100.0) as u8
    }
}

impl Sum {
    /// The sum, with each part but the intercept shown to `visit`.
    fn parts(&self, features: &[f64], mut visit: impl FnMut(Source, f64)) -> f64 {
        let mut sum = self.intercept;
        for term in &self.terms {
            let value = features[term.feature as usize];
            let mut part = self.weights[term.weights as usize + bin(term.edges.of(&self.edges), value)];
            if !is_missing(value) {
                for slope in term.slopes.of(&self.slopes) {
                    part += slope.weight * (value.clamp(slope.from, slope.to) - slope.from);
                }
            }
            visit(Source::Feature(term.feature), part);
            sum += part;
        }
        for cross in &self.crosses {
            let [a, b] = cross.features;
            let [edges_a, edges_b] = cross.edges.map(|run| run.of(&self.edges));
            let row = bin(edges_a, features[a as usize]);
            let column = bin(edges_b, features[b as usize]);
            let part = self.weights[cross.weights as usize + row * (edges_b.len() + 2) + column];
            visit(Source::Cross(a, b), part);
            sum += part;
        }
        sum
    }
}

/// Walks to a leaf, showing what each question added.
fn walk(steps: &[Step], features: &[f64], mut visit: impl FnMut(Source, f64)) -> usize {
    let mut place = 0;
    while let Some((feature, threshold, below, above)) = steps[place].split {
        let next = if features[feature as usize] < threshold { below } else { above } as usize;
        visit(Source::Feature(feature), steps[next].log_odds - steps[place].log_odds);
        place = next;
    }
    place
}
