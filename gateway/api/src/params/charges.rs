//! The operations on charges.

use super::Decode;
use super::address::{MAX_EMAIL_CHARS, ShippingInput};
use super::listing::{CreatedFilter, Page};
use super::metadata::MetadataInput;
use super::payment_intents::{MAX_DESCRIPTION_CHARS, MAX_DESCRIPTOR_CHARS};
use super::unsupported as why;
use crate::error::ApiError;
use crate::expand::Expand;
use crate::form::{Change, Fields};
use crate::wire_enum::wire_enum;

wire_enum! {
    /// What the merchant says about a charge.
    UserReport {
        Fraudulent = "fraudulent",
        Safe = "safe",
    }
}

/// POST /v1/charges/{id}.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateCharge<'p> {
    pub customer: Option<&'p str>,
    pub description: Change<&'p str>,
    /// `fraud_details[user_report]`.
    pub user_report: Change<UserReport>,
    pub metadata: MetadataInput<'p>,
    pub receipt_email: Change<&'p str>,
    pub shipping: Change<ShippingInput<'p>>,
    pub expand: Expand,
}

impl<'p> Decode<'p> for UpdateCharge<'p> {
    const REFUSED: &'static [(&'static str, &'static str)] = &[("transfer_group", why::CONNECT)];

    fn read(fields: &mut Fields<'p>) -> Result<Self, ApiError> {
        let user_report = match fields.object("fraud_details")? {
            None => Change::Keep,
            Some(mut details) => {
                let report = details.choice_change("user_report")?;
                details.finish()?;
                report
            }
        };
        Ok(Self {
            customer: fields.id("customer")?,
            description: fields.text_change("description", MAX_DESCRIPTION_CHARS)?,
            user_report,
            metadata: MetadataInput::take(fields)?,
            receipt_email: fields.text_change("receipt_email", MAX_EMAIL_CHARS)?,
            shipping: ShippingInput::take(fields)?,
            expand: Expand::take(fields)?,
        })
    }
}

/// POST /v1/charges/{id}/capture. The rest of the authorization is released.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaptureCharge<'p> {
    /// Minor units; all that is capturable when absent.
    pub amount: Option<i64>,
    pub receipt_email: Option<&'p str>,
    pub statement_descriptor: Option<&'p str>,
    pub statement_descriptor_suffix: Option<&'p str>,
    pub expand: Expand,
}

impl<'p> Decode<'p> for CaptureCharge<'p> {
    const REFUSED: &'static [(&'static str, &'static str)] = &[
        ("application_fee", why::CONNECT),
        ("application_fee_amount", why::CONNECT),
        ("transfer_data", why::CONNECT),
        ("transfer_group", why::CONNECT),
    ];

    fn read(fields: &mut Fields<'p>) -> Result<Self, ApiError> {
        Ok(Self {
            amount: fields.amount("amount")?,
            receipt_email: fields.text("receipt_email", MAX_EMAIL_CHARS)?,
            statement_descriptor: fields.text("statement_descriptor", MAX_DESCRIPTOR_CHARS)?,
            statement_descriptor_suffix: fields.text("statement_descriptor_suffix", MAX_DESCRIPTOR_CHARS)?,
            expand: Expand::take(fields)?,
        })
    }
}

/// GET /v1/charges.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListCharges<'p> {
    pub page: Page<'p>,
    pub created: CreatedFilter,
    pub customer: Option<&'p str>,
    pub payment_intent: Option<&'p str>,
    pub expand: Expand,
}

impl<'p> Decode<'p> for ListCharges<'p> {
    const REFUSED: &'static [(&'static str, &'static str)] = &[("transfer_group", why::CONNECT)];

    fn read(fields: &mut Fields<'p>) -> Result<Self, ApiError> {
        Ok(Self {
            page: Page::take(fields)?,
            created: CreatedFilter::take(fields)?,
            customer: fields.id("customer")?,
            payment_intent: fields.id("payment_intent")?,
            expand: Expand::take(fields)?,
        })
    }
}
