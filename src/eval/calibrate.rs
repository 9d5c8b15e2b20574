//! From scores of different people to the table that thresholds are chosen by.

use super::EvalError;
use super::dataset::Dataset;
use super::gallery::Gallery;
use super::rates::Scores;
use crate::domain::calibration::{Calibration, CalibrationPoint, Tail};
use crate::vision::EMBEDDER_ID;

/// Points of the table for each factor of ten of FMR.
const POINTS_PER_DECADE: i32 = 10;
/// Fewest false matches that a point rests on: with 30 its 95 % interval is about a third either way, and what a
/// handful of wrongly labelled pictures do to the highest scores stays beyond the table.
const MIN_FALSE_MATCHES: usize = 30;
/// The tail's slope is fitted to this many decades before the table ends.
const TAIL_DECADES: f64 = 1.5;

/// The calibration of the embedder on a dataset.
pub(super) fn calibration(
    dataset: &Dataset,
    gallery: &Gallery,
    scores: &Scores,
) -> Result<Calibration, EvalError> {
    let points = points(scores);
    let tail = tail(&points).ok_or(EvalError::TooFewSubjects)?;
    Ok(Calibration {
        model_id: gallery
            .entries
            .first()
            .map_or(EMBEDDER_ID, |entry| entry.template.model_id())
            .to_owned(),
        dataset: format!("{} ({} pictures)", dataset.name, gallery.entries.len()),
        dataset_sha256: dataset.sha256()?,
        non_mated_pairs: scores.non_mated.len() as u64,
        subjects: scores.subjects() as u64,
        points,
        tail,
    })
}

/// FMR from 1 downwards, as far as enough false matches support it.
fn points(scores: &Scores) -> Vec<CalibrationPoint> {
    let total = scores.non_mated.len();
    let mut points: Vec<CalibrationPoint> = Vec::new();
    for step in 0.. {
        let target = 10_f64.powf(-f64::from(step) / f64::from(POINTS_PER_DECADE));
        let similarity = scores.threshold(target);
        let false_matches = scores.false_matches(similarity);
        if false_matches < MIN_FALSE_MATCHES {
            break;
        }
        let point = CalibrationPoint {
            similarity: round_up(similarity.into()),
            fmr: false_matches as f64 / total as f64,
        };
        if points
            .last()
            .is_none_or(|last| point.similarity > last.similarity && point.fmr < last.fmr)
        {
            points.push(point);
        }
    }
    points
}

/// Five decimals, upwards, so that rounding never lets more through.
fn round_up(similarity: f64) -> f64 {
    (similarity * 1e5).ceil() / 1e5
}

/// A straight line through log10(FMR) by least squares over the last decades of the table, moved to start at its
/// last point.
fn tail(points: &[CalibrationPoint]) -> Option<Tail> {
    let last = *points.last()?;
    let fitted: Vec<_> = points
        .iter()
        .filter(|point| (point.fmr / last.fmr).log10() <= TAIL_DECADES)
        .map(|point| (point.similarity, point.fmr.log10()))
        .collect();
    let n = fitted.len() as f64;
    let (mean_x, mean_y) = (
        fitted.iter().map(|(x, _)| x).sum::<f64>() / n,
        fitted.iter().map(|(_, y)| y).sum::<f64>() / n,
    );
    let covariance: f64 = fitted
        .iter()
        .map(|(x, y)| (x - mean_x) * (y - mean_y))
        .sum();
    let variance: f64 = fitted.iter().map(|(x, _)| (x - mean_x).powi(2)).sum();
    let decades_per_unit = -covariance / variance;
    (decades_per_unit.is_finite() && decades_per_unit > 0.0).then_some(Tail {
        from_similarity: last.similarity,
        from_fmr: last.fmr,
        decades_per_unit: (decades_per_unit * 1e3).round() / 1e3,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exponential_tail_is_continued_along_its_own_line() {
        let points: Vec<_> = (0..=40)
            .map(|step| CalibrationPoint {
                similarity: f64::from(step) / 100.0,
                fmr: 10_f64.powf(-f64::from(step) / 10.0),
            })
            .collect();
        let tail = tail(&points).unwrap();
        assert!((tail.decades_per_unit - 10.0).abs() < 1e-6);
        assert_eq!((tail.from_similarity, tail.from_fmr), (0.4, 1e-4));
    }

    #[test]
    fn a_single_point_has_no_slope() {
        assert_eq!(
            tail(&[CalibrationPoint {
                similarity: 0.1,
                fmr: 0.5
            }]),
            None
        );
    }
}
