//! Where mutation begins, beside the committed corpora: what the formats' own writers make now, and the words of each format.

use super::targets::HEX_DIALECT;
use gateway_acquirers::iso8583::codec::{Builder, Mti, Profile};

/// The seeds that are made for a target, by name.
pub fn of(target: &str) -> Vec<(String, Vec<u8>)> {
    match target {
        "record" => stored(),
        "iso8583" => messages(),
        _written_by_hand => Vec::new(),
    }
}

/// Words that a target's reader knows.
pub fn words(target: &str) -> &'static [&'static [u8]] {
    match target {
        "form" => &[
            b"amount=",
            b"&currency=usd",
            b"&metadata[a]=",
            b"[card][number]=4242424242424242",
            b"[]=",
            b"[0]",
            b"%5B",
            b"%00",
            b"%F0%9F%92",
            b"&expand[]=latest_charge",
            b"&confirm=true",
            b"created[gte]=1",
            b"&",
            b"=",
            b"+",
        ],
        "json" => &[
            b"{",
            b"}",
            b"[",
            b"]",
            b":",
            b",",
            b"null",
            b"true",
            b"\"amount\":",
            b"\"card\":{\"number\":\"4242424242424242\"}",
            b"1e9",
            b"-1",
            b"18446744073709551616",
            b"0.5",
            b"\"\\u0000\"",
            b"\"\\ud800\"",
            b"\"a[b]\":1,",
            b"{\"a\":",
            b"[[",
        ],
        "record" => &[
            &[0xFF; 9],
            &[0x80; 9],
            &[0],
            &[1],
            &[2],
            &[0xFF, 0xFF, 0xFF, 0xFF, 0x0F],
            b"usd",
            b"4242",
            &[0; 16],
        ],
        _iso => &[
            b"0100",
            b"0110",
            b"0400",
            b"0800",
            b"\0\x04",
            b"0064",
            &[0xFF; 8],
            &[0; 8],
            b"9203123",
            b"999",
            b"99",
            b"C00000000",
        ],
    }
}

/// The structures whose bytes the store pins, behind the number by which the target knows them.
fn stored() -> Vec<(String, Vec<u8>)> {
    let pinned =
        include_str!("../../store/tests/golden/v1.txt").lines().filter_map(|line| line.split_once(" = "));
    let mut seeds = Vec::new();
    let mut commit: Vec<u8> = Vec::new();
    let mut records: Vec<Vec<u8>> = Vec::new();
    for (name, hex) in pinned {
        let bytes = unhex(hex);
        let what = match name {
            "segment head" => 2,
            "group head" => 3,
            "checkpoint" => 4,
            "commit head" => {
                commit = bytes;
                continue;
            }
            _record => {
                records.push(bytes.clone());
                0
            }
        };
        seeds.push((name.to_owned(), [vec![what], bytes].concat()));
    }
    // Its head counts two.
    for pair in records.chunks_exact(2) {
        let whole = [vec![1], commit.clone(), pair.concat()].concat();
        seeds.push((format!("commit {}", seeds.len()), whole));
    }
    seeds
}

fn unhex(text: &str) -> Vec<u8> {
    let digit =
        |place: usize| u8::from_str_radix(&text[place..place + 2], 16).expect("pinned as hexadecimal digits");
    (0..text.len()).step_by(2).map(digit).collect()
}

type Fields = &'static [(u8, &'static [u8])];

const MESSAGES: [(&str, Mti, Fields); 5] = [
    (
        "authorization",
        Mti::AUTHORIZATION,
        &[
            (2, b"4242424242424242"),
            (3, b"000000"),
            (4, b"000000001999"),
            (7, b"1121093000"),
            (11, b"000123"),
            (12, b"093000"),
            (13, b"1121"),
            (14, b"2912"),
            (18, b"5734"),
            (22, b"810"),
            (25, b"59"),
            (32, b"123456"),
            (37, b"632509000123"),
            (41, b"TG000001"),
            (42, b"MERCHANT0000001"),
            (43, b"Tollgate Books           Bern         CH"),
            (48, b"9203737"),
            (49, b"756"),
        ],
    ),
    (
        "answer",
        Mti::AUTHORIZATION_ANSWER,
        &[
            (4, b"000000001999"),
            (7, b"1121093000"),
            (11, b"000123"),
            (37, b"632509000123"),
            (38, b"A1B2C3"),
            (39, b"00"),
            (41, b"TG000001"),
            (42, b"MERCHANT0000001"),
            (48, b"8701M"),
        ],
    ),
    (
        "reversal",
        Mti::REVERSAL_ADVICE_REPEAT,
        &[
            (3, b"000000"),
            (4, b"000000001999"),
            (7, b"1121093000"),
            (11, b"000124"),
            (32, b"123456"),
            (37, b"632509000124"),
            (41, b"TG000001"),
            (42, b"MERCHANT0000001"),
            (49, b"756"),
            (90, b"010000012311210930000000012345600000000000"),
            (95, b"000000001250000000000000C00000000C00000000"),
        ],
    ),
    ("sign on", Mti::NETWORK, &[(7, b"1121093000"), (11, b"000001"), (70, b"001")]),
    ("signed on", Mti::NETWORK_ANSWER, &[(7, b"1121093000"), (11, b"000001"), (39, b"00"), (70, b"001")]),
];

const HEX_MESSAGES: [(&str, Mti, Fields); 2] = [
    ("hex network", Mti::NETWORK, &[(11, b"000001"), (70, b"301")]),
    (
        "hex authorization",
        Mti::AUTHORIZATION,
        &[
            (2, b"4242424242424242"),
            (4, b"000000000100"),
            (28, b"C00000000"),
            (44, b"more"),
            (52, &[0xFF; 8]),
            (60, b"x"),
            (128, &[1; 8]),
        ],
    ),
];

/// Messages of both dialects, as streams: one of each, and all of them behind one another in pieces.
fn messages() -> Vec<(String, Vec<u8>)> {
    let hex = Profile::from_toml(HEX_DIALECT).expect("the target's own dialect");
    let own = MESSAGES.iter().map(|message| (message, 0, Profile::tollgate_1987()));
    let all = own.chain(HEX_MESSAGES.iter().map(|message| (message, 1, &hex)));
    let mut seeds = Vec::new();
    let mut stream = vec![4];
    for ((name, mti, fields), choice, profile) in all {
        let mut message = Builder::new(profile, *mti);
        for (field, value) in *fields {
            message.set(*field, value).expect("a value of its field");
        }
        let mut bytes = vec![choice];
        message.encode(&mut bytes).expect("a whole message");
        if choice == 0 {
            stream.extend_from_slice(&bytes[1..]);
        }
        seeds.push(((*name).to_owned(), bytes));
    }
    seeds.push(("stream".to_owned(), stream));
    seeds
}
