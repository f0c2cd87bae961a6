//! The operations on reviews, value lists and payment evaluations.

use super::Decode;
use super::address::{BillingDetailsInput, MAX_EMAIL_CHARS};
use super::listing::{CreatedFilter, Page};
use super::metadata::MetadataInput;
use super::words::CurrencyCode;
use crate::error::ApiError;
use crate::expand::Expand;
use crate::form::{Change, Fields};
use crate::wire_enum::wire_enum;

const MAX_ALIAS_CHARS: usize = 100;
const MAX_NAME_CHARS: usize = 100;
const MAX_VALUE_CHARS: usize = 800;

wire_enum! {
    /// What the values of a list are.
    ItemType {
        CardBin = "card_bin",
        CardFingerprint = "card_fingerprint",
        CaseSensitiveString = "case_sensitive_string",
        Country = "country",
        CustomerId = "customer_id",
        Email = "email",
        IpAddress = "ip_address",
        String = "string",
    }
}

/// GET /v1/reviews.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListReviews<'p> {
    pub page: Page<'p>,
    pub created: CreatedFilter,
    pub expand: Expand,
}

impl<'p> Decode<'p> for ListReviews<'p> {
    fn read(fields: &mut Fields<'p>) -> Result<Self, ApiError> {
        Ok(Self {
            page: Page::take(fields)?,
            created: CreatedFilter::take(fields)?,
            expand: Expand::take(fields)?,
        })
    }
}

/// The name under which rules know a list: letters, digits, dashes and underscores.
fn alias<'p>(fields: &mut Fields<'p>) -> Result<Option<&'p str>, ApiError> {
    let Some(alias) = fields.text("alias", MAX_ALIAS_CHARS)? else { return Ok(None) };
    if alias.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-') {
        return Ok(Some(alias));
    }
    let message = "Invalid alias: use letters, digits, dashes and underscores.";
    Err(ApiError::invalid_parameter(fields.path("alias"), message))
}

/// POST /v1/radar/value_lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateValueList<'p> {
    pub alias: &'p str,
    pub name: &'p str,
    pub item_type: ItemType,
    pub metadata: MetadataInput<'p>,
    pub expand: Expand,
}

impl<'p> Decode<'p> for CreateValueList<'p> {
    fn read(fields: &mut Fields<'p>) -> Result<Self, ApiError> {
        let (alias, name) = (alias(fields)?, fields.text("name", MAX_NAME_CHARS)?);
        Ok(Self {
            alias: fields.required("alias", alias)?,
            name: fields.required("name", name)?,
            item_type: fields.choice("item_type")?.unwrap_or(ItemType::String),
            metadata: MetadataInput::take(fields)?,
            expand: Expand::take(fields)?,
        })
    }
}

/// POST /v1/radar/value_lists/{id}.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpdateValueList<'p> {
    pub alias: Option<&'p str>,
    pub name: Option<&'p str>,
    pub metadata: MetadataInput<'p>,
    pub expand: Expand,
}

impl<'p> Decode<'p> for UpdateValueList<'p> {
    fn read(fields: &mut Fields<'p>) -> Result<Self, ApiError> {
        Ok(Self {
            alias: alias(fields)?,
            name: fields.text("name", MAX_NAME_CHARS)?,
            metadata: MetadataInput::take(fields)?,
            expand: Expand::take(fields)?,
        })
    }
}

/// GET /v1/radar/value_lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListValueLists<'p> {
    pub page: Page<'p>,
    pub created: CreatedFilter,
    pub alias: Option<&'p str>,
    /// Only lists that hold this value.
    pub contains: Option<&'p str>,
    pub expand: Expand,
}

impl<'p> Decode<'p> for ListValueLists<'p> {
    fn read(fields: &mut Fields<'p>) -> Result<Self, ApiError> {
        Ok(Self {
            page: Page::take(fields)?,
            created: CreatedFilter::take(fields)?,
            alias: alias(fields)?,
            contains: fields.text("contains", MAX_VALUE_CHARS)?,
            expand: Expand::take(fields)?,
        })
    }
}

/// POST /v1/radar/value_list_items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateValueListItem<'p> {
    pub value: &'p str,
    pub value_list: &'p str,
    pub expand: Expand,
}

impl<'p> Decode<'p> for CreateValueListItem<'p> {
    fn read(fields: &mut Fields<'p>) -> Result<Self, ApiError> {
        let (value, list) = (fields.text("value", MAX_VALUE_CHARS)?, fields.id("value_list")?);
        Ok(Self {
            value: fields.required("value", value)?,
            value_list: fields.required("value_list", list)?,
            expand: Expand::take(fields)?,
        })
    }
}

/// GET /v1/radar/value_list_items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListValueListItems<'p> {
    pub page: Page<'p>,
    pub created: CreatedFilter,
    pub value: Option<&'p str>,
    pub value_list: &'p str,
    pub expand: Expand,
}

impl<'p> Decode<'p> for ListValueListItems<'p> {
    fn read(fields: &mut Fields<'p>) -> Result<Self, ApiError> {
        let list = fields.id("value_list")?;
        Ok(Self {
            page: Page::take(fields)?,
            created: CreatedFilter::take(fields)?,
            value: fields.text("value", MAX_VALUE_CHARS)?,
            value_list: fields.required("value_list", list)?,
            expand: Expand::take(fields)?,
        })
    }
}

/// POST /v1/radar/payment_evaluations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreatePaymentEvaluation<'p> {
    /// Minor units.
    pub amount: i64,
    pub currency: CurrencyCode,
    pub payment_method: &'p str,
    pub billing: Option<BillingDetailsInput<'p>>,
    pub description: Option<&'p str>,
    pub statement_descriptor: Option<&'p str>,
    /// `customer_details`.
    pub customer: Option<&'p str>,
    pub email: Option<&'p str>,
    pub name: Option<&'p str>,
    pub phone: Option<&'p str>,
    /// `client_device_metadata_details[radar_session]`.
    pub session: Option<&'p str>,
    pub metadata: MetadataInput<'p>,
    pub expand: Expand,
}

impl<'p> Decode<'p> for CreatePaymentEvaluation<'p> {
    fn read(fields: &mut Fields<'p>) -> Result<Self, ApiError> {
        let details = fields.object("payment_details")?;
        let mut details = fields.required("payment_details", details)?;
        let (amount, currency) = (details.amount("amount")?, CurrencyCode::take(&mut details, "currency")?);
        let method = details.object("payment_method_details")?;
        let mut method = details.required("payment_method_details", method)?;
        let (named, billing) = (method.id("payment_method")?, BillingDetailsInput::take(&mut method)?);
        let payment_method = method.required("payment_method", named)?;
        method.finish()?;
        for shown_only in ["money_movement_details", "shipping_details"] {
            details.accept(shown_only);
        }
        let (amount, currency) =
            (details.required("amount", amount)?, details.required("currency", currency)?);
        let (description, statement_descriptor) =
            (details.text("description", 1_000)?, details.text("statement_descriptor", 22)?);
        details.finish()?;
        let [customer, email, name, phone] = customer(fields)?;
        let session = match fields.object("client_device_metadata_details")? {
            None => None,
            Some(mut device) => {
                let session = device.text("radar_session", 255)?;
                device.finish()?;
                session
            }
        };
        Ok(Self {
            amount,
            currency,
            payment_method,
            billing,
            description,
            statement_descriptor,
            customer,
            email,
            name,
            phone,
            session,
            metadata: MetadataInput::take(fields)?,
            expand: Expand::take(fields)?,
        })
    }
}

fn customer<'p>(fields: &mut Fields<'p>) -> Result<[Option<&'p str>; 4], ApiError> {
    let Change::Set(mut customer) = fields.object_change("customer_details")? else { return Ok([None; 4]) };
    customer.accept("customer_account");
    let found = [
        customer.id("customer")?,
        customer.text("email", MAX_EMAIL_CHARS)?,
        customer.text("name", 256)?,
        customer.text("phone", 50)?,
    ];
    customer.finish()?;
    Ok(found)
}
