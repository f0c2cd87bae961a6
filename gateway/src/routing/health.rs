//! How one acquirer is doing: what is in flight to it, how long it takes, and its circuit breaker.

use super::breaker::{Breaker, Came, Circuit};
use super::meters::Meters;
use super::settings::Breaker as Settings;
use gateway_core::acquirer::{Answer, Link};
use gateway_core::payment::Standing;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

/// Answers count for this part of the average, as a power of two: one eighth.
const SHARE_SHIFT: u32 = 3;
/// An average that nothing was added to is halved after this time, so that one slow answer is forgiven.
const HALF_LIFE_NS: u64 = 10_000_000_000;

/// The time that answers take: an average in which the latest count most.
#[derive(Debug, Default, Clone, Copy)]
struct Pace {
    average_ns: u64,
    at_ns: u64,
}

impl Pace {
    fn add(&mut self, took_ns: u64, now_ns: u64) {
        let average = self.average_ns;
        self.average_ns = match (average, took_ns >= average) {
            (0, _) => took_ns,
            (_, true) => average + ((took_ns - average) >> SHARE_SHIFT),
            (_, false) => average - ((average - took_ns) >> SHARE_SHIFT),
        };
        self.at_ns = now_ns;
    }

    fn microseconds(self, now_ns: u64) -> u64 {
        let halvings = u32::try_from(now_ns.saturating_sub(self.at_ns) / HALF_LIFE_NS).unwrap_or(u32::MAX);
        self.average_ns.checked_shr(halvings).unwrap_or(0) / 1_000
    }
}

#[derive(Debug, Default)]
struct State {
    breaker: Breaker,
    pace: Pace,
}

/// What is known of one acquirer.
pub(super) struct Health {
    in_flight: AtomicU32,
    state: Mutex<State>,
    pub(super) meters: Meters,
}

/// What is asked of a message before it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gate {
    /// A new authorization: it can wait, or go elsewhere.
    Closed,
    /// It concerns what the acquirer holds already, and nobody else can answer.
    Open,
}

/// Why a new authorization is not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Held {
    Full,
    Circuit,
}

impl Held {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Held::Full => "as many messages are in flight as may be",
            Held::Circuit => "the circuit breaker is open",
        }
    }
}

impl Health {
    pub(super) fn new(name: &str) -> Self {
        Self { in_flight: AtomicU32::new(0), state: Mutex::default(), meters: Meters::of(name) }
    }

    fn with_state<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        act(&mut self.state.lock().expect("no code panics while it holds this lock"))
    }

    /// How it stands for a new authorization.
    pub(super) fn standing(&self, now_ns: u64, link: Link, most: u32) -> Standing {
        if self.with_state(|state| state.breaker.circuit(now_ns, link)) == Circuit::Open {
            return Standing::Open;
        }
        if self.in_flight.load(Ordering::Relaxed) >= most {
            return Standing::Full;
        }
        match link {
            Link::Up => Standing::Ready,
            Link::Connecting => Standing::Connecting,
            Link::Down => Standing::Down,
        }
    }

    /// Messages in flight, and one more, by the microseconds that each takes.
    pub(super) fn load(&self, now_ns: u64) -> u64 {
        let in_flight = u64::from(self.in_flight.load(Ordering::Relaxed));
        (in_flight + 1).saturating_mul(self.with_state(|state| state.pace).microseconds(now_ns).max(1))
    }

    /// Messages in flight, and the microseconds that an answer takes.
    pub(super) fn figures(&self, now_ns: u64) -> (u32, u64) {
        let pace = self.with_state(|state| state.pace);
        (self.in_flight.load(Ordering::Relaxed), pace.microseconds(now_ns))
    }

    /// Takes a place for a message.
    ///
    /// # Errors
    /// A new authorization is held back. Nothing was taken.
    pub(super) fn board<'a>(
        &'a self,
        (gate, most): (Gate, u32),
        now_ns: u64,
        link: Link,
        settings: &'a Settings,
    ) -> Result<Flight<'a>, Held> {
        let before = self.in_flight.fetch_add(1, Ordering::Relaxed);
        self.meters.boarded();
        let flight = Flight { health: self, settings, began_ns: now_ns, landed: false };
        if gate == Gate::Open {
            return Ok(flight);
        }
        let held = if before >= most {
            Some(Held::Full)
        } else {
            let admitted = self.with_state(|state| state.breaker.admit(now_ns, link));
            (!admitted).then_some(Held::Circuit)
        };
        let Some(held) = held else { return Ok(flight) };
        flight.called_off();
        self.meters.held(held);
        Err(held)
    }
}

/// A message on its way. If nobody waits for its answer any more, it counts as fallen short.
pub(super) struct Flight<'a> {
    health: &'a Health,
    settings: &'a Settings,
    began_ns: u64,
    landed: bool,
}

impl Flight<'_> {
    fn called_off(mut self) {
        self.landed = true;
    }

    /// Its answer. `jitter` is below 1,000.
    pub(super) fn land(mut self, answer: &Answer, now_ns: u64, jitter: impl FnOnce() -> u64) {
        self.landed = true;
        let took_ns = now_ns.saturating_sub(self.began_ns);
        let came = match answer {
            Answer::Approved(_) | Answer::Declined(_) | Answer::Pending(_) | Answer::NotFound => {
                Came::Through
            }
            Answer::NotSent(_) | Answer::Unknown(_) => Came::Short,
        };
        // What never left took no time of the acquirer's.
        let timed = !matches!(answer, Answer::NotSent(_));
        let jitter = if came == Came::Short { jitter() } else { 0 };
        let turn = self.health.with_state(|state| {
            if timed {
                state.pace.add(took_ns, now_ns);
            }
            state.breaker.heard(came, (self.began_ns, now_ns), (self.settings, jitter))
        });
        self.health.meters.answered(answer, took_ns);
        self.health.meters.turned(turn);
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        self.health.in_flight.fetch_sub(1, Ordering::Relaxed);
        self.health.meters.left();
        if !self.landed {
            let (began, settings) = (self.began_ns, self.settings);
            let turn = self
                .health
                .with_state(|state| state.breaker.heard(Came::Short, (began, began), (settings, 0)));
            self.health.meters.turned(turn);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_average_follows_and_is_forgiven() {
        let mut pace = Pace::default();
        pace.add(8_000_000, 0);
        assert_eq!(pace.microseconds(0), 8_000);
        pace.add(16_000_000, 1);
        assert_eq!(pace.microseconds(1), 9_000);
        pace.add(1_000_000, 2);
        assert_eq!(pace.microseconds(2), 8_000);
        assert_eq!(pace.microseconds(2 + HALF_LIFE_NS), 4_000);
        assert_eq!(pace.microseconds(u64::MAX), 0);
    }

    #[test]
    fn a_bulkhead_holds_back_new_payments_only() {
        let (health, settings) = (Health::new("a"), Settings::default());
        let board = |gate| health.board((gate, 2), 0, Link::Up, &settings);
        let first = board(Gate::Closed).map_err(Held::as_str).expect("there is room");
        let second = board(Gate::Closed).map_err(Held::as_str).expect("there is room");
        assert_eq!(board(Gate::Closed).err(), Some(Held::Full));
        assert_eq!(health.standing(0, Link::Up, 2), Standing::Full);
        let reversal = board(Gate::Open).map_err(Held::as_str).expect("nobody else can answer it");
        assert_eq!(health.figures(0).0, 3);
        drop((first, second, reversal));
        assert_eq!(health.figures(0).0, 0, "whoever leaves gives its place back");
    }
}
