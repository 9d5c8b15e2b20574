//! Lines of text as turned rectangles.

use crate::domain::face::Point;

/// A rectangle of text. `along` is the direction that it is read in, of length 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Row {
    pub(super) centre: (f64, f64),
    pub(super) along: (f64, f64),
    pub(super) length: f64,
    pub(super) thickness: f64,
}

impl Row {
    /// The direction from one line to the next.
    pub(super) fn down(&self) -> (f64, f64) {
        (-self.along.1, self.along.0)
    }

    /// The same, read from the other end.
    pub(super) fn reversed(self) -> Self {
        Self {
            along: (-self.along.0, -self.along.1),
            ..self
        }
    }

    /// Where a point lies, seen from the centre: along the text and down from it.
    pub(super) fn locate(&self, point: (f64, f64)) -> (f64, f64) {
        let offset = (point.0 - self.centre.0, point.1 - self.centre.1);
        (dot(offset, self.along), dot(offset, self.down()))
    }

    /// The point at a place of [`Row::locate`].
    pub(super) fn at(&self, along: f64, down: f64) -> (f64, f64) {
        let normal = self.down();
        (
            self.centre.0 + along * self.along.0 + down * normal.0,
            self.centre.1 + along * self.along.1 + down * normal.1,
        )
    }

    /// The same with so much less height; at least half of it stays.
    pub(super) fn thinner(self, excess: f64) -> Self {
        Self {
            thickness: (self.thickness - excess).max(self.thickness / 2.0),
            ..self
        }
    }

    /// How much longer than high.
    pub(super) fn aspect(&self) -> f64 {
        self.length / self.thickness
    }

    /// The part of it between two places along it.
    pub(super) fn between(&self, start: f64, end: f64) -> Self {
        Self {
            centre: self.at(f64::midpoint(start, end), 0.0),
            length: end - start,
            ..*self
        }
    }
}

pub(super) fn dot(a: (f64, f64), b: (f64, f64)) -> f64 {
    a.0 * b.0 + a.1 * b.1
}

pub(super) fn times(direction: (f64, f64), factor: f64) -> (f64, f64) {
    (direction.0 * factor, direction.1 * factor)
}

pub(super) fn cross(a: (f64, f64), b: (f64, f64)) -> f64 {
    a.0 * b.1 - a.1 * b.0
}

pub(super) fn to_point(point: (f64, f64)) -> Point {
    Point {
        x: point.0 as f32,
        y: point.1 as f32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_seen_from_a_row_leads_back_to_the_point() {
        let row = Row {
            centre: (30.0, 100.0),
            along: (0.0, 1.0),
            length: 200.0,
            thickness: 20.0,
        };
        assert_eq!(row.down(), (-1.0, 0.0));
        assert_eq!(row.locate(row.at(12.0, -3.0)), (12.0, -3.0));
    }
}
