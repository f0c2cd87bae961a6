//! What is wrong with a configuration, where, and what to do.

use std::fmt;
use std::path::{Path, PathBuf};

/// One mistake. Its text can be read alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    place: String,
    what: String,
}

impl ConfigError {
    /// A setting by its path: `limits.body_bytes`.
    pub(super) fn setting(path: impl Into<String>, what: impl Into<String>) -> Self {
        Self { place: path.into(), what: what.into() }
    }

    /// A file that can't be read.
    pub(super) fn file(path: &Path, error: &std::io::Error) -> Self {
        Self { place: path.display().to_string(), what: format!("cannot read the configuration: {error}") }
    }

    /// A place in a file, by the byte offset of the mistake.
    pub(super) fn in_file(file: &Text<'_>, offset: Option<usize>, what: &str) -> Self {
        let path = file.path.display();
        let place = match offset {
            Some(offset) => format!("{path}:{}", file.line_of(offset)),
            None => path.to_string(),
        };
        Self { place, what: what.trim_end().to_owned() }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.what)
    }
}

impl std::error::Error for ConfigError {}

/// A file's text, to say where something is in it.
pub(super) struct Text<'a> {
    pub(super) path: &'a PathBuf,
    pub(super) text: &'a str,
}

impl Text<'_> {
    fn line_of(&self, offset: usize) -> usize {
        let before = self.text.as_bytes().get(..offset).unwrap_or(self.text.as_bytes());
        before.iter().filter(|byte| **byte == b'\n').count() + 1
    }
}
