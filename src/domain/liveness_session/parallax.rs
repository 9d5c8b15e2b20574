//! Depth: how the tip of the nose moves against the plane of eyes and mouth when a head turns.
//!
//! A flat picture that is shifted, scaled, turned or tilted before the camera moves all of its points by one affine map, but
//! for a perspective that is small at arm's length. The tip of a nose stands out of the plane of eyes and mouth, so no such
//! map explains where it goes when a head turns.

use crate::domain::face::{FivePoints, Point};

/// How far the nose is from where the affine map puts it that fits all five points best, across and down, in distances
/// between the eyes. Zero for every flat picture; towards the side to which the nose points for a head.
#[must_use]
pub fn parallax(front: &FivePoints, now: &FivePoints) -> (f32, f32) {
    let (before, after) = (front.all(), now.all());
    let basis = plane(&before);
    let nose_residual = |value: fn(Point) -> f64| {
        let values = after.map(value);
        let explained: f64 = basis
            .iter()
            .map(|axis| dot(axis, &values) * axis[NOSE])
            .sum();
        values[NOSE] - explained
    };
    // A head that turns aside brings its eyes together, one that nods its eyes and mouth: the larger of both stays.
    let scale = spread(now).max(f64::MIN_POSITIVE);
    let residual = |value| (nose_residual(value) / scale) as f32;
    (
        residual(|point| point.x.into()),
        residual(|point| point.y.into()),
    )
}

const NOSE: usize = 2;

/// Orthonormal axes of everything that an affine map can make of the points: one, across and down.
fn plane(points: &[Point; 5]) -> Vec<[f64; 5]> {
    let mut basis: Vec<[f64; 5]> = Vec::with_capacity(3);
    let across = points.map(|point| f64::from(point.x));
    let down = points.map(|point| f64::from(point.y));
    for mut axis in [[1.0; 5], across, down] {
        for known in &basis {
            let share = dot(known, &axis);
            for (value, part) in axis.iter_mut().zip(known) {
                *value -= share * part;
            }
        }
        let length = dot(&axis, &axis).sqrt();
        // Points on one line, or one point: there is no further axis.
        if length > 1e-6 {
            basis.push(axis.map(|value| value / length));
        }
    }
    basis
}

fn dot(a: &[f64; 5], b: &[f64; 5]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The distance between the eyes, or that between eyes and mouth where it is longer, in pixels.
fn spread(points: &FivePoints) -> f64 {
    let middle = |a: Point, b: Point| (f64::from(a.x + b.x) / 2.0, f64::from(a.y + b.y) / 2.0);
    let eyes = middle(points.left_eye, points.right_eye);
    let mouth = middle(points.left_mouth, points.right_mouth);
    let between = f64::from(points.inter_eye_distance());
    between.max((mouth.0 - eyes.0).hypot(mouth.1 - eyes.1))
}
