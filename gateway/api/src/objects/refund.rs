//! The refund.

use super::balance_transaction::BalanceTransaction;
use super::charge::Charge;
use super::payment_intent::PaymentIntent;
use super::{Expandable, Metadata, Null, object_name};
use serde::Serialize;

object_name!(RefundName = "refund");

/// Money on its way back to the cardholder.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Refund<'a> {
    pub id: &'a str,
    pub object: RefundName,
    pub amount: i64,
    pub balance_transaction: Option<Expandable<'a, BalanceTransaction<'a>>>,
    pub charge: Option<Expandable<'a, Charge<'a>>>,
    pub created: i64,
    pub currency: &'a str,
    pub customer: Null,
    pub customer_account: Null,
    pub description: Null,
    pub destination_details: Option<RefundDestination<'a>>,
    pub failure_balance_transaction: Null,
    pub failure_reason: Option<&'a str>,
    pub instructions_email: Null,
    pub metadata: Metadata<'a>,
    pub next_action: Null,
    pub payment_intent: Option<Expandable<'a, PaymentIntent<'a>>>,
    pub payment_method: Null,
    pub pending_reason: Option<&'a str>,
    pub presentment_details: Null,
    pub reason: Option<&'a str>,
    pub receipt_number: Null,
    pub source_transfer_reversal: Null,
    /// `pending`, `requires_action`, `succeeded`, `failed` or `canceled`.
    pub status: &'a str,
    pub transfer_reversal: Null,
}

/// Where a refund goes.
#[derive(Debug, Clone, Serialize)]
pub struct RefundDestination<'a> {
    pub card: RefundCard<'a>,
    #[serde(rename = "type")]
    kind: &'static str,
}

impl<'a> RefundDestination<'a> {
    /// Back to the card.
    pub fn card(card: RefundCard<'a>) -> Self {
        Self { card, kind: "card" }
    }
}

/// How a refund reaches the card.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct RefundCard<'a> {
    pub reference: Option<&'a str>,
    /// `available`, `pending` or `unavailable`.
    pub reference_status: Option<&'a str>,
    pub reference_type: Option<&'a str>,
    /// `refund`, `reversal` or `pending`.
    #[serde(rename = "type")]
    pub kind: &'a str,
}
