//! Whose data: a merchant in test or in live mode. Nothing crosses a tenant's border.

use crate::id::MerchantId;
use serde::{Deserialize, Serialize};

/// Test money and live money never meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Mode {
    Test,
    Live,
}

impl Mode {
    /// The dialect's `livemode`.
    pub const fn is_live(self) -> bool {
        matches!(self, Mode::Live)
    }

    /// `test` or `live`, as in keys and configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Mode::Test => "test",
            Mode::Live => "live",
        }
    }
}

/// A merchant in one mode: the first part of every key in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Tenant {
    pub merchant: MerchantId,
    pub mode: Mode,
}
