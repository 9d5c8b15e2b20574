//! Networks of the user's own, run as their manifests say.

use image::RgbImage;
use image::imageops::{self, FilterType};

use super::VisionError;
use super::align::SIDE;
use super::crop::{Channels, planar};
use super::session::{Loader, Model, ModelError};
use crate::domain::embedder::{ChannelOrder, InputLayout, OwnEmbedder, OwnInput};
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
        let manifest = &embedder.manifest;
        let shape = shape(&manifest.input);
        Ok(Self {
            model: Model::load(loader, &embedder.file, &shape, &[manifest.output.as_str()])?,
            embedder,
        })
    }

    /// The network itself.
    pub(super) fn model(&mut self) -> &mut Model {
        &mut self.model
    }

    /// The template's values.
    pub(super) fn embed(&mut self, aligned: &RgbImage) -> Result<Vec<f32>, VisionError> {
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

    fn answer(&mut self, aligned: &RgbImage) -> Result<Vec<f32>, VisionError> {
        let manifest = &self.embedder.manifest;
        let values = self.model.run_as(
            &shape(&manifest.input),
            &tensor(aligned, &manifest.input),
            |_, values| values.to_vec(),
        )?;
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

fn shape(input: &OwnInput) -> [i64; 4] {
    let side = i64::from(input.side);
    match input.layout {
        InputLayout::Nchw => [1, 3, side, side],
        InputLayout::Nhwc => [1, side, side, 3],
    }
}

fn tensor(aligned: &RgbImage, input: &OwnInput) -> Vec<f32> {
    let resized;
    let face = if input.side == SIDE {
        aligned
    } else {
        resized = imageops::resize(aligned, input.side, input.side, FilterType::Triangle);
        &resized
    };
    let channels = match input.channels {
        ChannelOrder::Rgb => Channels::Rgb,
        ChannelOrder::Bgr => Channels::Bgr,
    };
    let planes = planar(face, channels, [input.mean; 3], [input.scale; 3]);
    match input.layout {
        InputLayout::Nchw => planes,
        InputLayout::Nhwc => {
            let (first, others) = planes.split_at(planes.len() / 3);
            let (second, third) = others.split_at(first.len());
            let pixels = first.iter().zip(second).zip(third);
            pixels.flat_map(|((a, b), c)| [*a, *b, *c]).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(layout: InputLayout, channels: ChannelOrder, side: u32) -> OwnInput {
        OwnInput {
            layout,
            channels,
            side,
            mean: 10.0,
            scale: 0.5,
        }
    }

    #[test]
    fn a_face_is_laid_out_as_the_network_takes_it() {
        use ChannelOrder::{Bgr, Rgb};
        use InputLayout::{Nchw, Nhwc};
        let face = RgbImage::from_pixel(SIDE, SIDE, image::Rgb([10, 20, 30]));
        let pixels = (SIDE * SIDE) as usize;
        for (layout, channels, at, expected) in [
            (Nchw, Rgb, [0, pixels, 2 * pixels], [0.0, 5.0, 10.0]),
            (Nchw, Bgr, [0, pixels, 2 * pixels], [10.0, 5.0, 0.0]),
            (Nhwc, Rgb, [0, 1, 2], [0.0, 5.0, 10.0]),
            (Nhwc, Bgr, [3, 4, 5], [10.0, 5.0, 0.0]),
        ] {
            let tensor = tensor(&face, &input(layout, channels, SIDE));
            assert_eq!(tensor.len(), 3 * pixels);
            assert_eq!(at.map(|at| tensor[at]), expected, "{layout:?} {channels:?}");
        }
    }

    #[test]
    fn a_face_is_scaled_to_the_side_that_the_network_takes() {
        let face = RgbImage::from_pixel(SIDE, SIDE, image::Rgb([20; 3]));
        let input = input(InputLayout::Nchw, ChannelOrder::Rgb, 160);
        assert_eq!(tensor(&face, &input), vec![5.0; 3 * 160 * 160]);
        assert_eq!(shape(&input), [1, 3, 160, 160]);
    }
}
