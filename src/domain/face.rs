//! What the vision pipeline finds in a picture.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A rectangle in pixels of the upright picture (EXIF orientation applied), origin at the top left.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BoundingBox {
    /// Left edge.
    pub x: f32,
    /// Top edge.
    pub y: f32,
    /// Width, above zero.
    pub width: f32,
    /// Height, above zero.
    pub height: f32,
}

impl BoundingBox {
    /// Width times height, in square pixels.
    #[must_use]
    pub fn area(&self) -> f32 {
        self.width * self.height
    }

    /// The area that lies in both, in square pixels.
    #[must_use]
    pub fn shared_area(&self, other: &Self) -> f32 {
        let width = (self.x + self.width).min(other.x + other.width) - self.x.max(other.x);
        let height = (self.y + self.height).min(other.y + other.height) - self.y.max(other.y);
        width.max(0.0) * height.max(0.0)
    }

    /// The share of both together that lies in both: intersection over union.
    #[must_use]
    pub fn overlap(&self, other: &Self) -> f32 {
        let shared = self.shared_area(other);
        shared / (self.area() + other.area() - shared)
    }
}

/// A point in pixels of the upright picture.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Pixels from the left edge.
    pub x: f32,
    /// Pixels from the top edge.
    pub y: f32,
}

/// The five points that alignment uses. Left and right are the picture's, not the person's.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FivePoints {
    /// Centre of the eye on the picture's left.
    pub left_eye: Point,
    /// Centre of the eye on the picture's right.
    pub right_eye: Point,
    /// Tip of the nose.
    pub nose: Point,
    /// Corner of the mouth on the picture's left.
    pub left_mouth: Point,
    /// Corner of the mouth on the picture's right.
    pub right_mouth: Point,
}

impl FivePoints {
    /// Those of these places, in the order of the fields.
    #[must_use]
    pub const fn of([left_eye, right_eye, nose, left_mouth, right_mouth]: [Point; 5]) -> Self {
        Self {
            left_eye,
            right_eye,
            nose,
            left_mouth,
            right_mouth,
        }
    }

    /// Distance between the centres of the eyes, in pixels.
    #[must_use]
    pub fn inter_eye_distance(&self) -> f32 {
        (self.right_eye.x - self.left_eye.x).hypot(self.right_eye.y - self.left_eye.y)
    }

    /// All of them, in the order of the fields.
    #[must_use]
    pub fn all(&self) -> [Point; 5] {
        [
            self.left_eye,
            self.right_eye,
            self.nose,
            self.left_mouth,
            self.right_mouth,
        ]
    }
}

/// Rotation of the head in degrees; 0, 0, 0 looks straight at the camera.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Pose {
    /// Turn to the side; positive turns towards the picture's left.
    pub yaw: f32,
    /// Nod; positive looks up.
    pub pitch: f32,
    /// Tilt in the picture's plane; positive is clockwise.
    pub roll: f32,
}

/// Whether the eyes of a face are open: the probability of each, 0 to 1. Left and right are the person's own.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Eyes {
    /// The person's left eye, on the picture's right.
    pub left: f32,
    /// The person's right eye, on the picture's left.
    pub right: f32,
}

/// Measures of how well a face can be compared; see `vision::quality` for how each is taken.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Quality {
    /// Distance between the eyes in pixels.
    pub inter_eye_distance: f32,
    /// Variance of the Laplacian of the aligned 112x112 grey face; low is blurred.
    pub sharpness: f32,
    /// Mean luminance of the aligned face, 0 (black) to 1 (white).
    pub brightness: f32,
    /// Standard deviation of the luminance of the aligned face, 0 to 0.5.
    pub contrast: f32,
    /// What records from before it was measured lack.
    #[serde(default)]
    pub details: Option<Details>,
    /// Length of the embedder's vector before it was scaled to one, where it was made.
    #[serde(default)]
    pub embedding_length: Option<f32>,
}

/// Further measures of the picture of a face; all but the margin are of the face between brows and chin.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Details {
    /// Share of its pixels that are black, 0 to 1.
    pub under_exposure: f32,
    /// Share of its pixels that are white, 0 to 1.
    pub over_exposure: f32,
    /// Mean luminance of the darker half, left or right, in parts of the brighter's, 0 to 1.
    pub illumination_uniformity: f32,
    /// Entropy of its luminance in bits, 0 to 8.
    pub dynamic_range: f32,
    /// Distance of the face's box to the nearest edge of the picture, in widths of the box.
    pub margin: f32,
}

/// One face of a picture.
#[derive(Debug, Clone)]
pub struct Face {
    /// Where it is.
    pub bounding_box: BoundingBox,
    /// The detector's confidence, 0 to 1.
    pub confidence: f32,
    /// The points used for alignment.
    pub landmarks: FivePoints,
    /// Measures of the picture of the face.
    pub quality: Quality,
    /// Where the head points, if it was asked for.
    pub pose: Option<Pose>,
    /// Whether the eyes are open, if it was asked for.
    pub eyes: Option<Eyes>,
    /// Probability that the face is live, 0 to 1, if it was asked for.
    pub liveness: Option<f32>,
    /// The face's template, if it was asked for.
    pub template: Option<Template>,
}

/// A unit vector that stands for a face, and the model that made it.
///
/// It is personal data: it never leaves the service, and its `Debug` shows only the model.
#[derive(Clone, PartialEq)]
pub struct Template {
    model_id: String,
    values: Vec<f32>,
}

/// A vector that cannot be a template: empty, zero, or with a value that is not finite.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("the embedding is empty, zero or not finite")]
pub struct DegenerateEmbedding;

impl Template {
    /// Scales an embedding to length 1.
    ///
    /// # Errors
    /// [`DegenerateEmbedding`] when it has no direction.
    pub fn normalised(model_id: &str, mut values: Vec<f32>) -> Result<Self, DegenerateEmbedding> {
        let norm = length(&values);
        if !norm.is_finite() || norm < 1e-6 {
            return Err(DegenerateEmbedding);
        }
        for value in &mut values {
            *value = (f64::from(*value) / norm) as f32;
        }
        Ok(Self {
            model_id: model_id.to_owned(),
            values,
        })
    }

    /// Id of the embedder; templates of two models are never compared.
    #[must_use]
    pub fn model_id(&self) -> &str {
        &self.model_id
    }

    /// The unit vector.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Cosine similarity, -1 to 1; `None` when the two are of different models.
    #[must_use]
    pub fn similarity(&self, other: &Self) -> Option<f32> {
        let comparable = self.model_id == other.model_id && self.values.len() == other.values.len();
        comparable.then(|| {
            let dot: f32 = self
                .values
                .iter()
                .zip(&other.values)
                .map(|(a, b)| a * b)
                .sum();
            dot.clamp(-1.0, 1.0)
        })
    }
}

/// The length of a vector.
#[must_use]
pub fn length(values: &[f32]) -> f64 {
    let squares = values.iter().map(|v| f64::from(*v) * f64::from(*v));
    squares.sum::<f64>().sqrt()
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Template")
            .field("model_id", &self.model_id)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn similarity_is_the_cosine_and_only_within_one_model() {
        let a = Template::normalised("m", vec![3.0, 0.0]).unwrap();
        let b = Template::normalised("m", vec![1.0, 1.0]).unwrap();
        let other = Template::normalised("n", vec![1.0, 1.0]).unwrap();
        assert!((a.similarity(&b).unwrap() - std::f32::consts::FRAC_1_SQRT_2).abs() < 1e-6);
        assert_eq!(a.similarity(&other), None);
    }

    #[test]
    fn a_vector_without_direction_is_no_template() {
        for bad in [
            vec![],
            vec![0.0; 4],
            vec![f32::NAN, 1.0],
            vec![f32::INFINITY, 1.0],
        ] {
            assert_eq!(Template::normalised("m", bad), Err(DegenerateEmbedding));
        }
    }

    #[test]
    fn debug_output_does_not_hold_the_vector() {
        let template = Template::normalised("m", vec![0.6, 0.8]).unwrap();
        assert_eq!(format!("{template:?}"), "Template { model_id: \"m\", .. }");
    }
}
