//! What the detector that the service ships with, RFB, gives: scores as (background, face), boxes as corners in shares of the
//! canvas.

use super::canvas::Canvas;
use super::find::Find;

/// Confidence from which a find is a face. Portraits on documents reach 0.97; guilloches and seals that are taken for
/// faces stayed below 0.7.
const MIN_CONFIDENCE: f32 = 0.8;

/// The faces in the outputs.
pub(super) fn finds(canvas: Canvas, scores: &[f32], boxes: &[f32]) -> Vec<Find> {
    let (width, height) = (f64::from(canvas.width), f64::from(canvas.height));
    let candidates = scores.chunks_exact(2).zip(boxes.chunks_exact(4));
    candidates
        .filter(|(score, _)| score[1] >= MIN_CONFIDENCE)
        .map(|(score, corners)| {
            let corner = |x: f32, y: f32| (f64::from(x) * width, f64::from(y) * height);
            Find {
                left_top: corner(corners[0], corners[1]),
                right_bottom: corner(corners[2], corners[3]),
                confidence: score[1],
                points: None,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sure_boxes_are_faces_and_doubtful_ones_are_not() {
        let canvas = Canvas {
            width: 320,
            height: 240,
        };
        let boxes = [0.125, 0.25, 0.5, 0.75].repeat(3);
        let found = finds(canvas, &[0.1, 0.9, 0.3, 0.7, 0.0, f32::NAN], &boxes);
        let expected = Find {
            left_top: (40.0, 60.0),
            right_bottom: (160.0, 180.0),
            confidence: 0.9,
            points: None,
        };
        assert_eq!(found, [expected]);
    }
}
