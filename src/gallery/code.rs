//! The code of a face: the signs of its template's values, one bit each.
//!
//! Two templates that point the same way have mostly the same signs: the share of differing bits is, for directions
//! drawn at random, the angle between them over 180 degrees. A bit is set where a value is above zero, the first value
//! in the highest bit, which is what pgvector's `binary_quantize` gives.

/// Words of a code for a template of so many values.
pub(super) fn words(dimensions: usize) -> usize {
    dimensions.div_ceil(64)
}

/// The code of a template that is at hand, with its first value in the highest bit.
pub(super) fn of_values(values: &[f32]) -> Vec<u64> {
    let word = |values: &[f32]| {
        let bits = values.iter().zip((0..64).rev());
        bits.fold(0, |word, (value, bit)| {
            word | u64::from(*value > 0.0) << bit
        })
    };
    values.chunks(64).map(word).collect()
}

/// A code as the database gives it: bytes whose highest bit comes first, the last one filled up with zeros.
pub(super) fn of_bytes(bytes: &[u8]) -> impl Iterator<Item = u64> {
    bytes.chunks(8).map(|bytes| {
        let mut word = [0; 8];
        word[..bytes.len()].copy_from_slice(bytes);
        u64::from_be_bytes(word)
    })
}

/// The values of a probe, summed up beforehand under every sign that eight bits of a code can give them.
pub(super) struct SignedSums {
    /// For each byte of a code the sums for its 256 values.
    bytes: Vec<[f32; 256]>,
}

impl SignedSums {
    pub(super) fn of(values: &[f32]) -> Self {
        let bytes = values.chunks(8).map(|values| {
            let mut sums = [0.0; 256];
            for (byte, sum) in sums.iter_mut().enumerate() {
                let signed = values.iter().zip((0..8).rev());
                *sum = signed
                    .map(|(value, bit)| if byte >> bit & 1 == 1 { *value } else { -value })
                    .sum();
            }
            sums
        });
        Self {
            bytes: bytes.collect(),
        }
    }

    /// The sum of the values with the signs of a code: it grows with the similarity.
    pub(super) fn sum(&self, code: impl Iterator<Item = u64>) -> f32 {
        let bytes = code.flat_map(u64::to_be_bytes);
        self.bytes
            .iter()
            .zip(bytes)
            .map(|(sums, byte)| sums[usize::from(byte)])
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bit_is_set_where_the_value_is_above_zero_and_the_first_is_the_highest() {
        let mut values = vec![-0.5; 65];
        values[0] = 0.1;
        values[2] = 0.0;
        values[64] = 0.2;
        assert_eq!(of_values(&values), [1 << 63, 1 << 63]);
        assert_eq!(words(65), 2);
    }

    #[test]
    fn the_database_s_bytes_make_the_same_words() {
        let values: Vec<f32> = (0..72)
            .map(|i| if i % 3 == 0 { 1.0 } else { -1.0 })
            .collect();
        let bytes: Vec<u8> = values
            .chunks(8)
            .map(|eight| {
                eight
                    .iter()
                    .fold(0, |byte, v| byte << 1 | u8::from(*v > 0.0))
            })
            .collect();
        assert_eq!(of_bytes(&bytes).collect::<Vec<_>>(), of_values(&values));
    }
}
