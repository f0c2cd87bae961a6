//! Keyed digests (HMAC-SHA-256) and the hashing of API keys, compared in constant time.

use ring::{digest, hmac};
use std::fmt;
use subtle::ConstantTimeEq;

/// A key whose HMAC-SHA-256 states are computed once, so that a short message costs two compressions.
#[derive(Clone)]
pub struct MacKey(hmac::Key);

impl MacKey {
    /// Any length is a key; 32 random bytes are a good one.
    pub fn new(key: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// The digest of one message.
    pub fn sign(&self, message: &[u8]) -> [u8; 32] {
        tag_bytes(hmac::sign(&self.0, message))
    }

    /// The digest of the parts as if they stood in one piece. Where the parts' borders carry meaning, use
    /// [`RequestDigest`], which digests them too.
    pub fn sign_parts(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.0);
        parts.iter().for_each(|part| context.update(part));
        tag_bytes(context.sign())
    }

    /// Whether `tag` is the digest of `message`, in a time that does not depend on where they differ.
    pub fn verify(&self, message: &[u8], tag: &[u8]) -> bool {
        hmac::verify(&self.0, message, tag).is_ok()
    }

    /// A digest that is fed piece by piece.
    pub fn begin(&self) -> RequestDigest {
        RequestDigest(hmac::Context::with_key(&self.0))
    }
}

impl fmt::Debug for MacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MacKey(hidden)")
    }
}

/// A keyed digest that is fed piece by piece: what a request asked for, without keeping what it said.
#[derive(Clone)]
pub struct RequestDigest(hmac::Context);

impl RequestDigest {
    /// Adds bytes as they are: `update(b"ab")` equals `update(b"a")` and then `update(b"b")`.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Adds bytes and where they end: `field(b"ab")` differs from `field(b"a")` and then `field(b"b")`, so that no
    /// two lists of fields share a digest.
    pub fn field(&mut self, bytes: &[u8]) {
        self.0.update(&(bytes.len() as u64).to_be_bytes());
        self.0.update(bytes);
    }

    /// The digest of everything added.
    pub fn finish(self) -> [u8; 32] {
        tag_bytes(self.0.sign())
    }
}

impl fmt::Debug for RequestDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RequestDigest(hidden)")
    }
}

fn tag_bytes(tag: hmac::Tag) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(tag.as_ref());
    out
}

/// What is stored of an API key: its SHA-256. No salt and no stretching, because such a key is 140 random bits or
/// more and not a password: it can't be guessed, and a lookup by hash must stay cheap.
pub fn hash_api_key(key: &[u8]) -> [u8; 32] {
    sha256(key)
}

/// SHA-256 of one message, unkeyed: for what is public or unguessable already, never for card numbers.
pub fn sha256(message: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest::digest(&digest::SHA256, message).as_ref());
    out
}

/// Whether two byte strings are equal, in a time that depends on their lengths alone.
pub fn same(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hex;

    /// RFC 4231, cases 1-4, 6 and 7 (key, message, HMAC-SHA-256).
    fn rfc_4231() -> [(Vec<u8>, Vec<u8>, &'static str); 6] {
        let long_text =
            b"This is a test using a larger than block-size key and a larger than block-size data. \
                          The key needs to be hashed before being used by the HMAC algorithm.";
        [
            (
                vec![0x0b; 20],
                b"Hi There".to_vec(),
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
            ),
            (
                b"Jefe".to_vec(),
                b"what do ya want for nothing?".to_vec(),
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (
                vec![0xaa; 20],
                vec![0xdd; 50],
                "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
            ),
            (
                (1..=25).collect(),
                vec![0xcd; 50],
                "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
            ),
            (
                vec![0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First".to_vec(),
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
            (
                vec![0xaa; 131],
                long_text.to_vec(),
                "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
            ),
        ]
    }

    #[test]
    fn rfc_4231_vectors_hold_whole_and_in_pieces() {
        for (key, message, expected) in rfc_4231() {
            let key = MacKey::new(&key);
            assert_eq!(hex::encode(&key.sign(&message)), expected);
            for split in 0..=message.len() {
                let (head, tail) = message.split_at(split);
                assert_eq!(hex::encode(&key.sign_parts(&[head, tail])), expected);
                let mut pieces = key.begin();
                pieces.update(head);
                pieces.update(tail);
                assert_eq!(hex::encode(&pieces.finish()), expected);
            }
        }
    }

    #[test]
    fn any_flipped_bit_fails_verification() {
        let key = MacKey::new(b"key");
        let tag = key.sign(b"message");
        assert!(key.verify(b"message", &tag));
        for bit in 0..256 {
            let mut forged = tag;
            forged[bit / 8] ^= 1 << (bit % 8);
            assert!(!key.verify(b"message", &forged), "bit {bit}");
        }
        assert!(!key.verify(b"messagf", &tag));
        assert!(!key.verify(b"message", &tag[..31]), "a cut tag is no tag");
        assert!(!key.verify(b"message", &[]));
        assert!(!MacKey::new(b"kez").verify(b"message", &tag));
    }

    #[test]
    fn fields_do_not_run_into_each_other() {
        let digest = |fields: &[&[u8]]| {
            let mut digest = MacKey::new(b"key").begin();
            fields.iter().for_each(|field| digest.field(field));
            digest.finish()
        };
        let lists: [&[&[u8]]; 5] = [&[b"ab"], &[b"a", b"b"], &[b"", b"ab"], &[b"ab", b""], &[]];
        for (i, left) in lists.iter().enumerate() {
            for (j, right) in lists.iter().enumerate() {
                assert_eq!(digest(left) == digest(right), i == j, "{left:?} {right:?}");
            }
        }
    }

    #[test]
    fn api_keys_hash_to_sha_256_and_compare_whole() {
        // FIPS 180-4's first example.
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hex::encode(&hash_api_key(b"abc")), abc);
        assert!(same(&hash_api_key(b"abc"), &hash_api_key(b"abc")));
        assert!(!same(&hash_api_key(b"abc"), &hash_api_key(b"abd")));
        assert!(!same(b"ab", b"abc"));
    }

    #[test]
    fn debug_shows_no_key() {
        let key = MacKey::new(b"canary");
        assert_eq!(format!("{key:?} {:?}", key.begin()), "MacKey(hidden) RequestDigest(hidden)");
    }
}
