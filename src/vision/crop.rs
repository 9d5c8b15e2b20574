//! Cutting a rectangle out of a picture and scaling it: each source pixel counts, so that large pictures do not alias.

use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer};
use image::RgbImage;

use super::VisionError;
use super::picture::View;

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

/// Which channel comes first in a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Channels {
    /// Red, green, blue.
    Rgb,
    /// Blue, green, red.
    Bgr,
}

/// A picture as a planar tensor, `(value - mean) * scale` by colour (red, green, blue).
pub(super) fn planar(
    image: &RgbImage,
    order: Channels,
    mean: [f32; 3],
    scale: [f32; 3],
) -> Vec<f32> {
    planar_on(image.dimensions(), (0, 0), image, order, mean, scale)
}

/// The same on a canvas of zeros, of so many pixels, with the picture's corner at a place of it.
pub(super) fn planar_on(
    canvas: (u32, u32),
    corner: (u32, u32),
    image: &RgbImage,
    order: Channels,
    mean: [f32; 3],
    scale: [f32; 3],
) -> Vec<f32> {
    let [width, height, left, top] = [canvas.0, canvas.1, corner.0, corner.1].map(|n| n as usize);
    let colours: [usize; 3] = match order {
        Channels::Rgb => [0, 1, 2],
        Channels::Bgr => [2, 1, 0],
    };
    // What each byte becomes: quicker to look up than to work out.
    let tables = colours.map(|colour| {
        let value = |byte: usize| (byte as f32 - mean[colour]) * scale[colour];
        std::array::from_fn::<f32, 256, _>(value)
    });
    let mut tensor = vec![0.0; 3 * width * height];
    let (first, others) = tensor.split_at_mut(width * height);
    let (second, third) = others.split_at_mut(width * height);
    let rows = image
        .as_raw()
        .chunks_exact(3 * image.width().max(1) as usize);
    for (row, start) in rows.zip((top * width + left..).step_by(width.max(1))) {
        let planes = first[start..].iter_mut().zip(&mut second[start..]);
        let planes = planes.zip(&mut third[start..]);
        for (((first, second), third), pixel) in planes.zip(row.chunks_exact(3)) {
            *first = tables[0][usize::from(pixel[colours[0]])];
            *second = tables[1][usize::from(pixel[colours[1]])];
            *third = tables[2][usize::from(pixel[colours[2]])];
        }
    }
    tensor
}

/// Luminance by the weights of ITU-R BT.601, 0 to 255.
pub(super) fn luminance(image: &RgbImage) -> Vec<f32> {
    let weigh =
        |p: &[u8]| 0.299 * f32::from(p[0]) + 0.587 * f32::from(p[1]) + 0.114 * f32::from(p[2]);
    image.as_raw().chunks_exact(3).map(weigh).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_laid_out_plane_by_plane() {
        let image = RgbImage::from_raw(2, 1, vec![10, 20, 30, 40, 50, 60]).unwrap();
        let ones = [1.0; 3];
        assert_eq!(
            planar(&image, Channels::Rgb, [0.0; 3], ones),
            [10.0, 40.0, 20.0, 50.0, 30.0, 60.0]
        );
        assert_eq!(
            planar(&image, Channels::Bgr, [0.0; 3], ones),
            [30.0, 60.0, 20.0, 50.0, 10.0, 40.0]
        );
        assert_eq!(
            planar(&image, Channels::Rgb, [10.0, 0.0, 0.0], [2.0, 0.0, 0.0])[..2],
            [0.0, 60.0]
        );
    }

    #[test]
    fn around_a_picture_on_a_larger_canvas_there_are_zeros() {
        let image = RgbImage::from_raw(2, 1, vec![10, 20, 30, 40, 50, 60]).unwrap();
        let tensor = planar_on(
            (3, 2),
            (1, 1),
            &image,
            Channels::Rgb,
            [1.0; 3],
            [1.0, 1.0, 2.0],
        );
        let expected = [
            [0.0, 0.0, 0.0, 0.0, 9.0, 39.0],
            [0.0, 0.0, 0.0, 0.0, 19.0, 49.0],
            [0.0, 0.0, 0.0, 0.0, 58.0, 118.0],
        ];
        assert_eq!(tensor, expected.concat());
    }

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
