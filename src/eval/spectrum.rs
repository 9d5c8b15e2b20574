//! How templates of real faces spread: how far people lie apart, and how far the pictures of one person do.
//!
//! The covariance between subjects is the total less the pooled one within subjects. Its axes, with the variance that
//! each sees between and within subjects, are all that `likeness bench search` needs to make galleries of any size
//! that are as hard to search as one of real faces, and they tell nothing about anybody.

use serde::{Deserialize, Serialize};

use crate::domain::face::Template;

/// Axes with less variance than this between people hold nothing but rounding.
const LEAST_VARIANCE: f64 = 1e-6;
/// Rounds of rotations after which the axes are as good as they get.
const MAX_SWEEPS: usize = 30;

/// A template with the index of the person that it is of.
#[derive(Clone, Copy)]
pub(super) struct Sample<'a> {
    pub(super) subject: usize,
    pub(super) template: &'a Template,
}

/// Variance between and within subjects along each axis, the widest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Spectrum {
    /// The embedder.
    pub model_id: String,
    /// Name of the dataset.
    pub dataset: String,
    /// SHA-256 over the SHA-256 digests of its pictures.
    pub dataset_sha256: String,
    /// People in it.
    pub subjects: usize,
    /// Their templates.
    pub templates: usize,
    /// Values of a template.
    pub dimensions: usize,
    /// Variance of people's means.
    pub between: Vec<f64>,
    /// Variance of one person's templates, along the same axes.
    pub within: Vec<f64>,
}

/// Variance between and within subjects along each axis; `None` where nobody has two templates.
///
/// Samples of one subject stand together.
pub(super) fn variances(samples: &[Sample<'_>]) -> Option<(Vec<f64>, Vec<f64>)> {
    let dimensions = samples.first()?.template.values().len();
    let all: Vec<&[f32]> = samples
        .iter()
        .map(|sample| sample.template.values())
        .collect();
    let repeated: Vec<Vec<&[f32]>> = samples
        .chunk_by(|a, b| a.subject == b.subject)
        .filter(|of_subject| of_subject.len() > 1)
        .map(|of_subject| {
            of_subject
                .iter()
                .map(|sample| sample.template.values())
                .collect()
        })
        .collect();
    if repeated.is_empty() {
        return None;
    }
    let within = pooled_covariance(&repeated, dimensions);
    let mut between = pooled_covariance(&[all], dimensions);
    for (between, within) in between.iter_mut().zip(&within) {
        *between -= within;
    }
    let axes = rotate_to_axes(&mut between, dimensions);
    let mut variances: Vec<(f64, f64)> = (0..dimensions)
        .map(|axis| {
            let axis_values = column(&axes, axis, dimensions);
            (
                between[axis * dimensions + axis],
                along(&within, &axis_values),
            )
        })
        .filter(|(between, _)| *between >= LEAST_VARIANCE)
        .collect();
    variances.sort_by(|a, b| b.0.total_cmp(&a.0));
    Some(variances.into_iter().unzip())
}

/// The covariance around the mean of each group, over all groups.
fn pooled_covariance(groups: &[Vec<&[f32]>], dimensions: usize) -> Vec<f64> {
    let mut sums = vec![0.0; dimensions * dimensions];
    let mut freedom = 0;
    for rows in groups {
        freedom += rows.len() - 1;
        let mean: Vec<f64> = (0..dimensions)
            .map(|i| rows.iter().map(|row| f64::from(row[i])).sum::<f64>() / rows.len() as f64)
            .collect();
        for row in rows {
            let centred: Vec<f64> = row
                .iter()
                .zip(&mean)
                .map(|(v, m)| f64::from(*v) - m)
                .collect();
            for (sums, a) in sums.chunks_exact_mut(dimensions).zip(&centred) {
                sums.iter_mut()
                    .zip(&centred)
                    .for_each(|(sum, b)| *sum += a * b);
            }
        }
    }
    sums.iter_mut().for_each(|sum| *sum /= freedom as f64);
    sums
}

/// Turns a symmetric matrix into a diagonal one by Jacobi's rotations, and gives the axes as the columns of a matrix.
fn rotate_to_axes(matrix: &mut [f64], n: usize) -> Vec<f64> {
    let mut axes = vec![0.0; n * n];
    (0..n).for_each(|i| axes[i * n + i] = 1.0);
    let scale: f64 = (0..n).map(|i| matrix[i * n + i].abs()).sum();
    for _ in 0..MAX_SWEEPS {
        let mut largest = 0.0_f64;
        for p in 0..n {
            for q in p + 1..n {
                let off = matrix[p * n + q];
                largest = largest.max(off.abs());
                if off.abs() > scale * 1e-12 {
                    let theta = (matrix[q * n + q] - matrix[p * n + p]) / (2.0 * off);
                    let tangent = theta.signum() / (theta.abs() + theta.hypot(1.0));
                    let cosine = 1.0 / tangent.hypot(1.0);
                    let (c, s) = (cosine, tangent * cosine);
                    rotate_rows(matrix, n, (p, q), (c, s));
                    rotate_columns(matrix, n, (p, q), (c, s));
                    rotate_columns(&mut axes, n, (p, q), (c, s));
                }
            }
        }
        if largest <= scale * 1e-12 {
            break;
        }
    }
    axes
}

fn rotate_rows(matrix: &mut [f64], n: usize, (p, q): (usize, usize), (c, s): (f64, f64)) {
    for i in 0..n {
        let (a, b) = (matrix[p * n + i], matrix[q * n + i]);
        (matrix[p * n + i], matrix[q * n + i]) = (c * a - s * b, s * a + c * b);
    }
}

fn rotate_columns(matrix: &mut [f64], n: usize, (p, q): (usize, usize), (c, s): (f64, f64)) {
    for row in matrix.chunks_exact_mut(n) {
        let (a, b) = (row[p], row[q]);
        (row[p], row[q]) = (c * a - s * b, s * a + c * b);
    }
}

fn column(matrix: &[f64], index: usize, n: usize) -> Vec<f64> {
    matrix.iter().skip(index).step_by(n).copied().collect()
}

/// The variance that a covariance has along an axis of length 1.
fn along(covariance: &[f64], axis: &[f64]) -> f64 {
    let rows = covariance.chunks_exact(axis.len()).zip(axis);
    rows.map(|(row, a)| a * row.iter().zip(axis).map(|(v, b)| v * b).sum::<f64>())
        .sum()
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{RngExt as _, SeedableRng as _};

    use super::*;

    #[test]
    fn rotations_find_the_axes_of_a_symmetric_matrix() {
        // The axes (1, 1), (1, -1) and the third, with 3, 1 and 2.
        let mut matrix = vec![2.0, 1.0, 0.0, 1.0, 2.0, 0.0, 0.0, 0.0, 2.0];
        let axes = rotate_to_axes(&mut matrix, 3);
        let mut found: Vec<f64> = (0..3).map(|i| matrix[i * 4]).collect();
        found.sort_by(f64::total_cmp);
        for (found, expected) in found.iter().zip([1.0, 2.0, 3.0]) {
            assert!((found - expected).abs() < 1e-12);
        }
        let widest = (0..3)
            .find(|i| (matrix[i * 4] - 3.0).abs() < 1e-12)
            .unwrap();
        let axis = column(&axes, widest, 3);
        assert!(
            (axis[0] - axis[1]).abs() < 1e-12 && axis[2].abs() < 1e-12,
            "{axis:?}"
        );
    }

    #[test]
    fn people_and_their_pictures_are_told_apart() {
        // Templates lie near the first axis, so the others see all the variance: the second between people, the third
        // within each.
        let mut rng = StdRng::seed_from_u64(6);
        let mut templates = Vec::new();
        for subject in 0..400 {
            let person: f32 = rng.random_range(-0.2..0.2);
            for _ in 0..3 {
                let picture: f32 = rng.random_range(-0.1..0.1);
                let values = vec![1.0, person, picture];
                templates.push((subject, Template::normalised("m", values).unwrap()));
            }
        }
        let samples: Vec<Sample<'_>> = templates
            .iter()
            .map(|(subject, template)| Sample {
                subject: *subject,
                template,
            })
            .collect();
        let (between, within) = variances(&samples).unwrap();
        assert!((between[0] - 0.4 * 0.4 / 12.0).abs() < 2e-3, "{between:?}");
        assert!(within[0] < 1e-4, "{within:?}");
        assert!(between.get(1).is_none_or(|v| *v < 1e-4), "{between:?}");
    }
}
