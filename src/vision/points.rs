//! What points have in common.

/// Their mean; there is at least one.
pub(super) fn mean(points: impl ExactSizeIterator<Item = (f64, f64)>) -> (f64, f64) {
    let count = points.len() as f64;
    let (x, y) = points.fold((0.0, 0.0), |sum, point| (sum.0 + point.0, sum.1 + point.1));
    (x / count, y / count)
}

/// Left, top, right and bottom of all of them; there is at least one.
pub(super) fn bounds(points: &[(f64, f64)]) -> [f64; 4] {
    let (low, high) = (f64::INFINITY, f64::NEG_INFINITY);
    let reach = |[left, top, right, bottom]: [f64; 4], (x, y): &(f64, f64)| {
        [left.min(*x), top.min(*y), right.max(*x), bottom.max(*y)]
    };
    points.iter().fold([low, low, high, high], reach)
}
