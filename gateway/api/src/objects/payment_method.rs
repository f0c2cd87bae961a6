//! The payment method: a card that can be used again, or a wallet.

use super::charge::CardChecks;
use super::customer::Customer;
use super::{BillingDetails, EmptyObject, Expandable, Metadata, Null, object_name};
use serde::Serialize;

object_name!(PaymentMethodName = "payment_method");

/// A card, by what may be shown of it; or a wallet, of which nothing is known.
#[derive(Debug, Clone, Default, Serialize)]
pub struct PaymentMethod<'a> {
    pub id: &'a str,
    pub object: PaymentMethodName,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alipay: Option<EmptyObject>,
    /// `always`, `limited` or `unspecified`.
    pub allow_redisplay: Option<&'a str>,
    pub billing_details: BillingDetails<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub card: Option<PaymentMethodCard<'a>>,
    pub created: i64,
    pub customer: Option<Expandable<'a, Customer<'a>>>,
    pub customer_account: Null,
    pub livemode: bool,
    pub metadata: Metadata<'a>,
    pub radar_options: Null,
    /// `card`, `alipay` or `wechat_pay`.
    #[serde(rename = "type")]
    pub kind: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wechat_pay: Option<EmptyObject>,
}

/// The card of a payment method.
#[derive(Debug, Clone, Default, Serialize)]
pub struct PaymentMethodCard<'a> {
    pub brand: &'a str,
    pub checks: Option<CardChecks<'a>>,
    pub country: Option<&'a str>,
    pub description: Null,
    pub display_brand: Option<&'a str>,
    pub exp_month: u8,
    pub exp_year: u16,
    /// The same for the same number, keyed.
    pub fingerprint: Option<&'a str>,
    pub funding: &'a str,
    pub generated_from: Null,
    pub iin: Option<&'a str>,
    pub issuer: Option<&'a str>,
    pub last4: &'a str,
    pub networks: Option<CardNetworks<'a>>,
    pub regulated_status: Null,
    pub three_d_secure_usage: Option<ThreeDSecureUsage>,
    pub wallet: Null,
}

/// The networks that can carry the card.
#[derive(Debug, Clone, Default, Serialize)]
pub struct CardNetworks<'a> {
    pub available: Vec<&'a str>,
    pub preferred: Option<&'a str>,
}

/// Whether the card can be challenged.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct ThreeDSecureUsage {
    pub supported: bool,
}
