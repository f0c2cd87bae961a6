//! The setup intent: a card that is saved without a payment.

use super::customer::Customer;
use super::payment_intent::{AutomaticPaymentMethodsView, LastPaymentError, NextAction};
use super::payment_method::PaymentMethod;
use super::{Expandable, Metadata, Null, object_name};
use serde::Serialize;

object_name!(SetupIntentName = "setup_intent");

/// The saving of a card for later.
#[derive(Debug, Clone, Serialize)]
pub struct SetupIntent<'a> {
    pub id: &'a str,
    pub object: SetupIntentName,
    pub allowed_payment_method_types: Null,
    pub application: Null,
    pub attach_to_self: Null,
    pub automatic_payment_methods: Option<AutomaticPaymentMethodsView<'a>>,
    pub cancellation_reason: Option<&'a str>,
    pub client_secret: Option<&'a str>,
    pub created: i64,
    pub customer: Option<Expandable<'a, Customer<'a>>>,
    pub customer_account: Null,
    pub description: Option<&'a str>,
    pub excluded_payment_method_types: Null,
    pub flow_directions: Null,
    pub last_setup_error: Option<Box<LastPaymentError<'a>>>,
    pub latest_attempt: Null,
    pub livemode: bool,
    pub managed_payments: Null,
    pub mandate: Null,
    pub metadata: Metadata<'a>,
    pub next_action: Option<NextAction<'a>>,
    pub on_behalf_of: Null,
    pub payment_method: Option<Expandable<'a, PaymentMethod<'a>>>,
    pub payment_method_configuration_details: Null,
    pub payment_method_options: Option<SetupPaymentMethodOptionsView<'a>>,
    pub payment_method_types: &'a [&'a str],
    pub single_use_mandate: Null,
    pub status: &'a str,
    pub usage: &'a str,
}

impl Default for SetupIntent<'_> {
    fn default() -> Self {
        Self {
            id: "",
            object: SetupIntentName,
            allowed_payment_method_types: Null,
            application: Null,
            attach_to_self: Null,
            automatic_payment_methods: None,
            cancellation_reason: None,
            client_secret: None,
            created: 0,
            customer: None,
            customer_account: Null,
            description: None,
            excluded_payment_method_types: Null,
            flow_directions: Null,
            last_setup_error: None,
            latest_attempt: Null,
            livemode: false,
            managed_payments: Null,
            mandate: Null,
            metadata: Metadata::Empty,
            next_action: None,
            on_behalf_of: Null,
            payment_method: None,
            payment_method_configuration_details: Null,
            payment_method_options: Some(SetupPaymentMethodOptionsView::default()),
            payment_method_types: &["card"],
            single_use_mandate: Null,
            status: "requires_payment_method",
            usage: "off_session",
        }
    }
}

/// Options by payment method type.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct SetupPaymentMethodOptionsView<'a> {
    pub card: SetupCardOptionsView<'a>,
}

/// Options of a card that is saved.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct SetupCardOptionsView<'a> {
    pub mandate_options: Null,
    pub network: Null,
    pub request_three_d_secure: Option<&'a str>,
}

impl Default for SetupCardOptionsView<'_> {
    fn default() -> Self {
        Self { mandate_options: Null, network: Null, request_three_d_secure: Some("automatic") }
    }
}
