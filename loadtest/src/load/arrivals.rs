//! When requests are due: arrivals of an open model, which do not wait for the server.
//!
//! A shape is a rate over time, in straight pieces. Its integral counts the arrivals expected so far; the n-th arrival
//! is where that count reaches n (even spacing) or the sum of n exponential draws (a Poisson process, also of a changing
//! rate). So every shape has both spacings, and both are exact.

use crate::failure::{Failure, Result};
use crate::random::Random;
use std::time::Duration;

/// A stretch of time over which the rate goes from one value to another in a straight line; requests a second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Piece {
    pub seconds: f64,
    pub from: f64,
    pub to: f64,
}

/// How arrivals lie around the rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spacing {
    /// Equal steps.
    Even,
    /// Independent of each other, as of many clients.
    Poisson,
}

/// A rate over time.
#[derive(Debug, Clone, PartialEq)]
pub struct Shape {
    pieces: Vec<Piece>,
    spacing: Spacing,
}

/// The shapes that have a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Named {
    /// The rate, evenly spaced.
    Constant,
    /// The rate, at random moments.
    Poisson,
    /// From the rate to the peak in a straight line, at random moments.
    Ramp,
    /// From the rate to the peak in five equal steps, at random moments.
    Step,
    /// The rate, but the peak during the middle tenth, at random moments.
    Spike,
}

impl Shape {
    /// A shape of pieces, each with a length above zero and rates that are not negative.
    ///
    /// # Errors
    /// Says which piece is wrong.
    pub fn new(pieces: Vec<Piece>, spacing: Spacing) -> Result<Self> {
        for piece in &pieces {
            let good = piece.seconds > 0.0 && piece.from >= 0.0 && piece.to >= 0.0;
            if !(good && piece.seconds.is_finite() && piece.from.is_finite() && piece.to.is_finite()) {
                return Err(Failure::usage(format!("a piece of the load makes no sense: {piece:?}")));
            }
        }
        let shape = Self { pieces, spacing };
        if shape.expected() < 1.0 {
            return Err(Failure::usage("the load has not one request: raise --rate or --duration"));
        }
        Ok(shape)
    }

    /// The shape of a name, at `rate` and, where it has one, `peak`, for `length`.
    ///
    /// # Errors
    /// A rate of zero, or a length of zero.
    pub fn named(named: Named, (rate, peak): (f64, f64), length: Duration) -> Result<Self> {
        let total = length.as_secs_f64();
        let flat = |share: f64, rate: f64| Piece { seconds: total * share, from: rate, to: rate };
        let spacing = if named == Named::Constant { Spacing::Even } else { Spacing::Poisson };
        let pieces = match named {
            Named::Constant | Named::Poisson => vec![flat(1.0, rate)],
            Named::Ramp => vec![Piece { seconds: total, from: rate, to: peak }],
            Named::Step => {
                (0..5).map(|step| flat(0.2, rate + (peak - rate) * f64::from(step) / 4.0)).collect()
            }
            Named::Spike => vec![flat(0.45, rate), flat(0.1, peak), flat(0.45, rate)],
        };
        Self::new(pieces, spacing)
    }

    /// How many arrivals are expected in all.
    pub fn expected(&self) -> f64 {
        self.pieces.iter().map(|p| p.seconds * (p.from + p.to) / 2.0).sum()
    }

    /// How long it lasts.
    pub fn length(&self) -> Duration {
        Duration::from_secs_f64(self.pieces.iter().map(|p| p.seconds).sum())
    }

    /// The arrivals of a seed, as distances from the start, in order.
    pub fn arrivals(&self, seed: u64) -> Arrivals {
        // Even steps begin in the middle of the first, so that as many arrive as are expected.
        let count = if self.spacing == Spacing::Even { -0.5 } else { 0.0 };
        Arrivals {
            shape: self.clone(),
            random: Random::new(seed, 0xA221),
            count,
            piece: 0,
            before: (0.0, 0.0),
        }
    }
}

/// The moments of one run.
#[derive(Debug, Clone)]
pub struct Arrivals {
    shape: Shape,
    random: Random,
    /// The integral of the rate at the arrival before.
    count: f64,
    piece: usize,
    /// Seconds and count at the start of the piece.
    before: (f64, f64),
}

impl Iterator for Arrivals {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        self.count += match self.shape.spacing {
            Spacing::Even => 1.0,
            Spacing::Poisson => self.random.exponential(),
        };
        loop {
            let piece = self.shape.pieces.get(self.piece)?;
            let inside = self.count - self.before.1;
            let area = piece.seconds * (piece.from + piece.to) / 2.0;
            // Half a billionth of an arrival: the sum of a million steps of exactly one must not lose the last.
            if inside <= area + 5e-10 {
                let at = self.before.0 + solve(piece, inside).min(piece.seconds);
                return Some(Duration::from_secs_f64(at.max(0.0)));
            }
            self.before = (self.before.0 + piece.seconds, self.before.1 + area);
            self.piece += 1;
        }
    }
}

/// Where in the piece the count reaches `count`: the root of `slope/2 t^2 + from t = count`.
fn solve(piece: &Piece, count: f64) -> f64 {
    let slope = (piece.to - piece.from) / piece.seconds;
    let root = (piece.from * piece.from + 2.0 * slope * count).max(0.0).sqrt();
    let divisor = piece.from + root;
    if divisor > 0.0 { 2.0 * count / divisor } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(named: Named, rate: f64, peak: f64, length: u64) -> Vec<f64> {
        let shape = Shape::named(named, (rate, peak), Duration::from_secs(length)).expect("a good shape");
        shape.arrivals(42).map(|at| at.as_secs_f64()).collect()
    }

    fn within(times: &[f64], from: f64, to: f64) -> f64 {
        times.iter().filter(|&&t| t >= from && t < to).count() as f64
    }

    #[test]
    fn constant_is_even_to_the_microsecond() {
        let times = seconds(Named::Constant, 1_000.0, 0.0, 10);
        assert_eq!(times.len(), 10_000);
        for (index, at) in times.iter().enumerate() {
            assert!((at - (index as f64 + 0.5) / 1_000.0).abs() < 1e-6, "{index}: {at}");
        }
    }

    #[test]
    fn poisson_has_its_mean_and_its_variance() {
        let times = seconds(Named::Poisson, 2_000.0, 0.0, 50);
        let count = times.len() as f64;
        assert!((count - 100_000.0).abs() < 5.0 * 100_000_f64.sqrt(), "{count}");
        let gaps: Vec<f64> = times.windows(2).map(|w| w[1] - w[0]).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let variance = gaps.iter().map(|g| (g - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
        // Of an exponential law the deviation is the mean.
        assert!((variance.sqrt() / mean - 1.0).abs() < 0.02, "{}", variance.sqrt() / mean);
        // Counts of disjoint milliseconds: variance equals mean.
        let mut bins = vec![0.0; 50_000];
        times.iter().for_each(|t| bins[((t * 1_000.0) as usize).min(49_999)] += 1.0);
        let mean = bins.iter().sum::<f64>() / bins.len() as f64;
        let variance = bins.iter().map(|b| (b - mean) * (b - mean)).sum::<f64>() / bins.len() as f64;
        assert!((variance / mean - 1.0).abs() < 0.05, "{}", variance / mean);
    }

    #[test]
    fn ramp_step_and_spike_have_their_rates() {
        let ramp = seconds(Named::Ramp, 0.0, 2_000.0, 20);
        assert!((ramp.len() as f64 - 20_000.0).abs() < 800.0, "{}", ramp.len());
        assert!((within(&ramp, 0.0, 10.0) / ramp.len() as f64 - 0.25).abs() < 0.02);
        let step = seconds(Named::Step, 1_000.0, 5_000.0, 10);
        for (index, rate) in [1_000.0, 2_000.0, 3_000.0, 4_000.0, 5_000.0].into_iter().enumerate() {
            let from = index as f64 * 2.0;
            assert!((within(&step, from, from + 2.0) - 2.0 * rate).abs() < 5.0 * (2.0 * rate).sqrt());
        }
        let spike = seconds(Named::Spike, 500.0, 20_000.0, 10);
        assert!((within(&spike, 4.5, 5.5) - 20_000.0).abs() < 800.0);
        assert!((within(&spike, 0.0, 4.5) - 2_250.0).abs() < 250.0);
    }

    #[test]
    fn arrivals_are_in_order_and_repeat_by_seed() {
        for named in [Named::Constant, Named::Poisson, Named::Ramp, Named::Step, Named::Spike] {
            let times = seconds(named, 100.0, 900.0, 5);
            assert!(times.windows(2).all(|w| w[0] <= w[1]), "{named:?}");
            assert_eq!(times, seconds(named, 100.0, 900.0, 5));
            assert!(times.iter().all(|&t| t <= 5.0 + 1e-9));
        }
    }

    #[test]
    fn senseless_shapes_are_refused() {
        let second = Duration::from_secs(1);
        assert!(Shape::named(Named::Constant, (0.0, 0.0), second).is_err());
        assert!(Shape::named(Named::Constant, (-5.0, 0.0), second).is_err());
        assert!(Shape::named(Named::Ramp, (1.0, f64::NAN), second).is_err());
        assert!(Shape::named(Named::Constant, (100.0, 0.0), Duration::ZERO).is_err());
    }
}
