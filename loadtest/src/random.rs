//! Seeded randomness: the same seed gives the same load, on every machine and in every version.

/// xoshiro256++ (Blackman and Vigna), seeded by SplitMix64. Not for secrets.
#[derive(Debug, Clone)]
pub struct Random {
    state: [u64; 4],
}

/// One step of SplitMix64.
fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

impl Random {
    /// A stream of its own for each pair of seed and purpose.
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut state = seed ^ stream.wrapping_mul(0xD6E8_FEB8_6659_FD93);
        Self { state: std::array::from_fn(|_| split_mix(&mut state)) }
    }

    /// 64 uniform bits.
    pub fn bits(&mut self) -> u64 {
        let s = &mut self.state;
        let out = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        out
    }

    /// Uniform in `[0, 1)`.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
    }

    /// Uniform in `0..bound`; 0 if the bound is 0. The bias is below 2^-32 for the bounds used here.
    pub fn below(&mut self, bound: u64) -> u64 {
        let wide = u128::from(self.bits()) * u128::from(bound);
        (wide >> 64) as u64
    }

    /// Exponential with mean 1.
    pub fn exponential(&mut self) -> f64 {
        -(1.0 - self.unit()).ln()
    }
}

/// Ranks `0..count` with probability proportional to `1 / (rank + 1)^skew`, by rejection-inversion (Hörmann and
/// Derflinger, 1996): no table, whatever the count.
#[derive(Debug, Clone, Copy)]
pub struct Zipf {
    count: f64,
    skew: f64,
    low: f64,
    high: f64,
    near: f64,
}

impl Zipf {
    /// `count` is at least 1; a skew of 0 is uniform.
    pub fn new(count: u64, skew: f64) -> Self {
        let count = count.max(1) as f64;
        let mut zipf = Self { count, skew: skew.max(0.0), low: 0.0, high: 0.0, near: 0.0 };
        zipf.low = zipf.integral(1.5) - 1.0;
        zipf.high = zipf.integral(count + 0.5);
        zipf.near = 2.0 - zipf.inverse(zipf.integral(2.5) - zipf.weight(2.0));
        zipf
    }

    fn weight(&self, x: f64) -> f64 {
        (-self.skew * x.ln()).exp()
    }

    fn integral(&self, x: f64) -> f64 {
        let log = x.ln();
        expm1_over((1.0 - self.skew) * log) * log
    }

    fn inverse(&self, y: f64) -> f64 {
        let t = (y * (1.0 - self.skew)).max(-1.0);
        (log1p_over(t) * y).exp()
    }

    /// The next rank, the most frequent being 0.
    pub fn rank(&self, random: &mut Random) -> u64 {
        loop {
            let u = self.high + random.unit() * (self.low - self.high);
            let x = self.inverse(u);
            let k = x.round().clamp(1.0, self.count);
            if k - x <= self.near || u >= self.integral(k + 0.5) - self.weight(k) {
                return k as u64 - 1;
            }
        }
    }
}

/// `(e^x - 1) / x`, continued at 0.
fn expm1_over(x: f64) -> f64 {
    if x.abs() > 1e-8 { x.exp_m1() / x } else { 1.0 + x * 0.5 * (1.0 + x / 3.0) }
}

/// `ln(1 + x) / x`, continued at 0.
fn log1p_over(x: f64) -> f64 {
    if x.abs() > 1e-8 { x.ln_1p() / x } else { 1.0 - x * (0.5 - x / 3.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_and_streams_differ() {
        let draw = |seed, stream| {
            let mut random = Random::new(seed, stream);
            (0..8).map(|_| random.bits()).collect::<Vec<_>>()
        };
        assert_eq!(draw(7, 1), draw(7, 1));
        assert_ne!(draw(7, 1), draw(7, 2));
        assert_ne!(draw(7, 1), draw(8, 1));
    }

    #[test]
    fn below_is_even_and_within() {
        let mut random = Random::new(3, 0);
        let mut counts = [0_u32; 10];
        for _ in 0..100_000 {
            counts[random.below(10) as usize] += 1;
        }
        assert!(counts.iter().all(|&count| (9_500..10_500).contains(&count)), "{counts:?}");
    }

    #[test]
    fn zipf_has_the_frequencies_of_its_law() {
        for skew in [0.0, 0.8, 1.0, 1.3] {
            let zipf = Zipf::new(1_000, skew);
            let mut random = Random::new(11, 0);
            let mut counts = vec![0_u32; 1_000];
            let draws = 400_000;
            for _ in 0..draws {
                counts[zipf.rank(&mut random) as usize] += 1;
            }
            let norm: f64 = (1..=1_000).map(|k| f64::from(k).powf(-skew)).sum();
            for rank in [0_usize, 1, 9, 99] {
                let expected = f64::from(draws) * ((rank + 1) as f64).powf(-skew) / norm;
                let got = f64::from(counts[rank]);
                assert!(
                    (got - expected).abs() < 5.0 * expected.sqrt() + 1.0,
                    "{skew} {rank}: {got} {expected}"
                );
            }
        }
    }
}
