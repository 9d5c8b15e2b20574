//! The shapes of the zone's characters in OCR-B, sharp and blurred.

use image::imageops::{self, FilterType};

use crate::vision::decode::{ImageLimits, decode};
use crate::vision::session::ModelError;
use crate::vision::tensor::luminance;

/// The zone's characters.
pub(super) const ALPHABET: &str = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ<";
/// Every character of the alphabet, one beside the other, in cells of one pitch.
const SHEET: &[u8] = include_bytes!("ocr_b.png");
/// Width and height of a cell: as wide as the pitch of the zone's characters.
pub(super) const CELL: (usize, usize) = (15, 24);
/// A row of a shape with a zero at its end: as many values as are worked on at once.
pub(super) const FULL_ROW: usize = CELL.0 + 1;
/// Characters that are taken for each other.
const TWINS: [(char, char); 6] = [
    ('0', 'O'),
    ('1', 'I'),
    ('2', 'Z'),
    ('5', 'S'),
    ('6', 'G'),
    ('8', 'B'),
];
/// Spreads of the blurs, in pixels of a cell.
const BLURS: [f32; 3] = [0.6, 1.2, 1.8];

/// The shapes, each of mean 0 and length 1, in full rows.
pub(super) struct Shapes(Vec<[Vec<f32>; BLURS.len()]>);

impl Shapes {
    /// From the sheet in the program.
    pub(super) fn load() -> Result<Self, ModelError> {
        let sheet = decode(SHEET, ImageLimits::default());
        let sheet = sheet.map_err(|error| ModelError::Load {
            path: "ocr_b.png".into(),
            reason: error.to_string(),
        })?;
        let (count, height) = (ALPHABET.len() as u32, sheet.height());
        let width = sheet.width() / count;
        let shapes = (0..count).map(|index| {
            let cell = imageops::crop_imm(&sheet, index * width, 0, width, height).to_image();
            let (width, height) = (CELL.0 as u32, CELL.1 as u32);
            let cell = imageops::resize(&cell, width, height, FilterType::Triangle);
            BLURS.map(|spread| in_full_rows(&normalised(luminance(&imageops::blur(&cell, spread)))))
        });
        Ok(Self(shapes.collect()))
    }

    /// How many blurs there are.
    pub(super) fn blurs(&self) -> usize {
        BLURS.len()
    }

    /// What a character of the alphabet looks like, and the one that it is often taken for: readers confuse them, and a
    /// character that was read wrong is not printed wrong.
    pub(super) fn of(&self, character: char, blur: usize) -> impl Iterator<Item = &[f32]> {
        let twin = TWINS.iter().find_map(|pair| match *pair {
            (one, other) if one == character => Some(other),
            (other, one) if one == character => Some(other),
            _ => None,
        });
        let either = [Some(character), twin].into_iter().flatten();
        either.filter_map(move |one| Some(self.0[ALPHABET.find(one)?][blur].as_slice()))
    }
}

fn in_full_rows(shape: &[f32]) -> Vec<f32> {
    let rows = shape.chunks_exact(CELL.0);
    rows.flat_map(|row| row.iter().copied().chain([0.0]))
        .collect()
}

fn normalised(mut shape: Vec<f32>) -> Vec<f32> {
    let mean = shape.iter().sum::<f32>() / shape.len() as f32;
    shape.iter_mut().for_each(|value| *value -= mean);
    let length = shape.iter().map(|value| value * value).sum::<f32>().sqrt();
    shape.iter_mut().for_each(|value| *value /= length);
    shape
}
