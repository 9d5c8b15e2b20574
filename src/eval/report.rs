//! What was measured, as a table and as points of a curve.

use std::fmt::{self, Write as _};

use super::dataset::{Dataset, Pair};
use super::gallery::Gallery;
use super::rates::{OperatingPoint, Scores};

/// False match rates of the table.
const TARGETS: [f64; 5] = [1e-2, 1e-3, 1e-4, 1e-5, 1e-6];
/// Points of the DET curve for each factor of ten of FMR.
const DET_POINTS_PER_DECADE: i32 = 20;

/// The figures of one run.
#[derive(Debug)]
pub struct Report {
    dataset: String,
    pictures: usize,
    subjects: usize,
    failed: usize,
    protocol: Option<Protocol>,
    mated: usize,
    non_mated: usize,
    points: Vec<Result<OperatingPoint, f64>>,
    ms_decode: f64,
    ms_detect: f64,
    ms_face: f64,
}

/// Accuracy of the verification protocol.
#[derive(Debug)]
struct Protocol {
    pairs: usize,
    folds: usize,
    mean: f64,
    deviation: f64,
}

impl Report {
    pub(super) fn new(dataset: &Dataset, gallery: &Gallery, scores: &Scores) -> Self {
        let attempts = gallery.attempts;
        let face = gallery.timings.landmarks + gallery.timings.embed;
        Self {
            dataset: dataset.name.clone(),
            pictures: attempts,
            subjects: scores.subjects(),
            failed: gallery.failed_to_acquire.len(),
            protocol: protocol(&dataset.pairs, gallery),
            mated: scores.mated_pairs(),
            non_mated: scores.non_mated.len(),
            points: TARGETS
                .map(|target| scores.operating_point(target).ok_or(target))
                .into(),
            ms_decode: gallery.mean_ms(gallery.timings.decode, attempts),
            ms_detect: gallery.mean_ms(gallery.timings.detect, attempts),
            ms_face: gallery.mean_ms(face, gallery.faces),
        }
    }
}

/// The threshold of a fold comes from the other folds. A pair of which a picture failed to be acquired is an error.
fn protocol(pairs: &[Pair], gallery: &Gallery) -> Option<Protocol> {
    let scored: Vec<(u32, bool, Option<f32>)> = pairs
        .iter()
        .map(|pair| {
            let (a, b) = (
                gallery.template(&pair.image_a),
                gallery.template(&pair.image_b),
            );
            (
                pair.fold,
                pair.is_mated(),
                a.zip(b).and_then(|(a, b)| a.similarity(b)),
            )
        })
        .collect();
    let mut folds: Vec<u32> = scored.iter().map(|(fold, ..)| *fold).collect();
    folds.sort_unstable();
    folds.dedup();
    if folds.len() < 2 {
        return None;
    }
    let accuracies: Vec<f64> = folds
        .iter()
        .map(|fold| {
            let (held_out, others): (Vec<_>, Vec<_>) =
                scored.iter().partition(|(of, ..)| of == fold);
            accuracy(&held_out, best_threshold(&others))
        })
        .collect();
    let n = accuracies.len() as f64;
    let mean = accuracies.iter().sum::<f64>() / n;
    let variance = accuracies.iter().map(|a| (a - mean).powi(2)).sum::<f64>() / (n - 1.0);
    Some(Protocol {
        pairs: pairs.len(),
        folds: folds.len(),
        mean,
        deviation: variance.sqrt(),
    })
}

fn accuracy(pairs: &[&(u32, bool, Option<f32>)], threshold: f32) -> f64 {
    let right = |(_, mated, score): &&&(u32, bool, Option<f32>)| {
        score.is_some_and(|score| (score >= threshold) == *mated)
    };
    pairs.iter().filter(right).count() as f64 / pairs.len() as f64
}

/// The score that separates best.
fn best_threshold(pairs: &[&(u32, bool, Option<f32>)]) -> f32 {
    let mut scored: Vec<(f32, bool)> = pairs
        .iter()
        .filter_map(|(_, mated, score)| Some(((*score)?, *mated)))
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    // Accepting nothing gets every non-mated pair right; each score accepted in turn adds or takes one.
    let (mut gain, mut best, mut threshold) = (0_i64, 0_i64, f32::INFINITY);
    for (score, mated) in scored {
        gain += if mated { 1 } else { -1 };
        if gain > best {
            (best, threshold) = (gain, score);
        }
    }
    threshold
}

/// The DET curve: false match rate against false non-match rate, by threshold.
pub(super) fn det_csv(scores: &Scores) -> String {
    let mut csv = String::from("threshold,fmr,fnmr,false_matches,false_non_matches\n");
    let (non_mated, mated) = (scores.non_mated.len(), scores.mated_pairs());
    for step in 0.. {
        let target = 10_f64.powf(-f64::from(step) / f64::from(DET_POINTS_PER_DECADE));
        let threshold = scores.threshold(target);
        let (accepted, missed) = (
            scores.false_matches(threshold),
            scores.false_non_matches(threshold),
        );
        let fmr = accepted as f64 / non_mated as f64;
        let fnmr = missed as f64 / mated.max(1) as f64;
        let _ = writeln!(csv, "{threshold:.6},{fmr:e},{fnmr:e},{accepted},{missed}");
        if accepted == 0 {
            break;
        }
    }
    csv
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            dataset,
            pictures,
            subjects,
            failed,
            mated,
            non_mated,
            ..
        } = self;
        writeln!(
            f,
            "dataset             {dataset}: {pictures} pictures, {subjects} subjects"
        )?;
        let fta = *failed as f64 / *pictures as f64 * 100.0;
        writeln!(f, "failure to acquire  {fta:.3} % ({failed} of {pictures})")?;
        if let Some(Protocol {
            pairs,
            folds,
            mean,
            deviation,
        }) = &self.protocol
        {
            let (mean, deviation) = (mean * 100.0, deviation * 100.0);
            writeln!(
                f,
                "accuracy            {mean:.2} % ± {deviation:.2} over {folds} folds, {pairs} pairs"
            )?;
        }
        writeln!(
            f,
            "comparisons         {mated} mated, {non_mated} non-mated: all pairs of pictures\n"
        )?;
        writeln!(
            f,
            "FMR target  threshold  FMR (95 % interval)            FNMR (95 % interval)"
        )?;
        for point in &self.points {
            match point {
                Ok(point) => row(f, point)?,
                Err(target) => writeln!(f, "{target:<10.0e}  too few comparisons")?,
            }
        }
        let Self {
            ms_decode,
            ms_detect,
            ms_face,
            ..
        } = self;
        writeln!(
            f,
            "\nmilliseconds        decode {ms_decode:.1}, detect {ms_detect:.1} a picture; {ms_face:.1} a face"
        )?;
        write!(
            f,
            "intervals           bootstrap over subjects, 1000 replicates"
        )
    }
}

fn row(f: &mut fmt::Formatter<'_>, point: &OperatingPoint) -> fmt::Result {
    let OperatingPoint {
        target_fmr,
        threshold,
        fmr,
        fnmr,
        false_matches,
        false_non_matches,
    } = point;
    let fmr = format!("{:.2e} ({:.1e}..{:.1e})", fmr.value, fmr.low, fmr.high);
    let percent = |rate: f64| rate * 100.0;
    let fnmr = format!(
        "{:.2} % ({:.2}..{:.2})",
        percent(fnmr.value),
        percent(fnmr.low),
        percent(fnmr.high)
    );
    writeln!(
        f,
        "{target_fmr:<10.0e}  {threshold:<9.4}  {fmr:<29}  {fnmr}  [{false_matches} false matches, {false_non_matches} false non-matches]"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_threshold_separates_what_can_be_separated() {
        let pairs = [
            (1, true, Some(0.9)),
            (1, false, Some(0.5)),
            (1, true, Some(0.6)),
            (1, false, Some(0.1)),
        ];
        let pairs: Vec<_> = pairs.iter().collect();
        let threshold = best_threshold(&pairs);
        assert_eq!(threshold, 0.6);
        assert_eq!(accuracy(&pairs, threshold), 1.0);
    }

    #[test]
    fn a_pair_that_was_not_acquired_is_an_error() {
        let pairs = [
            (1, true, None),
            (1, false, None),
            (1, true, Some(0.9)),
            (1, false, Some(0.1)),
        ];
        let pairs: Vec<_> = pairs.iter().collect();
        assert_eq!(accuracy(&pairs, 0.5), 0.5);
    }
}
