//! What goes over the wire to an operator of wallets and back: JSON, the same for the adapter and for the host that tests use.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The header of a notification's signature: `t=<unix seconds>,v1=<hex of HMAC-SHA-256 over "t.body">`.
pub const SIGNATURE: &str = "tollgate-signature";

/// `POST /v1/payments`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewPayment<'a> {
    /// Ours, twelve digits: the same reference is the same payment, for ever.
    pub reference: Cow<'a, str>,
    pub amount_minor: i64,
    /// ISO 4217, lower case.
    pub currency: Cow<'a, str>,
    /// `alipay` or `wechat_pay`.
    pub wallet: Cow<'a, str>,
    /// Who is paid, for the customer to see.
    pub merchant: Cow<'a, str>,
    /// Where the customer is sent back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub return_url: Option<Cow<'a, str>>,
    /// The customer has so long.
    pub expires_in_s: u64,
}

/// Where a payment stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PaymentStatus {
    /// The customer has not decided.
    Pending,
    Paid,
    /// Refused, by the customer or the operator.
    Declined,
    /// The customer had their time.
    Expired,
    /// Undone before or after it was paid; nothing of it stands.
    Reversed,
}

/// A payment, as every call about it answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment<'a> {
    pub reference: Cow<'a, str>,
    /// The operator's own number.
    pub id: Cow<'a, str>,
    pub status: PaymentStatus,
    pub amount_minor: i64,
    pub currency: Cow<'a, str>,
    /// While it is pending: a page for the customer.
    #[serde(default)]
    pub redirect_url: Option<Cow<'a, str>>,
    /// While it is pending: what a code to be scanned holds.
    #[serde(default)]
    pub qr_code: Option<Cow<'a, str>>,
    /// Unix seconds; after them it can't be paid any more.
    pub expires_at: i64,
    /// Why it was declined: `customer_declined`, `insufficient_funds`, `fraudulent`, ...
    #[serde(default)]
    pub reason: Option<Cow<'a, str>>,
}

/// `POST /v1/refunds`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewRefund<'a> {
    /// Ours, twelve digits.
    pub reference: Cow<'a, str>,
    /// The payment's reference.
    pub payment: Cow<'a, str>,
    pub amount_minor: i64,
    pub currency: Cow<'a, str>,
}

/// Where a refund stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundStatus {
    Pending,
    Succeeded,
    Failed,
    Reversed,
}

/// A refund, as every call about it answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund<'a> {
    pub reference: Cow<'a, str>,
    pub id: Cow<'a, str>,
    pub payment: Cow<'a, str>,
    pub status: RefundStatus,
    pub amount_minor: i64,
    pub currency: Cow<'a, str>,
}

/// A refusal, with a status of 4xx: nothing was done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused<'a> {
    /// `not_found`, `reference_reused`, `amount_too_large`, `wrong_state`, `invalid`.
    pub error: Cow<'a, str>,
}

/// A notification: that there is news, not what it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification<'a> {
    /// `payment.paid`, `payment.declined`, `payment.expired`, `refund.succeeded`, ...
    #[serde(rename = "type")]
    pub kind: Cow<'a, str>,
    /// Of the payment or refund that it is about.
    pub reference: Cow<'a, str>,
}
