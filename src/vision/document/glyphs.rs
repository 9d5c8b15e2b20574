//! Reading one line: a PP-OCR recogniser, of whose alphabet only the zone's characters count.

use image::RgbImage;

use super::geometry::Row;
use super::shapes::ALPHABET;
use crate::vision::VisionError;
use crate::vision::files::ModelFiles;
use crate::vision::session::{Loader, Model, ModelError};

/// The model.
const NAME: &str = "text_recognise";
/// Height of the lines that the recogniser takes.
const HEIGHT: u32 = 48;
/// Widths are multiples of it, so that few shapes are ever run.
const WIDTH_STEP: f64 = 64.0;
/// Narrowest and widest line. With 20 pixels for a character, reading is as good as with more, and faster.
const MIN_WIDTH: f64 = 576.0;
const MAX_WIDTH: f64 = 960.0;
/// Lines are squeezed by it: their characters are wide apart.
const SQUEEZE: f64 = 0.77;

/// A character that was read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Glyph {
    pub(super) character: char,
    /// The model's probability.
    pub(super) probability: f32,
    /// Where it stands along the line, 0 to 1.
    pub(super) place: f64,
}

/// Reads lines.
pub(super) struct Recogniser {
    model: Model,
    /// Each character of the alphabet, and which of the model's classes it is.
    classes: Vec<(char, usize)>,
}

impl Recogniser {
    pub(super) fn load(loader: Loader<'_>, files: &ModelFiles) -> Result<Self, ModelError> {
        let model = Model::shipped(loader, files, NAME)?;
        let classes = classes(&model.metadata("character").unwrap_or_default());
        let classes = classes.ok_or_else(|| ModelError::Shape {
            path: files.model(NAME).0,
            expected: format!("the characters {ALPHABET}"),
            found: "others".to_owned(),
        })?;
        Ok(Self { model, classes })
    }

    /// The model that it rests on.
    pub(super) fn model(&mut self) -> &mut Model {
        &mut self.model
    }

    /// What stands in a row of a picture.
    pub(super) fn read(&mut self, image: &RgbImage, row: &Row) -> Result<Vec<Glyph>, VisionError> {
        let natural = row.aspect() * f64::from(HEIGHT) * SQUEEZE;
        let width = (natural / WIDTH_STEP).ceil() * WIDTH_STEP;
        let width = width.clamp(MIN_WIDTH, MAX_WIDTH) as u32;
        let line = row.cut(image, width, HEIGHT);
        let classes = &self.classes;
        self.model.run_at(&line, |shape, scores| {
            let size = shape.last().copied().unwrap_or(0).max(1) as usize;
            decode(scores, size, classes)
        })
    }
}

/// The class of each character; the blank is class 0, before the first.
fn classes(listed: &str) -> Option<Vec<(char, usize)>> {
    let find = |wanted: char| {
        let mut names = listed.lines();
        let index = names.position(|name| name.chars().eq([wanted]))?;
        Some((wanted, index + 1))
    };
    ALPHABET.chars().map(find).collect()
}

/// Decodes connectionist classification greedily: the best class of each step, repeats as one, blanks left out.
fn decode(scores: &[f32], size: usize, classes: &[(char, usize)]) -> Vec<Glyph> {
    let steps = (scores.len() / size).max(1) as f64;
    let mut glyphs: Vec<Glyph> = Vec::new();
    let mut last = None;
    let (mut weight, mut moment) = (0.0, 0.0);
    for (step, step_scores) in scores.chunks_exact(size).enumerate() {
        let blank = step_scores.first().copied().unwrap_or(0.0);
        let mut best = (None, blank);
        for (character, class) in classes {
            let probability = step_scores.get(*class).copied().unwrap_or(0.0);
            if probability > best.1 {
                best = (Some(*character), probability);
            }
        }
        let (Some(character), probability) = best else {
            last = None;
            continue;
        };
        let place = (step as f64 + 0.5) / steps;
        match glyphs.last_mut() {
            // The place of a run is its centre of gravity.
            Some(glyph) if last == Some(character) => {
                weight += f64::from(probability);
                moment += f64::from(probability) * place;
                glyph.place = moment / weight;
                glyph.probability = glyph.probability.max(probability);
            }
            _ => {
                weight = f64::from(probability);
                moment = weight * place;
                glyphs.push(Glyph {
                    character,
                    probability,
                    place,
                });
            }
        }
        last = Some(character);
    }
    glyphs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_are_one_character_and_blanks_divide() {
        // Classes: blank, a character that does not count, `<`, `A`.
        let classes = [('<', 2), ('A', 3)];
        let steps: [[f32; 4]; 8] = [
            [0.1, 0.0, 0.8, 0.1],
            [0.1, 0.0, 0.6, 0.3],
            [0.9, 0.0, 0.1, 0.0],
            [0.2, 0.0, 0.7, 0.1],
            [0.1, 0.0, 0.2, 0.7],
            [0.05, 0.8, 0.1, 0.05],
            [0.9, 0.0, 0.1, 0.0],
            [0.3, 0.0, 0.3, 0.3],
        ];
        let read = decode(&steps.concat(), 4, &classes);
        let text: String = read.iter().map(|glyph| glyph.character).collect();
        // In the sixth step the best character that counts is the filler, whatever the model would rather have.
        assert_eq!(text, "<<A<");
        assert_eq!(read[0].probability, 0.8);
        assert!((read[0].place - (0.8 * 0.0625 + 0.6 * 0.1875) / 1.4).abs() < 1e-6);
    }

    #[test]
    fn a_model_with_another_alphabet_is_refused() {
        assert!(classes("A\nB").is_none());
        let all: String = ALPHABET.chars().map(|c| format!("{c}\n")).collect();
        let found = classes(&format!("@\n{all}")).unwrap();
        assert_eq!((found[0], found[36]), (('0', 2), ('<', 38)));
    }
}
