//! The second witness: the acquirer's own book. One line a message that had an effect, or was refused one.

use serde::{Deserialize, Serialize};

/// A message to the acquirer. Fields beyond these are left alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Line {
    /// Milliseconds since the epoch.
    pub at: i64,
    /// `authorize`, `capture`, `refund`, `reverse`, `void`.
    pub op: String,
    /// The reference of the authorization that it belongs to, or of the refund.
    #[serde(deserialize_with = "super::store::reference")]
    pub reference: String,
    pub amount_minor: i64,
    pub currency: String,
    /// `approved`, `declined`, `not_found`.
    pub result: String,
    /// The book's own name for the message; 0 where it has none.
    pub id: u64,
    /// The book's own name for the message that this one is about; 0 where it has none.
    pub original: u64,
}

impl Line {
    /// Whether it had an effect.
    pub fn approved(&self) -> bool {
        self.result == "approved"
    }
}

/// What the book says of one reference, in minor units.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Account {
    pub lines: Vec<usize>,
    pub authorized: Vec<i64>,
    pub captured: Vec<i64>,
    pub refunded: Vec<i64>,
    /// Taken back of authorizations, captures and refunds.
    pub reversed_authorized: i64,
    pub reversed_captured: i64,
    pub reversed_refunded: i64,
    pub voided: bool,
    pub currencies: Vec<String>,
}

impl Account {
    /// Held and not given back, whether captured or not.
    pub fn standing(&self) -> i64 {
        if self.voided { 0 } else { self.authorized.iter().sum::<i64>() - self.reversed_authorized }
    }

    /// Captured and not taken back.
    pub fn captured(&self) -> i64 {
        self.captured.iter().sum::<i64>() - self.reversed_captured
    }

    /// Refunded and not taken back.
    pub fn refunded(&self) -> i64 {
        self.refunded.iter().sum::<i64>() - self.reversed_refunded
    }

    /// Adds a line; `original` is the operation that a reversal takes back, where the book tells.
    pub fn add(&mut self, number: usize, line: &Line, original: Option<&str>) {
        self.lines.push(number);
        if !line.approved() {
            return;
        }
        if !self.currencies.contains(&line.currency) {
            self.currencies.push(line.currency.clone());
        }
        match (line.op.as_str(), original) {
            ("authorize", _) => self.authorized.push(line.amount_minor),
            ("capture", _) => self.captured.push(line.amount_minor),
            ("refund", _) => self.refunded.push(line.amount_minor),
            ("void", _) => self.voided = true,
            ("reverse", of) => self.reverse(line.amount_minor, of),
            _unknown => {}
        }
    }

    /// Takes back, as far as something is left: a reversal of what was declined or reversed already is acknowledged too.
    fn reverse(&mut self, amount_minor: i64, original: Option<&str>) {
        let back = |reversed: &mut i64, done: &[i64]| {
            *reversed = (*reversed + amount_minor).min(done.iter().sum());
        };
        match original {
            Some("capture") => back(&mut self.reversed_captured, &self.captured),
            Some("refund") => back(&mut self.reversed_refunded, &self.refunded),
            Some("sale") => {
                back(&mut self.reversed_captured, &self.captured);
                back(&mut self.reversed_authorized, &self.authorized);
            }
            Some("void") => self.voided = false,
            // A book without names of messages: a reference is either a refund's or an authorization's.
            None if !self.refunded.is_empty() => back(&mut self.reversed_refunded, &self.refunded),
            Some(_) | None => back(&mut self.reversed_authorized, &self.authorized),
        }
    }
}
