//! Confidence intervals by resampling people.
//!
//! Comparisons that share a person are not independent, so intervals that count comparisons are far too narrow. The
//! bootstrap draws people with replacement and counts the comparisons among those drawn; two copies of one person
//! are never compared with each other.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::comparisons::MatedScore;

const REPLICATES: usize = 1000;
/// Fixed, so that a repeated evaluation gives the same report.
const SEED: u64 = 1;
/// Share of the replicates beyond each end of a 95 % interval.
const BEYOND: f64 = 0.025;

/// A rate with its 95 % confidence interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// As measured.
    pub value: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
}

/// What is drawn from.
pub(super) struct Population<'a> {
    /// Templates of each person.
    pub(super) templates: &'a [usize],
    /// Every mated comparison.
    pub(super) mated: &'a [MatedScore],
    /// The non-mated comparisons that reach the lowest threshold of interest, with their people.
    pub(super) matches: &'a [(f32, [usize; 2])],
}

impl Population<'_> {
    /// The intervals of FMR and FNMR at each threshold, as `(low, high)`.
    pub(super) fn intervals(&self, thresholds: &[f32]) -> Vec<[(f64, f64); 2]> {
        let mut random = StdRng::seed_from_u64(SEED);
        let mut rates = vec![[Vec::new(), Vec::new()]; thresholds.len()];
        for _ in 0..REPLICATES {
            let weights = self.draw(&mut random);
            let non_mated = self.non_mated(&weights);
            let mated = self.mated_above(&weights, -1.0);
            for (rate, &threshold) in rates.iter_mut().zip(thresholds) {
                let missed = mated - self.mated_above(&weights, threshold);
                rate[0].push(self.matches_above(&weights, threshold) / non_mated);
                rate[1].push(missed / mated);
            }
        }
        rates.into_iter().map(|both| both.map(middle)).collect()
    }

    /// How often each person is drawn.
    fn draw(&self, random: &mut StdRng) -> Vec<f64> {
        let mut weights = vec![0.0; self.templates.len()];
        for _ in 0..weights.len() {
            weights[random.random_range(0..self.templates.len())] += 1.0;
        }
        weights
    }

    fn non_mated(&self, weights: &[f64]) -> f64 {
        let drawn = |(weight, count): (&f64, &usize)| weight * *count as f64;
        let all: f64 = weights.iter().zip(self.templates).map(drawn).sum();
        let same: f64 = weights
            .iter()
            .zip(self.templates)
            .map(|pair| drawn(pair).powi(2))
            .sum();
        (all * all - same) / 2.0
    }

    fn mated_above(&self, weights: &[f64], threshold: f32) -> f64 {
        let above = self
            .mated
            .iter()
            .filter(|score| score.similarity >= threshold);
        above.map(|score| weights[score.subject]).sum()
    }

    fn matches_above(&self, weights: &[f64], threshold: f32) -> f64 {
        let above = self.matches.iter().filter(|(score, _)| *score >= threshold);
        above.map(|(_, [a, b])| weights[*a] * weights[*b]).sum()
    }
}

/// The share of a part in a whole, both counted for each person.
pub(super) fn ratio(of_people: &[(usize, usize)]) -> Rate {
    let mut random = StdRng::seed_from_u64(SEED);
    let count = of_people.len();
    let replicate = |_| share((0..count).map(|_| of_people[random.random_range(0..count)]));
    let (low, high) = middle((0..REPLICATES).map(replicate).collect());
    Rate {
        value: share(of_people.iter().copied()),
        low,
        high,
    }
}

fn share(counts: impl Iterator<Item = (usize, usize)>) -> f64 {
    let (part, whole) = counts.fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
    part as f64 / whole as f64
}

/// The ends between which all but the outermost replicates lie. Those of few people may hold no comparison, and tell
/// nothing then; where none tells anything, the rate may be any.
fn middle(mut rates: Vec<f64>) -> (f64, f64) {
    rates.retain(|rate| rate.is_finite());
    rates.sort_by(f64::total_cmp);
    let beyond = (BEYOND * rates.len() as f64) as usize;
    match &rates[beyond..rates.len() - beyond] {
        [low, .., high] => (*low, *high),
        _ => (0.0, 1.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_holds_the_rate_and_is_wider_than_independent_pairs_would_give() {
        // 200 people; ten of them, with ten comparisons each, are never recognised.
        let mated: Vec<MatedScore> = (0..2000)
            .map(|index| MatedScore {
                subject: index / 10,
                similarity: if index < 100 { 0.0 } else { 1.0 },
            })
            .collect();
        let matches: Vec<_> = (0..199).map(|a| (0.9, [a, a + 1])).collect();
        let population = Population {
            templates: &[5; 200],
            mated: &mated,
            matches: &matches,
        };
        let [fmr, fnmr] = population.intervals(&[0.5])[0];
        let measured_fmr = 199.0 / (200.0 * 199.0 / 2.0 * 25.0);
        assert!(fmr.0 < measured_fmr && measured_fmr < fmr.1);
        let independent = 1.96 * (0.05 * 0.95 / 2000.0_f64).sqrt();
        assert!(fnmr.0 < 0.05 - 2.0 * independent && fnmr.1 > 0.05 + 2.0 * independent);
        assert_eq!(population.intervals(&[0.5])[0], [fmr, fnmr]);
    }

    #[test]
    fn replicates_without_a_comparison_tell_nothing() {
        assert_eq!(
            middle(vec![f64::NAN, 0.25, 0.5, f64::INFINITY]),
            (0.25, 0.5)
        );
        assert_eq!(middle(vec![f64::NAN; 1000]), (0.0, 1.0));
    }

    #[test]
    fn copies_of_one_person_are_not_compared() {
        let population = Population {
            templates: &[3, 4],
            mated: &[],
            matches: &[],
        };
        assert_eq!(population.non_mated(&[2.0, 0.0]), 0.0);
        assert_eq!(population.non_mated(&[1.0, 1.0]), 12.0);
    }
}
