//! From the faces of a picture to what is judged of them.

use super::{FaceSeen, Seen};
use crate::domain::face::{Face, Template};

/// A face of less than this share of the largest one is somebody in the background.
const BACKGROUND_SHARE: f32 = 0.2;

impl Seen {
    /// Who is in a picture with these faces, the largest first; `front` is the template of the frontal picture, and
    /// `frame_side` the shorter side of the picture.
    #[must_use]
    pub fn of(faces: &[Face], front: Option<&Template>, frame_side: f32) -> Self {
        let Some((largest, others)) = faces.split_first() else {
            return Self::Nobody;
        };
        let area = largest.bounding_box.area();
        let is_somebody = |other: &Face| other.bounding_box.area() >= BACKGROUND_SHARE * area;
        if others.iter().any(is_somebody) {
            return Self::Several;
        }
        let Some(pose) = largest.pose else {
            return Self::Nobody;
        };
        let template = largest.template.as_ref();
        Self::One(FaceSeen {
            pose,
            eyes_open: largest.eyes.map(|eyes| (eyes.left + eyes.right) / 2.0),
            points: largest.landmarks,
            size: area.sqrt(),
            frame_side,
            sharpness: largest.quality.sharpness,
            brightness: largest.quality.brightness,
            similarity: front.and_then(|front| front.similarity(template?)),
        })
    }
}
