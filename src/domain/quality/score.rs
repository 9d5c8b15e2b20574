//! One number for the quality of a face.
//!
//! It is the length that the embedder's vector has before it is scaled to one. An embedder that is trained on directions
//! alone leaves the length free, and it comes out short where there is little to recognise: blurred, covered, turned away
//! or drawn. The same measure, of another model, is the unified score of OFIQ, the reference implementation of ISO/IEC
//! 29794-5. Nothing is fitted here but the ends of the scale, which change no order; `likeness eval --quality` shows how
//! well the order tells which comparisons go wrong. Sums of the other components, weighted by least squares, told less.

use crate::domain::decision::FaceQuality;

/// Vectors this short or shorter have a score of 0. Photographs of Labeled Faces in the Wild have 2.1 to 5.2.
const SHORTEST: f32 = 1.0;
/// Vectors this long or longer have a score of 100.
const LONGEST: f32 = 5.0;

/// How well a face can be recognised, 0 to 100; `None` where no template of it was made.
#[must_use]
pub fn score(quality: &FaceQuality) -> Option<f32> {
    let length = quality.measures.embedding_length?;
    if length.is_nan() {
        return Some(0.0);
    }
    let share = (length - SHORTEST) / (LONGEST - SHORTEST);
    Some(100.0 * share.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::face::Quality;

    fn of(embedding_length: Option<f32>) -> Option<f32> {
        score(&FaceQuality {
            measures: Quality {
                inter_eye_distance: 60.0,
                sharpness: 200.0,
                brightness: 0.5,
                contrast: 0.2,
                details: None,
                embedding_length,
            },
            pose: None,
            eyes: None,
        })
    }

    #[test]
    fn the_score_grows_with_the_length_and_stays_within_0_and_100() {
        for (length, expected) in [
            (0.0, 0.0),
            (1.0, 0.0),
            (2.0, 25.0),
            (4.0, 75.0),
            (5.0, 100.0),
            (9.0, 100.0),
            (f32::NAN, 0.0),
        ] {
            assert_eq!(of(Some(length)), Some(expected), "{length}");
        }
        assert_eq!(of(None), None);
    }
}
