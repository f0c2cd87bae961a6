//! The operations on customers.

use super::Decode;
use super::address::{AddressInput, MAX_EMAIL_CHARS, ShippingInput};
use super::listing::{CreatedFilter, Page};
use super::metadata::MetadataInput;
use super::payment_intents::MAX_DESCRIPTION_CHARS;
use super::unsupported as why;
use crate::error::ApiError;
use crate::expand::Expand;
use crate::form::{Change, Fields};

const MAX_NAME_CHARS: usize = 256;

const REFUSED: &[(&str, &str)] = &[
    ("balance", why::BILLING),
    ("cash_balance", why::BILLING),
    ("default_source", why::SOURCES),
    ("invoice_prefix", why::BILLING),
    ("next_invoice_sequence", why::BILLING),
    ("source", why::SOURCES),
    ("tax", why::BILLING),
    ("tax_exempt", why::BILLING),
    ("tax_id_data", why::BILLING),
    ("test_clock", why::CLOCKS),
];

/// The fields that creation and update share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateCustomer<'p> {
    pub address: Change<AddressInput<'p>>,
    pub business_name: Change<&'p str>,
    /// `invoice_settings[default_payment_method]`.
    pub default_payment_method: Change<&'p str>,
    pub description: Change<&'p str>,
    pub email: Change<&'p str>,
    pub individual_name: Change<&'p str>,
    pub metadata: MetadataInput<'p>,
    pub name: Change<&'p str>,
    pub phone: Change<&'p str>,
    pub preferred_locales: Option<Vec<&'p str>>,
    pub shipping: Change<ShippingInput<'p>>,
    pub expand: Expand,
}

impl<'p> Decode<'p> for UpdateCustomer<'p> {
    const REFUSED: &'static [(&'static str, &'static str)] = REFUSED;

    fn read(fields: &mut Fields<'p>) -> Result<Self, ApiError> {
        fields.boolean("validate")?;
        Ok(Self {
            address: AddressInput::take(fields, "address")?,
            business_name: fields.text_change("business_name", MAX_NAME_CHARS)?,
            default_payment_method: default_payment_method(fields)?,
            description: fields.text_change("description", MAX_DESCRIPTION_CHARS)?,
            email: fields.text_change("email", MAX_EMAIL_CHARS)?,
            individual_name: fields.text_change("individual_name", MAX_NAME_CHARS)?,
            metadata: MetadataInput::take(fields)?,
            name: fields.text_change("name", MAX_NAME_CHARS)?,
            phone: fields.text_change("phone", 20)?,
            preferred_locales: fields.strings("preferred_locales")?,
            shipping: ShippingInput::take(fields)?,
            expand: Expand::take(fields)?,
        })
    }
}

fn default_payment_method<'p>(fields: &mut Fields<'p>) -> Result<Change<&'p str>, ApiError> {
    let Some(mut settings) = fields.object("invoice_settings")? else { return Ok(Change::Keep) };
    let method = settings.text_change("default_payment_method", 255)?;
    settings.finish_refusing(&[
        ("custom_fields", why::BILLING),
        ("footer", why::BILLING),
        ("rendering_options", why::BILLING),
    ])?;
    Ok(method)
}

/// POST /v1/customers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateCustomer<'p> {
    /// In a new customer, what is cleared is simply not there.
    pub fields: UpdateCustomer<'p>,
    /// A payment method to attach at once.
    pub payment_method: Option<&'p str>,
}

impl<'p> Decode<'p> for CreateCustomer<'p> {
    const REFUSED: &'static [(&'static str, &'static str)] = REFUSED;

    fn read(fields: &mut Fields<'p>) -> Result<Self, ApiError> {
        Ok(Self { payment_method: fields.id("payment_method")?, fields: UpdateCustomer::read(fields)? })
    }
}

/// GET /v1/customers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListCustomers<'p> {
    pub page: Page<'p>,
    pub created: CreatedFilter,
    /// Compared exactly, as it is stored.
    pub email: Option<&'p str>,
    pub expand: Expand,
}

impl<'p> Decode<'p> for ListCustomers<'p> {
    const REFUSED: &'static [(&'static str, &'static str)] = &[("test_clock", why::CLOCKS)];

    fn read(fields: &mut Fields<'p>) -> Result<Self, ApiError> {
        Ok(Self {
            page: Page::take(fields)?,
            created: CreatedFilter::take(fields)?,
            email: fields.text("email", MAX_EMAIL_CHARS)?,
            expand: Expand::take(fields)?,
        })
    }
}
