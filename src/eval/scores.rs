//! The similarities of all pictures of a dataset with each other, which every rate is made from.

use std::convert::Infallible;

use super::dataset::Dataset;
use super::parallel;
use crate::domain::face::Template;

/// What every pair of pictures with templates scores.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scores {
    /// The pictures that gave a template, by their place in the dataset, rising.
    acquired: Vec<usize>,
    /// Whom they show.
    subjects: Vec<usize>,
    /// Of the first picture with each that follows it, then of the second, and so on.
    values: Vec<f32>,
}

impl Scores {
    /// Compares each template with each, on `jobs` threads.
    pub(super) fn of(dataset: &Dataset, templates: &[Option<Template>], jobs: usize) -> Self {
        let (acquired, templates): (Vec<usize>, Vec<&Template>) = templates
            .iter()
            .enumerate()
            .filter_map(|(image, template)| Some((image, template.as_ref()?)))
            .unzip();
        let row = |(): &mut (), index: usize| {
            let others = templates[index + 1..].iter();
            let row = others.map(|other| similarity(templates[index], other));
            Ok::<Vec<f32>, Infallible>(row.collect())
        };
        let Ok(rows) = parallel::map(templates.len(), jobs, || Ok(()), row);
        Self {
            subjects: subjects(dataset, &acquired),
            acquired,
            values: rows.concat(),
        }
    }

    /// The same from values that were kept; none where they are not as many as there are pairs, or a picture is not in the
    /// dataset.
    pub(super) fn kept(dataset: &Dataset, acquired: Vec<usize>, values: Vec<f32>) -> Option<Self> {
        let rising = acquired.is_sorted_by(|a, b| a < b);
        let known = acquired
            .last()
            .is_none_or(|&last| last < dataset.images.len());
        let whole = values.len() == pairs_of(acquired.len());
        (rising && known && whole).then(|| Self {
            subjects: subjects(dataset, &acquired),
            acquired,
            values,
        })
    }

    /// The pictures that gave a template, by their place in the dataset.
    pub(super) fn acquired(&self) -> &[usize] {
        &self.acquired
    }

    /// Whom they show.
    pub(super) fn subjects(&self) -> &[usize] {
        &self.subjects
    }

    /// All values, row by row.
    pub(super) fn values(&self) -> &[f32] {
        &self.values
    }

    /// Whether a picture of the dataset gave a template.
    pub(super) fn has(&self, image: usize) -> bool {
        self.place(image).is_some()
    }

    /// The score of two different pictures of the dataset; none where one of them has no template.
    pub(super) fn between(&self, a: usize, b: usize) -> Option<f32> {
        let (a, b) = (self.place(a)?, self.place(b)?);
        let (first, second) = (a.min(b), a.max(b));
        let offset = second.checked_sub(first + 1)?;
        self.row(first).get(offset).copied()
    }

    /// The people of each pair with its score, in the order of the pictures.
    pub(super) fn pairs(&self) -> impl Iterator<Item = ([usize; 2], f32)> + '_ {
        (0..self.acquired.len()).flat_map(move |first| {
            let others = self.subjects[first + 1..].iter().zip(self.row(first));
            others.map(move |(&other, &score)| ([self.subjects[first], other], score))
        })
    }

    fn place(&self, image: usize) -> Option<usize> {
        self.acquired.binary_search(&image).ok()
    }

    /// The scores of one picture with those after it.
    fn row(&self, place: usize) -> &[f32] {
        let count = self.acquired.len();
        let before = place * (2 * count - place - 1) / 2;
        &self.values[before..before + count - place - 1]
    }
}

/// Pairs of so many pictures.
pub(super) fn pairs_of(count: usize) -> usize {
    count * count.saturating_sub(1) / 2
}

fn subjects(dataset: &Dataset, acquired: &[usize]) -> Vec<usize> {
    let subject = |&image: &usize| dataset.images[image].subject;
    acquired.iter().map(subject).collect()
}

/// The cosine; one embedder makes every template of an evaluation, so it is always defined.
fn similarity(a: &Template, b: &Template) -> f32 {
    a.similarity(b).unwrap_or(f32::NAN)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// The scores of a dataset whose templates lie on a circle; none where a picture failed.
    pub(in crate::eval) fn on_circle(dataset: &Dataset, degrees: &[Option<f32>]) -> Scores {
        let template = |degrees: f32| {
            let radians = degrees.to_radians();
            Template::normalised("m", vec![radians.cos(), radians.sin()]).unwrap()
        };
        let templates: Vec<_> = degrees
            .iter()
            .map(|degrees| degrees.map(template))
            .collect();
        Scores::of(dataset, &templates, 2)
    }

    /// Two people with two pictures each, 10 degrees apart, the people 60 degrees apart; the picture in between failed.
    pub(in crate::eval) fn four() -> (Dataset, Scores) {
        let dataset = Dataset::of_people(&[0, 0, 0, 1, 1]);
        let degrees = [Some(0.0), Some(10.0), None, Some(60.0), Some(70.0)];
        let scores = on_circle(&dataset, &degrees);
        (dataset, scores)
    }

    #[test]
    fn every_pair_is_compared_once_and_found_again() {
        let (dataset, scores) = four();
        assert_eq!(
            (scores.acquired(), scores.subjects()),
            (&[0, 1, 3, 4][..], &[0, 0, 1, 1][..])
        );
        let expected = [10.0_f32, 60.0, 70.0, 50.0, 60.0, 10.0];
        for (value, expected) in scores.values().iter().zip(expected) {
            assert!((value - expected.to_radians().cos()).abs() < 1e-6);
        }
        assert_eq!(scores.values().len(), 6);
        assert_eq!(scores.between(4, 1), scores.between(1, 4));
        assert_eq!(scores.between(1, 4), Some(scores.values()[4]));
        assert_eq!((scores.between(1, 2), scores.between(1, 1)), (None, None));
        let people: Vec<[usize; 2]> = scores.pairs().map(|(people, _)| people).collect();
        assert_eq!(people, [[0, 0], [0, 1], [0, 1], [0, 1], [0, 1], [1, 1]]);
        let kept = Scores::kept(&dataset, scores.acquired.clone(), scores.values.clone());
        assert_eq!(kept.as_ref(), Some(&scores));
    }

    #[test]
    fn kept_values_have_to_fit() {
        let (dataset, scores) = four();
        let kept = |acquired: &[usize], count: usize| {
            Scores::kept(&dataset, acquired.to_vec(), scores.values[..count].to_vec())
        };
        assert!(kept(&[0, 1, 3, 4], 5).is_none());
        assert!(kept(&[0, 1, 3, 5], 6).is_none());
        assert!(kept(&[1, 0, 3, 4], 6).is_none());
        assert!(kept(&[], 0).is_some());
    }
}
