//! Exchanges ISO 8583 vectors with other implementations, as lines of JSON: `iso_vectors emit N SEED` writes N messages that
//! were built here, `iso_vectors read` reads messages that were built elsewhere and prints what it found in them.
//!
//! A line is `{"hex": "...", "mti": "0100", "fields": {"2": "4242..."}}`; the hex has the length header, and binary
//! fields are hexadecimal. Only made-up card numbers go through here.

use gateway_acquirers::iso8583::codec::{
    Alphabet, Builder, Format, Length, Message, Mti, Profile, next_frame,
};
use serde_json::{Map, Value, json};
use std::io::{BufRead, Write};
use std::process::ExitCode;

/// The types that the vectors take in turn; what each requires is always there.
const TYPES: [Mti; 15] = [
    Mti::AUTHORIZATION,
    Mti::AUTHORIZATION_ANSWER,
    Mti::FINANCIAL,
    Mti::FINANCIAL_ANSWER,
    Mti::ADVICE,
    Mti::ADVICE_REPEAT,
    Mti::ADVICE_ANSWER,
    Mti::REVERSAL,
    Mti::REVERSAL_REPEAT,
    Mti::REVERSAL_ANSWER,
    Mti::REVERSAL_ADVICE,
    Mti::REVERSAL_ADVICE_REPEAT,
    Mti::REVERSAL_ADVICE_ANSWER,
    Mti::NETWORK,
    Mti::NETWORK_ANSWER,
];

struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap_or(usize::MAX) % bound.max(1)
    }

    /// A value that fits; every fourth variable one is as short or as long as it may be.
    fn value(&mut self, format: Format) -> Vec<u8> {
        let alphabet: &[u8] = match format.alphabet {
            Alphabet::A => b"ABCDEFGHIJKLMNOPQRSTUVWXYZ",
            Alphabet::N | Alphabet::Xn => b"0123456789",
            Alphabet::An => b"ABCDEFXYZ0123456789",
            Alphabet::Ns => b"0123456789-/",
            Alphabet::Ans => b"ABCXYZabcxyz0123456789 -/.",
            Alphabet::B => b"\x00\x01\x7f\x80\xfe\xff",
            Alphabet::Z => b"0123456789=",
        };
        let length = match format.length {
            Length::Fixed(width) => usize::from(width),
            Length::Ll(most) | Length::Lll(most) => match self.below(8) {
                0 => 1,
                1 => usize::from(most),
                _ => 1 + self.below(usize::from(most)),
            },
        };
        let mut value: Vec<u8> = (0..length).map(|_| alphabet[self.below(alphabet.len())]).collect();
        if format.alphabet == Alphabet::Xn {
            value[0] = b"CD"[self.below(2)];
        }
        value
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2);
    pairs.map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()).collect()
}

fn shown(profile: &Profile, field: u8, value: &[u8]) -> String {
    match profile.format(field).map(|format| format.alphabet) {
        Some(Alphabet::B) | None => hex(value),
        Some(_) => String::from_utf8_lossy(value).into_owned(),
    }
}

fn emit(profile: &Profile, count: usize, seed: u64, out: &mut impl Write) -> Result<(), String> {
    let mut dice = Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    for round in 0..count {
        let mti = TYPES[round % TYPES.len()];
        let required = profile.required(mti).map_err(|error| error.to_string())?;
        // Each message carries a third of the table; the first one all of it.
        let chosen = |dice: &mut Dice| round == 0 || dice.below(3) == 0;
        let mut message = Builder::new(profile, mti);
        let mut fields = Map::new();
        for field in 2..=128u8 {
            let Some(format) = profile.format(field) else { continue };
            if required.has(field) || chosen(&mut dice) {
                let value = dice.value(format);
                message.set(field, &value).map_err(|error| error.to_string())?;
                fields.insert(field.to_string(), Value::String(shown(profile, field, &value)));
            }
        }
        let mut bytes = Vec::new();
        message.encode(&mut bytes).map_err(|error| error.to_string())?;
        let line = json!({ "hex": hex(&bytes), "mti": mti.to_string(), "fields": fields });
        writeln!(out, "{line}").map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn read_one(profile: &Profile, line: &str) -> Result<Value, String> {
    let line: Value = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let text = line.get("hex").and_then(Value::as_str).ok_or("a line needs a key hex")?;
    let bytes = unhex(text).ok_or("hex: odd length or not hexadecimal")?;
    let mut stream = bytes::BytesMut::from(&bytes[..]);
    let frame = next_frame(profile, &mut stream)
        .map_err(|error| error.to_string())?
        .ok_or("the frame is not whole")?;
    let message = Message::parse(profile, &frame).map_err(|error| error.to_string())?;
    let fields: Map<String, Value> = message
        .fields()
        .iter()
        .filter_map(|field| Some((field.to_string(), shown(profile, field, message.field(field)?).into())))
        .collect();
    Ok(json!({ "mti": message.mti().to_string(), "fields": fields }))
}

fn read(profile: &Profile, out: &mut impl Write) -> Result<(), String> {
    for line in std::io::stdin().lock().lines() {
        let line = line.map_err(|error| error.to_string())?;
        let found = read_one(profile, &line).unwrap_or_else(|error| json!({ "error": error }));
        writeln!(out, "{found}").map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let profile = Profile::tollgate_1987();
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    let number = |at: usize| words.get(at).and_then(|word| word.parse::<u64>().ok());
    let done = match (words.first().map(String::as_str), number(1), number(2)) {
        (Some("emit"), Some(count), Some(seed)) => {
            emit(profile, usize::try_from(count).unwrap_or(usize::MAX), seed, &mut out)
        }
        (Some("read"), _, _) => read(profile, &mut out),
        _ => Err("usage: iso_vectors emit N SEED | iso_vectors read".to_owned()),
    };
    match done.and_then(|()| out.flush().map_err(|error| error.to_string())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
