//! What is remembered of one entity: velocity, amounts and delayed labels, in less than 200 bytes.

use super::window::{DAY_S, Distinct, HOUR_S, Ring, decay};

/// Time constants of the decayed counts, seconds: an hour, a day, a week, thirty days.
const COUNT_CONSTANTS_S: [f32; 4] = [3.6e3, 8.64e4, 6.048e5, 2.592e6];
/// Time constants of the decayed declines, seconds: an hour and a day.
const DECLINE_CONSTANTS_S: [f32; 2] = [3.6e3, 8.64e4];
/// Bucket of the one-hour window, seconds.
const MINUTES_SLOT_S: u32 = 600;
/// Bucket of the one-day window, seconds.
const HOURS_SLOT_S: u32 = 3 * HOUR_S;
/// Time constants of the memory of odd amounts, seconds: three and fourteen days.
const ODD_CONSTANTS_S: [f32; 2] = [2.592e5, 1.2096e6];
/// Payments after which the history of amounts starts to forget.
const AMOUNT_MEMORY: f32 = 200.0;
/// An amount this many spreads above the mean is odd (the three-sigma convention).
const ODD_Z: f32 = 3.0;
/// Payments that a history needs before an amount can be odd against it.
const ODD_NEEDS: f32 = 4.0;
/// A pause of this length ends an episode, seconds.
const EPISODE_GAP_S: u32 = 14 * DAY_S;
/// Time constants of the delayed labels, seconds: a week and thirty days.
const RISK_CONSTANTS_S: [f32; 2] = [6.048e5, 2.592e6];

/// How often, and from where.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Velocity {
    pub(crate) first_s: u32,
    pub(crate) last_s: u32,
    pub(crate) total: u32,
    /// When the declines were last decayed.
    pub(crate) declined_s: u32,
    pub(crate) counts: [f32; 4],
    /// Decayed amounts, a day and a week.
    pub(crate) sums: [f32; 2],
    pub(crate) declines: [f32; 2],
    pub(crate) minutes: Ring<6>,
    pub(crate) hours: Ring<8>,
    pub(crate) days: Ring<8>,
    pub(crate) distinct: Distinct,
}

impl Velocity {
    pub(crate) fn add(&mut self, now_s: u32, amount: f32, counterpart: Option<u64>) {
        if self.total == 0 {
            (self.first_s, self.last_s) = (now_s, now_s);
        }
        let now_s = now_s.max(self.last_s);
        let dt = now_s - self.last_s;
        for (count, constant) in self.counts.iter_mut().zip(COUNT_CONSTANTS_S) {
            *count = *count * decay(dt, constant) + 1.0;
        }
        for (sum, constant) in self.sums.iter_mut().zip(&COUNT_CONSTANTS_S[1..]) {
            *sum = *sum * decay(dt, *constant) + amount;
        }
        self.minutes.add(self.last_s, now_s, MINUTES_SLOT_S);
        self.hours.add(self.last_s, now_s, HOURS_SLOT_S);
        self.days.add(self.last_s, now_s, DAY_S);
        if let Some(key) = counterpart {
            self.distinct.add(self.last_s, now_s, key);
        }
        self.last_s = now_s;
        self.total = self.total.saturating_add(1);
    }

    pub(crate) fn decline(&mut self, now_s: u32) {
        let now_s = now_s.max(self.declined_s);
        for (count, constant) in self.declines.iter_mut().zip(DECLINE_CONSTANTS_S) {
            *count = *count * decay(now_s - self.declined_s, constant) + 1.0;
        }
        self.declined_s = now_s;
    }

    pub(crate) fn since_last_s(&self, now_s: u32) -> u32 {
        now_s.saturating_sub(self.last_s)
    }

    pub(crate) fn count_1h(&self, now_s: u32) -> u32 {
        self.minutes.count(self.last_s, now_s, MINUTES_SLOT_S)
    }

    pub(crate) fn count_1d(&self, now_s: u32) -> u32 {
        self.hours.count(self.last_s, now_s, HOURS_SLOT_S)
    }

    pub(crate) fn count_7d(&self, now_s: u32) -> u32 {
        self.days.count(self.last_s, now_s, DAY_S)
    }

    pub(crate) fn decayed_count(&self, window: usize, now_s: u32) -> f32 {
        self.counts[window] * decay(self.since_last_s(now_s), COUNT_CONSTANTS_S[window])
    }

    pub(crate) fn decayed_sum(&self, window: usize, now_s: u32) -> f32 {
        self.sums[window] * decay(self.since_last_s(now_s), COUNT_CONSTANTS_S[window + 1])
    }

    pub(crate) fn decayed_declines(&self, window: usize, now_s: u32) -> f32 {
        self.declines[window] * decay(now_s.saturating_sub(self.declined_s), DECLINE_CONSTANTS_S[window])
    }
}

/// What it usually pays, resistant to a few odd payments, and a memory of those.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Amounts {
    pub(crate) weight: f32,
    pub(crate) mean: f32,
    pub(crate) variance: f32,
    pub(crate) largest: f32,
    pub(crate) odd_first_s: u32,
    pub(crate) odd_last_s: u32,
    pub(crate) odd: [f32; 2],
}

impl Amounts {
    /// Spread of the history; at least a twentieth of the mean, so that a constant history divides.
    pub(crate) fn spread(&self) -> f32 {
        self.variance.max(0.0).sqrt().max(0.05 * self.mean).max(1e-3)
    }

    /// Spreads that `amount` lies above the mean.
    pub(crate) fn z(&self, amount: f32) -> f32 {
        (amount - self.mean) / self.spread()
    }

    /// Whether the history is long enough to judge by.
    pub(crate) fn settled(&self) -> bool {
        self.weight >= ODD_NEEDS
    }

    pub(crate) fn add(&mut self, now_s: u32, amount: f32) {
        let mut usual = amount;
        if self.settled() {
            let z = self.z(amount);
            if z > ODD_Z {
                self.note_odd(now_s, z);
                usual = self.mean + ODD_Z * self.spread();
            }
        }
        self.largest = self.largest.max(usual);
        self.weight = (self.weight + 1.0).min(AMOUNT_MEMORY);
        let step = 1.0 / self.weight;
        let off = usual - self.mean;
        self.mean += step * off;
        self.variance = (1.0 - step) * (self.variance + step * off * off);
    }

    fn note_odd(&mut self, now_s: u32, z: f32) {
        let dt = now_s.saturating_sub(self.odd_last_s);
        if self.odd_last_s == 0 || dt > EPISODE_GAP_S {
            self.odd_first_s = now_s;
        }
        for (sum, constant) in self.odd.iter_mut().zip(ODD_CONSTANTS_S) {
            *sum = *sum * decay(dt, constant) + (z / ODD_Z).min(3.0);
        }
        self.odd_last_s = now_s;
    }

    pub(crate) fn decayed_odd(&self, window: usize, now_s: u32) -> f32 {
        self.odd[window] * decay(now_s.saturating_sub(self.odd_last_s), ODD_CONSTANTS_S[window])
    }
}

/// What labels, once their delay had passed, have said.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Risk {
    /// When the sums were last decayed; moments of knowing, not of paying.
    pub(crate) known_s: u32,
    pub(crate) known: [f32; 2],
    pub(crate) fraud: [f32; 2],
    /// Decayed frauds (thirty days) that the card's own history of amounts does not explain.
    pub(crate) plain: f32,
    /// Latest labels that were fraud without a genuine one between them.
    pub(crate) run: u16,
    /// Genuine labels since the latest fraud.
    pub(crate) genuine_since: u16,
    pub(crate) run_first_s: u32,
    pub(crate) episode_first_s: u32,
    pub(crate) last_fraud_s: u32,
}

/// A payment whose label delay has passed, as the entity's history takes it in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Matured {
    /// When it was paid.
    pub(crate) paid_s: u32,
    /// When it matured.
    pub(crate) known_s: u32,
    /// Share of a fraud that odd amounts do not explain, 0 to 1.
    pub(crate) plainness: f32,
}

impl Risk {
    fn advance(&mut self, now_s: u32) {
        let dt = now_s.saturating_sub(self.known_s);
        for (window, constant_s) in RISK_CONSTANTS_S.into_iter().enumerate() {
            let kept = decay(dt, constant_s);
            self.known[window] *= kept;
            self.fraud[window] *= kept;
        }
        self.plain *= decay(dt, RISK_CONSTANTS_S[1]);
        self.known_s = self.known_s.max(now_s);
    }

    pub(crate) fn genuine(&mut self, payment: Matured) {
        self.advance(payment.known_s);
        self.known.iter_mut().for_each(|known| *known += 1.0);
        self.run = 0;
        self.genuine_since = self.genuine_since.saturating_add(1);
    }

    pub(crate) fn fraud(&mut self, payment: Matured) {
        self.advance(payment.known_s);
        self.known.iter_mut().for_each(|known| *known += 1.0);
        self.note_fraud(payment);
    }

    /// A payment that had counted as genuine turned out to be fraud.
    pub(crate) fn fraud_after_all(&mut self, payment: Matured) {
        self.advance(payment.known_s);
        self.note_fraud(payment);
    }

    /// A payment that had counted as fraud turned out to be genuine.
    pub(crate) fn genuine_after_all(&mut self, payment: Matured) {
        self.advance(payment.known_s);
        let age_s = payment.known_s.saturating_sub(payment.paid_s);
        for (window, constant_s) in RISK_CONSTANTS_S.into_iter().enumerate() {
            let part = decay(age_s, constant_s);
            self.fraud[window] = (self.fraud[window] - part).max(0.0);
        }
        self.plain = (self.plain - payment.plainness * decay(age_s, RISK_CONSTANTS_S[1])).max(0.0);
        self.run = self.run.saturating_sub(1);
    }

    fn note_fraud(&mut self, payment: Matured) {
        self.fraud.iter_mut().for_each(|fraud| *fraud += 1.0);
        self.plain += payment.plainness;
        if self.run == 0 {
            self.run_first_s = payment.paid_s;
        }
        let pause_s = payment.paid_s.saturating_sub(self.last_fraud_s);
        if self.last_fraud_s == 0 || pause_s > EPISODE_GAP_S {
            self.episode_first_s = payment.paid_s;
        }
        self.run = self.run.saturating_add(1);
        self.genuine_since = 0;
        self.last_fraud_s = self.last_fraud_s.max(payment.paid_s);
    }

    /// Decayed labels and frauds of a window at `now_s`.
    pub(crate) fn decayed(&self, window: usize, now_s: u32) -> (f32, f32) {
        let kept = decay(now_s.saturating_sub(self.known_s), RISK_CONSTANTS_S[window]);
        (self.known[window] * kept, self.fraud[window] * kept)
    }

    pub(crate) fn decayed_plain(&self, now_s: u32) -> f32 {
        self.plain * decay(now_s.saturating_sub(self.known_s), RISK_CONSTANTS_S[1])
    }
}

/// Everything remembered of one entity.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct EntityState {
    pub(crate) velocity: Velocity,
    pub(crate) amounts: Amounts,
    pub(crate) risk: Risk,
    /// When an issuer first approved it, seconds; 0: never, or no card.
    pub(crate) approved_s: u32,
    /// Second chance against eviction: seen again since it was last considered.
    pub(crate) referenced: bool,
}

impl EntityState {
    /// Reads something of each part, and does nothing with it: the processor fetches all of it from memory, and waits for none.
    #[inline]
    pub(crate) fn touch(&self) {
        let velocity = &self.velocity;
        let counted = velocity.first_s ^ u32::from(velocity.days.slots[7]) ^ velocity.distinct.now as u32;
        std::hint::black_box(counted ^ self.amounts.odd_first_s ^ self.risk.last_fraud_s);
    }
}

const _: () = assert!(size_of::<EntityState>() <= 200, "an entity must fit 256 bytes with its key and place");
