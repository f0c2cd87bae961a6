//! The bytes of format version 1, pinned: what is on someone's disk must stay readable, so an encoding that changes by accident fails here.
//!
//! Whoever means to change it raises the format version, keeps reading the old one, and writes the new bytes with
//! `TOLLGATE_BLESS=1 cargo test -p gateway-store --test golden`.

#![allow(clippy::unwrap_used, reason = "a test stops where something fails")]

#[path = "../fixtures/mod.rs"]
mod fixtures;

use fixtures::{self as f, tenant};
use gateway_core::event::EventKind;
use gateway_core::journal::{Row, Urgency, Version};
use gateway_store::embedded::format::checkpoint::{Checkpoint, ID_KINDS};
use gateway_store::embedded::format::group::GroupHead;
use gateway_store::embedded::format::record::{EncodedRows, put_commit, put_record, take_record};
use gateway_store::embedded::format::segment::SegmentHead;
use std::fmt::Write;
use std::path::Path;

fn rows() -> Vec<(&'static str, Row)> {
    let t = tenant(1);
    vec![
        ("payment created", f::payment(t, 1, 1, Some(4), None)),
        ("payment open", f::payment(t, 1 << 100, 2, None, Some(1_700_000_000_123))),
        (
            "payment that tells",
            f::telling(
                f::payment(t, 15, 2, None, None),
                &[(16, EventKind::ChargeSucceeded), (1 << 90, EventKind::ChargeCaptured)],
            ),
        ),
        ("claim provisional", f::claim(t, "key", None)),
        ("claim final", f::claim(t, "key", Some(b"{}".to_vec()))),
        ("event", f::event(t, 2, EventKind::ReviewClosed)),
        ("refund", f::refund(t, 3)),
        ("payment method", f::payment_method(t, 4, Some(5), false)),
        ("token", f::token(t, 6, true)),
        ("customer", f::customer(t, 7, Some("a@example.com"), false)),
        ("setup intent", f::setup_intent(t, 8, Some(5))),
        ("merchant", f::merchant(9, "Shop")),
        ("api key", f::api_key(10, Some(5))),
        ("sequence", f::sequence("stan:bank-a", 70_000)),
        ("review", f::review(t, 11, true)),
        ("value list", f::value_list(t, 12, false)),
        ("value list item", f::value_list_item(t, 13, 12, false)),
        ("evaluation", f::evaluation(t, 14)),
    ]
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        write!(out, "{byte:02x}").unwrap();
        out
    })
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn record(row: &Row) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rows = EncodedRows::default();
    let encoded = rows.push(row);
    put_record(&mut out, (&rows, &encoded), Version(300), 70_000);
    out
}

fn lines() -> Vec<(String, Vec<u8>)> {
    let head = SegmentHead { number: 3, store: 7, salt: 11, base: 4096, first_sequence: 99 };
    let group = GroupHead { segment: 3, sequence: 99, len: 100, checksum: 0xDEAD_BEEF };
    let checkpoint = Checkpoint {
        store: 7,
        position: 4096,
        segment: 3,
        sequence: 99,
        seal: 2,
        largest: [1 << 100; ID_KINDS],
        observer: Some(vec![1, 2, 3]),
    };
    let mut commit = Vec::new();
    put_commit(&mut commit, 2, Urgency::Outcome);
    let mut lines = vec![
        ("segment head".to_owned(), head.encode().to_vec()),
        ("group head".to_owned(), group.encode(11).to_vec()),
        ("commit head".to_owned(), commit),
        ("checkpoint".to_owned(), checkpoint.encode()),
    ];
    lines.extend(rows().iter().map(|(name, row)| (format!("record: {name}"), record(row))));
    lines
}

#[test]
fn version_1_is_what_it_was() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/v1.txt");
    let text: String = lines().iter().map(|(name, bytes)| format!("{name} = {}\n", hex(bytes))).collect();
    if std::env::var_os("TOLLGATE_BLESS").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let pinned = std::fs::read_to_string(&path).unwrap();
    for (pinned, now) in pinned.lines().zip(text.lines()) {
        assert_eq!(pinned, now, "the encoding has changed: see the head of this file");
    }
    assert_eq!(pinned.lines().count(), text.lines().count());
}

#[test]
fn pinned_records_are_read() {
    let pinned = include_str!("v1.txt");
    let records = pinned.lines().filter_map(|line| line.strip_prefix("record: "));
    let mut read = 0;
    for (line, (name, row)) in records.zip(rows()) {
        let (pinned_name, bytes) = line.split_once(" = ").unwrap();
        assert_eq!(pinned_name, name);
        let (record, len) = take_record(&unhex(bytes)).unwrap();
        assert_eq!((record.row, record.version, record.back), (row, Version(300), 70_000));
        assert_eq!(len, bytes.len() / 2);
        read += 1;
    }
    assert_eq!(read, rows().len());
}

#[test]
fn a_row_is_written_as_postcard_writes_it() {
    for (name, row) in rows() {
        let postcard = postcard::to_stdvec(&row).unwrap();
        assert!(record(&row).ends_with(&postcard), "{name}");
    }
}
