//! How many pixels a face needs, and the part of the picture to get them from.

use super::VisionError;
use super::crop::Area;
use super::detect::Detection;
use super::liveness::surroundings;
use super::picture::{Picture, View};

/// The shorter side of a face's box in the pixels that its crops are taken from, where the picture has as many. The
/// template's crop shows a box on 75 pixels.
const MIN_FACE_SIDE: f64 = 112.0;
/// What is decoded around a box, in its longer sides: the template's crop is half as wide again, and may be turned.
const MARGIN: f64 = 0.8;

/// A view of all faces with enough pixels for the smallest; none where the first view has enough, or there are no more.
pub(super) fn closer(
    picture: &Picture<'_>,
    faces: &[Detection],
    liveness: bool,
) -> Result<Option<View>, VisionError> {
    let first = picture.first();
    let reduction = faces
        .iter()
        .map(|face| reduction_for(face, first.reduction()))
        .fold(first.reduction(), f64::min);
    if reduction >= first.reduction() {
        return Ok(None);
    }
    let areas = faces.iter().map(|face| around(face, first));
    let Some(mut area) = areas.reduce(Area::with) else {
        return Ok(None);
    };
    if let (true, Some(largest)) = (liveness, faces.first()) {
        area = area.with(surroundings(first, &largest.bounding_box));
    }
    picture.closer(area, reduction as u32).map(Some)
}

/// The most that a picture may be reduced by for a face, 1 or half of `most` again and again.
fn reduction_for(face: &Detection, most: f64) -> f64 {
    let side = f64::from(face.bounding_box.width.min(face.bounding_box.height));
    let mut reduction = most;
    while reduction > 1.0 && side / reduction < MIN_FACE_SIDE {
        reduction /= 2.0;
    }
    reduction
}

fn around(face: &Detection, image: &View) -> Area {
    let [x, y, width, height] = {
        let b = face.bounding_box;
        [b.x, b.y, b.width, b.height].map(f64::from)
    };
    let margin = MARGIN * width.max(height);
    Area::inside(
        x - margin,
        y - margin,
        x + width + margin,
        y + height + margin,
        image,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::face::BoundingBox;

    #[test]
    fn small_faces_ask_for_more_pixels_and_large_ones_do_not() {
        let face = |side: f32| Detection {
            bounding_box: BoundingBox {
                x: 0.0,
                y: 0.0,
                width: side,
                height: side * 1.3,
            },
            confidence: 1.0,
            points: None,
        };
        for (side, most, expected) in [
            (900.0, 8.0, 8.0),
            (800.0, 8.0, 4.0),
            (200.0, 8.0, 1.0),
            (300.0, 4.0, 2.0),
            (20.0, 1.0, 1.0),
        ] {
            assert_eq!(reduction_for(&face(side), most), expected, "{side}");
        }
    }
}
