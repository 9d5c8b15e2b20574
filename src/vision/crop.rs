//! Cutting a rectangle out of a picture and scaling it: each source pixel counts, so that large pictures do not alias.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use image::RgbImage;

use super::VisionError;
use super::picture::View;
use crate::domain::network::Input;

/// A rectangle of a picture, in pixels, wholly inside it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Area {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) width: f64,
    pub(super) height: f64,
}

impl Area {
    /// The part of a rectangle that lies inside a picture; at least one pixel of it.
    pub(super) fn inside(left: f64, top: f64, right: f64, bottom: f64, image: &View) -> Self {
        Self::within([left, top, right, bottom], (image.width(), image.height()))
    }

    /// The part of a rectangle, of these edges, within a size; at least one pixel of it.
    pub(super) fn within(
        [left, top, right, bottom]: [f64; 4],
        (width, height): (f64, f64),
    ) -> Self {
        let left = left.clamp(0.0, width - 1.0);
        let top = top.clamp(0.0, height - 1.0);
        let right = right.clamp(left + 1.0, width);
        let bottom = bottom.clamp(top + 1.0, height);
        Self {
            left,
            top,
            width: right - left,
            height: bottom - top,
        }
    }

    /// A whole picture.
    pub(super) fn whole(image: &View) -> Self {
        Self {
            left: 0.0,
            top: 0.0,
            width: image.width(),
            height: image.height(),
        }
    }

    /// The smallest area that holds both.
    pub(super) fn with(self, other: Self) -> Self {
        let (left, top) = (self.left.min(other.left), self.top.min(other.top));
        let right = (self.left + self.width).max(other.left + other.width);
        let bottom = (self.top + self.height).max(other.top + other.height);
        Self {
            left,
            top,
            width: right - left,
            height: bottom - top,
        }
    }
}

/// Scales rectangles of pictures, with buffers that are kept from call to call.
pub(super) struct Scaler {
    resizer: Resizer,
    options: ResizeOptions,
}

impl Default for Scaler {
    fn default() -> Self {
        let options = ResizeOptions::new()
            .resize_alg(ResizeAlg::Convolution(FilterType::Bilinear))
            .use_alpha(false);
        Self {
            resizer: Resizer::new(),
            options,
        }
    }
}

impl Scaler {
    /// A rectangle of a picture at another size.
    pub(super) fn scale(
        &mut self,
        image: &View,
        area: Area,
        width: u32,
        height: u32,
    ) -> Result<RgbImage, VisionError> {
        self.scale_pixels(image.pixels(), image.to_pixels(area), width, height)
    }

    /// A rectangle of a picture at the size that a network takes; at its own where that is left open.
    pub(super) fn scale_for(
        &mut self,
        input: &Input,
        image: &View,
        area: Area,
    ) -> Result<RgbImage, VisionError> {
        let side = |wanted: Option<u32>, own: f64| wanted.unwrap_or(own.round() as u32);
        let (width, height) = (
            side(input.width, area.width),
            side(input.height, area.height),
        );
        self.scale(image, area, width, height)
    }

    /// A rectangle of pixels at another size.
    pub(super) fn scale_pixels(
        &mut self,
        pixels: &RgbImage,
        area: Area,
        width: u32,
        height: u32,
    ) -> Result<RgbImage, VisionError> {
        let failed = |error: &dyn std::fmt::Display| VisionError::Inference(error.to_string());
        let source = ImageRef::new(
            pixels.width(),
            pixels.height(),
            pixels.as_raw(),
            PixelType::U8x3,
        )
        .map_err(|error| failed(&error))?;
        let mut scaled = Image::new(width, height, PixelType::U8x3);
        let options = self
            .options
            .clone()
            .crop(area.left, area.top, area.width, area.height);
        self.resizer
            .resize(&source, &mut scaled, &options)
            .map_err(|error| failed(&error))?;
        RgbImage::from_raw(width, height, scaled.into_vec())
            .ok_or_else(|| VisionError::Inference("a scaled picture has the wrong size".to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_area_is_cut_to_the_picture_and_never_empty() {
        let image = View::whole(RgbImage::new(100, 50));
        let area = Area::inside(-20.0, 40.0, 30.0, 90.0, &image);
        assert_eq!(
            area,
            Area {
                left: 0.0,
                top: 40.0,
                width: 30.0,
                height: 10.0
            }
        );
        let outside = Area::inside(200.0, 200.0, 300.0, 300.0, &image);
        assert_eq!((outside.width, outside.height), (1.0, 1.0));
    }
}
