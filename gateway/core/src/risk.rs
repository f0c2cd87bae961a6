//! What the scorer leaves in the store: decisions with all that they rest on, and payments that it judged for others.
//!
//! Architecture invariant: there are no floats here. Numbers of the model are kept as their bits, so that a replay can be
//! compared with them bit for bit; only `risk` computes with them.

use crate::id::{EvaluationId, Id, ReviewId};
use crate::tenant::Tenant;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// A model, as decisions name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelMark {
    pub version: SmolStr,
    /// The first eight bytes of the file's checksum: two files of one version are told apart.
    pub checksum: u64,
}

/// What another model would have said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShadowScore {
    pub model: ModelMark,
    /// Bits of the log odds, an `f64`.
    pub log_odds_bits: u64,
    /// 0 to 100.
    pub score: u8,
}

/// A decision of the scorer. The contributions of single features are not kept: they follow, bit for bit, from the features
/// and the model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// How many records the features rest on: the place in the journal's order that they have seen.
    pub features_as_of: u64,
    pub model: ModelMark,
    /// Bits of the log odds of fraud, an `f64`.
    pub log_odds_bits: u64,
    /// The model's own score, 0 to 100, whatever was made of it.
    pub score: u8,
    /// Exact, packed by `risk::features::packed`.
    #[serde(with = "serde_bytes")]
    pub features: Vec<u8>,
    /// Why the verdict is what it is, as stable codes, the decisive one first; empty where nothing spoke against it.
    pub reasons: Vec<String>,
    /// The models that were scored beside this one.
    pub shadows: Vec<ShadowScore>,
}

/// Keys of what a payment came with beside its card and customer: keyed hashes, from which nothing can be read back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct OriginKeys {
    /// The payer's network address.
    pub address: Option<u64>,
    /// The payer's device.
    pub device: Option<u64>,
    pub email: Option<u64>,
}

/// Why a review is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReviewClosing {
    Approved,
    Canceled,
    PaymentNeverSettled,
    Refunded,
    RefundedAsFraud,
}

impl ReviewClosing {
    /// The dialect's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            ReviewClosing::Approved => "approved",
            ReviewClosing::Canceled => "canceled",
            ReviewClosing::PaymentNeverSettled => "payment_never_settled",
            ReviewClosing::Refunded => "refunded",
            ReviewClosing::RefundedAsFraud => "refunded_as_fraud",
        }
    }
}

/// A person's look at an authorized payment: its capture waits for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    pub id: ReviewId,
    pub opened: Timestamp,
    pub closed: Option<(Timestamp, ReviewClosing)>,
}

impl Review {
    /// Whether it waits.
    pub const fn is_open(&self) -> bool {
        self.closed.is_none()
    }
}

/// What a label says of a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FraudLabel {
    Fraud,
    /// Confirmed genuine; withdraws an earlier report of fraud.
    Genuine,
}

/// A payment processed elsewhere that was judged here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evaluation {
    pub id: EvaluationId,
    pub tenant: Tenant,
    pub created: Timestamp,
    /// The answer, as JSON.
    pub shown: String,
    pub judged: Judged,
}

/// What was judged, and how.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judged {
    pub amount: crate::money::Money,
    #[serde(with = "serde_bytes")]
    pub card: [u8; 16],
    pub customer: Option<Id>,
    pub origin: OriginKeys,
    pub verdict: crate::payment::RiskVerdict,
    pub decision: Decision,
}

/// What the values of a list are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ListKind {
    CardFingerprint,
    CardBin,
    CaseSensitiveString,
    Country,
    CustomerId,
    Email,
    IpAddress,
    String,
}

impl ListKind {
    /// The dialect's word.
    pub const fn as_str(self) -> &'static str {
        match self {
            ListKind::CardFingerprint => "card_fingerprint",
            ListKind::CardBin => "card_bin",
            ListKind::CaseSensitiveString => "case_sensitive_string",
            ListKind::Country => "country",
            ListKind::CustomerId => "customer_id",
            ListKind::Email => "email",
            ListKind::IpAddress => "ip_address",
            ListKind::String => "string",
        }
    }
}

/// A merchant's list of values that rules ask.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValueList {
    pub id: crate::id::ValueListId,
    pub tenant: Tenant,
    pub created: Timestamp,
    /// The name under which rules know it.
    pub alias: String,
    pub name: String,
    pub kind: ListKind,
    pub metadata: crate::record::Metadata,
    /// A deleted list stays as a tombstone.
    pub deleted: bool,
}

/// A value of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ValueListItem {
    pub id: crate::id::ValueListItemId,
    pub tenant: Tenant,
    pub list: crate::id::ValueListId,
    pub created: Timestamp,
    pub value: String,
    /// A deleted item stays as a tombstone.
    pub deleted: bool,
}
