//! `[routing]` of the configuration, as it is written.

use super::rule::Matcher;
use gateway_core::payment::Strategy;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Largest weight.
const MAX_WEIGHT: u32 = 100;
/// Most rules, and most lines of the fee table.
const MAX_LINES: usize = 1_000;

/// `[routing]`: which acquirer is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Routing {
    /// What puts the candidates in order, where no rule says otherwise. Default `priority`.
    pub strategy: Strategy,
    /// Names of acquirers, the first first. Those not named follow as they stand in the file.
    pub order: Vec<String>,
    /// How many acquirers one attempt may ask, the first counted. Default 3.
    pub tries: u32,
    /// For `weighted` and `random`: parts of the traffic, 0 to 100. Default 1 each; 0: only when the others fail.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub weights: BTreeMap<String, u32>,
    /// Messages that may be in flight to an acquirer before new payments go elsewhere. Default twice the acquirer's window, at
    /// most 4,096.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub max_in_flight: BTreeMap<String, u32>,
    /// For `bandit`: what payments have in common that are learned from together. Default currency and brand.
    pub segment: Vec<Trait>,
    /// For `bandit`: how many answers of a segment it remembers, 10 to 10,000; older ones fade. Default 500.
    pub memory: u32,
    pub breaker: Breaker,
    /// The first that fits a payment decides; where none does, the lines above.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<Rule>,
    /// For `cost`: what acquirers charge. The first line of an acquirer that fits a payment is its fee.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fees: Vec<Fee>,
}

impl Default for Routing {
    fn default() -> Self {
        Self {
            strategy: Strategy::Priority,
            order: Vec::new(),
            tries: 3,
            weights: BTreeMap::new(),
            max_in_flight: BTreeMap::new(),
            segment: vec![Trait::Currency, Trait::Brand],
            memory: 500,
            breaker: Breaker::default(),
            rules: Vec::new(),
            fees: Vec::new(),
        }
    }
}

/// Something that payments can have in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trait {
    Currency,
    Brand,
    Country,
    Bin,
    Merchant,
}

/// `[routing.breaker]`: when an acquirer is left alone for a while. Only messages that did not come through count; a
/// decline is an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Breaker {
    /// It opens when so many of the last `of` messages did not come through. Default 5.
    pub failures: u32,
    /// Default 20, at most 64.
    pub of: u32,
    /// It stays open so long, then one payment tries. Default 2,000.
    pub open_ms: u64,
    /// Doubled at every try that fails, up to this. Default 60,000.
    pub longest_open_ms: u64,
}

impl Default for Breaker {
    fn default() -> Self {
        Self { failures: 5, of: 20, open_ms: 2_000, longest_open_ms: 60_000 }
    }
}

/// Which payments a rule or a fee is for: all that is written must fit.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct When {
    /// Codes as the wire has them: `["usd", "eur"]`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub currency: Vec<String>,
    /// Issuers by the first digits of the card: `["424242", "51-55"]`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bin: Vec<String>,
    /// Card schemes: `["visa", "mastercard"]`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub brand: Vec<String>,
    /// The issuer's country: `["DE", "FR"]`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub country: Vec<String>,
    /// Merchants by id: `["acct_..."]`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub merchant: Vec<String>,
    /// At least this amount, in minor units; `currency` must be written too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount_from: Option<i64>,
    /// Below this amount, in minor units; `currency` must be written too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount_below: Option<i64>,
    /// Values of the payment's metadata.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// Types as the wire has them: `["card", "alipay", "wechat_pay"]`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub payment_method: Vec<String>,
}

/// One of `[[routing.rules]]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Stands in explanations.
    pub name: String,
    /// The candidates, the first first.
    pub acquirers: Vec<String>,
    /// What puts them in order; as above if it is not written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy: Option<Strategy>,
    /// Their weights under this rule; as above if not written.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub weights: BTreeMap<String, u32>,
    /// Which payments it is for. Without this: all.
    #[serde(default)]
    pub when: When,
}

/// One of `[[routing.fees]]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fee {
    pub acquirer: String,
    /// Of the amount, as text: `"1.4"`.
    #[serde(default)]
    pub percent: Decimal,
    /// And this on top, in minor units of the payment's currency, as text: `"25"`.
    #[serde(default)]
    pub fixed_minor: Decimal,
    /// Which payments it is for. Without this: all.
    #[serde(default)]
    pub when: When,
}

impl Routing {
    /// What types alone can't say. `known` are the acquirers that there are.
    ///
    /// # Errors
    /// The path of the first setting that is wrong, and what to write instead.
    pub fn check(&self, known: &[&str]) -> Result<(), (String, String)> {
        let names = Names(known);
        names.all("routing.order", &self.order)?;
        weights("routing.weights", &self.weights, &names)?;
        for (name, most) in &self.max_in_flight {
            names.one("routing.max_in_flight", name)?;
            within("routing.max_in_flight", *most, 1, 1_000_000)?;
        }
        within("routing.tries", self.tries, 1, 10)?;
        within("routing.memory", self.memory, 10, 10_000)?;
        self.breaker.check()?;
        if self.rules.len() > MAX_LINES || self.fees.len() > MAX_LINES {
            return wrong("routing", format!("at most {MAX_LINES} rules and {MAX_LINES} fees"));
        }
        for (index, rule) in self.rules.iter().enumerate() {
            rule.check(&format!("routing.rules, {:?} (number {})", rule.name, index + 1), &names)?;
        }
        for (index, fee) in self.fees.iter().enumerate() {
            fee.check(&format!("routing.fees, number {}", index + 1), &names)?;
        }
        let by_cost =
            self.strategy == Strategy::Cost || self.rules.iter().any(|r| r.strategy == Some(Strategy::Cost));
        if by_cost && self.fees.is_empty() {
            return wrong("routing.fees", "the strategy cost needs [[routing.fees]]".to_owned());
        }
        Ok(())
    }
}

/// What is wrong, and with which setting.
type Wrong = (String, String);

fn wrong<T>(path: &str, what: String) -> Result<T, Wrong> {
    Err((path.to_owned(), what))
}

fn within(path: &str, value: u32, least: u32, most: u32) -> Result<(), Wrong> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    wrong(path, format!("{value} is out of bounds: use {least} to {most}"))
}

struct Names<'a>(&'a [&'a str]);

impl Names<'_> {
    fn one(&self, path: &str, name: &str) -> Result<(), Wrong> {
        if self.0.contains(&name) {
            return Ok(());
        }
        wrong(path, format!("there is no acquirer {name:?}; there are: {}", self.0.join(", ")))
    }

    fn all(&self, path: &str, names: &[String]) -> Result<(), Wrong> {
        for (position, name) in names.iter().enumerate() {
            self.one(path, name)?;
            if names[..position].contains(name) {
                return wrong(path, format!("{name:?} is named twice"));
            }
        }
        Ok(())
    }
}

fn weights(path: &str, weights: &BTreeMap<String, u32>, names: &Names<'_>) -> Result<(), Wrong> {
    for (name, weight) in weights {
        names.one(path, name)?;
        within(path, *weight, 0, MAX_WEIGHT)?;
    }
    Ok(())
}

impl Breaker {
    fn check(&self) -> Result<(), Wrong> {
        within("routing.breaker.of", self.of, 1, 64)?;
        within("routing.breaker.failures", self.failures, 1, self.of)?;
        if !(1..=3_600_000).contains(&self.open_ms)
            || !(self.open_ms..=3_600_000).contains(&self.longest_open_ms)
        {
            let what = "open_ms is 1 to 3600000, and longest_open_ms is not shorter".to_owned();
            return wrong("routing.breaker", what);
        }
        Ok(())
    }
}

impl Rule {
    fn check(&self, path: &str, names: &Names<'_>) -> Result<(), Wrong> {
        if self.acquirers.is_empty() {
            return wrong(path, "acquirers is empty: name one at least".to_owned());
        }
        names.all(path, &self.acquirers)?;
        weights(path, &self.weights, names)?;
        self.when.check(path)
    }
}

impl Fee {
    fn check(&self, path: &str, names: &Names<'_>) -> Result<(), Wrong> {
        names.one(path, &self.acquirer)?;
        let most = Decimal::from(100);
        if self.percent.is_sign_negative() || self.percent > most || self.fixed_minor.is_sign_negative() {
            return wrong(path, "percent is 0 to 100, and fixed_minor is not negative".to_owned());
        }
        if !self.fixed_minor.is_zero() && self.when.currency.is_empty() {
            let what = "fixed_minor counts minor units: say of which money with when = { currency = [...] }";
            return wrong(path, what.to_owned());
        }
        self.when.check(path)
    }
}

impl When {
    fn check(&self, path: &str) -> Result<(), Wrong> {
        if (self.amount_from.is_some() || self.amount_below.is_some()) && self.currency.is_empty() {
            return wrong(path, "amounts are minor units: write the currency as well".to_owned());
        }
        Matcher::of(self).map(drop).or_else(|what| wrong(path, what))
    }
}
