//! What a client reads of the objects: the commonly used fields. Unknown fields and words are let through, so that a
//! newer server does not break an older client.

use serde::Deserialize;
use std::collections::BTreeMap;

/// A reference: an id, or the whole object if it was expanded.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum Reference<T> {
    /// The id alone.
    Id(String),
    /// The whole object.
    Object(Box<T>),
}

impl<T> Reference<T> {
    /// The object, if it was expanded.
    pub fn object(&self) -> Option<&T> {
        match self {
            Self::Id(_) => None,
            Self::Object(object) => Some(object),
        }
    }
}

/// A payment intent. Amounts are minor units, times unix seconds.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PaymentIntentView {
    pub id: String,
    /// `requires_capture`, `succeeded`, ...
    pub status: String,
    pub amount: i64,
    #[serde(default)]
    pub amount_capturable: i64,
    #[serde(default)]
    pub amount_received: i64,
    pub currency: String,
    pub capture_method: String,
    pub created: i64,
    #[serde(default)]
    pub livemode: bool,
    pub client_secret: Option<String>,
    pub latest_charge: Option<Reference<ChargeView>>,
    pub payment_method: Option<Reference<PaymentMethodView>>,
    pub last_payment_error: Option<ErrorView>,
    pub next_action: Option<NextActionView>,
    pub cancellation_reason: Option<String>,
    pub canceled_at: Option<i64>,
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
}

/// What the customer has to do.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct NextActionView {
    /// `redirect_to_url`.
    #[serde(rename = "type")]
    pub kind: String,
    pub redirect_to_url: Option<RedirectView>,
}

/// Where the customer has to go.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RedirectView {
    pub url: Option<String>,
    pub return_url: Option<String>,
}

/// A charge.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ChargeView {
    pub id: String,
    /// `succeeded`, `pending` or `failed`.
    pub status: String,
    pub amount: i64,
    #[serde(default)]
    pub amount_captured: i64,
    pub amount_refunded: i64,
    pub captured: bool,
    pub refunded: bool,
    pub paid: bool,
    #[serde(default)]
    pub disputed: bool,
    pub currency: String,
    pub created: i64,
    pub payment_intent: Option<Reference<PaymentIntentView>>,
    pub failure_code: Option<String>,
    pub failure_message: Option<String>,
    pub authorization_code: Option<String>,
    pub outcome: Option<OutcomeView>,
    pub payment_method_details: Option<MethodDetailsView>,
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
}

/// How a charge ended, and the risk verdict.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct OutcomeView {
    /// `authorized`, `blocked`, ...
    #[serde(rename = "type")]
    pub kind: String,
    pub network_status: Option<String>,
    pub network_decline_code: Option<String>,
    pub reason: Option<String>,
    pub risk_level: Option<String>,
    pub risk_score: Option<u8>,
    pub seller_message: Option<String>,
}

/// The means of payment of a charge.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct MethodDetailsView {
    pub card: Option<CardView>,
}

/// A card, by what may be shown of it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct CardView {
    pub brand: Option<String>,
    pub last4: Option<String>,
    pub country: Option<String>,
    pub exp_month: u8,
    pub exp_year: u16,
    pub fingerprint: Option<String>,
    pub funding: Option<String>,
    #[serde(default)]
    pub network_transaction_id: Option<String>,
    #[serde(default)]
    pub authorization_code: Option<String>,
    #[serde(default)]
    pub capture_before: Option<i64>,
    #[serde(default)]
    pub checks: Option<ChecksView>,
}

/// What the issuer said of the details beside the number.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ChecksView {
    pub cvc_check: Option<String>,
}

/// A payment method.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct PaymentMethodView {
    pub id: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub card: Option<CardView>,
    pub customer: Option<Reference<CustomerView>>,
}

/// A refund.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct RefundView {
    pub id: String,
    pub amount: i64,
    pub currency: String,
    /// `succeeded`, `pending`, `failed`, ...
    pub status: Option<String>,
    pub charge: Option<Reference<ChargeView>>,
    pub payment_intent: Option<Reference<PaymentIntentView>>,
    pub failure_reason: Option<String>,
    pub created: i64,
}

/// A customer.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct CustomerView {
    pub id: String,
    #[serde(default)]
    pub deleted: bool,
    pub email: Option<String>,
    pub name: Option<String>,
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
}

/// An event; its object as it came.
#[derive(Debug, Clone, Deserialize)]
pub struct EventView {
    pub id: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub created: i64,
    pub data: EventDataView,
}

/// What an event is about.
#[derive(Debug, Clone, Deserialize)]
pub struct EventDataView {
    pub object: serde_json::Value,
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ListView<T> {
    pub data: Vec<T>,
    pub has_more: bool,
    pub url: String,
}

/// An error, in its envelope or as an intent's last one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct ErrorView {
    /// `card_error`, `invalid_request_error`, ...
    #[serde(rename = "type")]
    pub kind: String,
    pub code: Option<String>,
    pub decline_code: Option<String>,
    pub message: Option<String>,
    pub param: Option<String>,
    /// The id of the failed charge.
    pub charge: Option<String>,
    /// The intent as it is after the failure.
    pub payment_intent: Option<Box<PaymentIntentView>>,
}

/// `{"error":{...}}`.
#[derive(Debug, Deserialize)]
pub(super) struct ErrorEnvelope {
    pub(super) error: ErrorView,
}
