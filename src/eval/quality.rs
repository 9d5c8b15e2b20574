//! Whether the quality score tells which comparisons go wrong: the error-versus-discard curve of ISO/IEC 29794-1.
//!
//! A mated comparison is as good as the worse of its two pictures. Those with the worst quality are left out step by
//! step, and the FNMR of the rest is taken at a threshold that stays. A score that tells nothing leaves it where it was.
//! The curve is taken of all people, and of two parts of them that have nobody in common.

use std::fmt;

use super::proportion::Proportion;
use super::saved::Evaluated;

/// False match rates whose thresholds are looked at.
const TARGET_RATES: [f64; 2] = [1e-3, 1e-4];
/// Shares of the comparisons that are left out, in percent.
const DISCARDED: [usize; 7] = [0, 5, 10, 20, 30, 40, 50];

/// One mated comparison.
#[derive(Debug, Clone, Copy)]
struct Mated {
    quality: f32,
    similarity: f32,
}

/// The curve at one threshold.
#[derive(Debug, Clone, PartialEq)]
pub struct DiscardCurve {
    /// The threshold's false match rate, on all people.
    pub target_fmr: f64,
    /// Share left out in percent, and the FNMR of the rest.
    pub points: Vec<(usize, Proportion)>,
    /// Of all false non-matches, those among the fifth of the comparisons with the worst quality.
    pub worst_fifth: Proportion,
}

impl DiscardCurve {
    fn new(target_fmr: f64, threshold: f32, mated: &mut [Mated]) -> Self {
        mated.sort_by(|a, b| a.quality.total_cmp(&b.quality));
        let misses = |part: &[Mated]| part.iter().filter(|c| c.similarity < threshold).count();
        let kept = |percent: usize| &mated[mated.len() * percent / 100..];
        let points = DISCARDED.map(|percent| {
            let kept = kept(percent);
            let errors = Proportion {
                count: misses(kept),
                of: kept.len(),
            };
            (percent, errors)
        });
        let all = misses(mated);
        Self {
            target_fmr,
            points: points.into(),
            worst_fifth: Proportion {
                count: all - misses(kept(20)),
                of: all,
            },
        }
    }
}

/// The curves of one part of the people.
#[derive(Debug, Clone, PartialEq)]
pub struct QualityReport {
    /// Who they are.
    pub people: &'static str,
    /// One curve a threshold.
    pub curves: Vec<DiscardCurve>,
}

/// The curves of all people whose place in the folds is wanted; thresholds by target rate.
pub(super) fn curves(
    people: &'static str,
    evaluated: &Evaluated,
    threshold: impl Fn(f64) -> f32,
    wanted: impl Fn(usize) -> bool,
) -> QualityReport {
    let mut mated = mated(evaluated, wanted);
    let curves =
        TARGET_RATES.map(|target| DiscardCurve::new(target, threshold(target), &mut mated));
    QualityReport {
        people,
        curves: curves.into(),
    }
}

/// The comparisons within each subject, of pictures that have a template and a score.
fn mated(evaluated: &Evaluated, wanted: impl Fn(usize) -> bool) -> Vec<Mated> {
    let quality = |image: usize| evaluated.record.qualities[image];
    let mut mated = Vec::new();
    let of_subjects = evaluated.dataset.images_of_subjects();
    for (_, images) in of_subjects
        .iter()
        .enumerate()
        .filter(|(subject, _)| wanted(*subject))
    {
        for (index, &image) in images.iter().enumerate() {
            mated.extend(images[index + 1..].iter().filter_map(|&other| {
                Some(Mated {
                    quality: quality(image)?.min(quality(other)?),
                    similarity: evaluated.scores.between(image, other)?,
                })
            }));
        }
    }
    mated
}

impl fmt::Display for QualityReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "error versus discard, {}", self.people)?;
        for curve in &self.curves {
            writeln!(
                f,
                "at FMR {:.0e} the worst fifth by quality holds {} % of the false non-matches",
                curve.target_fmr, curve.worst_fifth
            )?;
            writeln!(f, "discarded %  FNMR % [95 %]")?;
            for (percent, fnmr) in &curve.points {
                writeln!(f, "{percent:>11}  {fnmr}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_that_tells_takes_the_errors_away_first_and_one_that_does_not_leaves_them() {
        let comparison = |quality: usize, missed: bool| Mated {
            quality: quality as f32,
            similarity: if missed { 0.1 } else { 0.9 },
        };
        // 100 comparisons, 10 of them missed: those with the worst quality, or every tenth.
        let mut telling: Vec<Mated> = (0..100).rev().map(|q| comparison(q, q < 10)).collect();
        let curve = DiscardCurve::new(1e-3, 0.5, &mut telling);
        assert_eq!((curve.worst_fifth.count, curve.worst_fifth.of), (10, 10));
        let fnmr = |curve: &DiscardCurve| -> Vec<(usize, usize)> {
            curve.points.iter().map(|(_, p)| (p.count, p.of)).collect()
        };
        assert_eq!(fnmr(&curve)[..4], [(10, 100), (5, 95), (0, 90), (0, 80)]);
        let mut blind: Vec<Mated> = (0..100).map(|q| comparison(q, q % 10 == 0)).collect();
        let curve = DiscardCurve::new(1e-3, 0.5, &mut blind);
        assert_eq!((curve.worst_fifth.count, curve.worst_fifth.of), (2, 10));
        assert_eq!(fnmr(&curve)[3], (8, 80));
    }
}
