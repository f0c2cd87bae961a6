//! The sections of the configuration, with their defaults and their bounds.

use super::{CardTesting, ConfigError, Profile};
use crate::scoring::rules::{Rules, Setting as Rule};
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::time::Duration;

/// `[store]`: where payments are kept.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Store {
    /// `embedded` (default): a journal and its index in the data directory.
    pub engine: Engine,
}

/// The storage engines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    #[default]
    Embedded,
}

/// `[vault]`: the key over the keys that seal card numbers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Vault {
    /// A reference (`env:NAME`, `file:PATH`) to 32 bytes in hexadecimal. Development makes its own in the data directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub master_key: Option<String>,
}

impl Vault {
    pub(super) fn check(&self, profile: Profile) -> Result<(), ConfigError> {
        let path = "vault.master_key";
        match &self.master_key {
            Some(text) if text.starts_with("env:") || text.starts_with("file:") => Ok(()),
            // The text is not repeated: it may be the secret itself.
            Some(_) => Err(ConfigError::setting(path, "write env:NAME or file:PATH, not the secret itself")),
            None if profile == Profile::Production => Err(ConfigError::setting(
                path,
                "production makes no keys: name one by env:NAME or file:PATH (32 bytes in hexadecimal)",
            )),
            None => Ok(()),
        }
    }
}

/// `[limits]`: what one client may take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Requests a second of one API key. Development 5,000; production 500.
    pub requests_per_s_key: NonZeroU32,
    /// Requests a second of one address. Development 5,000; production 1,000.
    pub requests_per_s_address: NonZeroU32,
    /// Open connections of one address (a /64 network in IPv6). Development 4,096; production 512.
    pub connections_address: NonZeroU32,
    /// Open connections of all addresses. Default 16,384.
    pub connections: NonZeroU32,
    /// TLS handshakes a second of one address. Development 5,000; production 100.
    pub handshakes_per_s_address: NonZeroU32,
    /// Longest request body. Default 262,144 (256 KiB).
    pub body_bytes: usize,
    /// Bytes of all request bodies that are in memory at a time; one address gets a quarter. Default 67,108,864 (64 MiB).
    pub bodies_bytes: usize,
    /// Longest request head. Default 16,384; at least 8,192.
    pub head_bytes: usize,
    /// Requests at a time in one HTTP/2 connection. Default 128.
    pub http2_streams: NonZeroU32,
    /// How long a request may wait for the processor. One that would wait longer is refused at once: 503, with when to ask again. Default
    /// 400.
    pub queue_ms: u64,
    /// From accepting a connection to the end of its TLS handshake. Default 10,000.
    pub handshake_ms: u64,
    /// From the first byte of a head to its last. Default 10,000.
    pub head_ms: u64,
    /// From the end of a head to the end of its body. Default 30,000.
    pub body_ms: u64,
    /// Between requests. Default 75,000.
    pub idle_ms: u64,
    /// For a client to take its answer. Default 30,000.
    pub write_ms: u64,
}

const fn positive(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).expect("given as a number above 0")
}

impl Default for Limits {
    fn default() -> Self {
        Self::of(Profile::Development)
    }
}

impl Limits {
    pub(super) fn of(profile: Profile) -> Self {
        let (key, address, connections, handshakes) = match profile {
            Profile::Development => (5_000, 5_000, 4_096, 5_000),
            Profile::Production => (500, 1_000, 512, 100),
        };
        Self {
            requests_per_s_key: positive(key),
            requests_per_s_address: positive(address),
            connections_address: positive(connections),
            connections: positive(16_384),
            handshakes_per_s_address: positive(handshakes),
            body_bytes: 256 * 1024,
            bodies_bytes: 64 << 20,
            head_bytes: 16 * 1024,
            http2_streams: positive(128),
            queue_ms: 400,
            handshake_ms: 10_000,
            head_ms: 10_000,
            body_ms: 30_000,
            idle_ms: 75_000,
            write_ms: 30_000,
        }
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let sizes = [
            ("limits.body_bytes", self.body_bytes, 1_024, 16 << 20),
            ("limits.bodies_bytes", self.bodies_bytes, self.body_bytes as u64, 1 << 40),
            ("limits.head_bytes", self.head_bytes, 8_192, 1 << 20),
        ];
        for (path, value, least, most) in sizes {
            between(path, value as u64, least..=most)?;
        }
        for (path, value) in [
            ("limits.queue_ms", self.queue_ms),
            ("limits.handshake_ms", self.handshake_ms),
            ("limits.head_ms", self.head_ms),
            ("limits.body_ms", self.body_ms),
            ("limits.idle_ms", self.idle_ms),
            ("limits.write_ms", self.write_ms),
        ] {
            between(path, value, 1..=3_600_000)?;
        }
        between("limits.http2_streams", self.http2_streams.get().into(), 1..=10_000)?;
        between("limits.connections", self.connections.get().into(), 1..=1_000_000)
    }
}

impl From<&Limits> for crate::edge::Settings {
    fn from(limits: &Limits) -> Self {
        let count = |number: NonZeroU32| usize::try_from(number.get()).unwrap_or(usize::MAX);
        let mut settings = Self {
            limits: crate::edge::Limits {
                body_bytes: limits.body_bytes,
                bodies_bytes: limits.bodies_bytes,
                head_bytes: limits.head_bytes,
                connections: count(limits.connections),
                connections_per_address: limits.connections_address.get(),
                handshakes_per_s: limits.handshakes_per_s_address,
                http2_streams: limits.http2_streams.get(),
            },
            deadlines: crate::edge::Deadlines::default(),
        };
        settings.deadlines.handshake = Duration::from_millis(limits.handshake_ms);
        settings.deadlines.head = Duration::from_millis(limits.head_ms);
        settings.deadlines.body = Duration::from_millis(limits.body_ms);
        settings.deadlines.idle = Duration::from_millis(limits.idle_ms);
        settings.deadlines.write = Duration::from_millis(limits.write_ms);
        settings
    }
}

/// `[risk]`: the model and its thresholds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Risk {
    /// A model file. Default: the one that is built in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<PathBuf>,
    /// Model files that are scored beside it, for comparison. At most 4.
    pub shadows: Vec<PathBuf>,
    /// Scores from here on are reviewed, 0 to 101 (101: none). Default 65.
    pub review_score: u8,
    /// Scores from here on are blocked, 0 to 101 (101: none). Default 75.
    pub block_score: u8,
    /// Rules in CEL, each with a name, an action (`allow`, `block`, `review`) and a condition.
    pub rules: Vec<Rule>,
    /// When the windows against card testing refuse.
    pub card_testing: CardTesting,
}

impl Default for Risk {
    fn default() -> Self {
        Self {
            model: None,
            shadows: Vec::new(),
            review_score: 65,
            block_score: 75,
            rules: Vec::new(),
            card_testing: CardTesting::default(),
        }
    }
}

impl Risk {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        between("risk.block_score", self.block_score.into(), 0..=101)?;
        between("risk.review_score", self.review_score.into(), 0..=u64::from(self.block_score))?;
        between("risk.shadows", self.shadows.len() as u64, 0..=crate::scoring::models::MAX_SHADOWS as u64)?;
        self.card_testing.check()?;
        Rules::new(&self.rules).map(drop).map_err(|why| ConfigError::setting("risk.rules", why))
    }
}

/// `[edge]`: where the merchant API listens, and on what it runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Edge {
    /// Host and port; port 0 picks a free one. Development `localhost:8443`; production `[::]:8443`.
    pub listen: String,
    /// Where clients reach us, for pages of ours that they are sent to. Default `https://localhost:PORT`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_url: Option<String>,
    /// 0 (default): one runtime with `workers` threads. N: the merchant API on N single-threaded runtimes beside it, each
    /// with its own accept loop.
    pub runtimes: usize,
    /// Threads of the shared runtime. 0 (default): one a core, two at least.
    pub workers: usize,
    /// How long requests in flight may take when the gateway is told to stop. Default 25,000.
    pub drain_ms: u64,
}

impl Default for Edge {
    fn default() -> Self {
        Self::of(Profile::Development)
    }
}

impl Edge {
    pub(super) fn of(profile: Profile) -> Self {
        let listen = match profile {
            Profile::Development => "localhost:8443",
            Profile::Production => "[::]:8443",
        };
        Self { listen: listen.to_owned(), public_url: None, runtimes: 0, workers: 0, drain_ms: 25_000 }
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        address("edge.listen", &self.listen)?;
        between("edge.runtimes", self.runtimes as u64, 0..=256)?;
        between("edge.workers", self.workers as u64, 0..=256)?;
        between("edge.drain_ms", self.drain_ms, 0..=3_600_000)?;
        match &self.public_url {
            Some(url) if !url.starts_with("https://") || url.ends_with('/') => Err(ConfigError::setting(
                "edge.public_url",
                format!("{url:?}: write https://HOST or https://HOST:PORT, without a slash at the end"),
            )),
            Some(_) | None => Ok(()),
        }
    }
}

/// `[admin]`: the plain-HTTP listener for operators. Whoever reaches it may make keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Admin {
    /// Host and port. Default `127.0.0.1:9090`.
    pub listen: String,
    /// Lets `listen` be an address that others can reach. Default false.
    pub allow_remote: bool,
}

impl Default for Admin {
    fn default() -> Self {
        Self { listen: "127.0.0.1:9090".to_owned(), allow_remote: false }
    }
}

impl Admin {
    pub(super) fn check(&self, profile: Profile) -> Result<(), ConfigError> {
        let host = address("admin.listen", &self.listen)?;
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let is_loopback = bare == "localhost"
            || bare.parse::<std::net::IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback());
        if profile == Profile::Production && !is_loopback && !self.allow_remote {
            return Err(ConfigError::setting(
                "admin.listen",
                format!(
                    "{:?} can be reached by others, who could make keys: listen on 127.0.0.1, or set \
                     admin.allow_remote = true behind a network of your own",
                    self.listen
                ),
            ));
        }
        Ok(())
    }
}

/// `[log]`: what is written to standard output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// `auto` (default: text in development, JSON in production), `text` or `json`.
    pub format: LogFormat,
    /// Levels as `tracing` reads them: `info`, `gateway=debug,info`. Default `info`.
    pub level: String,
}

impl Default for Log {
    fn default() -> Self {
        Self { format: LogFormat::Auto, level: "info".to_owned() }
    }
}

/// The form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    #[default]
    Auto,
    Text,
    Json,
}

/// Splits `host:port` and returns the host.
fn address<'a>(path: &str, text: &'a str) -> Result<&'a str, ConfigError> {
    text.rsplit_once(':')
        .filter(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok())
        .map(|(host, _)| host)
        .ok_or_else(|| {
            ConfigError::setting(path, format!("{text:?}: write HOST:PORT, as localhost:8443 or [::1]:0"))
        })
}

pub(super) fn between(
    path: &str,
    value: u64,
    range: std::ops::RangeInclusive<u64>,
) -> Result<(), ConfigError> {
    if range.contains(&value) {
        return Ok(());
    }
    let what = format!("{value} is out of bounds: use {} to {}", range.start(), range.end());
    Err(ConfigError::setting(path, what))
}
