//! The operations on setup intents: saving a card without a payment.

use super::Decode;
use super::card::PaymentMethodData;
use super::intent_options::{AutomaticPaymentMethods, CardOptions, OriginInput, check_types};
use super::listing::{CreatedFilter, Page};
use super::metadata::MetadataInput;
use super::payment_intents::{MAX_DESCRIPTION_CHARS, MAX_URL_CHARS};
use super::unsupported as why;
use super::words::{CancellationReason, SetupUsage};
use crate::error::ApiError;
use crate::expand::Expand;
use crate::form::{Change, Fields};

const REFUSED: &[(&str, &str)] = &[
    ("attach_to_self", why::CONNECT),
    ("confirmation_token", why::CONFIRMATION_TOKENS),
    ("customer_account", why::ACCOUNTS),
    ("flow_directions", why::CONNECT),
    ("on_behalf_of", why::CONNECT),
    ("payment_method_configuration", why::CONFIGURATIONS),
    ("single_use", why::MANDATES),
];

/// POST /v1/setup_intents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateSetupIntent<'p> {
    pub confirm: bool,
    pub customer: Option<&'p str>,
    pub description: Option<&'p str>,
    pub payment_method: Option<&'p str>,
    pub payment_method_data: Option<PaymentMethodData<'p>>,
    pub card_options: Option<CardOptions>,
    pub automatic_payment_methods: Option<AutomaticPaymentMethods>,
    pub return_url: Option<&'p str>,
    pub usage: SetupUsage,
    pub metadata: MetadataInput<'p>,
    pub expand: Expand,
}

impl<'p> Decode<'p> for CreateSetupIntent<'p> {
    const REFUSED: &'static [(&'static str, &'static str)] = REFUSED;

    fn read(fields: &mut Fields<'p>) -> Result<Self, ApiError> {
        check_types(fields)?;
        let _nothing_is_scored = OriginInput::take(fields)?;
        Ok(Self {
            confirm: fields.boolean("confirm")?.unwrap_or(false),
            customer: fields.id("customer")?,
            description: fields.text("description", MAX_DESCRIPTION_CHARS)?,
            payment_method: fields.id("payment_method")?,
            payment_method_data: PaymentMethodData::take(fields)?,
            card_options: CardOptions::take(fields)?,
            automatic_payment_methods: AutomaticPaymentMethods::take(fields)?,
            return_url: fields.text("return_url", MAX_URL_CHARS)?,
            usage: fields.choice("usage")?.unwrap_or(SetupUsage::OffSession),
            metadata: MetadataInput::take(fields)?,
            expand: Expand::take(fields)?,
        })
    }
}

/// POST /v1/setup_intents/{id}.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateSetupIntent<'p> {
    pub customer: Option<&'p str>,
    pub description: Change<&'p str>,
    pub payment_method: Option<&'p str>,
    pub payment_method_data: Option<PaymentMethodData<'p>>,
    pub card_options: Option<CardOptions>,
    pub metadata: MetadataInput<'p>,
    pub expand: Expand,
}

impl<'p> Decode<'p> for UpdateSetupIntent<'p> {
    const REFUSED: &'static [(&'static str, &'static str)] = REFUSED;

    fn read(fields: &mut Fields<'p>) -> Result<Self, ApiError> {
        check_types(fields)?;
        Ok(Self {
            customer: fields.id("customer")?,
            description: fields.text_change("description", MAX_DESCRIPTION_CHARS)?,
            payment_method: fields.id("payment_method")?,
            payment_method_data: PaymentMethodData::take(fields)?,
            card_options: CardOptions::take(fields)?,
            metadata: MetadataInput::take(fields)?,
            expand: Expand::take(fields)?,
        })
    }
}

/// POST /v1/setup_intents/{id}/confirm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfirmSetupIntent<'p> {
    pub payment_method: Option<&'p str>,
    pub payment_method_data: Option<PaymentMethodData<'p>>,
    pub card_options: Option<CardOptions>,
    pub return_url: Option<&'p str>,
    /// Sent by a publishable key in place of a secret one.
    pub client_secret: Option<&'p str>,
    pub expand: Expand,
}

impl<'p> Decode<'p> for ConfirmSetupIntent<'p> {
    const REFUSED: &'static [(&'static str, &'static str)] = REFUSED;

    fn read(fields: &mut Fields<'p>) -> Result<Self, ApiError> {
        check_types(fields)?;
        let _nothing_is_scored = OriginInput::take(fields)?;
        Ok(Self {
            payment_method: fields.id("payment_method")?,
            payment_method_data: PaymentMethodData::take(fields)?,
            card_options: CardOptions::take(fields)?,
            return_url: fields.text("return_url", MAX_URL_CHARS)?,
            client_secret: fields.id("client_secret")?,
            expand: Expand::take(fields)?,
        })
    }
}

/// POST /v1/setup_intents/{id}/cancel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CancelSetupIntent {
    pub cancellation_reason: Option<CancellationReason>,
    pub expand: Expand,
}

impl<'p> Decode<'p> for CancelSetupIntent {
    fn read(fields: &mut Fields<'p>) -> Result<Self, ApiError> {
        Ok(Self { cancellation_reason: fields.choice("cancellation_reason")?, expand: Expand::take(fields)? })
    }
}

/// GET /v1/setup_intents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListSetupIntents<'p> {
    pub page: Page<'p>,
    pub created: CreatedFilter,
    pub customer: Option<&'p str>,
    pub payment_method: Option<&'p str>,
    pub expand: Expand,
}

impl<'p> Decode<'p> for ListSetupIntents<'p> {
    const REFUSED: &'static [(&'static str, &'static str)] =
        &[("attach_to_self", why::CONNECT), ("customer_account", why::ACCOUNTS)];

    fn read(fields: &mut Fields<'p>) -> Result<Self, ApiError> {
        Ok(Self {
            page: Page::take(fields)?,
            created: CreatedFilter::take(fields)?,
            customer: fields.id("customer")?,
            payment_method: fields.id("payment_method")?,
            expand: Expand::take(fields)?,
        })
    }
}
