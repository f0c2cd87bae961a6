//! Addresses as several objects carry them.

use serde::Serialize;

/// A postal address.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Address<'a> {
    pub city: Option<&'a str>,
    pub country: Option<&'a str>,
    pub line1: Option<&'a str>,
    pub line2: Option<&'a str>,
    pub postal_code: Option<&'a str>,
    pub state: Option<&'a str>,
}

/// Who a card is billed to. The address is an object even when nothing is known, as SDKs expect.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct BillingDetails<'a> {
    pub address: Address<'a>,
    pub email: Option<&'a str>,
    pub name: Option<&'a str>,
    pub phone: Option<&'a str>,
    pub tax_id: Option<&'a str>,
}

/// Where the goods go.
#[derive(Debug, Clone, Copy, Default, Serialize)]
pub struct Shipping<'a> {
    pub address: Address<'a>,
    pub carrier: Option<&'a str>,
    pub name: Option<&'a str>,
    pub phone: Option<&'a str>,
    pub tracking_number: Option<&'a str>,
}
