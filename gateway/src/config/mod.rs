//! The configuration: defaults of the profile < a TOML file < `TOLLGATE_...` < flags. Unknown keys are refused, and
//! secrets are named by reference, never written here.
//!
//! Paths are relative to the directory in which the gateway is started. Every number's unit is the end of its name.

mod acquirer;
mod card_testing;
mod environment;
mod error;
mod layers;
mod sections;
#[cfg(test)]
mod tests;

pub use crate::routing::settings::Routing;
pub use acquirer::{Acquirer, AcquirerMode, Kind};
pub use card_testing::CardTesting;
pub use error::ConfigError;
pub use layers::{Override, Sources};
pub use sections::{Admin, Edge, Engine, Limits, Log, LogFormat, Risk, Store, Vault};

use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What the gateway is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Profile {
    /// Certificates, keys and a first merchant are made where they are missing; limits are generous.
    #[default]
    Development,
    /// Nothing is made up: what is missing is an error.
    Production,
}

/// Everything that can be set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// `development` (default) or `production`; decides the defaults of the rest.
    pub profile: Profile,
    /// Where the embedded store, the sealed keys and the development key live. Default `data`.
    pub data_dir: PathBuf,
    /// The directory of the certificates. Development makes `ca.pem`, `localhost.pem` and `localhost.key` in it (default
    /// `certs-dev`); production reads `tls.crt` and `tls.key`, and `ca.crt` if it is there (default `certs`).
    pub certs: PathBuf,
    /// A file to write once both listeners accept: addresses, authority, test key, process id. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ready_file: Option<PathBuf>,
    pub store: Store,
    pub vault: Vault,
    pub routing: Routing,
    pub limits: Limits,
    pub risk: Risk,
    pub edge: Edge,
    pub admin: Admin,
    pub log: Log,
    /// Whom payments are forwarded to. Development's default is one simulated acquirer in the process; production has
    /// none, and simulates none of the live mode.
    pub acquirers: Vec<Acquirer>,
}

impl Default for Config {
    fn default() -> Self {
        Self::of(Profile::Development)
    }
}

impl Config {
    /// The defaults of a profile.
    pub fn of(profile: Profile) -> Self {
        Self {
            profile,
            data_dir: "data".into(),
            certs: match profile {
                Profile::Development => "certs-dev".into(),
                Profile::Production => "certs".into(),
            },
            ready_file: None,
            store: Store::default(),
            vault: Vault::default(),
            routing: Routing::default(),
            limits: Limits::of(profile),
            risk: Risk::default(),
            edge: Edge::of(profile),
            admin: Admin::default(),
            log: Log::default(),
            acquirers: Vec::new(),
        }
    }

    /// Reads all sources and checks the whole.
    ///
    /// # Errors
    /// [`ConfigError`]: the first thing that is wrong, where it is, and what to write instead.
    pub fn load(sources: &Sources) -> Result<Self, ConfigError> {
        let mut config = layers::read(sources)?;
        // Production makes up nothing, an acquirer least of all: it would take orders and no money.
        if config.acquirers.is_empty() && config.profile == Profile::Development {
            config.acquirers.push(Acquirer::simulated());
        }
        config.check()?;
        Ok(config)
    }

    /// The configuration as TOML. It holds references to secrets, and no secret.
    ///
    /// # Errors
    /// Never in practice: everything here has a form in TOML.
    pub fn to_toml(&self) -> Result<String, ConfigError> {
        toml::to_string(self).map_err(|error| ConfigError::setting("config", error.to_string()))
    }

    /// What types alone can't say.
    fn check(&self) -> Result<(), ConfigError> {
        self.limits.check()?;
        self.risk.check()?;
        self.edge.check()?;
        self.admin.check(self.profile)?;
        acquirer::check(&self.acquirers, self.profile)?;
        let names: Vec<&str> = self.acquirers.iter().map(|acquirer| acquirer.name.as_str()).collect();
        self.routing.check(&names).map_err(|(path, what)| ConfigError::setting(path, what))?;
        self.vault.check(self.profile)
    }
}
