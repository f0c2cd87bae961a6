//! What acquirers approved lately, a segment, and drawing from what is known of them (Thompson sampling).
//!
//! Every acquirer's approval rate has a Beta distribution: what is believed of it. One draw each, and the highest draw is asked
//! first: whoever is probably best gets most of the traffic, and whoever is little known is tried now and then. Old answers
//! fade, so a rate that changes is learned again.
//!
//! No floating point: with whole counts a and b, Beta(a, b) is the a-th smallest of a + b - 1 numbers that are drawn evenly,
//! and with many of both it is close to a bell curve. So a draw is the same on every machine.

use super::draw::Draws;
use dashmap::DashMap;
use gateway_core::card::Brand;
use gateway_core::id::MerchantId;
use gateway_core::money::Currency;
use std::sync::Mutex;

/// One answer, in the counts.
const ONE: u64 = 1 << 16;
/// Segments that are told apart. Payments of further ones share one.
const MAX_SEGMENTS: usize = 4_096;
/// From so many approvals and declines on, the bell curve serves.
const MANY: u64 = 12;

/// What payments have in common that are learned from together. What is not looked at is left empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Segment {
    pub(super) live: bool,
    pub(super) currency: Option<Currency>,
    pub(super) brand: Option<Brand>,
    pub(super) country: Option<[u8; 2]>,
    pub(super) bin: Option<u32>,
    pub(super) merchant: Option<MerchantId>,
}

/// Approvals and declines of one acquirer, faded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Tally {
    pub(super) approved: u32,
    pub(super) declined: u32,
}

impl Tally {
    /// In one number, as it is recorded.
    pub(super) const fn pack(self) -> u64 {
        (self.approved as u64) << 32 | self.declined as u64
    }

    pub(super) const fn unpack(packed: u64) -> Self {
        Self { approved: (packed >> 32) as u32, declined: packed as u32 }
    }
}

/// The counts of one acquirer, in parts of an answer.
#[derive(Debug, Clone, Copy, Default)]
struct Arm {
    approved: u64,
    declined: u64,
}

impl Arm {
    fn tally(self) -> Tally {
        let whole = |parts: u64| u32::try_from((parts + ONE / 2) / ONE).unwrap_or(u32::MAX);
        Tally { approved: whole(self.approved), declined: whole(self.declined) }
    }
}

/// What is known of all acquirers, a segment.
#[derive(Default)]
pub(super) struct Bandit {
    segments: DashMap<Segment, Mutex<Vec<Arm>>>,
}

impl Bandit {
    /// What is known of these acquirers in this segment.
    pub(super) fn tallies(&self, segment: &Segment, targets: &[usize]) -> Vec<Tally> {
        let Some(arms) = self.segments.get(&self.known(segment)) else {
            return vec![Tally::default(); targets.len()];
        };
        let arms = arms.lock().expect("no code panics while it holds this lock");
        targets.iter().map(|target| arms.get(*target).copied().unwrap_or_default().tally()).collect()
    }

    /// An acquirer answered. Everything known of the segment fades by one part in `memory`.
    pub(super) fn learn(&self, segment: &Segment, (target, approved): (usize, bool), memory: u32) {
        let arms = self.segments.entry(self.known(segment)).or_default();
        let mut arms = arms.lock().expect("no code panics while it holds this lock");
        if arms.len() <= target {
            arms.resize(target + 1, Arm::default());
        }
        let memory = u64::from(memory.max(1));
        for arm in arms.iter_mut() {
            arm.approved -= arm.approved / memory;
            arm.declined -= arm.declined / memory;
        }
        if approved {
            arms[target].approved += ONE;
        } else {
            arms[target].declined += ONE;
        }
    }

    fn known(&self, segment: &Segment) -> Segment {
        let room = self.segments.len() < MAX_SEGMENTS || self.segments.contains_key(segment);
        if room { *segment } else { Segment { live: segment.live, ..Segment::default() } }
    }
}

/// A draw from what is believed of an approval rate, of 2^32.
pub(super) fn beta(draws: &mut Draws, tally: Tally) -> u32 {
    // One of each before anything is known: every rate is as likely.
    let (a, b) = (u64::from(tally.approved) + 1, u64::from(tally.declined) + 1);
    if a.min(b) >= MANY { bell(draws, a, b) } else { exact(draws, a, b) }
}

/// The a-th smallest of a + b - 1.
fn exact(draws: &mut Draws, a: u64, b: u64) -> u32 {
    let count = usize::try_from(a + b - 1).unwrap_or(usize::MAX);
    let mut drawn = Vec::with_capacity(count + 1);
    while drawn.len() < count {
        let two = draws.next();
        drawn.push((two >> 32) as u32);
        drawn.push(two as u32);
    }
    drawn.truncate(count);
    *drawn.select_nth_unstable(usize::try_from(a - 1).unwrap_or(0)).1
}

/// By the bell curve that a Beta distribution with large counts is close to: its mean and deviation, and a sum of twelve
/// even draws, which varies by one.
fn bell(draws: &mut Draws, a: u64, b: u64) -> u32 {
    // Counts are answers, far below 2^20, so that nothing here leaves its 64 bits.
    let n = a + b;
    let mean = (a << 32) / n;
    // A variance is a quarter at most: its root, of 2^32, is that of the variance of 2^64, which has no place. Of 2^60 it has.
    let share = (a << 30) / n;
    let variance = share * ((1 << 30) - share) / (n + 1);
    let deviation = variance.isqrt() << 2;
    let mut twelve = 0u64;
    for _pair in 0..6 {
        let two = draws.next();
        twelve += (two >> 32) + (two & 0xFFFF_FFFF);
    }
    let above = twelve.abs_diff(6 << 32);
    let off = (u128::from(deviation) * u128::from(above)) >> 32;
    let off = u64::try_from(off).unwrap_or(u64::MAX);
    let drawn = if twelve >= 6 << 32 { mean.saturating_add(off) } else { mean.saturating_sub(off) };
    u32::try_from(drawn).unwrap_or(u32::MAX)
}

#[cfg(test)]
#[path = "bandit_tests.rs"]
mod tests;
