//! Where the faces are: an RFB detector of 320x240 pixels, looked through once or, for small faces, tile by tile.

use image::RgbImage;

use super::crop::{Area, Channels, Scaler, planar_on};
use super::picture::{MIN_SIDE, View};
use super::session::{Loader, Model, ModelError};
use super::turned::{Quarters, turned};
use super::{Layout, VisionError};
use crate::domain::face::BoundingBox;

const WIDTH: u32 = 320;
const HEIGHT: u32 = 240;
/// Confidence from which a find is a face. Portraits on documents reach 0.97; guilloches and seals that are taken for
/// faces stayed below 0.7.
const MIN_CONFIDENCE: f32 = 0.8;
/// Narrower finds, in pixels of the picture, hold too little to compare.
const MIN_FACE_SIDE: f64 = 12.0;
/// Overlap (intersection over union) above which two boxes are one face.
const MAX_OVERLAP: f32 = 0.4;
/// Share of the smaller box inside the larger above which two boxes are one face: tiles cut faces.
const MAX_CONTAINED: f32 = 0.7;
/// Tiles overlap by this share of their size, so that a face at a seam is whole in one of them.
const TILE_OVERLAP: f64 = 0.3;

/// A found face.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Detection {
    pub(super) bounding_box: BoundingBox,
    pub(super) confidence: f32,
}

/// Finds faces.
pub(super) struct Detector {
    model: Model,
}

impl Detector {
    pub(super) fn load(loader: Loader<'_>, path: &std::path::Path) -> Result<Self, ModelError> {
        let shape = [1, 3, i64::from(HEIGHT), i64::from(WIDTH)];
        Ok(Self {
            model: Model::load(loader, path, &shape, &["scores", "boxes"])?,
        })
    }

    /// The model that it rests on.
    pub(super) fn model(&mut self) -> &mut Model {
        &mut self.model
    }

    /// The faces of a picture, largest first.
    ///
    /// The whole picture is looked at first. Where that shows nothing, a frame-filling face is looked for at half the size,
    /// and on a document small faces in 2x2 and then 3x3 tiles. These many looks are at a copy that has no more pixels than
    /// they need.
    pub(super) fn find(
        &mut self,
        image: &View,
        layout: Layout,
        scaler: &mut Scaler,
    ) -> Result<Vec<Detection>, VisionError> {
        let passes = passes(image, layout);
        let [first, later @ ..] = passes.as_slice() else {
            return Ok(Vec::new());
        };
        let mut found = self.look_through(image, first, scaler)?;
        if found.is_empty() {
            let small = image.reduced(shrunk(image, scaler)?);
            for pass in later {
                found = self.look_through(&small, pass, scaler)?;
                if !found.is_empty() {
                    break;
                }
            }
        }
        Ok(distinct(found))
    }

    /// How a document has to be turned for the surest face that it shows any other way than as it lies. The first pass that
    /// shows a face in any of the three ways decides: the later ones are the slow ones.
    pub(super) fn surest_turn(
        &mut self,
        image: &View,
        scaler: &mut Scaler,
    ) -> Result<Option<Quarters>, VisionError> {
        let small = shrunk(image, scaler)?;
        let views = Quarters::OTHERS.map(|quarters| View::whole(turned(small.clone(), quarters)));
        let passes = views.each_ref().map(|view| passes(view, Layout::AnyTurn));
        let count = passes[0].len();
        for pass in 0..count {
            let mut surest: Option<(Quarters, f32)> = None;
            let ways = Quarters::OTHERS.into_iter().zip(&views).zip(&passes);
            for ((quarters, view), passes) in ways {
                for found in self.look_through(view, &passes[pass], scaler)? {
                    if surest.is_none_or(|(_, confidence)| found.confidence > confidence) {
                        surest = Some((quarters, found.confidence));
                    }
                }
            }
            if let Some((quarters, _)) = surest {
                return Ok(Some(quarters));
            }
        }
        Ok(None)
    }

    fn look_through(
        &mut self,
        image: &View,
        pass: &[(Area, f64)],
        scaler: &mut Scaler,
    ) -> Result<Vec<Detection>, VisionError> {
        let mut found = Vec::new();
        for (area, zoom) in pass {
            found.extend(self.look(image, *area, *zoom, scaler)?);
        }
        Ok(found)
    }

    /// Looks at one area, scaled to `zoom` times the detector's frame.
    fn look(
        &mut self,
        image: &View,
        area: Area,
        zoom: f64,
        scaler: &mut Scaler,
    ) -> Result<Vec<Detection>, VisionError> {
        let frame = Frame::fit(area, zoom);
        let scaled = scaler.scale(image, area, frame.width, frame.height)?;
        // Around a picture of another shape is grey: the tensor's zero.
        let (canvas, corner) = ((WIDTH, HEIGHT), (frame.left, frame.top));
        let (mean, scale) = ([127.0; 3], [1.0 / 128.0; 3]);
        let tensor = planar_on(canvas, corner, &scaled, Channels::Rgb, mean, scale);
        let outputs = self.model.run(&tensor)?;
        Ok(read(
            &outputs[0],
            &outputs[1],
            |x, y| frame.to_picture(x, y),
            image,
        ))
    }
}

/// Where an area of a picture lies on the detector's canvas.
#[derive(Debug)]
struct Frame {
    area: Area,
    left: u32,
    top: u32,
    width: u32,
    height: u32,
}

impl Frame {
    /// The largest centred frame of the area's shape, times `zoom`.
    fn fit(area: Area, zoom: f64) -> Self {
        let scale = (f64::from(WIDTH) / area.width).min(f64::from(HEIGHT) / area.height) * zoom;
        let side = |length: f64, most: u32| ((length * scale).round() as u32).clamp(1, most);
        let (width, height) = (side(area.width, WIDTH), side(area.height, HEIGHT));
        Self {
            area,
            left: (WIDTH - width) / 2,
            top: (HEIGHT - height) / 2,
            width,
            height,
        }
    }

    /// From the detector's coordinates (0 to 1 over the canvas) to the picture's pixels.
    fn to_picture(&self, x: f32, y: f32) -> (f64, f64) {
        let x = (f64::from(x) * f64::from(WIDTH) - f64::from(self.left)) / f64::from(self.width);
        let y = (f64::from(y) * f64::from(HEIGHT) - f64::from(self.top)) / f64::from(self.height);
        (
            self.area.left + x * self.area.width,
            self.area.top + y * self.area.height,
        )
    }
}

/// What is looked at one after the other until a face is found: areas, each scaled to so many times the detector's frame.
fn passes(image: &View, layout: Layout) -> Vec<Vec<(Area, f64)>> {
    let whole = Area::whole(image);
    let mut passes = vec![vec![(whole, 1.0)], vec![(whole, 0.5)]];
    if layout != Layout::Selfie {
        let tiled = [2, 3].map(|n| {
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
fn shrunk(image: &View, scaler: &mut Scaler) -> Result<RgbImage, VisionError> {
    let longest = image.width().max(image.height());
    let scale = (f64::from(MIN_SIDE) / longest).min(1.0);
    let side = |length: f64| ((length * scale).round() as u32).max(1);
    let size = (side(image.width()), side(image.height()));
    scaler.scale(image, Area::whole(image), size.0, size.1)
}

/// `n` x `n` overlapping tiles.
fn tiles(image: &View, n: u32) -> Vec<Area> {
    let whole = Area::whole(image);
    let parts = f64::from(n) - TILE_OVERLAP * f64::from(n - 1);
    let (width, height) = (whole.width / parts, whole.height / parts);
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

/// The faces in the detector's outputs: scores as (background, face), boxes as corners.
fn read(
    scores: &[f32],
    boxes: &[f32],
    to_picture: impl Fn(f32, f32) -> (f64, f64),
    image: &View,
) -> Vec<Detection> {
    let candidates = scores.chunks_exact(2).zip(boxes.chunks_exact(4));
    candidates
        .filter(|(score, _)| score[1] >= MIN_CONFIDENCE)
        .filter_map(|(score, corners)| {
            let (left, top) = to_picture(corners[0], corners[1]);
            let (right, bottom) = to_picture(corners[2], corners[3]);
            // Written so that a corner that is not a number is refused.
            if !(right - left >= MIN_FACE_SIDE && bottom - top >= MIN_FACE_SIDE) {
                return None;
            }
            let area = Area::inside(left, top, right, bottom, image);
            let bounding_box = BoundingBox {
                x: area.left as f32,
                y: area.top as f32,
                width: area.width as f32,
                height: area.height as f32,
            };
            Some(Detection {
                bounding_box,
                confidence: score[1].min(1.0),
            })
        })
        .collect()
}

/// Non-maximum suppression: of boxes that overlap the most confident stays, then of nested ones the largest, since
/// a tile's edge cuts faces. Largest first.
fn distinct(mut detections: Vec<Detection>) -> Vec<Detection> {
    detections.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    let mut kept = keep_first(detections, |shared, a, b| {
        shared / (a + b - shared) > MAX_OVERLAP
    });
    kept.sort_by(|a, b| b.bounding_box.area().total_cmp(&a.bounding_box.area()));
    keep_first(kept, |shared, a, b| shared / a.min(b) > MAX_CONTAINED)
}

/// Drops every detection that is the same face as an earlier one, by the shared area and the areas of both.
fn keep_first(detections: Vec<Detection>, same: impl Fn(f32, f32, f32) -> bool) -> Vec<Detection> {
    let mut kept: Vec<Detection> = Vec::new();
    for detection in detections {
        let area = detection.bounding_box.area();
        let repeats = |other: &Detection| {
            let shared = shared_area(&other.bounding_box, &detection.bounding_box);
            same(shared, other.bounding_box.area(), area)
        };
        if !kept.iter().any(repeats) {
            kept.push(detection);
        }
    }
    kept
}

fn shared_area(a: &BoundingBox, b: &BoundingBox) -> f32 {
    let width = (a.x + a.width).min(b.x + b.width) - a.x.max(b.x);
    let height = (a.y + a.height).min(b.y + b.height) - a.y.max(b.y);
    width.max(0.0) * height.max(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detection(x: f32, width: f32, confidence: f32) -> Detection {
        Detection {
            bounding_box: BoundingBox {
                x,
                y: 0.0,
                width,
                height: width,
            },
            confidence,
        }
    }

    #[test]
    fn of_overlapping_boxes_the_most_confident_stays_and_the_largest_comes_first() {
        let found = distinct(vec![
            detection(0.0, 10.0, 0.9),
            detection(1.0, 10.0, 0.99),
            detection(100.0, 30.0, 0.86),
            detection(105.0, 8.0, 0.95),
        ]);
        let boxes: Vec<_> = found
            .iter()
            .map(|d| (d.bounding_box.x, d.confidence))
            .collect();
        assert_eq!(boxes, [(100.0, 0.86), (1.0, 0.99)]);
    }

    #[test]
    fn doubtful_tiny_and_absurd_boxes_are_no_faces() {
        let image = View::whole(RgbImage::new(320, 240));
        let whole = |x: f32, y: f32| (f64::from(x) * 320.0, f64::from(y) * 240.0);
        let found = |score: f32, corners: [f32; 4]| {
            !read(&[1.0 - score, score], &corners, whole, &image).is_empty()
        };
        assert!(found(0.9, [0.1, 0.1, 0.4, 0.5]));
        assert!(!found(0.7, [0.1, 0.1, 0.4, 0.5]));
        assert!(!found(0.9, [0.1, 0.1, 0.12, 0.5]));
        assert!(!found(0.9, [0.4, 0.5, 0.1, 0.1]));
        assert!(!found(f32::NAN, [0.1, 0.1, 0.4, 0.5]));
        assert!(!found(0.9, [0.1, 0.1, f32::NAN, 0.5]));
    }

    #[test]
    fn a_letterboxed_frame_maps_back_to_the_picture() {
        let area = Area {
            left: 100.0,
            top: 50.0,
            width: 400.0,
            height: 400.0,
        };
        let frame = Frame::fit(area, 1.0);
        assert_eq!(
            (frame.width, frame.height, frame.left, frame.top),
            (240, 240, 40, 0)
        );
        assert_eq!(frame.to_picture(40.0 / 320.0, 0.0), (100.0, 50.0));
        let (x, y) = frame.to_picture(280.0 / 320.0, 1.0);
        assert!((x - 500.0).abs() < 1e-4 && (y - 450.0).abs() < 1e-4);
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
