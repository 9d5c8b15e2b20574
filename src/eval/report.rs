//! What an evaluation says, as a table and as the points of the DET curve.

use std::collections::BTreeMap;
use std::fmt;
use std::fmt::Write as _;
use std::time::Duration;

use super::comparisons::{Comparisons, Sample, false_match_subjects, similarity};
use super::dataset::Dataset;
use super::enrolment::Enrolment;
use super::folds::PairScore;
use super::intervals::Population;
use super::quality::QualityReport;
use super::{FoldAccuracy, HeldOutRate, Rate};
use crate::vision::StageTimings;

/// The rates that are reported.
const TARGET_RATES: [f64; 5] = [1e-2, 1e-3, 1e-4, 1e-5, 1e-6];
const DET_POINTS_PER_DECADE: i32 = 20;

/// Error rates at the threshold of one target.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OperatingPoint {
    /// The false match rate that the threshold was chosen for.
    pub target_fmr: f64,
    /// The lowest cosine similarity that holds it.
    pub threshold: f64,
    /// Share of the non-mated comparisons that reach the threshold.
    pub fmr: Rate,
    /// Non-mated comparisons that reach it.
    pub false_matches: usize,
    /// Share of the mated comparisons that do not reach it.
    pub fnmr: Rate,
    /// The same with those comparisons counted that a failure to acquire prevented.
    pub frr: f64,
}

/// The accuracy of the pipeline on one dataset; `Display` prints it as a table.
#[derive(Debug, Clone)]
pub struct Report {
    /// The dataset's name.
    pub dataset: String,
    /// SHA-256 over the SHA-256 digests of its pictures in order of name.
    pub dataset_sha256: String,
    /// Its pictures.
    pub images: usize,
    /// Different people in them.
    pub subjects: usize,
    /// File names of the pictures that gave no template.
    pub failures_to_acquire: Vec<String>,
    /// Accuracy over the folds of the protocol, if it has at least two.
    pub accuracy: Option<FoldAccuracy>,
    /// Comparisons of two pictures of one person.
    pub mated: usize,
    /// Comparisons of two people.
    pub non_mated: usize,
    /// Error rates, by falling target.
    pub operating_points: Vec<OperatingPoint>,
    /// How a table made from some of the people holds for the others, if one was asked for.
    pub held_out: Vec<HeldOutRate>,
    /// How well the quality score tells which comparisons go wrong, if it was asked for.
    pub quality: Vec<QualityReport>,
    /// Faces found in all pictures together.
    pub faces: usize,
    /// Time of each stage on one thread, summed over all pictures.
    pub timings: StageTimings,
}

/// What a report is made from.
pub(super) struct Measured<'a> {
    pub(super) dataset: &'a Dataset,
    pub(super) enrolment: &'a Enrolment,
    pub(super) samples: &'a [Sample<'a>],
    pub(super) comparisons: &'a Comparisons,
}

impl Report {
    pub(super) fn new(measured: &Measured<'_>, held_out: Vec<HeldOutRate>, jobs: usize) -> Self {
        let Measured {
            dataset,
            enrolment,
            comparisons,
            ..
        } = measured;
        let failed = dataset.images.iter().zip(&enrolment.templates);
        let failures_to_acquire = failed
            .filter(|(_, template)| template.is_none())
            .filter_map(|(image, _)| image.path.file_name())
            .map(|name| name.to_string_lossy().into_owned())
            .collect();
        Self {
            dataset: dataset.name.clone(),
            dataset_sha256: enrolment.dataset_sha256.clone(),
            images: dataset.images.len(),
            subjects: dataset.subjects,
            failures_to_acquire,
            accuracy: FoldAccuracy::of(&measured.pair_scores()),
            mated: comparisons.mated.len(),
            non_mated: comparisons.non_mated.len(),
            operating_points: measured.operating_points(jobs),
            held_out,
            quality: Vec::new(),
            faces: enrolment.faces,
            timings: enrolment.timings,
        }
    }
}

impl Measured<'_> {
    fn pair_scores(&self) -> Vec<PairScore> {
        let templates = &self.enrolment.templates;
        let score = |pair: &super::dataset::Pair| {
            let [a, b] = pair.images.map(|image| templates[image].as_ref());
            PairScore {
                fold: pair.fold,
                same: pair.same,
                similarity: a.zip(b).map(|(a, b)| similarity(a, b)),
            }
        };
        self.dataset.pairs.iter().map(score).collect()
    }

    fn operating_points(&self, jobs: usize) -> Vec<OperatingPoint> {
        let comparisons = self.comparisons;
        let thresholds = TARGET_RATES.map(|target| comparisons.threshold(target));
        let population = Population {
            templates: &self.templates_of_subjects(),
            mated: &comparisons.mated,
            matches: &false_match_subjects(self.samples, thresholds[0], jobs),
        };
        let intervals = population.intervals(&thresholds);
        let lost = self.mated_with_failures() - comparisons.mated.len();
        let points = TARGET_RATES.iter().zip(thresholds).zip(intervals);
        points
            .map(|((&target_fmr, threshold), [fmr, fnmr])| {
                let false_matches = comparisons.false_matches(threshold);
                let missed = comparisons.false_non_matches(threshold);
                let mated = comparisons.mated.len();
                OperatingPoint {
                    target_fmr,
                    threshold: threshold.into(),
                    fmr: rate(false_matches, comparisons.non_mated.len(), fmr),
                    false_matches,
                    fnmr: rate(missed, mated, fnmr),
                    frr: (missed + lost) as f64 / (mated + lost) as f64,
                }
            })
            .collect()
    }

    fn templates_of_subjects(&self) -> Vec<usize> {
        let mut counts = vec![0; self.dataset.subjects];
        for sample in self.samples {
            counts[sample.subject] += 1;
        }
        counts
    }

    /// Mated comparisons if every picture had given a template.
    fn mated_with_failures(&self) -> usize {
        let mut counts = BTreeMap::new();
        for image in &self.dataset.images {
            *counts.entry(image.subject).or_insert(0_usize) += 1;
        }
        counts.values().map(|count| count * (count - 1) / 2).sum()
    }
}

fn rate(part: usize, whole: usize, (low, high): (f64, f64)) -> Rate {
    Rate {
        value: part as f64 / whole as f64,
        low,
        high,
    }
}

/// The points of the DET curve: threshold, FMR and FNMR by falling FMR, twenty a decade.
pub(super) fn det_csv(comparisons: &Comparisons) -> String {
    let (mated, non_mated) = (comparisons.mated.len(), comparisons.non_mated.len());
    let decades = (non_mated as f64).log10();
    let mut csv = String::from("threshold,fmr,fnmr,false_matches,false_non_matches\n");
    for step in 0.. {
        let exponent = f64::from(step) / f64::from(DET_POINTS_PER_DECADE);
        if exponent > decades {
            break;
        }
        let threshold = comparisons.threshold(10_f64.powf(-exponent));
        let matches = comparisons.false_matches(threshold);
        let misses = comparisons.false_non_matches(threshold);
        let fmr = matches as f64 / non_mated as f64;
        let fnmr = misses as f64 / mated as f64;
        // Writing to a string cannot fail.
        let _ = writeln!(
            csv,
            "{threshold:.6},{fmr:.6e},{fnmr:.6e},{matches},{misses}"
        );
    }
    csv
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_dataset(f)?;
        self.write_rates(f)?;
        self.write_held_out(f)?;
        for curves in &self.quality {
            writeln!(f, "{curves}")?;
        }
        self.write_timings(f)
    }
}

impl Report {
    fn write_dataset(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "dataset             {} ({} images, {} subjects)",
            self.dataset, self.images, self.subjects
        )?;
        writeln!(f, "dataset sha-256     {}", self.dataset_sha256)?;
        let failed = self.failures_to_acquire.len();
        writeln!(
            f,
            "failure to acquire  {:.3} % ({failed} of {})",
            percent(failed as f64 / self.images as f64),
            self.images
        )?;
        for name in &self.failures_to_acquire {
            writeln!(f, "                    {name}")?;
        }
        if let Some(accuracy) = &self.accuracy {
            writeln!(
                f,
                "accuracy            {:.2} % ± {:.2} (mean and s.d. over {} folds)",
                percent(accuracy.mean),
                percent(accuracy.standard_deviation),
                accuracy.folds.len()
            )?;
        }
        Ok(())
    }

    fn write_rates(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "comparisons         {} mated, {} non-mated\n",
            self.mated, self.non_mated
        )?;
        writeln!(
            f,
            "target FMR  threshold  FMR [95 %]                     matches  FNMR % [95 %]          FRR %"
        )?;
        for point in &self.operating_points {
            let (fmr, fnmr) = (&point.fmr, &point.fnmr);
            writeln!(
                f,
                "{:<10.0e}  {:<9.4}  {:<8.2e} [{:.2e}, {:.2e}]  {:>7}  {:>5.2} [{:>5.2}, {:>5.2}]  {:>12.2}",
                point.target_fmr,
                point.threshold,
                fmr.value,
                fmr.low,
                fmr.high,
                point.false_matches,
                percent(fnmr.value),
                percent(fnmr.low),
                percent(fnmr.high),
                percent(point.frr),
            )?;
        }
        writeln!(
            f,
            "Intervals by a bootstrap over subjects; FRR counts failures to acquire as refusals.\n"
        )
    }

    fn write_held_out(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.held_out.is_empty() {
            return Ok(());
        }
        writeln!(
            f,
            "calibration made from the people of the first folds, checked on the others"
        )?;
        writeln!(f, "target FMR  threshold  FMR        matches")?;
        for rate in &self.held_out {
            writeln!(
                f,
                "{:<10.0e}  {:<9.4}  {:<9.2e}  {:>7}{}",
                rate.target_fmr,
                rate.threshold,
                rate.fmr,
                rate.false_matches,
                if rate.extrapolated {
                    "  (extrapolated)"
                } else {
                    ""
                }
            )?;
        }
        writeln!(f)
    }

    fn write_timings(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let each = |time: Duration, count: usize| time.as_secs_f64() * 1e3 / count.max(1) as f64;
        let timings = &self.timings;
        let total = timings.decode + timings.detect + timings.landmarks + timings.embed;
        writeln!(
            f,
            "time on one thread  {:.1} ms a face ({} faces); an image: decode {:.1}, detect {:.1}; a face: landmarks {:.1}, embed {:.1}",
            each(total, self.faces),
            self.faces,
            each(timings.decode, self.images),
            each(timings.detect, self.images),
            each(timings.landmarks, self.faces),
            each(timings.embed, self.faces),
        )
    }
}

fn percent(share: f64) -> f64 {
    100.0 * share
}
