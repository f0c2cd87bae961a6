//! What a request is there for: the rows of every report.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A kind of request of the mix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// A payment intent that is confirmed and not captured.
    Authorize,
    /// A payment intent that is confirmed and captured at once.
    Sale,
    Capture,
    Void,
    Refund,
    Retrieve,
    /// A request that was sent before, with the same key.
    Duplicate,
    /// An authorization whose client does not wait for the answer.
    HangUp,
    /// An authorization of a card that is declined.
    Decline,
    /// A payment by a wallet whose customer is sent to a page of its operator.
    Alipay,
    /// A payment by a wallet whose customer scans a code.
    WechatPay,
    /// A read of a payment that waits for its customer.
    Poll,
}

impl Action {
    /// All of them, in the order of reports.
    pub const ALL: [Self; 12] = [
        Self::Authorize,
        Self::Sale,
        Self::Capture,
        Self::Void,
        Self::Refund,
        Self::Retrieve,
        Self::Duplicate,
        Self::HangUp,
        Self::Decline,
        Self::Alipay,
        Self::WechatPay,
        Self::Poll,
    ];

    /// Whether it begins a payment whose client waits for the answer.
    pub fn makes_a_payment(self) -> bool {
        match self {
            Self::Authorize | Self::Sale | Self::Decline | Self::Alipay | Self::WechatPay => true,
            Self::Capture
            | Self::Void
            | Self::Refund
            | Self::Retrieve
            | Self::Duplicate
            | Self::HangUp
            | Self::Poll => false,
        }
    }

    /// The word for reports, mixes and histories.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Authorize => "authorize",
            Self::Sale => "sale",
            Self::Capture => "capture",
            Self::Void => "void",
            Self::Refund => "refund",
            Self::Retrieve => "retrieve",
            Self::Duplicate => "duplicate",
            Self::HangUp => "hang_up",
            Self::Decline => "decline",
            Self::Alipay => "alipay",
            Self::WechatPay => "wechat_pay",
            Self::Poll => "poll",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
