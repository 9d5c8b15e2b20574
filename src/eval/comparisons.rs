//! The comparisons among pictures by whether they are of one person, and the error rates that follow.

use super::scores::Scores;

/// The similarity of two pictures of one person.
#[derive(Debug, Clone, Copy)]
pub(super) struct MatedScore {
    pub(super) subject: usize,
    pub(super) similarity: f32,
}

/// The similarities of all pairs of pictures.
pub(super) struct Comparisons {
    /// Of two different people, falling.
    pub(super) non_mated: Vec<f32>,
    /// Of one person, in the order of the pictures.
    pub(super) mated: Vec<MatedScore>,
}

impl Comparisons {
    /// All comparisons among the people who are wanted.
    pub(super) fn among(scores: &Scores, wanted: impl Fn(usize) -> bool) -> Self {
        let (mut non_mated, mut mated) = (Vec::new(), Vec::new());
        for ([a, b], similarity) in scores.pairs() {
            if !(wanted(a) && wanted(b)) {
                continue;
            }
            if a == b {
                let subject = a;
                mated.push(MatedScore {
                    subject,
                    similarity,
                });
            } else {
                non_mated.push(similarity);
            }
        }
        non_mated.sort_unstable_by(|a, b| b.total_cmp(a));
        Self { non_mated, mated }
    }

    /// The lowest threshold that at most a share `target_fmr` of the non-mated comparisons reaches.
    pub(super) fn threshold(&self, target_fmr: f64) -> f32 {
        lowest_threshold(&self.non_mated, target_fmr)
    }

    /// Non-mated comparisons that reach a threshold.
    pub(super) fn false_matches(&self, threshold: f32) -> usize {
        reaching(&self.non_mated, threshold)
    }

    /// Mated comparisons that do not reach a threshold.
    pub(super) fn false_non_matches(&self, threshold: f32) -> usize {
        let missed = |score: &&MatedScore| score.similarity < threshold;
        self.mated.iter().filter(missed).count()
    }
}

/// The lowest threshold that at most a share of falling scores reaches.
pub(super) fn lowest_threshold(falling: &[f32], share: f64) -> f32 {
    let allowed = (share * falling.len() as f64 * (1.0 + 1e-12)).floor() as usize;
    falling
        .get(allowed)
        .map_or(-1.0, |first_refused| first_refused.next_up())
}

/// How many of falling scores reach a threshold.
pub(super) fn reaching(falling: &[f32], threshold: f32) -> usize {
    falling.partition_point(|score| *score >= threshold)
}

/// The two people of each non-mated comparison that reaches a threshold, among the people who are wanted.
pub(super) fn false_match_subjects(
    scores: &Scores,
    threshold: f32,
    wanted: impl Fn(usize) -> bool,
) -> Vec<(f32, [usize; 2])> {
    scores
        .pairs()
        .filter(|([a, b], score)| a != b && *score >= threshold && wanted(*a) && wanted(*b))
        .map(|(subjects, score)| (score, subjects))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::scores::tests::four;
    use super::*;

    #[test]
    fn comparisons_are_told_apart_by_their_people() {
        let (_, scores) = four();
        let comparisons = Comparisons::among(&scores, |_| true);
        assert_eq!(
            (comparisons.mated.len(), comparisons.non_mated.len()),
            (2, 4)
        );
        let expected = [50.0_f32, 60.0, 60.0, 70.0].map(|degrees| degrees.to_radians().cos());
        for (score, expected) in comparisons.non_mated.iter().zip(expected) {
            assert!((score - expected).abs() < 1e-6);
        }
        let one = Comparisons::among(&scores, |subject| subject == 1);
        assert_eq!((one.mated.len(), one.non_mated.len()), (1, 0));
    }

    #[test]
    fn a_threshold_lets_no_more_through_than_its_target() {
        let comparisons = Comparisons::among(&four().1, |_| true);
        for (target, matches) in [(1.0, 4), (0.75, 3), (0.25, 1), (0.2, 0)] {
            let threshold = comparisons.threshold(target);
            assert_eq!(comparisons.false_matches(threshold), matches, "{target}");
        }
        let just_above_all = comparisons.threshold(0.0);
        assert!(just_above_all > comparisons.non_mated[0]);
        assert_eq!(comparisons.false_non_matches(just_above_all), 0);
        assert_eq!(comparisons.false_non_matches(0.99), 2);
    }

    #[test]
    fn false_matches_are_known_by_their_people() {
        let (_, scores) = four();
        let found = false_match_subjects(&scores, 0.6, |_| true);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].1, [0, 1]);
        assert!(false_match_subjects(&scores, 0.6, |subject| subject == 0).is_empty());
    }
}
