//! How a request ended, as reports count it.

use crate::load::Action;
use crate::wire::{Answer, Loss};
use std::fmt;

/// A status, or the reason why there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    Status(u16),
    Lost(Loss),
}

impl Outcome {
    /// Of a result.
    pub fn of(result: &Result<Answer, Loss>) -> Self {
        match result {
            Ok(answer) => Self::Status(answer.status),
            Err(loss) => Self::Lost(*loss),
        }
    }

    /// Whether the server refused for want of room: 429 or 503.
    pub fn is_refusal(self) -> bool {
        matches!(self, Self::Status(429 | 503))
    }

    /// Whether this is not what the action was sent for. A declined card is what `decline` expects; hanging up is what
    /// `hang_up` does; a duplicate may get whatever the first got, so a decline counts as well.
    pub fn is_error(self, action: Action) -> bool {
        match self {
            Self::Status(status) => match action {
                Action::Decline => status != 402,
                Action::Duplicate => !matches!(status, 200 | 402),
                Action::Authorize
                | Action::Sale
                | Action::Capture
                | Action::Void
                | Action::Refund
                | Action::Retrieve
                | Action::HangUp
                | Action::Alipay
                | Action::WechatPay
                | Action::Poll => !(200..300).contains(&status),
            },
            Self::Lost(loss) => !(loss == Loss::HungUp && action == Action::HangUp),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "{status}"),
            Self::Lost(loss) => f.write_str(loss.as_str()),
        }
    }
}
