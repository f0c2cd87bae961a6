//! The disk port over a directory of real files, and the lock that keeps a second process out of it.

use super::error::{OpenError, io_error};
use super::format::segment;
use super::port::Disk;
use rustix::fs::{FallocateFlags, FlockOperation};
use std::collections::HashMap;
use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, RwLock};

/// A directory of files.
pub struct FileDisk {
    dir: PathBuf,
    /// The directory itself, for its syncs.
    handle: File,
    open: RwLock<OpenFiles>,
}

/// Files that are kept open, at most: a journal has as many segments as its age gives it, and a process may have 1,024 descriptors.
const KEPT_OPEN: usize = 128;

/// Files that are open. One that was not used since the last look round makes way for another, but the one that is written to.
#[derive(Default)]
struct OpenFiles {
    files: HashMap<String, Held>,
    /// The segment that is written to.
    written: String,
}

struct Held {
    file: Arc<File>,
    used: AtomicBool,
}

impl OpenFiles {
    fn find(&self, name: &str) -> Option<Arc<File>> {
        let held = self.files.get(name)?;
        if !held.used.load(Ordering::Relaxed) {
            held.used.store(true, Ordering::Relaxed);
        }
        Some(Arc::clone(&held.file))
    }

    fn keep(&mut self, name: &str, file: Arc<File>) {
        while self.files.len() >= KEPT_OPEN {
            let written = &self.written;
            let before = self.files.len();
            self.files.retain(|name, held| name == written || held.used.swap(false, Ordering::Relaxed));
            if self.files.len() == before {
                // All were in use: the next time round none will be.
                continue;
            }
        }
        self.files.insert(name.to_owned(), Held { file, used: AtomicBool::new(true) });
    }
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
        if let Some(file) = self.open.read().expect(HELD).find(name) {
            return Ok(file);
        }
        let file = Arc::new(OpenOptions::new().read(true).append(true).open(self.dir.join(name))?);
        self.open.write().expect(HELD).keep(name, Arc::clone(&file));
        Ok(file)
    }

    fn forget(&self, name: &str) {
        self.open.write().expect(HELD).files.remove(name);
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
        self.open.write().expect(HELD).keep(name, Arc::new(file));
        Ok(())
    }

    fn append(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let file = self.file(name)?;
        // An error of writing it back is told to handles that were open then: the one that is synced must be this one.
        if segment::number_of(name).is_some() && self.open.read().expect(HELD).written != name {
            name.clone_into(&mut self.open.write().expect(HELD).written);
        }
        file.as_ref().write_all(bytes)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_journal_needs_few_descriptors() {
        let dir = std::env::temp_dir().join(format!("tollgate-files-{}", std::process::id()));
        let disk = FileDisk::open(&dir).expect("a directory of its own");
        let name = |number: usize| segment::file_name(number as u64 + 1);
        for number in 0..3 * KEPT_OPEN {
            disk.create(&name(number)).expect("it is new");
            disk.append(&name(number), &number.to_le_bytes()).expect("there is room");
            disk.sync(&name(number)).expect("it is written");
        }
        let last = name(3 * KEPT_OPEN - 1);
        for round in 0..2 {
            for number in 0..3 * KEPT_OPEN {
                let mut read = [0; 8];
                assert_eq!(disk.read(&name(number), 0, &mut read).expect("it is there"), 8, "{round}");
                assert_eq!(usize::from_le_bytes(read), number);
                let open = disk.open.read().expect(HELD);
                assert!(open.files.len() <= KEPT_OPEN, "{} files are open", open.files.len());
                assert!(open.files.contains_key(&last), "the one that is written to stays open");
            }
        }
        std::fs::remove_dir_all(&dir).expect("it is ours");
    }
}
