//! Accuracy on a labelled dataset: `likeness eval`.
//!
//! A dataset is a folder with `images/Some_Name_0001.jpg` (the name says who it is) and `pairs.csv` with the columns
//! `fold,same,image_a,image_b`; where it also holds `subjects.csv` with the columns `subject,group`, the rates of each group
//! are told, too. Rates are taken over all pairs of its pictures, accuracy over the pairs of the file.
//! Where a picture shows several faces, the one nearest its centre counts. A picture without a face is a failure to
//! acquire: it is reported, its pairs count as wrong in the accuracy and as refused in the FRR, and have no part in
//! FMR and FNMR, which are rates of comparisons (ISO/IEC 19795-1).

mod calibrate;
mod comparisons;
mod curves;
mod dataset;
pub mod embedders;
mod enrolment;
mod folds;
mod groups;
mod identification;
mod intervals;
pub mod pad;
mod page;
mod parallel;
mod proportion;
mod quality;
mod rates;
mod report;
mod saved;
mod scores;
mod spectrum;
mod table;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

pub use calibrate::HeldOutRate;
pub use curves::{DetPoint, Distributions};
pub use folds::FoldAccuracy;
pub use groups::GroupReport;
pub use identification::{Identification, IdentificationPoint};
pub use intervals::Rate;
pub use proportion::Proportion;
pub use quality::{DiscardCurve, QualityReport};
pub use rates::OperatingPoint;
pub use report::Report;
pub use saved::{ModelHash, Models};
pub use spectrum::Spectrum;

use crate::domain::face::Template;
use crate::vision::{FaceBackend, ModelError, VisionError};
use calibrate::Origin;
use comparisons::Comparisons;
use dataset::Dataset;
use enrolment::enrol;
use rates::People;
use saved::Evaluated;
use scores::Scores;
use spectrum::Sample;

/// What to evaluate and what to write.
#[derive(Debug, Clone)]
pub struct Options {
    /// The dataset's folder.
    pub dataset: PathBuf,
    /// Where the spread of the templates goes, as JSON.
    pub spectrum: Option<PathBuf>,
    /// What is made from the scores.
    pub outputs: Outputs,
    /// Threads.
    pub jobs: usize,
}

/// What is made from the scores besides the report.
#[derive(Debug, Clone, Default)]
pub struct Outputs {
    /// Where the scores go, to report on them again.
    pub scores: Option<PathBuf>,
    /// Where the points of the DET curve go, as CSV.
    pub det: Option<PathBuf>,
    /// Where the embedder's calibration table goes, as JSON.
    pub calibration: Option<PathBuf>,
    /// Where the report goes as a page, HTML with everything in it.
    pub page: Option<PathBuf>,
    /// Whether it is wanted how well the quality score tells which comparisons go wrong.
    pub quality: bool,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error)]
pub enum EvalError {
    /// A file or folder of the dataset cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file of pairs or of groups cannot be read.
    #[error("cannot read {path}: {source}")]
    Table {
        /// The file.
        path: PathBuf,
        /// Why.
        source: csv::Error,
    },
    /// A picture's name does not say whom it shows.
    #[error("{0} is not named like Some_Name_0001.jpg")]
    Name(PathBuf),
    /// A pair names a picture that is not there.
    #[error("pairs.csv names {0}, which is not in images/")]
    UnknownImage(String),
    /// A file with scores is not one, or not whole.
    #[error("{path} does not hold the scores of an evaluation: {reason}")]
    Saved {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The dataset has no two pictures of one person, or no two people.
    #[error("the dataset has {mated} mated and {non_mated} non-mated comparisons; both are needed")]
    NoComparisons {
        /// Comparisons of one person.
        mated: usize,
        /// Comparisons of two people.
        non_mated: usize,
    },
    /// The dataset is too small for a calibration table.
    #[error("{0} non-mated comparisons are too few for a calibration table")]
    TooFewForCalibration(usize),
    /// A folder has no live faces, or nothing else.
    #[error(
        "{0} has to hold a folder `live` and one for each kind of attack, with pictures in them"
    )]
    NoPresentations(PathBuf),
    /// A model or the runtime cannot be used.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// A model failed on a picture.
    #[error("{path}: {source}")]
    Vision {
        /// The picture.
        path: PathBuf,
        /// Why.
        source: VisionError,
    },
    /// A result cannot be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

/// Evaluates the embedder on a dataset.
///
/// `make_backend` is called once a thread; `progress` with the number of pictures done and of all.
///
/// # Errors
/// [`EvalError`] where the dataset, a model or an output file is at fault; a picture without a face is none.
pub fn run<B: FaceBackend>(
    options: &Options,
    models: Models,
    make_backend: impl Fn() -> Result<B, ModelError> + Sync,
    progress: impl Fn(usize, usize) + Sync,
) -> Result<Report, EvalError> {
    let dataset = Dataset::read(&options.dataset)?;
    let enrolment = enrol(&dataset, options.jobs, &make_backend, &progress)?;
    let templates = enrolment.templates;
    let evaluated = Evaluated {
        scores: Scores::of(&dataset, &templates, options.jobs),
        record: enrolment.record,
        models,
        dataset,
    };
    if let Some(path) = &options.outputs.scores {
        evaluated.save(path)?;
    }
    if let Some(path) = &options.spectrum {
        write(path, &pretty(&spectrum_of(&evaluated, &templates)?))?;
    }
    report(&evaluated, &options.outputs)
}

/// Reports again on scores that [`Outputs::scores`] kept. No picture is looked at, and no model is needed.
///
/// # Errors
/// [`EvalError`] where the file is not one of these, or an output file is at fault.
pub fn rerun(scores: &Path, outputs: &Outputs) -> Result<Report, EvalError> {
    report(&Evaluated::read(scores)?, outputs)
}

fn report(evaluated: &Evaluated, outputs: &Outputs) -> Result<Report, EvalError> {
    let people = People::of(&evaluated.dataset, &evaluated.scores, |_| true);
    people.require_comparisons()?;
    let mut report = Report::new(evaluated, &people);
    if let Some(path) = &outputs.det {
        write(path, &curves::csv(&report.det))?;
    }
    if let Some(path) = &outputs.calibration {
        let table = calibrate::table(&people.comparisons, origin(evaluated, |_| true));
        let table = table.ok_or(EvalError::TooFewForCalibration(report.non_mated))?;
        write(path, &pretty(&table))?;
        report.held_out = check_on_others(evaluated);
    }
    if outputs.quality {
        report.quality = quality_of(evaluated, &people.comparisons);
    }
    if let Some(path) = &outputs.page {
        write(path, &page::of(&report))?;
    }
    Ok(report)
}

fn origin(evaluated: &Evaluated, wanted: impl Fn(usize) -> bool) -> Origin {
    let subjects = evaluated.scores.subjects().iter().copied();
    let subjects: BTreeSet<usize> = subjects.filter(|subject| wanted(*subject)).collect();
    Origin {
        model_id: evaluated.models.embedder.clone(),
        dataset: evaluated.dataset.name.clone(),
        dataset_sha256: evaluated.record.dataset_sha256.clone(),
        subjects: subjects.len(),
    }
}

/// Makes a table from the people of the first folds and compares it with the people of the last.
fn check_on_others(evaluated: &Evaluated) -> Vec<HeldOutRate> {
    let fitted = evaluated.dataset.in_first_folds();
    let among = |wanted: bool| Comparisons::among(&evaluated.scores, |s| fitted[s] == wanted);
    let table = calibrate::table(&among(true), origin(evaluated, |subject| fitted[subject]));
    table.map_or_else(Vec::new, |table| calibrate::check(&table, &among(false)))
}

/// The curves of everybody, and of two parts of them that have nobody in common.
fn quality_of(evaluated: &Evaluated, comparisons: &Comparisons) -> Vec<QualityReport> {
    let fitted = evaluated.dataset.in_first_folds();
    let threshold = |target| comparisons.threshold(target);
    let curves = |people, wanted: &dyn Fn(usize) -> bool| {
        quality::curves(people, evaluated, threshold, wanted)
    };
    vec![
        curves("all people", &|_| true),
        curves("people of the first folds", &|s| fitted[s]),
        curves("people of the other folds", &|s| !fitted[s]),
    ]
}

/// A picture that cannot be read is one without an answer; any other failure ends the evaluation.
fn vision_failure(error: VisionError, path: &Path) -> Result<(), EvalError> {
    match error {
        VisionError::UnsupportedImage
        | VisionError::CorruptImage
        | VisionError::ImageTooLarge { .. } => Ok(()),
        source @ (VisionError::Overloaded
        | VisionError::DeadlineExceeded
        | VisionError::WorkerLost
        | VisionError::Inference(_)) => Err(EvalError::Vision {
            path: path.to_owned(),
            source,
        }),
    }
}

fn spectrum_of(
    evaluated: &Evaluated,
    templates: &[Option<Template>],
) -> Result<Spectrum, EvalError> {
    let images = evaluated.dataset.images.iter().zip(templates);
    let samples: Vec<Sample<'_>> = images
        .filter_map(|(image, template)| {
            Some(Sample {
                subject: image.subject,
                template: template.as_ref()?,
            })
        })
        .collect();
    let variances = spectrum::variances(&samples);
    let (between, within) = variances.ok_or(EvalError::NoComparisons {
        mated: 0,
        non_mated: evaluated.scores.values().len(),
    })?;
    let origin = origin(evaluated, |_| true);
    Ok(Spectrum {
        model_id: origin.model_id,
        dataset: origin.dataset,
        dataset_sha256: origin.dataset_sha256,
        subjects: origin.subjects,
        templates: samples.len(),
        dimensions: samples.first().map_or(0, |s| s.template.values().len()),
        between,
        within,
    })
}

fn pretty(table: &impl Serialize) -> String {
    let mut json = serde_json::to_string_pretty(table).unwrap_or_default();
    json.push('\n');
    json
}

fn percent(share: f64) -> f64 {
    100.0 * share
}

fn write(path: &Path, contents: &str) -> Result<(), EvalError> {
    fs::write(path, contents).map_err(|source| EvalError::Write {
        path: path.to_owned(),
        source,
    })
}
