//! How the acquirers are doing, for operators.

use super::Acquirers;
use gateway_core::acquirer::Link;
use serde::Serialize;

/// One acquirer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct State {
    pub acquirer: String,
    pub modes: Vec<&'static str>,
    /// `up`, `connecting` or `down`.
    pub link: &'static str,
    /// `ready`, `connecting`, `down`, `full` or `open` (its circuit breaker).
    pub standing: &'static str,
    pub in_flight: u32,
    pub max_in_flight: u32,
    /// How long an answer takes, on average of late.
    pub answer_us: u64,
    pub timeout_ms: u64,
}

impl Acquirers {
    /// How all of them are doing now, in the order of the configuration.
    pub fn states(&self) -> Vec<State> {
        let (policy, now_ns) = (self.policy.load(), self.clock.monotonic_ns());
        let state = |(held, most): (&super::Held, &u32)| {
            let link = held.target.acquirer.link();
            let (in_flight, answer_us) = held.health.figures(now_ns);
            State {
                acquirer: held.target.acquirer.name().to_owned(),
                modes: held.target.modes.iter().map(|mode| mode.as_str()).collect(),
                link: word(link),
                standing: held.health.standing(now_ns, link, *most).as_str(),
                in_flight,
                max_in_flight: *most,
                answer_us,
                timeout_ms: held.target.timeout_ms,
            }
        };
        self.held.iter().zip(&policy.max_in_flight).map(state).collect()
    }
}

const fn word(link: Link) -> &'static str {
    match link {
        Link::Up => "up",
        Link::Connecting => "connecting",
        Link::Down => "down",
    }
}
