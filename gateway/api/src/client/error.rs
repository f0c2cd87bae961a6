//! What can go wrong with a call, and the only question that matters then: may it have been carried out?

use super::response::RawResponse;
use super::views::ErrorView;
use std::fmt;

/// Whether the server may have acted on the request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// No byte of it left: sending it anew, even with another idempotency key, is safe.
    NotSent,
    /// It left, and no whole answer came: only the same idempotency key, or an inquiry, can tell.
    Unknown,
    /// The server answered.
    Answered,
}

/// What was being done when a call failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    /// Making the request.
    Build,
    /// Waiting for a place in the pool.
    Pool,
    /// Resolving and connecting.
    Connect,
    /// The TLS handshake.
    Tls,
    /// The HTTP handshake, or waiting for the connection to take a request.
    Handshake,
    /// Sending the request and waiting for the head of the answer.
    Send,
    /// Reading the body of the answer.
    Body,
}

/// A failure below HTTP.
#[derive(Debug)]
pub struct Failure {
    /// What was being done.
    pub phase: Phase,
    /// Why it failed; a deadline is a [`tokio::time::error::Elapsed`].
    pub source: Box<dyn std::error::Error + Send + Sync>,
}

/// A call that did not end in a readable 2xx answer.
#[derive(Debug)]
pub enum ClientError {
    /// It failed before the first byte of the request.
    NotSent(Failure),
    /// It failed after, or at an unknown point.
    Unknown(Failure),
    /// The server answered with an error in the dialect's envelope.
    Refused(Box<Refused>),
    /// The server answered with something that is not the dialect; the status may still tell.
    Unreadable {
        /// The answer.
        response: Box<RawResponse>,
        /// Why it could not be read.
        reason: serde_json::Error,
    },
}

/// An error answer.
#[derive(Debug, Clone)]
pub struct Refused {
    /// Status, headers and bytes.
    pub response: RawResponse,
    /// What they say.
    pub error: ErrorView,
}

impl ClientError {
    /// Whether the request may have been carried out.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::NotSent(_) => Outcome::NotSent,
            Self::Unknown(_) => Outcome::Unknown,
            Self::Refused(_) | Self::Unreadable { .. } => Outcome::Answered,
        }
    }

    /// The answer's HTTP status, if there was an answer.
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::NotSent(_) | Self::Unknown(_) => None,
            Self::Refused(refused) => Some(refused.response.status),
            Self::Unreadable { response, .. } => Some(response.status),
        }
    }

    /// The error that the server answered, if it was readable.
    pub fn refused(&self) -> Option<&ErrorView> {
        match self {
            Self::Refused(refused) => Some(&refused.error),
            Self::NotSent(_) | Self::Unknown(_) | Self::Unreadable { .. } => None,
        }
    }

    pub(super) fn not_sent(
        phase: Phase,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::NotSent(Failure { phase, source: source.into() })
    }

    pub(super) fn unknown(phase: Phase, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Unknown(Failure { phase, source: source.into() })
    }
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSent(failure) => write!(f, "not sent ({:?}): {}", failure.phase, failure.source),
            Self::Unknown(failure) => write!(f, "outcome unknown ({:?}): {}", failure.phase, failure.source),
            Self::Refused(refused) => {
                let error = &refused.error;
                let message = error.message.as_deref().unwrap_or("no message");
                write!(
                    f,
                    "{} {}: {message}",
                    refused.response.status,
                    error.code.as_deref().unwrap_or(&error.kind)
                )
            }
            Self::Unreadable { response, reason } => {
                write!(f, "status {} with an unreadable body: {reason}", response.status)
            }
        }
    }
}

impl std::error::Error for ClientError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::NotSent(failure) | Self::Unknown(failure) => Some(&*failure.source),
            Self::Refused(_) => None,
            Self::Unreadable { reason, .. } => Some(reason),
        }
    }
}
