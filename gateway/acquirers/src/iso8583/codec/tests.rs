//! The codec against tables, against itself (round trips), and against arbitrary and mutated bytes.

use super::*;
use proptest::prelude::*;

const HEX_DIALECT: &str = r#"
name = "hex"
header = "ascii-4"
bitmap = "hex"
[messages]
0800 = [11, 70]
[fields]
11 = { format = "n 6", name = "trace" }
70 = { format = "n 3", name = "code" }
"#;

/// An authorization as the gateway would send it.
fn authorization() -> Builder<'static> {
    let mut message = Builder::new(Profile::tollgate_1987(), Mti::AUTHORIZATION);
    let fields: [(u8, &[u8]); 18] = [
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
    ];
    for (field, value) in fields {
        message.set(field, value).expect("a valid value");
    }
    message
}

fn encoded(message: &Builder<'_>) -> Vec<u8> {
    let mut out = Vec::new();
    message.encode(&mut out).expect("a whole message");
    out
}

#[test]
fn an_authorization_has_the_bytes_of_the_standard() {
    let bytes = encoded(&authorization());
    let bitmap = [0x72, 0x3C, 0x44, 0x81, 0x08, 0xE1, 0x80, 0x00];
    let expected = [
        b"0100".as_slice(),
        &bitmap,
        b"164242424242424242000000000000001999112109300000012309300011212912573481059",
        b"06123456632509000123TG000001MERCHANT0000001Tollgate Books           Bern         CH0079203737756",
    ]
    .concat();
    assert_eq!(bytes[..2], u16::try_from(expected.len()).expect("short").to_be_bytes());
    assert_eq!(bytes[2..], expected);
}

#[test]
fn what_was_built_is_read_back() {
    let built = authorization();
    let bytes = encoded(&built);
    let read = Message::parse(Profile::tollgate_1987(), &bytes[2..]).expect("our own message");
    assert_eq!(read.mti(), Mti::AUTHORIZATION);
    assert_eq!(read.fields().iter().count(), 18);
    for field in read.fields().iter() {
        assert_eq!(read.field(field), built.field(field), "field {field}");
    }
    assert_eq!(
        (read.number(4), read.text(43)),
        (Some(1_999), Some("Tollgate Books           Bern         CH"))
    );
    assert_eq!((read.number(38), read.text(39)), (None, None));
}

#[test]
fn numbers_and_texts_are_filled() {
    let mut message = Builder::new(Profile::tollgate_1987(), Mti::NETWORK);
    message.number(4, 5).expect("fits").number(11, 999_999).expect("fits").text(41, "T1").expect("fits");
    message.number(32, 42).expect("variable").text(38, "A1").expect("fits").number(73, 0).expect("fits");
    assert_eq!(message.field(4), Some(&b"000000000005"[..]));
    assert_eq!(message.field(11), Some(&b"999999"[..]));
    assert_eq!(message.field(41), Some(&b"T1      "[..]));
    assert_eq!(message.field(38), Some(&b"A1    "[..]));
    assert_eq!(message.field(32), Some(&b"42"[..]));
    assert_eq!(message.field(73), Some(&b"000000"[..]));
    let error = message.number(11, 1_000_000).expect_err("seven digits");
    assert_eq!(error.to_string(), "field 11: expected 6 bytes, found 7");
}

#[test]
fn setting_a_field_again_replaces_it() {
    let mut message = authorization();
    message.number(4, 7).expect("fits");
    let bytes = encoded(&message);
    let read = Message::parse(Profile::tollgate_1987(), &bytes[2..]).expect("whole");
    assert_eq!(read.number(4), Some(7));
}

#[test]
fn a_bad_value_is_refused_with_its_field() {
    let cases: [(u8, &[u8], Problem); 8] = [
        (4, b"12", Problem::WrongLength { expected: 12, found: 2 }),
        (4, b"00000000000x", Problem::Alphabet { at: 11 }),
        (2, b"42424242424242424242", Problem::TooLong { most: 19, found: 20 }),
        (38, b"12-456", Problem::Alphabet { at: 2 }),
        (43, &[b'\n'; 40], Problem::Alphabet { at: 0 }),
        (1, b"12345678", Problem::NotInProfile),
        (65, b"12345678", Problem::NotInProfile),
        (200, b"1", Problem::NotInProfile),
    ];
    for (field, value, problem) in cases {
        let error = authorization().set(field, value).expect_err("refused");
        assert_eq!((error.place(), error.problem()), (Place::Field(field), &problem));
    }
}

#[test]
fn a_message_without_a_required_field_is_neither_written_nor_read() {
    let mut message = Builder::new(Profile::tollgate_1987(), Mti::NETWORK);
    message.set(7, b"1121093000").expect("valid").set(11, b"000001").expect("valid");
    let mut out = vec![7];
    let error = message.encode(&mut out).expect_err("no field 70");
    assert_eq!((error.place(), error.problem()), (Place::Field(70), &Problem::Missing));
    assert_eq!(out, [7]);

    let bytes = [b"0810", &[0x02, 0x20, 0, 0, 0, 0, 0, 0][..], b"1121093000000001"].concat();
    let error = Message::parse(Profile::tollgate_1987(), &bytes).expect_err("no field 39");
    assert_eq!((error.place(), error.problem()), (Place::Field(39), &Problem::Missing));
}

#[test]
fn a_damaged_message_is_refused_with_the_place() {
    let whole = encoded(&authorization())[2..].to_vec();
    let damaged = |at: usize, byte: u8| {
        let mut copy = whole.clone();
        copy[at] = byte;
        copy
    };
    let cases = [
        (Vec::new(), "message type: expected 4 bytes, 0 are left"),
        (b"0100abc".to_vec(), "primary bitmap: expected 8 bytes, 3 are left"),
        (damaged(1, b'3'), "message type: the profile has no message of this type"),
        (damaged(2, b'x'), "message type: the byte at position 2 is outside the field's alphabet"),
        (damaged(12, b'x'), "field 2: expected a length prefix of digits"),
        (damaged(12, b'9'), "field 2: expected at most 19 bytes, found 96"),
        (damaged(20, b' '), "field 2: the byte at position 6 is outside the field's alphabet"),
        (whole[..whole.len() - 1].to_vec(), "field 49: expected 3 bytes, 2 are left"),
        ([&whole[..], b"!!"].concat(), "end of the message: 2 bytes are left over after the last field"),
        (damaged(4, 0xF2), "field 2: expected at most 19 bytes, found 42"),
    ];
    for (bytes, message) in cases {
        let error = Message::parse(Profile::tollgate_1987(), &bytes).expect_err(message);
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn a_debug_line_shows_neither_card_nor_expiry_nor_private_data() {
    let built = authorization();
    let bytes = encoded(&built);
    let read = Message::parse(Profile::tollgate_1987(), &bytes[2..]).expect("whole");
    for line in [format!("{built:?}"), format!("{read:?}")] {
        for secret in ["424242", "2912", "9203737", "737"] {
            assert!(!line.contains(secret), "{secret} in {line}");
        }
        assert!(line.contains("2=<16 bytes>") && line.contains("11=\"000123\""), "{line}");
    }
}

#[test]
fn another_dialect_is_another_file() {
    let profile = Profile::from_toml(HEX_DIALECT).expect("a valid profile");
    let mut message = Builder::new(&profile, Mti::NETWORK);
    message.number(11, 7).expect("fits").number(70, 301).expect("fits");
    let bytes = encoded(&message);
    assert_eq!(bytes, b"0045080080200000000000000400000000000000000007301");
    let mut stream = bytes::BytesMut::from(&bytes[..]);
    let frame = next_frame(&profile, &mut stream).expect("good").expect("whole");
    let read = Message::parse(&profile, &frame).expect("our own message");
    assert_eq!((read.number(11), read.number(70)), (Some(7), Some(301)));
    assert!(next_frame(&profile, &mut bytes::BytesMut::from(&b"00x5"[..])).is_err());
}

#[test]
fn a_bad_profile_says_what_to_write() {
    let cases = [
        ("11 = { format = \"n 6\"", "11 = { format = \"q 6\"", "no format"),
        ("11 = { format", "1 = { format", "from 2 to 128"),
        ("11 = { format", "129 = { format", "from 2 to 128"),
        ("0800 =", "08 =", "four digits"),
        ("[11, 70]", "[11, 71]", "field 71 is required but not defined"),
        ("name = \"hex\"", "nom = \"hex\"", "nom"),
        ("\"ascii-4\"", "\"ascii-5\"", "ascii-5"),
    ];
    for (from, to, part) in cases {
        let error = Profile::from_toml(&HEX_DIALECT.replacen(from, to, 1)).expect_err(part);
        assert!(error.to_string().contains(part), "{error}");
    }
}

#[test]
fn the_built_in_profile_holds_the_whole_1987_table() {
    let profile = Profile::tollgate_1987();
    let defined: Vec<u8> = (1..=128).filter(|field| profile.format(*field).is_some()).collect();
    let all: Vec<u8> = (2..=128).filter(|field| *field != 65).collect();
    assert_eq!(defined, all);
    let checked =
        [(2, "n..19"), (4, "n 12"), (43, "ans 40"), (48, "ans...999"), (54, "ans...120"), (90, "n 42")];
    for (field, format) in checked {
        assert_eq!(profile.format(field).expect("defined").to_string(), format);
    }
}

/// A value that fits a field.
fn fitting(format: Format) -> BoxedStrategy<Vec<u8>> {
    let bytes: &'static [u8] = match format.alphabet {
        Alphabet::A => b"ABCXYZabc",
        Alphabet::N | Alphabet::Xn => b"0123456789",
        Alphabet::An => b"ABCxyz0189",
        Alphabet::Ns => b"0189-/ .",
        Alphabet::Ans | Alphabet::B => b"AZaz09 -/.~!",
        Alphabet::Z => b"0123456789=",
    };
    let range = match format.length {
        Length::Fixed(width) => usize::from(width)..=usize::from(width),
        Length::Ll(most) | Length::Lll(most) => 0..=usize::from(most),
    };
    let signed = format.alphabet == Alphabet::Xn;
    prop::collection::vec(prop::sample::select(bytes), range)
        .prop_map(move |mut value| {
            if signed {
                value[0] = b'C';
            }
            value
        })
        .boxed()
}

/// Any valid message: what its type requires, and any other fields.
fn any_message() -> impl Strategy<Value = (Mti, Vec<(u8, Vec<u8>)>)> {
    let profile = Profile::tollgate_1987();
    let types = [Mti::AUTHORIZATION, Mti::FINANCIAL_ANSWER, Mti::ADVICE_REPEAT, Mti::REVERSAL, Mti::NETWORK];
    (prop::sample::select(types.to_vec()), prop::collection::vec(2..=128u8, 0..12)).prop_flat_map(
        move |(mti, more)| {
            let mut set = profile.required(mti).expect("in the profile");
            for field in more.into_iter().filter(|field| *field != 65) {
                set = set.with(field);
            }
            let fields: Vec<_> = set
                .iter()
                .map(|field| (Just(field), fitting(profile.format(field).expect("defined"))))
                .collect();
            (Just(mti), fields)
        },
    )
}

fn build(mti: Mti, fields: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let mut message = Builder::new(Profile::tollgate_1987(), mti);
    for (field, value) in fields.iter().rev() {
        message.set(*field, value).expect("a fitting value");
    }
    encoded(&message)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn any_message_comes_back((mti, fields) in any_message()) {
        let bytes = build(mti, &fields);
        let read = Message::parse(Profile::tollgate_1987(), &bytes[2..]).expect("our own message");
        prop_assert_eq!(read.mti(), mti);
        let back: Vec<_> = read.fields().iter().map(|f| (f, read.field(f).expect("present").to_vec())).collect();
        prop_assert_eq!(back, fields);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..600), known in any::<bool>()) {
        let mut bytes = bytes;
        if known && bytes.len() >= 4 {
            bytes[..4].copy_from_slice(b"0800");
        }
        if let Ok(read) = Message::parse(Profile::tollgate_1987(), &bytes) {
            for field in 0..=255u8 {
                let _ = (read.field(field), read.text(field), read.number(field));
            }
        }
        let mut stream = bytes::BytesMut::from(&bytes[..]);
        while let Ok(Some(_)) = next_frame(Profile::tollgate_1987(), &mut stream) {}
    }

    /// A mutated message is refused, or is again a whole message that encodes to the very bytes that were read.
    #[test]
    fn a_mutated_message_is_refused_or_whole(
        (mti, fields) in any_message(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
    ) {
        let mut bytes = build(mti, &fields)[2..].to_vec();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(read) = Message::parse(Profile::tollgate_1987(), &bytes) {
            let again: Vec<_> = read.fields().iter().map(|f| (f, read.field(f).expect("present").to_vec())).collect();
            let empty_second = bytes[4] & 0x80 != 0 && again.iter().all(|(field, _)| *field <= 64);
            if !empty_second {
                prop_assert_eq!(&build(read.mti(), &again)[2..], &bytes[..]);
            }
        }
    }
}
