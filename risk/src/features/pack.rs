//! A feature vector in few bytes, for records that keep every decision's features.

use super::catalog::{FeatureVector, MISSING, STREAMING_LEN, is_missing};

const MASK_BYTES: usize = STREAMING_LEN.div_ceil(8);

/// Which features have data, as bits, then the values of those as 32-bit floats; the values are exact in them.
pub fn pack(features: &FeatureVector) -> Vec<u8> {
    let mut bytes = vec![0u8; MASK_BYTES];
    for (place, value) in features.iter().enumerate() {
        if !is_missing(*value) {
            bytes[place / 8] |= 1 << (place % 8);
            bytes.extend_from_slice(&(*value as f32).to_le_bytes());
        }
    }
    bytes
}

/// The vector that `pack` wrote; nothing if the bytes are not of this version's features.
pub fn unpack(bytes: &[u8]) -> Option<FeatureVector> {
    let (mask, values) = bytes.split_at_checked(MASK_BYTES)?;
    let mut values = values.chunks_exact(4);
    let mut features = [MISSING; STREAMING_LEN];
    for (place, feature) in features.iter_mut().enumerate() {
        if mask[place / 8] & (1 << (place % 8)) != 0 {
            let value = values.next()?;
            *feature = f64::from(f32::from_le_bytes(value.try_into().ok()?));
        }
    }
    (values.next().is_none() && values.remainder().is_empty()).then_some(features)
}
