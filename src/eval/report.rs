//! What an evaluation says.

use super::curves::{self, DetPoint, Distributions};
use super::dataset::{Dataset, Pair};
use super::folds::PairScore;
use super::groups::{self, GroupReport};
use super::identification::Identification;
use super::quality::QualityReport;
use super::rates::{OperatingPoint, People, TARGET_RATES};
use super::saved::{Evaluated, Models};
use super::scores::Scores;
use super::{FoldAccuracy, HeldOutRate};
use crate::vision::StageTimings;

/// The accuracy of the pipeline on one dataset; `Display` prints it as a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// The dataset's name.
    pub dataset: String,
    /// SHA-256 over the SHA-256 digests of its pictures in order of name.
    pub dataset_sha256: String,
    /// What it was measured with.
    pub models: Models,
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
    /// Error rates of searches, if the dataset has probes of either kind.
    pub identification: Option<Identification>,
    /// Error rates within each group of people, if the dataset tells of groups.
    pub groups: Vec<GroupReport>,
    /// How a table made from some of the people holds for the others, if one was asked for.
    pub held_out: Vec<HeldOutRate>,
    /// How well the quality score tells which comparisons go wrong, if it was asked for.
    pub quality: Vec<QualityReport>,
    /// FNMR by FMR.
    pub det: Vec<DetPoint>,
    /// How scores spread.
    pub distributions: Distributions,
    /// Faces found in all pictures together.
    pub faces: usize,
    /// Time of each stage on one thread, summed over all pictures.
    pub timings: StageTimings,
}

impl Report {
    /// What everybody's comparisons say.
    pub(super) fn new(evaluated: &Evaluated, people: &People<'_>) -> Self {
        let Evaluated {
            models,
            dataset,
            record,
            scores,
        } = evaluated;
        let failed = dataset.images.iter().enumerate();
        let failed = failed.filter(|(index, _)| !scores.has(*index));
        let thresholds = people.thresholds(TARGET_RATES);
        Self {
            dataset: dataset.name.clone(),
            dataset_sha256: record.dataset_sha256.clone(),
            models: models.clone(),
            images: dataset.images.len(),
            subjects: dataset.subjects,
            failures_to_acquire: failed.map(|(_, image)| image.name.clone()).collect(),
            accuracy: accuracy(dataset, scores),
            mated: people.comparisons.mated.len(),
            non_mated: people.comparisons.non_mated.len(),
            operating_points: people.at(&thresholds),
            identification: Identification::of(dataset, scores),
            groups: groups::each(dataset, scores, &thresholds),
            held_out: Vec::new(),
            quality: Vec::new(),
            det: curves::det(&people.comparisons),
            distributions: Distributions::of(&people.comparisons),
            faces: record.faces,
            timings: record.timings,
        }
    }
}

/// Accuracy over the folds of the protocol, if it has at least two.
pub(super) fn accuracy(dataset: &Dataset, scores: &Scores) -> Option<FoldAccuracy> {
    let score = |pair: &Pair| PairScore {
        fold: pair.fold,
        same: pair.same,
        similarity: scores.between(pair.images[0], pair.images[1]),
    };
    FoldAccuracy::of(&dataset.pairs.iter().map(score).collect::<Vec<_>>())
}
