//! `O` and `0`, told apart by those of the same zone whose place says which they are.
//!
//! The recogniser sees lines of text and takes an `O` among digits for a `0`. But in a zone many a `0` stands where only
//! a digit may (dates, check digits), and often an `O` where only a letter may (names, states): what is neither is compared
//! with both, in the print of this very document. Where a zone has none of one kind, what was read stays.

use image::RgbImage;

use super::geometry::Row;
use crate::domain::mrz::{Allowed, Format};

/// Size of a character that is compared.
const WIDTH: u32 = 20;
const HEIGHT: u32 = 32;
/// A `0` has to be so much nearer to the letter to become one: the recogniser is mostly right about it.
const MAX_RATIO_FOR_LETTER: f32 = 0.5;
/// An `O` has to be so much nearer to the digit.
const MAX_RATIO_FOR_DIGIT: f32 = 0.75;
/// Fewer certain ones of a kind are too few to compare with.
const MIN_CERTAIN: usize = 2;

/// A line and what is written in it. Half a character more than its text is free at each end.
pub(super) struct Written {
    pub(super) row: Row,
    pub(super) text: String,
}

/// Tells every doubtful `O` and `0` apart.
pub(super) fn settle(image: &RgbImage, lines: &mut [Written]) {
    let (mut zeros, mut letters, mut doubtful) = (Vec::new(), Vec::new(), Vec::new());
    let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
    let Some(format) = Format::of_lines(&texts) else {
        return;
    };
    for (index, line) in lines.iter().enumerate() {
        for (position, character) in line.text.char_indices() {
            if character != 'O' && character != '0' {
                continue;
            }
            let glyph = || glyph(image, line, position);
            match format.allowed(index, position) {
                Allowed::Digits => zeros.push(glyph()),
                Allowed::Letters => letters.push(glyph()),
                Allowed::Both => doubtful.push((index, position, glyph())),
            }
        }
    }
    let (Some(zero), Some(letter)) = (mean(&zeros), mean(&letters)) else {
        return;
    };
    for (index, position, glyph) in doubtful {
        let (to_zero, to_letter) = (distance(&glyph, &zero), distance(&glyph, &letter));
        let settled = if to_letter < MAX_RATIO_FOR_LETTER * to_zero {
            "O"
        } else if to_zero < MAX_RATIO_FOR_DIGIT * to_letter {
            "0"
        } else {
            continue;
        };
        lines[index]
            .text
            .replace_range(position..=position, settled);
    }
}

/// A character's tones, of mean 0 and length 1.
fn glyph(image: &RgbImage, line: &Written, position: usize) -> Vec<f32> {
    let pitch = line.row.length / (line.text.len() as f64 + 1.0);
    let start = (position as f64 + 0.5) * pitch - line.row.length / 2.0;
    let cell = line.row.between(start, start + pitch);
    let tones: Vec<f32> = cell
        .cut(image, WIDTH, HEIGHT)
        .pixels()
        .map(|pixel| pixel.0.iter().map(|channel| f32::from(*channel)).sum())
        .collect();
    let mean = tones.iter().sum::<f32>() / tones.len() as f32;
    let centred: Vec<f32> = tones.iter().map(|tone| tone - mean).collect();
    let length: f32 = centred.iter().map(|tone| tone * tone).sum();
    let length = length.sqrt().max(1e-6);
    centred.iter().map(|tone| tone / length).collect()
}

fn mean(glyphs: &[Vec<f32>]) -> Option<Vec<f32>> {
    if glyphs.len() < MIN_CERTAIN {
        return None;
    }
    let mut sum = vec![0.0; glyphs.first()?.len()];
    for glyph in glyphs {
        for (total, tone) in sum.iter_mut().zip(glyph) {
            *total += tone / glyphs.len() as f32;
        }
    }
    Some(sum)
}

fn distance(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A zone drawn with a tall bar for each `0` and a wide one for each `O`.
    fn drawn(lines: &[&str]) -> (RgbImage, Vec<Written>) {
        let mut image = RgbImage::from_pixel(1000, 120, image::Rgb([240; 3]));
        let mut written = Vec::new();
        for (index, line) in lines.iter().enumerate() {
            let top = index as u32 * 40 + 20;
            for (position, character) in line.char_indices() {
                let left = 20 + position as u32 * 20;
                let (x, y) = match character {
                    '0' => (left + 7..left + 13, top + 4..top + 36),
                    'O' => (left + 3..left + 17, top + 12..top + 28),
                    _ => continue,
                };
                for (x, y) in x.flat_map(|x| y.clone().map(move |y| (x, y))) {
                    image.put_pixel(x, y, image::Rgb([20; 3]));
                }
            }
            let length = 20.0 * (line.len() as f64 + 1.0);
            written.push(Written {
                row: Row {
                    centre: (10.0 + length / 2.0, f64::from(top) + 20.0),
                    along: (1.0, 0.0),
                    length,
                    thickness: 40.0,
                },
                text: (*line).to_owned(),
            });
        }
        (image, written)
    }

    #[test]
    fn an_o_in_a_document_number_is_told_from_a_zero_by_those_whose_place_is_certain() {
        let lines = [
            "P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<",
            "O898002C36UTO7408122F1204159ZE184O26B<<<<<10",
        ];
        let (image, mut written) = drawn(&lines);
        // As a recogniser has them.
        written[1].text = "0898002C36UT07408122F1204159ZE184026B<<<<<10".to_owned();
        settle(&image, &mut written);
        assert_eq!(
            written[1].text,
            "O898002C36UT07408122F1204159ZE184O26B<<<<<10"
        );
    }

    #[test]
    fn without_a_certain_o_what_was_read_stays() {
        let lines = [
            "P<FRAERIKSSEN<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<",
            "O898002C36FRA7408122F1204159ZE184O26B<<<<<10",
        ];
        let (image, mut written) = drawn(&lines);
        written[1].text = lines[1].replace('O', "0");
        settle(&image, &mut written);
        assert_eq!(written[1].text, lines[1].replace('O', "0"));
    }
}
