//! Customers: what they do with the payments that are put before them.

use gateway_core::ports::Random;
use serde::Deserialize;

/// What a customer does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Does {
    Approve,
    Decline,
    /// They never come.
    Nothing,
}

/// How customers behave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Customers {
    /// They take so long over a payment, in milliseconds.
    pub after_ms: u64,
    /// So many in a million decline.
    pub decline_per_million: u64,
    /// So many in a million never come.
    pub absent_per_million: u64,
    /// Nobody decides by themselves: whoever runs the operator does. For tests.
    #[serde(skip)]
    pub by_hand: bool,
}

impl Default for Customers {
    fn default() -> Customers {
        Customers { after_ms: 500, decline_per_million: 0, absent_per_million: 0, by_hand: false }
    }
}

impl Customers {
    /// Draws what the next one does.
    pub fn draw(&self, random: &dyn Random) -> Does {
        let drawn = random.below(1_000_000);
        if drawn < self.decline_per_million {
            Does::Decline
        } else if drawn < self.decline_per_million.saturating_add(self.absent_per_million) {
            Does::Nothing
        } else {
            Does::Approve
        }
    }
}
