//! The disk port over a directory of real files, and the lock that keeps a second process out of it.

use super::error::{OpenError, io_error};
use super::port::Disk;
use rustix::fs::{FallocateFlags, FlockOperation};
use std::collections::HashMap;
use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, RwLock};

/// A directory of files.
pub struct FileDisk {
    dir: PathBuf,
    /// The directory itself, for its syncs.
    handle: File,
    /// Files that are open. Segments are few, and all of them may be read at any time.
    open: RwLock<HashMap<String, Arc<File>>>,
}

/// Permission bits of files: names, e-mails and client secrets stand in them.
const OWNERS: u32 = 0o600;

/// Makes a directory, and sees that only its owner may enter it: the index makes files of its own in there.
fn make_private(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    std::fs::set_permissions(dir, Permissions::from_mode(0o700))
}

const HELD: &str = "nothing panics while it holds this lock";

impl FileDisk {
    /// Opens a directory, which is made if it is missing.
    ///
    /// # Errors
    /// Of the file system.
    pub fn open(dir: &Path) -> io::Result<Self> {
        make_private(dir)?;
        Ok(Self { dir: dir.to_owned(), handle: File::open(dir)?, open: RwLock::default() })
    }

    fn file(&self, name: &str) -> io::Result<Arc<File>> {
        if let Some(file) = self.open.read().expect(HELD).get(name) {
            return Ok(Arc::clone(file));
        }
        let file = Arc::new(OpenOptions::new().read(true).append(true).open(self.dir.join(name))?);
        self.open.write().expect(HELD).insert(name.to_owned(), Arc::clone(&file));
        Ok(file)
    }

    fn forget(&self, name: &str) {
        self.open.write().expect(HELD).remove(name);
    }
}

impl Disk for FileDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(&self.dir)? {
            let entry = entry?;
            if entry.file_type()?.is_file() {
                names.extend(entry.file_name().into_string().ok());
            }
        }
        Ok(names)
    }

    fn create(&self, name: &str) -> io::Result<()> {
        let path = self.dir.join(name);
        let file = OpenOptions::new().read(true).append(true).create_new(true).mode(OWNERS).open(path)?;
        self.open.write().expect(HELD).insert(name.to_owned(), Arc::new(file));
        Ok(())
    }

    fn append(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.file(name)?.as_ref().write_all(bytes)
    }

    fn rewrite(&self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        // A handle that appends would append.
        OpenOptions::new().write(true).open(self.dir.join(name))?.write_all_at(bytes, offset)
    }

    fn sync(&self, name: &str) -> io::Result<()> {
        self.file(name)?.sync_data()
    }

    fn read(&self, name: &str, offset: u64, into: &mut [u8]) -> io::Result<usize> {
        let file = self.file(name)?;
        let mut done = 0;
        while done < into.len() {
            match file.read_at(&mut into[done..], offset + done as u64) {
                Ok(0) => break,
                Ok(count) => done += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }

    fn len(&self, name: &str) -> io::Result<u64> {
        Ok(self.file(name)?.metadata()?.len())
    }

    fn truncate(&self, name: &str, len: u64) -> io::Result<()> {
        self.file(name)?.set_len(len)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        std::fs::rename(self.dir.join(from), self.dir.join(to))?;
        self.forget(from);
        self.forget(to);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        std::fs::remove_file(self.dir.join(name))?;
        self.forget(name);
        Ok(())
    }

    fn sync_dir(&self) -> io::Result<()> {
        self.handle.sync_all()
    }

    fn room(&self) -> io::Result<u64> {
        let room = rustix::fs::fstatvfs(&self.handle)?;
        Ok(room.f_bavail.saturating_mul(room.f_frsize))
    }

    fn hold_room(&self, name: &str, bytes: u64) -> io::Result<()> {
        let path = self.dir.join(name);
        let file = OpenOptions::new().write(true).create(true).truncate(false).mode(OWNERS).open(path)?;
        file.set_len(bytes.min(file.metadata()?.len()))?;
        if bytes > 0 {
            rustix::fs::fallocate(&file, FallocateFlags::empty(), 0, bytes)?;
        }
        Ok(())
    }
}

/// The operating system's lock on a directory: freed when the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct DirLock {
    _file: File,
}

impl DirLock {
    pub(crate) fn take(dir: &Path) -> Result<Self, OpenError> {
        let path = dir.join("lock");
        let locking = || io_error(format!("locking {}", path.display()));
        make_private(dir).map_err(locking())?;
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(false).mode(OWNERS);
        let file = options.open(&path).map_err(locking())?;
        match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Self { _file: file }),
            Err(rustix::io::Errno::WOULDBLOCK) => Err(OpenError::Locked { dir: dir.to_owned() }),
            Err(error) => Err(locking()(error.into())),
        }
    }
}
