//! Thresholds learned from labels: splits that separate fraud from genuine payments better than chance would.

use crate::features::is_missing;

/// When to stop splitting.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bounds {
    /// Most bins of a feature, "no data" not counted.
    pub bins: usize,
    /// Fewest rows of a bin.
    pub rows: usize,
    /// Least gain in log likelihood of a split. The best of many places to split gains by chance, about half
    /// the logarithm of their number; this must be well above it.
    pub gain: f64,
}

impl Default for Bounds {
    fn default() -> Self {
        Bounds { bins: 8, rows: 40, gain: 10.0 }
    }
}

/// Thresholds of one feature, ascending; a value equal to a threshold is above it. Empty where nothing can be
/// learned.
pub fn learn_edges(values: &[f64], labels: &[bool], bounds: Bounds) -> Vec<f64> {
    let mut rows: Vec<(f64, bool)> =
        values.iter().zip(labels).filter(|(value, _)| !is_missing(**value)).map(|(v, l)| (*v, *l)).collect();
    rows.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut before = vec![0u32; rows.len() + 1];
    for (place, row) in rows.iter().enumerate() {
        before[place + 1] = before[place] + u32::from(row.1);
    }
    let sorted = Sorted { rows: &rows, before: &before, bounds };
    let mut segments = vec![(0, rows.len(), sorted.best_split(0, rows.len()))];
    let mut cuts: Vec<usize> = Vec::new();
    while cuts.len() + 1 < bounds.bins {
        let best = (0..segments.len())
            .filter(|place| segments[*place].2.is_some())
            .max_by(|a, b| gain_of(&segments[*a]).total_cmp(&gain_of(&segments[*b])));
        let Some(place) = best else { break };
        let (from, to, split) = segments.swap_remove(place);
        let Some((cut, _)) = split else { break };
        cuts.push(cut);
        segments.push((from, cut, sorted.best_split(from, cut)));
        segments.push((cut, to, sorted.best_split(cut, to)));
    }
    cuts.sort_unstable();
    cuts.into_iter().map(|cut| between(rows[cut - 1].0, rows[cut].0)).collect()
}

type Segment = (usize, usize, Option<(usize, f64)>);

fn gain_of(segment: &Segment) -> f64 {
    segment.2.map_or(f64::NEG_INFINITY, |split| split.1)
}

struct Sorted<'a> {
    rows: &'a [(f64, bool)],
    /// Frauds before each place.
    before: &'a [u32],
    bounds: Bounds,
}

impl Sorted<'_> {
    /// Where to cut `[from, to)`, and what it gains; nothing if no cut gains enough.
    fn best_split(&self, from: usize, to: usize) -> Option<(usize, f64)> {
        let frauds = |a: usize, b: usize| f64::from(self.before[b] - self.before[a]);
        let whole = likelihood(frauds(from, to), (to - from) as f64);
        let mut best: Option<(usize, f64)> = None;
        let first = from + self.bounds.rows;
        let last = to.saturating_sub(self.bounds.rows);
        for cut in first..=last {
            if cut >= to || self.rows[cut - 1].0 == self.rows[cut].0 {
                continue;
            }
            let below = likelihood(frauds(from, cut), (cut - from) as f64);
            let above = likelihood(frauds(cut, to), (to - cut) as f64);
            let gain = below + above - whole;
            if gain > self.bounds.gain && best.is_none_or(|found| gain > found.1) {
                best = Some((cut, gain));
            }
        }
        best
    }
}

/// Log likelihood of `frauds` among `rows` at their own rate.
fn likelihood(frauds: f64, rows: f64) -> f64 {
    let part = |count: f64| if count > 0.0 { count * (count / rows).ln() } else { 0.0 };
    part(frauds) + part(rows - frauds)
}

/// A round number between two values, above the first and at most the second.
fn between(below: f64, above: f64) -> f64 {
    let middle = below + 0.5 * (above - below);
    for digits in 0..12 {
        let scale = 10f64.powi(digits);
        let rounded = (middle * scale).round() / scale;
        if rounded > below && rounded <= above {
            return rounded;
        }
    }
    above
}

/// Gain in log likelihood of all bins together over one rate for all.
pub fn separation(values: &[f64], edges: &[f64], labels: &[bool]) -> f64 {
    let mut bins = vec![(0.0, 0.0); edges.len() + 2];
    for (value, label) in values.iter().zip(labels) {
        let bin = &mut bins[super::design::code(edges, *value)];
        bin.0 += f64::from(u8::from(*label));
        bin.1 += 1.0;
    }
    let whole = bins.iter().fold((0.0, 0.0), |sum, bin| (sum.0 + bin.0, sum.1 + bin.1));
    bins.iter().map(|bin| likelihood(bin.0, bin.1)).sum::<f64>() - likelihood(whole.0, whole.1)
}
