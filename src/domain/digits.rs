//! Rounding of what callers are told.

/// Rounds to three significant digits: enough to act on, too little to climb by.
#[must_use]
pub fn round3(value: f64) -> f64 {
    // Through text: the nearest number to the decimal, without a tail of digits.
    format!("{value:.2e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_told_to_three_significant_digits() {
        for (value, rounded) in [
            (0.612_345, 0.612),
            (-0.012_345, -0.0123),
            (3.456_7e-7, 3.46e-7),
            (0.0, 0.0),
            (1.0, 1.0),
        ] {
            assert_eq!(round3(value), rounded);
        }
    }
}
