//! A photograph that somebody holds before the camera: tilted, turned in its plane, shifted.

use image::{Rgb, RgbImage};
use likeness::domain::face::BoundingBox;

use crate::SIDE;
use crate::head::sample;

/// How it is held.
#[derive(Clone, Copy)]
pub struct Held {
    /// Turned in its plane, in degrees.
    pub turned: f64,
    /// Foreshortened by a tilt, across and down.
    pub across: f64,
    pub down: f64,
    pub shift: f64,
}

pub const FLAT: Held = Held {
    turned: 0.0,
    across: 1.0,
    down: 1.0,
    shift: 0.0,
};

pub struct Photograph {
    picture: RgbImage,
    centre: (f64, f64),
    /// Pixels of the photograph for one of the camera's.
    zoom: f64,
}

impl Photograph {
    /// A photograph of the face in this box, which it is held by.
    pub fn new(picture: RgbImage, face: &BoundingBox) -> Self {
        Self {
            picture,
            centre: (
                f64::from(face.x + face.width / 2.0),
                f64::from(face.y + face.height / 2.0),
            ),
            zoom: f64::from(face.area().sqrt()) / (0.3 * f64::from(SIDE)),
        }
    }

    /// What the camera sees; grey beyond the edge.
    pub fn render(&self, held: Held) -> RgbImage {
        let (sine, cosine) = held.turned.to_radians().sin_cos();
        let half = f64::from(SIDE) / 2.0;
        let (width, height) = self.picture.dimensions();
        RgbImage::from_fn(SIDE, SIDE, |x, y| {
            let (x, y) = (f64::from(x) - half - held.shift, f64::from(y) - half);
            let (x, y) = (cosine * x + sine * y, cosine * y - sine * x);
            let x = self.centre.0 + x * self.zoom / held.across;
            let y = self.centre.1 + y * self.zoom / held.down;
            let is_there = x >= 0.0 && y >= 0.0 && x < f64::from(width) && y < f64::from(height);
            if is_there {
                sample(&self.picture, x, y)
            } else {
                Rgb([120; 3])
            }
        })
    }
}
