//! Grids of samples laid over pictures, turned and scaled, and what the pictures are under them.

use image::{ImageBuffer, Pixel};

use super::points::bounds;

/// A part of a picture that has more pixels for a sample is not worth a copy.
const MAX_AREA: f64 = 4.0;
/// Parts of a pixel.
const PARTS: f64 = 4_294_967_296.0;
/// Farther than it, in pixels, neither places nor steps go, so that thousands of such steps add up without an overflow. It is
/// beyond every picture.
const FARTHEST: f64 = 262_144.0;

/// A place in a picture in [`PARTS`]: steps of whole numbers add up without an error.
#[derive(Clone, Copy)]
struct Place {
    x: i64,
    y: i64,
}

impl Place {
    fn of((x, y): (f64, f64)) -> Self {
        let parts = |value: f64| (value.clamp(-FARTHEST, FARTHEST) * PARTS).round() as i64;
        Self {
            x: parts(x),
            y: parts(y),
        }
    }

    /// The place that is so many steps on.
    #[inline]
    fn steps(self, count: i64, step: Self) -> Self {
        Self {
            x: self.x + count * step.x,
            y: self.y + count * step.y,
        }
    }

    /// In pixels.
    fn point(self) -> (f64, f64) {
        (self.x as f64 / PARTS, self.y as f64 / PARTS)
    }

    /// The pixel that it is in, and how far from it to the next ones, 0 to 1.
    #[inline]
    fn split(self) -> ((usize, usize), (f32, f32)) {
        // As many bits as a float has.
        let share = |parts: i64| ((parts as u32) >> 8) as f32 / 16_777_216.0;
        (
            ((self.x >> 32) as usize, (self.y >> 32) as usize),
            (share(self.x), share(self.y)),
        )
    }
}

/// Where the samples lie that the pixels of a new picture are made of.
pub(super) struct Raster {
    first: Place,
    right: Place,
    below: Place,
    /// Along each side of a pixel.
    samples: i64,
    width: i64,
    height: i64,
}

impl Raster {
    /// One of so many pixels, of so many samples along each side, by where the first sample lies and how far it is from it to
    /// those to its right and below, in pixels of what is sampled, whose middles are at whole numbers.
    pub(super) fn new(
        first: (f64, f64),
        [right, below]: [(f64, f64); 2],
        samples: u32,
        (width, height): (u32, u32),
    ) -> Self {
        Self {
            first: Place::of(first),
            right: Place::of(right),
            below: Place::of(below),
            samples: samples.into(),
            width: width.into(),
            height: height.into(),
        }
    }

    /// How many samples there are.
    fn count(&self) -> f64 {
        (self.width * self.height * self.samples * self.samples) as f64
    }

    /// Where the samples at its corners lie.
    fn corners(&self) -> [(f64, f64); 4] {
        let last = (
            self.width * self.samples - 1,
            self.height * self.samples - 1,
        );
        let corners = [(0, 0), (last.0, 0), (0, last.1), last];
        corners.map(|(column, row)| {
            self.first
                .steps(column, self.right)
                .steps(row, self.below)
                .point()
        })
    }

    /// The mean of each pixel's samples. They are as in [`Raster::means_of`].
    pub(super) fn colours_of<P: Pixel<Subpixel: Into<f32>>>(
        &self,
        image: &ImageBuffer<P, Vec<P::Subpixel>>,
        sample: impl Fn((f64, f64)) -> [f32; 3],
    ) -> impl Iterator<Item = [f32; 3]> {
        // Four values are worked on at once.
        let four = |[red, green, blue]: [f32; 3]| [red, green, blue, 0.0];
        let means = self.means_of(image, four, sample);
        means
            .into_iter()
            .map(|[red, green, blue, _]| [red, green, blue])
    }

    /// The mean of each pixel's samples, of what is wanted of a picture's colours. Samples are bilinear; where some lie beyond the
    /// picture, `sample` gives all of them, by their places in pixels.
    pub(super) fn means_of<const N: usize, P: Pixel<Subpixel: Into<f32>>>(
        &self,
        image: &ImageBuffer<P, Vec<P::Subpixel>>,
        of: impl Fn([f32; 3]) -> [f32; N],
        sample: impl Fn((f64, f64)) -> [f32; 3],
    ) -> Vec<[f32; N]> {
        match Plane::under(self, image, &of) {
            Some(plane) => self.means(|at| plane.sample(at)),
            None => self.means(|at| of(sample(at.point()))),
        }
    }

    #[inline]
    fn means<const N: usize>(&self, sample: impl Fn(Place) -> [f32; N]) -> Vec<[f32; N]> {
        let share = 1.0 / (self.samples * self.samples) as f32;
        let mut means = Vec::with_capacity((self.width * self.height) as usize);
        for y in 0..self.height {
            for x in 0..self.width {
                let first = self
                    .first
                    .steps(x * self.samples, self.right)
                    .steps(y * self.samples, self.below);
                let mut sum = [0.0; N];
                for row in 0..self.samples {
                    let mut at = first.steps(row, self.below);
                    for _ in 0..self.samples {
                        for (sum, value) in sum.iter_mut().zip(sample(at)) {
                            *sum += value;
                        }
                        at = at.steps(1, self.right);
                    }
                }
                means.push(sum.map(|total| total * share));
            }
        }
        means
    }
}

/// A part of a picture, with as many values for each pixel as are wanted, and as many as are worked on at once.
struct Plane<const N: usize> {
    left: usize,
    top: usize,
    width: usize,
    pixels: Vec<[f32; N]>,
}

impl<const N: usize> Plane<N> {
    /// The part that a raster lies on; none where it reaches beyond the picture, or lies so aslant that hardly any of the part
    /// is sampled.
    fn under<P: Pixel<Subpixel: Into<f32>>>(
        raster: &Raster,
        image: &ImageBuffer<P, Vec<P::Subpixel>>,
        of: impl Fn([f32; 3]) -> [f32; N],
    ) -> Option<Self> {
        let [left, top, right, bottom] = bounds(&raster.corners());
        let (columns, rows) = (f64::from(image.width()), f64::from(image.height()));
        let is_inside = left >= 0.0 && top >= 0.0 && right < columns - 1.0 && bottom < rows - 1.0;
        let area = (right - left) * (bottom - top);
        if !is_inside || area > MAX_AREA * raster.count() {
            return None;
        }
        let (left, top) = (left as usize, top as usize);
        let (right, bottom) = (right as usize + 2, bottom as usize + 2);
        let width = right - left;
        let stride = 3 * image.width() as usize;
        let mut pixels = Vec::with_capacity(width * (bottom - top));
        for row in image.as_raw().chunks_exact(stride).take(bottom).skip(top) {
            let part = row[3 * left..3 * right].as_chunks::<3>().0;
            pixels.extend(part.iter().map(|pixel| of(pixel.map(Into::into))));
        }
        Some(Self {
            left,
            top,
            width,
            pixels,
        })
    }

    /// Bilinear.
    #[inline]
    fn sample(&self, at: Place) -> [f32; N] {
        let ((x, y), (fx, fy)) = at.split();
        let start = (y - self.top) * self.width + x - self.left;
        let [above, below] = [start, start + self.width].map(|start| {
            let [left, right] = self.pixels[start..].first_chunk().unwrap_or(&[[0.0; N]; 2]);
            mix(left, right, fx)
        });
        mix(&above, &below, fy)
    }
}

/// A share of the way from the first to the second, 0 to 1.
pub(super) fn mix<const N: usize>(first: &[f32; N], second: &[f32; N], share: f32) -> [f32; N] {
    std::array::from_fn(|lane| first[lane] + (second[lane] - first[lane]) * share)
}
