//! Accuracy of a verification protocol: the threshold for a fold comes from the other folds.

use std::collections::BTreeSet;

/// The outcome of one pair of the protocol.
#[derive(Debug, Clone, Copy)]
pub(super) struct PairScore {
    pub(super) fold: u32,
    pub(super) same: bool,
    /// `None` where one of the pictures gave no template.
    pub(super) similarity: Option<f32>,
}

/// Share of right answers over the folds of a protocol.
#[derive(Debug, Clone, PartialEq)]
pub struct FoldAccuracy {
    /// Mean over the folds.
    pub mean: f64,
    /// Standard deviation over the folds.
    pub standard_deviation: f64,
    /// Of each fold, in order.
    pub folds: Vec<f64>,
}

impl FoldAccuracy {
    /// A pair without a score is a wrong answer, whatever the right one is. `None` with fewer than two folds.
    pub(super) fn of(scores: &[PairScore]) -> Option<Self> {
        let names: BTreeSet<u32> = scores.iter().map(|score| score.fold).collect();
        if names.len() < 2 {
            return None;
        }
        let folds: Vec<f64> = names
            .into_iter()
            .map(|fold| {
                let (tested, others): (Vec<PairScore>, Vec<PairScore>) =
                    scores.iter().partition(|score| score.fold == fold);
                let threshold = best_threshold(others);
                let right = tested.iter().filter(|score| is_right(score, threshold));
                right.count() as f64 / tested.len() as f64
            })
            .collect();
        let n = folds.len() as f64;
        let mean = folds.iter().sum::<f64>() / n;
        let squares: f64 = folds.iter().map(|accuracy| (accuracy - mean).powi(2)).sum();
        Some(Self {
            mean,
            standard_deviation: (squares / (n - 1.0)).sqrt(),
            folds,
        })
    }
}

fn is_right(score: &PairScore, threshold: f32) -> bool {
    score
        .similarity
        .is_some_and(|similarity| (similarity >= threshold) == score.same)
}

/// The threshold with the most right answers; of equals, the highest.
fn best_threshold(scores: Vec<PairScore>) -> f32 {
    let mut known: Vec<(f32, bool)> = scores
        .into_iter()
        .filter_map(|score| Some((score.similarity?, score.same)))
        .collect();
    known.sort_by(|a, b| b.0.total_cmp(&a.0));
    // Right answers less those of a threshold that nothing reaches.
    let (mut gained, mut best, mut threshold) = (0_i64, 0, f32::INFINITY);
    for (index, &(similarity, same)) in known.iter().enumerate() {
        gained += if same { 1 } else { -1 };
        let next = known.get(index + 1).map_or(-1.0, |next| next.0);
        if gained > best && next < similarity {
            best = gained;
            threshold = next + (similarity - next) / 2.0;
        }
    }
    threshold
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(fold: u32, same: bool, similarity: f32) -> PairScore {
        PairScore {
            fold,
            same,
            similarity: Some(similarity),
        }
    }

    #[test]
    fn the_threshold_of_a_fold_comes_from_the_others() {
        // Fold 1 alone would be perfect at 0.2; fold 2 teaches it 0.5.
        let scores = [
            pair(1, true, 0.3),
            pair(1, false, 0.1),
            pair(2, true, 0.6),
            pair(2, false, 0.4),
        ];
        let accuracy = FoldAccuracy::of(&scores).unwrap();
        assert_eq!(accuracy.folds, [0.5, 0.5]);
        assert_eq!((accuracy.mean, accuracy.standard_deviation), (0.5, 0.0));
    }

    #[test]
    fn a_pair_without_a_score_is_wrong_either_way() {
        for same in [true, false] {
            let lost = PairScore {
                fold: 1,
                same,
                similarity: None,
            };
            let scores = [
                lost,
                pair(1, true, 0.9),
                pair(1, false, 0.1),
                pair(2, true, 0.9),
                pair(2, false, 0.1),
            ];
            assert_eq!(FoldAccuracy::of(&scores).unwrap().folds, [2.0 / 3.0, 1.0]);
        }
    }

    #[test]
    fn equal_scores_are_not_torn_apart() {
        let scores = vec![pair(1, true, 0.5), pair(1, false, 0.5), pair(1, true, 0.5)];
        let threshold = best_threshold(scores);
        assert!(threshold < 0.5);
    }
}
