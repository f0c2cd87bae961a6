//! Pairs of features that say more together than apart, chosen by what the sum of their bins leaves unexplained.

use super::design::{Block, code};

/// Which pairs to take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Choice {
    /// Most pairs.
    pub pairs: usize,
    /// Fewest rows of a cell with a weight of its own.
    pub rows: usize,
    /// Least gain of a pair in log likelihood, above what its cells would gain by chance.
    pub gain: f64,
    /// Features that are paired: the ones whose bins gain most.
    pub features: usize,
}

impl Default for Choice {
    fn default() -> Self {
        Choice { pairs: 12, rows: 25, gain: 8.0, features: 40 }
    }
}

/// What a model leaves unexplained of a row: truth minus probability, and the variance of that.
pub type Residual = (f64, f64);

/// Features with thresholds, the most telling first, coded once.
pub struct Candidates {
    features: Vec<(usize, Vec<f64>)>,
    /// Feature after feature, the code of each row.
    codes: Vec<Vec<u8>>,
}

impl Candidates {
    /// Codes the features.
    pub fn new(features: Vec<(usize, Vec<f64>)>, values: &[f64], width: usize) -> Self {
        let of = |(place, edges): &(usize, Vec<f64>)| {
            values.chunks_exact(width).map(|row| code(edges, row[*place]) as u8).collect()
        };
        let codes = features.iter().map(of).collect();
        Candidates { features, codes }
    }

    /// The pairs with the largest gain that are not `taken`, best first, at most `most`.
    pub fn choose(
        &self,
        residuals: &[Residual],
        choice: Choice,
        taken: &[[usize; 2]],
        most: usize,
    ) -> Vec<Block> {
        let mut found: Vec<(f64, usize, usize)> = Vec::new();
        for b in 1..self.features.len() {
            for a in 0..b {
                if taken.contains(&[self.features[a].0, self.features[b].0]) {
                    continue;
                }
                let gain = self.gain(a, b, residuals, choice);
                if gain > choice.gain {
                    found.push((gain, a, b));
                }
            }
        }
        found.sort_by(|x, y| y.0.total_cmp(&x.0));
        found.into_iter().take(most).map(|(_, a, b)| self.block(a, b, choice)).collect()
    }

    fn cells(&self, a: usize, b: usize) -> (usize, usize) {
        (self.features[a].1.len() + 2, self.features[b].1.len() + 2)
    }

    /// Gain of one Newton step from the residuals, by cells, less what chance gives: half a unit a cell.
    fn gain(&self, a: usize, b: usize, residuals: &[Residual], choice: Choice) -> f64 {
        let (rows, columns) = self.cells(a, b);
        let mut sums = vec![(0.0, 0.0, 0u32); rows * columns];
        for ((row, column), residual) in self.codes[a].iter().zip(&self.codes[b]).zip(residuals) {
            let sum = &mut sums[*row as usize * columns + *column as usize];
            sum.0 += residual.0;
            sum.1 += residual.1;
            sum.2 += 1;
        }
        let thick = sums.iter().filter(|sum| sum.2 as usize >= choice.rows);
        thick.map(|sum| 0.5 * sum.0 * sum.0 / (sum.1 + 1.0) - 0.5).sum()
    }

    fn block(&self, a: usize, b: usize, choice: Choice) -> Block {
        let (rows, columns) = self.cells(a, b);
        let mut counts = vec![0usize; rows * columns];
        for (row, column) in self.codes[a].iter().zip(&self.codes[b]) {
            counts[*row as usize * columns + *column as usize] += 1;
        }
        Block::Cells {
            features: [self.features[a].0, self.features[b].0],
            edges: [self.features[a].1.clone(), self.features[b].1.clone()],
            used: counts.into_iter().map(|count| count >= choice.rows).collect(),
        }
    }
}
