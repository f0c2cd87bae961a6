//! Lower-case hexadecimal, for signatures and key files.

/// Two lower-case digits a byte.
pub fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    encode_onto(&mut text, bytes);
    text
}

/// Appends two lower-case digits a byte.
pub fn encode_onto(text: &mut String, bytes: &[u8]) {
    for some in bytes.chunks(32) {
        let mut digits = [0; 64];
        text.push_str(written(some, &mut digits));
    }
}

/// The digits of up to 32 bytes, in room that is given.
///
/// # Panics
/// With more bytes than there is room for.
pub fn written<'r>(bytes: &[u8], room: &'r mut [u8; 64]) -> &'r str {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let room = &mut room[..bytes.len() * 2];
    for (byte, pair) in bytes.iter().zip(room.as_chunks_mut::<2>().0) {
        *pair = [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]];
    }
    std::str::from_utf8(room).expect("digits are ASCII")
}

/// Reads exactly `N` bytes from `2 * N` digits of either case; anything else is `None`.
pub fn decode<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != N * 2 {
        return None;
    }
    let mut out = [0; N];
    for (byte, pair) in out.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
    }
    Some(out)
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_goes_there_and_back() {
        let all: [u8; 256] = std::array::from_fn(|i| i as u8);
        let text = encode(&all);
        assert!(text.starts_with("000102") && text.ends_with("fdfeff"));
        assert_eq!(decode::<256>(&text), Some(all));
        assert_eq!(decode::<256>(&text.to_uppercase()), Some(all));
    }

    #[test]
    fn what_is_not_exactly_hexadecimal_is_refused() {
        for text in ["", "0", "000", "0g", "g0", "00 ", "+1", "é"] {
            assert_eq!(decode::<1>(text), None, "{text:?}");
        }
    }
}
