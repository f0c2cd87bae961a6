//! The third witness: the gateway's store, as `gateway verify --history` wrote it. One line a payment.

use serde::{Deserialize, Deserializer, Serialize};

/// A payment. Fields beyond these are left alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Payment {
    pub payment: String,
    pub merchant: String,
    pub mode: String,
    pub currency: String,
    pub amount_minor: i64,
    /// The dialect's word.
    pub status: String,
    pub attempts: Vec<Attempt>,
    pub refunds: Vec<Refund>,
    /// Messages of attempts that another acquirer was asked in place of.
    pub rerouted: Vec<Rerouted>,
    pub events: Vec<Event>,
    pub claims: Vec<Claim>,
}

/// One attempt to authorize.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Attempt {
    #[serde(deserialize_with = "reference")]
    pub reference: String,
    /// Empty if none was asked.
    pub acquirer: String,
    pub authorized_minor: i64,
    pub captured_minor: i64,
    /// Captures whose outcome is not known.
    pub pending_minor: i64,
    /// `open`, `authorized`, `failed`, `voided`, `expired`, `abandoned`.
    pub state: String,
}

/// A message that nothing came of, and that another acquirer was asked in place of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rerouted {
    #[serde(deserialize_with = "reference")]
    pub reference: String,
    pub acquirer: String,
}

/// A refund.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Refund {
    pub id: String,
    #[serde(deserialize_with = "reference")]
    pub reference: String,
    pub amount_minor: i64,
    /// `pending`, `succeeded`, `failed`.
    pub state: String,
}

/// A transition.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Event {
    pub seq: u64,
    pub kind: String,
    pub postings: Vec<Posting>,
}

/// A movement on an account.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Posting {
    pub account: String,
    pub currency: String,
    #[serde(alias = "minor", alias = "amount")]
    pub amount_minor: i64,
}

/// An idempotency key that was used on the payment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Claim {
    pub key: String,
    /// The status of the final answer; absent while there is none.
    pub status: Option<u16>,
}

impl Payment {
    /// Authorized by its attempts.
    pub fn captured(&self) -> i64 {
        self.attempts.iter().map(|attempt| attempt.captured_minor).sum()
    }

    /// Refunded for good.
    pub fn refunded(&self) -> i64 {
        self.refunds
            .iter()
            .filter(|refund| refund.state == "succeeded")
            .map(|refund| refund.amount_minor)
            .sum()
    }

    /// Refunds whose outcome is not known.
    pub fn refunds_pending(&self) -> i64 {
        self.refunds.iter().filter(|refund| refund.state == "pending").map(|refund| refund.amount_minor).sum()
    }
}

/// References as numbers or as digits, in one form: without zeros on the left.
pub fn reference<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Form {
        Number(u64),
        Text(String),
        Nothing(()),
    }
    Ok(match Form::deserialize(deserializer)? {
        Form::Number(number) => number.to_string(),
        Form::Text(text) => text.trim().trim_start_matches('0').to_owned(),
        Form::Nothing(()) => String::new(),
    })
}
