//! How adapters reach a peer over HTTPS, and what they believe of what it sends by itself: addresses, keys by reference, signed
//! notifications.

use crypto::webhook::{Freshness, WebhookSecret, verify_stripe};
use gateway_api::client::{Client, Deadlines, PoolSize, Protocol, Target};
use gateway_core::acquirer::Notice;
use serde::Deserialize;
use std::fmt;
use std::time::Duration;
use zeroize::Zeroizing;

/// The longest time to a connection.
const CONNECT: Duration = Duration::from_secs(5);
/// Greatest age of a notification, in seconds: what the dialect's SDKs take.
const TOLERANCE_S: u64 = 300;

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

/// A URL's parts.
#[derive(Debug, PartialEq, Eq)]
pub struct Place {
    pub host: String,
    pub port: u16,
    pub encrypted: bool,
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

    /// What is connected to. `ca`: `file:PATH` of the authorities to believe, the web's without it.
    ///
    /// # Errors
    /// An authority that can't be read, or a name that none can vouch for.
    pub fn target(&self, ca: Option<&str>) -> Result<Target, String> {
        if !self.encrypted {
            return Ok(Target::plain(&self.host, self.port, Protocol::Http1));
        }
        let config = crate::tls::client(ca, &[])?;
        Target::tls(&self.host, self.port, &config, Protocol::Http1)
            .map_err(|error| format!("url: {:?}: {error}", self.host))
    }
}

/// The settings of a peer that decide how it is called.
pub(crate) struct Peer<'a> {
    pub(crate) url: &'a str,
    pub(crate) ca: Option<&'a str>,
    pub(crate) key: &'a KeyReference,
    pub(crate) response_timeout_ms: u64,
    pub(crate) window: usize,
}

impl Peer<'_> {
    /// A client of it, which connects when it is first used.
    ///
    /// # Errors
    /// A URL, key or authority that can't be used; the text says what to write.
    pub(crate) fn client(&self) -> Result<Client, String> {
        let target = Place::of(self.url)?.target(self.ca)?;
        let answer = Duration::from_millis(self.response_timeout_ms);
        let deadlines = Deadlines { connect: answer.min(CONNECT), answer };
        let size = PoolSize { calls: self.window, connections: 1 };
        Client::new(target, &self.key.resolve()?, deadlines, size).map_err(|_| "key: not a key".to_owned())
    }
}

/// Reads what notifications are signed with; `setting` is the name of the setting that refers to it.
///
/// # Errors
/// It can't be read, or is none.
pub(crate) fn secret(setting: &str, reference: &KeyReference) -> Result<WebhookSecret, String> {
    let text = reference.resolve().map_err(|why| why.replacen("key:", &format!("{setting}:"), 1))?;
    // The text is not shown: it is the secret.
    WebhookSecret::parse(&text)
        .map_err(|_| format!("{setting}: whsec_ and the base64 of 24 to 64 bytes are expected"))
}

/// Whether a notification is signed with the secret, and fresh.
pub(crate) fn genuine(secret: &WebhookSecret, notice: &Notice<'_>) -> bool {
    let now = u64::try_from(notice.now.unix_seconds()).unwrap_or(0);
    let freshness = Freshness { now, tolerance_s: TOLERANCE_S };
    verify_stripe(secret, notice.signature, notice.body, freshness).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

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
            assert_eq!(Place::of(url).ok(), expected, "{url}");
        }
    }
}
