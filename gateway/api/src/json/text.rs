//! Text in quotes: copied as it stands unless something in it has to be escaped, which is rare and seen quickly.

/// Writes a text as a JSON string, with the escapes of `serde_json`.
pub fn write_text(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    out.reserve(bytes.len() + 2);
    out.push(b'"');
    if is_clean(bytes) {
        out.extend_from_slice(bytes);
    } else {
        escape(out, bytes);
    }
    out.push(b'"');
}

/// Whether a byte can't stand in a string as it is.
#[inline(always)]
const fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// Whether nothing has to be escaped. The last step looks at bytes twice rather than at each of the last ones alone.
fn is_clean(bytes: &[u8]) -> bool {
    let Some(last) = bytes.last_chunk::<16>() else { return is_clean_short(bytes) };
    let (wholes, _) = bytes.as_chunks::<16>();
    wholes.iter().chain([last]).all(|chunk| {
        // Without a way out in the middle, so that all sixteen are compared at once.
        !chunk.iter().fold(false, |found, &byte| found | (byte < 0x20) | (byte == b'"') | (byte == b'\\'))
    })
}

/// The same for less than sixteen bytes.
fn is_clean_short(bytes: &[u8]) -> bool {
    match (bytes.first_chunk(), bytes.last_chunk()) {
        (Some(first), Some(last)) => {
            specials(u64::from_le_bytes(*first)) | specials(u64::from_le_bytes(*last)) == 0
        }
        _less_than_eight => !bytes.iter().any(|&byte| is_special(byte)),
    }
}

/// The highest bits of those of eight bytes that have to be escaped, and perhaps of those above them; zero if there is none.
const fn specials(eight: u64) -> u64 {
    const ONES: u64 = u64::from_le_bytes([1; 8]);
    const HIGHS: u64 = u64::from_le_bytes([0x80; 8]);
    const fn zeros(word: u64) -> u64 {
        word.wrapping_sub(ONES) & !word & HIGHS
    }
    let control = eight.wrapping_sub(ONES * 0x20) & !eight & HIGHS;
    control | zeros(eight ^ (ONES * b'"' as u64)) | zeros(eight ^ (ONES * b'\\' as u64))
}

#[cold]
fn escape(out: &mut Vec<u8>, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for &byte in bytes {
        let letter = match byte {
            b'"' | b'\\' => byte,
            0x08 => b'b',
            b'\t' => b't',
            b'\n' => b'n',
            0x0c => b'f',
            b'\r' => b'r',
            0..0x20 => {
                out.extend_from_slice(b"\\u00");
                out.extend([DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
                continue;
            }
            plain => {
                out.push(plain);
                continue;
            }
        };
        out.extend([b'\\', letter]);
    }
}
