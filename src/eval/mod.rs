//! Accuracy on a labelled dataset: `likeness eval`.
//!
//! A dataset is a folder with `images/Some_Name_0001.jpg` (the name says who it is) and `pairs.csv` with the columns
//! `fold,same,image_a,image_b`. Rates are taken over all pairs of its pictures, accuracy over the pairs of the file.
//! Where a picture shows several faces, the one nearest its centre counts. A picture without a face is a failure to
//! acquire: it is reported, its pairs count as wrong in the accuracy and as refused in the FRR, and have no part in
//! FMR and FNMR, which are rates of comparisons (ISO/IEC 19795-1).

mod calibrate;
mod comparisons;
mod dataset;
pub mod embedders;
mod enrolment;
mod folds;
mod intervals;
pub mod pad;
mod parallel;
mod proportion;
mod quality;
mod report;
mod spectrum;

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;

pub use calibrate::HeldOutRate;
pub use folds::FoldAccuracy;
pub use intervals::Rate;
pub use proportion::Proportion;
pub use quality::{DiscardCurve, QualityReport};
pub use report::{OperatingPoint, Report};
pub use spectrum::Spectrum;

use crate::domain::embedder::Embedder;
use crate::vision::{FaceBackend, ModelError, VisionError};
use calibrate::Origin;
use comparisons::{Comparisons, Sample};
use dataset::Dataset;
use enrolment::{Enrolment, enrol};

/// Share of the folds whose people a table is made from when it is checked against the others.
const FITTED_FOLDS: f64 = 0.6;

/// What to evaluate and what to write.
#[derive(Debug, Clone)]
pub struct Options {
    /// The dataset's folder.
    pub dataset: PathBuf,
    /// What the backends make templates with.
    pub embedder: Embedder,
    /// Where the points of the DET curve go, as CSV.
    pub output: Option<PathBuf>,
    /// Where the embedder's calibration table goes, as JSON.
    pub calibrate: Option<PathBuf>,
    /// Where the spread of the templates goes, as JSON.
    pub spectrum: Option<PathBuf>,
    /// Whether it is wanted how well the quality score tells which comparisons go wrong.
    pub quality: bool,
    /// Threads.
    pub jobs: usize,
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
    /// The file of pairs cannot be read.
    #[error("cannot read {path}: {source}")]
    Pairs {
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
    make_backend: impl Fn() -> Result<B, ModelError> + Sync,
    progress: impl Fn(usize, usize) + Sync,
) -> Result<Report, EvalError> {
    let dataset = Dataset::read(&options.dataset)?;
    let enrolment = enrol(&dataset, options.jobs, &make_backend, &progress)?;
    let samples = samples(&dataset, &enrolment, |_| true);
    let comparisons = Comparisons::of(&samples, options.jobs);
    let (mated, non_mated) = (comparisons.mated.len(), comparisons.non_mated.len());
    if mated == 0 || non_mated == 0 {
        return Err(EvalError::NoComparisons { mated, non_mated });
    }
    if let Some(path) = &options.output {
        write(path, &report::det_csv(&comparisons))?;
    }
    if let Some(path) = &options.spectrum {
        let spectrum = spectrum_of(
            origin(options.embedder, &dataset, &enrolment, &samples),
            &samples,
        );
        let spectrum = spectrum.ok_or(EvalError::NoComparisons { mated, non_mated })?;
        write(path, &pretty(&spectrum))?;
    }
    let mut held_out = Vec::new();
    if let Some(path) = &options.calibrate {
        let origin = origin(options.embedder, &dataset, &enrolment, &samples);
        let table = calibrate::table(&comparisons, origin)
            .ok_or(EvalError::TooFewForCalibration(non_mated))?;
        write(path, &pretty(&table))?;
        held_out = check_on_others(&dataset, &enrolment, options);
    }
    let measured = report::Measured {
        dataset: &dataset,
        enrolment: &enrolment,
        samples: &samples,
        comparisons: &comparisons,
    };
    let mut report = Report::new(&measured, held_out, options.jobs);
    if options.quality {
        report.quality = quality_of(&dataset, &enrolment, &comparisons);
    }
    Ok(report)
}

/// The templates of the subjects that are wanted.
fn samples<'a>(
    dataset: &Dataset,
    enrolment: &'a Enrolment,
    wanted: impl Fn(usize) -> bool,
) -> Vec<Sample<'a>> {
    let all = dataset.images.iter().zip(&enrolment.templates);
    all.filter(|(image, _)| wanted(image.subject))
        .filter_map(|(image, template)| {
            Some(Sample {
                subject: image.subject,
                template: template.as_ref()?,
            })
        })
        .collect()
}

fn origin(
    embedder: Embedder,
    dataset: &Dataset,
    enrolment: &Enrolment,
    samples: &[Sample<'_>],
) -> Origin {
    let mut subjects: Vec<usize> = samples.iter().map(|sample| sample.subject).collect();
    subjects.dedup();
    Origin {
        model_id: embedder.id().to_owned(),
        dataset: dataset.name.clone(),
        dataset_sha256: enrolment.dataset_sha256.clone(),
        subjects: subjects.len(),
    }
}

/// Makes a table from the people of the first folds and compares it with the people of the last.
fn check_on_others(
    dataset: &Dataset,
    enrolment: &Enrolment,
    options: &Options,
) -> Vec<HeldOutRate> {
    let jobs = options.jobs;
    let fitted = in_first_folds(dataset);
    let seen = samples(dataset, enrolment, |subject| fitted[subject]);
    let others = samples(dataset, enrolment, |subject| !fitted[subject]);
    let origin = origin(options.embedder, dataset, enrolment, &seen);
    let table = calibrate::table(&Comparisons::of(&seen, jobs), origin);
    table.map_or_else(Vec::new, |table| {
        calibrate::check(&table, &Comparisons::of(&others, jobs))
    })
}

/// Of each subject, whether tables and weights are made from them: they are in the first folds.
fn in_first_folds(dataset: &Dataset) -> Vec<bool> {
    let folds = dataset.folds_of_subjects();
    let last = folds.iter().flatten().max().copied().unwrap_or_default();
    let first = |fold: u32| f64::from(fold) <= f64::from(last) * FITTED_FOLDS;
    folds
        .into_iter()
        .map(|fold| fold.is_some_and(first))
        .collect()
}

/// The curves of everybody, and of two parts of them that have nobody in common.
fn quality_of(
    dataset: &Dataset,
    enrolment: &Enrolment,
    comparisons: &Comparisons,
) -> Vec<QualityReport> {
    let fitted = in_first_folds(dataset);
    let threshold = |target| comparisons.threshold(target);
    vec![
        quality::curves("all people", dataset, enrolment, threshold, |_| true),
        quality::curves(
            "people of the first folds",
            dataset,
            enrolment,
            threshold,
            |s| fitted[s],
        ),
        quality::curves(
            "people of the other folds",
            dataset,
            enrolment,
            threshold,
            |s| !fitted[s],
        ),
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

fn spectrum_of(origin: Origin, samples: &[Sample<'_>]) -> Option<Spectrum> {
    let (between, within) = spectrum::variances(samples)?;
    Some(Spectrum {
        model_id: origin.model_id,
        dataset: origin.dataset,
        dataset_sha256: origin.dataset_sha256,
        subjects: origin.subjects,
        templates: samples.len(),
        dimensions: samples.first()?.template.values().len(),
        between,
        within,
    })
}

fn pretty(table: &impl Serialize) -> String {
    let mut json = serde_json::to_string_pretty(table).unwrap_or_default();
    json.push('\n');
    json
}

fn write(path: &Path, contents: &str) -> Result<(), EvalError> {
    fs::write(path, contents).map_err(|source| EvalError::Write {
        path: path.to_owned(),
        source,
    })
}
