//! Why a store could not be opened. Each says what is wrong, where, and what to do.

use super::port::IndexError;
use gateway_core::journal::StoreError;
use std::fmt;
use std::io;
use std::path::PathBuf;

/// A store could not be opened.
#[derive(Debug)]
pub enum OpenError {
    /// Another process has the directory.
    Locked { dir: PathBuf },
    /// A file was written by a newer version of the software.
    Newer { file: String, version: u16 },
    /// Stored bytes are not what was written, in a place where a crash can't have left them so.
    Damaged { file: String, why: String },
    /// Reading or writing failed.
    Io { what: String, source: io::Error },
    /// The index could not be made, not even anew.
    Index(IndexError),
    /// The caller of a scan stopped it.
    Stopped(String),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OpenError::Locked { dir } => write!(
                f,
                "another process has the store in {}: stop it first, or give this one a directory of its own",
                dir.display()
            ),
            OpenError::Newer { file, version } => write!(
                f,
                "{file} has format version {version}, this software reads up to {}: start the newer software",
                super::format::FORMAT_VERSION
            ),
            OpenError::Damaged { file, why } => write!(
                f,
                "{file} is damaged: {why}. Nothing was changed; restore the file from a copy, or the store from a backup"
            ),
            OpenError::Io { what, source } => write!(f, "{what}: {source}"),
            OpenError::Index(error) => write!(f, "the index: {error}"),
            OpenError::Stopped(why) => write!(f, "stopped: {why}"),
        }
    }
}

impl std::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            OpenError::Io { source, .. } => Some(source),
            OpenError::Locked { .. }
            | OpenError::Newer { .. }
            | OpenError::Damaged { .. }
            | OpenError::Index(_)
            | OpenError::Stopped(_) => None,
        }
    }
}

/// Names what was being done when I/O failed.
pub(crate) fn io_error(what: impl Into<String>) -> impl FnOnce(io::Error) -> OpenError {
    |source| OpenError::Io { what: what.into(), source }
}

/// Damage in a file.
pub(crate) fn damaged(file: &str, why: impl fmt::Display) -> OpenError {
    OpenError::Damaged { file: file.to_owned(), why: why.to_string() }
}

/// A record that recovery needs could not be read.
pub(crate) fn unreadable(error: StoreError) -> OpenError {
    match error {
        StoreError::Corrupt(why) => damaged("the journal", why),
        StoreError::Unavailable(why) => {
            OpenError::Io { what: "reading the journal".to_owned(), source: io::Error::other(why) }
        }
    }
}
