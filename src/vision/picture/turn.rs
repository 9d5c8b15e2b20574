//! Where a rectangle of a picture lies after the picture was turned.

use image::metadata::Orientation;

/// A rectangle that may reach beyond the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Edges {
    pub(super) left: i64,
    pub(super) top: i64,
    pub(super) right: i64,
    pub(super) bottom: i64,
}

impl Edges {
    /// Where the rectangle lies after its picture, which has that size, was turned.
    pub(super) fn turned(self, orientation: Orientation, (width, height): (u32, u32)) -> Self {
        let (w, h) = (i64::from(width), i64::from(height));
        let Self {
            left,
            top,
            right,
            bottom,
        } = self;
        let edges = |left, top, right, bottom| Self {
            left,
            top,
            right,
            bottom,
        };
        match orientation {
            Orientation::NoTransforms => self,
            Orientation::FlipHorizontal => edges(w - right, top, w - left, bottom),
            Orientation::FlipVertical => edges(left, h - bottom, right, h - top),
            Orientation::Rotate180 => edges(w - right, h - bottom, w - left, h - top),
            Orientation::Rotate90 => edges(h - bottom, left, h - top, right),
            Orientation::Rotate270 => edges(top, w - right, bottom, w - left),
            Orientation::Rotate90FlipH => edges(top, left, bottom, right),
            Orientation::Rotate270FlipH => edges(h - bottom, w - right, h - top, w - left),
        }
    }
}

pub(super) fn is_on_its_side(orientation: Orientation) -> bool {
    matches!(
        orientation,
        Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH
    )
}

/// The orientation that undoes another.
pub(super) fn inverse(orientation: Orientation) -> Orientation {
    match orientation {
        Orientation::Rotate90 => Orientation::Rotate270,
        Orientation::Rotate270 => Orientation::Rotate90,
        Orientation::NoTransforms
        | Orientation::FlipHorizontal
        | Orientation::FlipVertical
        | Orientation::Rotate180
        | Orientation::Rotate90FlipH
        | Orientation::Rotate270FlipH => orientation,
    }
}
