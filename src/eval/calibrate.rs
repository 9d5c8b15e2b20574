//! From comparisons to the calibration table, and whether the table holds for people that it has not seen.
//!
//! The table follows the data as far down as [`MIN_FALSE_MATCHES`] non-mated comparisons reach a similarity: there the
//! rate is known to about a fifth. Below that the logarithm of the rate goes on along a straight line whose slope is
//! fitted to the last decade of the data. For a cosine of unrelated faces the true curve bends downwards, as the tail
//! of a normal distribution does, so the line errs on the side of a higher rate and a stricter threshold.

use super::comparisons::Comparisons;
use crate::domain::calibration::{Calibration, CalibrationPoint, Mated, MatedPoint, Tail};

/// Fewest non-mated comparisons above a similarity for it to count as measured.
const MIN_FALSE_MATCHES: f64 = 30.0;
/// Fewest mated comparisons below a similarity for it to be drawn: the rate is known to about a third there.
const MIN_FALSE_NON_MATCHES: f64 = 10.0;
const POINTS_PER_DECADE: f64 = 10.0;
/// The tail's slope is fitted to this many decades of rate above the last point.
const FITTED_DECADES: f64 = 1.0;
/// Rates at which a table is checked against people that it was not made from.
const CHECKED_RATES: [f64; 5] = [1e-2, 1e-3, 1e-4, 1e-5, 1e-6];

/// Where the comparisons come from.
pub(super) struct Origin {
    pub(super) model_id: String,
    pub(super) dataset: String,
    pub(super) dataset_sha256: String,
    pub(super) subjects: usize,
}

/// A table's promise for one rate, and what people who were not part of it gave.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeldOutRate {
    /// The rate that the threshold was chosen for.
    pub target_fmr: f64,
    /// The table's threshold for it.
    pub threshold: f64,
    /// Whether that lies beyond the table's data.
    pub extrapolated: bool,
    /// The rate among the other people.
    pub fmr: f64,
    /// Non-mated comparisons behind that rate which reach the threshold.
    pub false_matches: usize,
}

/// The table of a set of comparisons; `None` where they are too few for one decade of tail.
pub(super) fn table(comparisons: &Comparisons, origin: Origin) -> Option<Calibration> {
    let points = points(comparisons);
    let last = *points.last()?;
    let fitted: Vec<_> = points
        .iter()
        .filter(|point| point.fmr <= last.fmr * 10_f64.powf(FITTED_DECADES + 1e-6))
        .filter(|point| point.fmr < 1.0)
        .collect();
    let enough = fitted.len() as f64 >= 0.8 * POINTS_PER_DECADE * FITTED_DECADES;
    let decades_per_unit = -slope(&fitted);
    (enough && decades_per_unit > 0.0).then(|| Calibration {
        model_id: origin.model_id,
        dataset: origin.dataset,
        dataset_sha256: origin.dataset_sha256,
        non_mated_pairs: comparisons.non_mated.len() as u64,
        subjects: origin.subjects as u64,
        tail: Tail {
            from_similarity: last.similarity,
            from_fmr: last.fmr,
            decades_per_unit: rounded(decades_per_unit),
        },
        points,
        mated: mated(comparisons),
    })
}

/// The curve from a rate of 1 down to the last one that is measured.
fn points(comparisons: &Comparisons) -> Vec<CalibrationPoint> {
    let total = comparisons.non_mated.len() as f64;
    let Some(lowest) = comparisons.non_mated.last() else {
        return Vec::new();
    };
    let mut points = vec![CalibrationPoint {
        similarity: rounded(f64::from(*lowest)),
        fmr: 1.0,
    }];
    for step in 1.. {
        let target = 10_f64.powf(-f64::from(step) / POINTS_PER_DECADE);
        if target * total < MIN_FALSE_MATCHES {
            break;
        }
        let threshold = comparisons.threshold(target);
        let point = CalibrationPoint {
            similarity: rounded(f64::from(threshold)),
            fmr: rounded(comparisons.false_matches(threshold) as f64 / total),
        };
        // Among few or equal scores two rates may share a point.
        let new = |last: &CalibrationPoint| {
            point.similarity > last.similarity && point.fmr < last.fmr && point.fmr > 0.0
        };
        if points.last().is_some_and(new) {
            points.push(point);
        }
    }
    points
}

/// The curve of one person's pictures; `None` where they are too few for two points.
fn mated(comparisons: &Comparisons) -> Option<Mated> {
    let total = comparisons.mated.len() as f64;
    let mut scores: Vec<f32> = comparisons.mated.iter().map(|s| s.similarity).collect();
    scores.sort_unstable_by(f32::total_cmp);
    let point = |step: u32| {
        let missed = 10_f64.powf(-f64::from(step) / POINTS_PER_DECADE) * total;
        // The similarity that so many do not reach.
        let last_missed = scores.get((missed.round() as usize).checked_sub(1)?)?;
        let threshold = last_missed.next_up();
        (missed >= MIN_FALSE_NON_MATCHES).then(|| MatedPoint {
            similarity: rounded(f64::from(threshold)),
            fnmr: rounded(comparisons.false_non_matches(threshold) as f64 / total),
        })
    };
    let mut points: Vec<MatedPoint> = (0..).map_while(point).collect();
    // Among equal scores two rates may share a point.
    points.dedup_by(|lower, higher| {
        lower.similarity >= higher.similarity || lower.fnmr >= higher.fnmr
    });
    points.reverse();
    (points.len() > 1).then_some(Mated {
        pairs: comparisons.mated.len() as u64,
        points,
    })
}

/// Least-squares slope of log10(FMR) over similarity.
fn slope(points: &[&CalibrationPoint]) -> f64 {
    let n = points.len() as f64;
    let mean_x = points.iter().map(|p| p.similarity).sum::<f64>() / n;
    let mean_y = points.iter().map(|p| p.fmr.log10()).sum::<f64>() / n;
    let (mut products, mut squares) = (0.0, 0.0);
    for point in points {
        let dx = point.similarity - mean_x;
        products += dx * (point.fmr.log10() - mean_y);
        squares += dx * dx;
    }
    products / squares
}

/// Six significant digits: more than the data carry, and a table that can be read.
fn rounded(value: f64) -> f64 {
    format!("{value:.5e}").parse().unwrap_or(value)
}

/// What a table made from some people promises, against the comparisons of others.
pub(super) fn check(table: &Calibration, others: &Comparisons) -> Vec<HeldOutRate> {
    let rate = |target_fmr: f64| {
        let threshold = table.threshold(target_fmr);
        let false_matches = others.false_matches(threshold.similarity as f32);
        HeldOutRate {
            target_fmr,
            threshold: threshold.similarity,
            extrapolated: threshold.extrapolated,
            fmr: false_matches as f64 / others.non_mated.len() as f64,
            false_matches,
        }
    };
    CHECKED_RATES.map(rate).into()
}

#[cfg(test)]
mod tests {
    use super::super::comparisons::MatedScore;
    use super::*;

    /// Scores whose rate falls by a decade each 0.1, from a rate of 1 at 0.
    fn exponential(count: usize) -> Comparisons {
        let score = |rank: usize| -0.1 * ((rank as f32 + 0.5) / count as f32).log10();
        Comparisons {
            non_mated: (0..count).map(score).collect(),
            // Every similarity of 0 to 1 is as likely as any other.
            mated: (0..1_000)
                .map(|rank| mated_score(rank as f32 / 999.0))
                .collect(),
        }
    }

    fn mated_score(similarity: f32) -> MatedScore {
        MatedScore {
            subject: 0,
            similarity,
        }
    }

    fn origin() -> Origin {
        Origin {
            model_id: "m".to_owned(),
            dataset: "d".to_owned(),
            dataset_sha256: "0".to_owned(),
            subjects: 7,
        }
    }

    #[test]
    fn the_table_follows_the_data_and_its_tail_the_last_decade() {
        let table = table(&exponential(1_000_000), origin()).unwrap();
        assert!((table.fmr(0.25).fmr.log10() + 2.5).abs() < 0.01);
        assert!((table.tail.decades_per_unit - 10.0).abs() < 0.1);
        assert!((table.threshold(1e-8).similarity - 0.8).abs() < 0.01);
        let measured = table.tail.from_fmr * 1e6;
        assert!((30.0..40.0).contains(&measured), "{measured}");
    }

    #[test]
    fn the_mated_curve_tells_the_share_below_each_similarity() {
        let table = table(&exponential(100_000), origin()).unwrap();
        let Mated { pairs, points } = table.mated.unwrap();
        assert_eq!(pairs, 1_000);
        assert_eq!(points.last().unwrap().fnmr, 1.0);
        assert_eq!(points[0].fnmr, 0.01);
        for point in points {
            assert!((point.similarity - point.fnmr).abs() < 2e-3, "{point:?}");
        }
    }

    #[test]
    fn equal_or_few_mated_scores_make_no_curve() {
        for (count, step) in [(100, 0.0), (9, 0.1)] {
            let score = |rank: u8| mated_score(f32::from(rank) * step);
            let comparisons = Comparisons {
                non_mated: Vec::new(),
                mated: (0..count).map(score).collect(),
            };
            assert_eq!(mated(&comparisons), None, "{count}");
        }
    }

    #[test]
    fn the_table_reads_back_as_it_was_written() {
        let table = table(&exponential(100_000), origin()).unwrap();
        let json = serde_json::to_string(&table).unwrap();
        assert_eq!(Calibration::parse(&json).unwrap(), table);
    }

    #[test]
    fn too_few_or_equal_scores_make_no_table() {
        assert!(table(&exponential(100), origin()).is_none());
        assert!(table(&exponential(0), origin()).is_none());
        let equal = Comparisons {
            non_mated: vec![0.1; 100_000],
            mated: Vec::new(),
        };
        assert!(table(&equal, origin()).is_none());
    }

    #[test]
    fn a_table_holds_for_others_of_the_same_kind() {
        let table = table(&exponential(1_000_000), origin()).unwrap();
        for rate in check(&table, &exponential(300_000)) {
            assert_eq!(rate.extrapolated, rate.target_fmr < 3e-5);
            if rate.target_fmr >= 1e-5 {
                assert!((rate.fmr.log10() - rate.target_fmr.log10()).abs() < 0.15);
            }
        }
    }
}
