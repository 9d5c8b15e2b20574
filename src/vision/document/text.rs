//! Where lines of text are: a PP-OCR detector, whose map of text is cut into connected pieces.

use image::RgbImage;

use super::geometry::Row;
use crate::vision::VisionError;
use crate::vision::crop::{Area, Scaler};
use crate::vision::files::ModelFiles;
use crate::vision::points;
use crate::vision::session::{Loader, Model, ModelError};

/// The detector takes sides that are multiples of it.
const STRIDE: f64 = 32.0;
/// Probability from which a pixel is text.
const MIN_PROBABILITY: f32 = 0.3;
/// Smaller pieces, in pixels of the map, are specks.
const MIN_PIXELS: usize = 10;
/// The map shows the heart of a line; this share of its area over its outline is added all around.
const GROWTH: f64 = 1.5;
/// Longer side, in pixels, from which pieces are as thick as lines are; the letters of a zone across the picture are 10
/// high at it.
pub(super) const SHARP_SIDE: f64 = 640.0;
/// In a smaller picture pieces are thicker, by what so many pixels of the map have grown. From the zones of fixtures and
/// specimens at 384 and 320.
const BLUR: f64 = 7.0;

/// Finds lines of text.
pub(super) struct TextDetector {
    model: Model,
}

impl TextDetector {
    pub(super) fn load(loader: Loader<'_>, files: &ModelFiles) -> Result<Self, ModelError> {
        Ok(Self {
            model: Model::shipped(loader, files, "text_detect")?,
        })
    }

    /// The model that it rests on.
    pub(super) fn model(&mut self) -> &mut Model {
        &mut self.model
    }

    /// The lines of a picture whose longer side is scaled to `side`, in pixels of the picture.
    pub(super) fn find(
        &mut self,
        image: &RgbImage,
        side: f64,
        scaler: &mut Scaler,
    ) -> Result<Vec<Row>, VisionError> {
        let (width, height) = (f64::from(image.width()), f64::from(image.height()));
        let scale = side / width.max(height);
        let fit = |length: f64| ((length * scale / STRIDE).round().max(1.0) * STRIDE) as u32;
        let (columns, rows) = (fit(width), fit(height));
        let whole = Area::of_size(width, height);
        let scaled = scaler.scale_pixels(image, whole, columns, rows)?;
        let pieces = self.model.run_at(&scaled, |_, map| {
            pieces(map, columns as usize, rows as usize)
        })?;
        let ratio = (width / f64::from(columns), height / f64::from(rows));
        let excess = BLUR * (1.0 / scale - width.max(height) / SHARP_SIDE).max(0.0);
        let row = |piece: &Vec<_>| bounds(piece, ratio).thinner(excess);
        Ok(pieces.iter().map(row).collect())
    }
}

/// Connected pixels of text.
fn pieces(map: &[f32], columns: usize, rows: usize) -> Vec<Vec<(usize, usize)>> {
    let mut open: Vec<bool> = map.iter().map(|p| *p > MIN_PROBABILITY).collect();
    open.resize(columns * rows, false);
    let mut pieces = Vec::new();
    for start in 0..open.len() {
        if !open[start] {
            continue;
        }
        open[start] = false;
        let (mut piece, mut next) = (Vec::new(), vec![start]);
        while let Some(index) = next.pop() {
            let (x, y) = (index % columns, index / columns);
            piece.push((x, y));
            let neighbours = [
                (x > 0).then(|| index - 1),
                (x + 1 < columns).then(|| index + 1),
                (y > 0).then(|| index - columns),
                (y + 1 < rows).then(|| index + columns),
            ];
            for neighbour in neighbours.into_iter().flatten() {
                if std::mem::take(&mut open[neighbour]) {
                    next.push(neighbour);
                }
            }
        }
        if piece.len() >= MIN_PIXELS {
            pieces.push(piece);
        }
    }
    pieces
}

/// The rectangle around a piece, along its main axis, grown to hold whole letters.
fn bounds(piece: &[(usize, usize)], ratio: (f64, f64)) -> Row {
    let points = || {
        let centre =
            |(x, y): &(usize, usize)| ((*x as f64 + 0.5) * ratio.0, (*y as f64 + 0.5) * ratio.1);
        piece.iter().map(centre)
    };
    let count = piece.len() as f64;
    let mean = points().fold((0.0, 0.0), |sum, p| {
        (sum.0 + p.0 / count, sum.1 + p.1 / count)
    });
    let (mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0);
    for (x, y) in points() {
        let (dx, dy) = (x - mean.0, y - mean.1);
        xx += dx * dx;
        xy += dx * dy;
        yy += dy * dy;
    }
    // The main axis of a symmetric matrix of two by two; it points to the right, or down where it stands upright.
    let angle = 0.5 * (2.0 * xy).atan2(xx - yy);
    let mut row = Row {
        centre: mean,
        along: (angle.cos(), angle.sin()),
        length: 0.0,
        thickness: 0.0,
    };
    if row.along.1 < -std::f64::consts::FRAC_1_SQRT_2 {
        row = row.reversed();
    }
    let located: Vec<_> = points().map(|point| row.locate(point)).collect();
    let [start, top, end, bottom] = points::bounds(&located);
    let pixel = f64::midpoint(ratio.0, ratio.1);
    let (length, thickness) = (end - start + pixel, bottom - top + pixel);
    let growth = GROWTH * length * thickness / (length + thickness);
    Row {
        centre: row.at(f64::midpoint(start, end), f64::midpoint(top, bottom)),
        length: length + growth,
        thickness: thickness + growth,
        ..row
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separate_bars_are_separate_lines_with_their_own_direction() {
        let (columns, rows) = (120, 100);
        let mut map = vec![0.0; columns * rows];
        for x in 10..90 {
            for y in 20..24 {
                map[y * columns + x] = 0.9;
            }
            // Falls by one in four.
            for y in 0..4 {
                map[(50 + x / 4 + y) * columns + x] = 0.9;
            }
        }
        map[0] = 1.0;
        let found = pieces(&map, columns, rows);
        assert_eq!(found.len(), 2, "a speck is no line");
        let lines: Vec<Row> = found
            .iter()
            .map(|piece| bounds(piece, (2.0, 2.0)))
            .collect();
        assert!((lines[0].along.0 - 1.0).abs() < 1e-9 && lines[0].along.1.abs() < 1e-9);
        assert!(
            (lines[0].centre.0 - 100.0).abs() < 1e-9 && (lines[0].centre.1 - 44.0).abs() < 1e-9
        );
        let growth = 1.5 * 160.0 * 8.0 / 168.0;
        assert!(
            (lines[0].length - 160.0 - growth).abs() < 1e-9,
            "{:?}",
            lines[0]
        );
        assert!(
            (lines[0].thickness - 8.0 - growth).abs() < 1e-9,
            "{:?}",
            lines[0]
        );
        let slope = lines[1].along.1 / lines[1].along.0;
        assert!((slope - 0.25).abs() < 0.02, "{slope}");
    }

    #[test]
    fn a_map_that_is_too_short_has_nothing_beyond_its_end() {
        assert!(pieces(&[0.9; 20], 4, 10).len() == 1);
        assert!(pieces(&[], 4, 10).is_empty());
    }
}
