//! Scores of all comparisons, and the error rates at a threshold.

use std::thread;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use super::EvalError;
use super::gallery::Gallery;

/// Bootstrap replicates, each a draw of subjects with replacement.
const REPLICATES: usize = 1000;
/// The intervals are reproducible.
const SEED: u64 = 19_795;
/// The laxest false match rate that is looked at; comparisons above its threshold are kept with their subjects.
pub(super) const LAXEST_FMR: f64 = 1e-2;

/// A rate and its 95 % interval over bootstrapped subjects.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rate {
    pub(super) value: f64,
    pub(super) low: f64,
    pub(super) high: f64,
}

/// Error rates at one threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct OperatingPoint {
    pub(super) target_fmr: f64,
    pub(super) threshold: f32,
    pub(super) false_matches: usize,
    pub(super) fmr: Rate,
    pub(super) false_non_matches: usize,
    pub(super) fnmr: Rate,
}

/// One comparison and the subjects of its two templates.
#[derive(Debug, Clone, Copy)]
struct Comparison {
    score: f32,
    subjects: (u32, u32),
}

/// Every comparison of a gallery.
pub(super) struct Scores {
    /// Of different people, highest first.
    pub(super) non_mated: Vec<f32>,
    /// The highest of them with their subjects, highest first.
    highest: Vec<Comparison>,
    /// Of one person, by subject.
    mated: Vec<Comparison>,
    /// Pictures of each subject.
    pictures: Vec<usize>,
}

impl Scores {
    /// Compares every template with every other.
    pub(super) fn of_all_pairs(gallery: &Gallery) -> Result<Self, EvalError> {
        let all = compare_all(gallery);
        let (mated, different): (Vec<_>, Vec<_>) = all
            .into_iter()
            .partition(|comparison| comparison.subjects.0 == comparison.subjects.1);
        let mut highest = different;
        if highest.is_empty() {
            return Err(EvalError::TooFewSubjects);
        }
        highest.sort_unstable_by(|a, b| b.score.total_cmp(&a.score));
        let non_mated: Vec<f32> = highest.iter().map(|comparison| comparison.score).collect();
        highest.truncate(allowed(LAXEST_FMR, non_mated.len()));
        let subjects = gallery
            .entries
            .iter()
            .map(|entry| entry.subject)
            .max()
            .unwrap_or(0)
            + 1;
        let mut pictures = vec![0; subjects];
        gallery
            .entries
            .iter()
            .for_each(|entry| pictures[entry.subject] += 1);
        Ok(Self {
            non_mated,
            highest,
            mated,
            pictures,
        })
    }

    /// Comparisons of one person.
    pub(super) fn mated_pairs(&self) -> usize {
        self.mated.len()
    }

    /// Subjects with at least one template.
    pub(super) fn subjects(&self) -> usize {
        self.pictures.iter().filter(|count| **count > 0).count()
    }

    /// The lowest threshold that at most a share of `target` of the comparisons of different people reach.
    pub(super) fn threshold(&self, target: f64) -> f32 {
        match self.non_mated.get(allowed(target, self.non_mated.len())) {
            Some(first_refused) => first_refused.next_up(),
            None => -1.0,
        }
    }

    /// Comparisons of different people at or above a threshold.
    pub(super) fn false_matches(&self, threshold: f32) -> usize {
        self.non_mated.partition_point(|score| *score >= threshold)
    }

    /// Comparisons of one person below a threshold.
    pub(super) fn false_non_matches(&self, threshold: f32) -> usize {
        self.mated
            .iter()
            .filter(|comparison| comparison.score < threshold)
            .count()
    }

    /// The rates at the threshold for a target, with their intervals; `None` where the data hold fewer than one
    /// false match at that rate.
    pub(super) fn operating_point(&self, target_fmr: f64) -> Option<OperatingPoint> {
        if allowed(target_fmr, self.non_mated.len()) == 0 {
            return None;
        }
        let threshold = self.threshold(target_fmr);
        let (fmr, fnmr) = self.intervals(threshold);
        let false_matches = self.false_matches(threshold);
        let false_non_matches = self.false_non_matches(threshold);
        Some(OperatingPoint {
            target_fmr,
            threshold,
            false_matches,
            fmr,
            false_non_matches,
            fnmr,
        })
    }

    /// Subjects are drawn with replacement; a comparison counts as often as both of its subjects were drawn.
    fn intervals(&self, threshold: f32) -> (Rate, Rate) {
        let matches: Vec<_> = self
            .highest
            .iter()
            .take_while(|c| c.score >= threshold)
            .collect();
        let mut missed = vec![0_usize; self.pictures.len()];
        let mut compared = vec![0_usize; self.pictures.len()];
        for comparison in &self.mated {
            let subject = comparison.subjects.0 as usize;
            compared[subject] += 1;
            missed[subject] += usize::from(comparison.score < threshold);
        }
        let rates = |weights: &[f64]| {
            let weigh = |counts: &[usize]| {
                counts
                    .iter()
                    .zip(weights)
                    .map(|(count, weight)| *count as f64 * weight)
                    .sum::<f64>()
            };
            let false_matches: f64 = matches
                .iter()
                .map(|c| weights[c.subjects.0 as usize] * weights[c.subjects.1 as usize])
                .sum();
            let squares: f64 = self
                .pictures
                .iter()
                .zip(weights)
                .map(|(n, w)| (*n as f64 * w).powi(2))
                .sum();
            let non_mated = (weigh(&self.pictures).powi(2) - squares) / 2.0;
            (
                false_matches / non_mated,
                weigh(&missed) / weigh(&compared).max(1.0),
            )
        };
        let present: Vec<usize> = (0..self.pictures.len())
            .filter(|s| self.pictures[*s] > 0)
            .collect();
        let mut random = StdRng::seed_from_u64(SEED);
        let (mut fmrs, mut fnmrs) = (Vec::new(), Vec::new());
        for _ in 0..REPLICATES {
            let mut weights = vec![0.0; self.pictures.len()];
            for _ in 0..present.len() {
                weights[present[random.random_range(0..present.len())]] += 1.0;
            }
            let (fmr, fnmr) = rates(&weights);
            fmrs.push(fmr);
            fnmrs.push(fnmr);
        }
        let (fmr, fnmr) = rates(&vec![1.0; self.pictures.len()]);
        (interval(fmr, fmrs), interval(fnmr, fnmrs))
    }
}

fn interval(value: f64, mut replicates: Vec<f64>) -> Rate {
    replicates.sort_by(f64::total_cmp);
    let at = |share: f64| replicates[((replicates.len() - 1) as f64 * share).round() as usize];
    Rate {
        value,
        low: at(0.025),
        high: at(0.975),
    }
}

/// Comparisons that a rate allows among so many.
fn allowed(rate: f64, comparisons: usize) -> usize {
    (rate * comparisons as f64 + 1e-9).floor() as usize
}

/// Compares every template with every other on all cores.
fn compare_all(gallery: &Gallery) -> Vec<Comparison> {
    let entries = &gallery.entries;
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let compare = |start: usize| {
        let mut kept = Vec::new();
        for (i, a) in entries.iter().enumerate().skip(start).step_by(threads) {
            for b in &entries[i + 1..] {
                if let Some(score) = a.template.similarity(&b.template) {
                    kept.push(Comparison {
                        score,
                        subjects: (a.subject as u32, b.subject as u32),
                    });
                }
            }
        }
        kept
    };
    thread::scope(|scope| {
        let compare = &compare;
        let workers: Vec<_> = (0..threads)
            .map(|start| scope.spawn(move || compare(start)))
            .collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap_or_default())
            .collect()
    })
}
