//! Newton's method (iteratively reweighted least squares) for the penalised logistic regression, with sample
//! weights, on two threads.
//!
//! It minimises `sum(weight * log loss) + penalty / 2 * |w|^2`, with a free intercept: the same objective as
//! scikit-learn's with C = 1 / penalty, and as linfa's with alpha = penalty.

use ndarray::{Array1, Array2};

use super::design::Coded;

/// Most steps; the quadratic convergence needs about ten.
const STEPS: usize = 100;
/// Converged when the decrement, half the gain that the next step promises, is below this share of a row.
const TOLERANCE: f64 = 1e-12;
/// Threads of the passes over the rows.
const THREADS: usize = 2;

/// Weights of the columns, and the intercept.
#[derive(Clone, Debug, PartialEq)]
pub struct Fitted {
    /// One for each column.
    pub weights: Vec<f64>,
    /// Log odds of a row of zeros.
    pub intercept: f64,
}

/// Rows of a regression: how to sum over them.
pub trait Rows: Sync {
    /// Number of rows.
    fn rows(&self) -> usize;
    /// Number of columns.
    fn columns(&self) -> usize;
    /// Log odds of every row of a range.
    fn log_odds(&self, fitted: &Fitted, range: std::ops::Range<usize>, out: &mut [f64]);
    /// Adds `sum(g x)` and `sum(h x x')` of a range; the last column is the intercept's.
    fn accumulate(&self, range: std::ops::Range<usize>, curve: &[(f64, f64)]) -> (Array1<f64>, Array2<f64>);
}

/// What to fit.
pub struct Problem<'a> {
    /// The truth of each row.
    pub labels: &'a [bool],
    /// Weight of each row; empty for ones.
    pub sample_weights: &'a [f64],
    /// L2 penalty.
    pub penalty: f64,
}

impl Problem<'_> {
    fn weight(&self, row: usize) -> f64 {
        if self.sample_weights.is_empty() { 1.0 } else { self.sample_weights[row] }
    }
}

/// Fits from zero, or from an earlier fit.
///
/// # Errors
/// One class only, or the steps do not converge.
pub fn fit(rows: &dyn Rows, problem: &Problem<'_>, start: Option<&Fitted>) -> Result<Fitted, String> {
    let sum = |wanted: bool| {
        let chosen = (0..rows.rows()).filter(|row| problem.labels[*row] == wanted);
        chosen.map(|row| problem.weight(row)).sum::<f64>()
    };
    let (positive, negative) = (sum(true), sum(false));
    if positive <= 0.0 || negative <= 0.0 {
        return Err(
            "the rows to train on hold one class only; choose days with fraud and genuine ones".to_owned()
        );
    }
    let mut fitted = start.cloned().unwrap_or_else(|| Fitted {
        weights: vec![0.0; rows.columns()],
        intercept: (positive / negative).ln(),
    });
    let (mut odds, mut loss) = evaluate(rows, problem, &fitted);
    for _ in 0..STEPS {
        let (gradient, hessian) = derivatives(rows, problem, &fitted, &odds);
        let step = solve(hessian, &gradient);
        let decrement: f64 = step.iter().zip(&gradient).map(|(step, slope)| step * slope).sum();
        let mut size = 1.0;
        let converged = decrement <= TOLERANCE * rows.rows() as f64;
        loop {
            let next = moved(&fitted, &step, size);
            let (next_odds, next_loss) = evaluate(rows, problem, &next);
            if next_loss <= loss - 1e-4 * size * decrement || converged {
                if next_loss <= loss {
                    (fitted, odds, loss) = (next, next_odds, next_loss);
                }
                break;
            }
            size *= 0.5;
            if size < 1e-9 {
                return Ok(fitted);
            }
        }
        if converged {
            return Ok(fitted);
        }
    }
    Err(format!("no convergence in {STEPS} steps; raise the penalty"))
}

fn moved(fitted: &Fitted, step: &[f64], size: f64) -> Fitted {
    let weights = fitted.weights.iter().zip(step).map(|(weight, step)| weight - size * step).collect();
    Fitted { weights, intercept: fitted.intercept - size * step[fitted.weights.len()] }
}

/// Row ranges, one for each thread.
fn ranges(rows: usize) -> Vec<std::ops::Range<usize>> {
    let part = rows.div_ceil(THREADS).max(1);
    (0..THREADS).map(|thread| (thread * part).min(rows)..((thread + 1) * part).min(rows)).collect()
}

fn evaluate(rows: &dyn Rows, problem: &Problem<'_>, fitted: &Fitted) -> (Vec<f64>, f64) {
    let mut odds = vec![0.0; rows.rows()];
    let part = rows.rows().div_ceil(THREADS).max(1);
    let losses: Vec<f64> = std::thread::scope(|scope| {
        let work = odds.chunks_mut(part).zip(ranges(rows.rows()));
        let threads: Vec<_> = work
            .map(|(out, range)| {
                scope.spawn(move || {
                    rows.log_odds(fitted, range.clone(), out);
                    let loss = |(row, odds): (usize, &f64)| {
                        problem.weight(row) * log_loss(*odds, problem.labels[row])
                    };
                    range.zip(out.iter()).map(loss).sum::<f64>()
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("summing does not panic")).collect()
    });
    let size: f64 = fitted.weights.iter().map(|weight| weight * weight).sum();
    (odds, losses.iter().sum::<f64>() + 0.5 * problem.penalty * size)
}

/// Negative log likelihood of a truth under log odds.
pub fn log_loss(log_odds: f64, label: bool) -> f64 {
    softplus(if label { -log_odds } else { log_odds })
}

/// `ln(1 + e^x)` without overflow.
fn softplus(x: f64) -> f64 {
    if x > 0.0 { x + (-x).exp().ln_1p() } else { x.exp().ln_1p() }
}

fn derivatives(
    rows: &dyn Rows,
    problem: &Problem<'_>,
    fitted: &Fitted,
    odds: &[f64],
) -> (Vec<f64>, Array2<f64>) {
    let parts: Vec<(Array1<f64>, Array2<f64>)> = std::thread::scope(|scope| {
        let threads: Vec<_> = ranges(rows.rows())
            .into_iter()
            .map(|range| {
                scope.spawn(move || {
                    let curve: Vec<(f64, f64)> = range
                        .clone()
                        .map(|row| {
                            let probability = crate::model::logistic(odds[row]);
                            let truth = f64::from(u8::from(problem.labels[row]));
                            let weight = problem.weight(row);
                            (weight * (probability - truth), weight * probability * (1.0 - probability))
                        })
                        .collect();
                    rows.accumulate(range, &curve)
                })
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().expect("summing does not panic")).collect()
    });
    let mut parts = parts.into_iter();
    let (mut gradient, mut hessian) = parts.next().expect("there is one range or more");
    for (more_gradient, more_hessian) in parts {
        gradient += &more_gradient;
        hessian += &more_hessian;
    }
    for (column, weight) in fitted.weights.iter().enumerate() {
        gradient[column] += problem.penalty * weight;
        hessian[[column, column]] += problem.penalty;
    }
    (gradient.to_vec(), hessian)
}

/// Solves `hessian * x = gradient` by Cholesky; a column without information gets no step.
fn solve(mut matrix: Array2<f64>, gradient: &[f64]) -> Vec<f64> {
    let size = gradient.len();
    let flat = matrix.as_slice_mut().expect("a new matrix is contiguous");
    let mut dead = vec![false; size];
    for j in 0..size {
        let (above, from_row) = flat.split_at_mut(j * size);
        let row_j = &mut from_row[..size];
        for k in 0..j {
            let row_k = &above[k * size..k * size + k + 1];
            let mut sum = row_j[k];
            for (a, b) in row_j[..k].iter().zip(&row_k[..k]) {
                sum -= a * b;
            }
            row_j[k] = if dead[k] { 0.0 } else { sum / row_k[k] };
        }
        let original = row_j[j];
        let rest = original - row_j[..j].iter().map(|value| value * value).sum::<f64>();
        dead[j] = rest <= 1e-12 * original.abs().max(1e-300);
        row_j[j] = if dead[j] { 1.0 } else { rest.sqrt() };
    }
    let mut x = gradient.to_vec();
    for j in 0..size {
        let row = &flat[j * size..j * size + j + 1];
        let sum: f64 = row[..j].iter().zip(&x[..j]).map(|(a, b)| a * b).sum();
        x[j] = if dead[j] { 0.0 } else { (x[j] - sum) / row[j] };
    }
    for j in (0..size).rev() {
        x[j] /= flat[j * size + j];
        if dead[j] {
            x[j] = 0.0;
        }
        let value = x[j];
        for k in 0..j {
            x[k] -= flat[j * size + k] * value;
        }
    }
    x
}

impl Rows for Array2<f64> {
    fn rows(&self) -> usize {
        self.nrows()
    }

    fn columns(&self) -> usize {
        self.ncols()
    }

    fn log_odds(&self, fitted: &Fitted, range: std::ops::Range<usize>, out: &mut [f64]) {
        let weights = ndarray::aview1(&fitted.weights);
        let part = self.slice(ndarray::s![range, ..]).dot(&weights);
        for (out, odds) in out.iter_mut().zip(&part) {
            *out = odds + fitted.intercept;
        }
    }

    fn accumulate(&self, range: std::ops::Range<usize>, curve: &[(f64, f64)]) -> (Array1<f64>, Array2<f64>) {
        /// Rows of a block that stays in the cache.
        const BLOCK: usize = 512;
        let columns = self.ncols();
        let mut gradient = Array1::zeros(columns + 1);
        let mut hessian = Array2::zeros((columns + 1, columns + 1));
        let mut plain = Array2::zeros((BLOCK, columns + 1));
        let mut weighted = Array2::zeros((BLOCK, columns + 1));
        for (block, curve) in curve.chunks(BLOCK).enumerate() {
            let from = range.start + block * BLOCK;
            for (place, (_, bend)) in curve.iter().enumerate() {
                let row = self.row(from + place);
                let (mut as_is, mut scaled) = (plain.row_mut(place), weighted.row_mut(place));
                for ((value, as_is), scaled) in row.iter().zip(&mut as_is).zip(&mut scaled) {
                    *as_is = *value;
                    *scaled = bend * value;
                }
                (as_is[columns], scaled[columns]) = (1.0, *bend);
            }
            let slopes: Array1<f64> = curve.iter().map(|(slope, _)| *slope).collect();
            let used = ndarray::s![..curve.len(), ..];
            let product = plain.slice(used).t().dot(&weighted.slice(used));
            hessian += &product;
            gradient += &plain.slice(used).t().dot(&slopes);
        }
        (gradient, hessian)
    }
}

impl Rows for Coded {
    fn rows(&self) -> usize {
        self.rows
    }

    fn columns(&self) -> usize {
        self.columns
    }

    fn log_odds(&self, fitted: &Fitted, range: std::ops::Range<usize>, out: &mut [f64]) {
        let weights = self.spread(&fitted.weights);
        let (width, lines) = (self.blocks.len(), self.lines.len());
        for (out, row) in out.iter_mut().zip(range) {
            let codes = &self.codes[row * width..(row + 1) * width];
            let mut sum: f64 =
                fitted.intercept + codes.iter().map(|code| weights[*code as usize]).sum::<f64>();
            for (line, place) in self.lines.iter().enumerate() {
                // The sum above took the line as 1.
                sum += weights[self.code_starts[*place]] * (self.values[row * lines + line] - 1.0);
            }
            *out = sum;
        }
    }

    fn accumulate(&self, range: std::ops::Range<usize>, curve: &[(f64, f64)]) -> (Array1<f64>, Array2<f64>) {
        let (width, lines, count) = (self.blocks.len(), self.lines.len(), self.code_count());
        let size = count + 1;
        let mut gradient = vec![0.0; size];
        let mut hessian = vec![0.0; size * size];
        let is_line: Vec<Option<usize>> =
            (0..width).map(|block| self.lines.iter().position(|place| *place == block)).collect();
        let mut entries: Vec<(usize, f64)> = Vec::with_capacity(width + 1);
        for (row, (slope, bend)) in range.zip(curve) {
            entries.clear();
            for (block, code) in self.codes[row * width..(row + 1) * width].iter().enumerate() {
                // The usual code of a block is what the others leave of the intercept; see `complete`.
                if self.usual[block] != Some(*code) {
                    let value = is_line[block].map_or(1.0, |line| self.values[row * lines + line]);
                    entries.push((*code as usize, value));
                }
            }
            entries.push((count, 1.0));
            for (place, (code, value)) in entries.iter().enumerate() {
                gradient[*code] += slope * value;
                let scaled = bend * value;
                let into = &mut hessian[code * size..(code + 1) * size];
                for (other, other_value) in &entries[..=place] {
                    into[*other] += scaled * other_value;
                }
            }
        }
        self.complete(&mut gradient, &mut hessian);
        self.contract(&gradient, &hessian)
    }
}

impl Coded {
    /// Fills in the sums of the usual codes: the codes of a block sum to the intercept. Most rows have mostly
    /// usual codes, so leaving these out of the pass over the rows saves most of it.
    fn complete(&self, gradient: &mut [f64], hessian: &mut [f64]) {
        let (count, size) = (self.code_count(), self.code_count() + 1);
        for row in 0..size {
            for column in 0..row {
                hessian[column * size + row] = hessian[row * size + column];
            }
        }
        for (block, usual) in self.usual.iter().enumerate() {
            let Some(usual) = usual.map(usize::from) else { continue };
            let others = (self.code_starts[block]..self.code_starts[block + 1]).filter(|code| *code != usual);
            let mut row = hessian[count * size..].to_vec();
            gradient[usual] = gradient[count];
            for other in others {
                gradient[usual] -= gradient[other];
                for (sum, value) in row.iter_mut().zip(&hessian[other * size..(other + 1) * size]) {
                    *sum -= value;
                }
            }
            row[usual] = row[count];
            for (column, value) in row.into_iter().enumerate() {
                hessian[usual * size + column] = value;
                hessian[column * size + usual] = value;
            }
        }
    }

    /// From sums over codes to sums over columns; the lower triangle of `hessian` is filled.
    fn contract(&self, gradient: &[f64], hessian: &[f64]) -> (Array1<f64>, Array2<f64>) {
        let (codes, columns) = (self.code_count(), self.columns);
        let size = codes + 1;
        let intercept = [columns as u32];
        let of = |code: usize| if code == codes { &intercept[..] } else { &self.active[code][..] };
        let mut out_gradient = Array1::zeros(columns + 1);
        let mut half = Array2::<f64>::zeros((columns + 1, size));
        for (code, slope) in gradient.iter().enumerate() {
            for column in of(code) {
                out_gradient[*column as usize] += slope;
                for other in 0..size {
                    let at = if other <= code { code * size + other } else { other * size + code };
                    half[[*column as usize, other]] += hessian[at];
                }
            }
        }
        let mut out = Array2::zeros((columns + 1, columns + 1));
        for row in 0..=columns {
            for code in 0..size {
                let value = half[[row, code]];
                if value != 0.0 {
                    for column in of(code) {
                        out[[row, *column as usize]] += value;
                    }
                }
            }
        }
        (out_gradient, out)
    }
}
