//! What a whole picture looks like, in 256 grey values: the same however it is encoded.

/// Values across and down.
pub const SIGNATURE_SIDE: usize = 16;
const VALUES: usize = SIGNATURE_SIDE * SIGNATURE_SIDE;

/// A grey thumbnail of 16 x 16.
#[derive(Clone, PartialEq, Eq)]
pub struct Signature {
    values: [u8; VALUES],
    sum: u32,
}

impl Signature {
    /// From the values, row by row; none where there are not 256.
    #[must_use]
    pub fn parse(values: &[u8]) -> Option<Self> {
        let values: [u8; VALUES] = values.try_into().ok()?;
        let sum = values.iter().copied().map(u32::from).sum();
        Some(Self { values, sum })
    }

    /// The values, row by row.
    #[must_use]
    pub fn values(&self) -> &[u8] {
        &self.values
    }

    /// The mean difference of the values, in levels of grey of 0 to 255.
    #[must_use]
    pub fn distance(&self, other: &Self) -> f32 {
        let differences = self.values.iter().zip(&other.values);
        let sum: u32 = differences.map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
        sum as f32 / VALUES as f32
    }

    /// Whether the distance is no greater. Most pictures are told apart by their brightness alone.
    pub(super) fn is_within(&self, distance: f32, other: &Self) -> bool {
        let least = self.sum.abs_diff(other.sum) as f32 / VALUES as f32;
        least <= distance && self.distance(other) <= distance
    }
}

/// A thumbnail of somebody is personal.
impl std::fmt::Debug for Signature {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Signature(..)")
    }
}
