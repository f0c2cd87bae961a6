//! A feature vector in few bytes, for records that keep every decision's features.

use super::catalog::{FeatureVector, MISSING, STREAMING_LEN, is_missing};

/// Two bits a feature.
const CODE_BYTES: usize = STREAMING_LEN.div_ceil(4);

/// How a value is written.
const NO_DATA: u8 = 0;
const ZERO: u8 = 1;
/// A whole number of 1 to 255, in one byte: hours, counts, days.
const SMALL: u8 = 2;
/// 32-bit float.
const FLOAT: u8 = 3;

fn code(value: f64) -> u8 {
    if is_missing(value) {
        NO_DATA
    } else if value.to_bits() == 0 {
        ZERO
    } else if (1.0..=255.0).contains(&value) && value.trunc() == value {
        SMALL
    } else {
        FLOAT
    }
}

/// How each feature is written, two bits each, then the values; those are exact in 32 bits, so nothing is lost.
pub fn pack(features: &FeatureVector) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(CODE_BYTES + 4 * STREAMING_LEN);
    bytes.resize(CODE_BYTES, 0);
    for (place, value) in features.iter().enumerate() {
        let code = code(*value);
        bytes[place / 4] |= code << (place % 4 * 2);
        match code {
            SMALL => bytes.push(*value as u8),
            FLOAT => bytes.extend_from_slice(&(*value as f32).to_le_bytes()),
            _without_a_value => {}
        }
    }
    bytes
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
