//! The operations on payment methods.

use super::Decode;
use super::address::BillingDetailsInput;
use super::card::{PaymentMethodData, month, year};
use super::listing::Page;
use super::metadata::MetadataInput;
use super::unsupported as why;
use crate::error::ApiError;
use crate::expand::Expand;
use crate::form::Fields;

/// POST /v1/payment_methods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreatePaymentMethod<'p> {
    pub data: PaymentMethodData<'p>,
    pub expand: Expand,
}

impl<'p> Decode<'p> for CreatePaymentMethod<'p> {
    const REFUSED: &'static [(&'static str, &'static str)] = &[
        ("customer", "payment methods are not shared between accounts; attach it instead"),
        ("payment_method", "payment methods are not shared between accounts; attach it instead"),
    ];

    fn read(fields: &mut Fields<'p>) -> Result<Self, ApiError> {
        Ok(Self { data: PaymentMethodData::read(fields)?, expand: Expand::take(fields)? })
    }
}

/// POST /v1/payment_methods/{id}.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdatePaymentMethod<'p> {
    pub billing_details: Option<BillingDetailsInput<'p>>,
    /// 1 to 12.
    pub exp_month: Option<u8>,
    /// Four digits.
    pub exp_year: Option<u16>,
    pub metadata: MetadataInput<'p>,
    pub expand: Expand,
}

impl<'p> Decode<'p> for UpdatePaymentMethod<'p> {
    fn read(fields: &mut Fields<'p>) -> Result<Self, ApiError> {
        fields.accept("allow_redisplay");
        let (mut exp_month, mut exp_year) = (None, None);
        if let Some(mut card) = fields.object("card")? {
            (exp_month, exp_year) = (month(&mut card)?, year(&mut card)?);
            card.accept("networks");
            card.finish()?;
        }
        Ok(Self {
            billing_details: BillingDetailsInput::take(fields)?,
            exp_month,
            exp_year,
            metadata: MetadataInput::take(fields)?,
            expand: Expand::take(fields)?,
        })
    }
}

/// POST /v1/payment_methods/{id}/attach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachPaymentMethod<'p> {
    pub customer: &'p str,
    pub expand: Expand,
}

impl<'p> Decode<'p> for AttachPaymentMethod<'p> {
    const REFUSED: &'static [(&'static str, &'static str)] = &[("customer_account", why::ACCOUNTS)];

    fn read(fields: &mut Fields<'p>) -> Result<Self, ApiError> {
        let customer = fields.id("customer")?;
        Ok(Self { customer: fields.required("customer", customer)?, expand: Expand::take(fields)? })
    }
}

/// POST /v1/payment_methods/{id}/detach.
pub type DetachPaymentMethod = super::listing::Retrieve;

/// GET /v1/payment_methods, and GET /v1/customers/{id}/payment_methods (which names the customer in its path).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListPaymentMethods<'p> {
    pub page: Page<'p>,
    pub customer: Option<&'p str>,
    /// `type`; only `card` finds anything.
    pub kind: Option<&'p str>,
    pub expand: Expand,
}

impl<'p> Decode<'p> for ListPaymentMethods<'p> {
    const REFUSED: &'static [(&'static str, &'static str)] = &[("customer_account", why::ACCOUNTS)];

    fn read(fields: &mut Fields<'p>) -> Result<Self, ApiError> {
        fields.accept("allow_redisplay");
        Ok(Self {
            page: Page::take(fields)?,
            customer: fields.id("customer")?,
            kind: fields.id("type")?,
            expand: Expand::take(fields)?,
        })
    }
}
