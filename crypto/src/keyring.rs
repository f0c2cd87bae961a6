//! The keys at rest: a file of versioned 256-bit data keys, each wrapped (AES-256-GCM) by a master key.
//!
//! The master key comes from outside (`env:` or `file:`), or in development from a private file that is made once.
//! One data key is the primary and seals; older ones open what they sealed. A root key, which never rotates, is where
//! fingerprints, request digests and client secrets come from, so that those stay the same over rotations.
//!
//! The file's own digest binds all of it together: a version that was cut out or moved is noticed, not obeyed.

mod file;
mod master;

pub use master::MasterKey;

use crate::aead::KEY_BYTES;
use crate::files::{self, Lock};
use crate::random::Entropy;
use crate::secret::{ReferenceError, Secret};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// The format that is written, and the only one that is read so far.
pub const FORMAT: u32 = 1;

/// Most versions that a keyring holds: a bound on what a rotation script that runs wild can do.
pub const MOST_VERSIONS: usize = 1_000;

/// Every key of one installation, in the open, in memory only.
pub struct Keyring {
    root: Secret<[u8; KEY_BYTES]>,
    primary: u32,
    /// Ascending by version, never empty.
    keys: Vec<DataKey>,
}

/// One version of the key that seals.
pub(crate) struct DataKey {
    pub(crate) version: u32,
    /// Unix seconds.
    pub(crate) created: u64,
    pub(crate) key: Secret<[u8; KEY_BYTES]>,
}

impl Keyring {
    /// A keyring that lives in memory only, with version 1 made at `now` (unix seconds): for tests and simulations.
    pub fn ephemeral(now: u64, entropy: &dyn Entropy) -> Self {
        let root = fresh_key(entropy);
        Self { root, primary: 1, keys: vec![DataKey { version: 1, created: now, key: fresh_key(entropy) }] }
    }

    /// Adds a key and makes it the primary; returns its version. The older ones still open what they sealed. In
    /// memory only: [`KeyringFile::rotate`] makes it last.
    ///
    /// # Errors
    /// [`KeyringError::Full`] at [`MOST_VERSIONS`].
    pub fn rotate(&mut self, now: u64, entropy: &dyn Entropy) -> Result<u32, KeyringError> {
        let last = self.keys.last().map_or(0, |key| key.version);
        let version =
            last.checked_add(1).filter(|_| self.keys.len() < MOST_VERSIONS).ok_or(KeyringError::Full)?;
        self.keys.push(DataKey { version, created: now, key: fresh_key(entropy) });
        self.primary = version;
        Ok(version)
    }

    /// The version that seals.
    pub fn primary(&self) -> u32 {
        self.primary
    }

    /// All versions, oldest first, with the unix second of their making.
    pub fn versions(&self) -> impl Iterator<Item = (u32, u64)> + '_ {
        self.keys.iter().map(|key| (key.version, key.created))
    }

    pub(crate) fn root(&self) -> &[u8; KEY_BYTES] {
        self.root.expose()
    }

    pub(crate) fn keys(&self) -> &[DataKey] {
        &self.keys
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keyring").field("primary", &self.primary).field("versions", &self.keys.len()).finish()
    }
}

fn fresh_key(entropy: &dyn Entropy) -> Secret<[u8; KEY_BYTES]> {
    Secret::fill_with(|key: &mut [u8; KEY_BYTES]| entropy.fill(key))
}

/// Name of the keyring in a data directory.
const KEYRING: &str = "keyring.json";
/// Name of the master key that development makes beside it.
const MASTER: &str = "master.key";

/// Where a keyring is kept, and the master key that opens it.
#[derive(Debug)]
pub struct KeyringFile {
    path: PathBuf,
    master: MasterKey,
}

impl KeyringFile {
    /// The keyring `keyring.json` of `directory`, under a master key from outside. Reads nothing yet.
    pub fn new(directory: &Path, master: MasterKey) -> Self {
        Self { path: directory.join(KEYRING), master }
    }

    /// The same for development: the master key is `master.key` in the same directory (mode 0600), and is made if
    /// neither it nor a keyring exists. Kept beside what it locks, it protects against little more than a backup
    /// that forgets it: production names one from elsewhere.
    ///
    /// # Errors
    /// [`KeyringError::MasterMissing`] if there is a keyring but no master key: a new one could not open it.
    pub fn development(directory: &Path, entropy: &dyn Entropy) -> Result<Self, KeyringError> {
        files::make_directory(directory).map_err(|source| KeyringError::io(directory, source))?;
        let (path, master_path) = (directory.join(KEYRING), directory.join(MASTER));
        let _lock = lock(&path)?;
        if exists(&path)? && !exists(&master_path)? {
            return Err(KeyringError::MasterMissing { path, master: master_path });
        }
        Ok(Self { path, master: MasterKey::open_or_make(&master_path, entropy)? })
    }

    /// Where the keyring of a directory is, before anything is read or made.
    pub fn path_in(directory: &Path) -> PathBuf {
        directory.join(KEYRING)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the file is there. A data directory that holds sealed records but no keyring must not be given a new
    /// one: nothing would open the records.
    ///
    /// # Errors
    /// [`KeyringError::Io`] if that can't be told.
    pub fn exists(&self) -> Result<bool, KeyringError> {
        exists(&self.path)
    }

    /// Reads and unwraps the keyring.
    ///
    /// # Errors
    /// Any [`KeyringError`]; each says which file and what to do.
    pub fn open(&self) -> Result<Keyring, KeyringError> {
        file::read(&self.path, &self.master)
    }

    /// Reads the keyring, or makes one with version 1, and its directory, if there is no file yet. Two processes that start at once get
    /// the same one.
    ///
    /// # Errors
    /// Any [`KeyringError`].
    pub fn open_or_make(&self, now: u64, entropy: &dyn Entropy) -> Result<Keyring, KeyringError> {
        let directory = files::parent(&self.path);
        files::make_directory(directory).map_err(|source| KeyringError::io(directory, source))?;
        let _lock = lock(&self.path)?;
        if self.exists()? {
            return self.open();
        }
        let keyring = Keyring::ephemeral(now, entropy);
        file::write(&self.path, &keyring, &self.master, entropy)?;
        Ok(keyring)
    }

    /// Adds a key made at `now` (unix seconds), makes it the primary, and returns the keyring as it now is on disk.
    ///
    /// # Errors
    /// Any [`KeyringError`]; the file is then as it was.
    pub fn rotate(&self, now: u64, entropy: &dyn Entropy) -> Result<Keyring, KeyringError> {
        let _lock = lock(&self.path)?;
        let mut keyring = self.open()?;
        keyring.rotate(now, entropy)?;
        file::write(&self.path, &keyring, &self.master, entropy)?;
        Ok(keyring)
    }

    /// Wraps the same keys by another master key. No sealed record changes; the old master key opens the file no more.
    ///
    /// # Errors
    /// Any [`KeyringError`]; the file is then as it was.
    pub fn rewrap(self, master: MasterKey, entropy: &dyn Entropy) -> Result<Self, KeyringError> {
        let held = lock(&self.path)?;
        let keyring = self.open()?;
        file::write(&self.path, &keyring, &master, entropy)?;
        drop(held);
        Ok(Self { master, ..self })
    }
}

fn lock(path: &Path) -> Result<Lock, KeyringError> {
    let path = path.with_extension("lock");
    Lock::acquire(&path).map_err(|source| KeyringError::io(&path, source))
}

fn exists(path: &Path) -> Result<bool, KeyringError> {
    path.try_exists().map_err(|source| KeyringError::io(path, source))
}

/// Reads a secret file, which must be private.
fn read_private(path: &Path) -> Result<zeroize::Zeroizing<Vec<u8>>, KeyringError> {
    const LONGEST: u64 = 1 << 20;
    let (bytes, mode) =
        files::read_bounded(path, LONGEST).map_err(|source| KeyringError::io(path, source))?;
    if mode & !files::PRIVATE != 0 {
        return Err(KeyringError::TooOpen { path: path.to_owned(), mode });
    }
    Ok(bytes)
}

/// Why keys can't be had. Every variant names its file; none holds key material.
#[derive(Debug)]
pub enum KeyringError {
    /// Reading, writing or locking failed.
    Io { path: PathBuf, source: io::Error },
    /// More than the owner may use the file.
    TooOpen { path: PathBuf, mode: u32 },
    /// Written in a format that this program does not know.
    UnknownFormat { path: PathBuf, found: u64 },
    /// Not a keyring, or one that was cut or edited; `why` says where.
    Malformed { path: PathBuf, why: String },
    /// Wrapped by another master key.
    WrongMaster { path: PathBuf },
    /// The right master key, but the content was changed.
    Tampered { path: PathBuf },
    /// A keyring without the master key that development keeps beside it.
    MasterMissing { path: PathBuf, master: PathBuf },
    /// The master key is not 32 bytes in hexadecimal or base64.
    BadMaster,
    /// The reference to the master key leads nowhere.
    Reference(ReferenceError),
    /// No room for another version.
    Full,
}

impl KeyringError {
    fn io(path: &Path, source: io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }
}

impl fmt::Display for KeyringError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io { path, source } => write!(f, "key file {}: {source}", path.display()),
            Self::TooOpen { path, mode } => write!(
                f,
                "key file {} has mode {mode:04o}, so others than its owner may use it: chmod 0600 it, and rotate its \
                 keys if someone could have read them",
                path.display()
            ),
            Self::UnknownFormat { path, found } => write!(
                f,
                "key file {} has format {found}, but this version knows format {FORMAT} only: run the version that \
                 wrote it",
                path.display()
            ),
            Self::Malformed { path, why } => {
                write!(f, "key file {} is damaged ({why}): restore it from a backup", path.display())
            }
            Self::WrongMaster { path } => write!(
                f,
                "key file {} is locked by another master key: give the one that it was written with",
                path.display()
            ),
            Self::Tampered { path } => {
                write!(
                    f,
                    "key file {} was changed since it was written: restore it from a backup",
                    path.display()
                )
            }
            Self::MasterMissing { path, master } => write!(
                f,
                "key file {} is there, but its master key {} is not: restore it, or give the master key by reference",
                path.display(),
                master.display()
            ),
            Self::BadMaster => {
                f.write_str("a master key is 32 random bytes, as 64 hexadecimal digits or as base64")
            }
            Self::Reference(source) => write!(f, "master key: {source}"),
            Self::Full => write!(f, "the keyring already holds {MOST_VERSIONS} versions"),
        }
    }
}

impl std::error::Error for KeyringError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            Self::Reference(source) => Some(source),
            Self::TooOpen { .. }
            | Self::UnknownFormat { .. }
            | Self::Malformed { .. }
            | Self::WrongMaster { .. }
            | Self::Tampered { .. }
            | Self::MasterMissing { .. }
            | Self::BadMaster
            | Self::Full => None,
        }
    }
}
