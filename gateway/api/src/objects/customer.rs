//! The customer.

use super::payment_method::PaymentMethod;
use super::{Address, EmptyObject, Expandable, Metadata, Null, Shipping, object_name};
use serde::Serialize;

object_name!(CustomerName = "customer");

/// A merchant's customer.
#[derive(Debug, Clone, Serialize)]
pub struct Customer<'a> {
    pub id: &'a str,
    pub object: CustomerName,
    pub address: Option<Address<'a>>,
    pub balance: i64,
    pub business_name: Option<&'a str>,
    pub cash_balance: Null,
    pub created: i64,
    pub currency: Null,
    pub customer_account: Null,
    pub default_source: Null,
    pub delinquent: bool,
    pub description: Option<&'a str>,
    pub discount: Null,
    pub email: Option<&'a str>,
    pub individual_name: Option<&'a str>,
    pub invoice_credit_balance: EmptyObject,
    pub invoice_prefix: Null,
    pub invoice_settings: InvoiceSettings<'a>,
    pub livemode: bool,
    pub metadata: Metadata<'a>,
    pub name: Option<&'a str>,
    pub next_invoice_sequence: Null,
    pub phone: Option<&'a str>,
    pub preferred_locales: &'a [&'a str],
    pub shipping: Option<Shipping<'a>>,
    pub sources: Null,
    pub subscriptions: Null,
    pub tax: Null,
    pub tax_exempt: &'a str,
    pub tax_ids: Null,
    pub test_clock: Null,
}

impl Default for Customer<'_> {
    fn default() -> Self {
        Self {
            id: "",
            object: CustomerName,
            address: None,
            balance: 0,
            business_name: None,
            cash_balance: Null,
            created: 0,
            currency: Null,
            customer_account: Null,
            default_source: Null,
            delinquent: false,
            description: None,
            discount: Null,
            email: None,
            individual_name: None,
            invoice_credit_balance: EmptyObject,
            invoice_prefix: Null,
            invoice_settings: InvoiceSettings::default(),
            livemode: false,
            metadata: Metadata::Empty,
            name: None,
            next_invoice_sequence: Null,
            phone: None,
            preferred_locales: &[],
            shipping: None,
            sources: Null,
            subscriptions: Null,
            tax: Null,
            tax_exempt: "none",
            tax_ids: Null,
            test_clock: Null,
        }
    }
}

/// Which payment method a customer uses by default.
#[derive(Debug, Clone, Default, Serialize)]
pub struct InvoiceSettings<'a> {
    pub custom_fields: Null,
    pub default_payment_method: Option<Expandable<'a, PaymentMethod<'a>>>,
    pub footer: Null,
    pub rendering_options: Null,
}
