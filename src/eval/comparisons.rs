//! Every comparison among the pictures of a dataset, and the error rates that follow.

use std::convert::Infallible;

use super::parallel;
use crate::domain::face::Template;

/// A template with the index of the person that it is of.
#[derive(Clone, Copy)]
pub(super) struct Sample<'a> {
    pub(super) subject: usize,
    pub(super) template: &'a Template,
}

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
    /// Compares each sample with each.
    pub(super) fn of(samples: &[Sample<'_>], jobs: usize) -> Self {
        let rows = each_row(samples, jobs, |sample, others| {
            let (mut non_mated, mut mated) = (Vec::with_capacity(others.len()), Vec::new());
            for other in others {
                let similarity = similarity(sample.template, other.template);
                if sample.subject == other.subject {
                    mated.push(MatedScore {
                        subject: sample.subject,
                        similarity,
                    });
                } else {
                    non_mated.push(similarity);
                }
            }
            (non_mated, mated)
        });
        let (mut non_mated, mut mated) = (Vec::new(), Vec::new());
        for (different, same) in rows {
            non_mated.extend(different);
            mated.extend(same);
        }
        non_mated.sort_unstable_by(|a, b| b.total_cmp(a));
        Self { non_mated, mated }
    }

    /// The lowest threshold that at most a share `target_fmr` of the non-mated comparisons reaches.
    pub(super) fn threshold(&self, target_fmr: f64) -> f32 {
        let allowed = (target_fmr * self.non_mated.len() as f64 * (1.0 + 1e-12)).floor() as usize;
        self.non_mated
            .get(allowed)
            .map_or(-1.0, |first_refused| first_refused.next_up())
    }

    /// Non-mated comparisons that reach a threshold.
    pub(super) fn false_matches(&self, threshold: f32) -> usize {
        self.non_mated.partition_point(|score| *score >= threshold)
    }

    /// Mated comparisons that do not reach a threshold.
    pub(super) fn false_non_matches(&self, threshold: f32) -> usize {
        let missed = |score: &&MatedScore| score.similarity < threshold;
        self.mated.iter().filter(missed).count()
    }
}

/// The two people of each non-mated comparison that reaches a threshold.
pub(super) fn false_match_subjects(
    samples: &[Sample<'_>],
    threshold: f32,
    jobs: usize,
) -> Vec<(f32, [usize; 2])> {
    let rows = each_row(samples, jobs, |sample, others| {
        let different = others
            .iter()
            .filter(|other| other.subject != sample.subject);
        different
            .map(|other| {
                let subjects = [sample.subject, other.subject];
                (similarity(sample.template, other.template), subjects)
            })
            .filter(|(score, _)| *score >= threshold)
            .collect::<Vec<_>>()
    });
    rows.into_iter().flatten().collect()
}

/// The cosine; one embedder makes every template of an evaluation, so it is always defined.
pub(super) fn similarity(a: &Template, b: &Template) -> f32 {
    a.similarity(b).unwrap_or(f32::NAN)
}

/// Has each sample looked at together with those after it.
fn each_row<'a, T: Send>(
    samples: &[Sample<'a>],
    jobs: usize,
    look: impl Fn(&Sample<'a>, &[Sample<'a>]) -> T + Sync,
) -> Vec<T> {
    let row = |(): &mut (), index: usize| {
        Ok::<_, Infallible>(look(&samples[index], &samples[index + 1..]))
    };
    match parallel::map(samples.len(), jobs, || Ok(()), row) {
        Ok(rows) => rows,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(degrees: f32) -> Template {
        let radians = degrees.to_radians();
        Template::normalised("m", vec![radians.cos(), radians.sin()]).unwrap()
    }

    /// Two people with two pictures each, 10 degrees apart, the people 60 degrees apart.
    fn four() -> Vec<(usize, Template)> {
        [(0, 0.0), (0, 10.0), (1, 60.0), (1, 70.0)]
            .map(|(subject, degrees)| (subject, template(degrees)))
            .into()
    }

    fn samples(people: &[(usize, Template)]) -> Vec<Sample<'_>> {
        people
            .iter()
            .map(|(subject, template)| Sample {
                subject: *subject,
                template,
            })
            .collect()
    }

    #[test]
    fn every_pair_is_compared_once() {
        let people = four();
        let comparisons = Comparisons::of(&samples(&people), 2);
        assert_eq!(
            (comparisons.mated.len(), comparisons.non_mated.len()),
            (2, 4)
        );
        let expected = [50.0_f32, 60.0, 60.0, 70.0].map(|degrees| degrees.to_radians().cos());
        for (score, expected) in comparisons.non_mated.iter().zip(expected) {
            assert!((score - expected).abs() < 1e-6);
        }
    }

    #[test]
    fn a_threshold_lets_no_more_through_than_its_target() {
        let people = four();
        let comparisons = Comparisons::of(&samples(&people), 1);
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
        let people = four();
        let found = false_match_subjects(&samples(&people), 0.6, 2);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].1, [0, 1]);
    }
}
