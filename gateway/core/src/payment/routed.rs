//! How an acquirer was chosen for an attempt: few bytes, from which the choice can be made again.

use crate::acquirer::DeclineCode;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// What puts candidates in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// As they are listed.
    #[default]
    Priority,
    /// In turns, in proportion to their weights.
    Weighted,
    /// The less busy and quicker of two that are drawn.
    LeastInFlight,
    /// By the card's fingerprint: the same card goes to the same acquirer.
    Hash,
    /// Drawn, in proportion to their weights.
    Random,
    /// By what they charge.
    Cost,
    /// By what they approved lately, with some curiosity.
    Bandit,
}

impl Strategy {
    /// The word of the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Strategy::Priority => "priority",
            Strategy::Weighted => "weighted",
            Strategy::LeastInFlight => "least_in_flight",
            Strategy::Hash => "hash",
            Strategy::Random => "random",
            Strategy::Cost => "cost",
            Strategy::Bandit => "bandit",
        }
    }
}

/// How an acquirer stood when the choice was made, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Standing {
    /// It takes traffic.
    Ready,
    /// Its link is being made.
    Connecting,
    /// Its link is down.
    Down,
    /// As many messages are in flight as it may have.
    Full,
    /// Its circuit breaker is open.
    Open,
}

impl Standing {
    /// As it is shown to operators.
    pub const fn as_str(self) -> &'static str {
        match self {
            Standing::Ready => "ready",
            Standing::Connecting => "connecting",
            Standing::Down => "down",
            Standing::Full => "full",
            Standing::Open => "open",
        }
    }
}

/// A candidate as it was seen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ranked {
    pub acquirer: SmolStr,
    pub standing: Standing,
    /// What the strategy measured: load (messages times microseconds), fee (hundredths of a minor unit), approvals and
    /// declines (two halves of 32 bits); 0 for strategies that measure nothing.
    pub measure: u64,
}

/// A choice between several acquirers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Routed {
    /// A digest of the policy that decided.
    pub policy: u64,
    /// Which of its rules matched, from 1; 0: none.
    pub rule: u16,
    pub strategy: Strategy,
    /// The number that it drew, counted, or took from the card.
    pub draw: u64,
    /// The candidates, the first choice first.
    pub ranked: Vec<Ranked>,
}

/// Why another acquirer may be asked in place of one that was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Rerouting {
    /// Nothing left for the one before.
    NotSent,
    /// It declined in a way that says nothing about another's answer.
    SoftDecline(DeclineCode),
}

impl Rerouting {
    /// Whether it is a reason: a decline must be a soft one.
    pub const fn is_allowed(self) -> bool {
        match self {
            Rerouting::NotSent => true,
            Rerouting::SoftDecline(code) => code.may_retry(),
        }
    }
}
