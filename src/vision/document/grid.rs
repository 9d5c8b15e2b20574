//! Characters of a zone stand at even distances, so one that was not read leaves a gap that can be counted.

use super::glyphs::Glyph;

/// The pitch lies within these shares of the median distance, and is looked for in so many steps: across 44 columns two
/// neighbours differ by a quarter of a column.
const PITCHES: std::ops::Range<f64> = 0.6..1.3;
const PITCH_STEPS: usize = 120;
/// The first character stands off its column by at most this share of the pitch.
const MAX_SHIFT: f64 = 0.4;
const SHIFT_STEPS: usize = 8;
/// Rounds of regression at the end; the fit moves little after the first.
const ROUNDS: usize = 2;

/// `count` even steps from the one number to the other.
fn steps(from: f64, to: f64, count: usize) -> impl Iterator<Item = f64> {
    (0..=count).map(move |step| from + (to - from) * step as f64 / count as f64)
}

/// Where the characters of a line stand: the first one's place, and the distance between two.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Grid {
    pub(super) start: f64,
    pub(super) pitch: f64,
}

impl Grid {
    /// The even distances that characters are nearest to; `None` for too few.
    pub(super) fn fit(glyphs: &[Glyph]) -> Option<Self> {
        let mut distances: Vec<f64> = glyphs
            .windows(2)
            .map(|pair| pair[1].place - pair[0].place)
            .collect();
        if distances.len() < 8 {
            return None;
        }
        distances.sort_by(f64::total_cmp);
        let median = distances[distances.len() / 2];
        if !median.is_finite() || median <= 0.0 {
            return None;
        }
        let mut best = (f64::INFINITY, None);
        for pitch in steps(median * PITCHES.start, median * PITCHES.end, PITCH_STEPS) {
            for shift in steps(-MAX_SHIFT, MAX_SHIFT, SHIFT_STEPS) {
                let grid = Self {
                    start: glyphs[0].place + shift * pitch,
                    pitch,
                };
                let error = grid.error(glyphs);
                if error < best.0 {
                    best = (error, Some(grid));
                }
            }
        }
        let mut grid = best.1?;
        for _ in 0..ROUNDS {
            grid = regression(&grid.columns(glyphs), glyphs)?;
        }
        (grid.pitch > 0.0).then_some(grid)
    }

    /// Mean square of how far characters are from the grid, in columns.
    fn error(&self, glyphs: &[Glyph]) -> f64 {
        let off = |glyph: &Glyph| {
            let column = (glyph.place - self.start) / self.pitch;
            (column - column.round()).powi(2)
        };
        glyphs.iter().map(off).sum::<f64>() / glyphs.len() as f64
    }

    /// The column of each character, each beyond the one before.
    fn columns(&self, glyphs: &[Glyph]) -> Vec<i64> {
        let mut columns: Vec<i64> = Vec::with_capacity(glyphs.len());
        for glyph in glyphs {
            let nearest = ((glyph.place - self.start) / self.pitch).round() as i64;
            let next = columns.last().map_or(i64::MIN, |last| last + 1);
            columns.push(nearest.max(next));
        }
        columns
    }

    /// Columns from the first character to the last.
    pub(super) fn count(&self, glyphs: &[Glyph]) -> usize {
        let columns = self.columns(glyphs);
        match (columns.first(), columns.last()) {
            (Some(first), Some(last)) => (last - first + 1).max(0) as usize,
            _ => 0,
        }
    }

    /// The line of `length` columns from the grid's start; what was not read is a filler, what lies outside is left out.
    pub(super) fn line(&self, glyphs: &[Glyph], length: usize) -> String {
        let mut line = vec!['<'; length];
        for (column, glyph) in self.columns(glyphs).into_iter().zip(glyphs) {
            let column = usize::try_from(column).ok();
            if let Some(place) = column.and_then(|column| line.get_mut(column)) {
                *place = glyph.character;
            }
        }
        line.into_iter().collect()
    }
}

/// The straight line through places over columns.
fn regression(columns: &[i64], glyphs: &[Glyph]) -> Option<Grid> {
    let count = columns.len() as f64;
    let column_mean = columns.iter().map(|column| *column as f64).sum::<f64>() / count;
    let place_mean = glyphs.iter().map(|glyph| glyph.place).sum::<f64>() / count;
    let (mut spread, mut joint) = (0.0, 0.0);
    for (column, glyph) in columns.iter().zip(glyphs) {
        let offset = *column as f64 - column_mean;
        spread += offset * offset;
        joint += offset * (glyph.place - place_mean);
    }
    let pitch = joint / spread;
    let first = *columns.first()? as f64;
    pitch.is_finite().then_some(Grid {
        start: place_mean + (first - column_mean) * pitch,
        pitch,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Characters of a line at even distances with a jitter; spaces were not read.
    fn line(text: &str) -> Vec<Glyph> {
        let jitter = [0.0, 0.15, -0.12, 0.1, -0.15, 0.1];
        let place = |index: usize| (index as f64 + 1.0 + jitter[index % 6]) / 50.0;
        text.char_indices()
            .filter(|(_, character)| *character != ' ')
            .map(|(index, character)| Glyph {
                character,
                probability: 1.0,
                place: place(index),
            })
            .collect()
    }

    #[test]
    fn gaps_are_filled_with_fillers() {
        let glyphs = line("P<UTOERIKSSON<< NNA<MARIA<  <<<<<< <<<<<<<<<");
        let grid = Grid::fit(&glyphs).unwrap();
        assert!((grid.pitch - 0.02).abs() < 0.000_5, "{grid:?}");
        assert_eq!(grid.count(&glyphs), 44);
        assert_eq!(
            grid.line(&glyphs, 44),
            "P<UTOERIKSSON<<<NNA<MARIA<<<<<<<<<<<<<<<<<<<"
        );
    }

    #[test]
    fn a_line_of_another_row_is_laid_on_the_same_grid() {
        let grid = Grid {
            start: 0.02,
            pitch: 0.02,
        };
        let glyphs = line("  8902C36UTO7408122F1204159ZE184226B<<<<<10");
        assert_eq!(
            grid.line(&glyphs, 44),
            "<<8902C36UTO7408122F1204159ZE184226B<<<<<10<"
        );
    }

    #[test]
    fn too_few_characters_make_no_grid() {
        assert_eq!(Grid::fit(&line("P<UTO")), None);
        let same = vec![
            Glyph {
                character: 'A',
                probability: 1.0,
                place: 0.5
            };
            20
        ];
        assert_eq!(Grid::fit(&same), None);
    }
}
