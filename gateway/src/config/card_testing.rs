//! `[risk.card_testing]`: when the windows against card testing refuse.

use super::ConfigError;
use super::sections::between;
use risk::guard::{Limit, Settings};
use serde::{Deserialize, Serialize};

/// When a window of one kind refuses unknown cards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// Outcomes of unknown cards that must be seen first, 2 to 60,000; older ones fade with a half-life of ten minutes.
    pub outcomes: u16,
    /// Declines among 100 of them from which on it refuses, 1 to 101 (101: never).
    pub decline_percent: u8,
    /// Unknown cards whose outcome is awaited at a time, 1 to 60,000; more are refused until outcomes come in.
    pub awaited: u16,
}

/// The windows against card testing, one a card, an address, a BIN and a merchant. A window that is named is given whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CardTesting {
    /// How long a window refuses before it lets probes through, 1 to 86,400; doubled each time that those are declined,
    /// six times at most. Default 600.
    pub pause_s: u32,
    /// Default 6, 90, 8.
    pub card: Window,
    /// Default 10, 80, 64.
    pub address: Window,
    /// Default 20, 80, 256.
    pub bin: Window,
    /// Default 200, 85, 4,096.
    pub merchant: Window,
}

impl Default for CardTesting {
    fn default() -> Self {
        let window = |outcomes, decline_percent, awaited| Window { outcomes, decline_percent, awaited };
        Self {
            pause_s: 600,
            card: window(6, 90, 8),
            address: window(10, 80, 64),
            bin: window(20, 80, 256),
            merchant: window(200, 85, 4_096),
        }
    }
}

impl CardTesting {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        between("risk.card_testing.pause_s", self.pause_s.into(), 1..=86_400)?;
        let windows =
            [("card", self.card), ("address", self.address), ("bin", self.bin), ("merchant", self.merchant)];
        for (name, window) in windows {
            let path = |key: &str| format!("risk.card_testing.{name}.{key}");
            between(&path("outcomes"), window.outcomes.into(), 2..=60_000)?;
            between(&path("decline_percent"), window.decline_percent.into(), 1..=101)?;
            between(&path("awaited"), window.awaited.into(), 1..=60_000)?;
        }
        Ok(())
    }
}

impl From<&CardTesting> for Settings {
    fn from(set: &CardTesting) -> Self {
        let limit = |window: Window| Limit::new(window.outcomes, window.decline_percent, window.awaited);
        Self {
            card: limit(set.card),
            address: limit(set.address),
            range: limit(set.bin),
            merchant: limit(set.merchant),
            pause_ms: i64::from(set.pause_s) * 1_000,
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_the_scorers() {
        assert_eq!(Settings::from(&CardTesting::default()), Settings::default());
    }
}
