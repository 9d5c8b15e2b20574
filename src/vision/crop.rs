//! Cutting a rectangle out of a picture and scaling it: each source pixel counts, so that large pictures do not alias.

use fast_image_resize::{
    FilterType, IntoImageView, IntoImageViewMut, ResizeAlg, ResizeOptions, Resizer,
};
use image::{Rgb32FImage, RgbImage, imageops};

use super::VisionError;
use super::picture::View;
use super::tensor::exact;
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
        Self::of_size(image.width(), image.height())
    }

    /// All of this size.
    pub(super) fn of_size(width: f64, height: f64) -> Self {
        Self {
            left: 0.0,
            top: 0.0,
            width,
            height,
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
        let mut scaled = RgbImage::new(width, height);
        self.resize(pixels, area, &mut scaled)?;
        Ok(scaled)
    }

    /// A rectangle of a picture at a smaller size, with values that are not rounded. From far more pixels it is brought to three
    /// times the size in bytes first: what that rounds, the mean of nine pixels and more hardly knows.
    pub(super) fn reduce_exactly(
        &mut self,
        image: &View,
        area: Area,
        width: u32,
        height: u32,
    ) -> Result<Rgb32FImage, VisionError> {
        let mut reduced = Rgb32FImage::new(width, height);
        let own = image.to_pixels(area);
        let (wide, high) = (3 * width, 3 * height);
        if own.width > f64::from(wide) && own.height > f64::from(high) {
            let coarse = self.scale(image, area, wide, high)?;
            let whole = Area::of_size(wide.into(), high.into());
            self.resize(&exact(&coarse), whole, &mut reduced)?;
        } else {
            let (left, top) = (own.left.floor(), own.top.floor());
            let side = |start: f64, end: f64| (end.ceil() - start) as u32;
            let wide = side(left, own.left + own.width);
            let high = side(top, own.top + own.height);
            let part = imageops::crop_imm(image.pixels(), left as u32, top as u32, wide, high);
            let area = Area {
                left: own.left - left,
                top: own.top - top,
                ..own
            };
            self.resize(&exact(&part.to_image()), area, &mut reduced)?;
        }
        Ok(reduced)
    }

    fn resize(
        &mut self,
        from: &impl IntoImageView,
        area: Area,
        to: &mut impl IntoImageViewMut,
    ) -> Result<(), VisionError> {
        let options = self
            .options
            .clone()
            .crop(area.left, area.top, area.width, area.height);
        let resized = self.resizer.resize(from, to, &options);
        resized.map_err(|error| VisionError::Inference(error.to_string()))
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

    #[test]
    fn half_a_grey_level_outlives_a_reduction() {
        let mut scaler = Scaler::default();
        let striped = RgbImage::from_fn(200, 200, |x, _| image::Rgb([10 + (x % 2) as u8; 3]));
        let image = View::whole(striped);
        let whole = Area::whole(&image);
        let rounded = scaler.scale(&image, whole, 80, 80).unwrap();
        assert!(rounded.iter().all(|value| [10, 11].contains(value)));
        let reduced = scaler.reduce_exactly(&image, whole, 80, 80).unwrap();
        assert!(reduced.iter().all(|value| (10.2..10.8).contains(value)));
    }
}
