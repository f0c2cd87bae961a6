//! Addresses, billing details and shipping, as parameters.

use crate::error::ApiError;
use crate::form::{Change, Fields};

/// The longest line of an address or a name, in characters.
const MAX_LINE_CHARS: usize = 500;
/// The longest e-mail address, in characters.
pub(super) const MAX_EMAIL_CHARS: usize = 512;

/// A postal address. On update, a field sent empty is cleared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AddressInput<'p> {
    pub city: Change<&'p str>,
    /// Two letters of ISO 3166.
    pub country: Change<&'p str>,
    pub line1: Change<&'p str>,
    pub line2: Change<&'p str>,
    pub postal_code: Change<&'p str>,
    pub state: Change<&'p str>,
}

impl<'p> AddressInput<'p> {
    pub(super) fn take(fields: &mut Fields<'p>, name: &str) -> Result<Change<Self>, ApiError> {
        let mut inner = match fields.object_change(name)? {
            Change::Keep => return Ok(Change::Keep),
            Change::Clear => return Ok(Change::Clear),
            Change::Set(inner) => inner,
        };
        let address = Self {
            city: inner.text_change("city", MAX_LINE_CHARS)?,
            country: inner.text_change("country", 2)?,
            line1: inner.text_change("line1", MAX_LINE_CHARS)?,
            line2: inner.text_change("line2", MAX_LINE_CHARS)?,
            postal_code: inner.text_change("postal_code", 50)?,
            state: inner.text_change("state", MAX_LINE_CHARS)?,
        };
        inner.finish()?;
        Ok(Change::Set(address))
    }
}

/// Who the card is billed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BillingDetailsInput<'p> {
    pub address: Change<AddressInput<'p>>,
    pub email: Change<&'p str>,
    pub name: Change<&'p str>,
    pub phone: Change<&'p str>,
    pub tax_id: Change<&'p str>,
}

impl<'p> BillingDetailsInput<'p> {
    pub(super) fn take(fields: &mut Fields<'p>) -> Result<Option<Self>, ApiError> {
        let Some(mut inner) = fields.object("billing_details")? else { return Ok(None) };
        let details = Self {
            address: AddressInput::take(&mut inner, "address")?,
            email: inner.text_change("email", MAX_EMAIL_CHARS)?,
            name: inner.text_change("name", MAX_LINE_CHARS)?,
            phone: inner.text_change("phone", 50)?,
            tax_id: inner.text_change("tax_id", 50)?,
        };
        inner.finish()?;
        Ok(Some(details))
    }
}

/// Where the goods go. Name and address are required together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShippingInput<'p> {
    pub address: AddressInput<'p>,
    pub carrier: Option<&'p str>,
    pub name: &'p str,
    pub phone: Option<&'p str>,
    pub tracking_number: Option<&'p str>,
}

impl<'p> ShippingInput<'p> {
    pub(super) fn take(fields: &mut Fields<'p>) -> Result<Change<Self>, ApiError> {
        let mut inner = match fields.object_change("shipping")? {
            Change::Keep => return Ok(Change::Keep),
            Change::Clear => return Ok(Change::Clear),
            Change::Set(inner) => inner,
        };
        let address = AddressInput::take(&mut inner, "address")?.set();
        let name = inner.text("name", MAX_LINE_CHARS)?;
        let shipping = Self {
            address: inner.required("address", address)?,
            carrier: inner.text("carrier", MAX_LINE_CHARS)?,
            name: inner.required("name", name)?,
            phone: inner.text("phone", 50)?,
            tracking_number: inner.text("tracking_number", MAX_LINE_CHARS)?,
        };
        inner.finish()?;
        Ok(Change::Set(shipping))
    }
}
