//! A key of the index: bytes that lie in place, with their hash, which is made once by whoever makes the key.

use foldhash::fast::RandomState;
use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{BuildHasher, Hash, Hasher};
use std::ops::{Deref, DerefMut};
use std::sync::LazyLock;

/// Bytes of a key that lies in place: all but those of claims with long names do. Keys are compared all day, and each would else be
/// somewhere else in memory.
const ROOM: usize = 62;

/// Bytes of a key. Those behind the end of a short one are zero, so that two are compared without asking how long they are.
#[derive(Clone)]
pub(crate) enum Key {
    Short { len: u8, bytes: [u8; ROOM] },
    Long(Vec<u8>),
}

impl Key {
    pub(crate) const fn new() -> Self {
        Self::Short { len: 0, bytes: [0; ROOM] }
    }

    /// A short key that begins so.
    #[inline]
    pub(crate) fn starting<const N: usize>(start: &[u8; N]) -> Self {
        const { assert!(N <= ROOM) };
        let mut bytes = [0; ROOM];
        bytes[..N].copy_from_slice(start);
        Self::Short { len: N as u8, bytes }
    }

    pub(crate) fn from_slice(from: &[u8]) -> Self {
        let mut key = Self::new();
        key.extend_from_slice(from);
        key
    }

    pub(crate) fn push(&mut self, byte: u8) {
        self.extend_from_slice(&[byte]);
    }

    #[inline]
    pub(crate) fn extend_from_slice(&mut self, more: &[u8]) {
        match self {
            Self::Short { len, bytes } => {
                let from = usize::from(*len);
                match bytes.get_mut(from..from + more.len()) {
                    Some(place) => {
                        place.copy_from_slice(more);
                        *len += more.len() as u8;
                    }
                    None => *self = Self::Long([&bytes[..from], more].concat()),
                }
            }
            Self::Long(bytes) => bytes.extend_from_slice(more),
        }
    }
}

impl Deref for Key {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match self {
            Self::Short { len, bytes } => &bytes[..usize::from(*len)],
            Self::Long(bytes) => bytes,
        }
    }
}

impl DerefMut for Key {
    fn deref_mut(&mut self) -> &mut [u8] {
        match self {
            Self::Short { len, bytes } => &mut bytes[..usize::from(*len)],
            Self::Long(bytes) => bytes,
        }
    }
}

impl Borrow<[u8]> for Key {
    fn borrow(&self) -> &[u8] {
        self
    }
}

impl PartialEq for Key {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Short { len, bytes }, Self::Short { len: other_len, bytes: other }) => {
                len == other_len && bytes == other
            }
            _one_is_long => **self == **other,
        }
    }
}

impl Eq for Key {}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Key {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Short { len, bytes }, Self::Short { len: other_len, bytes: other }) => {
                in_words(bytes, other).then(len.cmp(other_len))
            }
            _one_is_long => self[..].cmp(&other[..]),
        }
    }
}

/// Compares eight bytes at a time: most keys of a list differ in their fourth or fifth eight.
#[inline]
fn in_words(one: &[u8; ROOM], other: &[u8; ROOM]) -> Ordering {
    let (words, rest) = one.as_chunks::<8>();
    let (other_words, other_rest) = other.as_chunks::<8>();
    for (word, other) in words.iter().zip(other_words) {
        if word != other {
            return u64::from_be_bytes(*word).cmp(&u64::from_be_bytes(*other));
        }
    }
    rest.cmp(other_rest)
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

/// Names of claims are chosen by strangers: nobody may know which of them hash alike.
static SEED: LazyLock<RandomState> = LazyLock::new(RandomState::default);

/// A key with its hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hashed {
    pub hash: u64,
    pub key: Key,
}

impl Hash for Hashed {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.hash);
    }
}

impl From<Key> for Hashed {
    #[inline]
    fn from(key: Key) -> Self {
        Self { hash: SEED.hash_one(&*key), key }
    }
}

impl Deref for Hashed {
    type Target = Key;

    #[inline]
    fn deref(&self) -> &Key {
        &self.key
    }
}

/// Passes hashes on as they are.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct AsIs;

/// See [`AsIs`].
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Passed(u64);

impl BuildHasher for AsIs {
    type Hasher = Passed;

    fn build_hasher(&self) -> Passed {
        Passed(0)
    }
}

impl Hasher for Passed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        unreachable!("only hashes are hashed here, not {} bytes", bytes.len());
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        // Few values and zeros at the end, so that many are alike but for their length.
        (prop::collection::vec(0..3u8, 0..70), 0..10usize).prop_map(|(mut bytes, zeros)| {
            bytes.extend(std::iter::repeat_n(0, zeros));
            bytes
        })
    }

    proptest! {
        #[test]
        fn keys_are_ordered_and_equal_as_their_bytes(one in bytes(), other in bytes(), cut in 0..80usize) {
            let (a, b) = (Key::from_slice(&one), Key::from_slice(&other));
            prop_assert_eq!(&a[..], &one[..]);
            prop_assert_eq!(a.cmp(&b), one.cmp(&other));
            prop_assert_eq!(a == b, one == other);
            prop_assert_eq!(Hashed::from(a.clone()).hash == Hashed::from(b).hash, one == other);
            let (head, tail) = one.split_at(cut.min(one.len()));
            let mut grown = Key::from_slice(head);
            tail.iter().for_each(|byte| grown.push(*byte));
            prop_assert_eq!(&grown, &a);
            prop_assert_eq!(Hashed::from(grown).hash, Hashed::from(a).hash);
        }
    }
}
