//! The dispute: a cardholder who wants the money back through the issuer.

use super::balance_transaction::BalanceTransaction;
use super::charge::Charge;
use super::payment_intent::PaymentIntent;
use super::{EmptyObject, Expandable, Metadata, Null, object_name};
use serde::Serialize;

object_name!(DisputeName = "dispute");

/// A disputed charge.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Dispute<'a> {
    pub id: &'a str,
    pub object: DisputeName,
    pub amount: i64,
    pub balance_transactions: Vec<BalanceTransaction<'a>>,
    pub charge: Option<Expandable<'a, Charge<'a>>>,
    pub created: i64,
    pub currency: &'a str,
    pub enhanced_eligibility_types: Vec<&'a str>,
    pub evidence: DisputeEvidence<'a>,
    pub evidence_details: DisputeEvidenceDetails<'a>,
    pub intended_submission_method: Null,
    pub is_charge_refundable: bool,
    pub livemode: bool,
    pub metadata: Metadata<'a>,
    pub network_reason_code: Option<&'a str>,
    pub payment_intent: Option<Expandable<'a, PaymentIntent<'a>>>,
    pub payment_method_details: Option<DisputePaymentMethodDetails<'a>>,
    pub reason: &'a str,
    pub status: &'a str,
}

/// What the merchant says in its defence.
#[derive(Debug, Clone, Default, Serialize)]
pub struct DisputeEvidence<'a> {
    pub access_activity_log: Option<&'a str>,
    pub appeal: Null,
    pub billing_address: Option<&'a str>,
    pub cancellation_policy: Null,
    pub cancellation_policy_disclosure: Option<&'a str>,
    pub cancellation_rebuttal: Option<&'a str>,
    pub customer_communication: Null,
    pub customer_email_address: Option<&'a str>,
    pub customer_name: Option<&'a str>,
    pub customer_purchase_ip: Option<&'a str>,
    pub customer_signature: Null,
    pub duplicate_charge_documentation: Null,
    pub duplicate_charge_explanation: Option<&'a str>,
    pub duplicate_charge_id: Option<&'a str>,
    pub enhanced_evidence: EmptyObject,
    pub product_description: Option<&'a str>,
    pub receipt: Null,
    pub refund_policy: Null,
    pub refund_policy_disclosure: Option<&'a str>,
    pub refund_refusal_explanation: Option<&'a str>,
    pub service_date: Option<&'a str>,
    pub service_documentation: Null,
    pub shipping_address: Option<&'a str>,
    pub shipping_carrier: Option<&'a str>,
    pub shipping_date: Option<&'a str>,
    pub shipping_documentation: Null,
    pub shipping_tracking_number: Option<&'a str>,
    pub uncategorized_file: Null,
    pub uncategorized_text: Option<&'a str>,
}

/// How far the defence has come.
#[derive(Debug, Clone, Default, Serialize)]
pub struct DisputeEvidenceDetails<'a> {
    pub due_by: Option<i64>,
    pub enhanced_eligibility: EmptyObject,
    pub has_evidence: bool,
    pub past_due: bool,
    pub submission_count: u32,
    /// `manual` or `not_submitted`.
    pub submission_method: &'a str,
}

/// The card that is disputed.
#[derive(Debug, Clone, Serialize)]
pub struct DisputePaymentMethodDetails<'a> {
    pub card: DisputeCard<'a>,
    #[serde(rename = "type")]
    kind: &'static str,
}

impl<'a> DisputePaymentMethodDetails<'a> {
    /// A disputed card payment.
    pub fn card(card: DisputeCard<'a>) -> Self {
        Self { card, kind: "card" }
    }
}

/// What the network says of the dispute.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct DisputeCard<'a> {
    pub brand: &'a str,
    /// `chargeback` or `inquiry`, mostly.
    pub case_type: &'a str,
    pub network: &'a str,
    pub network_reason_code: Option<&'a str>,
}
