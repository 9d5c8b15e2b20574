//! Curves of an evaluation: how FNMR falls as FMR rises, and how the scores of one and of two people spread.

use std::fmt::Write as _;

use super::comparisons::Comparisons;

const POINTS_PER_DECADE: i32 = 20;
/// Width of the bins in which scores are counted.
const BIN: f64 = 0.02;

/// A point of the detection error trade-off (DET).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DetPoint {
    /// Cosine similarity.
    pub threshold: f32,
    /// Non-mated comparisons that reach it.
    pub false_matches: usize,
    /// Their share.
    pub fmr: f64,
    /// Mated comparisons that do not reach it.
    pub false_non_matches: usize,
    /// Their share.
    pub fnmr: f64,
}

/// The points of the curve by falling FMR, twenty a decade.
pub(super) fn det(comparisons: &Comparisons) -> Vec<DetPoint> {
    let (mated, non_mated) = (comparisons.mated.len(), comparisons.non_mated.len());
    let decades = (non_mated as f64).log10();
    let point = |step: i32| {
        let exponent = f64::from(step) / f64::from(POINTS_PER_DECADE);
        if exponent > decades {
            return None;
        }
        let threshold = comparisons.threshold(10_f64.powf(-exponent));
        let matches = comparisons.false_matches(threshold);
        let misses = comparisons.false_non_matches(threshold);
        Some(DetPoint {
            threshold,
            false_matches: matches,
            fmr: matches as f64 / non_mated as f64,
            false_non_matches: misses,
            fnmr: misses as f64 / mated as f64,
        })
    };
    (0..).map_while(point).collect()
}

/// The points as CSV.
pub(super) fn csv(points: &[DetPoint]) -> String {
    let mut csv = String::from("threshold,fmr,fnmr,false_matches,false_non_matches\n");
    for point in points {
        // Writing to a string cannot fail.
        let _ = writeln!(
            csv,
            "{:.6},{:.6e},{:.6e},{},{}",
            point.threshold, point.fmr, point.fnmr, point.false_matches, point.false_non_matches
        );
    }
    csv
}

/// How often scores fall into each of the bins between the lowest and the highest, as shares of all of their kind.
#[derive(Debug, Clone, PartialEq)]
pub struct Distributions {
    /// Where the first bin begins.
    pub from: f64,
    /// How wide each is.
    pub bin: f64,
    /// Of two people.
    pub non_mated: Vec<f64>,
    /// Of one person.
    pub mated: Vec<f64>,
}

impl Distributions {
    pub(super) fn of(comparisons: &Comparisons) -> Self {
        let mated: Vec<f32> = comparisons.mated.iter().map(|s| s.similarity).collect();
        let both = || comparisons.non_mated.iter().chain(&mated).copied();
        let bin = |score: f32| (f64::from(score) / BIN).floor();
        let first = both().map(bin).fold(0.0, f64::min);
        let last = both().map(bin).fold(0.0, f64::max);
        let shares = |scores: &[f32]| {
            let mut counts = vec![0_usize; (last - first) as usize + 1];
            for &score in scores {
                counts[(bin(score) - first) as usize] += 1;
            }
            let share = |count| count as f64 / scores.len().max(1) as f64;
            counts.into_iter().map(share).collect()
        };
        Self {
            from: first * BIN,
            bin: BIN,
            non_mated: shares(&comparisons.non_mated),
            mated: shares(&mated),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::scores::tests::four;
    use super::*;

    #[test]
    fn the_curve_goes_down_to_the_last_false_match() {
        let points = det(&Comparisons::among(&four().1, |_| true));
        assert!(points.is_sorted_by(|a, b| a.false_matches >= b.false_matches));
        assert_eq!((points[0].fmr, points[0].fnmr), (1.0, 0.0));
        assert_eq!(points.last().unwrap().false_matches, 1);
        let csv = csv(&points);
        assert_eq!(csv.lines().count(), points.len() + 1);
        assert!(csv.contains(",1.000000e0,0.000000e0,4,0\n"), "{csv}");
    }

    #[test]
    fn every_score_is_in_one_bin() {
        let spread = Distributions::of(&Comparisons::among(&four().1, |_| true));
        for shares in [&spread.non_mated, &spread.mated] {
            assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        }
        // Both pictures of each person are ten degrees apart: 0.985, the bin that begins at 0.98.
        let at = spread.mated.iter().position(|share| *share == 1.0).unwrap();
        assert!((spread.from + at as f64 * spread.bin - 0.98).abs() < 1e-9);
    }
}
