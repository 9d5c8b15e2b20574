//! What the benches in `benches/` reach of the pipeline. Not part of the service.

use image::{Rgb32FImage, RgbImage};

use super::align::Alignment;
use super::crop::Scaler;
pub use super::embed::embedder_input;
use super::picture::View;
use crate::domain::face::FivePoints;

/// A picture, and the buffers that faces of it are aligned with.
pub struct Aligner {
    view: View,
    scaler: Scaler,
}

impl Aligner {
    /// Of a whole picture.
    #[must_use]
    pub fn new(picture: RgbImage) -> Self {
        Self {
            view: View::whole(picture),
            scaler: Scaler::default(),
        }
    }

    /// The face with these points, turned upright; `None` where they are all one point.
    pub fn align(&mut self, points: &FivePoints) -> Option<Rgb32FImage> {
        let alignment = Alignment::of(points).ok()?;
        alignment.apply(&self.view, &mut self.scaler).ok()
    }
}
