//! The design of a logistic regression: which columns a row of features becomes.
//!
//! Bins are coded as a thermometer (one column for each threshold that a value reaches), so that the penalty
//! falls on the difference between neighbours, not on the distance to an arbitrary first bin. Internally a row
//! is one code a block, which keeps the Hessian of a few hundred columns cheap.

use ndarray::Array2;

use crate::features::is_missing;

/// How one block of a design reads a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    /// Bins of one feature.
    Bins {
        /// Place of the feature.
        feature: usize,
        /// Thresholds.
        edges: Vec<f64>,
    },
    /// Cells of two features; a cell that was too thin in training has no column.
    Cells {
        /// Places of the two features.
        features: [usize; 2],
        /// Thresholds of each.
        edges: [Vec<f64>; 2],
        /// Whether each cell has a column, in row order, "no data" first.
        used: Vec<bool>,
    },
    /// A straight line within bounds, standardised; flat at `from` for "no data", which has a column.
    Line {
        /// Place of the feature.
        feature: usize,
        /// Flat below.
        from: f64,
        /// Flat above.
        to: f64,
        /// Mean of the clamped value.
        mean: f64,
        /// Spread of the clamped value.
        scale: f64,
    },
}

/// Code of a value: 0 is "no data", then one more for each edge it reaches.
pub fn code(edges: &[f64], value: f64) -> usize {
    if is_missing(value) { 0 } else { 1 + edges.partition_point(|edge| *edge <= value) }
}

impl Block {
    /// Number of codes.
    pub fn codes(&self) -> usize {
        match self {
            Block::Bins { edges, .. } => edges.len() + 2,
            Block::Cells { edges: [a, b], .. } => (a.len() + 2) * (b.len() + 2),
            Block::Line { .. } => 1,
        }
    }

    /// Number of columns.
    pub fn columns(&self) -> usize {
        match self {
            Block::Bins { edges, .. } => edges.len() + 1,
            Block::Cells { used, .. } => used.iter().filter(|used| **used).count(),
            Block::Line { .. } => 1,
        }
    }

    /// Code and value of a row.
    pub fn read(&self, row: &[f64]) -> (usize, f64) {
        match self {
            Block::Bins { feature, edges } => (code(edges, row[*feature]), 1.0),
            Block::Cells { features: [a, b], edges: [edges_a, edges_b], .. } => {
                let width = edges_b.len() + 2;
                (code(edges_a, row[*a]) * width + code(edges_b, row[*b]), 1.0)
            }
            Block::Line { feature, from, to, mean, scale } => {
                let value = row[*feature];
                let clamped = if is_missing(value) { *mean } else { value.clamp(*from, *to) };
                (0, (clamped - mean) / scale)
            }
        }
    }

    /// Columns that a code switches on, within the block.
    pub fn active(&self, code: usize) -> Vec<usize> {
        match self {
            // Column 0 is "no data"; column k is reached by codes above k.
            Block::Bins { .. } if code == 0 => vec![0],
            Block::Bins { .. } => (1..code).collect(),
            Block::Cells { used, .. } if !used[code] => Vec::new(),
            Block::Cells { used, .. } => vec![used[..code].iter().filter(|used| **used).count()],
            Block::Line { .. } => vec![0],
        }
    }
}

/// Rows of features, coded.
pub struct Coded {
    /// The blocks.
    pub blocks: Vec<Block>,
    /// Where each block's codes begin; one more at the end.
    pub code_starts: Vec<usize>,
    /// Columns of each code, over all blocks.
    pub active: Vec<Vec<u32>>,
    /// Number of columns.
    pub columns: usize,
    /// Row after row, a code (over all blocks) for each block.
    pub codes: Vec<u16>,
    /// Values of the lines, row after row.
    pub values: Vec<f64>,
    /// Places of the lines among the blocks.
    pub lines: Vec<usize>,
    /// Number of rows.
    pub rows: usize,
    /// The code that most rows have, for each block; none for a line.
    pub usual: Vec<Option<u16>>,
}

impl Coded {
    /// Codes rows of `width` features.
    pub fn new(blocks: Vec<Block>, features: &[f64], width: usize) -> Self {
        let rows = features.len() / width.max(1);
        let mut code_starts = vec![0];
        let (mut active, mut columns) = (Vec::new(), 0);
        for block in &blocks {
            for code in 0..block.codes() {
                active.push(block.active(code).into_iter().map(|column| (columns + column) as u32).collect());
            }
            code_starts.push(active.len());
            columns += block.columns();
        }
        let lines: Vec<usize> =
            (0..blocks.len()).filter(|place| matches!(blocks[*place], Block::Line { .. })).collect();
        let mut codes = Vec::with_capacity(rows * blocks.len());
        let mut values = Vec::with_capacity(rows * lines.len());
        for row in features.chunks_exact(width) {
            for (block, start) in blocks.iter().zip(&code_starts) {
                let (code, value) = block.read(row);
                codes.push((start + code) as u16);
                if matches!(block, Block::Line { .. }) {
                    values.push(value);
                }
            }
        }
        let mut counts = vec![0usize; active.len()];
        codes.iter().for_each(|code| counts[*code as usize] += 1);
        let usual = (0..blocks.len()).map(|place| {
            let most = (code_starts[place]..code_starts[place + 1]).max_by_key(|code| counts[*code])?;
            (!matches!(blocks[place], Block::Line { .. })).then_some(most as u16)
        });
        let usual = usual.collect();
        Coded { blocks, code_starts, active, columns, codes, values, lines, rows, usual }
    }

    /// Number of codes over all blocks.
    pub fn code_count(&self) -> usize {
        self.active.len()
    }

    /// Weight of each code, from the weights of the columns.
    pub fn spread(&self, columns: &[f64]) -> Vec<f64> {
        let weight = |active: &Vec<u32>| active.iter().map(|column| columns[*column as usize]).sum();
        self.active.iter().map(weight).collect()
    }

    /// The columns themselves, for solvers that know no codes.
    pub fn dense(&self) -> Array2<f64> {
        let mut dense = Array2::zeros((self.rows, self.columns));
        let width = self.blocks.len();
        for row in 0..self.rows {
            for code in &self.codes[row * width..(row + 1) * width] {
                for column in &self.active[*code as usize] {
                    dense[[row, *column as usize]] = 1.0;
                }
            }
            for (line, place) in self.lines.iter().enumerate() {
                let column = self.active[self.code_starts[*place]][0] as usize;
                dense[[row, column]] = self.values[row * self.lines.len() + line];
            }
        }
        dense
    }
}
