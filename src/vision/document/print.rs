//! How a zone is printed: in which font, and how evenly its characters stand.
//!
//! ICAO Doc 9303 prescribes one font, OCR-B, and one pitch. Each character that was read is looked for around its
//! place in the shape that it has in that font: the best correlation tells how well it fits, and where it lies how far it
//! stands off the line. Slow changes along a line, as from perspective, a bend or a blur on one side, are fitted and
//! taken away; what is left belongs to single characters.

use image::RgbImage;
use multiversion::multiversion;

use super::curve::{Curve, Degree};
use super::geometry::Row;
use super::shapes::{CELL, FULL_ROW, Shapes};
use crate::domain::cues::CueKind;

/// How far around its place a character is looked for, in pixels of the level line.
const REACH: (usize, usize) = (5, 8);
/// Characters whose fit tells how blurred a line is.
const TRIED_FOR_BLUR: usize = 10;
/// Fewer letters and digits in a line tell nothing.
const MIN_CHARACTERS: usize = 6;
/// What fits worse has not been found, and where it stands is not known.
const MIN_FIT: f64 = 0.6;
/// Neighbours whose distances from the line are averaged: what was put in has seldom one character alone.
const NEIGHBOURS: usize = 3;

/// How a zone is printed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Print {
    /// Median correlation of its letters and digits with their shapes in OCR-B, -1 to 1.
    pub fit: f32,
    /// How much worse than its neighbours the worst letter or digit fits, 0 to 2.
    pub misfit: f32,
    /// How far the worst three neighbours stand above or below their line, in widths of a character.
    pub offset: f32,
}

impl Print {
    /// What it says of a cue.
    #[must_use]
    pub fn value(&self, cue: CueKind) -> f32 {
        match cue {
            CueKind::MrzCharacter => self.misfit,
            CueKind::MrzAlignment => self.offset,
        }
    }
}

/// One character in a line, as it was found.
#[derive(Debug, Clone, Copy)]
struct Place {
    character: char,
    fit: f64,
    /// How far from where it should stand, in pixels of the level line.
    along: f64,
    down: f64,
}

/// Measures lines of text, each in a row with `margin` characters of space at its ends together. `None` where too little
/// stands in them.
pub(super) fn measure<'a>(
    image: &RgbImage,
    shapes: &Shapes,
    lines: impl Iterator<Item = (&'a Row, &'a str)>,
    margin: f64,
) -> Option<Print> {
    let (mut fits, mut misfit, mut offset) = (Vec::new(), 0.0_f64, 0.0_f64);
    for (row, text) in lines {
        let places = places(image, shapes, row, text, margin);
        let printed = |place: &&Place| place.character != '<';
        if places.iter().filter(printed).count() < MIN_CHARACTERS {
            continue;
        }
        fits.extend(places.iter().filter(printed).map(|place| place.fit));
        let mut off = residuals(&places, |place| place.down);
        for (off, place) in off.iter_mut().zip(&places) {
            if place.fit < MIN_FIT {
                *off = 0.0;
            }
        }
        for neighbours in off.windows(NEIGHBOURS) {
            let mean = neighbours.iter().sum::<f64>() / NEIGHBOURS as f64;
            offset = offset.max(mean.abs() / CELL.0 as f64);
        }
        let worse = residuals(&places, |place| place.fit);
        for (place, residual) in places.iter().zip(worse) {
            if place.character != '<' {
                misfit = misfit.max(-residual);
            }
        }
    }
    fits.sort_by(f64::total_cmp);
    let fit = *fits.get(fits.len() / 2)?;
    Some(Print {
        fit: fit as f32,
        misfit: misfit as f32,
        offset: offset as f32,
    })
}

/// Finds the characters of a line: once in the row as it was read, and again in one that goes through them.
fn places(image: &RgbImage, shapes: &Shapes, row: &Row, text: &str, margin: f64) -> Vec<Place> {
    let level = Level::cut(image, row, text.len() as f64 + margin);
    let row = straightened(row, &level.places(shapes, text, margin), margin);
    Level::cut(image, &row, text.len() as f64 + margin).places(shapes, text, margin)
}

/// The row that goes through characters which were found beside it.
fn straightened(row: &Row, places: &[Place], margin: f64) -> Row {
    let count = places.len();
    let pixel = row.length / ((count as f64 + margin) * CELL.0 as f64);
    let ends = |measure: fn(&Place) -> f64| {
        let curve = curve(places, measure, Degree::One);
        (
            curve.at(0, count) * pixel,
            curve.at(count - 1, count) * pixel,
        )
    };
    let ((first_along, last_along), (first_down, last_down)) =
        (ends(|place| place.along), ends(|place| place.down));
    let half = row.length / 2.0;
    let first = row.at(first_along - half, first_down);
    let last = row.at(last_along + half, last_down);
    let (x, y) = (last.0 - first.0, last.1 - first.1);
    let length = x.hypot(y);
    Row {
        centre: (
            f64::midpoint(first.0, last.0),
            f64::midpoint(first.1, last.1),
        ),
        along: (x / length, y / length),
        length,
        ..*row
    }
}

/// A line, turned level and scaled so that a character has the size of [`CELL`].
struct Level {
    grey: Vec<f32>,
    width: usize,
    /// By the left upper corner of a cell, what its pixels' deviations from their mean come to: the root of their squares.
    spreads: Vec<f32>,
}

impl Level {
    const HEIGHT: usize = CELL.1 + 2 * REACH.1;

    fn cut(image: &RgbImage, row: &Row, characters: f64) -> Self {
        let pitch = row.length / characters;
        let width = (characters * CELL.0 as f64).round() as usize;
        let row = Row {
            thickness: pitch * Self::HEIGHT as f64 / CELL.0 as f64,
            ..*row
        };
        let mut grey = row.cut_grey(image, width as u32, Self::HEIGHT as u32);
        let spreads = spreads(&grey, width);
        // Beside the last cell there is room for what makes its rows full.
        grey.resize(grey.len() + FULL_ROW, 0.0);
        Self {
            grey,
            width,
            spreads,
        }
    }

    /// Finds its characters, as blurred as most of them are.
    fn places(&self, shapes: &Shapes, text: &str, margin: f64) -> Vec<Place> {
        let at = |column: usize| (column as f64 + margin / 2.0) * CELL.0 as f64;
        let find = |(column, character), blur| self.find(shapes, character, blur, at(column));
        let characters = || text.chars().enumerate();
        let printed = || characters().filter(|(_, character)| *character != '<');
        let fits = |blur: &usize| -> f64 {
            let tried = printed().take(TRIED_FOR_BLUR);
            tried.map(|one| find(one, *blur).fit).sum()
        };
        let blurs = (0..shapes.blurs()).map(|blur| (fits(&blur), blur));
        let blur = blurs.max_by(|a, b| a.0.total_cmp(&b.0));
        let blur = blur.map_or(0, |(_, blur)| blur);
        characters().map(|one| find(one, blur)).collect()
    }

    /// Where around a place a character fits best.
    fn find(&self, shapes: &Shapes, character: char, blur: usize, at: f64) -> Place {
        let nowhere = Place {
            character,
            fit: -1.0,
            along: 0.0,
            down: 0.0,
        };
        let better = |best: Place, shape: &[f32]| {
            let (along, down, fit) = self.place(shape, at);
            if fit > best.fit {
                Place {
                    along,
                    down,
                    fit,
                    ..best
                }
            } else {
                best
            }
        };
        shapes.of(character, blur).fold(nowhere, better)
    }

    /// Where around a place a shape fits best: how far along and down from it, and how well.
    fn place(&self, shape: &[f32], at: f64) -> (f64, f64, f64) {
        let by_row = best_of_heights(self, shape, at.round() as usize);
        let best = (0..by_row.len()).max_by(|a, b| by_row[*a].1.total_cmp(&by_row[*b].1));
        let best = best.unwrap_or(REACH.1);
        // Between pixels: the top of the parabola through the best and its neighbours.
        let part = match by_row.get(best.wrapping_sub(1)..best + 2) {
            Some([(_, above), (_, middle), (_, below)]) => {
                let bend = above - 2.0 * middle + below;
                if bend < 0.0 {
                    (above - below) / (2.0 * bend)
                } else {
                    0.0
                }
            }
            _ => 0.0,
        };
        let (x, fit) = by_row[best];
        (x as f64 - at, best as f64 + part - REACH.1 as f64, fit)
    }

    /// Correlation of a shape, of mean 0 and length 1, with what lies under it.
    #[inline(always)]
    fn correlation(&self, shape: &[f32], left: usize, top: usize) -> f64 {
        // By column, so that neighbours are worked on at once.
        let mut joint = [0.0_f32; FULL_ROW];
        for (row, shape) in shape.as_chunks::<FULL_ROW>().0.iter().enumerate() {
            let start = (top + row) * self.width + left;
            let greys = self.grey[start..].first_chunk().unwrap_or(&[0.0; FULL_ROW]);
            for column in 0..FULL_ROW {
                joint[column] += greys[column] * shape[column];
            }
        }
        let spread = self.spreads[top * self.width + left];
        f64::from(joint.iter().sum::<f32>() / spread)
    }
}

/// The best fit of a shape at each height, wherever around a place it lies along the line. It is the same to the last bit on
/// all processors: no version multiplies and adds in one step.
#[multiversion(targets("x86_64+avx2"))]
fn best_of_heights(level: &Level, shape: &[f32], left: usize) -> [(usize, f64); 2 * REACH.1 + 1] {
    let mut by_row = [(0, -1.0); 2 * REACH.1 + 1];
    for (down, best) in by_row.iter_mut().enumerate() {
        for x in left.saturating_sub(REACH.0)..=left + REACH.0 {
            if x + CELL.0 > level.width {
                continue;
            }
            let fit = level.correlation(shape, x, down);
            if fit > best.1 {
                *best = (x, fit);
            }
        }
    }
    by_row
}

/// [`Level::spreads`] of a level line, from the sums of its columns.
fn spreads(grey: &[f32], width: usize) -> Vec<f32> {
    let count = (CELL.0 * CELL.1) as f64;
    let mut spreads = Vec::with_capacity((2 * REACH.1 + 1) * width);
    for top in 0..=2 * REACH.1 {
        let column = |x: usize| {
            let greys = (top..top + CELL.1).map(|row| f64::from(grey[row * width + x]));
            greys.fold([0.0; 2], |[sum, squares], grey| {
                [sum + grey, squares + grey * grey]
            })
        };
        let columns: Vec<[f64; 2]> = (0..width).map(column).collect();
        let spread = |cell: &[[f64; 2]]| {
            let [sum, squares] = cell
                .iter()
                .fold([0.0; 2], |a, b| [a[0] + b[0], a[1] + b[1]]);
            (squares - sum * sum / count)
                .max(f64::from(f32::EPSILON))
                .sqrt() as f32
        };
        spreads.extend(columns.windows(CELL.0).map(spread));
        spreads.resize((top + 1) * width, f32::INFINITY);
    }
    spreads
}

/// What a slow curve along the line does not explain of a measure.
fn residuals(places: &[Place], measure: fn(&Place) -> f64) -> Vec<f64> {
    let curve = curve(places, measure, Degree::Two);
    let values = places.iter().map(measure).enumerate();
    values
        .map(|(index, value)| value - curve.at(index, places.len()))
        .collect()
}

/// A measure of the characters along their line. Fillers count half.
fn curve(places: &[Place], measure: fn(&Place) -> f64, degree: Degree) -> Curve {
    let weight = |place: &Place| if place.character == '<' { 0.5 } else { 1.0 };
    let values: Vec<f64> = places.iter().map(measure).collect();
    let weights: Vec<f64> = places.iter().map(weight).collect();
    Curve::through(&values, &weights, degree)
}

#[cfg(test)]
mod tests {
    use image::{GrayImage, Luma, imageops};

    use super::*;

    const TEXT: &str = "L898902C36UTO7408122F1204159ZE184226B<<<<<10";
    /// Pixels of a character's cell.
    const PITCH: u32 = 20;
    const MARGIN: f64 = 1.0;

    /// A line of the text, of which `change` may move and replace characters.
    fn measured(change: impl Fn(usize, &mut char, &mut u32)) -> Print {
        let sheet = image::load_from_memory(include_bytes!("ocr_b.png")).unwrap();
        let sheet = sheet.into_luma8();
        let width = (TEXT.len() as u32 + 1) * PITCH;
        let mut page = GrayImage::from_pixel(width, 80, Luma([230]));
        for (column, mut character) in TEXT.chars().enumerate() {
            let mut top = 24;
            change(column, &mut character, &mut top);
            let index = crate::vision::document::shapes::ALPHABET.find(character);
            let glyph = imageops::crop_imm(&sheet, index.unwrap() as u32 * 40, 0, 40, 64);
            let glyph = imageops::thumbnail(&glyph.to_image(), PITCH, PITCH * 8 / 5);
            let left = column as u32 * PITCH + PITCH / 2;
            imageops::replace(&mut page, &glyph, left.into(), top.into());
        }
        let page = image::DynamicImage::ImageLuma8(page).into_rgb8();
        // A little turned and long, as readers find it.
        let row = Row {
            centre: (f64::from(width) / 2.0 + 1.5, 42.0),
            along: (0.999_95, 0.01),
            length: f64::from(width) * 1.003,
            thickness: 40.0,
        };
        let lines = [(&row, TEXT)].into_iter();
        measure(&page, &Shapes::load().unwrap(), lines, MARGIN).unwrap()
    }

    #[test]
    fn an_even_line_in_the_right_font_shows_nothing() {
        let print = measured(|_, _, _| {});
        assert!(
            print.fit > 0.9 && print.misfit < 0.06 && print.offset < 0.03,
            "{print:?}"
        );
    }

    #[test]
    fn neighbours_off_their_line_are_noticed() {
        let print = measured(|column, _, top| *top += u32::from((13..19).contains(&column)) * 2);
        assert!(print.offset > 0.07 && print.misfit < 0.06, "{print:?}");
    }

    #[test]
    fn a_character_that_looks_like_another_is_noticed() {
        let print = measured(|column, character, _| {
            if column == 15 {
                *character = 'X';
            }
        });
        assert!(print.misfit > 0.2 && print.fit > 0.9, "{print:?}");
    }

    #[test]
    fn fillers_alone_tell_nothing() {
        let row = Row {
            centre: (100.0, 20.0),
            along: (1.0, 0.0),
            length: 200.0,
            thickness: 20.0,
        };
        let lines = [(&row, "<<<<<<<<<<AB<<<<<<<<")].into_iter();
        let page = RgbImage::new(200, 40);
        assert_eq!(
            measure(&page, &Shapes::load().unwrap(), lines, MARGIN),
            None
        );
    }
}
