//! From scores to error rates and back: the measured table of one embedder.
//!
//! A [`Calibration`] is made by `likeness eval --calibrate` from all non-mated comparisons of a dataset and says
//! which share of them reached a similarity (the false match rate, FMR, of ISO/IEC 19795-1). Beyond the data it
//! goes on along a straight line in log10(FMR) fitted to the tail, and says that it extrapolates.

use serde::{Deserialize, Serialize};

use super::embedder::Embedder;

/// The tables of the embedders that the service knows.
const FR_FEATURE: &str = include_str!("fr_feature.json");
const FUSED: &str = include_str!("fused.json");
const SFACE: &str = include_str!("sface.json");

/// One measured point: the share of non-mated comparisons at or above a similarity.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CalibrationPoint {
    /// Cosine similarity.
    pub similarity: f64,
    /// False match rate at that threshold.
    pub fmr: f64,
}

/// One measured point of the other kind: the share of mated comparisons below a similarity.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct MatedPoint {
    /// Cosine similarity.
    pub similarity: f64,
    /// False non-match rate at that threshold.
    pub fnmr: f64,
}

/// How alike two pictures of one person are. No threshold is chosen by it: it shows what one costs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Mated {
    /// Comparisons of two pictures of one person.
    pub pairs: u64,
    /// By rising similarity and rising FNMR; the last has an FNMR of 1.
    pub points: Vec<MatedPoint>,
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
    /// By rising similarity and falling FMR; the first has an FMR of 1.
    pub points: Vec<CalibrationPoint>,
    /// From the last point on.
    pub tail: Tail,
    /// How alike two pictures of one person are, where that was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mated: Option<Mated>,
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

impl Mated {
    fn is_rising_curve(&self) -> bool {
        let rises = |pair: &[MatedPoint]| {
            pair[0].similarity < pair[1].similarity && pair[0].fnmr < pair[1].fnmr
        };
        let [first, .., last] = self.points.as_slice() else {
            return false;
        };
        first.fnmr > 0.0 && last.fnmr == 1.0 && self.points.windows(2).all(rises)
    }
}

/// A table that is not one: too few points, out of order, or with a tail that does not fall from its last point.
#[derive(Debug, thiserror::Error)]
pub enum InvalidCalibration {
    /// It cannot be read.
    #[error("the calibration table cannot be read: {0}")]
    Syntax(#[from] serde_json::Error),
    /// Its numbers contradict each other.
    #[error(
        "the calibration table is not a falling curve that its tail goes on from, or its mated curve does not rise"
    )]
    Shape,
}

impl Calibration {
    /// The table of an embedder.
    ///
    /// # Panics
    /// Where it is one of the user's own that was not calibrated, which the configuration does not take. The other tables
    /// are part of the program, and a test reads them.
    #[must_use]
    pub fn of(embedder: Embedder) -> Self {
        let table = match embedder {
            Embedder::Fused => FUSED,
            Embedder::Sface => SFACE,
            Embedder::FrFeature => FR_FEATURE,
            Embedder::Own(own) => {
                return own.calibration.clone().expect("the embedder is calibrated");
            }
        };
        Self::parse(table).expect("the shipped table is valid")
    }

    /// The table of the default embedder.
    #[must_use]
    pub fn shipped() -> Self {
        Self::of(Embedder::default())
    }

    /// Reads a table as `likeness eval --calibrate` writes it.
    ///
    /// # Errors
    /// [`InvalidCalibration`] unless it is a falling curve with a tail, and its mated curve, if there is one, rises.
    pub fn parse(json: &str) -> Result<Self, InvalidCalibration> {
        let table: Self = serde_json::from_str(json)?;
        if table.is_falling_curve() && table.mated.as_ref().is_none_or(Mated::is_rising_curve) {
            Ok(table)
        } else {
            Err(InvalidCalibration::Shape)
        }
    }

    fn is_falling_curve(&self) -> bool {
        let falls = |pair: &[CalibrationPoint]| {
            pair[0].similarity < pair[1].similarity
                && pair[0].fmr > pair[1].fmr
                && pair[1].fmr > 0.0
        };
        let [first, .., last] = self.points.as_slice() else {
            return false;
        };
        first.fmr == 1.0
            && self.points.windows(2).all(falls)
            && self.tail.from_similarity == last.similarity
            && self.tail.from_fmr == last.fmr
            && self.tail.decades_per_unit > 0.0
    }

    /// How often two different people reach a similarity.
    #[must_use]
    pub fn fmr(&self, similarity: f64) -> FmrEstimate {
        let tail = &self.tail;
        let extrapolated = similarity > tail.from_similarity;
        let fmr = if extrapolated {
            let decades = tail.decades_per_unit * (similarity - tail.from_similarity);
            tail.from_fmr * 10_f64.powf(-decades)
        } else {
            self.measured(similarity, |point| (point.similarity, point.fmr.log10()))
                .map_or(1.0, |log_fmr| 10_f64.powf(log_fmr))
        };
        FmrEstimate {
            fmr: fmr.max(f64::MIN_POSITIVE),
            extrapolated,
        }
    }

    /// The lowest similarity that two different people reach at most as often as `target_fmr`.
    ///
    /// It may lie above 1, which nothing reaches: then no comparison can hold the target.
    #[must_use]
    pub fn threshold(&self, target_fmr: f64) -> Threshold {
        let tail = &self.tail;
        let extrapolated = target_fmr < tail.from_fmr;
        let similarity = if extrapolated {
            let decades = (tail.from_fmr / target_fmr).log10();
            tail.from_similarity + decades / tail.decades_per_unit
        } else {
            // Minus the logarithm rises along the curve, as the interpolation wants it.
            self.measured(-target_fmr.log10(), |point| {
                (-point.fmr.log10(), point.similarity)
            })
            .unwrap_or(self.points[0].similarity)
        };
        Threshold {
            similarity,
            target_fmr,
            extrapolated,
        }
    }

    /// The straight line between the two points around `x`, where `axes` gives a point's rising x and its y; `None`
    /// below the first point.
    fn measured(&self, x: f64, axes: impl Fn(&CalibrationPoint) -> (f64, f64)) -> Option<f64> {
        let above = self.points.partition_point(|point| axes(point).0 <= x);
        let (x0, y0) = axes(self.points.get(above.checked_sub(1)?)?);
        let Some(next) = self.points.get(above) else {
            return Some(y0);
        };
        let (x1, y1) = axes(next);
        Some(y0 + (y1 - y0) * (x - x0) / (x1 - x0))
    }
}

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
            subjects: 1_000,
            points: vec![point(-0.2, 1.0), point(0.1, 0.1), point(0.3, 1e-3)],
            tail: Tail {
                from_similarity: 0.3,
                from_fmr: 1e-3,
                decades_per_unit: 10.0,
            },
            mated: Some(Mated {
                pairs: 1_000,
                points: vec![
                    MatedPoint {
                        similarity: 0.2,
                        fnmr: 0.01,
                    },
                    MatedPoint {
                        similarity: 0.9,
                        fnmr: 1.0,
                    },
                ],
            }),
        }
    }

    fn mated(table: &mut Calibration) -> &mut Vec<MatedPoint> {
        &mut table.mated.as_mut().unwrap().points
    }

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() <= 1e-9 * b.abs().max(1e-3)
    }

    #[test]
    fn between_points_the_logarithm_of_the_rate_is_interpolated() {
        assert!(close(table().fmr(0.2).fmr, 1e-2));
        assert!(close(table().threshold(1e-2).similarity, 0.2));
        assert!(!table().fmr(0.3).extrapolated && !table().threshold(1e-3).extrapolated);
    }

    #[test]
    fn beyond_the_data_the_tail_goes_on_and_says_so() {
        let beyond = table().fmr(0.5);
        assert!(beyond.extrapolated && close(beyond.fmr, 1e-5));
        let strict = table().threshold(1e-6);
        assert!(strict.extrapolated && close(strict.similarity, 0.6));
    }

    #[test]
    fn below_the_data_everybody_matches() {
        assert_eq!(table().fmr(-1.0).fmr, 1.0);
        assert_eq!(table().threshold(1.0).similarity, -0.2);
    }

    #[test]
    fn rate_and_threshold_are_each_others_inverse_and_monotone() {
        for table in [table(), Calibration::shipped()] {
            let mut lowest = f64::INFINITY;
            for step in 0..400 {
                let similarity = table.points[0].similarity + f64::from(step) * 0.002;
                let fmr = table.fmr(similarity).fmr;
                assert!(fmr <= lowest);
                lowest = fmr;
                let back = table.threshold(fmr).similarity;
                assert!((back - similarity).abs() < 1e-9, "{similarity} {back}");
            }
        }
    }

    #[test]
    fn no_similarity_has_a_rate_of_zero() {
        assert!(Calibration::shipped().fmr(1.0).fmr > 0.0);
        assert!(table().fmr(100.0).fmr > 0.0);
    }

    #[test]
    fn a_table_that_rises_or_has_no_matching_tail_is_refused() {
        let broken: [fn(&mut Calibration); 7] = [
            |table| table.points.swap(1, 2),
            |table| table.points.truncate(1),
            |table| table.tail.from_fmr = 0.5,
            |table| table.tail.decades_per_unit = 0.0,
            |table| mated(table).swap(0, 1),
            |table| mated(table).truncate(1),
            |table| mated(table)[1].fnmr = 0.9,
        ];
        for break_it in broken {
            let mut table = table();
            break_it(&mut table);
            let json = serde_json::to_string(&table).unwrap();
            assert!(matches!(
                Calibration::parse(&json),
                Err(InvalidCalibration::Shape)
            ));
        }
    }

    #[test]
    fn a_table_without_a_mated_curve_is_one_and_the_shipped_one_has_it() {
        let plain = Calibration {
            mated: None,
            ..table()
        };
        let json = serde_json::to_string(&plain).unwrap();
        assert!(!json.contains("mated\":"));
        assert_eq!(Calibration::parse(&json).unwrap(), plain);
        assert!(Calibration::shipped().mated.is_some());
    }
}
