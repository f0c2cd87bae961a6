//! A feature vector in few bytes, for records that keep every decision's features.

use super::catalog::{FeatureVector, MISSING, STREAMING_LEN};

/// Two bits a feature.
const CODE_BYTES: usize = STREAMING_LEN.div_ceil(4);

/// How a value is written.
const NO_DATA: u8 = 0;
const ZERO: u8 = 1;
/// A whole number of 1 to 255, in one byte: hours, counts, days.
const SMALL: u8 = 2;
/// 32-bit float.
const FLOAT: u8 = 3;

/// Bytes that follow for each code.
const WIDTHS: [usize; 4] = [0, 0, 1, 4];

/// Two to the 23rd: what is added to it is rounded to a whole number, which its lowest bits then are.
const WHOLE: f32 = 8_388_608.0;

/// How a value is written, and what: [`WIDTHS`] of the bytes. No branches, because what a vector holds is hard to guess, and nothing
/// but what processors do to several values at a time.
fn coded(value: f32) -> (u32, u32) {
    let shifted = value + WHOLE;
    let is_small = (shifted - WHOLE == value) & (1.0..=255.0).contains(&value);
    let (code, bits) = if is_small { (SMALL, shifted.to_bits() & 0xff) } else { (FLOAT, value.to_bits()) };
    let code = if value.to_bits() == 0 { ZERO } else { code };
    (u32::from(if value <= f32::MIN { NO_DATA } else { code }), bits)
}

/// How each feature is written, two bits each, then the values; those are exact in 32 bits, so nothing is lost.
pub fn pack(features: &FeatureVector) -> Vec<u8> {
    let (mut codes, mut values) = ([0; 4 * CODE_BYTES], [0; 4 * CODE_BYTES]);
    // Narrowed in a loop of its own: the next one then takes four at a time.
    let mut narrow = [f32::MIN; 4 * CODE_BYTES];
    narrow.iter_mut().zip(features).for_each(|(narrow, feature)| *narrow = *feature as f32);
    for ((code, value), feature) in codes.iter_mut().zip(&mut values).zip(narrow) {
        (*code, *value) = coded(feature);
    }
    let mut bytes = [0; CODE_BYTES + 16 * CODE_BYTES];
    let (head, tail) = bytes.split_at_mut(CODE_BYTES);
    for (byte, codes) in head.iter_mut().zip(codes.as_chunks::<4>().0) {
        *byte = (codes[0] | codes[1] << 2 | codes[2] << 4 | codes[3] << 6) as u8;
    }
    let mut len = 0;
    for (code, value) in codes.iter().zip(values) {
        // Four bytes whatever the width: the next value overwrites what is too much, and what is after the last one is cut off.
        tail[len..len + 4].copy_from_slice(&value.to_le_bytes());
        len += WIDTHS[*code as usize & 3];
    }
    bytes[..CODE_BYTES + len].to_vec()
}

/// The vector that `pack` wrote; nothing if the bytes are not of this version's features.
pub fn unpack(bytes: &[u8]) -> Option<FeatureVector> {
    let (codes, mut values) = bytes.split_at_checked(CODE_BYTES)?;
    let mut features = [MISSING; STREAMING_LEN];
    for (place, feature) in features.iter_mut().enumerate() {
        match codes[place / 4] >> (place % 4 * 2) & 3 {
            NO_DATA => {}
            ZERO => *feature = 0.0,
            SMALL => {
                let (value, rest) = values.split_first()?;
                (*feature, values) = (f64::from(*value), rest);
            }
            _float => {
                let (value, rest) = values.split_first_chunk::<4>()?;
                (*feature, values) = (f64::from(f32::from_le_bytes(*value)), rest);
            }
        }
    }
    values.is_empty().then_some(features)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_bit_comes_back(values in proptest::collection::vec(
            prop_oneof![
                Just(MISSING), Just(0.0), Just(-0.0), (0u8..=255).prop_map(f64::from),
                any::<f32>().prop_filter("a number", |v| v.is_finite() && *v > f32::MIN).prop_map(f64::from),
            ], STREAMING_LEN)) {
            let vector: FeatureVector = values.try_into().unwrap();
            let back = unpack(&pack(&vector)).unwrap();
            prop_assert!(vector.iter().zip(&back).all(|(a, b)| a.to_bits() == b.to_bits()));
        }

        #[test]
        fn nonsense_is_no_vector(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let _ = unpack(&bytes);
        }
    }

    #[test]
    fn other_lengths_are_refused() {
        let mut bytes = pack(&[1.5; STREAMING_LEN]);
        assert!(unpack(&bytes[..bytes.len() - 1]).is_none());
        bytes.push(0);
        assert!(unpack(&bytes).is_none());
    }
}
