//! Error rates of a search: FNIR at FPIR, after ISO/IEC 19795-1.
//!
//! Everybody with several pictures is enrolled with the first; the others are mated probes. Who has one picture is not
//! enrolled, and it is a non-mated probe. A probe without a template finds nobody.

use super::Rate;
use super::comparisons::{lowest_threshold, reaching};
use super::dataset::Dataset;
use super::intervals::ratio;
use super::proportion::Proportion;
use super::scores::Scores;
use crate::verify::HITS_PER_LIST;

/// The false positive identification rates whose thresholds are looked at.
const TARGET_RATES: [f64; 4] = [0.1, 0.03, 0.01, 0.003];

/// Error rates at the threshold of one target.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct IdentificationPoint {
    /// The false positive identification rate that the threshold was chosen for.
    pub target_fpir: f64,
    /// The lowest cosine similarity that holds it.
    pub threshold: f64,
    /// Non-mated probes for which somebody is found.
    pub fpir: Proportion,
    /// Share of the mated probes whose subject is not among the ten best that reach the threshold.
    pub fnir: Rate,
}

/// The searches of a dataset.
#[derive(Debug, Clone, PartialEq)]
pub struct Identification {
    /// Subjects in the gallery.
    pub gallery: usize,
    /// Of those who were to be enrolled, the ones whose picture gave no template (FTE); none of their pictures is a probe.
    pub failures_to_enrol: Proportion,
    /// Probes of people in the gallery.
    pub mated_probes: usize,
    /// Probes of people who are not.
    pub non_mated_probes: usize,
    /// Mated probes whose subject comes first, whatever the score.
    pub first: Proportion,
    /// Error rates, by falling target.
    pub points: Vec<IdentificationPoint>,
}

/// A mated probe.
struct MatedProbe {
    subject: usize,
    /// The score of its own subject; none where the probe has no template.
    similarity: Option<f32>,
    /// Subjects that score higher.
    better: usize,
}

impl Identification {
    /// Searches with every probe; none where there is no gallery, or no probe of either kind.
    pub(super) fn of(dataset: &Dataset, scores: &Scores) -> Option<Self> {
        let of_subjects = dataset.images_of_subjects();
        let several = of_subjects.iter().filter(|images| images.len() > 1);
        let enrollable = several.clone().count();
        let enrolled: Vec<&Vec<usize>> = several.filter(|images| scores.has(images[0])).collect();
        let gallery: Vec<usize> = enrolled.iter().map(|images| images[0]).collect();
        let mated: Vec<MatedProbe> = enrolled
            .iter()
            .enumerate()
            .flat_map(|(subject, images)| images[1..].iter().map(move |&probe| (subject, probe)))
            .map(|(subject, probe)| mated_probe(scores, &gallery, subject, probe))
            .collect();
        let single = of_subjects.iter().filter(|images| images.len() == 1);
        let mut strangers: Vec<f32> = single
            .map(|images| best(scores, &gallery, images[0]))
            .collect();
        strangers.sort_unstable_by(|a, b| b.total_cmp(a));
        if mated.is_empty() || strangers.is_empty() {
            return None;
        }
        let point = |target_fpir| {
            let threshold = lowest_threshold(&strangers, target_fpir);
            IdentificationPoint {
                target_fpir,
                threshold: threshold.into(),
                fpir: Proportion {
                    count: reaching(&strangers, threshold),
                    of: strangers.len(),
                },
                fnir: fnir(&mated, gallery.len(), threshold),
            }
        };
        Some(Self {
            gallery: gallery.len(),
            failures_to_enrol: Proportion {
                count: enrollable - gallery.len(),
                of: enrollable,
            },
            mated_probes: mated.len(),
            non_mated_probes: strangers.len(),
            first: Proportion {
                count: mated.iter().filter(|probe| probe.comes_first()).count(),
                of: mated.len(),
            },
            points: TARGET_RATES.map(point).into(),
        })
    }
}

impl MatedProbe {
    fn comes_first(&self) -> bool {
        self.similarity.is_some() && self.better == 0
    }

    fn is_missed(&self, threshold: f32) -> bool {
        let found = |similarity| similarity >= threshold && self.better < HITS_PER_LIST as usize;
        !self.similarity.is_some_and(found)
    }
}

fn mated_probe(scores: &Scores, gallery: &[usize], subject: usize, probe: usize) -> MatedProbe {
    let similarity = scores.between(gallery[subject], probe);
    let others = with_everybody(scores, gallery, probe);
    let better = others.filter(|&other| Some(other) > similarity).count();
    MatedProbe {
        subject,
        similarity,
        better,
    }
}

/// The highest score of a probe; lower than any cosine where it has no template.
fn best(scores: &Scores, gallery: &[usize], probe: usize) -> f32 {
    with_everybody(scores, gallery, probe).fold(f32::NEG_INFINITY, f32::max)
}

/// What a probe scores with those in the gallery; nothing where it has no template.
fn with_everybody(scores: &Scores, gallery: &[usize], probe: usize) -> impl Iterator<Item = f32> {
    let images = gallery.iter();
    images.filter_map(move |&image| scores.between(image, probe))
}

fn fnir(mated: &[MatedProbe], subjects: usize, threshold: f32) -> Rate {
    let mut of_subjects = vec![(0, 0); subjects];
    for probe in mated {
        let (missed, all) = &mut of_subjects[probe.subject];
        *missed += usize::from(probe.is_missed(threshold));
        *all += 1;
    }
    ratio(&of_subjects)
}

#[cfg(test)]
mod tests {
    use super::super::scores::tests::on_circle;
    use super::*;

    /// Two people with three pictures each and two strangers, at these angles on a circle.
    fn searched(degrees: [Option<f32>; 8]) -> Option<Identification> {
        let dataset = Dataset::of_people(&[0, 0, 0, 1, 1, 1, 2, 3]);
        Identification::of(&dataset, &on_circle(&dataset, &degrees))
    }

    #[test]
    fn who_is_enrolled_is_found_and_who_is_not_sets_the_threshold() {
        let angles = [0.0, 10.0, 50.0, 90.0, 95.0, 100.0, 200.0, 120.0].map(Some);
        let found = searched(angles).unwrap();
        assert_eq!(
            (found.gallery, found.mated_probes, found.non_mated_probes),
            (2, 4, 2)
        );
        assert_eq!(found.failures_to_enrol, Proportion { count: 0, of: 2 });
        // The picture at 50 degrees is nearer to the other person's at 90.
        assert_eq!(found.first, Proportion { count: 3, of: 4 });
        // No stranger may be found: so near as the one at 120 to the enrolled one at 90 is not near enough.
        let point = found.points[0];
        assert_eq!((point.fpir.count, point.fpir.of), (0, 2));
        let distance = point.threshold.acos().to_degrees();
        assert!((distance - 30.0).abs() < 0.1, "{distance}");
        assert_eq!(point.fnir.value, 0.25);
        assert!(point.fnir.low <= 0.25 && 0.25 <= point.fnir.high);
    }

    #[test]
    fn failures_enrol_nobody_and_find_nobody() {
        let mut angles = [0.0, 10.0, 50.0, 90.0, 95.0, 100.0, 200.0, 120.0].map(Some);
        angles[0] = None;
        angles[4] = None;
        angles[7] = None;
        let found = searched(angles).unwrap();
        assert_eq!(found.failures_to_enrol, Proportion { count: 1, of: 2 });
        assert_eq!(
            (found.gallery, found.mated_probes, found.non_mated_probes),
            (1, 2, 2)
        );
        assert_eq!(found.first, Proportion { count: 1, of: 2 });
        assert_eq!(found.points[0].fnir.value, 0.5);
    }
}
