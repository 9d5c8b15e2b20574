//! Finding and reading the machine-readable zone of a document.
//!
//! A text detector says where lines of text are. The longest of them is cut out, turned level and read; if it is a line of
//! a zone, it says which one, and so where the others are. Nothing here knows what the characters mean: the lines are
//! told apart by their shape alone, and handed on as they were read.

mod curve;
mod cut;
mod geometry;
mod glyphs;
mod grid;
mod line;
mod print;
mod reader;
mod roles;
mod rows;
mod shapes;
mod text;

pub use print::Print;
pub use reader::{READER_ID, ZoneReader};

use crate::domain::face::Point;

/// A zone that was found, and what stands in it.
#[derive(Debug, Clone, PartialEq)]
pub struct Zone {
    /// The lines as they were read, all of the format's length.
    pub lines: Vec<String>,
    /// The zone's corners in the upright picture: top left, top right, bottom right and bottom left of the text.
    pub corners: [Point; 4],
    /// How far the lines are turned, clockwise, -180 to 180 degrees.
    pub turn_degrees: f32,
    /// Mean probability of the characters that were read, by the model's own account.
    pub confidence: f32,
    /// How it is printed; `None` where it is too short to tell.
    pub print: Option<Print>,
}

impl Zone {
    /// Width of a character in pixels.
    fn pitch(&self) -> f64 {
        let [start, end, ..] = self.corners;
        let length = f64::from(end.x - start.x).hypot(f64::from(end.y - start.y));
        let characters = self.lines.first().map_or(1, |line| line.chars().count());
        length / characters.max(1) as f64
    }

    /// The same zone in a picture that is so many times as large.
    fn enlarged(self, factor: f64) -> Self {
        let factor = factor as f32;
        let enlarge = |corner: Point| Point {
            x: corner.x * factor,
            y: corner.y * factor,
        };
        Self {
            corners: self.corners.map(enlarge),
            ..self
        }
    }
}
