//! Rotations by a secret: what a template is kept as, where a stolen table is to be useless.
//!
//! A rotation moves every template of a tenant in the same way, so that inner products between them stay what they are,
//! and a search needs to know nothing of it. Templates that were rotated by different secrets have nothing to do with
//! each other: the same face in two tenants looks like two strangers' (ISO/IEC 24745 calls it unlinkability). Whoever
//! knows as many templates before and after the rotation as these have dimensions can work it out: it keeps what was
//! stolen from being used, not somebody who enrols faces and reads the table.
//!
//! The rotation is drawn evenly from all of them, as a product of reflections (G. W. Stewart, "The efficient generation of
//! random orthogonal matrices", SIAM J. Numer. Anal. 17, 1980): the k-th leaves all but the last k values alone.

use chacha20::ChaCha20Rng;
use rand::{RngExt as _, SeedableRng as _};

/// Values that are multiplied side by side.
const LANES: usize = 8;

/// A secret orthogonal matrix, half the size of one that is written out and as fast to apply.
pub struct Rotation {
    /// Unit vectors to reflect by, of as many values as there are dimensions first and of 2 last.
    mirrors: Vec<f32>,
    /// What the reflections are followed by: 1 or -1 for each dimension.
    signs: Vec<f32>,
}

impl Rotation {
    /// The rotation that a seed stands for; the same on every machine but for rounding.
    #[must_use]
    pub fn from_seed(seed: [u8; 32], dimensions: usize) -> Self {
        let mut random = ChaCha20Rng::from_seed(seed);
        let mut mirrors = Vec::with_capacity(dimensions * (dimensions + 1) / 2);
        let mut signs = Vec::with_capacity(dimensions);
        for length in (2..=dimensions).rev() {
            let mut normal = normals(&mut random, length);
            // The mirror that takes the vector to the axis, on the side where nothing cancels.
            let sign = if normal[0] < 0.0 { -1.0 } else { 1.0 };
            normal[0] += sign * norm(&normal);
            let norm = norm(&normal);
            mirrors.extend(normal.iter().map(|value| (value / norm) as f32));
            signs.push(-sign as f32);
        }
        signs.push(if random.random() { 1.0 } else { -1.0 });
        signs.truncate(dimensions);
        Self { mirrors, signs }
    }

    /// Length of the vectors that it rotates.
    #[must_use]
    pub fn dimensions(&self) -> usize {
        self.signs.len()
    }

    /// Rotates a vector.
    ///
    /// # Panics
    /// Where the vector has another length.
    pub fn apply(&self, vector: &mut [f32]) {
        assert_eq!(vector.len(), self.dimensions());
        let mut rest = self.mirrors.as_slice();
        for length in (2..=vector.len()).rev() {
            let (mirror, after) = rest.split_at(length);
            let first = vector.len() - length;
            reflect(&mut vector[first..], mirror);
            rest = after;
        }
        self.turn_signs(vector);
    }

    /// Rotates a vector back.
    ///
    /// # Panics
    /// Where the vector has another length.
    pub fn undo(&self, vector: &mut [f32]) {
        assert_eq!(vector.len(), self.dimensions());
        self.turn_signs(vector);
        let mut rest = self.mirrors.as_slice();
        for length in 2..=vector.len() {
            let (before, mirror) = rest.split_at(rest.len() - length);
            let first = vector.len() - length;
            reflect(&mut vector[first..], mirror);
            rest = before;
        }
    }

    fn turn_signs(&self, vector: &mut [f32]) {
        for (value, sign) in vector.iter_mut().zip(&self.signs) {
            *value *= sign;
        }
    }
}

/// `x - 2 m (m x)`.
fn reflect(vector: &mut [f32], mirror: &[f32]) {
    let twice = 2.0 * dot(vector, mirror);
    for (value, mirror) in vector.iter_mut().zip(mirror) {
        *value -= twice * mirror;
    }
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    let (a, a_rest) = a.as_chunks::<LANES>();
    let (b, b_rest) = b.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            sums[lane] += a[lane] * b[lane];
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}

fn norm(values: &[f64]) -> f64 {
    values.iter().map(|value| value * value).sum::<f64>().sqrt()
}

/// Independent values of the standard normal distribution (G. E. P. Box and M. E. Muller, 1958).
fn normals(random: &mut ChaCha20Rng, count: usize) -> Vec<f64> {
    let mut values = Vec::with_capacity(count + 1);
    while values.len() < count {
        let (radius, angle): (f64, f64) = (random.random(), random.random());
        // 1 less what may be 0 is never 0.
        let radius = (-2.0 * (1.0 - radius).ln()).sqrt();
        let (sine, cosine) = (angle * std::f64::consts::TAU).sin_cos();
        values.extend([radius * cosine, radius * sine]);
    }
    values.truncate(count);
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEED: [u8; 32] = [7; 32];

    fn unit(seed: u8, dimensions: usize) -> Vec<f32> {
        let values = normals(&mut ChaCha20Rng::from_seed([seed; 32]), dimensions);
        let norm = norm(&values);
        values.iter().map(|value| (value / norm) as f32).collect()
    }

    fn rotated(rotation: &Rotation, vector: &[f32]) -> Vec<f32> {
        let mut vector = vector.to_vec();
        rotation.apply(&mut vector);
        vector
    }

    fn exact(a: &[f32], b: &[f32]) -> f64 {
        a.iter()
            .zip(b)
            .map(|(a, b)| f64::from(*a) * f64::from(*b))
            .sum()
    }

    #[test]
    fn inner_products_stay_what_they_are() {
        for dimensions in [2, 3, 192, 512, 640, 704] {
            let rotation = Rotation::from_seed(SEED, dimensions);
            let vectors: Vec<Vec<f32>> = (0..20).map(|seed| unit(seed, dimensions)).collect();
            for a in &vectors {
                for b in &vectors {
                    let after = exact(&rotated(&rotation, a), &rotated(&rotation, b));
                    assert!((after - exact(a, b)).abs() < 1e-5, "{dimensions}: {after}");
                }
            }
        }
    }

    #[test]
    fn undoing_gives_back_what_was_rotated() {
        for dimensions in [1, 2, 640, 704] {
            let rotation = Rotation::from_seed(SEED, dimensions);
            let vector = unit(1, dimensions);
            let mut back = rotated(&rotation, &vector);
            rotation.undo(&mut back);
            for (before, after) in vector.iter().zip(&back) {
                assert!((before - after).abs() < 1e-5, "{dimensions}");
            }
        }
    }

    #[test]
    fn vectors_that_were_rotated_by_two_seeds_are_strangers() {
        let dimensions = 512;
        let [one, other] = [[1; 32], [2; 32]].map(|seed| Rotation::from_seed(seed, dimensions));
        let vector = unit(3, dimensions);
        let [a, b] = [&one, &other].map(|rotation| rotated(rotation, &vector));
        // Of vectors with nothing in common, one in a million is more alike than five standard deviations.
        let most = 5.0 / (dimensions as f64).sqrt();
        assert!(exact(&a, &b).abs() < most);
        assert!(exact(&a, &vector).abs() < most);
    }

    #[test]
    fn rotations_are_drawn_evenly() {
        // Where the first axis goes is evenly distributed on the sphere: each of its coordinates has the mean 0 and the
        // mean square 1/3.
        let count = 4_000_u32;
        let mut sums = [[0.0_f64; 2]; 3];
        for index in 0..count {
            let mut seed = [0; 32];
            seed[..4].copy_from_slice(&index.to_le_bytes());
            let image = rotated(&Rotation::from_seed(seed, 3), &[1.0, 0.0, 0.0]);
            for (sum, value) in sums.iter_mut().zip(image) {
                sum[0] += f64::from(value);
                sum[1] += f64::from(value * value);
            }
        }
        for [first, second] in sums {
            let (mean, square) = (first / f64::from(count), second / f64::from(count));
            assert!(mean.abs() < 0.05, "{mean}");
            assert!((square - 1.0 / 3.0).abs() < 0.03, "{square}");
        }
    }

    #[test]
    fn a_seed_stands_for_the_same_rotation_for_good() {
        // Templates in a database depend on it. From the first version of this file.
        let image = rotated(&Rotation::from_seed(SEED, 4), &[1.0, 0.0, 0.0, 0.0]);
        let expected = [-0.598_323_8, 0.389_190_02, -0.698_200_46, 0.055_280_27];
        for (value, expected) in image.iter().zip(expected) {
            assert!((value - expected).abs() < 1e-6, "{image:?}");
        }
    }
}
