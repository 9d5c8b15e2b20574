//! A picture of which only those pixels are decoded that are needed.
//!
//! Everybody reckons in the pixels of the whole upright picture; only here is it known that a [`View`] may hold fewer of
//! them, or a part.

mod turn;
mod view;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use image::metadata::Orientation;
use image::{DynamicImage, RgbImage};

use self::turn::{Edges, inverse, is_on_its_side};
pub(super) use self::view::View;
use super::VisionError;
use super::crop::Area;
use super::decode::{Admitted, ImageLimits, Part, Sequential, admit};
use super::encoded::Encoded;
use super::turned::{Quarters, turned};

/// The longer side that a reduced picture keeps, in pixels: enough for every pass of the detector, the last of which
/// looks at a picture of 768 x 576.
pub(super) const MIN_SIDE: u32 = 800;
/// How much whole pictures are reduced. By less it is no faster than decoding in full, where every step is tuned.
const REDUCTIONS: [u32; 2] = [8, 4];

/// An encoded picture, and a first view of it.
pub(super) struct Picture<'a> {
    encoded: &'a Encoded,
    limits: ImageLimits,
    /// What other views are decoded with; none where the first has every pixel.
    source: Option<Source<'a>>,
    first: View,
}

struct Source<'a> {
    sequential: Sequential<'a>,
    orientation: Orientation,
    /// As stored.
    size: (u32, u32),
}

impl<'a> Picture<'a> {
    /// Reads all of a picture: a large JPEG of the usual kind at a quarter or an eighth of its size, anything else in full,
    /// and so what is to be turned.
    ///
    /// # Errors
    /// [`VisionError`] where the picture is too large, broken, or of a kind that is not read.
    pub(super) fn open(
        encoded: &'a Encoded,
        limits: ImageLimits,
        quarters: Quarters,
    ) -> Result<Self, VisionError> {
        Self::open_reduced(encoded, limits, quarters, reduction)
    }

    /// The same by other rules: a large JPEG of the usual kind at a half, a quarter or an eighth of its size, the least whose
    /// longer side has `side` pixels.
    ///
    /// # Errors
    /// Those of [`Self::open`].
    pub(super) fn open_with_side(
        encoded: &'a Encoded,
        limits: ImageLimits,
        side: u32,
    ) -> Result<Self, VisionError> {
        let reduction = |(width, height): (u32, u32)| power_of_two(width.max(height) / side);
        Self::open_reduced(encoded, limits, Quarters::NONE, reduction)
    }

    fn open_reduced(
        encoded: &'a Encoded,
        limits: ImageLimits,
        quarters: Quarters,
        reduction: impl FnOnce((u32, u32)) -> u32,
    ) -> Result<Self, VisionError> {
        let jpeg = admit(encoded.bytes(), limits)?.filter(|_| quarters == Quarters::NONE);
        let reduced = jpeg.and_then(|jpeg| match reduction(jpeg.size()) {
            1 => None,
            reduction => Source::open(&jpeg, reduction),
        });
        let (source, first) = match reduced {
            Some((source, first)) => (Some(source), first),
            None => (None, View::whole(turned(encoded.pixels(limits)?, quarters))),
        };
        Ok(Self {
            encoded,
            limits,
            source,
            first,
        })
    }

    /// The whole picture, maybe reduced.
    pub(super) fn first(&self) -> &View {
        &self.first
    }

    /// An area of the picture with more pixels than the first view has: reduced by `reduction`, a power of two.
    ///
    /// # Errors
    /// [`VisionError`] where it cannot be decoded.
    pub(super) fn closer(&self, area: Area, reduction: u32) -> Result<View, VisionError> {
        let source = self.source.as_ref();
        match source.and_then(|source| source.part(area, reduction)) {
            Some(view) => Ok(view),
            None => self.encoded.pixels(self.limits).map(View::whole),
        }
    }
}

/// A JPEG's upright pixels at a part of its size: a half, a quarter or an eighth. None where it would
/// be decoded in full: it is of an unusual kind, or something is wrong with it.
///
/// # Errors
/// [`VisionError`] where its headers are refused.
pub fn decode_reduced(
    encoded: &[u8],
    limits: ImageLimits,
    reduction: u32,
) -> Result<Option<RgbImage>, VisionError> {
    let jpeg = admit(encoded, limits)?;
    let opened = jpeg.and_then(|jpeg| Source::open(&jpeg, power_of_two(reduction)));
    Ok(opened.map(|(_, view)| Arc::unwrap_or_clone(view.pixels)))
}

/// The most that a picture is reduced by.
fn reduction((width, height): (u32, u32)) -> u32 {
    let enough = |reduction: &u32| width.max(height) / reduction >= MIN_SIDE;
    REDUCTIONS.into_iter().find(enough).unwrap_or(1)
}

/// The most that can be had of a reduction: 1, 2, 4 or 8.
fn power_of_two(reduction: u32) -> u32 {
    1 << reduction.clamp(1, REDUCTIONS[0]).ilog2()
}

impl<'a> Source<'a> {
    /// Reads all data; none where the picture is not of the usual kind, or anything is wrong with it.
    fn open(jpeg: &Admitted<'a>, reduction: u32) -> Option<(Self, View)> {
        // A panic over hostile bytes leaves nothing behind, and the full decoder has the last word.
        let read = catch_unwind(AssertUnwindSafe(|| {
            let mut sequential = jpeg.sequential()?;
            let part = sequential.decode(reduction as usize)?;
            let source = Self {
                sequential,
                orientation: jpeg.orientation()?,
                size: jpeg.size(),
            };
            let view = source.view(part, reduction);
            Some((source, view))
        }));
        read.ok().flatten()
    }

    fn part(&self, area: Area, reduction: u32) -> Option<View> {
        let (width, height) = self.upright_size();
        let edges = Edges {
            left: area.left.floor() as i64,
            top: area.top.floor() as i64,
            right: (area.left + area.width).ceil() as i64,
            bottom: (area.top + area.height).ceil() as i64,
        };
        let stored = edges.turned(inverse(self.orientation), (width, height));
        let range =
            |first: i64, last: i64| usize::try_from(first).ok().zip(usize::try_from(last).ok());
        let (left, right) = range(stored.left, stored.right)?;
        let (top, bottom) = range(stored.top, stored.bottom)?;
        let part = self
            .sequential
            .decode_part(reduction as usize, left..right, top..bottom)?;
        Some(self.view(part, reduction))
    }

    fn upright_size(&self) -> (u32, u32) {
        let (width, height) = self.size;
        if is_on_its_side(self.orientation) {
            (height, width)
        } else {
            (width, height)
        }
    }

    /// Turns a part upright.
    fn view(&self, part: Part, reduction: u32) -> View {
        let (left, top) = (i64::from(part.left), i64::from(part.top));
        let stored = Edges {
            left,
            top,
            right: left + i64::from(part.pixels.width() * reduction),
            bottom: top + i64::from(part.pixels.height() * reduction),
        };
        let upright = stored.turned(self.orientation, self.size);
        let mut pixels = DynamicImage::from(part.pixels);
        pixels.apply_orientation(self.orientation);
        let (width, height) = self.upright_size();
        View {
            pixels: Arc::new(pixels.into_rgb8()),
            reduction: f64::from(reduction),
            left: upright.left as f64,
            top: upright.top as f64,
            width: f64::from(width),
            height: f64::from(height),
        }
    }
}

#[cfg(test)]
mod tests {
    use image::ImageEncoder as _;
    use image::codecs::jpeg::JpegEncoder;

    use super::*;
    use crate::vision::decode::decode;

    const SIZE: (u32, u32) = (203, 149);

    /// A smooth picture without any symmetry, as a JPEG of that orientation.
    fn jpeg(orientation: Orientation) -> Vec<u8> {
        let pixels = RgbImage::from_fn(SIZE.0, SIZE.1, |x, y| {
            image::Rgb([(x + 20) as u8, (y + 90) as u8, (x / 2 + y / 3) as u8])
        });
        let mut encoded = Vec::new();
        let mut encoder = JpegEncoder::new_with_quality(&mut encoded, 97);
        let exif = [
            &b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0"[..],
            &[orientation.to_exif(), 0, 0, 0, 0, 0, 0, 0],
        ];
        encoder.set_exif_metadata(exif.concat()).unwrap();
        encoder
            .write_image(&pixels, SIZE.0, SIZE.1, image::ExtendedColorType::Rgb8)
            .unwrap();
        encoded
    }

    /// The largest difference between a view and the picture that it shows, at the middles of the view's pixels.
    fn difference(view: &View, whole: &RgbImage) -> f64 {
        let mut most = 0.0_f64;
        for (x, y, pixel) in view.pixels.enumerate_pixels() {
            let middle = |at: u32, first: f64| first + (f64::from(at) + 0.5) * view.reduction;
            let (x, y) = (middle(x, view.left), middle(y, view.top));
            let inside = |at: f64, side: u32| at >= 1.0 && at <= f64::from(side) - 1.0;
            if !inside(x, whole.width()) || !inside(y, whole.height()) {
                continue;
            }
            // The picture is smooth, so the nearest pixel will do.
            let expected = whole.get_pixel((x - 0.5).round() as u32, (y - 0.5).round() as u32);
            for (a, b) in pixel.0.into_iter().zip(expected.0) {
                most = most.max(f64::from(a.abs_diff(b)));
            }
        }
        most
    }

    #[test]
    fn views_show_the_picture_where_they_say_however_it_is_turned() {
        let limits = ImageLimits::default();
        for exif in 1..=8 {
            let orientation = Orientation::from_exif(exif).unwrap();
            let encoded = jpeg(orientation);
            let whole = decode(&encoded, limits).unwrap();
            for reduction in [1, 2, 4, 8] {
                let jpeg = admit(&encoded, limits).unwrap().unwrap();
                let (source, view) = Source::open(&jpeg, reduction).unwrap();
                let size = (f64::from(whole.width()), f64::from(whole.height()));
                assert_eq!((view.width(), view.height()), size);
                let area = |left, top, width, height| Area {
                    left,
                    top,
                    width,
                    height,
                };
                assert!(view.covers(area(0.0, 0.0, size.0, size.1)));
                let most = difference(&view, &whole);
                assert!(most <= 6.0, "{exif} 1/{reduction}: {most}");
                for asked in [area(40.0, 60.0, 50.5, 30.2), area(100.0, 3.0, 48.9, 140.0)] {
                    let part = source.part(asked, 1).unwrap();
                    assert!(part.covers(asked));
                    assert!(part.pixels.len() < whole.len());
                    let most = difference(&part, &whole);
                    assert!(most <= 6.0, "{exif}, a part: {most}");
                }
            }
        }
    }

    #[test]
    fn only_large_jpegs_are_reduced() {
        for (size, expected) in [
            ((1920, 1080), 1),
            ((3199, 2000), 1),
            ((3264, 2448), 4),
            ((3000, 4000), 4),
            ((8000, 6000), 8),
            ((20_000, 10), 8),
        ] {
            assert_eq!(reduction(size), expected, "{size:?}");
        }
    }

    #[test]
    fn an_area_that_cannot_be_seen_is_not_covered() {
        let jpeg_bytes = jpeg(Orientation::NoTransforms);
        let limits = ImageLimits::default();
        let jpeg = admit(&jpeg_bytes, limits).unwrap().unwrap();
        let (source, _) = Source::open(&jpeg, 4).unwrap();
        let area = |left, top| Area {
            left,
            top,
            width: 40.0,
            height: 40.0,
        };
        let part = source.part(area(100.0, 50.0), 2).unwrap();
        assert!(part.covers(area(100.0, 50.0)));
        assert!(!part.covers(area(40.0, 50.0)) && !part.covers(area(100.0, 90.0)));
        let seen = part.to_pixels(area(100.0, 50.0));
        assert_eq!((seen.width, seen.height), (20.0, 20.0));
        let (x, y) = part.to_pixel((99.5, 49.5));
        assert_eq!((x + 0.5, y + 0.5), (seen.left, seen.top));
    }
}
