//! What can be set of an operator of wallets.

use crate::https::{KeyReference, Place};
use gateway_core::means::{MeansKind, Wallet};
use serde::Deserialize;

/// The longest that a customer may be given, in seconds: a day.
const LONGEST_LIFE_S: u64 = 86_400;
/// The longest time for which a message may be thought to be on its way, in milliseconds: an hour.
const LONGEST_DELAY_MS: u64 = 3_600_000;

/// One operator.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// `https://host` or `https://host:port`; `http://` only towards loopback.
    pub url: String,
    /// The secret key, as `env:NAME` or `file:PATH`.
    pub key: KeyReference,
    /// The authorities to believe, `file:PATH` of PEM; without it the web's.
    #[serde(default)]
    pub ca: Option<String>,
    /// What the operator signs its notifications with (`whsec_...`), as `env:NAME` or `file:PATH`. Without it none are taken, and
    /// payments are only polled. They go to `/notifications/NAME` of the merchant API, NAME being this acquirer's.
    #[serde(default)]
    pub notification_secret: Option<KeyReference>,
    /// The wallets that it operates: `alipay`, `wechat_pay`. Default: both.
    #[serde(default = "all_wallets")]
    pub wallets: Vec<String>,
    /// How long a customer has to approve a payment, in seconds; 60 to 86,400.
    #[serde(default = "quarter_of_an_hour")]
    pub payment_life_s: u64,
    /// How long one answer may take, in milliseconds; a message's own deadline counts if it is shorter.
    #[serde(default = "ten_seconds")]
    pub response_timeout_ms: u64,
    /// This long after it left, in milliseconds, a message that the operator has not received never reaches it: from then on its "no
    /// such payment" is believed. A message leaves within `response_timeout_ms`. At least `response_timeout_ms`, at most an hour.
    #[serde(default = "default_max_delay")]
    pub max_delay_ms: u64,
    /// How many calls run at a time.
    #[serde(default = "calls")]
    pub window: usize,
}

fn all_wallets() -> Vec<String> {
    Wallet::ALL.into_iter().map(|wallet| wallet.as_str().to_owned()).collect()
}

fn quarter_of_an_hour() -> u64 {
    900
}

fn ten_seconds() -> u64 {
    10_000
}

fn default_max_delay() -> u64 {
    45_000
}

fn calls() -> usize {
    128
}

impl Settings {
    /// Whether it takes payments by this means.
    #[must_use]
    pub fn serves(&self, means: MeansKind) -> bool {
        self.wallets.iter().any(|wallet| wallet == means.as_str())
    }

    /// Checks what the types do not.
    ///
    /// # Errors
    /// A value out of its range; the text says which, and what fits.
    pub fn check(&self) -> Result<(), String> {
        Place::of(&self.url)?;
        let known = Wallet::ALL.map(Wallet::as_str).join(" and ");
        if let Some(other) = self.wallets.iter().find(|wallet| Wallet::parse(wallet).is_none()) {
            return Err(format!("wallets: {other:?} is not known: there are {known}"));
        }
        if self.wallets.is_empty() {
            return Err(format!("wallets is empty: leave it out for all, or name some of {known}"));
        }
        if !(60..=LONGEST_LIFE_S).contains(&self.payment_life_s) {
            return Err(format!("payment_life_s: use 60 to {LONGEST_LIFE_S} seconds"));
        }
        if self.response_timeout_ms == 0 || self.window == 0 {
            return Err("response_timeout_ms, window: use a number from 1".to_owned());
        }
        if !(self.response_timeout_ms..=LONGEST_DELAY_MS).contains(&self.max_delay_ms) {
            let least = self.response_timeout_ms;
            return Err(format!(
                "max_delay_ms: use {least} (response_timeout_ms) to {LONGEST_DELAY_MS} milliseconds"
            ));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(more: &str) -> Result<Settings, String> {
        let text = format!("url = \"https://wallet.example\"\nkey = \"env:KEY\"\n{more}");
        let settings: Settings = toml::from_str(&text).map_err(|error| error.message().to_owned())?;
        settings.check().map(|()| settings)
    }

    #[test]
    fn settings_are_read_with_defaults_and_what_does_not_fit_is_named() {
        let settings = read("").expect("defaults for the rest");
        assert!(settings.serves(MeansKind::Wallet(Wallet::WechatPay)) && !settings.serves(MeansKind::Card));
        let one = read("wallets = [\"alipay\"]").expect("one wallet");
        assert!(!one.serves(MeansKind::Wallet(Wallet::WechatPay)));
        let cases = [
            ("wallets = []", "wallets is empty"),
            ("wallets = [\"card\"]", "\"card\" is not known"),
            ("payment_life_s = 5", "payment_life_s"),
            ("max_delay_ms = 9", "max_delay_ms: use 10000"),
            ("window = 0", "window"),
            ("webhook_secret = \"env:X\"", "webhook_secret"),
            ("notification_secret = \"whsec_x\"", "env:NAME"),
        ];
        for (more, part) in cases {
            let error = read(more).expect_err(part);
            assert!(error.contains(part), "{error}");
        }
    }
}
