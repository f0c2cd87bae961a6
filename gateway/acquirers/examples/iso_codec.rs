//! Measures the ISO 8583 codec, or throws mutated messages at it:
//! `cargo run --release -p gateway-acquirers --example iso_codec -- bench` and `-- fuzz 10000000 [SEED]`.

use gateway_acquirers::iso8583::codec::{Builder, CodecError, Message, Mti, Profile, next_frame};
use std::hint::black_box;
use std::process::ExitCode;
use std::time::Instant;

const ROUNDS: u32 = 1_000_000;

fn authorization(profile: &Profile) -> Result<Builder<'_>, CodecError> {
    let mut message = Builder::new(profile, Mti::AUTHORIZATION);
    message.set(2, b"4242424242424242")?.set(3, b"000000")?.number(4, 1_999)?.set(7, b"1121093000")?;
    message.number(11, 123)?.set(12, b"093000")?.set(13, b"1121")?.set(14, b"2912")?.set(18, b"5734")?;
    message.set(22, b"810")?.set(25, b"59")?.set(32, b"123456")?.set(37, b"632509000123")?;
    message.set(41, b"TG000001")?.set(42, b"MERCHANT0000001")?;
    message.text(43, "Tollgate Books           Bern         CH")?.set(48, b"9203737")?.set(49, b"756")?;
    Ok(message)
}

fn encoded(profile: &Profile) -> Result<Vec<u8>, CodecError> {
    let mut out = Vec::new();
    authorization(profile)?.encode(&mut out)?;
    Ok(out)
}

/// The median of nine timings of `ROUNDS` calls, in nanoseconds a call.
fn nanoseconds(mut once: impl FnMut()) -> u128 {
    let mut timings: Vec<u128> = (0..9)
        .map(|_| {
            let start = Instant::now();
            (0..ROUNDS).for_each(|_| once());
            start.elapsed().as_nanos() / u128::from(ROUNDS)
        })
        .collect();
    timings.sort_unstable();
    timings[timings.len() / 2]
}

fn bench(profile: &Profile) -> Result<(), CodecError> {
    let bytes = encoded(profile)?;
    println!("an 0100 of {} bytes and 18 fields", bytes.len());
    let parse = nanoseconds(|| {
        black_box(Message::parse(profile, black_box(&bytes[2..])).expect("it was encoded here"));
    });
    let mut out = Vec::with_capacity(512);
    let build = nanoseconds(|| {
        out.clear();
        let message = authorization(black_box(profile)).expect("the fields are valid");
        message.encode(&mut out).expect("nothing is missing");
        black_box(&out);
    });
    println!("parse {parse} ns, build {build} ns");
    Ok(())
}

/// A small generator of its own, so that a seed names one run everywhere.
struct Mutator(u64);

impl Mutator {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap_or(usize::MAX) % bound.max(1)
    }

    fn mutate(&mut self, bytes: &mut Vec<u8>) {
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len());
            let byte = u8::try_from(self.below(256)).expect("below 256");
            match self.below(6) {
                0 => bytes.truncate(at),
                1 => bytes.insert(at, byte),
                2 => bytes.extend_from_within(at..),
                3 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                _ if at < bytes.len() => bytes[at] = byte,
                _ => bytes.push(byte),
            }
        }
    }
}

fn fuzz(profile: &Profile, rounds: u64, seed: u64) -> Result<(), CodecError> {
    let whole = encoded(profile)?;
    let mut mutator = Mutator(seed | 1);
    let (mut accepted, mut refused, mut frames) = (0u64, 0u64, 0u64);
    for _ in 0..rounds {
        let mut bytes = whole.clone();
        mutator.mutate(&mut bytes);
        match Message::parse(profile, bytes.get(2..).unwrap_or_default()) {
            Ok(message) => {
                accepted += 1;
                black_box(message.fields().iter().filter_map(|field| message.number(field)).count());
            }
            Err(error) => {
                refused += 1;
                black_box(error.place());
            }
        }
        let mut stream = bytes::BytesMut::from(&bytes[..]);
        while let Ok(Some(frame)) = next_frame(profile, &mut stream) {
            frames += 1;
            black_box(Message::parse(profile, &frame).is_ok());
        }
    }
    println!(
        "{rounds} mutated messages, seed {seed}: {accepted} accepted, {refused} refused, {frames} frames cut"
    );
    Ok(())
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let number =
        |at: usize, otherwise: u64| words.get(at).and_then(|word| word.parse().ok()).unwrap_or(otherwise);
    let done = match words.first().map(String::as_str) {
        Some("bench") => bench(Profile::tollgate_1987()),
        Some("fuzz") => fuzz(Profile::tollgate_1987(), number(1, 1_000_000), number(2, 1)),
        _ => {
            eprintln!("usage: iso_codec bench | fuzz ROUNDS [SEED]");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
