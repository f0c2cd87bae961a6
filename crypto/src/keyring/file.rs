//! The keyring's file: JSON, version 1.
//!
//! ```json
//! {"format":1,"master":"<id>","primary":2,"root":{"nonce":"..","wrapped":".."},
//!  "keys":[{"version":1,"created":1790000000,"key":{"nonce":"..","wrapped":".."}}, ...],"digest":".."}
//! ```
//!
//! All bytes are hexadecimal. `wrapped` is AES-256-GCM under the master key's wrapping key, with the key's place
//! (`root`, or its version) as associated data; `digest` is an HMAC-SHA-256 over everything before it.

use super::{DataKey, FORMAT, Keyring, KeyringError, MOST_VERSIONS, MasterKey, read_private};
use crate::aead::{Forged, KEY_BYTES, NONCE_BYTES, TAG_BYTES};
use crate::files;
use crate::hex;
use crate::mac::same;
use crate::random::Entropy;
use crate::secret::Secret;
use serde::{Deserialize, Serialize};
use std::path::Path;
use zeroize::Zeroizing;

/// What every version of the format has.
#[derive(Deserialize)]
struct Header {
    format: u64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    format: u32,
    master: String,
    primary: u32,
    root: Wrapped,
    keys: Vec<StoredKey>,
    digest: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredKey {
    version: u32,
    created: u64,
    key: Wrapped,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wrapped {
    nonce: String,
    wrapped: String,
}

/// Associated data of the root key.
const ROOT_PLACE: &[u8] = b"keyring/1/root";

/// Associated data of a data key.
fn place(version: u32) -> Vec<u8> {
    [b"keyring/1/key/".as_slice(), &version.to_be_bytes()].concat()
}

/// Reads, checks and unwraps the file.
pub(super) fn read(path: &Path, master: &MasterKey) -> Result<Keyring, KeyringError> {
    let malformed = |why: String| KeyringError::Malformed { path: path.to_owned(), why };
    let bytes = read_private(path)?;
    let header: Header = serde_json::from_slice(&bytes).map_err(|error| malformed(error.to_string()))?;
    if header.format != u64::from(FORMAT) {
        return Err(KeyringError::UnknownFormat { path: path.to_owned(), found: header.format });
    }
    let stored: Stored = serde_json::from_slice(&bytes).map_err(|error| malformed(error.to_string()))?;
    if stored.master != hex::encode(&master.id) {
        return Err(KeyringError::WrongMaster { path: path.to_owned() });
    }
    let digest = hex::decode::<32>(&stored.digest).ok_or_else(|| malformed("digest".to_owned()))?;
    if !same(&digest, &digest_of(&stored, master)) {
        return Err(KeyringError::Tampered { path: path.to_owned() });
    }
    // From here on the content is what was written; the checks below are against a faulty writer.
    let ascending = stored.keys.windows(2).all(|pair| pair[0].version < pair[1].version);
    let named = stored.keys.iter().any(|key| key.version == stored.primary);
    if !ascending || !named || stored.keys.len() > MOST_VERSIONS {
        return Err(malformed("versions".to_owned()));
    }
    unwrap_all(&stored, master).map_err(|Forged| KeyringError::Tampered { path: path.to_owned() })
}

fn unwrap_all(stored: &Stored, master: &MasterKey) -> Result<Keyring, Forged> {
    let data_key = |stored: &StoredKey| {
        let key = unwrap_key(&stored.key, master, &place(stored.version))?;
        Ok(DataKey { version: stored.version, created: stored.created, key })
    };
    Ok(Keyring {
        root: unwrap_key(&stored.root, master, ROOT_PLACE)?,
        primary: stored.primary,
        keys: stored.keys.iter().map(data_key).collect::<Result<_, Forged>>()?,
    })
}

/// Wraps every key anew and replaces the file. The caller holds the keyring's lock.
pub(super) fn write(
    path: &Path,
    keyring: &Keyring,
    master: &MasterKey,
    entropy: &dyn Entropy,
) -> Result<(), KeyringError> {
    let stored_key = |key: &DataKey| StoredKey {
        version: key.version,
        created: key.created,
        key: wrap_key(&key.key, master, &place(key.version), entropy),
    };
    let mut stored = Stored {
        format: FORMAT,
        master: hex::encode(&master.id),
        primary: keyring.primary,
        root: wrap_key(&keyring.root, master, ROOT_PLACE, entropy),
        keys: keyring.keys.iter().map(stored_key).collect(),
        digest: String::new(),
    };
    stored.digest = hex::encode(&digest_of(&stored, master));
    let mut text = serde_json::to_vec_pretty(&stored).expect("strings and integers always make JSON");
    text.push(b'\n');
    files::replace(path, &text, files::PRIVATE).map_err(|source| KeyringError::io(path, source))
}

fn digest_of(stored: &Stored, master: &MasterKey) -> [u8; 32] {
    let mut digest = master.file.begin();
    digest.field(&stored.format.to_be_bytes());
    digest.field(stored.master.as_bytes());
    digest.field(&stored.primary.to_be_bytes());
    digest.field(stored.root.nonce.as_bytes());
    digest.field(stored.root.wrapped.as_bytes());
    for key in &stored.keys {
        digest.field(&key.version.to_be_bytes());
        digest.field(&key.created.to_be_bytes());
        digest.field(key.key.nonce.as_bytes());
        digest.field(key.key.wrapped.as_bytes());
    }
    digest.finish()
}

fn wrap_key(
    key: &Secret<[u8; KEY_BYTES]>,
    master: &MasterKey,
    place: &[u8],
    entropy: &dyn Entropy,
) -> Wrapped {
    let mut nonce = [0; NONCE_BYTES];
    entropy.fill(&mut nonce);
    let mut message = Zeroizing::new([0; KEY_BYTES + TAG_BYTES]);
    message[..KEY_BYTES].copy_from_slice(key.expose());
    master.wrap.seal(nonce, place, &mut *message);
    Wrapped { nonce: hex::encode(&nonce), wrapped: hex::encode(&*message) }
}

fn unwrap_key(
    wrapped: &Wrapped,
    master: &MasterKey,
    place: &[u8],
) -> Result<Secret<[u8; KEY_BYTES]>, Forged> {
    let nonce = hex::decode::<NONCE_BYTES>(&wrapped.nonce).ok_or(Forged)?;
    let mut message =
        Zeroizing::new(hex::decode::<{ KEY_BYTES + TAG_BYTES }>(&wrapped.wrapped).ok_or(Forged)?);
    let key = master.wrap.open(nonce, place, &mut *message)?;
    Ok(Secret::fill_with(|room: &mut [u8; KEY_BYTES]| room.copy_from_slice(key)))
}
