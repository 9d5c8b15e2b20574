//! A slow curve along a line of characters, which what stands out does not bend.

/// Rounds of the fit, in which what stands out counts less and less.
const ROUNDS: usize = 8;
/// What is so many times as far off as the median counts half.
const SPREADS: f64 = 3.0;

/// How far a curve may bend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Degree {
    /// Not at all.
    One,
    /// As a parabola.
    Two,
}

/// `c[0] + c[1] x + c[2] x²`, where x goes from -1 to 1 along a line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Curve([f64; 3]);

impl Curve {
    /// Through values at even distances, each of which counts as much as its weight says.
    pub(super) fn through(values: &[f64], base: &[f64], degree: Degree) -> Self {
        let mut weights = base.to_vec();
        let mut curve = Self([0.0; 3]);
        for _ in 0..ROUNDS {
            curve = Self::fit(values, &weights, degree);
            let off = |(index, value): (usize, &f64)| (value - curve.at(index, values.len())).abs();
            let off: Vec<f64> = values.iter().enumerate().map(off).collect();
            let mut sorted = off.clone();
            sorted.sort_by(f64::total_cmp);
            let spread = SPREADS * sorted[sorted.len() / 2] + 1e-3;
            for ((weight, base), off) in weights.iter_mut().zip(base).zip(off) {
                *weight = base / (1.0 + (off / spread).powi(2));
            }
        }
        curve
    }

    /// Its value at one of `count` places.
    pub(super) fn at(&self, index: usize, count: usize) -> f64 {
        let x = Self::x(index, count);
        self.0[0] + x * (self.0[1] + x * self.0[2])
    }

    fn x(index: usize, count: usize) -> f64 {
        2.0 * index as f64 / (count.max(2) - 1) as f64 - 1.0
    }

    /// The least squares, by Cramer's rule.
    fn fit(values: &[f64], weights: &[f64], degree: Degree) -> Self {
        let (mut moments, mut joint) = ([0.0; 5], [0.0; 3]);
        for (index, (value, weight)) in values.iter().zip(weights).enumerate() {
            let x = Self::x(index, values.len());
            let powers = [1.0, x, x * x, x.powi(3), x.powi(4)];
            for (moment, power) in moments.iter_mut().zip(powers) {
                *moment += weight * power;
            }
            for (joint, power) in joint.iter_mut().zip(powers) {
                *joint += weight * power * value;
            }
        }
        let mut columns = [0, 1, 2].map(|column| [0, 1, 2].map(|row| moments[row + column]));
        if degree == Degree::One {
            // Nothing but 0 fits the third equation.
            columns[0][2] = 0.0;
            columns[1][2] = 0.0;
            columns[2] = [0.0, 0.0, 1.0];
            joint[2] = 0.0;
        }
        let whole = determinant(&columns);
        Self([0, 1, 2].map(|column| {
            let mut replaced = columns;
            replaced[column] = joint;
            determinant(&replaced) / whole
        }))
    }
}

fn determinant([a, b, c]: &[[f64; 3]; 3]) -> f64 {
    a[0] * (b[1] * c[2] - b[2] * c[1]) - b[0] * (a[1] * c[2] - a[2] * c[1])
        + c[0] * (a[1] * b[2] - a[2] * b[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_out_does_not_bend_it() {
        let at = |index: usize| 3.0 - 0.2 * index as f64 + 0.01 * (index as f64).powi(2);
        let mut values: Vec<f64> = (0..40).map(at).collect();
        for value in &mut values[12..18] {
            *value += 5.0;
        }
        let curve = Curve::through(&values, &[1.0; 40], Degree::Two);
        for index in 0..40 {
            assert!((curve.at(index, 40) - at(index)).abs() < 0.01, "{index}");
        }
    }

    #[test]
    fn a_straight_one_does_not_bend_at_all() {
        let values: Vec<f64> = (0..30).map(|index| 1.0 + 0.5 * f64::from(index)).collect();
        let curve = Curve::through(&values, &[1.0; 30], Degree::One);
        assert!((curve.at(0, 30) - 1.0).abs() < 1e-9 && (curve.at(29, 30) - 15.5).abs() < 1e-9);
    }
}
