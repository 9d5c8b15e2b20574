//! From a block's coefficients to its samples, as many of them as are wanted.
//!
//! The inverse cosine transform of the lowest `n` x `n` coefficients gives the block in `n` x `n` samples: with fewer than
//! 8 it is smaller, with more (the others are zero) larger. So colours that come in fewer samples need no scaling.

use std::array;
use std::f32::consts::{FRAC_1_SQRT_2, PI};
use std::sync::LazyLock;

/// Place of each coefficient in a block, by its place in the order of the file.
pub(super) const ZIGZAG: [u8; 64] = [
    0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20,
    13, 6, 7, 14, 21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59,
    52, 45, 38, 31, 39, 46, 53, 60, 61, 54, 47, 55, 62, 63,
];

/// For each place in the file's order, how many rows and columns the coefficients up to it reach into.
static REACH: LazyLock<[(u8, u8); 64]> = LazyLock::new(|| {
    let (mut rows, mut columns) = (0, 0);
    ZIGZAG.map(|at| {
        rows = rows.max(at / 8 + 1);
        columns = columns.max(at % 8 + 1);
        (rows, columns)
    })
});

/// The cosines of one coefficient at up to 32 samples: `[log2(samples)][coefficient][sample]`.
static COSINES: LazyLock<[[[f32; 32]; 8]; 6]> = LazyLock::new(|| {
    array::from_fn(|power| {
        let samples = 1_usize << power;
        array::from_fn(|u| {
            array::from_fn(|x| {
                if x >= samples {
                    return 0.0;
                }
                let scale = if u == 0 { FRAC_1_SQRT_2 } else { 1.0 };
                let angle = (2 * x + 1) as f32 * u as f32 * PI / (2 * samples) as f32;
                0.5 * scale * angle.cos()
            })
        })
    })
});

/// Makes blocks of one size.
#[derive(Clone, Copy)]
pub(super) struct Transform {
    across: usize,
    down: usize,
    horizontal: &'static [[f32; 32]; 8],
    vertical: &'static [[f32; 32]; 8],
    reach: &'static [(u8, u8); 64],
}

impl Transform {
    /// To blocks of so many samples, powers of two up to 32.
    pub(super) fn to(across: usize, down: usize) -> Self {
        let cosines = |samples: usize| &COSINES[samples.trailing_zeros().min(5) as usize];
        Self {
            across,
            down,
            horizontal: cosines(across),
            vertical: cosines(down),
            reach: &REACH,
        }
    }

    /// Samples of a block, across and down.
    pub(super) fn samples(&self) -> (usize, usize) {
        (self.across, self.down)
    }

    /// Writes a block's samples into a plane, of which `out` begins with the first. Of its coefficients, the last that
    /// is not zero stands at `last` in the file's order.
    pub(super) fn write(&self, block: &[f32; 64], last: usize, out: &mut [u8], stride: usize) {
        if last == 0 {
            let level = sample(block[0] / 8.0);
            for row in out.chunks_mut(stride).take(self.down) {
                row[..self.across].fill(level);
            }
            return;
        }
        match self.across {
            1 => self.write_columns::<1>(block, last, out, stride),
            2 => self.write_columns::<2>(block, last, out, stride),
            4 => self.write_columns::<4>(block, last, out, stride),
            8 => self.write_columns::<8>(block, last, out, stride),
            16 => self.write_columns::<16>(block, last, out, stride),
            _ => self.write_columns::<32>(block, last, out, stride),
        }
    }

    fn write_columns<const N: usize>(
        &self,
        block: &[f32; 64],
        last: usize,
        out: &mut [u8],
        stride: usize,
    ) {
        let (rows, columns) = self.reach[last & 63];
        let (rows, columns) = (
            usize::from(rows).min(self.down),
            usize::from(columns).min(N),
        );
        for (y, line) in out.chunks_mut(stride).take(self.down).enumerate() {
            let mut sums = [0.0_f32; 8];
            for (cosines, coefficients) in
                self.vertical.iter().zip(block.chunks_exact(8)).take(rows)
            {
                let cosine = cosines[y];
                for (sum, coefficient) in sums.iter_mut().zip(coefficients) {
                    *sum += cosine * coefficient;
                }
            }
            let mut samples = [0.0_f32; N];
            for (sum, cosines) in sums.iter().zip(self.horizontal).take(columns) {
                for (sample, cosine) in samples.iter_mut().zip(cosines) {
                    *sample += sum * cosine;
                }
            }
            for (out, value) in line.iter_mut().zip(samples) {
                *out = sample(value);
            }
        }
    }
}

/// A sample from its distance to the middle grey.
#[inline]
fn sample(value: f32) -> u8 {
    // The conversion cuts what lies outside to 0 and 255.
    (value + 128.5) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The coefficients of a block, by the definition.
    fn coefficients(block: &[f32; 64]) -> [f32; 64] {
        let cosines = &COSINES[3];
        array::from_fn(|at| {
            let (v, u) = (at / 8, at % 8);
            (0..64)
                .map(|p| (block[p] - 128.0) * cosines[v][p / 8] * cosines[u][p % 8])
                .sum()
        })
    }

    fn samples(block: &[f32; 64], side: usize) -> Vec<u8> {
        let mut out = vec![0; side * side];
        Transform::to(side, side).write(&coefficients(block), 63, &mut out, side);
        out
    }

    #[test]
    fn eight_samples_are_those_that_the_coefficients_were_made_of() {
        let block: [f32; 64] = array::from_fn(|p| ((p * 37 + p * p) % 256) as f32);
        for (sample, expected) in samples(&block, 8).into_iter().zip(block) {
            assert!((f32::from(sample) - expected).abs() <= 1.0);
        }
    }

    #[test]
    fn other_sizes_show_the_same_slope() {
        let at = |x: f32, y: f32| 40.0 + 12.0 * x + 6.0 * y;
        let block: [f32; 64] = array::from_fn(|p| at((p % 8) as f32 + 0.5, (p / 8) as f32 + 0.5));
        for side in [1, 2, 4, 16, 32] {
            let step = 8.0 / side as f32;
            for (p, sample) in samples(&block, side).into_iter().enumerate() {
                let middle = |i: usize| (i as f32 + 0.5) * step;
                let expected = at(middle(p % side), middle(p / side));
                let off = (f32::from(sample) - expected).abs();
                assert!(off <= 5.0, "{side}: {off} at {p}");
            }
        }
    }

    #[test]
    fn a_block_of_one_level_needs_no_more_than_its_mean() {
        let mut block = [0.0; 64];
        block[0] = 8.0 * 50.0;
        let mut out = [0; 12];
        Transform::to(4, 2).write(&block, 0, &mut out, 6);
        assert_eq!(out, [178, 178, 178, 178, 0, 0, 178, 178, 178, 178, 0, 0]);
        block[0] = 8.0 * 500.0;
        Transform::to(4, 2).write(&block, 0, &mut out, 6);
        assert_eq!(out[0], 255);
    }
}
