//! Error rates of verification at a threshold, of everybody or of some of the people, after ISO/IEC 19795-1.

use super::comparisons::{Comparisons, MatedScore, false_match_subjects};
use super::dataset::Dataset;
use super::intervals::Population;
use super::proportion::Proportion;
use super::scores::{Scores, pairs_of};
use super::{EvalError, Rate};

/// The false match rates whose thresholds are looked at.
pub(super) const TARGET_RATES: [f64; 5] = [1e-2, 1e-3, 1e-4, 1e-5, 1e-6];

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
    /// The FMR with those comparisons counted that a failure to acquire prevented, none of which is accepted.
    pub far: f64,
    /// The FNMR with those comparisons counted, all of which are refused.
    pub frr: f64,
}

/// Some of the people of a dataset, with the comparisons among them.
pub(super) struct People<'a> {
    dataset: &'a Dataset,
    scores: &'a Scores,
    pub(super) comparisons: Comparisons,
    /// Of each subject of the dataset the place among these people; none of those who are not wanted.
    places: Vec<Option<usize>>,
    /// How many they are.
    pub(super) subjects: usize,
}

impl<'a> People<'a> {
    /// Those who are wanted.
    pub(super) fn of(
        dataset: &'a Dataset,
        scores: &'a Scores,
        wanted: impl Fn(usize) -> bool,
    ) -> Self {
        let mut subjects = 0;
        let place = |subject| {
            wanted(subject).then(|| {
                subjects += 1;
                subjects - 1
            })
        };
        let places = (0..dataset.subjects).map(place).collect();
        Self {
            comparisons: Comparisons::among(scores, wanted),
            dataset,
            scores,
            places,
            subjects,
        }
    }

    /// Whether there are comparisons of either kind.
    pub(super) fn are_comparable(&self) -> bool {
        !self.comparisons.mated.is_empty() && !self.comparisons.non_mated.is_empty()
    }

    /// Refuses people without comparisons of either kind.
    ///
    /// # Errors
    /// [`EvalError::NoComparisons`].
    pub(super) fn require_comparisons(&self) -> Result<(), EvalError> {
        if self.are_comparable() {
            return Ok(());
        }
        Err(EvalError::NoComparisons {
            mated: self.comparisons.mated.len(),
            non_mated: self.comparisons.non_mated.len(),
        })
    }

    /// Of their pictures, those that gave no template.
    pub(super) fn failures_to_acquire(&self) -> Proportion {
        let count = |images: Vec<usize>| images.into_iter().sum();
        Proportion {
            count: count(self.counts(|image| !self.scores.has(image))),
            of: count(self.counts(|_| true)),
        }
    }

    /// The lowest thresholds that hold false match rates among them, each with its rate.
    pub(super) fn thresholds<const N: usize>(&self, rates: [f64; N]) -> [(f64, f32); N] {
        rates.map(|rate| (rate, self.comparisons.threshold(rate)))
    }

    /// The rates at thresholds, each with the false match rate that it stands for; the highest rate comes first.
    pub(super) fn at(&self, thresholds: &[(f64, f32)]) -> Vec<OperatingPoint> {
        let Some(&(_, lowest)) = thresholds.first() else {
            return Vec::new();
        };
        let place = |subject: usize| self.places[subject].unwrap_or_default();
        let mated: Vec<MatedScore> = self
            .comparisons
            .mated
            .iter()
            .map(|score| MatedScore {
                subject: place(score.subject),
                ..*score
            })
            .collect();
        let wanted = |subject: usize| self.places[subject].is_some();
        let matches: Vec<_> = false_match_subjects(self.scores, lowest, wanted)
            .into_iter()
            .map(|(score, people)| (score, people.map(place)))
            .collect();
        let population = Population {
            templates: &self.counts(|image| self.scores.has(image)),
            mated: &mated,
            matches: &matches,
        };
        let values: Vec<f32> = thresholds.iter().map(|&(_, threshold)| threshold).collect();
        let intervals = population.intervals(&values);
        let points = thresholds.iter().zip(intervals);
        points
            .map(|(&threshold, intervals)| self.point(threshold, intervals))
            .collect()
    }

    fn point(
        &self,
        (target_fmr, threshold): (f64, f32),
        [fmr, fnmr]: [(f64, f64); 2],
    ) -> OperatingPoint {
        let Comparisons { mated, non_mated } = &self.comparisons;
        let false_matches = self.comparisons.false_matches(threshold);
        let missed = self.comparisons.false_non_matches(threshold);
        let images = self.counts(|_| true);
        let attempts = pairs_of(images.iter().sum());
        let genuine: usize = images.into_iter().map(pairs_of).sum();
        let lost = genuine - mated.len();
        OperatingPoint {
            target_fmr,
            threshold: threshold.into(),
            fmr: rate(false_matches, non_mated.len(), fmr),
            false_matches,
            fnmr: rate(missed, mated.len(), fnmr),
            far: false_matches as f64 / (attempts - genuine) as f64,
            frr: (missed + lost) as f64 / genuine as f64,
        }
    }

    /// How many of each one's pictures are counted.
    fn counts(&self, counted: impl Fn(usize) -> bool) -> Vec<usize> {
        let mut counts = vec![0; self.subjects];
        for (index, image) in self.dataset.images.iter().enumerate() {
            if let (Some(place), true) = (self.places[image.subject], counted(index)) {
                counts[place] += 1;
            }
        }
        counts
    }
}

fn rate(part: usize, whole: usize, (low, high): (f64, f64)) -> Rate {
    Rate {
        value: part as f64 / whole as f64,
        low,
        high,
    }
}

#[cfg(test)]
mod tests {
    use super::super::scores::tests::four;
    use super::*;

    #[test]
    fn failures_to_acquire_are_refused_and_never_accepted() {
        let (dataset, scores) = four();
        let people = People::of(&dataset, &scores, |_| true);
        let failed = Proportion { count: 1, of: 5 };
        assert_eq!(people.failures_to_acquire(), failed);
        // Of the first one's three pictures one failed: two of three mated attempts, and two of six others, with it.
        let near = 60.5_f32.to_radians().cos();
        let point = people.at(&[(0.75, near)])[0];
        assert_eq!((point.false_matches, point.fmr.value), (3, 0.75));
        assert_eq!((point.fnmr.value, point.far), (0.0, 0.5));
        assert_eq!(point.frr, 0.5);
    }

    #[test]
    fn some_of_the_people_are_counted_by_themselves() {
        let (dataset, scores) = four();
        let second = People::of(&dataset, &scores, |subject| subject == 1);
        let failed = Proportion { count: 0, of: 2 };
        assert_eq!((second.subjects, second.failures_to_acquire()), (1, failed));
        assert!(!second.are_comparable());
        assert!(People::of(&dataset, &scores, |_| true).are_comparable());
    }
}
