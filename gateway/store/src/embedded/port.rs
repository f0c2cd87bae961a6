//! The two ports of the journal machine: what it needs of a disk, and what it needs of an index.
//!
//! Architecture invariant: the machine does no I/O but through these, so the same code runs over files and an embedded engine in
//! production, and over a disk that loses what was not synced in tests and in the simulation.

use gateway_core::journal::First;
use std::fmt;
use std::io;
use std::ops::ControlFlow;

/// A directory of append-only files. Names are plain file names.
///
/// Nothing but [`Disk::sync`] (for a file's bytes) and [`Disk::sync_dir`] (for names made, renamed or removed) makes anything
/// durable; what was not synced may after a crash be there, be gone, or be there in part.
pub trait Disk: Send + Sync + 'static {
    /// Names of all files.
    ///
    /// # Errors
    /// Of the medium.
    fn list(&self) -> io::Result<Vec<String>>;
    /// Makes an empty file.
    ///
    /// # Errors
    /// The name is taken, or of the medium.
    fn create(&self, name: &str) -> io::Result<()>;
    /// Adds bytes at the end of a file.
    ///
    /// # Errors
    /// Of the medium, [`io::ErrorKind::StorageFull`] among them; then any part of the bytes may have been added.
    fn append(&self, name: &str, bytes: &[u8]) -> io::Result<()>;
    /// Writes bytes again that the file already holds at `offset`, so that the next sync surely carries them.
    ///
    /// # Errors
    /// Of the medium.
    fn rewrite(&self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()>;
    /// Makes a file's bytes and length durable. After an error nothing is known of them, and a second call proves nothing.
    ///
    /// # Errors
    /// Of the medium.
    fn sync(&self, name: &str) -> io::Result<()>;
    /// Fills `into` from `offset` on; returns how many bytes there were, less than asked only at the file's end.
    ///
    /// # Errors
    /// No such file, or of the medium.
    fn read(&self, name: &str, offset: u64, into: &mut [u8]) -> io::Result<usize>;
    /// A file's length in bytes.
    ///
    /// # Errors
    /// No such file, or of the medium.
    fn len(&self, name: &str) -> io::Result<u64>;
    /// Cuts a file to `len` bytes.
    ///
    /// # Errors
    /// No such file, or of the medium.
    fn truncate(&self, name: &str, len: u64) -> io::Result<()>;
    /// Renames a file, replacing one of the new name.
    ///
    /// # Errors
    /// No such file, or of the medium.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file.
    ///
    /// # Errors
    /// No such file, or of the medium.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Makes names made, renamed and removed durable.
    ///
    /// # Errors
    /// Of the medium.
    fn sync_dir(&self) -> io::Result<()>;
    /// Bytes that can still be written.
    ///
    /// # Errors
    /// Of the medium.
    fn room(&self) -> io::Result<u64>;
    /// Holds exactly this many bytes of room back in a file, for later; 0 gives them free.
    ///
    /// # Errors
    /// Of the medium, [`io::ErrorKind::StorageFull`] among them.
    fn hold_room(&self, name: &str, bytes: u64) -> io::Result<()>;
}

/// The index failed. It holds nothing that the journal does not: the way out is to drop it and rebuild.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexError(pub String);

impl fmt::Display for IndexError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What an index is marked with when it is made durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seal {
    /// The store that the index belongs to.
    pub store: u64,
    /// The position up to which it holds everything: an index from a backup stands at a smaller one.
    pub position: u64,
}

/// The value of an entry.
pub type Value = smallvec::SmallVec<[u8; 56]>;
/// A write to the index: a key with its value, or with `None` to remove it.
pub type Change<'a> = (&'a [u8], Option<Value>);

/// Called with each key and value of a range.
pub type Visit<'a> = dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + 'a;

/// Small sorted entries. Nothing is durable before [`Index::persist`]; after a crash any subset of what was written since may be there.
pub trait Index: Send + Sync + 'static {
    /// The value of a key.
    ///
    /// # Errors
    /// The index is damaged or fails.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, IndexError>;
    /// Writes changes, which come in the order of their keys; no key occurs twice among them.
    ///
    /// # Errors
    /// The index is damaged or fails; then any of the changes may be there.
    fn write(&self, changes: &mut dyn Iterator<Item = Change<'_>>) -> Result<(), IndexError>;
    /// Visits the keys from `from` to `to`, both included, from either end, until told to stop.
    ///
    /// # Errors
    /// The index is damaged or fails.
    fn range(&self, from: &[u8], to: &[u8], first: First, visit: &mut Visit<'_>) -> Result<(), IndexError>;
    /// Writes the last changes, as [`Index::write`] does, and makes everything written so far durable, and `seal` with it, so that
    /// [`Index::seal`] finds it again only if all of that is there.
    ///
    /// # Errors
    /// The index is damaged or fails.
    fn persist(&self, changes: &mut dyn Iterator<Item = Change<'_>>, seal: Seal) -> Result<(), IndexError>;
    /// The seal of the last persist of which nothing was lost; `None` if there is none, or some was.
    ///
    /// # Errors
    /// The index is damaged or fails.
    fn seal(&self) -> Result<Option<Seal>, IndexError>;
    /// Drops all entries, also the durable ones, and begins anew.
    ///
    /// # Errors
    /// The index fails.
    fn clear(&self) -> Result<(), IndexError>;
}
