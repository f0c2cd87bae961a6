//! How a command can end badly, and the exit code that says so to a script.

use std::fmt;
use std::path::Path;
use std::process::ExitCode;

/// Why a command did not succeed. Each text can be read alone, and says what to do where something can be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// What was asked for makes no sense: exit code 2.
    Usage(String),
    /// It was tried and did not work, or a breach of an invariant was found: exit code 1.
    Failed(String),
    /// It worked, and a threshold was not kept: exit code 99.
    Threshold(String),
}

/// The usual result of a command or of a step of one.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

impl Failure {
    /// A failure of the world rather than of the caller.
    pub fn failed(text: impl Into<String>) -> Self {
        Self::Failed(text.into())
    }

    /// A mistake of the caller.
    pub fn usage(text: impl Into<String>) -> Self {
        Self::Usage(text.into())
    }

    /// A file that could not be read or written.
    pub fn file(doing: &str, path: &Path, error: &std::io::Error) -> Self {
        Self::Failed(format!("{doing} {}: {error}", path.display()))
    }

    /// 1, 2 or 99.
    pub fn code(&self) -> u8 {
        match self {
            Self::Failed(_) => 1,
            Self::Usage(_) => 2,
            Self::Threshold(_) => 99,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text) | Self::Failed(text) | Self::Threshold(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for Failure {}

impl From<&Failure> for ExitCode {
    fn from(failure: &Failure) -> Self {
        ExitCode::from(failure.code())
    }
}
