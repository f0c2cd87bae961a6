//! The operations on payment intents.

use super::Decode;
use super::address::{MAX_EMAIL_CHARS, ShippingInput};
use super::card::PaymentMethodData;
use super::intent_options::{AutomaticPaymentMethods, CardOptions, MethodTypes, OriginInput};
use super::listing::{CreatedFilter, Page};
use super::metadata::MetadataInput;
use super::unsupported as why;
use super::words::{
    CancellationReason, CaptureMethod, ConfirmationMethod, CurrencyCode, OffSession, SetupFutureUsage,
};
use crate::error::ApiError;
use crate::expand::Expand;
use crate::form::{Change, Fields};

pub(super) const MAX_DESCRIPTION_CHARS: usize = 1000;
pub(super) const MAX_DESCRIPTOR_CHARS: usize = 22;
pub(super) const MAX_URL_CHARS: usize = 2048;

/// What no intent takes here, on any of its operations.
const REFUSED: &[(&str, &str)] = &[
    ("amount_details", why::LINE_ITEMS),
    ("amount_to_confirm", why::LINE_ITEMS),
    ("application_fee_amount", why::CONNECT),
    ("confirmation_token", why::CONFIRMATION_TOKENS),
    ("customer_account", why::ACCOUNTS),
    ("hooks", why::HOOKS),
    ("mandate", why::MANDATES),
    ("on_behalf_of", why::CONNECT),
    ("payment_details", why::LINE_ITEMS),
    ("payment_method_configuration", why::CONFIGURATIONS),
    ("transfer_data", why::CONNECT),
    ("transfer_group", why::CONNECT),
];

/// The payment method of an intent: a saved one, or one given in place. Both at once are refused.
fn exclusive_method<'p>(
    fields: &mut Fields<'p>,
) -> Result<(Option<&'p str>, Option<PaymentMethodData<'p>>), ApiError> {
    let id = fields.id("payment_method")?;
    let data = PaymentMethodData::take(fields)?;
    if id.is_some() && data.is_some() {
        return Err(ApiError::parameters_exclusive("payment_method", "payment_method_data"));
    }
    Ok((id, data))
}

/// POST /v1/payment_intents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreatePaymentIntent<'p> {
    /// Minor units, at least 1; the largest allowed is the domain's to judge.
    pub amount: i64,
    pub currency: CurrencyCode,
    pub confirm: bool,
    pub capture_method: CaptureMethod,
    pub confirmation_method: ConfirmationMethod,
    pub payment_method: Option<&'p str>,
    pub payment_method_data: Option<PaymentMethodData<'p>>,
    pub method_types: MethodTypes,
    pub card_options: Option<CardOptions>,
    pub automatic_payment_methods: Option<AutomaticPaymentMethods>,
    pub customer: Option<&'p str>,
    pub description: Option<&'p str>,
    pub error_on_requires_action: bool,
    pub metadata: MetadataInput<'p>,
    pub off_session: OffSession,
    pub origin: OriginInput<'p>,
    pub receipt_email: Option<&'p str>,
    pub return_url: Option<&'p str>,
    pub setup_future_usage: Option<SetupFutureUsage>,
    pub shipping: Option<ShippingInput<'p>>,
    pub statement_descriptor: Option<&'p str>,
    pub statement_descriptor_suffix: Option<&'p str>,
    pub expand: Expand,
}

impl<'p> Decode<'p> for CreatePaymentIntent<'p> {
    const REFUSED: &'static [(&'static str, &'static str)] = REFUSED;

    fn read(fields: &mut Fields<'p>) -> Result<Self, ApiError> {
        let amount = fields.amount("amount")?;
        let currency = CurrencyCode::take(fields, "currency")?;
        let confirm = fields.boolean("confirm")?.unwrap_or(false);
        let (payment_method, payment_method_data) = exclusive_method(fields)?;
        let method_types = MethodTypes::take(fields)?;
        let origin = OriginInput::take(fields)?;
        let intent = Self {
            amount: fields.required("amount", amount)?,
            currency: fields.required("currency", currency)?,
            confirm,
            capture_method: fields.choice("capture_method")?.unwrap_or(CaptureMethod::Automatic),
            confirmation_method: fields
                .choice("confirmation_method")?
                .unwrap_or(ConfirmationMethod::Automatic),
            payment_method,
            payment_method_data,
            method_types,
            card_options: CardOptions::take(fields)?,
            automatic_payment_methods: AutomaticPaymentMethods::take(fields)?,
            customer: fields.id("customer")?,
            description: fields.text("description", MAX_DESCRIPTION_CHARS)?,
            error_on_requires_action: fields.boolean("error_on_requires_action")?.unwrap_or(false),
            metadata: MetadataInput::take(fields)?,
            off_session: fields.choice("off_session")?.unwrap_or(OffSession::No),
            origin,
            receipt_email: fields.text("receipt_email", MAX_EMAIL_CHARS)?,
            return_url: fields.text("return_url", MAX_URL_CHARS)?,
            setup_future_usage: fields.choice("setup_future_usage")?,
            shipping: ShippingInput::take(fields)?.set(),
            statement_descriptor: fields.text("statement_descriptor", MAX_DESCRIPTOR_CHARS)?,
            statement_descriptor_suffix: fields.text("statement_descriptor_suffix", MAX_DESCRIPTOR_CHARS)?,
            expand: Expand::take(fields)?,
        };
        intent.check(fields)?;
        Ok(intent)
    }
}

impl CreatePaymentIntent<'_> {
    /// What only a confirming request may say.
    fn check(&self, fields: &Fields<'_>) -> Result<(), ApiError> {
        for name in ["error_on_requires_action", "off_session", "return_url"] {
            if !self.confirm && fields.has(name) {
                let message = format!("'{name}' can only be sent with confirm=true, or when confirming.");
                return Err(ApiError::invalid_parameter(name, message));
            }
        }
        Ok(())
    }
}

/// POST /v1/payment_intents/{id}.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdatePaymentIntent<'p> {
    /// Minor units, at least 1.
    pub amount: Option<i64>,
    pub currency: Option<CurrencyCode>,
    pub capture_method: Option<CaptureMethod>,
    pub payment_method: Change<&'p str>,
    pub payment_method_data: Option<PaymentMethodData<'p>>,
    pub method_types: MethodTypes,
    pub card_options: Option<CardOptions>,
    pub customer: Option<&'p str>,
    pub description: Change<&'p str>,
    pub metadata: MetadataInput<'p>,
    pub receipt_email: Change<&'p str>,
    pub setup_future_usage: Change<SetupFutureUsage>,
    pub shipping: Change<ShippingInput<'p>>,
    pub statement_descriptor: Change<&'p str>,
    pub statement_descriptor_suffix: Change<&'p str>,
    pub expand: Expand,
}

impl<'p> Decode<'p> for UpdatePaymentIntent<'p> {
    const REFUSED: &'static [(&'static str, &'static str)] = REFUSED;

    fn read(fields: &mut Fields<'p>) -> Result<Self, ApiError> {
        let method_types = MethodTypes::take(fields)?;
        let payment_method = fields.text_change("payment_method", 255)?;
        let payment_method_data = PaymentMethodData::take(fields)?;
        if payment_method.set().is_some() && payment_method_data.is_some() {
            return Err(ApiError::parameters_exclusive("payment_method", "payment_method_data"));
        }
        Ok(Self {
            amount: fields.amount("amount")?,
            currency: CurrencyCode::take(fields, "currency")?,
            capture_method: fields.choice("capture_method")?,
            payment_method,
            payment_method_data,
            method_types,
            card_options: CardOptions::take(fields)?,
            customer: fields.id("customer")?,
            description: fields.text_change("description", MAX_DESCRIPTION_CHARS)?,
            metadata: MetadataInput::take(fields)?,
            receipt_email: fields.text_change("receipt_email", MAX_EMAIL_CHARS)?,
            setup_future_usage: fields.choice_change("setup_future_usage")?,
            shipping: ShippingInput::take(fields)?,
            statement_descriptor: fields.text_change("statement_descriptor", MAX_DESCRIPTOR_CHARS)?,
            statement_descriptor_suffix: fields
                .text_change("statement_descriptor_suffix", MAX_DESCRIPTOR_CHARS)?,
            expand: Expand::take(fields)?,
        })
    }
}

/// POST /v1/payment_intents/{id}/confirm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfirmPaymentIntent<'p> {
    pub payment_method: Option<&'p str>,
    pub payment_method_data: Option<PaymentMethodData<'p>>,
    pub card_options: Option<CardOptions>,
    pub capture_method: Option<CaptureMethod>,
    pub error_on_requires_action: bool,
    pub off_session: OffSession,
    pub origin: OriginInput<'p>,
    pub receipt_email: Change<&'p str>,
    pub return_url: Option<&'p str>,
    pub setup_future_usage: Change<SetupFutureUsage>,
    pub shipping: Change<ShippingInput<'p>>,
    /// Sent by a publishable key in place of a secret one.
    pub client_secret: Option<&'p str>,
    pub expand: Expand,
}

impl<'p> Decode<'p> for ConfirmPaymentIntent<'p> {
    const REFUSED: &'static [(&'static str, &'static str)] = REFUSED;

    fn read(fields: &mut Fields<'p>) -> Result<Self, ApiError> {
        let (payment_method, payment_method_data) = exclusive_method(fields)?;
        // Said at the creation; repeated here, it changes nothing.
        MethodTypes::take(fields)?;
        let origin = OriginInput::take(fields)?;
        Ok(Self {
            payment_method,
            payment_method_data,
            card_options: CardOptions::take(fields)?,
            capture_method: fields.choice("capture_method")?,
            error_on_requires_action: fields.boolean("error_on_requires_action")?.unwrap_or(false),
            off_session: fields.choice("off_session")?.unwrap_or(OffSession::No),
            origin,
            receipt_email: fields.text_change("receipt_email", MAX_EMAIL_CHARS)?,
            return_url: fields.text("return_url", MAX_URL_CHARS)?,
            setup_future_usage: fields.choice_change("setup_future_usage")?,
            shipping: ShippingInput::take(fields)?,
            client_secret: fields.id("client_secret")?,
            expand: Expand::take(fields)?,
        })
    }
}

/// POST /v1/payment_intents/{id}/capture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CapturePaymentIntent<'p> {
    /// Minor units; all that is capturable when absent.
    pub amount_to_capture: Option<i64>,
    /// Whether the rest is released; true when absent.
    pub final_capture: bool,
    pub metadata: MetadataInput<'p>,
    pub statement_descriptor: Option<&'p str>,
    pub statement_descriptor_suffix: Option<&'p str>,
    pub expand: Expand,
}

impl<'p> Decode<'p> for CapturePaymentIntent<'p> {
    const REFUSED: &'static [(&'static str, &'static str)] = REFUSED;

    fn read(fields: &mut Fields<'p>) -> Result<Self, ApiError> {
        Ok(Self {
            amount_to_capture: fields.amount("amount_to_capture")?,
            final_capture: fields.boolean("final_capture")?.unwrap_or(true),
            metadata: MetadataInput::take(fields)?,
            statement_descriptor: fields.text("statement_descriptor", MAX_DESCRIPTOR_CHARS)?,
            statement_descriptor_suffix: fields.text("statement_descriptor_suffix", MAX_DESCRIPTOR_CHARS)?,
            expand: Expand::take(fields)?,
        })
    }
}

/// POST /v1/payment_intents/{id}/cancel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CancelPaymentIntent {
    pub cancellation_reason: Option<CancellationReason>,
    pub expand: Expand,
}

impl<'p> Decode<'p> for CancelPaymentIntent {
    fn read(fields: &mut Fields<'p>) -> Result<Self, ApiError> {
        Ok(Self { cancellation_reason: fields.choice("cancellation_reason")?, expand: Expand::take(fields)? })
    }
}

/// POST /v1/payment_intents/{id}/increment_authorization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncrementAuthorization<'p> {
    /// The new total in minor units, more than the current one.
    pub amount: i64,
    pub description: Change<&'p str>,
    pub metadata: MetadataInput<'p>,
    pub statement_descriptor: Change<&'p str>,
    pub expand: Expand,
}

impl<'p> Decode<'p> for IncrementAuthorization<'p> {
    const REFUSED: &'static [(&'static str, &'static str)] = REFUSED;

    fn read(fields: &mut Fields<'p>) -> Result<Self, ApiError> {
        let amount = fields.amount("amount")?;
        Ok(Self {
            amount: fields.required("amount", amount)?,
            description: fields.text_change("description", MAX_DESCRIPTION_CHARS)?,
            metadata: MetadataInput::take(fields)?,
            statement_descriptor: fields.text_change("statement_descriptor", MAX_DESCRIPTOR_CHARS)?,
            expand: Expand::take(fields)?,
        })
    }
}

/// GET /v1/payment_intents/{id}.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetrievePaymentIntent<'p> {
    /// Needed by a publishable key.
    pub client_secret: Option<&'p str>,
    pub expand: Expand,
}

impl<'p> Decode<'p> for RetrievePaymentIntent<'p> {
    fn read(fields: &mut Fields<'p>) -> Result<Self, ApiError> {
        Ok(Self { client_secret: fields.id("client_secret")?, expand: Expand::take(fields)? })
    }
}

/// GET /v1/payment_intents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListPaymentIntents<'p> {
    pub page: Page<'p>,
    pub created: CreatedFilter,
    pub customer: Option<&'p str>,
    pub expand: Expand,
}

impl<'p> Decode<'p> for ListPaymentIntents<'p> {
    const REFUSED: &'static [(&'static str, &'static str)] = &[("customer_account", why::ACCOUNTS)];

    fn read(fields: &mut Fields<'p>) -> Result<Self, ApiError> {
        Ok(Self {
            page: Page::take(fields)?,
            created: CreatedFilter::take(fields)?,
            customer: fields.id("customer")?,
            expand: Expand::take(fields)?,
        })
    }
}
