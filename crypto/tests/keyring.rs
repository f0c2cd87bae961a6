//! The keyring's file: private, whole, versioned, and opened by its own master key only.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use crypto::Secret;
use crypto::keyring::{Keyring, KeyringError, KeyringFile, MOST_VERSIONS, MasterKey};
use crypto::random::{Entropy, System};
use crypto::{CardNumber, Vault};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicU8, Ordering};

const NOW: u64 = 1_790_000_000;

fn master() -> MasterKey {
    MasterKey::from_bytes(&[0x4D; 32])
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn fingerprint(keyring: &Keyring) -> [u8; 16] {
    Vault::new(keyring).fingerprint(&CardNumber::parse("4242424242424242").unwrap())
}

#[test]
fn development_makes_both_files_private_once() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("not/yet/there");
    let first = KeyringFile::development(&data, &System).unwrap().open_or_make(NOW, &System).unwrap();
    assert_eq!(names(&data), ["keyring.json", "keyring.lock", "master.key"]);
    for name in names(&data) {
        assert_eq!(mode(&data.join(&name)), 0o600, "{name}");
    }
    let again = KeyringFile::development(&data, &System).unwrap().open_or_make(NOW + 1, &System).unwrap();
    assert_eq!(fingerprint(&first), fingerprint(&again));
    assert_eq!(again.versions().collect::<Vec<_>>(), [(1, NOW)]);
}

#[test]
fn starting_at_once_gives_everybody_the_same_keys() {
    let dir = tempfile::tempdir().unwrap();
    let start = || {
        let keyring =
            KeyringFile::development(dir.path(), &System).unwrap().open_or_make(NOW, &System).unwrap();
        fingerprint(&keyring)
    };
    let all: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(start)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(all.iter().all(|one| *one == all[0]));
}

#[test]
fn files_that_others_may_use_are_refused_with_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    KeyringFile::development(dir.path(), &System).unwrap().open_or_make(NOW, &System).unwrap();
    for name in ["keyring.json", "master.key"] {
        let path = dir.path().join(name);
        for wide in [0o640, 0o604, 0o620, 0o602, 0o610, 0o601, 0o644, 0o777, 0o700] {
            set_mode(&path, wide);
            let opened = KeyringFile::development(dir.path(), &System).and_then(|file| file.open());
            let message = opened.unwrap_err().to_string();
            assert!(message.contains(name) && message.contains("chmod 0600"), "{message}");
            assert!(message.contains(&format!("mode {wide:04o}")), "{message}");
        }
        set_mode(&path, 0o400);
        KeyringFile::development(dir.path(), &System).unwrap().open().unwrap();
        set_mode(&path, 0o600);
    }
}

#[test]
fn rotation_lasts_and_keeps_every_version() {
    let dir = tempfile::tempdir().unwrap();
    let file = KeyringFile::new(dir.path(), master());
    let first = file.open_or_make(NOW, &System).unwrap();
    let card = CardNumber::parse("4242424242424242").unwrap();
    let sealed = Vault::new(&first).seal(&card, b"here", &System);
    let rotated = file.rotate(NOW + 10, &System).unwrap();
    assert_eq!(rotated.primary(), 2);
    file.rotate(NOW + 20, &System).unwrap();
    let reopened = KeyringFile::new(dir.path(), master()).open().unwrap();
    assert_eq!(reopened.primary(), 3);
    assert_eq!(reopened.versions().collect::<Vec<_>>(), [(1, NOW), (2, NOW + 10), (3, NOW + 20)]);
    assert_eq!(Vault::new(&reopened).open(&sealed, b"here").unwrap(), card);
    assert_eq!(fingerprint(&first), fingerprint(&reopened));
    assert_eq!(mode(file.path()), 0o600);
}

#[test]
fn rotations_at_once_lose_no_version() {
    let dir = tempfile::tempdir().unwrap();
    let file = KeyringFile::new(dir.path(), master());
    file.open_or_make(NOW, &System).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| KeyringFile::new(dir.path(), master()).rotate(NOW, &System).unwrap());
        }
    });
    let versions: Vec<_> = file.open().unwrap().versions().map(|(version, _)| version).collect();
    assert_eq!(versions, (1..=9).collect::<Vec<_>>());
}

#[test]
fn versions_are_bounded() {
    let mut keyring = Keyring::ephemeral(NOW, &System);
    for _ in 1..MOST_VERSIONS {
        keyring.rotate(NOW, &System).unwrap();
    }
    assert!(matches!(keyring.rotate(NOW, &System), Err(KeyringError::Full)));
    assert_eq!(keyring.primary() as usize, MOST_VERSIONS);
}

#[test]
fn another_master_key_is_told_from_damage() {
    let dir = tempfile::tempdir().unwrap();
    let file = KeyringFile::new(dir.path(), master());
    let before = file.open_or_make(NOW, &System).unwrap();
    let other = || MasterKey::from_bytes(&[0x4E; 32]);
    let stranger = KeyringFile::new(dir.path(), other());
    assert!(matches!(stranger.open(), Err(KeyringError::WrongMaster { .. })));
    assert!(matches!(stranger.rotate(NOW, &System), Err(KeyringError::WrongMaster { .. })));
    // The same keys, wrapped by the other one.
    let rewrapped = file.rewrap(other(), &System).unwrap();
    assert_eq!(fingerprint(&rewrapped.open().unwrap()), fingerprint(&before));
    assert!(stranger.open().is_ok());
    assert!(matches!(KeyringFile::new(dir.path(), master()).open(), Err(KeyringError::WrongMaster { .. })));
}

#[test]
fn a_lost_master_key_is_not_replaced() {
    let dir = tempfile::tempdir().unwrap();
    KeyringFile::development(dir.path(), &System).unwrap().open_or_make(NOW, &System).unwrap();
    fs::remove_file(dir.path().join("master.key")).unwrap();
    let error = KeyringFile::development(dir.path(), &System).unwrap_err();
    assert!(matches!(error, KeyringError::MasterMissing { .. }), "{error}");
    assert!(error.to_string().contains("master.key"), "{error}");
    assert!(!dir.path().join("master.key").exists());
}

#[test]
fn newer_formats_are_refused_by_name_whatever_else_they_hold() {
    let dir = tempfile::tempdir().unwrap();
    let file = KeyringFile::new(dir.path(), master());
    file.open_or_make(NOW, &System).unwrap();
    fs::write(file.path(), r#"{"format":2,"anything":["else"]}"#).unwrap();
    let message = file.open().unwrap_err().to_string();
    assert!(message.contains("format 2") && message.contains("format 1 only"), "{message}");
    assert!(file.open_or_make(NOW, &System).is_err(), "nor is it replaced");
    assert!(fs::read_to_string(file.path()).unwrap().contains("\"format\":2"));
}

#[test]
fn any_changed_or_cut_byte_of_the_file_is_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let file = KeyringFile::new(dir.path(), master());
    file.open_or_make(NOW, &System).unwrap();
    file.rotate(NOW, &System).unwrap();
    let whole = fs::read(file.path()).unwrap();
    for place in 0..whole.len() {
        let mut changed = whole.clone();
        changed[place] ^= 1;
        fs::write(file.path(), &changed).unwrap();
        // No exception for space: none of JSON's four blanks becomes another by its lowest bit.
        assert!(file.open().is_err(), "byte {place}: {:?}", char::from(whole[place]));
        fs::write(file.path(), &whole[..place]).unwrap();
        assert!(file.open().is_err() || place == whole.len() - 1, "cut at {place}");
    }
    fs::write(file.path(), &whole).unwrap();
    file.open().unwrap();
}

#[test]
fn versions_that_were_cut_out_swapped_or_demoted_are_noticed() {
    let dir = tempfile::tempdir().unwrap();
    let file = KeyringFile::new(dir.path(), master());
    file.open_or_make(NOW, &System).unwrap();
    file.rotate(NOW, &System).unwrap();
    let whole: serde_json::Value = serde_json::from_slice(&fs::read(file.path()).unwrap()).unwrap();
    let edits: [fn(&mut serde_json::Value); 5] = [
        |json| json["keys"].as_array_mut().unwrap().truncate(1),
        |json| json["keys"].as_array_mut().unwrap().reverse(),
        |json| json["keys"] = serde_json::json!([]),
        |json| json["primary"] = 1.into(),
        |json| json["keys"][0]["created"] = 0.into(),
    ];
    for (which, edit) in edits.iter().enumerate() {
        let mut changed = whole.clone();
        edit(&mut changed);
        assert_ne!(changed, whole);
        fs::write(file.path(), changed.to_string()).unwrap();
        assert!(matches!(file.open(), Err(KeyringError::Tampered { .. })), "edit {which}");
    }
    let mut unknown = whole;
    unknown["comment"] = "hello".into();
    fs::write(file.path(), unknown.to_string()).unwrap();
    assert!(file.open().unwrap_err().to_string().contains("comment"));
}

#[test]
fn master_keys_are_read_as_hexadecimal_or_base64() {
    let id = |text: &str| MasterKey::from_text(&Secret::new(text.to_owned())).map(|key| format!("{key:?}"));
    let expected = format!("{:?}", master());
    assert_eq!(id(&"4d".repeat(32)).unwrap(), expected);
    assert_eq!(id(&format!("{}\n", "4D".repeat(32))).unwrap(), expected);
    assert_eq!(id("TU1NTU1NTU1NTU1NTU1NTU1NTU1NTU1NTU1NTU1NTU0=").unwrap(), expected);
    for text in ["", "4d", "canary", "TU1N", &"4d".repeat(31), &"4d".repeat(33)] {
        let message = id(text).unwrap_err().to_string();
        assert!(message.contains("32 random bytes") && !message.contains("canary"), "{message}");
    }
    assert!(!expected.contains("4d4d"), "{expected}");
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("kek");
    fs::write(&path, "4d".repeat(32)).unwrap();
    let by_reference = MasterKey::from_reference(&format!("file:{}", path.display())).unwrap();
    assert_eq!(format!("{by_reference:?}"), expected);
    assert!(matches!(MasterKey::from_reference("file:/nowhere"), Err(KeyringError::Reference(_))));
}

/// Written once by Python's `hmac` and the `cryptography` package from counting bytes (0, 1, 2, ...) and a master key
/// of 32 times `0x4d`. If this fails, keyrings that exist no longer open.
const WRITTEN_ELSEWHERE: &str = r#"{
  "format": 1,
  "master": "536272590eebb454",
  "primary": 1,
  "root": {
    "nonce": "404142434445464748494a4b",
    "wrapped": "5f1233c16e9e189b4da76b1084dbe7ddc2c5e96f5b47edb3f89e4466830445b0d294581878c74987871d5c4f17141432"
  },
  "keys": [
    {
      "version": 1,
      "created": 1790000000,
      "key": {
        "nonce": "4c4d4e4f5051525354555657",
        "wrapped": "2eb1f5e6d742b9f00ebd41fa38bf1949104a04b539ff4d60243bf125eef278728d4f532ffe8f173288efd2d9635ab76e"
      }
    }
  ],
  "digest": "cb4a99f273c07eaa45636a18887c8c84a07ad68277028f9305d9b4ef2da016a6"
}
"#;

fn counting() -> impl Entropy {
    let next = AtomicU8::new(0);
    move |out: &mut [u8]| out.iter_mut().for_each(|byte| *byte = next.fetch_add(1, Ordering::Relaxed))
}

#[test]
fn the_file_is_that_of_an_independent_implementation() {
    let dir = tempfile::tempdir().unwrap();
    let file = KeyringFile::new(dir.path(), master());
    let made = file.open_or_make(NOW, &counting()).unwrap();
    assert_eq!(fs::read_to_string(file.path()).unwrap(), WRITTEN_ELSEWHERE);
    assert_eq!(fingerprint(&file.open().unwrap()), fingerprint(&made));
}
