//! Counts out of a number, with their uncertainty.

use std::fmt;

/// Quantile of the normal distribution for a 95 % interval.
const Z: f64 = 1.959_964;

/// A count out of a number, with the 95 % interval of Wilson.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Proportion {
    /// How many.
    pub count: usize,
    /// Of how many.
    pub of: usize,
}

impl Proportion {
    /// The share; `None` of nothing.
    #[must_use]
    pub fn value(self) -> Option<f64> {
        (self.of > 0).then(|| self.count as f64 / self.of as f64)
    }

    /// The ends of its interval; all of 0 to 1 of nothing.
    #[must_use]
    pub fn interval(self) -> (f64, f64) {
        let Some(share) = self.value() else {
            return (0.0, 1.0);
        };
        let n = self.of as f64;
        let spread = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
        let (centre, norm) = (share + Z * Z / (2.0 * n), 1.0 + Z * Z / n);
        let end = |value: f64| (value / norm).clamp(0.0, 1.0);
        (end(centre - spread), end(centre + spread))
    }
}

impl fmt::Display for Proportion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (low, high) = self.interval();
        match self.value() {
            None => write!(f, "{:>32}", "none"),
            Some(value) => write!(
                f,
                "{:>6.2} [{:>5.2}, {:>6.2}] {:>5}/{:<5}",
                100.0 * value,
                100.0 * low,
                100.0 * high,
                self.count,
                self.of
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_wilsons() {
        let near = |(low, high): (f64, f64), expected: (f64, f64)| {
            assert!((low - expected.0).abs() < 5e-5, "{low}");
            assert!((high - expected.1).abs() < 5e-5, "{high}");
        };
        let of = |count, of| Proportion { count, of }.interval();
        near(of(0, 10), (0.0, 0.2775));
        near(of(5, 10), (0.2366, 0.7634));
        near(of(1, 100), (0.0018, 0.0545));
        near(of(10, 10), (0.7225, 1.0));
        assert_eq!(of(0, 0), (0.0, 1.0));
        assert_eq!(Proportion { count: 0, of: 0 }.value(), None);
    }
}
