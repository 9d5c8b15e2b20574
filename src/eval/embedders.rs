//! Which embedder? What the networks answer is made into templates in several ways, and each is measured alike.
//!
//! How much the second of two networks counts is found on the people of the first folds and looked at on the others, who have
//! nobody in common with them.

use std::fmt;

use super::comparisons::Comparisons;
use super::dataset::Dataset;
use super::enrolment::enrol;
use super::rates::People;
use super::report::accuracy;
use super::scores::Scores;
use super::{EvalError, FoldAccuracy, OperatingPoint, Options};
use crate::assets::recipe;
use crate::domain::embedder::Embedder;
use crate::domain::face::Template;
use crate::vision::{FaceBackend, ModelError, Parts, side_by_side, sum};

/// The false match rates that are looked at.
const TARGET_RATES: [f64; 2] = [1e-3, 1e-4];
/// Steps between one network alone and the other alone.
const STEPS: u32 = 10;
/// Of templates that are made here.
const MODEL_ID: &str = "choice";

/// A way to make a template of what the networks answer.
struct Choice {
    name: &'static str,
    make: fn(&Parts) -> Vec<f32>,
}

const CHOICES: [Choice; 11] = [
    Choice {
        name: "fr_feature",
        make: |parts| parts.fr_feature[0].clone(),
    },
    Choice {
        name: "fr_feature, mirrored too",
        make: |parts| sum(&parts.fr_feature),
    },
    Choice {
        name: "MobileFaceNet",
        make: |parts| parts.mobile_face_net[0].clone(),
    },
    Choice {
        name: "MobileFaceNet, mirrored too",
        make: |parts| sum(&parts.mobile_face_net),
    },
    Choice {
        name: "SFace",
        make: |parts| parts.sface[0].clone(),
    },
    Choice {
        name: "SFace, mirrored too",
        make: |parts| sum(&parts.sface),
    },
    Choice {
        name: "fr_feature with MobileFaceNet",
        make: |parts| {
            let [first, second] = [&parts.fr_feature, &parts.mobile_face_net].map(|both| &both[0]);
            pair(first, second, share(Embedder::Fused))
        },
    },
    Choice {
        name: "... the second mirrored too",
        make: |parts| {
            let second = sum(&parts.mobile_face_net);
            pair(&parts.fr_feature[0], &second, share(Embedder::Fused))
        },
    },
    Choice {
        name: "... both (fused)",
        make: |parts| {
            let [first, second] = [&parts.fr_feature, &parts.mobile_face_net].map(sum);
            pair(&first, &second, share(Embedder::Fused))
        },
    },
    Choice {
        name: "fr_feature with SFace (sface)",
        make: |parts| {
            let [first, second] = [&parts.fr_feature, &parts.sface].map(|both| &both[0]);
            pair(first, second, share(Embedder::Sface))
        },
    },
    Choice {
        name: "... SFace mirrored too",
        make: |parts| {
            let second = sum(&parts.sface);
            pair(&parts.fr_feature[0], &second, share(Embedder::Sface))
        },
    },
];

/// Two networks, the second of which counts by a share.
struct Pair {
    second: &'static str,
    make: fn(&Parts, f64) -> Vec<f32>,
}

const PAIRS: [Pair; 2] = [
    Pair {
        second: "MobileFaceNet",
        make: |parts, share| {
            let second = sum(&parts.mobile_face_net);
            pair(&sum(&parts.fr_feature), &second, share)
        },
    },
    Pair {
        second: "SFace",
        make: |parts, share| pair(&parts.fr_feature[0], &parts.sface[0], share),
    },
];

/// The answers of `fr_feature` and of a network that counts by a share.
fn pair(fr_feature: &[f32], second: &[f32], share: f64) -> Vec<f32> {
    side_by_side(&[(second.to_vec(), share), (fr_feature.to_vec(), 1.0 - share)])
}

/// How much the network counts that an embedder has besides `fr_feature`.
fn share(embedder: Embedder) -> f64 {
    recipe(embedder.name()).parts[0].share
}

/// How accurate one choice is.
#[derive(Debug, Clone)]
pub struct ChoiceReport {
    /// What it is.
    pub name: &'static str,
    /// Length of its templates.
    pub dimensions: usize,
    /// Accuracy over the folds of the protocol, if it has at least two.
    pub accuracy: Option<FoldAccuracy>,
    /// Error rates at the two rates.
    pub points: Vec<OperatingPoint>,
}

/// FNMR at the two rates, if the second network's cosine counts by a share.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ShareRates {
    /// The share.
    pub share: f64,
    /// Of the people of the first folds.
    pub fitted: [f64; 2],
    /// Of the others.
    pub others: [f64; 2],
}

/// How much the second network of a pair may count.
#[derive(Debug, Clone)]
pub struct PairReport {
    /// It.
    pub second: &'static str,
    /// By rising share.
    pub shares: Vec<ShareRates>,
}

/// The choices side by side; `Display` prints them as tables.
#[derive(Debug, Clone)]
pub struct EmbedderReport {
    /// All of them.
    pub choices: Vec<ChoiceReport>,
    /// `fr_feature` with one of the others.
    pub pairs: Vec<PairReport>,
}

impl PairReport {
    /// The share with the lowest rates among the people of the first folds: their product is the lowest.
    #[must_use]
    pub fn found(&self) -> Option<&ShareRates> {
        let product = |rates: &ShareRates| rates.fitted.iter().product::<f64>();
        let shares = self.shares.iter();
        shares.min_by(|a, b| product(a).total_cmp(&product(b)))
    }
}

/// Measures every choice on a dataset, with backends that answer with [`Parts`].
///
/// # Errors
/// [`EvalError`] where the dataset or a model is at fault.
pub fn run<B: FaceBackend>(
    options: &Options,
    make_backend: impl Fn() -> Result<B, ModelError> + Sync,
    progress: impl Fn(usize, usize) + Sync,
) -> Result<EmbedderReport, EvalError> {
    let dataset = Dataset::read(&options.dataset)?;
    let enrolment = enrol(&dataset, options.jobs, &make_backend, &progress)?;
    let templates = enrolment.templates.iter();
    let parts: Vec<Option<Parts>> = templates
        .map(|template| Parts::of(template.as_ref()?))
        .collect();
    let mut choices = Vec::new();
    for Choice { name, make } in CHOICES {
        let templates = made(&parts, make);
        choices.push(choice(name, &dataset, &templates, options.jobs)?);
    }
    let fitted = dataset.in_first_folds();
    let rates = |make: &dyn Fn(&Parts) -> Vec<f32>| {
        let scores = Scores::of(&dataset, &made(&parts, make), options.jobs);
        [true, false].map(|of_fitted| {
            let comparisons = Comparisons::among(&scores, |s| fitted[s] == of_fitted);
            TARGET_RATES.map(|target| {
                let missed = comparisons.false_non_matches(comparisons.threshold(target));
                missed as f64 / comparisons.mated.len() as f64
            })
        })
    };
    let pairs = PAIRS.iter().map(|pair| {
        let shares = (0..=STEPS).map(|step| {
            let share = f64::from(step) / f64::from(STEPS);
            let [fitted, others] = rates(&|parts| (pair.make)(parts, share));
            ShareRates {
                share,
                fitted,
                others,
            }
        });
        PairReport {
            second: pair.second,
            shares: shares.collect(),
        }
    });
    let pairs = pairs.collect();
    Ok(EmbedderReport { choices, pairs })
}

fn made(parts: &[Option<Parts>], make: impl Fn(&Parts) -> Vec<f32>) -> Vec<Option<Template>> {
    let template = |parts: &Option<Parts>| {
        let values = make(parts.as_ref()?);
        Template::normalised(MODEL_ID, values).ok()
    };
    parts.iter().map(template).collect()
}

fn choice(
    name: &'static str,
    dataset: &Dataset,
    templates: &[Option<Template>],
    jobs: usize,
) -> Result<ChoiceReport, EvalError> {
    let scores = Scores::of(dataset, templates, jobs);
    let people = People::of(dataset, &scores, |_| true);
    people.require_comparisons()?;
    let first = templates.iter().flatten().next();
    Ok(ChoiceReport {
        name,
        dimensions: first.map_or(0, |template| template.values().len()),
        accuracy: accuracy(dataset, &scores),
        points: people.at(&people.thresholds(TARGET_RATES)),
    })
}

impl fmt::Display for EmbedderReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "template                       values  accuracy %     FNMR % [95 %] at FMR 1e-3  at 1e-4"
        )?;
        for choice in &self.choices {
            let accuracy = choice.accuracy.as_ref().map_or_else(String::new, |a| {
                format!(
                    "{:.2} ± {:.2}",
                    100.0 * a.mean,
                    100.0 * a.standard_deviation
                )
            });
            write!(
                f,
                "{:29}  {:>6}  {accuracy:13}",
                choice.name, choice.dimensions
            )?;
            for OperatingPoint { fnmr, .. } in &choice.points {
                let [value, low, high] = [fnmr.value, fnmr.low, fnmr.high].map(|r| 100.0 * r);
                write!(f, "  {value:>5.2} [{low:>5.2}, {high:>5.2}]     ")?;
            }
            writeln!(f)?;
        }
        self.pairs.iter().try_for_each(|pair| pair.fmt(f))
    }
}

impl fmt::Display for PairReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "\nhow much {}'s cosine counts: FNMR % at FMR 1e-3 and 1e-4\nshare  people of the first folds  others",
            self.second
        )?;
        for rates in &self.shares {
            let [a, b] = rates.fitted.map(|rate| 100.0 * rate);
            let [c, d] = rates.others.map(|rate| 100.0 * rate);
            writeln!(
                f,
                "{:.2}   {a:>5.2}  {b:>5.2}               {c:>5.2}  {d:>5.2}",
                rates.share
            )?;
        }
        match self.found() {
            Some(found) => writeln!(
                f,
                "best for the people of the first folds: {:.2}",
                found.share
            ),
            None => Ok(()),
        }
    }
}
