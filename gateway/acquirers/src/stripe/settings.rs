//! What can be set of an upstream that speaks the dialect.

use serde::Deserialize;
use std::fmt;
use zeroize::Zeroizing;

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

/// Where the secret key is; never the key itself.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct KeyReference(String);

impl TryFrom<String> for KeyReference {
    type Error = &'static str;

    fn try_from(text: String) -> Result<KeyReference, &'static str> {
        if text.starts_with("env:") || text.starts_with("file:") {
            Ok(KeyReference(text))
        } else {
            // The text is not shown: it may be a key that someone wrote down here.
            Err("key: use env:NAME or file:PATH, never the key itself")
        }
    }
}

impl fmt::Debug for KeyReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl KeyReference {
    /// Reads the key.
    ///
    /// # Errors
    /// The variable is not set, or the file can't be read.
    pub fn resolve(&self) -> Result<Zeroizing<String>, String> {
        let text = match self.0.split_once(':') {
            Some(("env", name)) => {
                std::env::var(name).map_err(|error| format!("key: env:{name}: {error}"))?
            }
            Some((_, path)) => {
                std::fs::read_to_string(path).map_err(|error| format!("key: file:{path}: {error}"))?
            }
            None => return Err("key: use env:NAME or file:PATH".to_owned()),
        };
        let text = Zeroizing::new(text);
        Ok(Zeroizing::new(text.trim().to_owned()))
    }
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

/// A URL's parts.
#[derive(Debug, PartialEq, Eq)]
pub struct Place {
    pub host: String,
    pub port: u16,
    pub encrypted: bool,
}

impl Settings {
    /// Takes the URL apart.
    ///
    /// # Errors
    /// Not a URL of a server alone, or plain HTTP to somewhere else.
    pub fn place(&self) -> Result<Place, String> {
        Place::of(&self.url)
    }
}

impl Place {
    /// Takes a URL apart.
    ///
    /// # Errors
    /// Not a URL of a server alone, or plain HTTP to somewhere else.
    pub fn of(url: &str) -> Result<Place, String> {
        let wrong = || format!("url: {url:?}: use https://host or https://host:port");
        let (encrypted, rest) = match url.split_once("://") {
            Some(("https", rest)) => (true, rest),
            Some(("http", rest)) => (false, rest),
            Some(_) | None => return Err(wrong()),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = match rest.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().map_err(|_| wrong())?),
            Some(_) | None => (rest, if encrypted { 443 } else { 80 }),
        };
        if host.is_empty() || host.contains(['/', '@', '?', '#']) {
            return Err(wrong());
        }
        if !encrypted && !matches!(host, "localhost" | "127.0.0.1" | "[::1]") {
            return Err(format!("url: {url:?}: payments go over https only"));
        }
        Ok(Place { host: host.to_owned(), port, encrypted })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(url: &str) -> Settings {
        toml::from_str(&format!("url = \"{url}\"\nkey = \"env:UPSTREAM_KEY\""))
            .expect("defaults for the rest")
    }

    #[test]
    fn urls_are_taken_apart_or_refused() {
        let cases = [
            ("https://api.example.com", Some(("api.example.com", 443, true))),
            ("https://localhost:8443/", Some(("localhost", 8443, true))),
            ("http://127.0.0.1:8420", Some(("127.0.0.1", 8420, false))),
            ("https://[::1]", Some(("[::1]", 443, true))),
            ("http://api.example.com", None),
            ("https://user@host", None),
            ("https://host/path", None),
            ("host:1", None),
            ("https://host:99999", None),
        ];
        for (url, expected) in cases {
            let expected =
                expected.map(|(host, port, encrypted)| Place { host: host.to_owned(), port, encrypted });
            assert_eq!(at(url).place().ok(), expected, "{url}");
        }
    }

    #[test]
    fn a_key_by_value_is_refused_and_not_shown() {
        let error = toml::from_str::<Settings>("url = \"https://a\"\nkey = \"sk_live_secret\"")
            .expect_err("by value");
        assert!(error.to_string().contains("env:NAME"), "{error}");
        assert!(!error.message().contains("sk_live_secret"), "{error}");
    }
}
