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
    /// Edges beyond a [`Ladder`].
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

/// Edges that are searched without a branch: where among them a value lies is hard to guess.
const RUNGS: usize = 7;

/// The edges of a bin, rising.
#[derive(Debug)]
struct Ladder {
    /// The first ones; NaN, which no value reaches, where there are fewer. The eighth is none, for the sake of the address.
    rungs: [f64; RUNGS + 1],
    /// The others; nearly always none.
    more: Run,
}

/// What a term is made of: most are of one kind alone, and are spared the other's work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Bins,
    Line,
    Both,
}

#[derive(Debug)]
struct FlatTerm {
    shape: Shape,
    ladder: Ladder,
    /// Where its weights begin: "no data", then the bins.
    weights: u32,
    feature: u16,
    slopes: Run,
}

#[derive(Debug)]
struct FlatCross {
    features: [u16; 2],
    ladders: [Ladder; 2],
    weights: u32,
    /// Bins of the second feature, with "no data".
    columns: u32,
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

impl Ladder {
    /// Keeps the first edges in itself, and the others in `all`.
    fn of(edges: &[f64], all: &mut Vec<f64>) -> Self {
        let (first, more) = edges.split_at(edges.len().min(RUNGS));
        let mut rungs = [f64::NAN; RUNGS + 1];
        rungs[..first.len()].copy_from_slice(first);
        Ladder { rungs, more: push(all, more) }
    }

    /// Bin of a value: 0 is "no data", then one more for each edge that the value reaches.
    #[inline(always)]
    fn bin(&self, all: &[f64], value: f64) -> usize {
        let step = |reached: usize, half: usize| {
            reached + if value >= self.rungs[reached + half - 1] { half } else { 0 }
        };
        let mut reached = step(step(step(0, 4), 2), 1);
        if self.more.len > 0 {
            reached += self.more.of(all).partition_point(|edge| value >= *edge);
        }
        if is_missing(value) { 0 } else { 1 + reached }
    }
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
                    let ladder = Ladder::of(&term.edges, &mut sum.edges);
                    let weights = push(&mut sum.weights, &[term.missing]).from;
                    // A term of slopes alone has one bin, of weight zero.
                    push(&mut sum.weights, if term.weights.is_empty() { &[0.0] } else { &term.weights });
                    let slopes = push(&mut sum.slopes, &term.slopes);
                    let shape = match (term.weights.len(), term.slopes.len()) {
                        (_, 0) => Shape::Bins,
                        (0, 1) => Shape::Line,
                        _mixed => Shape::Both,
                    };
                    let feature = place(&term.feature)?;
                    sum.terms.push(FlatTerm { shape, ladder, weights, feature, slopes });
                }
                for cross in crosses {
                    let [a, b] = &cross.edges;
                    let ladders = [a, b].map(|edges| Ladder::of(edges, &mut sum.edges));
                    let features = [place(&cross.features[0])?, place(&cross.features[1])?];
                    let weights = push(&mut sum.weights, &cross.weights.concat()).from;
                    let columns = b.len() as u32 + 2;
                    sum.crosses.push(FlatCross { features, ladders, weights, columns });
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
            let part = match term.shape {
                Shape::Bins => self.binned(term, value),
                Shape::Line if is_missing(value) => self.weights[term.weights as usize],
                Shape::Line => self.slopes[term.slopes.from as usize].at(value),
                Shape::Both => self.sloped(term, value),
            };
            visit(Source::Feature(term.feature), part);
            sum += part;
        }
        for cross in &self.crosses {
            let [a, b] = cross.features;
            let row = cross.ladders[0].bin(&self.edges, features[a as usize]);
            let column = cross.ladders[1].bin(&self.edges, features[b as usize]);
            let part = self.weights[cross.weights as usize + row * cross.columns as usize + column];
            visit(Source::Cross(a, b), part);
            sum += part;
        }
        sum
    }

    #[inline(always)]
    fn binned(&self, term: &FlatTerm, value: f64) -> f64 {
        self.weights[term.weights as usize + term.ladder.bin(&self.edges, value)]
    }

    /// A part with the term's slopes. Apart from the rest, or whether there is no data would be asked first, of every term.
    #[inline(never)]
    fn sloped(&self, term: &FlatTerm, value: f64) -> f64 {
        let mut part = self.binned(term, value);
        if !is_missing(value) {
            for slope in term.slopes.of(&self.slopes) {
                part += slope.at(value);
            }
        }
        part
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::MISSING;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_bin_counts_the_edges_that_a_value_reaches(
            steps in proptest::collection::vec(1u8..9, 0..24),
            value in prop_oneof![Just(MISSING), Just(f64::NAN), Just(-1e300), (-1i16..240).prop_map(f64::from)],
        ) {
            let edges: Vec<f64> = steps
                .iter()
                .scan(0.0, |edge, step| { *edge += f64::from(*step); Some(*edge) })
                .collect();
            // What lies before it in the flat array is another ladder's.
            let mut all = vec![1e9; 3];
            let ladder = Ladder::of(&edges, &mut all);
            let reached = edges.iter().filter(|edge| value >= **edge).count();
            let expected = if is_missing(value) { 0 } else { 1 + reached };
            prop_assert_eq!(ladder.bin(&all, value), expected);
        }
    }
}
