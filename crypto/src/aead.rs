//! AES-256-GCM and HKDF-SHA-256 as this crate uses them; the only file that handles raw key bytes with ring's ciphers.

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::hkdf;
use std::fmt;
use zeroize::Zeroizing;

/// Bytes of every key.
pub(crate) const KEY_BYTES: usize = 32;
/// Bytes of a nonce.
pub(crate) const NONCE_BYTES: usize = 12;
/// Bytes that sealing adds.
pub(crate) const TAG_BYTES: usize = 16;

/// Sealed bytes were changed, belong to other associated data, or were sealed by another key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Forged;

/// An AES-256-GCM key whose schedule is set up once.
pub(crate) struct AeadKey(LessSafeKey);

impl AeadKey {
    pub(crate) fn new(key: &[u8; KEY_BYTES]) -> Self {
        Self(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key).expect("an AES-256 key has 32 bytes")))
    }

    /// Encrypts in place: the last 16 bytes of `message` are room for the tag, those before are the text.
    /// A nonce must never be used twice under one key.
    pub(crate) fn seal(&self, nonce: [u8; NONCE_BYTES], aad: &[u8], message: &mut [u8]) {
        let (text, tag_room) = message.split_at_mut(message.len() - TAG_BYTES);
        let tag = self
            .0
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(aad), text)
            .expect("the text is far below GCM's 64 GiB");
        tag_room.copy_from_slice(tag.as_ref());
    }

    /// Decrypts in place and returns the text; `message` ends in the tag.
    pub(crate) fn open<'m>(
        &self,
        nonce: [u8; NONCE_BYTES],
        aad: &[u8],
        message: &'m mut [u8],
    ) -> Result<&'m mut [u8], Forged> {
        self.0.open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(aad), message).map_err(|_| Forged)
    }
}

impl fmt::Debug for AeadKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AeadKey(hidden)")
    }
}

/// Separates this system's derived keys from any other use of the same root.
const SALT: &[u8] = b"tollgate/keys/1";

/// A key for one purpose, from a root key: HKDF-SHA-256 (RFC 5869) with `purpose` as info. Different purposes give
/// unrelated keys, so that what one leaks says nothing about another.
pub(crate) fn derive(root: &[u8; KEY_BYTES], purpose: &str) -> Zeroizing<[u8; KEY_BYTES]> {
    expand(SALT, root, purpose.as_bytes())
}

fn expand(salt: &[u8], secret: &[u8], info: &[u8]) -> Zeroizing<[u8; KEY_BYTES]> {
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    hkdf::Salt::new(hkdf::HKDF_SHA256, salt)
        .extract(secret)
        .expand(&[info], hkdf::HKDF_SHA256)
        .and_then(|okm| okm.fill(&mut *key))
        .expect("32 bytes are within what HKDF-SHA-256 can give");
    key
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hex;

    #[test]
    fn gcm_specification_test_case_16_holds() {
        // McGrew and Viega, "The Galois/Counter Mode of Operation", appendix B, test case 16 (AES-256, with AAD).
        let key =
            hex::decode::<32>("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308").unwrap();
        let nonce = hex::decode::<12>("cafebabefacedbaddecaf888").unwrap();
        let aad = hex::decode::<20>("feedfacedeadbeeffeedfacedeadbeefabaddad2").unwrap();
        let text = hex::decode::<60>(concat!(
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72",
            "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
        ))
        .unwrap();
        let expected = concat!(
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa",
            "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662",
            "76fc6ece0f4e1768cddf8853bb2d551b"
        );
        let key = AeadKey::new(&key);
        let mut message = [0; 76];
        message[..60].copy_from_slice(&text);
        key.seal(nonce, &aad, &mut message);
        assert_eq!(hex::encode(&message), expected);
        assert_eq!(key.open(nonce, &aad, &mut message).unwrap(), text);
    }

    #[test]
    fn rfc_5869_case_1_holds() {
        // The first 32 of its 42 bytes: HKDF's output is a prefix of any longer one.
        let salt: Vec<u8> = (0..=12).collect();
        let info: Vec<u8> = (0xf0..=0xf9).collect();
        let expected = "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf";
        assert_eq!(hex::encode(&*expand(&salt, &[0x0b; 22], &info)), expected);
    }

    #[test]
    fn purposes_and_roots_give_unrelated_keys() {
        let keys = [derive(&[1; 32], "a"), derive(&[1; 32], "b"), derive(&[2; 32], "a")];
        assert_ne!(keys[0], keys[1]);
        assert_ne!(keys[0], keys[2]);
        assert_eq!(keys[0], derive(&[1; 32], "a"));
    }
}
