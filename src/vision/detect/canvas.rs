//! Where the parts of a picture lie on the canvas that a detector looks at, and which parts it looks at.

use image::RgbImage;

use crate::domain::network::Input;
use crate::vision::Layout;
use crate::vision::VisionError;
use crate::vision::crop::{Area, Scaler};
use crate::vision::picture::{MIN_SIDE, View};

/// Tiles overlap by this share of their size, so that a face at a seam is whole in one of them.
const TILE_OVERLAP: f64 = 0.3;
/// Tiles of the last pass, across and down.
const MOST_TILES: u32 = 3;

/// What a detector takes, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Canvas {
    pub(crate) width: u32,
    pub(crate) height: u32,
}

impl Canvas {
    /// That of a network, which leaves neither side open.
    pub(super) fn of(input: &Input) -> Self {
        let side = |side: Option<u32>| side.unwrap_or(1);
        Self {
            width: side(input.width),
            height: side(input.height),
        }
    }

    /// The shape of a colour picture of this size, as networks take it.
    pub(crate) fn shape(self) -> [i64; 4] {
        [1, 3, self.height.into(), self.width.into()]
    }

    /// The longer side of the picture that the last pass looks at.
    fn longest_looked_at(self) -> f64 {
        f64::from(self.width.max(self.height)) * parts(MOST_TILES)
    }
}

/// Where an area of a picture lies on a canvas.
#[derive(Debug)]
pub(super) struct Frame {
    area: Area,
    pub(super) left: u32,
    pub(super) top: u32,
    pub(super) width: u32,
    pub(super) height: u32,
}

impl Frame {
    /// The largest centred frame of the area's shape, times `zoom`.
    pub(super) fn fit(area: Area, zoom: f64, canvas: Canvas) -> Self {
        let Canvas {
            width: most_wide,
            height: most_high,
        } = canvas;
        let scale = (f64::from(most_wide) / area.width).min(f64::from(most_high) / area.height);
        let side = |length: f64, most: u32| ((length * scale * zoom).round() as u32).clamp(1, most);
        let (width, height) = (side(area.width, most_wide), side(area.height, most_high));
        Self {
            area,
            left: (most_wide - width) / 2,
            top: (most_high - height) / 2,
            width,
            height,
        }
    }

    /// From the canvas's pixels to the picture's.
    pub(super) fn to_picture(&self, (x, y): (f64, f64)) -> (f64, f64) {
        let x = (x - f64::from(self.left)) / f64::from(self.width);
        let y = (y - f64::from(self.top)) / f64::from(self.height);
        (
            self.area.left + x * self.area.width,
            self.area.top + y * self.area.height,
        )
    }
}

/// What is looked at one after the other until a face is found: areas, each scaled to so many times the detector's frame.
pub(super) fn passes(image: &View, layout: Layout) -> Vec<Vec<(Area, f64)>> {
    let whole = Area::whole(image);
    let mut passes = vec![vec![(whole, 1.0)], vec![(whole, 0.5)]];
    if layout != Layout::Selfie {
        let tiled = [2, MOST_TILES].map(|n| {
            tiles(image, n)
                .into_iter()
                .map(|tile| (tile, 1.0))
                .collect()
        });
        passes.extend(tiled);
    }
    passes
}

/// The whole picture with as many pixels as the last pass looks at: to be turned about, which costs by the pixel.
pub(super) fn shrunk(
    image: &View,
    canvas: Canvas,
    scaler: &mut Scaler,
) -> Result<RgbImage, VisionError> {
    let longest = image.width().max(image.height());
    let enough = canvas.longest_looked_at().max(f64::from(MIN_SIDE));
    let scale = (enough / longest).min(1.0);
    let side = |length: f64| ((length * scale).round() as u32).max(1);
    let size = (side(image.width()), side(image.height()));
    scaler.scale(image, Area::whole(image), size.0, size.1)
}

/// The widths of a tile that `n` of them cover.
fn parts(n: u32) -> f64 {
    f64::from(n) - TILE_OVERLAP * f64::from(n - 1)
}

/// `n` x `n` overlapping tiles.
fn tiles(image: &View, n: u32) -> Vec<Area> {
    let whole = Area::whole(image);
    let (width, height) = (whole.width / parts(n), whole.height / parts(n));
    let step = 1.0 - TILE_OVERLAP;
    let tile = |row: u32, column: u32| {
        let (left, top) = (
            f64::from(column) * width * step,
            f64::from(row) * height * step,
        );
        Area::inside(left, top, left + width, top + height, image)
    };
    (0..n)
        .flat_map(|row| (0..n).map(move |column| (row, column)))
        .map(|(r, c)| tile(r, c))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHIPPED: Canvas = Canvas {
        width: 320,
        height: 240,
    };

    #[test]
    fn a_letterboxed_frame_maps_back_to_the_picture() {
        let area = Area {
            left: 100.0,
            top: 50.0,
            width: 400.0,
            height: 400.0,
        };
        let frame = Frame::fit(area, 1.0, SHIPPED);
        assert_eq!(
            (frame.width, frame.height, frame.left, frame.top),
            (240, 240, 40, 0)
        );
        assert_eq!(frame.to_picture((40.0, 0.0)), (100.0, 50.0));
        let (x, y) = frame.to_picture((280.0, 240.0));
        assert!((x - 500.0).abs() < 1e-4 && (y - 450.0).abs() < 1e-4);
    }

    #[test]
    fn a_frame_is_as_large_as_its_canvas_allows() {
        let area = Area {
            left: 0.0,
            top: 0.0,
            width: 400.0,
            height: 200.0,
        };
        let canvas = Canvas {
            width: 640,
            height: 640,
        };
        let frame = Frame::fit(area, 0.5, canvas);
        assert_eq!(
            (frame.width, frame.height, frame.left, frame.top),
            (320, 160, 160, 240)
        );
        assert_eq!(frame.to_picture((320.0, 320.0)), (200.0, 100.0));
    }

    #[test]
    fn a_shrunk_picture_has_what_the_last_pass_of_its_detector_looks_at() {
        let image = View::whole(RgbImage::new(3000, 1500));
        let canvas = |side| Canvas {
            width: side,
            height: side,
        };
        for (canvas, width) in [(SHIPPED, 800), (canvas(640), 1536), (canvas(1280), 3000)] {
            let shrunk = shrunk(&image, canvas, &mut Scaler::default()).unwrap();
            assert_eq!(shrunk.dimensions(), (width, width / 2));
        }
    }

    #[test]
    fn tiles_cover_the_picture_with_an_overlap() {
        let image = View::whole(RgbImage::new(1000, 600));
        let tiles = tiles(&image, 3);
        assert_eq!(tiles.len(), 9);
        let last = tiles[8];
        assert!(
            (last.left + last.width - 1000.0).abs() < 1e-6
                && (last.top + last.height - 600.0).abs() < 1e-6
        );
        assert!(tiles[1].left < tiles[0].left + tiles[0].width);
    }
}
