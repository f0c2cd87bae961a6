//! Which acquirers there are: one arm each.

use crate::{Ports, iso8583, simulated, stripe, wallet};
use gateway_core::acquirer::Acquirer;
use gateway_core::tenant::Mode;
use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The kinds, each with its settings. In configuration `kind = "simulated"`, `"iso8583"`, `"stripe"` or `"wallet"`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Kind {
    Simulated(simulated::Settings),
    Iso8583(Box<iso8583::Settings>),
    Stripe(stripe::Settings),
    Wallet(Box<wallet::Settings>),
}

impl Kind {
    /// Makes the acquirer. Must be called on a runtime: an adapter may start to connect.
    ///
    /// # Errors
    /// Settings that do not fit; the text says which, and what to write.
    pub fn build(self, name: &str, ports: &Ports) -> Result<Arc<dyn Acquirer>, String> {
        Ok(match self {
            Kind::Simulated(settings) => Arc::new(simulated::Simulated::new(name, settings, ports)),
            Kind::Iso8583(settings) => iso8583::Iso8583::connect(name, *settings, ports)?,
            Kind::Stripe(settings) => Arc::new(stripe::Stripe::new(name, settings, ports)?),
            Kind::Wallet(settings) => Arc::new(wallet::Wallet::new(name, *settings)?),
        })
    }
}

/// One `[[acquirers]]` of the configuration: `name`, `modes` (test and live without it), `kind`, and the kind's own keys.
/// A key that nobody knows is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcquirerSettings {
    pub name: String,
    pub modes: Vec<Mode>,
    pub kind: Kind,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ModeName {
    Test,
    Live,
}

impl<'de> Deserialize<'de> for AcquirerSettings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<AcquirerSettings, D::Error> {
        let mut table = serde_json::Map::deserialize(deserializer)?;
        let name = table.remove("name").ok_or_else(|| D::Error::missing_field("name"))?;
        let name: String =
            serde_json::from_value(name).map_err(|error| D::Error::custom(format!("name: {error}")))?;
        if name.is_empty()
            || name.len() > 40
            || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
        {
            return Err(D::Error::custom("name: use 1 to 40 letters, digits and hyphens"));
        }
        let modes = match table.remove("modes") {
            None => vec![Mode::Test, Mode::Live],
            Some(modes) => {
                let named: Vec<ModeName> = serde_json::from_value(modes)
                    .map_err(|error| D::Error::custom(format!("modes: {error}")))?;
                named
                    .into_iter()
                    .map(|mode| if matches!(mode, ModeName::Test) { Mode::Test } else { Mode::Live })
                    .collect()
            }
        };
        let kind = serde_json::from_value(serde_json::Value::Object(table))
            .map_err(|error| D::Error::custom(format!("acquirer {name}: {error}")))?;
        Ok(AcquirerSettings { name, modes, kind })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acquirers_are_read_from_the_configuration() {
        let text = "name = \"bank-a\"\nkind = \"iso8583\"\naddress = \"127.0.0.1:9583\"\nresponse_timeout_ms = 10000";
        let read: AcquirerSettings = toml::from_str(text).expect("as in the documentation");
        assert_eq!(read.name, "bank-a");
        assert_eq!(read.modes, [Mode::Test, Mode::Live]);
        assert_eq!(read.kind, Kind::Iso8583(Box::new(iso8583::Settings::at("127.0.0.1:9583"))));
        let text = "name = \"sim\"\nkind = \"simulated\"\nmodes = [\"test\"]\nlatency_ms = 50\nwindow = 100";
        let read: AcquirerSettings = toml::from_str(text).expect("as in the documentation");
        assert_eq!(read.modes, [Mode::Test]);
        let settings = simulated::Settings { latency_ms: 50, window: 100, ..simulated::Settings::default() };
        assert_eq!(read.kind, Kind::Simulated(settings));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let cases = [
            ("kind = \"simulated\"", "name"),
            ("name = \"a b\"\nkind = \"simulated\"", "hyphens"),
            ("name = \"a\"\nkind = \"simulated\"\nlatency = 5", "latency"),
            ("name = \"a\"\nkind = \"simulator\"", "simulator"),
            ("name = \"a\"\nkind = \"simulated\"\nmodes = [\"both\"]", "both"),
            ("name = \"a\"\nkind = \"iso8583\"", "address"),
            ("name = \"a\"\nkind = \"stripe\"\nurl = \"https://x\"\nkey = \"sk_live_1\"", "env:NAME"),
        ];
        for (text, part) in cases {
            let error = toml::from_str::<AcquirerSettings>(text).expect_err(part);
            assert!(error.to_string().contains(part), "{error}");
        }
    }
}
