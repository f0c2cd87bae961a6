//! A circuit breaker: leaves an acquirer alone that does not come through, and lets one payment try again later.
//!
//! Architecture invariant: only transport errors open it (a decline is an answer), and it only ever holds back new
//! authorizations. Whatever concerns an existing hold is sent regardless, and its answer counts like a probe's.

use super::settings::Breaker as Settings;
use gateway_core::acquirer::Link;

const NS_A_MS: u64 = 1_000_000;

/// Whether a message came through to the acquirer and its answer back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Came {
    Through,
    /// Not sent, or without an answer.
    Short,
}

/// What the breaker lets pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Circuit {
    Closed,
    /// One payment may try.
    HalfOpen,
    Open,
}

/// What an answer changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    Stays,
    Opened,
    Closed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Closed,
    Open {
        since_ns: u64,
        until_ns: u64,
        /// The link was seen down since: when it is up again, that is sign enough.
        link_fell: bool,
    },
    /// One payment is on its way.
    Probing {
        since_ns: u64,
    },
}

/// The breaker of one acquirer. Time comes in as a parameter.
#[derive(Debug)]
pub(super) struct Breaker {
    state: State,
    /// The last messages, the latest in the lowest bit: 1 for those that fell short.
    recent: u64,
    /// How often it opened in a row.
    opened: u32,
}

impl Default for Breaker {
    fn default() -> Self {
        Self { state: State::Closed, recent: 0, opened: 0 }
    }
}

impl Breaker {
    /// What it lets pass now.
    pub(super) fn circuit(&mut self, now_ns: u64, link: Link) -> Circuit {
        match &mut self.state {
            State::Closed => Circuit::Closed,
            State::Probing { .. } => Circuit::Open,
            State::Open { until_ns, link_fell, .. } => {
                *link_fell |= link != Link::Up;
                let returned = *link_fell && link == Link::Up;
                if returned || now_ns >= *until_ns { Circuit::HalfOpen } else { Circuit::Open }
            }
        }
    }

    /// A new authorization is about to be sent: whether it may.
    pub(super) fn admit(&mut self, now_ns: u64, link: Link) -> bool {
        match self.circuit(now_ns, link) {
            Circuit::Closed => true,
            Circuit::Open => false,
            Circuit::HalfOpen => {
                self.state = State::Probing { since_ns: now_ns };
                true
            }
        }
    }

    /// How a message that was sent at `began_ns` came out, and what that changed. `jitter` is below 1,000.
    pub(super) fn heard(
        &mut self,
        came: Came,
        (began_ns, now_ns): (u64, u64),
        (settings, jitter): (&Settings, u64),
    ) -> Turn {
        self.recent = self.recent << 1 | u64::from(came == Came::Short);
        match (self.state, came) {
            (State::Closed, Came::Through) => self.opened = 0,
            (State::Closed, Came::Short) => {
                let window = u64::MAX >> (64 - settings.of.clamp(1, 64));
                if (self.recent & window).count_ones() >= settings.failures {
                    self.open(now_ns, settings, jitter);
                    return Turn::Opened;
                }
            }
            // What was under way before says nothing about now.
            (State::Open { since_ns, .. } | State::Probing { since_ns }, _) if began_ns < since_ns => {}
            (State::Open { .. } | State::Probing { .. }, Came::Through) => {
                self.state = State::Closed;
                self.recent = 0;
                return Turn::Closed;
            }
            (State::Probing { .. }, Came::Short) => {
                self.open(now_ns, settings, jitter);
                return Turn::Opened;
            }
            (State::Open { .. }, Came::Short) => {}
        }
        Turn::Stays
    }

    /// Between three quarters of the time and all of it, so that many gateways do not come back at once.
    fn open(&mut self, now_ns: u64, settings: &Settings, jitter: u64) {
        let doubled = settings.open_ms.saturating_mul(1 << self.opened.min(20));
        let longest = doubled.min(settings.longest_open_ms).saturating_mul(NS_A_MS);
        let wait = longest / 4 * 3 + (longest / 4) / 1_000 * jitter.min(1_000);
        self.opened = self.opened.saturating_add(1);
        self.state =
            State::Open { since_ns: now_ns, until_ns: now_ns.saturating_add(wait), link_fell: false };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = NS_A_MS;

    fn settings() -> Settings {
        Settings { failures: 3, of: 5, open_ms: 1_000, longest_open_ms: 3_000 }
    }

    /// Whether it opened.
    fn heard(breaker: &mut Breaker, came: Came, began: u64, now: u64) -> bool {
        breaker.heard(came, (began * MS, now * MS), (&settings(), 1_000)) == Turn::Opened
    }

    fn open_at(now: u64) -> Breaker {
        let mut breaker = Breaker::default();
        assert!(!heard(&mut breaker, Came::Short, now, now) && !heard(&mut breaker, Came::Short, now, now));
        assert!(heard(&mut breaker, Came::Short, now, now), "the third of five");
        breaker
    }

    #[test]
    fn some_failures_among_answers_do_not_open_it() {
        let mut breaker = Breaker::default();
        for n in 0..100 {
            let came = if n % 5 < 2 { Came::Short } else { Came::Through };
            assert!(!heard(&mut breaker, came, n, n));
        }
        assert_eq!(breaker.circuit(200 * MS, Link::Up), Circuit::Closed);
    }

    #[test]
    fn one_probe_decides() {
        let mut breaker = open_at(10);
        assert_eq!(breaker.circuit(1_009 * MS, Link::Up), Circuit::Open);
        assert_eq!(breaker.circuit(1_010 * MS, Link::Up), Circuit::HalfOpen);
        assert!(breaker.admit(1_010 * MS, Link::Up) && !breaker.admit(1_010 * MS, Link::Up), "one alone");
        assert!(heard(&mut breaker, Came::Short, 1_010, 1_020), "open again, for twice as long");
        assert!(!breaker.admit(3_019 * MS, Link::Up) && breaker.admit(3_020 * MS, Link::Up));
        heard(&mut breaker, Came::Short, 3_020, 3_030);
        assert!(breaker.admit(6_030 * MS, Link::Up), "three seconds are the longest");
        assert!(!heard(&mut breaker, Came::Through, 6_030, 6_040));
        assert_eq!(breaker.circuit(6_040 * MS, Link::Up), Circuit::Closed);
        assert!(!heard(&mut breaker, Came::Short, 6_050, 6_050), "and it counts from the start");
    }

    #[test]
    fn a_link_that_returns_is_sign_enough() {
        let mut breaker = open_at(10);
        assert_eq!(breaker.circuit(20 * MS, Link::Up), Circuit::Open, "up all the time says nothing");
        assert_eq!(breaker.circuit(30 * MS, Link::Down), Circuit::Open);
        assert_eq!(breaker.circuit(40 * MS, Link::Connecting), Circuit::Open);
        assert_eq!(breaker.circuit(50 * MS, Link::Up), Circuit::HalfOpen);
    }

    #[test]
    fn answers_to_what_is_sent_regardless_close_it_unless_they_are_old() {
        let mut breaker = open_at(10);
        heard(&mut breaker, Came::Through, 9, 500);
        assert_eq!(breaker.circuit(501 * MS, Link::Up), Circuit::Open, "sent before the outage");
        heard(&mut breaker, Came::Through, 11, 502);
        assert_eq!(breaker.circuit(503 * MS, Link::Up), Circuit::Closed);
    }
}
