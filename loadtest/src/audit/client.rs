//! The first witness: what a client sent, and what it was told. One line a request.

use serde::{Deserialize, Serialize};

/// A request and its answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Line {
    /// When the answer came or was given up, milliseconds since the epoch.
    pub at: i64,
    /// The word for the merchant; keys are apart by merchant.
    pub merchant: String,
    /// `authorize`, `sale`, `capture`, `void`, `refund`, `retrieve`.
    pub op: String,
    /// The idempotency key; empty for reads.
    pub key: String,
    /// The payment intent: known before, or told by the answer.
    pub payment: Option<String>,
    pub amount_minor: i64,
    pub currency: String,
    pub attempt: u32,
    /// HTTP status; absent if there was no answer.
    pub status: Option<u16>,
    /// Why there was none: `unsent`, `connect`, `reset`, `timeout`, `hung_up`.
    pub lost: Option<String>,
    /// The status of the object in the answer.
    pub state: Option<String>,
    /// The id of the object in the answer.
    pub object: Option<String>,
    /// The error code in the answer.
    pub code: Option<String>,
    /// Whether the answer is the one that this key must get for ever.
    #[serde(rename = "final")]
    pub is_final: bool,
    pub replayed: bool,
    /// SHA-256 of the answer's body, hexadecimal.
    pub digest: String,
}

impl Line {
    /// Whether the answer says that money moved, or was held.
    pub fn succeeded(&self) -> bool {
        let state = self.state.as_deref().unwrap_or_default();
        self.status == Some(200)
            && match self.op.as_str() {
                "authorize" => state == "requires_capture",
                "sale" | "capture" | "refund" => state == "succeeded",
                "void" => state == "canceled",
                _read => false,
            }
    }
}
