//! Figures of the acquirers, with handles made once.

use super::breaker::Turn;
use super::health::Held;
use crate::observe::Kind;
use gateway_core::acquirer::Answer;
use metrics::{Counter, Gauge, Histogram, counter, gauge, histogram};

/// What the figures mean.
pub(super) const DESCRIPTIONS: &[(Kind, &str, &str)] = &[
    (Kind::Counter, "tollgate_routing_choices_total", "Payments, by the acquirer that was chosen first."),
    (
        Kind::Counter,
        "tollgate_routing_failovers_total",
        "Payments that went on to this acquirer, by why the one before did not take them.",
    ),
    (Kind::Counter, "tollgate_acquirer_answers_total", "Messages to the acquirer, by what came of them."),
    (
        Kind::Histogram,
        "tollgate_acquirer_answer_duration_seconds",
        "Time from a message's leaving to the acquirer's answer.",
    ),
    (
        Kind::Counter,
        "tollgate_acquirer_held_total",
        "Authorizations not sent to the acquirer, by what held them: its bulkhead or its circuit breaker.",
    ),
    (Kind::Counter, "tollgate_acquirer_circuit_opened_total", "How often the circuit breaker opened."),
    (Kind::Gauge, "tollgate_acquirer_in_flight", "Messages in flight to the acquirer."),
    (Kind::Gauge, "tollgate_acquirer_circuit_open", "1 while the circuit breaker holds payments back."),
];

/// What can come of a message.
const OUTCOMES: [&str; 6] = ["approved", "declined", "pending", "not_sent", "unknown", "not_found"];

/// Why a payment went on.
const REASONS: [&str; 2] = ["not_sent", "soft_decline"];

/// The figures of one acquirer.
pub(super) struct Meters {
    outcomes: [Counter; OUTCOMES.len()],
    duration: Histogram,
    held: [Counter; 2],
    opened: Counter,
    open: Gauge,
    in_flight: Gauge,
    chosen: Counter,
    failovers: [Counter; REASONS.len()],
}

impl Meters {
    pub(super) fn of(name: &str) -> Self {
        let name = name.to_owned();
        let held = |why: &'static str| counter!("tollgate_acquirer_held_total", "acquirer" => name.clone(), "by" => why);
        Self {
            outcomes: OUTCOMES.map(
                |outcome| counter!("tollgate_acquirer_answers_total", "acquirer" => name.clone(), "answer" => outcome),
            ),
            duration: histogram!("tollgate_acquirer_answer_duration_seconds", "acquirer" => name.clone()),
            held: [held("bulkhead"), held("circuit")],
            opened: counter!("tollgate_acquirer_circuit_opened_total", "acquirer" => name.clone()),
            open: gauge!("tollgate_acquirer_circuit_open", "acquirer" => name.clone()),
            in_flight: gauge!("tollgate_acquirer_in_flight", "acquirer" => name.clone()),
            chosen: counter!("tollgate_routing_choices_total", "acquirer" => name.clone()),
            failovers: REASONS.map(
                |why| counter!("tollgate_routing_failovers_total", "acquirer" => name.clone(), "why" => why),
            ),
        }
    }

    pub(super) fn answered(&self, answer: &Answer, took_ns: u64) {
        let outcome = match answer {
            Answer::Approved(_) => 0,
            Answer::Declined(_) => 1,
            Answer::Pending(_) => 2,
            Answer::NotSent(_) => 3,
            Answer::Unknown(_) => 4,
            Answer::NotFound => 5,
        };
        self.outcomes[outcome].increment(1);
        self.duration.record(std::time::Duration::from_nanos(took_ns));
    }

    pub(super) fn held(&self, by: Held) {
        match by {
            Held::Full => self.held[0].increment(1),
            Held::Circuit => self.held[1].increment(1),
        }
    }

    pub(super) fn turned(&self, turn: Turn) {
        match turn {
            Turn::Stays => {}
            Turn::Opened => {
                self.opened.increment(1);
                self.open.set(1);
            }
            Turn::Closed => self.open.set(0),
        }
    }

    pub(super) fn boarded(&self) {
        self.in_flight.increment(1);
    }

    pub(super) fn left(&self) {
        self.in_flight.decrement(1);
    }

    pub(super) fn chosen(&self) {
        self.chosen.increment(1);
    }

    pub(super) fn failed_over(&self, why: gateway_core::payment::Rerouting) {
        use gateway_core::payment::Rerouting;
        match why {
            Rerouting::NotSent => self.failovers[0].increment(1),
            Rerouting::SoftDecline(_) => self.failovers[1].increment(1),
        }
    }
}
