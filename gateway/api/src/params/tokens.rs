//! POST /v1/tokens: card details exchanged for a single-use token.

use super::Decode;
use super::address::AddressInput;
use super::card::CardInput;
use crate::error::ApiError;
use crate::expand::Expand;
use crate::form::Fields;

const ONLY_CARDS: &str = "only cards can be made into tokens";

/// POST /v1/tokens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreateToken<'p> {
    pub card: CardInput<'p>,
    /// `card[name]`.
    pub name: Option<&'p str>,
    /// `card[address_line1]` and its neighbours.
    pub address: AddressInput<'p>,
    pub expand: Expand,
}

impl<'p> Decode<'p> for CreateToken<'p> {
    const REFUSED: &'static [(&'static str, &'static str)] = &[
        ("account", ONLY_CARDS),
        ("bank_account", ONLY_CARDS),
        ("customer", "tokens of saved cards are not offered; use the payment method"),
        ("cvc_update", ONLY_CARDS),
        ("person", ONLY_CARDS),
        ("pii", ONLY_CARDS),
    ];

    fn read(fields: &mut Fields<'p>) -> Result<Self, ApiError> {
        let card = fields.object("card")?;
        let mut card = fields.required("card", card)?;
        let token = Self {
            card: CardInput::read(&mut card)?,
            name: card.text("name", 500)?,
            address: AddressInput {
                city: card.text_change("address_city", 500)?,
                country: card.text_change("address_country", 2)?,
                line1: card.text_change("address_line1", 500)?,
                line2: card.text_change("address_line2", 500)?,
                postal_code: card.text_change("address_zip", 50)?,
                state: card.text_change("address_state", 500)?,
            },
            expand: Expand::take(fields)?,
        };
        card.accept("currency");
        card.accept("networks");
        card.finish()?;
        Ok(token)
    }
}
