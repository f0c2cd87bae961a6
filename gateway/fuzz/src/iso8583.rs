//! What a card network's host sends: a stream cut into messages the same way however it arrives, and messages that are refused
//! or come back the same when they are written again.

use bytes::{Bytes, BytesMut};
use gateway_acquirers::iso8583::codec::elements::{OriginalElements, TAG_CVC, TAG_CVC_RESULT, push_tag, tag};
use gateway_acquirers::iso8583::codec::{Builder, Message, Mti, Profile, next_frame};
use std::sync::LazyLock;

/// A second dialect, of hexadecimal bitmaps and decimal lengths, and with every kind of field.
pub const HEX_DIALECT: &str = r#"
name = "hex"
header = "ascii-4"
bitmap = "hex"
[messages]
0100 = [4]
0110 = [39]
0800 = [11, 70]
[fields]
2 = { format = "n..19", name = "card number" }
4 = { format = "n 12", name = "amount" }
11 = { format = "n 6", name = "trace" }
28 = { format = "x+n 8", name = "fee" }
39 = { format = "an 2", name = "response" }
41 = { format = "ans 8", name = "terminal" }
44 = { format = "ans..25", name = "more" }
52 = { format = "b 64", name = "pin" }
60 = { format = "an...999", name = "private" }
70 = { format = "n 3", name = "code" }
128 = { format = "b 64", name = "mac" }
"#;

static HEX: LazyLock<Profile> =
    LazyLock::new(|| Profile::from_toml(HEX_DIALECT).expect("the dialect above is a profile"));

/// The first byte chooses the dialect and the pieces in which the stream comes; the others are the stream, and one message.
pub fn iso8583(data: &[u8]) -> bool {
    let Some((choice, bytes)) = data.split_first() else { return false };
    let profile = if choice % 2 == 0 { Profile::tollgate_1987() } else { &HEX };
    elements(bytes);
    let whole = cut(profile, &[bytes]);
    let pieces: Vec<&[u8]> = bytes.chunks(1 + usize::from(choice / 2) % 9).collect();
    assert_eq!(cut(profile, &pieces), whole, "the stream is cut otherwise when it comes in pieces");
    let framed = whole.0.iter().filter(|frame| message(profile, frame)).count();
    message(profile, bytes) || framed > 0
}

/// The messages of a stream, and whether it went out of step after them.
fn cut(profile: &Profile, pieces: &[&[u8]]) -> (Vec<Bytes>, bool) {
    let mut buffer = BytesMut::new();
    let mut frames = Vec::new();
    for piece in pieces {
        buffer.extend_from_slice(piece);
        loop {
            match next_frame(profile, &mut buffer) {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(_out_of_step) => return (frames, true),
            }
        }
    }
    (frames, false)
}

fn message(profile: &Profile, bytes: &[u8]) -> bool {
    let Ok(read) = Message::parse(profile, bytes) else { return false };
    let mut again = Builder::new(profile, read.mti());
    for field in read.fields().iter() {
        let value = read.field(field).expect("it is among the fields");
        again.set(field, value).expect("what was read fits its field");
        if let Some(number) = read.number(field) {
            assert_eq!(value.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0')), number);
        }
        assert!(read.text(field).is_none_or(|text| text.len() <= value.len()));
    }
    let mut encoded = Vec::new();
    if again.encode(&mut encoded).is_ok() {
        let (frames, out_of_step) = cut(profile, &[&encoded]);
        assert!(frames.len() == 1 && !out_of_step, "a message of our own is one frame");
        let back = Message::parse(profile, &frames[0]).expect("a message of our own can be read");
        assert_eq!((back.mti(), back.fields()), (read.mti(), read.fields()));
        for field in read.fields().iter() {
            assert_eq!(back.field(field), read.field(field), "field {field}");
        }
    }
    let shown = format!("{read:?}");
    assert!(!read.fields().has(2) || shown.contains(" 2=<"), "{shown}");
    let mti = read.mti();
    assert_eq!(mti.answer().is_some(), mti.asks());
    assert_eq!(Mti::parse(mti.as_bytes()), Ok(mti));
    true
}

/// Fields 48 and 90, from the same bytes.
fn elements(bytes: &[u8]) {
    for wanted in [TAG_CVC, TAG_CVC_RESULT] {
        if let Ok(Some(value)) = tag(bytes, wanted) {
            let mut field = Vec::new();
            push_tag(&mut field, wanted, value).expect("it was counted by two digits");
            assert_eq!(tag(&field, wanted), Ok(Some(value)));
        }
    }
    if let Ok(original) = OriginalElements::parse(bytes) {
        assert_eq!(original.to_field(), *bytes);
    }
}
