//! Networks of the user's own, run as their manifests say.

use image::imageops::{self, FilterType};
use image::{Rgb32FImage, RgbImage};

use super::VisionError;
use super::align::SIDE;
use super::session::{Loader, Model, ModelError};
use super::tensor::{rounded, tensor_of_face};
use crate::domain::embedder::OwnEmbedder;
use crate::domain::face::length;

/// A network that turns an aligned face into a template.
pub(super) struct OwnNetwork {
    model: Model,
    embedder: &'static OwnEmbedder,
}

impl OwnNetwork {
    pub(super) fn load(
        loader: Loader<'_>,
        embedder: &'static OwnEmbedder,
    ) -> Result<Self, ModelError> {
        let network = embedder.manifest.network();
        Ok(Self {
            model: Model::load(loader, &embedder.file, &network)?,
            embedder,
        })
    }

    /// The network itself.
    pub(super) fn model(&mut self) -> &mut Model {
        &mut self.model
    }

    /// The template's values.
    pub(super) fn embed(&mut self, aligned: &Rgb32FImage) -> Result<Vec<f32>, VisionError> {
        let mut values = self.answer(aligned)?;
        if self.embedder.manifest.mirror {
            let mirrored = self.answer(&imageops::flip_horizontal(aligned))?;
            // Directions count, and not how long each answer is.
            let [a, b] = [length(&values), length(&mirrored)];
            for (value, mirrored) in values.iter_mut().zip(mirrored) {
                *value = (f64::from(*value) / a + f64::from(mirrored) / b) as f32;
            }
        }
        Ok(values)
    }

    fn answer(&mut self, aligned: &Rgb32FImage) -> Result<Vec<f32>, VisionError> {
        let manifest = &self.embedder.manifest;
        let side = manifest.input.side;
        let mut outputs = if side == SIDE {
            let face = tensor_of_face(aligned, self.model.input());
            self.model.run(&face)?
        } else {
            self.model.run_on(&at_side(&rounded(aligned), side))?
        };
        let values = outputs.swap_remove(0);
        if values.len() == manifest.dimensions {
            Ok(values)
        } else {
            Err(VisionError::Inference(format!(
                "the embedder gave {} values, and its manifest says {}",
                values.len(),
                manifest.dimensions
            )))
        }
    }
}

fn at_side(aligned: &RgbImage, side: u32) -> RgbImage {
    imageops::resize(aligned, side, side, FilterType::Triangle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_face_is_scaled_to_the_side_that_the_network_takes() {
        let face = RgbImage::from_pixel(SIDE, SIDE, image::Rgb([20; 3]));
        let scaled = at_side(&face, 160);
        assert_eq!(scaled.dimensions(), (160, 160));
        assert!(scaled.pixels().all(|pixel| pixel.0 == [20; 3]));
    }
}
