//! Error rates within groups of people at everybody's thresholds: where they differ, one threshold is not the same for all.

use super::dataset::Dataset;
use super::proportion::Proportion;
use super::rates::{OperatingPoint, People};
use super::scores::Scores;

/// The people of one group, compared with each other only.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupReport {
    /// The group's name.
    pub name: String,
    /// How many they are.
    pub subjects: usize,
    /// Pictures of them that gave no template (FTA).
    pub failures_to_acquire: Proportion,
    /// Comparisons of two pictures of one of them.
    pub mated: usize,
    /// Comparisons of two of them.
    pub non_mated: usize,
    /// Error rates at everybody's thresholds; none where one kind of comparison is missing.
    pub operating_points: Vec<OperatingPoint>,
}

/// Each group by itself, in order of name; thresholds as for [`People::at`].
pub(super) fn each(
    dataset: &Dataset,
    scores: &Scores,
    thresholds: &[(f64, f32)],
) -> Vec<GroupReport> {
    let report = |name: &str| {
        let belongs = |subject: usize| dataset.groups[subject].as_deref() == Some(name);
        let people = People::of(dataset, scores, belongs);
        let operating_points = if people.are_comparable() {
            people.at(thresholds)
        } else {
            Vec::new()
        };
        GroupReport {
            name: name.to_owned(),
            subjects: people.subjects,
            failures_to_acquire: people.failures_to_acquire(),
            mated: people.comparisons.mated.len(),
            non_mated: people.comparisons.non_mated.len(),
            operating_points,
        }
    };
    dataset.group_names().into_iter().map(report).collect()
}

#[cfg(test)]
mod tests {
    use super::super::scores::tests::on_circle;
    use super::*;

    #[test]
    fn groups_are_compared_among_themselves() {
        // Two people of each group; those of the second look alike.
        let mut dataset = Dataset::of_people(&[0, 0, 1, 1, 2, 2, 3, 3, 4]);
        dataset.groups = ["a", "a", "b", "b", "alone"]
            .map(|name| Some(name.to_owned()))
            .into();
        let degrees = [0.0, 1.0, 90.0, 91.0, 180.0, 181.0, 190.0, 191.0, 270.0].map(Some);
        let scores = on_circle(&dataset, &degrees);
        let groups = each(&dataset, &scores, &[(0.1, 0.9)]);
        let names: Vec<&str> = groups.iter().map(|group| group.name.as_str()).collect();
        assert_eq!(names, ["a", "alone", "b"]);
        for (group, fmr) in [(&groups[0], 0.0), (&groups[2], 1.0)] {
            assert_eq!((group.subjects, group.mated, group.non_mated), (2, 2, 4));
            assert_eq!(group.operating_points[0].fmr.value, fmr, "{}", group.name);
            assert_eq!(group.operating_points[0].fnmr.value, 0.0);
        }
        assert_eq!(
            (groups[1].subjects, groups[1].operating_points.len()),
            (1, 0)
        );
    }
}
