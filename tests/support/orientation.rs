//! How pictures lie in their files.

use image::metadata::Orientation;

/// What undoes an orientation: the quarter turns undo each other, the others themselves.
pub fn inverse(orientation: Orientation) -> Orientation {
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
