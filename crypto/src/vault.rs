//! Card numbers and other secrets at rest: sealed under the primary key, bound to where they belong, found again by a
//! keyed fingerprint.
//!
//! Each purpose has a key of its own, derived from the keyring when the vault is made, so that a seal costs one
//! AES-256-GCM of 10 bytes and a fingerprint one HMAC. A card is sealed as ten bytes whatever its length, so the
//! ciphertext tells nothing about it.
//!
//! Nonces are 96 random bits. NIST SP 800-38D allows 2^32 of them under one key: rotate before
//! [`SEALS_BEFORE_ROTATION`], which is 49 days of 1,000 seals a second.

use crate::aead::{AeadKey, NONCE_BYTES, TAG_BYTES, derive};
use crate::card::{CardNumber, LONGEST};
use crate::keyring::{DataKey, Keyring};
use crate::mac::{MacKey, RequestDigest};
use crate::random::Entropy;
use crate::secret::Secret;
use serde::{Deserialize, Serialize};
use std::fmt;
use zeroize::Zeroizing;

/// Most seals that one key version should make before the next rotation: 2^32.
pub const SEALS_BEFORE_ROTATION: u64 = 1 << 32;

/// Two digits a byte, for 19 digits and a filler.
const PACKED_BYTES: usize = LONGEST.div_ceil(2);
/// Stands where there is no digit.
const FILLER: u8 = 0xF;

/// A card number that only its vault opens, and only for the associated data it was sealed with. 42 bytes, and 39 to
/// 43 in a compact serde format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SealedCard {
    /// The version of the key that sealed it.
    pub key_version: u32,
    /// Random, one for each seal.
    pub nonce: [u8; NONCE_BYTES],
    /// Ten bytes and a tag of sixteen.
    pub ciphertext: [u8; PACKED_BYTES + TAG_BYTES],
}

/// Any other secret that must be read back (a webhook's secret, an acquirer's credential), sealed in the same way.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct SealedBytes {
    /// The version of the key that sealed it.
    pub key_version: u32,
    /// Random, one for each seal.
    pub nonce: [u8; NONCE_BYTES],
    /// As many bytes as the secret has, and a tag of sixteen.
    pub ciphertext: Vec<u8>,
}

/// The keys of one keyring, set up for use. Immutable: after a rotation, make a new one and swap it in.
pub struct Vault {
    /// Which of `keys` seals.
    primary: usize,
    /// Ascending by version.
    keys: Vec<SealingKeys>,
    fingerprints: MacKey,
    requests: MacKey,
    client_secrets: MacKey,
    numbers: MacKey,
}

struct SealingKeys {
    version: u32,
    cards: AeadKey,
    bytes: AeadKey,
}

impl SealingKeys {
    fn new(data: &DataKey) -> Self {
        let key = data.key.expose();
        Self {
            version: data.version,
            cards: AeadKey::new(&derive(key, "seal card numbers")),
            bytes: AeadKey::new(&derive(key, "seal bytes")),
        }
    }
}

impl Vault {
    /// Sets up every key of the keyring.
    pub fn new(keyring: &Keyring) -> Self {
        let keys: Vec<_> = keyring.keys().iter().map(SealingKeys::new).collect();
        let root_mac = |purpose| MacKey::new(&*derive(keyring.root(), purpose));
        Self {
            primary: keys
                .iter()
                .position(|key| key.version == keyring.primary())
                .expect("a keyring holds its primary key"),
            keys,
            fingerprints: root_mac("card fingerprints"),
            requests: root_mac("request digests"),
            client_secrets: root_mac("client secrets"),
            numbers: root_mac("payment numbers"),
        }
    }

    /// The version that seals. A record with a lower one can be opened and sealed again.
    pub fn primary_version(&self) -> u32 {
        self.keys[self.primary].version
    }

    /// Seals a card number. `aad` says where it belongs (the merchant's and the object's ids): it is not stored, and
    /// opening needs the same bytes, so that a sealed card can't be moved to another owner.
    pub fn seal(&self, card: &CardNumber, aad: &[u8], entropy: &dyn Entropy) -> SealedCard {
        let key = &self.keys[self.primary];
        let mut sealed = SealedCard {
            key_version: key.version,
            nonce: fresh_nonce(entropy),
            ciphertext: Default::default(),
        };
        pack(card, &mut sealed.ciphertext[..PACKED_BYTES]);
        key.cards.seal(sealed.nonce, aad, &mut sealed.ciphertext);
        sealed
    }

    /// Opens a card number.
    ///
    /// # Errors
    /// [`VaultError::UnknownKey`] or [`VaultError::Forged`].
    pub fn open(&self, sealed: &SealedCard, aad: &[u8]) -> Result<CardNumber, VaultError> {
        let key = self.key(sealed.key_version)?;
        let mut message = Zeroizing::new(sealed.ciphertext);
        let packed = key.cards.open(sealed.nonce, aad, &mut *message).map_err(|_| VaultError::Forged)?;
        unpack(packed).ok_or(VaultError::Forged)
    }

    /// Seals any bytes, as [`Vault::seal`] does a card number, under another key.
    pub fn seal_bytes(&self, secret: &[u8], aad: &[u8], entropy: &dyn Entropy) -> SealedBytes {
        let key = &self.keys[self.primary];
        let nonce = fresh_nonce(entropy);
        let mut ciphertext = vec![0; secret.len() + TAG_BYTES];
        ciphertext[..secret.len()].copy_from_slice(secret);
        key.bytes.seal(nonce, aad, &mut ciphertext);
        SealedBytes { key_version: key.version, nonce, ciphertext }
    }

    /// Opens sealed bytes.
    ///
    /// # Errors
    /// [`VaultError::UnknownKey`] or [`VaultError::Forged`].
    pub fn open_bytes(&self, sealed: &SealedBytes, aad: &[u8]) -> Result<Secret<Vec<u8>>, VaultError> {
        let key = self.key(sealed.key_version)?;
        let mut message = Zeroizing::new(sealed.ciphertext.clone());
        let text = key.bytes.open(sealed.nonce, aad, &mut message).map_err(|_| VaultError::Forged)?;
        Ok(Secret::new(text.to_vec()))
    }

    fn key(&self, version: u32) -> Result<&SealingKeys, VaultError> {
        // The newest seals most of what is opened.
        self.keys.iter().rev().find(|key| key.version == version).ok_or(VaultError::UnknownKey { version })
    }

    /// The same 16 bytes for the same card number over all rotations, and nothing to be learned from them without the
    /// root key: what finds a card again without opening any.
    pub fn fingerprint(&self, card: &CardNumber) -> [u8; 16] {
        short(self.fingerprints.sign(card.digits()))
    }

    /// Begins the digest of a request: what an idempotency key's second use is compared with.
    pub fn request_digest(&self) -> RequestDigest {
        self.requests.begin()
    }

    /// The digest of a request that stands in one piece.
    pub fn digest_request(&self, message: &[u8]) -> [u8; 32] {
        self.requests.sign(message)
    }

    /// The secret half of an object's client secret: 16 bytes that follow from the object's id and are never stored.
    pub fn client_secret(&self, object_id: &[u8]) -> [u8; 16] {
        short(self.client_secrets.sign(object_id))
    }

    /// Half of the number of the payment that a payment method was given with: it follows from the method's number, over all rotations,
    /// and tells nothing of it. Who knows a payment's number must not know what would pay for another.
    pub fn payment_number(&self, method: u128) -> u64 {
        let mut half = [0; 8];
        half.copy_from_slice(&self.numbers.sign(&method.to_be_bytes())[..8]);
        u64::from_be_bytes(half)
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vault")
            .field("primary", &self.primary_version())
            .field("keys", &self.keys.len())
            .finish()
    }
}

fn fresh_nonce(entropy: &dyn Entropy) -> [u8; NONCE_BYTES] {
    let mut nonce = [0; NONCE_BYTES];
    entropy.fill(&mut nonce);
    nonce
}

fn short(tag: [u8; 32]) -> [u8; 16] {
    let mut out = [0; 16];
    out.copy_from_slice(&tag[..16]);
    out
}

/// Two digits a byte, first digit high, filled up to ten bytes.
fn pack(card: &CardNumber, room: &mut [u8]) {
    room.fill(FILLER << 4 | FILLER);
    for (place, digit) in card.digits().iter().enumerate() {
        let nibble = digit - b'0';
        let byte = &mut room[place / 2];
        *byte = if place % 2 == 0 { nibble << 4 | FILLER } else { *byte & 0xF0 | nibble };
    }
}

fn unpack(packed: &[u8]) -> Option<CardNumber> {
    let mut digits = Zeroizing::new([0u8; 2 * PACKED_BYTES]);
    let nibbles = packed.iter().flat_map(|byte| [byte >> 4, byte & 0xF]);
    let mut length = 0;
    for nibble in nibbles.take_while(|nibble| *nibble != FILLER) {
        digits[length] = b'0' + nibble;
        length += 1;
    }
    // A nibble of 10 to 14 becomes a byte that is no digit, and is refused here.
    CardNumber::parse(std::str::from_utf8(&digits[..length]).ok()?).ok()
}

/// Why something sealed was not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VaultError {
    /// The keyring has no such version: it was sealed by another installation, or the keyring is an old copy.
    UnknownKey { version: u32 },
    /// It was changed, or belongs to other associated data, or to other keys.
    Forged,
}

impl fmt::Display for VaultError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownKey { version } => write!(
                f,
                "sealed by key version {version}, which the keyring does not hold: restore the keyring that belongs \
                 to this data"
            ),
            Self::Forged => {
                f.write_str("sealed data does not open: it was changed, moved, or sealed by other keys")
            }
        }
    }
}

impl std::error::Error for VaultError {}
