//! A payment that is only described, to ask where it would go.

use super::Question;
use super::rule::{brand, country};
use gateway_core::card::{Brand, CardFacts, Funding};
use gateway_core::id::{Id, MerchantId};
use gateway_core::means::MeansKind;
use gateway_core::money::{Currency, Money};
use gateway_core::record::Metadata;
use gateway_core::tenant::Mode;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A payment in words, as an operator gives it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Described {
    /// `test` (default) or `live`.
    #[serde(default = "test")]
    pub mode: String,
    /// In minor units.
    pub amount: i64,
    /// As `usd`.
    pub currency: String,
    /// The first six digits of the card.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bin: Option<String>,
    /// As `visa`; without it, as the first digits say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brand: Option<String>,
    /// The issuer's, as `DE`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// As `acct_...`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub merchant: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// `card` (default), `alipay`, `wechat_pay`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_method: Option<String>,
}

fn test() -> String {
    Mode::Test.as_str().to_owned()
}

/// The same, read.
#[derive(Debug, Clone)]
pub struct Facts {
    mode: Mode,
    merchant: MerchantId,
    amount: Money,
    means: MeansKind,
    card: CardFacts,
    metadata: Metadata,
}

impl Facts {
    /// As the router asks it.
    pub fn question(&self) -> Question<'_> {
        let Self { mode, merchant, amount, means, card, metadata } = self;
        let card = (*means == MeansKind::Card).then_some(card);
        Question { mode: *mode, merchant: *merchant, amount: *amount, means: *means, card, metadata }
    }
}

impl Described {
    /// Reads it. The card has no number, so a strategy that goes by the card takes some card.
    ///
    /// # Errors
    /// The first word that can't be read, and what to write instead.
    pub fn read(&self) -> Result<Facts, String> {
        let mode = match self.mode.as_str() {
            "test" => Mode::Test,
            "live" => Mode::Live,
            other => return Err(format!("mode {other:?}: write test or live")),
        };
        let currency = Currency::parse(&self.currency)
            .ok_or_else(|| format!("currency {:?}: write an ISO 4217 code, as usd", self.currency))?;
        let bin = match &self.bin {
            None => None,
            Some(text) => Some(bin(text)?),
        };
        let brand = match (&self.brand, bin) {
            (Some(word), _) => {
                brand(word).ok_or_else(|| format!("brand {word:?}: write visa, mastercard, amex, ..."))?
            }
            (None, Some(bin)) => brand(crypto::card::Brand::of_bin(bin).as_str()).unwrap_or(Brand::Unknown),
            (None, None) => Brand::Unknown,
        };
        let merchant = match &self.merchant {
            None => MerchantId(Id(0)),
            Some(id) => id.parse().map_err(|_| format!("merchant {id:?}: write its id, as acct_..."))?,
        };
        let card = CardFacts {
            brand,
            funding: Funding::Unknown,
            bin: bin.unwrap_or(0),
            last4: *b"0000",
            exp_month: 1,
            exp_year: 2099,
            country: self.country.as_deref().map(country).transpose()?,
            fingerprint: [0; 16],
            cvc_provided: false,
        };
        let metadata = self.metadata.clone().into_iter().collect();
        let means = match &self.payment_method {
            None => MeansKind::Card,
            Some(word) => MeansKind::parse(word)
                .ok_or_else(|| format!("payment_method {word:?}: write card, alipay or wechat_pay"))?,
        };
        Ok(Facts { mode, merchant, amount: Money::new(self.amount, currency), means, card, metadata })
    }
}

fn bin(text: &str) -> Result<u32, String> {
    let legal = text.len() == 6 && text.bytes().all(|digit| digit.is_ascii_digit());
    let read = legal.then(|| text.parse().ok()).flatten();
    // Not repeated: somebody may have typed a whole number.
    read.ok_or_else(|| "bin: write the first six digits of a card, and no more".to_owned())
}
