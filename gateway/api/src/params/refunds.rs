//! The operations on refunds.

use super::Decode;
use super::listing::{CreatedFilter, Page};
use super::metadata::MetadataInput;
use super::unsupported as why;
use super::words::{CurrencyCode, RefundReason};
use crate::error::ApiError;
use crate::expand::Expand;
use crate::form::Fields;

/// POST /v1/refunds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateRefund<'p> {
    /// At least one of the two is there.
    pub payment_intent: Option<&'p str>,
    /// At least one of the two is there.
    pub charge: Option<&'p str>,
    /// Minor units; all that remains when absent.
    pub amount: Option<i64>,
    /// Only compared with the payment's own.
    pub currency: Option<CurrencyCode>,
    pub reason: Option<RefundReason>,
    pub metadata: MetadataInput<'p>,
    pub expand: Expand,
}

impl<'p> Decode<'p> for CreateRefund<'p> {
    const REFUSED: &'static [(&'static str, &'static str)] = &[
        ("customer", "refunds of a customer's balance are not offered"),
        ("origin", "refunds of a customer's balance are not offered"),
        ("refund_application_fee", why::CONNECT),
        ("reverse_transfer", why::CONNECT),
    ];

    fn read(fields: &mut Fields<'p>) -> Result<Self, ApiError> {
        fields.accept("instructions_email");
        let refund = Self {
            payment_intent: fields.id("payment_intent")?,
            charge: fields.id("charge")?,
            amount: fields.amount("amount")?,
            currency: CurrencyCode::take(fields, "currency")?,
            reason: fields.choice("reason")?,
            metadata: MetadataInput::take(fields)?,
            expand: Expand::take(fields)?,
        };
        if refund.payment_intent.is_none() && refund.charge.is_none() {
            return Err(ApiError::parameter_missing("payment_intent"));
        }
        Ok(refund)
    }
}

/// POST /v1/refunds/{id}.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateRefund<'p> {
    pub metadata: MetadataInput<'p>,
    pub expand: Expand,
}

impl<'p> Decode<'p> for UpdateRefund<'p> {
    fn read(fields: &mut Fields<'p>) -> Result<Self, ApiError> {
        Ok(Self { metadata: MetadataInput::take(fields)?, expand: Expand::take(fields)? })
    }
}

/// POST /v1/refunds/{id}/cancel.
pub type CancelRefund = super::listing::Retrieve;

/// GET /v1/refunds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListRefunds<'p> {
    pub page: Page<'p>,
    pub created: CreatedFilter,
    pub charge: Option<&'p str>,
    pub payment_intent: Option<&'p str>,
    pub expand: Expand,
}

impl<'p> Decode<'p> for ListRefunds<'p> {
    fn read(fields: &mut Fields<'p>) -> Result<Self, ApiError> {
        Ok(Self {
            page: Page::take(fields)?,
            created: CreatedFilter::take(fields)?,
            charge: fields.id("charge")?,
            payment_intent: fields.id("payment_intent")?,
            expand: Expand::take(fields)?,
        })
    }
}
