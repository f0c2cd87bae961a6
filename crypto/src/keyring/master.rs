//! The master key: what wraps the keyring, and is itself given from outside or kept in a private file.

use super::{KeyringError, exists, read_private};
use crate::aead::{AeadKey, KEY_BYTES, derive};
use crate::files;
use crate::hex;
use crate::mac::MacKey;
use crate::random::Entropy;
use crate::secret::{Secret, resolve};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt;
use std::path::Path;
use zeroize::Zeroizing;

/// 256 bits that open the keyring. Only keys that are derived from it are kept.
pub struct MasterKey {
    pub(super) wrap: AeadKey,
    /// Binds the keyring file's parts together.
    pub(super) file: MacKey,
    /// Tells master keys apart without showing them.
    pub(super) id: [u8; 8],
}

impl MasterKey {
    /// Takes 32 random bytes.
    pub fn from_bytes(bytes: &[u8; KEY_BYTES]) -> Self {
        let mut id = [0; 8];
        id.copy_from_slice(&derive(bytes, "master key id")[..8]);
        Self {
            wrap: AeadKey::new(&derive(bytes, "wrap data keys")),
            file: MacKey::new(&*derive(bytes, "bind keyring file")),
            id,
        }
    }

    /// Reads 32 bytes as 64 hexadecimal digits or as base64; `openssl rand -hex 32` makes one.
    ///
    /// # Errors
    /// [`KeyringError::BadMaster`].
    pub fn from_text(text: &Secret<String>) -> Result<Self, KeyringError> {
        let text = text.expose().trim();
        if let Some(bytes) = hex::decode::<KEY_BYTES>(text).map(Zeroizing::new) {
            return Ok(Self::from_bytes(&bytes));
        }
        let decoded = Zeroizing::new(STANDARD.decode(text).map_err(|_| KeyringError::BadMaster)?);
        let bytes: &[u8; KEY_BYTES] = decoded.as_slice().try_into().map_err(|_| KeyringError::BadMaster)?;
        Ok(Self::from_bytes(bytes))
    }

    /// Follows `env:NAME` or `file:PATH`.
    ///
    /// # Errors
    /// [`KeyringError::Reference`] or [`KeyringError::BadMaster`].
    pub fn from_reference(reference: &str) -> Result<Self, KeyringError> {
        Self::from_text(&resolve(reference).map_err(KeyringError::Reference)?)
    }

    /// Reads the file, or makes it (mode 0600). The caller holds the keyring's lock.
    pub(super) fn open_or_make(path: &Path, entropy: &dyn Entropy) -> Result<Self, KeyringError> {
        if !exists(path)? {
            let mut bytes = Zeroizing::new([0; KEY_BYTES]);
            entropy.fill(&mut *bytes);
            let mut text = Zeroizing::new(String::with_capacity(2 * KEY_BYTES + 1));
            hex::encode_onto(&mut text, &*bytes);
            text.push('\n');
            files::replace(path, text.as_bytes(), files::PRIVATE)
                .map_err(|source| KeyringError::io(path, source))?;
        }
        let damaged = |why: &str| KeyringError::Malformed { path: path.to_owned(), why: why.to_owned() };
        let bytes = read_private(path)?;
        let text = std::str::from_utf8(&bytes).map_err(|_| damaged("not text"))?;
        let key =
            Zeroizing::new(hex::decode(text.trim_end()).ok_or_else(|| damaged("not 64 hexadecimal digits"))?);
        Ok(Self::from_bytes(&key))
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({})", hex::encode(&self.id))
    }
}
