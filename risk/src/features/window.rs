//! Time windows in a few bytes: decayed sums, rings of buckets, and counts of distinct values.

/// Seconds of an hour.
pub(crate) const HOUR_S: u32 = 3_600;
/// Seconds of a day.
pub(crate) const DAY_S: u32 = 86_400;

/// What remains of a decayed sum after `dt_s` seconds with the given time constant.
pub(crate) fn decay(dt_s: u32, constant_s: f32) -> f32 {
    if dt_s == 0 { 1.0 } else { (-(dt_s as f32) / constant_s).exp() }
}

/// A count over a sliding window, in `N` buckets of `slot_s` seconds. The newest bucket is still filling, so
/// the window spans between `N - 1` and `N` buckets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Ring<const N: usize> {
    pub(crate) slots: [u16; N],
}

impl<const N: usize> Default for Ring<N> {
    fn default() -> Self {
        Ring { slots: [0; N] }
    }
}

impl<const N: usize> Ring<N> {
    /// Forgets the buckets that `now_s` has passed since `last_s`, then counts one.
    pub(crate) fn add(&mut self, last_s: u32, now_s: u32, slot_s: u32) {
        let (last, now) = (last_s / slot_s, now_s / slot_s);
        let passed = now.saturating_sub(last).min(N as u32);
        for step in 0..passed {
            self.slots[(now - step) as usize % N] = 0;
        }
        let slot = &mut self.slots[now.max(last) as usize % N];
        *slot = slot.saturating_add(1);
    }

    /// Count of the window that ends at `now_s`; `last_s` is the time of the latest `add`.
    pub(crate) fn count(&self, last_s: u32, now_s: u32, slot_s: u32) -> u32 {
        let (last, now) = (last_s / slot_s, now_s / slot_s);
        let passed = now.saturating_sub(last).min(N as u32);
        let kept = N as u32 - passed;
        (0..kept).map(|step| u32::from(self.slots[(last.wrapping_sub(step)) as usize % N])).sum()
    }
}

/// Number of distinct keys of the running and the last period, by linear counting in 64 bits each. Exact to
/// about one for ten keys, and saturated at 266.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Distinct {
    pub(crate) now: u64,
    pub(crate) before: u64,
}

impl Distinct {
    /// Notes one key, already mixed; periods are `period_s` long.
    pub(crate) fn add(&mut self, last_s: u32, now_s: u32, key: u64) {
        *self = self.at(last_s, now_s);
        self.now |= bit(key);
    }

    /// The estimate if `key` were noted at `now_s`.
    pub(crate) fn count_with(&self, last_s: u32, now_s: u32, key: Option<u64>) -> f32 {
        let moved = self.at(last_s, now_s);
        let bits = moved.now | moved.before | key.map_or(0, bit);
        estimate(bits)
    }

    fn at(self, last_s: u32, now_s: u32) -> Self {
        match (now_s / DAY_S).saturating_sub(last_s / DAY_S) {
            0 => self,
            1 => Distinct { now: 0, before: self.now },
            _two_or_more => Distinct::default(),
        }
    }
}

fn bit(key: u64) -> u64 {
    1 << (crate::event::mix(key) >> 58)
}

fn estimate(bits: u64) -> f32 {
    let zeros = bits.count_zeros();
    if zeros == 0 { 266.0 } else { -64.0 * (zeros as f32 / 64.0).ln() }
}
