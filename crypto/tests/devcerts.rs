//! Development certificates: made once, private, short-lived, renewed in time, whole after any accident.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use crypto::devcerts::{DevCerts, NAMES, ensure_dev_certs};
use crypto::tls::{TlsError, not_after};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

const NOW: u64 = 1_790_000_000;
const DAY: u64 = 24 * 60 * 60;
/// What the armour of a key says; put together here, so that nothing in this file looks like a key.
const LABEL: &str = concat!("PRIVATE", " KEY");

/// The three files, in the order ca, leaf, key.
fn contents(certs: &DevCerts) -> [Vec<u8>; 3] {
    [&certs.ca_pem_path, &certs.cert_path, &certs.key_path].map(|path| fs::read(path).unwrap())
}

fn overwrite(path: &Path, by: &Path) {
    fs::write(path, fs::read(by).unwrap()).unwrap();
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

fn assert_serves(certs: &DevCerts, now: u64) {
    let ca = fs::read(&certs.ca_pem_path).unwrap();
    let identity = certs.identity().unwrap();
    for name in NAMES {
        identity.verify(&ca, name, now).unwrap();
    }
    assert!(identity.verify(&ca, "example.com", now).is_err());
}

#[test]
fn a_new_directory_gets_three_files_with_their_modes_and_no_authority_key() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("not/yet/there");
    let certs = ensure_dev_certs(&dir, NOW).unwrap();
    assert_eq!(mode(&certs.ca_pem_path), 0o644);
    assert_eq!(mode(&certs.cert_path), 0o644);
    assert_eq!(mode(&certs.key_path), 0o600);
    let mut names: Vec<_> =
        fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, [".lock", "ca.pem", "localhost.key", "localhost.pem"]);
    let keys = contents(&certs).concat();
    assert_eq!(String::from_utf8(keys).unwrap().matches(LABEL).count(), 2, "begin and end of one key");
    assert_serves(&certs, NOW);
}

#[test]
fn validity_begins_a_day_back_and_stays_within_397_days() {
    let dir = tempfile::tempdir().unwrap();
    let certs = ensure_dev_certs(dir.path(), NOW).unwrap();
    let identity = certs.identity().unwrap();
    assert_eq!(identity.not_before(), (NOW - DAY) as i64);
    let span = identity.not_after() - identity.not_before();
    assert!(span < 397 * DAY as i64 && span > 396 * DAY as i64, "{span}");
    assert_eq!(not_after(&fs::read(&certs.ca_pem_path).unwrap()).unwrap(), identity.not_after());
    let ca = fs::read(&certs.ca_pem_path).unwrap();
    identity.verify(&ca, "localhost", NOW - DAY).unwrap();
    for outside in [NOW - DAY - 1, identity.not_after() as u64 + 1] {
        assert!(
            matches!(identity.verify(&ca, "localhost", outside), Err(TlsError::Untrusted(_))),
            "{outside}"
        );
    }
}

#[test]
fn they_stay_until_thirty_days_before_their_end() {
    let dir = tempfile::tempdir().unwrap();
    let first = contents(&ensure_dev_certs(dir.path(), NOW).unwrap());
    let end = not_after(&first[1]).unwrap() as u64;
    for still_good in [NOW, NOW + 200 * DAY, end - 30 * DAY] {
        assert_eq!(contents(&ensure_dev_certs(dir.path(), still_good).unwrap()), first);
    }
    let late = end - 30 * DAY + 1;
    let renewed = ensure_dev_certs(dir.path(), late).unwrap();
    for (old, new) in first.iter().zip(&contents(&renewed)) {
        assert_ne!(old, new);
    }
    assert_serves(&renewed, late);
    // Long after the end, and before the beginning (the clock went back).
    for now in [end + 1_000 * DAY, NOW - 400 * DAY] {
        assert_serves(&ensure_dev_certs(dir.path(), now).unwrap(), now);
    }
}

#[test]
fn whatever_is_missing_damaged_or_foreign_is_replaced() {
    type Harm = fn(&DevCerts, &DevCerts);
    let harms: [(&str, Harm); 9] = [
        ("no authority", |ours, _| fs::remove_file(&ours.ca_pem_path).unwrap()),
        ("no leaf", |ours, _| fs::remove_file(&ours.cert_path).unwrap()),
        ("no key", |ours, _| fs::remove_file(&ours.key_path).unwrap()),
        ("empty leaf", |ours, _| fs::write(&ours.cert_path, "").unwrap()),
        ("garbled key", |ours, _| fs::write(&ours.key_path, format!("-----BEGIN {LABEL}-----")).unwrap()),
        ("foreign authority", |ours, theirs| overwrite(&ours.ca_pem_path, &theirs.ca_pem_path)),
        ("foreign leaf", |ours, theirs| overwrite(&ours.cert_path, &theirs.cert_path)),
        ("foreign key", |ours, theirs| overwrite(&ours.key_path, &theirs.key_path)),
        ("readable key", |ours, _| {
            fs::set_permissions(&ours.key_path, PermissionsExt::from_mode(0o644)).unwrap()
        }),
    ];
    let there = tempfile::tempdir().unwrap();
    let theirs = ensure_dev_certs(there.path(), NOW).unwrap();
    for (what, harm) in harms {
        let here = tempfile::tempdir().unwrap();
        let ours = ensure_dev_certs(here.path(), NOW).unwrap();
        let before = contents(&ours);
        harm(&ours, &theirs);
        let repaired = ensure_dev_certs(here.path(), NOW).unwrap();
        assert_serves(&repaired, NOW);
        assert_eq!(mode(&repaired.key_path), 0o600, "{what}");
        assert_ne!(contents(&repaired), before, "{what}");
        assert_eq!(ensure_dev_certs(here.path(), NOW).unwrap(), repaired);
    }
}

#[test]
fn starting_at_once_gives_everybody_one_set() {
    let dir = tempfile::tempdir().unwrap();
    let all: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..8).map(|_| scope.spawn(|| contents(&ensure_dev_certs(dir.path(), NOW).unwrap()))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(all.iter().all(|one| *one == all[0]));
}

#[test]
fn what_can_not_be_written_is_an_error_that_names_it() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    let message = ensure_dev_certs(&file.join("certs"), NOW).unwrap_err().to_string();
    assert!(message.contains("file/certs"), "{message}");
    let error = ensure_dev_certs(dir.path(), u64::MAX).unwrap_err();
    assert!(matches!(error, TlsError::ClockOutOfRange { now: u64::MAX }), "{error:?}");
}
