//! What is known of a payment beside its card: where it came from, as the request says, and as keys from which nothing can be read.

use gateway_core::Money;
use gateway_core::card::CardFacts;
use gateway_core::payment::{Instrument, Payment};
use gateway_core::risk::OriginKeys;
use serde_json::Value;
use std::net::IpAddr;

/// What is known of a request beside the payment itself.
#[derive(Debug, Clone, Default)]
pub struct Circumstances {
    /// The payer's address, as the merchant saw it.
    pub ip_address: Option<IpAddr>,
    /// The payer's e-mail address, in lower case.
    pub email: Option<String>,
    pub keys: OriginKeys,
}

/// What a request says of the payer.
#[derive(Debug, Clone, Copy, Default)]
pub struct Said<'a> {
    /// A network address.
    pub ip_address: Option<&'a str>,
    /// A device or session of one.
    pub device: Option<&'a str>,
    pub email: Option<&'a str>,
}

impl Circumstances {
    /// Reads what was said, and makes its keys under the store's own. What is no address counts as not said.
    pub fn of(said: Said<'_>, vault: &crypto::Vault) -> Self {
        let ip_address = said.ip_address.and_then(|text| text.parse().ok());
        let email = said.email.map(str::to_lowercase);
        let key = |what: &str, text: &str| key(vault, what, text);
        let keys = OriginKeys {
            address: ip_address.map(|address| key("address", &network(address).to_string())),
            device: said.device.map(|text| key("device", text)),
            email: email.as_deref().map(|text| key("email", text)),
        };
        Self { ip_address, email, keys }
    }
}

/// The e-mail address that a payment carries: the receipt's, else the card holder's.
pub fn email_of<'a>(receipt: Option<&'a str>, billing_details: &'a str) -> Option<std::borrow::Cow<'a, str>> {
    if let Some(email) = receipt {
        return Some(email.into());
    }
    // Most say no address: what they hold is read only if this stands in it, as in each that says one.
    if !billing_details.contains("\"email\":") {
        return None;
    }
    let details: Value = serde_json::from_str(billing_details).ok()?;
    details["email"].as_str().map(|text| text.to_owned().into())
}

/// An IPv6 customer has a /64 network, not an address.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6([a, b, c, d, 0, 0, 0, 0].into())
        }
    }
}

/// A key of an identifier: keyed, so that nobody outside can make or undo it.
pub fn key(vault: &crypto::Vault, what: &str, text: &str) -> u64 {
    let mut digest = vault.request_digest();
    digest.field(b"risk entity");
    digest.field(what.as_bytes());
    digest.field(text.as_bytes());
    let bytes = digest.finish();
    u64::from_le_bytes(*bytes.first_chunk().expect("a digest has 32 bytes"))
}

/// All that rules may ask of a payment.
pub struct Facts<'a> {
    /// None for a payment that is processed elsewhere.
    pub payment: Option<&'a Payment>,
    pub amount: Money,
    pub instrument: &'a Instrument,
    pub circumstances: &'a Circumstances,
}

impl Facts<'_> {
    /// The card that pays, if one does.
    pub const fn card(&self) -> Option<&CardFacts> {
        self.instrument.means.card()
    }

    /// The card's first digits, as text.
    pub fn bin(&self) -> Option<String> {
        self.card().map(|card| format!("{:06}", card.bin))
    }

    /// The card's fingerprint, as objects show it.
    pub fn fingerprint(&self) -> Option<String> {
        self.card().map(|card| crypto::hex::encode(&card.fingerprint[..8]))
    }

    /// The card's country in capitals, if it is known.
    pub fn country(&self) -> Option<String> {
        let letters = self.card()?.country?;
        Some(String::from_utf8_lossy(&letters).into_owned())
    }

    /// The customer's id.
    pub fn customer(&self) -> Option<String> {
        self.payment.and_then(|payment| payment.details.customer).map(|id| id.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_the_receipts_or_else_the_card_holders() {
        let cases = [
            (Some("a@b.c"), r#"{"email":"d@e.f"}"#, Some("a@b.c")),
            (None, r#"{"email":"d@e.f","name":"x"}"#, Some("d@e.f")),
            (None, r#"{"address":{"city":"x"},"email":"d\"@e.f"}"#, Some("d\"@e.f")),
            (None, r#"{"name":"\"email\":"}"#, None),
            (None, r#"{"address":{"country":"US"}}"#, None),
            (None, "", None),
        ];
        for (receipt, billing, expected) in cases {
            assert_eq!(email_of(receipt, billing).as_deref(), expected, "{billing}");
        }
    }
}
