//! From scores to error rates and back: the measured table of one embedder.
//!
//! A [`Calibration`] is made by `likeness eval --calibrate` from all non-mated comparisons of a dataset and says
//! which share of them reached a similarity (the false match rate, FMR, of ISO/IEC 19795-1). Beyond the data it
//! goes on along a straight line in log10(FMR) fitted to the tail, and says that it extrapolates.

use serde::{Deserialize, Serialize};

/// One measured point: the share of non-mated comparisons at or above a similarity.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CalibrationPoint {
    /// Cosine similarity.
    pub similarity: f64,
    /// False match rate at that threshold.
    pub fmr: f64,
}

/// Where the measured points end and how the tail goes on: `log10(fmr) = log10(fmr_0) - slope * (s - s_0)`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Tail {
    /// Similarity above which the estimate is extrapolated.
    pub from_similarity: f64,
    /// FMR at that similarity.
    pub from_fmr: f64,
    /// Decades of FMR lost per unit of similarity, above zero.
    pub decades_per_unit: f64,
}

/// The measured relation between similarity and FMR of one embedder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Id of the embedder that it holds for.
    pub model_id: String,
    /// What it was measured on.
    pub dataset: String,
    /// SHA-256 over the dataset's images in order of name.
    pub dataset_sha256: String,
    /// Comparisons of two different people.
    pub non_mated_pairs: u64,
    /// Different people among them.
    pub subjects: u64,
    /// By rising similarity and falling FMR.
    pub points: Vec<CalibrationPoint>,
    /// Beyond the last point.
    pub tail: Tail,
}

/// A similarity threshold and the error rate that it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Threshold {
    /// Cosine similarity; scores at or above it match.
    pub similarity: f64,
    /// The false match rate that it was chosen for.
    pub target_fmr: f64,
    /// True where the target lies beyond the calibration data.
    pub extrapolated: bool,
}

/// How often two different people reach a similarity.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FmrEstimate {
    /// False match rate, above 0 and up to 1.
    pub fmr: f64,
    /// True where the similarity lies beyond the calibration data.
    pub extrapolated: bool,
}
impl Calibration {
    /// The table of the embedder that ships, made by `likeness eval --calibrate`.
    ///
    /// # Panics
    /// Never: a test reads the same text.
    #[must_use]
    pub fn shipped() -> Self {
        serde_json::from_str(SHIPPED).expect("the shipped calibration is valid")
    }

    /// How often two different people are at least this similar.
    ///
    /// Between two points log10(FMR) is interpolated along a straight line; below the first every comparison
    /// matches.
    #[must_use]
    pub fn fmr(&self, similarity: f64) -> FmrEstimate {
        if similarity > self.tail.from_similarity {
            let decades = (similarity - self.tail.from_similarity) * self.tail.decades_per_unit;
            return FmrEstimate {
                fmr: self.tail.from_fmr * 10_f64.powf(-decades),
                extrapolated: true,
            };
        }
        let after = self
            .points
            .partition_point(|point| point.similarity <= similarity);
        let fmr = match (
            after.checked_sub(1).map(|i| self.points[i]),
            self.points.get(after),
        ) {
            (None, _) => 1.0,
            (Some(last), None) => last.fmr,
            (Some(low), Some(high)) => {
                let share = (similarity - low.similarity) / (high.similarity - low.similarity);
                10_f64.powf(low.fmr.log10() + share * (high.fmr.log10() - low.fmr.log10()))
            }
        };
        FmrEstimate {
            fmr,
            extrapolated: false,
        }
    }

    /// The similarity that two different people reach with a frequency of `target_fmr`: the inverse of
    /// [`Self::fmr`]. A target of 1 or more accepts everything.
    #[must_use]
    pub fn threshold(&self, target_fmr: f64) -> Threshold {
        let Tail {
            from_similarity,
            from_fmr,
            decades_per_unit,
        } = self.tail;
        if target_fmr < from_fmr {
            let similarity = from_similarity + (from_fmr / target_fmr).log10() / decades_per_unit;
            return Threshold {
                similarity: similarity.min(1.0),
                target_fmr,
                extrapolated: true,
            };
        }
        let after = self.points.partition_point(|point| point.fmr > target_fmr);
        let similarity = match (
            after.checked_sub(1).map(|i| self.points[i]),
            self.points.get(after),
        ) {
            (None, _) => -1.0,
            (Some(last), None) => last.similarity,
            (Some(low), Some(high)) => {
                let share = (low.fmr / target_fmr).log10() / (low.fmr / high.fmr).log10();
                low.similarity + share * (high.similarity - low.similarity)
            }
        };
        Threshold {
            similarity,
            target_fmr,
            extrapolated: false,
        }
    }
}

const SHIPPED: &str = include_str!("fr_feature.json");

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Calibration {
        let point = |similarity, fmr| CalibrationPoint { similarity, fmr };
        Calibration {
            model_id: "m".to_owned(),
            dataset: "d".to_owned(),
            dataset_sha256: String::new(),
            non_mated_pairs: 1_000_000,
            subjects: 1_500,
            points: vec![point(0.0, 0.5), point(0.2, 1e-2), point(0.4, 1e-4)],
            tail: Tail {
                from_similarity: 0.4,
                from_fmr: 1e-4,
                decades_per_unit: 10.0,
            },
        }
    }

    fn close(a: f64, b: f64) -> bool {
        (a / b - 1.0).abs() < 1e-9
    }

    #[test]
    fn rates_are_interpolated_in_the_logarithm() {
        let table = table();
        assert!(close(table.fmr(0.3).fmr, 1e-3));
        assert!(close(table.threshold(1e-3).similarity, 0.3));
        assert!(!table.fmr(0.4).extrapolated && !table.threshold(1e-4).extrapolated);
    }

    #[test]
    fn beyond_the_data_the_line_goes_on_and_says_so() {
        let table = table();
        let (fmr, threshold) = (table.fmr(0.6), table.threshold(1e-6));
        assert!(close(fmr.fmr, 1e-6) && fmr.extrapolated);
        assert!(close(threshold.similarity, 0.6) && threshold.extrapolated);
        assert_eq!(table.threshold(1e-30).similarity, 1.0);
    }

    #[test]
    fn below_the_data_everything_matches() {
        let table = table();
        assert_eq!(table.fmr(-0.5).fmr, 1.0);
        assert_eq!(table.threshold(1.0).similarity, -1.0);
    }

    #[test]
    fn the_shipped_table_is_monotone_and_its_own_inverse() {
        let table = Calibration::shipped();
        assert!(
            table
                .points
                .is_sorted_by(|a, b| a.similarity < b.similarity && a.fmr > b.fmr)
        );
        let last = table.points.last().unwrap();
        assert_eq!(
            (last.similarity, last.fmr),
            (table.tail.from_similarity, table.tail.from_fmr)
        );
        for exponent in 1..=90 {
            let target = 10_f64.powf(-f64::from(exponent) / 10.0);
            let threshold = table.threshold(target);
            if threshold.similarity < 1.0 {
                let back = table.fmr(threshold.similarity).fmr;
                assert!((back / target - 1.0).abs() < 1e-6, "{target}");
            }
        }
    }
}
