//! Cutting a byte stream into messages by their length headers.

use super::error::{CodecError, Place, Problem};
use super::profile::{Header, Profile};
use bytes::{Buf, Bytes, BytesMut};

/// Takes the next whole message, without its header, off the front of `buffer`; nothing while it is not all there.
///
/// # Errors
/// A header that is no number, or announces no room for a message type. The stream can't be read on after that: nobody
/// knows where the next message begins.
pub fn next_frame(profile: &Profile, buffer: &mut BytesMut) -> Result<Option<Bytes>, CodecError> {
    let (header, length) = match (profile.header(), &buffer[..]) {
        (Header::Binary2, [high, low, ..]) => (2, usize::from(u16::from_be_bytes([*high, *low]))),
        (Header::Ascii4, [a, b, c, d, ..]) => (4, digits([*a, *b, *c, *d])?),
        (Header::Binary2 | Header::Ascii4, _) => return Ok(None),
    };
    if length < 4 {
        return Err(CodecError::new(Place::Header, Problem::WrongLength { expected: 4, found: length }));
    }
    if buffer.len() < header + length {
        buffer.reserve(header + length - buffer.len());
        return Ok(None);
    }
    buffer.advance(header);
    Ok(Some(buffer.split_to(length).freeze()))
}

fn digits(header: [u8; 4]) -> Result<usize, CodecError> {
    header.iter().try_fold(0usize, |sum, digit| match digit {
        b'0'..=b'9' => Ok(sum * 10 + usize::from(digit - b'0')),
        _ => Err(CodecError::new(Place::Header, Problem::LengthNotDigits)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_out_whole_and_in_order() {
        let profile = Profile::tollgate_1987();
        let stream = [&[0, 5][..], b"0800x", &[0, 4], b"0810"].concat();
        let mut buffer = BytesMut::new();
        let mut frames = Vec::new();
        for byte in stream {
            buffer.extend_from_slice(&[byte]);
            frames.extend(next_frame(profile, &mut buffer).expect("good headers"));
        }
        assert_eq!(frames, [&b"0800x"[..], b"0810"]);
        assert!(buffer.is_empty());
    }

    #[test]
    fn a_length_with_no_room_for_a_type_ends_the_stream() {
        let profile = Profile::tollgate_1987();
        for length in 0..4u8 {
            let mut buffer = BytesMut::from(&[0, length, 1, 2, 3][..]);
            let error = next_frame(profile, &mut buffer).expect_err("too short for a type");
            assert_eq!(error.place(), Place::Header);
        }
    }
}
