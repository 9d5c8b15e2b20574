//! One line of a zone, from the characters that were read in a row.

use super::geometry::Row;
use super::glyphs::Glyph;
use super::grid::Grid;
use super::roles::{Role, role};

/// Text that is read with it stands upright.
const CERTAIN: f32 = 0.9;
/// Space at the ends of a line, in characters, when it is read again between the ends that were found.
pub(super) const MARGIN: f64 = 1.0;

/// A line of a zone that was read.
pub(super) struct Line {
    pub(super) row: Row,
    pub(super) text: String,
    pub(super) role: Role,
    pub(super) confidence: f32,
    /// Whether every character of it was seen.
    is_whole: bool,
}

impl Line {
    /// Whether there is no doubt about where its characters are.
    pub(super) fn is_certain(&self) -> bool {
        self.is_whole && self.confidence >= CERTAIN
    }
}

/// A line of that text. Beside a known line, of `known` characters, it is what its place says; only one that is read
/// first has to show what it is.
pub(super) fn line(
    row: &Row,
    grid: Option<Grid>,
    text: String,
    glyphs: &[Glyph],
    known: Option<usize>,
) -> Option<Line> {
    let role = match known {
        None => role(&text)?,
        Some(length) => Role {
            length,
            lines: 0,
            index: 0,
        },
    };
    Some(Line {
        row: trimmed(row, grid, role.length),
        text,
        role,
        confidence: confidence(glyphs),
        is_whole: glyphs.len() == role.length,
    })
}

/// Text that was read with certainty, and has none of the fillers that nearly every line of a zone has.
pub(super) fn is_other_text(glyphs: &[Glyph]) -> bool {
    confidence(glyphs) >= CERTAIN && glyphs.iter().all(|glyph| glyph.character != '<')
}

pub(super) fn text_of(glyphs: &[Glyph]) -> String {
    glyphs.iter().map(|glyph| glyph.character).collect()
}

/// The row between the ends of its text.
fn trimmed(row: &Row, grid: Option<Grid>, length: usize) -> Row {
    let Some(grid) = grid else {
        return *row;
    };
    let place = |at: f64| (at - 0.5) * row.length;
    let first = place(grid.start - (0.5 + MARGIN / 2.0) * grid.pitch);
    let last = place(grid.start + (length as f64 - 0.5 + MARGIN / 2.0) * grid.pitch);
    row.between(first, last)
}

pub(super) fn confidence(glyphs: &[Glyph]) -> f32 {
    let sum: f32 = glyphs.iter().map(|glyph| glyph.probability).sum();
    if glyphs.is_empty() {
        0.0
    } else {
        sum / glyphs.len() as f32
    }
}
