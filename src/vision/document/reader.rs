//! From a picture to the lines of its zone.

use std::time::Instant;

use image::RgbImage;

use super::Zone;
use super::geometry::{Row, to_point};
use super::glyphs::{Glyph, Recogniser};
use super::grid::Grid;
use super::line::{Line, MARGIN, confidence, is_other_text, line, text_of};
use super::print::{Print, measure};
use super::roles::{Role, nearest_length};
use super::rows::{beside, candidates, covers};
use super::shapes::Shapes;
use super::text::{SHARP_SIDE, TextDetector};
use crate::vision::crop::Scaler;
use crate::vision::decode::{ImageLimits, decode};
use crate::vision::picture::Picture;
use crate::vision::session::{Graphs, Loader, ModelError, Runtime};
use crate::vision::{
    Analysis, AnalysisRequest, Encoded, FaceBackend, ModelFiles, StageTimings, VisionError,
    blank_picture,
};

/// Id of the models: the names of their files and the start of their SHA-256.
pub const READER_ID: &str = "text_detect-090f04ab+text_recognise-6f327246";
/// Longer side, in pixels, at which text is looked for first, at a third of the price of [`SHARP_SIDE`], which follows. The
/// letters of a zone across the picture are 6 high at it, which tells roughly where lines are: what is read there has to be
/// read with certainty.
const ROUGH_SIDE: f64 = 384.0;
/// The same where long text could not be read: lines of a small zone run into each other.
const CLOSE_SIDE: f64 = 1280.0;
/// Longer side, in pixels, that is left of a larger picture: more than the closest look at it has.
const ENOUGH_SIDE: u32 = 1920;
/// Characters that are narrower in what is left, in pixels, are read from all of the picture.
const ENOUGH_PITCH: f64 = 16.0;
/// The closer look has to show so much more.
const MIN_GAIN: f64 = 1.2;
/// Lines that are tried; a zone's are mostly the longest.
const MAX_TRIED: usize = 3;
/// A line of a zone is read with at least this mean probability. Upside down, it has less.
const MIN_CONFIDENCE: f32 = 0.55;
/// At least two of three characters of a line have to be read.
const MAX_LOST: (usize, usize) = (2, 3);

/// Finds and reads machine-readable zones. As a backend it finds no faces.
pub struct ZoneReader {
    detector: TextDetector,
    recogniser: Recogniser,
    shapes: Shapes,
    scaler: Scaler,
    limits: ImageLimits,
}

/// What text is.
enum Text {
    Zone(Zone),
    /// It can be read, and is no line of a zone.
    Other,
    Unread,
}

impl ZoneReader {
    /// Loads both models.
    ///
    /// # Errors
    /// [`ModelError`] names the file that is missing, broken or another model.
    pub fn load(
        runtime: &Runtime,
        files: &ModelFiles,
        limits: ImageLimits,
    ) -> Result<Self, ModelError> {
        Self::load_graphs(Graphs::Rewritten, runtime, files, limits)
    }

    /// The same with a choice of graphs. Both read the same.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn load_graphs(
        graphs: Graphs,
        runtime: &Runtime,
        files: &ModelFiles,
        limits: ImageLimits,
    ) -> Result<Self, ModelError> {
        let loader = Loader { runtime, graphs };
        Ok(Self {
            detector: TextDetector::load(loader, files)?,
            recogniser: Recogniser::load(loader, files)?,
            shapes: Shapes::load()?,
            scaler: Scaler::default(),
            limits,
        })
    }

    /// Runs both models once.
    ///
    /// # Errors
    /// What a model answers.
    pub fn warm_up(&mut self) -> Result<(), VisionError> {
        let blank = decode(&blank_picture()?, self.limits)?;
        self.detector.find(&blank, ROUGH_SIDE, &mut self.scaler)?;
        let row = Row {
            centre: (160.0, 120.0),
            along: (1.0, 0.0),
            length: 300.0,
            thickness: 15.0,
        };
        self.recogniser.read(&blank, &row).map(|_| ())
    }

    /// The zone of an upright picture; `None` where there is none that can be read.
    ///
    /// # Errors
    /// [`VisionError::Inference`] where a model fails.
    pub fn read(&mut self, image: &RgbImage) -> Result<Option<Zone>, VisionError> {
        let longest = f64::from(image.width().max(image.height()));
        let mut other = Vec::new();
        let mut text = self.look(image, ROUGH_SIDE, &mut other)?;
        if !matches!(text, Text::Zone(_)) {
            text = self.look(image, SHARP_SIDE, &mut other)?;
        }
        if matches!(text, Text::Unread) && longest >= SHARP_SIDE * MIN_GAIN {
            text = self.look(image, CLOSE_SIDE.min(longest), &mut other)?;
        }
        Ok(match text {
            Text::Zone(zone) => Some(zone),
            Text::Other | Text::Unread => None,
        })
    }

    /// Looks at a picture scaled to a size. Rows of `other` text are passed over, and those that are found are added.
    fn look(
        &mut self,
        image: &RgbImage,
        side: f64,
        other: &mut Vec<Row>,
    ) -> Result<Text, VisionError> {
        let found = self.detector.find(image, side, &mut self.scaler)?;
        let is_rough = side < SHARP_SIDE;
        let mut seeds = candidates(&found);
        seeds.retain(|seed| !other.iter().any(|row| covers(row, seed)));
        let mut result = Text::Other;
        for seed in seeds.iter().take(MAX_TRIED) {
            match self.read_around(image, seed, &found, is_rough)? {
                Text::Zone(zone) => return Ok(Text::Zone(zone)),
                Text::Other => other.push(*seed),
                Text::Unread => result = Text::Unread,
            }
        }
        Ok(result)
    }

    /// The zone that a row is a line of. Where rows are rough, each line has to be certain.
    fn read_around(
        &mut self,
        image: &RgbImage,
        seed: &Row,
        found: &[Row],
        is_rough: bool,
    ) -> Result<Text, VisionError> {
        let mut known = None;
        for row in [*seed, seed.reversed()] {
            let glyphs = self.recogniser.read(image, &row)?;
            known = self.line_of(image, &row, &glyphs, None)?;
            if known.is_some() {
                break;
            }
            if is_other_text(&glyphs) {
                return Ok(Text::Other);
            }
        }
        let doubtful = |line: &Line| is_rough && !line.is_certain();
        let Some(first) = known.filter(|line| !doubtful(line)) else {
            return Ok(Text::Unread);
        };
        let Role {
            lines: count,
            index,
            ..
        } = first.role;
        let mut lines: Vec<Option<Line>> = (0..count).map(|_| None).collect();
        lines[index] = Some(first);
        // From the known line upwards, then downwards.
        let order = (0..index).rev().chain(index + 1..count);
        for target in order {
            let step = if target < index { -1 } else { 1 };
            let from = (target as i32 - step) as usize;
            let pitch = pitch(&lines);
            let Some(near) = lines.get(from).and_then(Option::as_ref) else {
                return Ok(Text::Unread);
            };
            let length = near.role.length;
            let character = near.row.length / (length as f64 + MARGIN);
            let rows = beside(&near.row, step, found, pitch, character);
            for row in rows {
                let glyphs = self.recogniser.read(image, &row)?;
                let line = self.line_of(image, &row, &glyphs, Some(length))?;
                if line.is_some() {
                    lines[target] = line;
                    break;
                }
            }
            // A zone that lacks a line is none.
            if lines[target].as_ref().is_none_or(doubtful) {
                return Ok(Text::Unread);
            }
        }
        let lines: Vec<Line> = lines.into_iter().flatten().collect();
        let texts = lines.iter().map(|line| (&line.row, line.text.as_str()));
        let print = measure(image, &self.shapes, texts, MARGIN);
        Ok(Text::Zone(zone(&lines, print)))
    }

    /// The line of what was read in a row. Where its length is not known, it has to be a line of a zone by itself.
    fn line_of(
        &mut self,
        image: &RgbImage,
        row: &Row,
        glyphs: &[Glyph],
        length: Option<usize>,
    ) -> Result<Option<Line>, VisionError> {
        if confidence(glyphs) < MIN_CONFIDENCE {
            return Ok(None);
        }
        let Some(wanted) = length.or_else(|| nearest_length(glyphs.len())) else {
            return Ok(None);
        };
        let grid = Grid::fit(glyphs);
        if glyphs.len() == wanted {
            return Ok(line(row, grid, text_of(glyphs), glyphs, length));
        }
        let Some(grid) = grid else {
            return Ok(None);
        };
        // Too few or too many: once more, with as much space at the ends as is missing there.
        let count = grid.count(glyphs) as f64;
        let space = ((wanted as f64 - count).max(0.0) + MARGIN) * grid.pitch;
        let (start, end) = (
            grid.start - space,
            grid.start + grid.pitch * (count - 1.0) + space,
        );
        let place = |at: f64| (at - 0.5) * row.length;
        let wider = row.between(place(start), place(end));
        let again = self.recogniser.read(image, &wider)?;
        if again.len() == wanted {
            let grid = Grid::fit(&again);
            return Ok(line(&wider, grid, text_of(&again), &again, length));
        }
        if glyphs.len() * MAX_LOST.1 < wanted * MAX_LOST.0 {
            return Ok(None);
        }
        // With gaps, laid on its grid.
        let text = grid.line(glyphs, wanted);
        Ok(line(row, Some(grid), text, glyphs, length))
    }
}

/// The distance of two lines that stand beside each other.
fn pitch(lines: &[Option<Line>]) -> Option<f64> {
    lines.windows(2).find_map(|pair| match pair {
        [Some(above), Some(below)] => Some(above.row.locate(below.row.centre).1.abs()),
        _ => None,
    })
}

fn zone(lines: &[Line], print: Option<Print>) -> Zone {
    let (top, bottom) = (&lines[0].row, &lines[lines.len() - 1].row);
    let corner = |row: &Row, along: f64, down: f64| {
        to_point(row.at(along * row.length / 2.0, down * row.thickness / 2.0))
    };
    let confidence = lines.iter().map(|line| line.confidence).sum::<f32>();
    Zone {
        lines: lines.iter().map(|line| line.text.clone()).collect(),
        corners: [
            corner(top, -1.0, -1.0),
            corner(top, 1.0, -1.0),
            corner(bottom, 1.0, 1.0),
            corner(bottom, -1.0, 1.0),
        ],
        turn_degrees: top.along.1.atan2(top.along.0).to_degrees() as f32,
        confidence: confidence / lines.len() as f32,
        print,
    }
}

impl FaceBackend for ZoneReader {
    fn analyse_shared(
        &mut self,
        encoded: &Encoded,
        _request: &AnalysisRequest,
    ) -> Result<Analysis, VisionError> {
        let started = Instant::now();
        let picture = Picture::open_with_side(encoded, self.limits, ENOUGH_SIDE)?;
        let view = picture.first();
        let decode = started.elapsed();
        let mut zone = self.read(view.pixels())?;
        let is_small = |zone: &Zone| zone.pitch() < ENOUGH_PITCH;
        if view.reduction() > 1.0 && zone.as_ref().is_some_and(is_small) {
            let whole = encoded.pixels(self.limits)?;
            zone = self.read(&whole)?;
        } else {
            zone = zone.map(|zone| zone.enlarged(view.reduction()));
        }
        Ok(Analysis {
            width: view.width() as u32,
            height: view.height() as u32,
            signature: None,
            faces: Vec::new(),
            zone,
            timings: StageTimings {
                decode,
                zone: started.elapsed().saturating_sub(decode),
                models: self.detector.model().take_spent() + self.recogniser.model().take_spent(),
                ..StageTimings::default()
            },
        })
    }
}
