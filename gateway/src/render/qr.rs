//! Codes to be scanned, as pictures: a vector drawing, and dots in a file that everything can show.
//!
//! The file of dots is written here, for it is small: one bit a dot, packed by no compression, since a code has nothing to gain from any
//! that is simple.

use qrcode::{Color, EcLevel, QrCode};

/// White around a code, in dots, without which it is not found.
const MARGIN: usize = 4;
/// Pixels a dot at most, so that nobody asks for a poster.
const MAX_SCALE: usize = 16;

/// The dots of a code, with the margin.
struct Dots {
    dark: Vec<bool>,
    /// Dots a side.
    side: usize,
}

/// Draws a text. `None`: it is too long for a code.
fn dots(text: &str) -> Option<Dots> {
    let code = QrCode::with_error_correction_level(text.as_bytes(), EcLevel::M).ok()?;
    let (width, colors) = (code.width(), code.to_colors());
    let side = width + 2 * MARGIN;
    let mut dark = vec![false; side * side];
    for (place, color) in colors.into_iter().enumerate() {
        let (row, column) = (place / width + MARGIN, place % width + MARGIN);
        dark[row * side + column] = color == Color::Dark;
    }
    Some(Dots { dark, side })
}

/// The code of a text as SVG. `None`: the text is too long for a code.
pub fn svg(text: &str) -> Option<String> {
    use std::fmt::Write;
    let Dots { dark, side } = dots(text)?;
    let mut path = String::new();
    for (row, line) in dark.chunks(side).enumerate() {
        let mut column = 0;
        while column < side {
            let run = line[column..].iter().take_while(|dark| **dark).count();
            if run > 0 {
                write!(path, "M{column} {row}h{run}v1h-{run}z").expect("text takes any text");
            }
            column += run.max(1);
        }
    }
    Some(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" shape-rendering=\"crispEdges\">\
         <path fill=\"#fff\" d=\"M0 0h{side}v{side}H0z\"/><path d=\"{path}\"/></svg>"
    ))
}

/// The code of a text as PNG, with so many pixels a dot. `None`: the text is too long for a code.
pub fn png(text: &str, scale: usize) -> Option<Vec<u8>> {
    let Dots { dark, side } = dots(text)?;
    let scale = scale.clamp(1, MAX_SCALE);
    let mut rows = Vec::new();
    for line in dark.chunks(side) {
        let mut row = vec![0u8];
        let pixels: Vec<bool> = line.iter().flat_map(|dark| std::iter::repeat_n(!dark, scale)).collect();
        row.extend(pixels.chunks(8).map(packed));
        for _again in 0..scale {
            rows.extend_from_slice(&row);
        }
    }
    let pixels = u32::try_from(side * scale).ok()?;
    let mut header = Vec::from(pixels.to_be_bytes());
    header.extend_from_slice(&pixels.to_be_bytes());
    // One bit a pixel, grey, no interlacing.
    header.extend_from_slice(&[1, 0, 0, 0, 0]);
    let mut out = vec![0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n'];
    chunk(&mut out, *b"IHDR", &header);
    chunk(&mut out, *b"IDAT", &stored(&rows));
    chunk(&mut out, *b"IEND", &[]);
    Some(out)
}

fn packed(bits: &[bool]) -> u8 {
    bits.iter().enumerate().fold(0, |byte, (place, bit)| byte | (u8::from(*bit) << (7 - place)))
}

fn chunk(out: &mut Vec<u8>, kind: [u8; 4], body: &[u8]) {
    let length = u32::try_from(body.len()).expect("a code's picture is far below four gigabytes");
    out.extend_from_slice(&length.to_be_bytes());
    let from = out.len();
    out.extend_from_slice(&kind);
    out.extend_from_slice(body);
    let sum = crc(&out[from..]);
    out.extend_from_slice(&sum.to_be_bytes());
}

/// A zlib stream of blocks that are stored as they are.
fn stored(bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![0x78, 0x01];
    let mut blocks = bytes.chunks(usize::from(u16::MAX)).peekable();
    while let Some(block) = blocks.next() {
        let length = u16::try_from(block.len()).expect("a block is no longer than that");
        out.push(u8::from(blocks.peek().is_none()));
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&(!length).to_le_bytes());
        out.extend_from_slice(block);
    }
    let (low, high) = bytes.iter().fold((1u32, 0u32), |(low, high), byte| {
        let low = (low + u32::from(*byte)) % 65_521;
        (low, (high + low) % 65_521)
    });
    out.extend_from_slice(&((high << 16) | low).to_be_bytes());
    out
}

/// The checksum of PNG's chunks (CRC-32).
fn crc(bytes: &[u8]) -> u32 {
    let step = |sum: u32, byte: &u8| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _bit| (sum >> 1) ^ (0xEDB8_8320 & (sum & 1).wrapping_neg()))
    };
    !bytes.iter().fold(u32::MAX, step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_the_standard() {
        assert_eq!(crc(b"123456789"), 0xCBF4_3926);
        assert_eq!(stored(b"Wikipedia")[2 + 5 + 9..], 0x11E6_0398u32.to_be_bytes());
    }

    #[test]
    fn a_picture_has_the_dots_of_its_code() {
        let text = "https://pay.example/q/000000000042";
        let dots = dots(text).unwrap();
        let side = dots.side;
        // The finders stand in three corners, behind the margin.
        for (row, column) in [(4, 4), (4, side - 11), (side - 11, 4)] {
            assert!((0..7).all(|step| dots.dark[row * side + column + step]), "{row} {column}");
        }
        assert!(dots.dark[..4 * side].iter().all(|dark| !dark));
        let picture = png(text, 2).unwrap();
        assert_eq!(&picture[1..4], b"PNG");
        assert_eq!(u32::from_be_bytes(picture[16..20].try_into().unwrap()) as usize, side * 2);
        // The rows are stored as they are: nine bytes of signature, header and block before them.
        let rows = &picture[8 + 25 + 8 + 7..];
        let width = 1 + (side * 2).div_ceil(8);
        for (place, dark) in dots.dark.iter().enumerate() {
            let (row, column) = (place / side * 2, place % side * 2);
            let bit = rows[row * width + 1 + column / 8] >> (7 - column % 8) & 1;
            assert_eq!(bit == 0, *dark, "{row} {column}");
        }
        assert!(svg(text).unwrap().contains("M4 4h7v1h-7z"));
    }

    #[test]
    fn what_is_too_long_has_no_code() {
        let long = "x".repeat(4_000);
        assert_eq!((png(&long, 1), svg(&long)), (None, None));
    }
}
