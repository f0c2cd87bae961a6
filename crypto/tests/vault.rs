//! The vault: what is sealed opens for its owner alone, over rotations, and in the byte layout that is promised.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use crypto::keyring::Keyring;
use crypto::random::{Entropy, System};
use crypto::vault::VaultError;
use crypto::{CardNumber, SealedBytes, SealedCard, Vault};
use std::collections::HashSet;
use std::sync::atomic::{AtomicU8, Ordering};

const NOW: u64 = 1_790_000_000;

fn card() -> CardNumber {
    CardNumber::parse("4242424242424242").unwrap()
}

fn vault() -> Vault {
    Vault::new(&Keyring::ephemeral(NOW, &System))
}

/// 0, 1, 2, ... over all draws: for bytes that can be computed elsewhere too.
fn counting() -> impl Entropy {
    let next = AtomicU8::new(0);
    move |out: &mut [u8]| out.iter_mut().for_each(|byte| *byte = next.fetch_add(1, Ordering::Relaxed))
}

fn flat<T: serde::Serialize>(value: &T) -> Vec<u8> {
    postcard::to_allocvec(value).unwrap()
}

fn hex(bytes: &[u8]) -> String {
    crypto::hex::encode(bytes)
}

#[test]
fn every_length_of_card_comes_back_and_looks_the_same_sealed() {
    let vault = vault();
    for digits in [
        "500000000009",
        "4222222222222",
        "36227206271667",
        "378282246310005",
        "4242424242424242",
        "42424242424242421",
        "424242424242424242",
        "6205500000000000004",
    ] {
        let text = (0..10).map(|d| format!("{}{d}", &digits[..digits.len() - 1]));
        let card = text.filter_map(|text| CardNumber::parse(&text).ok()).next().unwrap();
        let sealed = vault.seal(&card, b"here", &System);
        assert_eq!(vault.open(&sealed, b"here").unwrap().expose(), card.expose());
        assert_eq!(flat(&sealed).len(), 39, "the size tells nothing of the number");
    }
}

#[test]
fn a_seal_is_never_the_same_twice() {
    let vault = vault();
    let seals: HashSet<SealedCard> = (0..1_000).map(|_| vault.seal(&card(), b"here", &System)).collect();
    assert_eq!(seals.len(), 1_000);
}

#[test]
fn any_flipped_bit_of_a_sealed_card_is_refused() {
    let vault = vault();
    let sealed = flat(&vault.seal(&card(), b"here", &System));
    for bit in 0..sealed.len() * 8 {
        let mut changed = sealed.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        if let Ok(forged) = postcard::from_bytes::<SealedCard>(&changed) {
            assert!(vault.open(&forged, b"here").is_err(), "bit {bit}");
        }
    }
    assert!(vault.open(&postcard::from_bytes(&sealed).unwrap(), b"here").is_ok(), "unchanged, it opens");
}

#[test]
fn any_flipped_bit_of_sealed_bytes_is_refused() {
    let vault = vault();
    let sealed = flat(&vault.seal_bytes(b"whsec_example", b"here", &System));
    for bit in 0..sealed.len() * 8 {
        let mut changed = sealed.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        if let Ok(forged) = postcard::from_bytes::<SealedBytes>(&changed) {
            assert!(vault.open_bytes(&forged, b"here").is_err(), "bit {bit}");
        }
    }
    let unchanged: SealedBytes = postcard::from_bytes(&sealed).unwrap();
    assert!(vault.open_bytes(&unchanged, b"here").unwrap().is(b"whsec_example"));
}

#[test]
fn what_is_sealed_opens_for_its_own_place_only() {
    let vault = vault();
    let sealed = vault.seal(&card(), b"merchant_1/pm_1", &System);
    for place in [b"merchant_2/pm_1".as_slice(), b"merchant_1/pm_2", b"merchant_1/pm_", b""] {
        assert_eq!(vault.open(&sealed, place).unwrap_err(), VaultError::Forged);
    }
    assert!(vault.open(&sealed, b"merchant_1/pm_1").is_ok());
    let short = SealedBytes::clone(&vault.seal_bytes(b"", b"here", &System));
    assert!(vault.open_bytes(&short, b"here").unwrap().is(b""), "nothing can be sealed too");
}

#[test]
fn other_keys_and_unknown_versions_are_told_apart() {
    let (ours, theirs) = (vault(), vault());
    let sealed = ours.seal(&card(), b"here", &System);
    assert_eq!(theirs.open(&sealed, b"here").unwrap_err(), VaultError::Forged);
    let unknown = SealedCard { key_version: 7, ..sealed };
    assert_eq!(ours.open(&unknown, b"here").unwrap_err(), VaultError::UnknownKey { version: 7 });
    assert!(ours.open(&unknown, b"here").unwrap_err().to_string().contains("key version 7"));
    let bytes = SealedBytes { key_version: 0, ..ours.seal_bytes(b"x", b"here", &System) };
    assert_eq!(ours.open_bytes(&bytes, b"here").unwrap_err(), VaultError::UnknownKey { version: 0 });
}

#[test]
fn rotation_keeps_the_old_readable_and_fingerprints_the_same() {
    let mut keyring = Keyring::ephemeral(NOW, &System);
    let first = Vault::new(&keyring);
    let old = first.seal(&card(), b"here", &System);
    let old_bytes = first.seal_bytes(b"whsec_example", b"here", &System);
    for expected in 2..=5 {
        assert_eq!(keyring.rotate(NOW + u64::from(expected), &System).unwrap(), expected);
        let rotated = Vault::new(&keyring);
        let new = rotated.seal(&card(), b"here", &System);
        assert_eq!((rotated.primary_version(), new.key_version, old.key_version), (expected, expected, 1));
        assert_eq!(rotated.open(&old, b"here").unwrap(), card());
        assert_eq!(rotated.open(&new, b"here").unwrap(), card());
        assert!(rotated.open_bytes(&old_bytes, b"here").unwrap().is(b"whsec_example"));
        assert_eq!(first.open(&new, b"here").unwrap_err(), VaultError::UnknownKey { version: expected });
        let relabelled = SealedCard { key_version: 1, ..new };
        assert_eq!(rotated.open(&relabelled, b"here").unwrap_err(), VaultError::Forged);
        assert_eq!(rotated.fingerprint(&card()), first.fingerprint(&card()));
        assert_eq!(rotated.client_secret(b"pi_1"), first.client_secret(b"pi_1"));
        assert_eq!(rotated.payment_number(7), first.payment_number(7));
        assert_eq!(rotated.request_digest().finish(), first.request_digest().finish());
    }
}

#[test]
fn fingerprints_tell_cards_and_installations_apart() {
    let (ours, theirs) = (vault(), vault());
    let other = CardNumber::parse("4000000000000002").unwrap();
    assert_eq!(
        ours.fingerprint(&card()),
        ours.fingerprint(&CardNumber::parse("4242 4242 4242 4242").unwrap())
    );
    assert_ne!(ours.fingerprint(&card()), ours.fingerprint(&other));
    assert_ne!(ours.fingerprint(&card()), theirs.fingerprint(&card()));
    assert_ne!(
        ours.fingerprint(&card()),
        ours.client_secret(card().expose().as_bytes()),
        "one key a purpose"
    );
}

/// Computed once with Python's `hmac` and the `cryptography` package. If this fails, what is stored no longer opens.
#[test]
fn the_bytes_are_those_of_an_independent_implementation() {
    let entropy = counting();
    let vault = Vault::new(&Keyring::ephemeral(NOW, &entropy));
    let mut skipped_by_the_keyring_file = [0; 24];
    entropy.fill(&mut skipped_by_the_keyring_file);

    let sealed = vault.seal(&card(), b"merchant_1/pm_1", &entropy);
    let expected = "0158595a5b5c5d5e5f60616263c15453d39948567ae0bc77f8d774469aa7fbd0d5b653adf66859";
    assert_eq!(hex(&flat(&sealed)), expected);
    let sealed = vault.seal_bytes(b"whsec_example", b"we_1", &entropy);
    let expected = "016465666768696a6b6c6d6e6f1d4388aa9ac3caceca6f1ea5f698511911d0b6ff8ca88435983a54b49eaa";
    assert_eq!(hex(&flat(&sealed)), expected);

    assert_eq!(hex(&vault.fingerprint(&card())), "bc9135386abaac52d85ccb6a454efb42");
    assert_eq!(hex(&vault.client_secret(b"pi_1")), "992b576651e2f6dfa01bd815adf4b754");
    assert_eq!(format!("{:016x}", vault.payment_number(1)), "dad1537252f8d7c6");
    let mut digest = vault.request_digest();
    digest.field(b"abc");
    assert_eq!(hex(&digest.finish()), "aa391fda2eca406570b7fa72e1a4db73409c4d6e73a799c0ad8cfca0529f6223");
}

#[test]
fn nothing_that_is_printed_holds_the_digits_or_a_key() {
    let entropy = |out: &mut [u8]| out.fill(0xAB);
    let keyring = Keyring::ephemeral(NOW, &entropy);
    let vault = Vault::new(&keyring);
    let sealed = vault.seal(&card(), b"here", &System);
    let bytes = vault.seal_bytes(card().expose().as_bytes(), b"here", &System);
    let opened = vault.open_bytes(&bytes, b"here").unwrap();
    let shown =
        format!("{keyring:?} {vault:?} {sealed:?} {bytes:?} {opened:?} {:?}", vault.open(&sealed, b"there"));
    assert!(!shown.contains("4242424242"), "{shown}");
    assert!(!shown.contains("52, 50, 52, 50"), "{shown}");
    assert!(!shown.to_lowercase().contains("abab") && !shown.contains("171, 171"), "{shown}");
    for stored in [flat(&sealed), flat(&bytes)] {
        assert!(!stored.windows(4).any(|window| window == b"4242" || window == [0x42; 4]));
    }
}
