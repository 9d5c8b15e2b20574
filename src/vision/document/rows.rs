//! Which of the found lines may belong to a zone, and which stand above and below one.

use super::geometry::{Row, cross, dot};

/// A line of a zone is at least so many times longer than high; other text on documents seldom is.
const MIN_ASPECT: f64 = 11.0;
/// Lines of one zone are parallel up to this sine; perspective turns them a little.
const MAX_SKEW: f64 = 0.12;
/// Pieces of one line differ in height up to this factor.
const MAX_HEIGHT_RATIO: f64 = 2.0;
/// Pieces of one line stand apart by at most so many heights.
const MAX_GAP: f64 = 4.0;
/// Pieces of one line lie beside its middle by at most this share of the height.
const MAX_OFFSET: f64 = 0.4;
/// Two lines of a zone are apart by this many heights. A row is as high as its letters with the space around them.
const PITCH: std::ops::Range<f64> = 0.6..2.8;
/// Pieces whose distances differ by less than this are of one line.
const SAME_LINE: f64 = 0.3;
/// Distances of two lines in widths of a character: of passports and visas, of the larger card, of cards.
const USUAL_PITCHES: [f64; 3] = [2.45, 2.1, 1.65];
/// Places that are tried for a line: by found text, and by distance.
const MAX_PIECES: usize = 2;
const MAX_GUESSES: usize = 3;
/// Share of a piece that has to lie within a line's ends to belong beside it.
const MIN_SHARED: f64 = 0.5;

/// Lines that are long enough for a zone, longest first. Pieces of a line that was found in parts are put together.
pub(super) fn candidates(found: &[Row]) -> Vec<Row> {
    let mut rows: Vec<Row> = found.to_vec();
    rows.sort_by(|a, b| b.length.total_cmp(&a.length));
    let mut long: Vec<Row> = Vec::new();
    for (index, row) in rows.iter().enumerate() {
        let mut whole = *row;
        for piece in rows.iter().skip(index + 1) {
            if continues(&whole, piece) {
                whole = joined(&whole, piece);
            }
        }
        let known = long.iter().any(|other| covers(other, row));
        if whole.aspect() >= MIN_ASPECT && !known {
            long.push(whole);
        }
    }
    long.sort_by(|a, b| b.length.total_cmp(&a.length));
    long
}

fn parallel(a: &Row, b: &Row) -> bool {
    cross(a.along, b.along).abs() <= MAX_SKEW
}

fn alike(a: &Row, b: &Row) -> bool {
    let ratio = a.thickness / b.thickness;
    (1.0 / MAX_HEIGHT_RATIO..=MAX_HEIGHT_RATIO).contains(&ratio)
}

/// A short piece tells little of its direction: it counts for one that is longer than high.
fn continues(row: &Row, piece: &Row) -> bool {
    let (along, down) = row.locate(piece.centre);
    let gap = along.abs() - (row.length + piece.length) / 2.0;
    alike(row, piece)
        && (piece.aspect() < 2.0 || parallel(row, piece))
        && down.abs() <= MAX_OFFSET * row.thickness
        && gap <= MAX_GAP * row.thickness
}

/// Whether the middle of the other lies within the row.
pub(super) fn covers(row: &Row, other: &Row) -> bool {
    let (along, down) = row.locate(other.centre);
    down.abs() < row.thickness / 2.0 && along.abs() < row.length / 2.0
}

/// The two as one line: its ends are those of both, and its direction leads from the one middle to the other.
fn joined(row: &Row, piece: &Row) -> Row {
    let (along, _) = row.locate(piece.centre);
    let start = (-row.length / 2.0).min(along - piece.length / 2.0);
    let end = (row.length / 2.0).max(along + piece.length / 2.0);
    let mut whole = *row;
    let apart = (piece.centre.0 - row.centre.0, piece.centre.1 - row.centre.1);
    let distance = dot(apart, apart).sqrt();
    if piece.length > row.length / 4.0 && distance > row.length / 2.0 {
        let sign = if along < 0.0 { -1.0 } else { 1.0 };
        whole.along = (sign * apart.0 / distance, sign * apart.1 / distance);
    }
    whole.between(start, end)
}

/// Where the line `step` lines below a known one may be (above, where it is negative), between the same ends; likeliest
/// first.
///
/// Found text says best where it is. Then the distance of two other lines does, `pitch`, and then the distances that
/// lines of zones have, in widths of a character.
pub(super) fn beside(
    known: &Row,
    step: i32,
    found: &[Row],
    pitch: Option<f64>,
    character: f64,
) -> Vec<Row> {
    let sign = f64::from(step.signum());
    let mut rows: Vec<Row> = pieces_beside(known, sign, found)
        .iter()
        .take(MAX_PIECES)
        .map(|piece| between_ends(known, piece))
        .collect();
    let usual = USUAL_PITCHES.map(|pitch| pitch * character);
    let offsets = pitch.into_iter().chain(usual).take(MAX_GUESSES);
    rows.extend(offsets.map(|offset| Row {
        centre: known.at(0.0, offset * sign),
        ..*known
    }));
    rows
}

/// Found text in that direction, nearest first; of pieces at one height the longest, which says best where the line is.
fn pieces_beside(known: &Row, sign: f64, found: &[Row]) -> Vec<Row> {
    let mut pieces: Vec<(f64, Row)> = Vec::new();
    for piece in found {
        let (along, down) = known.locate(piece.centre);
        let apart = down * sign / known.thickness;
        let start = (along - piece.length / 2.0).max(-known.length / 2.0);
        let end = (along + piece.length / 2.0).min(known.length / 2.0);
        let belongs = alike(known, piece)
            && parallel(known, piece)
            && PITCH.contains(&apart)
            && end - start >= MIN_SHARED * piece.length
            && piece.aspect() > 1.5;
        if !belongs {
            continue;
        }
        match pieces
            .iter_mut()
            .find(|(other, _)| (apart - other).abs() < SAME_LINE)
        {
            Some(line) if line.1.length < piece.length => *line = (apart, *piece),
            Some(_) => {}
            None => pieces.push((apart, *piece)),
        }
    }
    pieces.sort_by(|a, b| a.0.total_cmp(&b.0));
    pieces.into_iter().map(|(_, piece)| piece).collect()
}

/// The line that a piece is of, with the ends of a known one, square across.
fn between_ends(known: &Row, piece: &Row) -> Row {
    let turned = dot(piece.along, known.along) < 0.0;
    let piece = if turned { piece.reversed() } else { *piece };
    // A piece that is short beside the line says where it is, and the line says how it runs.
    let along = if piece.length > 0.6 * known.length {
        piece.along
    } else {
        known.along
    };
    let row = Row {
        along,
        thickness: known.thickness.max(piece.thickness),
        ..piece
    };
    let (middle, _) = row.locate(known.centre);
    row.between(middle - known.length / 2.0, middle + known.length / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(x: f64, y: f64, length: f64) -> Row {
        Row {
            centre: (x, y),
            along: (1.0, 0.0),
            length,
            thickness: 20.0,
        }
    }

    #[test]
    fn pieces_of_a_line_are_put_together_and_short_lines_are_left_out() {
        let found = [
            row(100.0, 50.0, 150.0),
            row(300.0, 52.0, 180.0),
            row(100.0, 200.0, 100.0),
            row(300.0, 120.0, 400.0),
        ];
        let lines = candidates(&found);
        assert_eq!(lines.len(), 2, "{lines:?}");
        assert_eq!(lines[0].centre, (300.0, 120.0));
        let whole = lines[1];
        assert!((whole.length - 365.0).abs() < 1.0, "{whole:?}");
        assert!((whole.centre.0 - 207.0).abs() < 2.0, "{whole:?}");
    }

    #[test]
    fn the_line_beside_is_the_nearest_text_in_that_direction_with_the_known_ends() {
        let known = row(300.0, 100.0, 500.0);
        let found = [
            known,
            row(150.0, 132.0, 190.0),
            row(300.0, 170.0, 480.0),
            row(900.0, 130.0, 300.0),
        ];
        let near = |known: &Row, step: i32, pitch: Option<f64>| {
            beside(known, step, &found, pitch, 11.0)[0]
        };
        let below = near(&known, 1, None);
        assert_eq!((below.centre, below.length), ((300.0, 132.0), 500.0));
        assert_eq!(near(&known, -1, None).centre, (300.0, 100.0 - 2.45 * 11.0));
        let above = near(&known, -1, Some(32.0));
        assert_eq!((above.centre, above.length), ((300.0, 68.0), 500.0));
        // Read from the other end, what was above is below.
        let upside_down = near(&known.reversed(), -1, None);
        assert!((upside_down.centre.1 - 132.0).abs() < 1e-9);
        assert_eq!(upside_down.along, (-1.0, 0.0));
    }
}
