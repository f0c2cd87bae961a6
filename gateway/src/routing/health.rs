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
pub(super) enum Gate<'a> {
    /// A new authorization: it can wait, or go elsewhere. With the place that was kept for it, if one was.
    Closed(Option<Place<'a>>),
    /// It concerns what the acquirer holds already, and nobody else can answer.
    Open,
}

/// One message more in flight, until it is dropped.
pub struct Place<'a>(&'a Health);

impl Place<'_> {
    pub(super) fn is_at(&self, health: &Health) -> bool {
        std::ptr::eq(self.0, health)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
        self.0.meters.left();
    }
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
        if self.is_full(most) {
            return Standing::Full;
        }
        match link {
            Link::Up => Standing::Ready,
            Link::Connecting => Standing::Connecting,
            Link::Down => Standing::Down,
        }
    }

    /// Whether as many messages are in flight as may be.
    pub(super) fn is_full(&self, most: u32) -> bool {
        self.in_flight.load(Ordering::Relaxed) >= most
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

    fn occupy(&self) -> (Place<'_>, u32) {
        let before = self.in_flight.fetch_add(1, Ordering::Relaxed);
        self.meters.boarded();
        (Place(self), before)
    }

    /// Keeps a place for a new authorization that is being prepared; `None` if there is none.
    pub(super) fn keep_place(&self, most: u32) -> Option<Place<'_>> {
        let (place, before) = self.occupy();
        (before < most).then_some(place)
    }

    /// Takes a message aboard.
    ///
    /// # Errors
    /// A new authorization is held back. Nothing was taken.
    pub(super) fn board<'a>(
        &'a self,
        (gate, most): (Gate<'a>, u32),
        now_ns: u64,
        link: Link,
        settings: &'a Settings,
    ) -> Result<Flight<'a>, Held> {
        let boarded = match gate {
            Gate::Open => Ok(self.occupy().0),
            Gate::Closed(kept) => {
                kept.or_else(|| self.keep_place(most)).ok_or(Held::Full).and_then(|place| {
                    let admitted = self.with_state(|state| state.breaker.admit(now_ns, link));
                    if admitted { Ok(place) } else { Err(Held::Circuit) }
                })
            }
        };
        let place = boarded.inspect_err(|held| self.meters.held(*held))?;
        Ok(Flight { place, settings, began_ns: now_ns, landed: false })
    }
}

/// A message on its way. If nobody waits for its answer any more, it counts as fallen short.
pub(super) struct Flight<'a> {
    place: Place<'a>,
    settings: &'a Settings,
    began_ns: u64,
    landed: bool,
}

impl Flight<'_> {
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
        let turn = self.place.0.with_state(|state| {
            if timed {
                state.pace.add(took_ns, now_ns);
            }
            state.breaker.heard(came, (self.began_ns, now_ns), (self.settings, jitter))
        });
        self.place.0.meters.answered(answer, took_ns);
        self.place.0.meters.turned(turn);
    }
}

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        if !self.landed {
            let (health, began, settings) = (self.place.0, self.began_ns, self.settings);
            let turn =
                health.with_state(|state| state.breaker.heard(Came::Short, (began, began), (settings, 0)));
            health.meters.turned(turn);
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
        let first = board(Gate::Closed(None)).map_err(Held::as_str).expect("there is room");
        let kept = health.keep_place(2).expect("there is room");
        assert!(health.keep_place(2).is_none() && health.is_full(2), "what is kept is taken");
        assert_eq!(board(Gate::Closed(None)).err(), Some(Held::Full));
        let second = board(Gate::Closed(Some(kept))).map_err(Held::as_str).expect("its place was kept");
        assert_eq!(health.standing(0, Link::Up, 2), Standing::Full);
        let reversal = board(Gate::Open).map_err(Held::as_str).expect("nobody else can answer it");
        assert_eq!(health.figures(0).0, 3);
        drop((first, second, reversal));
        assert_eq!(health.figures(0).0, 0, "whoever leaves gives its place back");
    }
}
