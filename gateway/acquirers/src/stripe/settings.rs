//! What can be set of an upstream that speaks the dialect.

use crate::https::KeyReference;
use serde::Deserialize;

/// One upstream.
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
    /// What the upstream signs its webhooks with (`whsec_...`), as `env:NAME` or `file:PATH`. Without it none are taken. They
    /// go to `/notifications/NAME` of the merchant API, NAME being this acquirer's.
    #[serde(default)]
    pub webhook_secret: Option<KeyReference>,
    /// How long one answer may take, in milliseconds; a message's own deadline counts if it is shorter.
    #[serde(default = "ten_seconds")]
    pub response_timeout_ms: u64,
    /// How many calls run at a time.
    #[serde(default = "calls")]
    pub window: usize,
    /// Make a payment method of the card first, for upstreams that take no card at the confirmation. Default false.
    #[serde(default)]
    pub card_as_method: bool,
    /// For how long the upstream remembers an idempotency key, in milliseconds. An inquiry of anything older is not
    /// made: it would create, not find.
    #[serde(default = "a_day")]
    pub idempotency_window_ms: u64,
}

fn ten_seconds() -> u64 {
    10_000
}

fn calls() -> usize {
    128
}

fn a_day() -> u64 {
    86_400_000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_by_value_is_refused_and_not_shown() {
        let error = toml::from_str::<Settings>("url = \"https://a\"\nkey = \"sk_live_secret\"")
            .expect_err("by value");
        assert!(error.to_string().contains("env:NAME"), "{error}");
        assert!(!error.message().contains("sk_live_secret"), "{error}");
    }
}
