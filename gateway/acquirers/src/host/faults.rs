//! Scripted faults: what the host does wrong, to which messages, and how often it did.

use gateway_core::ports::Random;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    /// The connection is closed when the message came; nothing is done.
    Reset,
    /// The message is done and booked; then the connection is closed without an answer.
    ResetAfter,
    /// Done and booked; half of the answer is written, then the connection is closed.
    PartialAnswer,
    /// Nothing is done, nothing answered.
    Lost,
    /// Done and booked, never answered.
    Silent,
    /// Done and booked, answered after `delay_ms`.
    Late,
    /// Answered twice.
    Doubled,
    /// Done and booked, but the answer is to another message.
    Anothers,
    /// Done and booked; a frame of random bytes is sent in place of the answer.
    Garbage,
    /// Approved, and booked, for one minor unit less.
    OtherAmount,
    /// Nothing is done; the answer is the response code `code`.
    Respond,
}

/// One line of the script.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    pub kind: FaultKind,
    /// How many in a million of the messages that fit.
    #[serde(default = "always")]
    pub per_million: u64,
    /// At most so many times; 0 is no limit.
    #[serde(default)]
    pub times: u64,
    /// Message types that it applies to, as `"0100"`; all if empty.
    #[serde(default)]
    pub messages: Vec<String>,
    /// The card that it applies to; all without it.
    #[serde(default)]
    pub card: Option<String>,
    /// From this many milliseconds after the host's start.
    #[serde(default)]
    pub from_ms: u64,
    /// Until this many milliseconds after the host's start; for ever without it.
    #[serde(default)]
    pub until_ms: Option<u64>,
    /// For `late`, milliseconds.
    #[serde(default = "a_second")]
    pub delay_ms: u64,
    /// For `respond`, the response code.
    #[serde(default = "unavailable")]
    pub code: String,
}

fn always() -> u64 {
    1_000_000
}

fn a_second() -> u64 {
    1_000
}

fn unavailable() -> String {
    "91".to_owned()
}

impl Fault {
    /// This fault, always, to every message.
    #[must_use]
    pub fn always(kind: FaultKind) -> Fault {
        Fault {
            kind,
            per_million: always(),
            times: 0,
            messages: Vec::new(),
            card: None,
            from_ms: 0,
            until_ms: None,
            delay_ms: a_second(),
            code: unavailable(),
        }
    }

    fn fits(&self, at: &Moment<'_>) -> bool {
        let message =
            self.messages.is_empty() || self.messages.iter().any(|wanted| wanted.as_bytes() == at.mti);
        let card = self.card.as_ref().is_none_or(|wanted| at.card == Some(wanted.as_str()));
        message
            && card
            && at.since_start_ms >= self.from_ms
            && self.until_ms.is_none_or(|end| at.since_start_ms < end)
    }
}

/// The message that a fault may apply to.
#[derive(Debug, Clone, Copy)]
pub struct Moment<'a> {
    pub mti: &'a [u8],
    pub card: Option<&'a str>,
    pub since_start_ms: u64,
}

/// How often each kind was delivered.
pub type FaultCounts = BTreeMap<FaultKind, u64>;

/// The script, and what of it happened.
#[derive(Default)]
pub struct Faults {
    lines: Mutex<Vec<(Fault, u64)>>,
    delivered: Mutex<FaultCounts>,
}

impl Faults {
    /// Starts with this script.
    #[must_use]
    pub fn new(script: Vec<Fault>) -> Faults {
        let faults = Faults::default();
        faults.replace(script);
        faults
    }

    /// Another script from now on; the counts stay.
    pub fn replace(&self, script: Vec<Fault>) {
        let lines = script.into_iter().map(|fault| (fault, 0)).collect();
        *self.lines.lock().unwrap_or_else(PoisonError::into_inner) = lines;
    }

    /// The fault of this message, if it has one. It is counted when it is delivered, not here.
    pub fn choose(&self, at: &Moment<'_>, random: &dyn Random) -> Option<Fault> {
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        let chosen = lines.iter_mut().find(|(fault, used)| {
            let left = fault.times == 0 || *used < fault.times;
            left && fault.fits(at)
                && (fault.per_million >= 1_000_000 || random.below(1_000_000) < fault.per_million)
        })?;
        chosen.1 += 1;
        Some(chosen.0.clone())
    }

    /// It happened.
    pub fn delivered(&self, kind: FaultKind) {
        *self.delivered.lock().unwrap_or_else(PoisonError::into_inner).entry(kind).or_default() += 1;
    }

    /// How often each kind happened.
    #[must_use]
    pub fn counts(&self) -> FaultCounts {
        self.delivered.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
