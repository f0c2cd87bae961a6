//! The charge: one attempt to move money.

use super::balance_transaction::BalanceTransaction;
use super::customer::Customer;
use super::list::List;
use super::payment_intent::PaymentIntent;
use super::refund::Refund;
use super::review::Review;
use super::{BillingDetails, Expandable, Metadata, Null, Shipping, object_name};
use serde::Serialize;

object_name!(ChargeName = "charge");

/// One attempt to charge a card, failed ones too.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Charge<'a> {
    pub id: &'a str,
    pub object: ChargeName,
    pub amount: i64,
    pub amount_captured: i64,
    pub amount_refunded: i64,
    pub application: Null,
    pub application_fee: Null,
    pub application_fee_amount: Null,
    /// The issuer's approval code.
    pub authorization_code: Option<&'a str>,
    pub balance_transaction: Option<Expandable<'a, BalanceTransaction<'a>>>,
    pub billing_details: BillingDetails<'a>,
    pub calculated_statement_descriptor: Option<&'a str>,
    /// Whether anything was captured.
    pub captured: bool,
    pub created: i64,
    pub currency: &'a str,
    pub customer: Option<Expandable<'a, Customer<'a>>>,
    pub description: Option<&'a str>,
    pub disputed: bool,
    pub failure_balance_transaction: Null,
    pub failure_code: Option<&'a str>,
    pub failure_message: Option<&'a str>,
    pub fraud_details: FraudDetails<'a>,
    pub level3: Null,
    pub livemode: bool,
    pub metadata: Metadata<'a>,
    pub on_behalf_of: Null,
    pub outcome: Option<Outcome<'a>>,
    /// Whether the issuer approved it.
    pub paid: bool,
    pub payment_intent: Option<Expandable<'a, PaymentIntent<'a>>>,
    /// The id of the payment method; never expanded.
    pub payment_method: Option<&'a str>,
    pub payment_method_details: Option<ChargePaymentMethodDetails<'a>>,
    pub presentment_details: Null,
    pub radar_options: Null,
    pub receipt_email: Option<&'a str>,
    pub receipt_number: Null,
    pub receipt_url: Option<&'a str>,
    /// Whether all of it was refunded.
    pub refunded: bool,
    /// Null unless it is expanded.
    pub refunds: Option<List<'a, Refund<'a>>>,
    pub review: Option<Expandable<'a, Review<'a>>>,
    pub shipping: Option<Shipping<'a>>,
    pub source: Null,
    pub source_transfer: Null,
    pub statement_descriptor: Option<&'a str>,
    pub statement_descriptor_suffix: Option<&'a str>,
    /// `succeeded`, `pending` or `failed`.
    pub status: &'a str,
    pub transfer: Null,
    pub transfer_data: Null,
    pub transfer_group: Null,
}

/// What is said about a charge's honesty; `{}` when nothing is.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct FraudDetails<'a> {
    /// What the gateway reports.
    #[serde(rename = "stripe_report", skip_serializing_if = "Option::is_none")]
    pub gateway_report: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_report: Option<&'a str>,
}

/// How the attempt ended, and the risk verdict.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Outcome<'a> {
    pub advice_code: Option<&'a str>,
    pub network_advice_code: Option<&'a str>,
    pub network_decline_code: Option<&'a str>,
    /// `approved_by_network`, `declined_by_network`, `not_sent_to_network` or `reversed_after_approval`.
    pub network_status: Option<&'a str>,
    pub reason: Option<&'a str>,
    /// `normal`, `elevated` or `highest`.
    pub risk_level: Option<&'a str>,
    /// 0 to 100.
    pub risk_score: Option<u8>,
    pub rule: Option<Expandable<'a, Rule<'a>>>,
    pub seller_message: Option<&'a str>,
    /// `authorized`, `manual_review`, `issuer_declined`, `blocked` or `invalid`.
    #[serde(rename = "type")]
    pub kind: &'a str,
}

/// The risk rule that decided.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Rule<'a> {
    pub action: &'a str,
    pub id: &'a str,
    pub predicate: &'a str,
}

/// The means of payment at the time of the attempt.
#[derive(Debug, Clone, Serialize)]
pub struct ChargePaymentMethodDetails<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alipay: Option<ChargeAlipay<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub card: Option<ChargeCard<'a>>,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wechat_pay: Option<ChargeWechatPay<'a>>,
}

impl<'a> ChargePaymentMethodDetails<'a> {
    /// A card payment.
    pub fn card(card: ChargeCard<'a>) -> Self {
        Self { alipay: None, card: Some(card), kind: "card", wechat_pay: None }
    }

    /// A payment with Alipay.
    pub fn alipay(transaction_id: Option<&'a str>) -> Self {
        let alipay = Some(ChargeAlipay { buyer_id: Null, fingerprint: Null, transaction_id });
        Self { alipay, card: None, kind: "alipay", wechat_pay: None }
    }

    /// A payment with WeChat Pay.
    pub fn wechat_pay(transaction_id: Option<&'a str>) -> Self {
        let wechat_pay = Some(ChargeWechatPay { fingerprint: Null, location: Null, transaction_id });
        Self { alipay: None, card: None, kind: "wechat_pay", wechat_pay }
    }
}

/// What Alipay said of the payment.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct ChargeAlipay<'a> {
    pub buyer_id: Null,
    pub fingerprint: Null,
    /// The operator's own number.
    pub transaction_id: Option<&'a str>,
}

/// What WeChat Pay said of the payment.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct ChargeWechatPay<'a> {
    pub fingerprint: Null,
    pub location: Null,
    /// The operator's own number.
    pub transaction_id: Option<&'a str>,
}

/// What the issuer and the network said about the card in this attempt.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ChargeCard<'a> {
    pub amount_authorized: Option<i64>,
    pub authorization_code: Option<&'a str>,
    pub brand: Option<&'a str>,
    /// When the authorization runs out; null once it is captured or when it failed.
    pub capture_before: Option<i64>,
    pub checks: Option<CardChecks<'a>>,
    pub country: Option<&'a str>,
    pub description: Null,
    pub electronic_commerce_indicator: Option<&'a str>,
    pub exp_month: u8,
    pub exp_year: u16,
    pub extended_authorization: Option<Status<'a>>,
    pub fingerprint: Option<&'a str>,
    /// `credit`, `debit`, `prepaid` or `unknown`.
    pub funding: Option<&'a str>,
    pub iin: Option<&'a str>,
    pub incremental_authorization: Option<Status<'a>>,
    pub installments: Null,
    pub issuer: Option<&'a str>,
    pub last4: Option<&'a str>,
    pub mandate: Null,
    pub moto: Option<bool>,
    pub multicapture: Option<Status<'a>>,
    pub network: Option<&'a str>,
    pub network_token: Null,
    pub network_transaction_id: Option<&'a str>,
    pub overcapture: Option<Overcapture<'a>>,
    pub regulated_status: Null,
    pub setup_credential_usage: Null,
    pub stored_credential_usage: Null,
    pub three_d_secure: Null,
    pub transaction_link_id: Null,
    pub wallet: Null,
}

/// What the issuer said about the details sent beside the number: `pass`, `fail`, `unavailable` or `unchecked`.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct CardChecks<'a> {
    pub address_line1_check: Option<&'a str>,
    pub address_postal_code_check: Option<&'a str>,
    pub cvc_check: Option<&'a str>,
}

/// A feature of an authorization: `available`, `unavailable`, `enabled` or `disabled`.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Status<'a> {
    pub status: &'a str,
}

/// Whether more than the authorized amount may be captured.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Overcapture<'a> {
    pub maximum_amount_capturable: i64,
    pub status: &'a str,
}
