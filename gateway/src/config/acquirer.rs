//! `[[acquirers]]`: whom payments are forwarded to. The adapter's own settings are read by the adapter's own type, so
//! that an unknown key is refused with what that adapter knows.

use super::{ConfigError, Profile};
use gateway_core::means::MeansKind;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

/// One acquirer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Acquirer {
    /// Lower-case letters, digits and hyphens; stands in records, so it must not change.
    pub name: String,
    pub kind: Kind,
    /// The modes that it serves. Default: both.
    #[serde(default = "both")]
    pub modes: Vec<AcquirerMode>,
    /// The adapter's settings, still unread.
    #[serde(flatten)]
    pub settings: toml::Table,
}

/// The adapters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// In the process, for development and measurement.
    Simulated,
    /// A host that speaks ISO 8583 over TCP.
    Iso8583,
    /// A PSP over HTTPS that speaks the merchants' dialect.
    Stripe,
    /// An operator of wallets, over HTTPS.
    Wallet,
}

/// What an acquirer may be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AcquirerMode {
    Test,
    Live,
}

fn both() -> Vec<AcquirerMode> {
    vec![AcquirerMode::Test, AcquirerMode::Live]
}

impl Acquirer {
    /// The one that is there when none is configured.
    pub(super) fn simulated() -> Self {
        let settings = toml::Table::new();
        Self { name: "simulated".to_owned(), kind: Kind::Simulated, modes: both(), settings }
    }

    /// The settings as the adapter wants them.
    ///
    /// # Errors
    /// A key that the adapter does not know, or a value of the wrong type.
    pub fn settings<T: DeserializeOwned>(&self) -> Result<T, ConfigError> {
        self.settings.clone().try_into().map_err(|error: toml::de::Error| self.wrong(error.message()))
    }

    fn wrong(&self, what: &str) -> ConfigError {
        ConfigError::setting(format!("acquirers, {:?}", self.name), what.trim_end())
    }

    /// Reads the settings as their kind wants them, and forgets them.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let legal = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if self.name.is_empty() || self.name.len() > 32 || !self.name.bytes().all(legal) {
            return Err(self.wrong("a name is 1 to 32 lower-case letters, digits and hyphens"));
        }
        if self.modes.is_empty() {
            return Err(
                self.wrong("modes is empty: leave it out for both, or write [\"test\"] or [\"live\"]")
            );
        }
        match self.kind {
            Kind::Simulated => self.settings::<gateway_acquirers::simulated::Settings>().map(drop),
            Kind::Stripe => self.settings::<gateway_acquirers::stripe::Settings>().map(drop),
            Kind::Iso8583 => {
                let settings: gateway_acquirers::iso8583::Settings = self.settings()?;
                settings.check().map_err(|what| self.wrong(&what))
            }
            Kind::Wallet => {
                let settings: gateway_acquirers::wallet::Settings = self.settings()?;
                settings.check().map_err(|what| self.wrong(&what))
            }
        }
    }

    /// Whether it takes payments by this means.
    pub fn serves(&self, means: MeansKind) -> bool {
        match self.kind {
            Kind::Simulated => true,
            Kind::Iso8583 | Kind::Stripe => means == MeansKind::Card,
            Kind::Wallet => {
                let settings = self.settings::<gateway_acquirers::wallet::Settings>();
                settings.is_ok_and(|settings| settings.serves(means))
            }
        }
    }
}

pub(super) fn check(acquirers: &[Acquirer], profile: Profile) -> Result<(), ConfigError> {
    if acquirers.is_empty() {
        return Err(ConfigError::setting(
            "acquirers",
            "production needs at least one [[acquirers]] table: it names whom payments are forwarded to",
        ));
    }
    for (position, acquirer) in acquirers.iter().enumerate() {
        acquirer.check()?;
        if acquirers[..position].iter().any(|other| other.name == acquirer.name) {
            return Err(acquirer.wrong("two acquirers have this name"));
        }
        let takes_live = acquirer.kind == Kind::Simulated && acquirer.modes.contains(&AcquirerMode::Live);
        if profile == Profile::Production && takes_live {
            return Err(acquirer.wrong(
                "a simulated acquirer moves no money, so production gives it no live payments: write modes = [\"test\"]",
            ));
        }
    }
    Ok(())
}
