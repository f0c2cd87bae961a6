//! One window: how unknown cards have fared there lately, and whether it refuses more of them.

use super::{Limit, Outcome};

/// Outcomes lose half of their weight in this time.
const FADE_MS: f32 = 600_000.0;
/// What is awaited and never told is forgotten at this pace.
const FORGET_MS: f32 = 30_000.0;
/// Attempts that are let through after a pause, to see whether it is over.
const PROBES: u8 = 10;
/// Pauses are doubled this often at most.
const DOUBLINGS: u8 = 6;

/// What a window says to an unknown card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Passes,
    Refuses,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Window {
    key: u64,
    last_ms: i64,
    /// It refuses until then; 0: it never tripped, or was found well again.
    until_ms: i64,
    awaited: f32,
    outcomes: f32,
    declines: f32,
    /// How often it tripped without being well in between.
    trips: u8,
    /// Probes that may still be let through.
    probes: u8,
    probes_good: u8,
    probes_bad: u8,
    used: bool,
}

impl Window {
    pub(super) fn of(key: u64) -> Self {
        Window { key, used: true, ..Window::default() }
    }

    pub(super) const fn is_of(&self, key: u64) -> bool {
        self.used && self.key == key
    }

    pub(super) const fn is_tripped(&self) -> bool {
        self.until_ms > 0
    }

    /// The smaller, the sooner it makes room: unused, then old, then old and tripped.
    pub(super) const fn worth(&self) -> (bool, bool, i64) {
        (self.used, self.is_tripped(), self.last_ms)
    }

    fn fade(&mut self, now_ms: i64) {
        let passed = (now_ms - self.last_ms).max(0) as f32;
        if passed > 0.0 && self.last_ms > 0 {
            let kept = (-passed / FADE_MS).exp2();
            self.outcomes *= kept;
            self.declines *= kept;
            self.awaited *= (-passed / FORGET_MS).exp2();
        }
        self.last_ms = self.last_ms.max(now_ms);
    }

    /// What it says now.
    pub(super) fn state(&mut self, now_ms: i64, limit: &Limit, pause_ms: i64) -> State {
        self.fade(now_ms);
        if self.until_ms > 0 {
            if now_ms < self.until_ms {
                return State::Refuses;
            }
            // Probes whose outcome never came must not keep it shut.
            if self.probes == 0 && now_ms >= self.until_ms.saturating_add(pause_ms) {
                (self.probes, self.probes_good, self.probes_bad) = (PROBES, 0, 0);
                self.until_ms = now_ms;
            }
            return if self.probes > 0 { State::Passes } else { State::Refuses };
        }
        if self.awaited >= limit.awaited { State::Refuses } else { State::Passes }
    }

    /// One is let through.
    pub(super) fn admit(&mut self, now_ms: i64) {
        self.fade(now_ms);
        self.awaited += 1.0;
        if self.until_ms > 0 {
            self.probes = self.probes.saturating_sub(1);
        }
    }

    /// What became of one that was let through.
    pub(super) fn told(&mut self, outcome: Outcome, (now_ms, pause_ms): (i64, i64), limit: &Limit) {
        self.fade(now_ms);
        self.awaited = (self.awaited - 1.0).max(0.0);
        let declined = match outcome {
            Outcome::Approved => false,
            Outcome::Declined => true,
            Outcome::Unknown => return,
        };
        if self.until_ms > 0 {
            // Those that were under way when it tripped say nothing new.
            if now_ms >= self.until_ms {
                self.probed(declined, (now_ms, pause_ms), limit);
            }
            return;
        }
        self.outcomes += 1.0;
        self.declines += f32::from(u8::from(declined));
        if self.outcomes >= limit.outcomes && self.declines >= self.outcomes * limit.declines {
            self.trip(now_ms, pause_ms);
        }
    }

    fn probed(&mut self, declined: bool, (now_ms, pause_ms): (i64, i64), limit: &Limit) {
        if declined {
            self.probes_bad += 1;
        } else {
            self.probes_good += 1;
        }
        let seen = self.probes_bad + self.probes_good;
        if seen < PROBES {
            return;
        }
        if f32::from(self.probes_bad) >= f32::from(seen) * limit.declines {
            self.trip(now_ms, pause_ms);
        } else {
            *self = Window { last_ms: self.last_ms, awaited: self.awaited, ..Window::of(self.key) };
        }
    }

    fn trip(&mut self, now_ms: i64, pause_ms: i64) {
        self.until_ms = now_ms.saturating_add(pause_ms << self.trips.min(DOUBLINGS)).max(1);
        self.trips = self.trips.saturating_add(1);
        (self.probes, self.probes_good, self.probes_bad) = (PROBES, 0, 0);
        (self.outcomes, self.declines) = (0.0, 0.0);
    }
}
