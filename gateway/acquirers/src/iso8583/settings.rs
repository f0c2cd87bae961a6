//! What can be set of an ISO 8583 acquirer.

use super::codec::elements::zero_filled;
use super::codec::{CodecError, Profile};
use serde::Deserialize;
use std::path::PathBuf;

/// The longest time for which a message may be thought to be on its way.
const LONGEST_DELAY_MS: u64 = 3_600_000;

/// One acquirer that speaks ISO 8583 over TCP.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Host and port.
    pub address: String,
    /// The built-in `tollgate-1987`, or `file:PATH` of another host's dialect.
    #[serde(default = "builtin_profile")]
    pub profile: String,
    /// How long an answer may take, in milliseconds; a message's own deadline counts if it is shorter.
    #[serde(default = "ten_seconds")]
    pub response_timeout_ms: u64,
    /// This long after it left, in milliseconds, a message that the host has not received never reaches it: from then on its "no such
    /// message" is believed. A message leaves within `response_timeout_ms`. At least `response_timeout_ms`, at most an hour.
    #[serde(default = "default_max_delay")]
    pub max_delay_ms: u64,
    /// How many connections are held.
    #[serde(default = "one")]
    pub connections: usize,
    /// How many unanswered messages a connection carries.
    #[serde(default = "default_window")]
    pub window: usize,
    /// How many messages may wait for a place; one more is not sent.
    #[serde(default = "default_queue")]
    pub queue: usize,
    /// How long connecting and signing on may take, in milliseconds.
    #[serde(default = "five_seconds")]
    pub connect_timeout_ms: u64,
    /// After this long without a byte from the host an echo is sent, in milliseconds.
    #[serde(default = "thirty_seconds")]
    pub echo_idle_ms: u64,
    /// The first pause before reconnecting, in milliseconds; each further one is twice as long, drawn with jitter.
    #[serde(default = "default_backoff")]
    pub reconnect_min_ms: u64,
    /// The longest pause before reconnecting, in milliseconds.
    #[serde(default = "ten_seconds")]
    pub reconnect_max_ms: u64,
    /// Who we are to the host.
    #[serde(default)]
    pub identity: Identity,
    /// TLS to the host; without it the connection is in the clear.
    #[serde(default)]
    pub tls: Option<Tls>,
}

/// The numbers and names that the host knows us by.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Identity {
    /// Field 32, up to eleven digits.
    pub acquiring_institution: String,
    /// Field 41, up to eight characters.
    pub terminal: String,
    /// Field 42, up to fifteen characters.
    pub card_acceptor: String,
    /// Field 18, four digits.
    pub merchant_category: String,
    /// The city in field 43, up to thirteen characters.
    pub city: String,
    /// The country in field 43, two letters.
    pub country: String,
}

/// TLS to the host.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The authorities to believe, `file:PATH` of PEM; without it the web's.
    #[serde(default)]
    pub ca: Option<String>,
    /// The name that the host's certificate must carry.
    pub server_name: String,
}

impl Default for Identity {
    fn default() -> Identity {
        Identity {
            acquiring_institution: "999999".to_owned(),
            terminal: "TOLLGATE".to_owned(),
            card_acceptor: "TOLLGATE0000001".to_owned(),
            merchant_category: "5999".to_owned(),
            city: String::new(),
            country: "US".to_owned(),
        }
    }
}

fn builtin_profile() -> String {
    "tollgate-1987".to_owned()
}

fn default_max_delay() -> u64 {
    45_000
}

fn one() -> usize {
    1
}

fn default_window() -> usize {
    512
}

fn default_queue() -> usize {
    2_048
}

fn default_backoff() -> u64 {
    100
}

fn five_seconds() -> u64 {
    5_000
}

fn ten_seconds() -> u64 {
    10_000
}

fn thirty_seconds() -> u64 {
    30_000
}

impl Settings {
    /// The settings for a host at `address`, everything else as by default.
    #[must_use]
    pub fn at(address: &str) -> Settings {
        Settings {
            address: address.to_owned(),
            profile: builtin_profile(),
            response_timeout_ms: ten_seconds(),
            max_delay_ms: default_max_delay(),
            connections: one(),
            window: default_window(),
            queue: default_queue(),
            connect_timeout_ms: five_seconds(),
            echo_idle_ms: thirty_seconds(),
            reconnect_min_ms: default_backoff(),
            reconnect_max_ms: ten_seconds(),
            identity: Identity::default(),
            tls: None,
        }
    }

    /// Checks what the types do not.
    ///
    /// # Errors
    /// A number that is 0 or out of its range, or an identity that does not fit its field; the text says which, and what fits.
    pub fn check(&self) -> Result<(), String> {
        let positive = [
            ("response_timeout_ms", self.response_timeout_ms),
            ("connections", self.connections as u64),
            ("window", self.window as u64),
            ("queue", self.queue as u64),
            ("connect_timeout_ms", self.connect_timeout_ms),
            ("echo_idle_ms", self.echo_idle_ms),
            ("reconnect_min_ms", self.reconnect_min_ms),
        ];
        if let Some((name, _)) = positive.iter().find(|(_, value)| *value == 0) {
            return Err(format!("{name}: use a number from 1"));
        }
        if self.reconnect_max_ms < self.reconnect_min_ms {
            return Err("reconnect_max_ms: use at least reconnect_min_ms".to_owned());
        }
        if !(self.response_timeout_ms..=LONGEST_DELAY_MS).contains(&self.max_delay_ms) {
            let least = self.response_timeout_ms;
            return Err(format!(
                "max_delay_ms: use {least} (response_timeout_ms) to {LONGEST_DELAY_MS} milliseconds"
            ));
        }
        self.identity.check()
    }

    /// Loads the profile that is named.
    ///
    /// # Errors
    /// No such profile, a file that can't be read, or one that is no profile.
    pub fn load_profile(&self) -> Result<Profile, String> {
        let text = match self.profile.strip_prefix("file:") {
            Some(path) => {
                let path = PathBuf::from(path);
                std::fs::read_to_string(&path)
                    .map_err(|error| format!("profile {}: {error}", path.display()))?
            }
            None if self.profile == "tollgate-1987" => Profile::TOLLGATE_1987_FILE.to_owned(),
            None => return Err(format!("profile {:?}: use tollgate-1987 or file:PATH", self.profile)),
        };
        Profile::from_toml(&text).map_err(|error| error.to_string())
    }
}

impl Identity {
    fn check(&self) -> Result<(), String> {
        let plain = |text: &str| text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if zero_filled(&self.acquiring_institution).is_err() || self.acquiring_institution.is_empty() {
            return Err("identity.acquiring_institution: use 1 to 11 digits".to_owned());
        }
        if self.terminal.is_empty() || self.terminal.len() > 8 || !plain(&self.terminal) {
            return Err("identity.terminal: use 1 to 8 printable characters".to_owned());
        }
        if self.card_acceptor.is_empty() || self.card_acceptor.len() > 15 || !plain(&self.card_acceptor) {
            return Err("identity.card_acceptor: use 1 to 15 printable characters".to_owned());
        }
        if self.merchant_category.len() != 4 || !digits(&self.merchant_category) {
            return Err("identity.merchant_category: use four digits".to_owned());
        }
        if self.country.len() != 2 || !self.country.bytes().all(|byte| byte.is_ascii_uppercase()) {
            return Err("identity.country: use two capital letters".to_owned());
        }
        Ok(())
    }

    /// Field 32 as field 90 carries it.
    ///
    /// # Errors
    /// More than eleven digits; `check` refuses that earlier.
    pub fn acquirer_in_90(&self) -> Result<[u8; 11], CodecError> {
        zero_filled(&self.acquiring_institution)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_with_defaults_and_unknown_keys_refused() {
        let read: Settings = toml::from_str("address = \"127.0.0.1:9583\"").expect("defaults for the rest");
        assert_eq!(read, Settings::at("127.0.0.1:9583"));
        assert_eq!(read.check(), Ok(()));
        assert!(read.load_profile().is_ok());
        for text in ["address = \"a:1\"\nadress = 1", "address = \"a:1\"\n[identity]\nterm = \"x\"", ""] {
            assert!(toml::from_str::<Settings>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let base = Settings::at("127.0.0.1:9583");
        let identity = |change: fn(&mut Identity)| {
            let mut identity = Identity::default();
            change(&mut identity);
            Settings { identity, ..base.clone() }
        };
        let cases = [
            (Settings { window: 0, ..base.clone() }, "window"),
            (Settings { reconnect_max_ms: 1, ..base.clone() }, "reconnect_max_ms"),
            (Settings { max_delay_ms: 9_999, ..base.clone() }, "max_delay_ms: use 10000"),
            (Settings { max_delay_ms: 3_600_001, ..base.clone() }, "max_delay_ms"),
            (Settings { response_timeout_ms: 60_000, ..base.clone() }, "max_delay_ms: use 60000"),
            (identity(|it| it.terminal = "123456789".to_owned()), "terminal"),
            (identity(|it| it.acquiring_institution = "12x".to_owned()), "acquiring_institution"),
            (identity(|it| it.card_acceptor = String::new()), "card_acceptor"),
            (identity(|it| it.merchant_category = "59".to_owned()), "merchant_category"),
            (identity(|it| it.country = "usa".to_owned()), "country"),
        ];
        for (settings, name) in cases {
            let error = settings.check().expect_err(name);
            assert!(error.contains(name), "{error}");
        }
        let unknown = Settings { profile: "other".to_owned(), ..base };
        assert!(unknown.load_profile().expect_err("unknown").contains("file:PATH"));
    }
}
