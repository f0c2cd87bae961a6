//! Files that hold secrets: written whole or not at all, private from their first byte, guarded by a lock.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;
use zeroize::Zeroizing;

/// Nobody but the owner.
pub(crate) const PRIVATE: u32 = 0o600;

/// Reads a file of at most `limit` bytes, with its permission bits, both of the same open file.
pub(crate) fn read_bounded(path: &Path, limit: u64) -> io::Result<(Zeroizing<Vec<u8>>, u32)> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    // Room for all of it at once, so that growing leaves no copies of a secret behind.
    let expected = usize::try_from(metadata.len().min(limit)).unwrap_or(0);
    let mut bytes = Zeroizing::new(Vec::with_capacity(expected + 1));
    file.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("longer than {limit} bytes")));
    }
    Ok((bytes, metadata.mode() & 0o7777))
}

/// Replaces `path` by `bytes`: after a crash the old content or the new one is there, never a part, and the new one
/// once this has returned. The file has permission bits `mode` from the moment it exists.
///
/// One writer at a time: callers hold the [`Lock`] of the directory or file.
pub(crate) fn replace(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".new");
    let temporary = Path::new(&temporary);
    // Left by a writer that died; it may have another mode, which opening would keep.
    match fs::remove_file(temporary) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(temporary)?;
    // The process's umask may have taken bits away.
    file.set_permissions(fs::Permissions::from_mode(mode))?;
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    fs::rename(temporary, path)?;
    File::open(parent(path))?.sync_all()
}

/// The directory of a file.
pub(crate) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) | None => Path::new("."),
    }
}

/// Makes a directory that only its owner may enter, and those above it; an existing one stays as it is.
pub(crate) fn make_directory(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// An advisory lock between processes and threads, freed when dropped and by the operating system when its
/// process ends in any way.
pub(crate) struct Lock {
    _held: File,
}

/// How long a lock is waited for: 10 s, in steps of 10 ms.
const ATTEMPTS: u32 = 1_000;
const PAUSE: Duration = Duration::from_millis(10);

impl Lock {
    /// Waits for the lock file `path`, which is made if it is missing and stays.
    ///
    /// # Errors
    /// `TimedOut` if another holds it for 10 s; whatever opening the file gave.
    pub(crate) fn acquire(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).write(true).truncate(false).mode(PRIVATE).open(path)?;
        for _ in 0..ATTEMPTS {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _held: file }),
                Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        Err(io::Error::new(
            io::ErrorKind::TimedOut,
            format!("another process has held the lock {} for 10 s", path.display()),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replaced_file_has_its_mode_and_leaves_nothing_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        fs::write(dir.path().join("key.new"), "left by a crash").unwrap();
        for (text, mode) in [("first", PRIVATE), ("second, longer", 0o644), ("3", PRIVATE)] {
            replace(&path, text.as_bytes(), mode).unwrap();
            let (bytes, found) = read_bounded(&path, 100).unwrap();
            assert_eq!((bytes.as_slice(), found), (text.as_bytes(), mode));
            assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        }
    }

    #[test]
    fn reading_is_bounded_and_wants_a_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        fs::write(&path, "12345").unwrap();
        assert_eq!(read_bounded(&path, 5).unwrap().0.as_slice(), b"12345");
        assert_eq!(read_bounded(&path, 4).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(read_bounded(dir.path(), 4).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }

    #[test]
    fn a_lock_excludes_and_is_freed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let held = Lock::acquire(&path).unwrap();
        let second = OpenOptions::new().write(true).open(&path).unwrap();
        assert!(matches!(second.try_lock(), Err(TryLockError::WouldBlock)));
        drop(held);
        second.try_lock().unwrap();
    }
}
