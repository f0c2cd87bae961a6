//! The single-use token, and the card that it shows.

use super::{Metadata, Null, object_name};
use serde::Serialize;

object_name!(TokenName = "token");
object_name!(CardName = "card");

/// A card that was exchanged for a single-use token.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Token<'a> {
    pub id: &'a str,
    pub object: TokenName,
    pub bank_account: Null,
    pub card: Option<TokenCard<'a>>,
    pub client_ip: Option<&'a str>,
    pub created: i64,
    pub livemode: bool,
    /// `card`.
    #[serde(rename = "type")]
    pub kind: &'a str,
    pub used: bool,
}

/// The card of a token.
#[derive(Debug, Clone, Default, Serialize)]
pub struct TokenCard<'a> {
    pub id: &'a str,
    pub object: CardName,
    pub account: Null,
    pub address_city: Option<&'a str>,
    pub address_country: Option<&'a str>,
    pub address_line1: Option<&'a str>,
    pub address_line1_check: Option<&'a str>,
    pub address_line2: Option<&'a str>,
    pub address_state: Option<&'a str>,
    pub address_zip: Option<&'a str>,
    pub address_zip_check: Option<&'a str>,
    pub allow_redisplay: Option<&'a str>,
    pub available_payout_methods: Null,
    pub brand: &'a str,
    pub country: Option<&'a str>,
    pub currency: Null,
    pub customer: Option<&'a str>,
    pub cvc_check: Option<&'a str>,
    pub default_for_currency: Null,
    pub description: Null,
    pub dynamic_last4: Null,
    pub exp_month: u8,
    pub exp_year: u16,
    pub fingerprint: Option<&'a str>,
    pub funding: &'a str,
    pub iin: Option<&'a str>,
    pub issuer: Option<&'a str>,
    pub last4: &'a str,
    pub metadata: Metadata<'a>,
    pub name: Option<&'a str>,
    pub networks: Null,
    pub regulated_status: Null,
    pub status: Null,
    pub tokenization_method: Null,
}
