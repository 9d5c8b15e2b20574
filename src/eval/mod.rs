//! Measuring accuracy on a dataset of faces, in the terms of ISO/IEC 19795-1.
//!
//! The layout is that of LFW: `images/NAME_0001.jpg`, where NAME is the subject, and `pairs.csv` with the columns
//! `fold`, `same`, `image_a`, `image_b`. Every figure is made from the same pipeline that the service runs.

mod calibrate;
mod dataset;
mod gallery;
mod rates;
mod report;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub use gallery::Gallery;
pub use report::Report;

use crate::vision::{FaceBackend, VisionError};

/// What to measure and where to write it.
#[derive(Debug, Clone)]
pub struct Options {
    /// Folder of the dataset.
    pub dataset: PathBuf,
    /// File for the points of the DET curve, as CSV.
    pub det: Option<PathBuf>,
    /// File for the calibration table, as JSON.
    pub calibrate: Option<PathBuf>,
}

/// Why a dataset was not measured.
#[derive(Debug, thiserror::Error)]
pub enum EvalError {
    /// A file or folder cannot be read or written.
    #[error("cannot use {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// `pairs.csv` is not what it should be.
    #[error("{path}: {reason}")]
    Pairs {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The dataset is too small to tell anything.
    #[error("the dataset has no two subjects with a face each")]
    TooFewSubjects,
    /// A picture could not be worked on for a reason that lies with the service.
    #[error("cannot analyse {image}: {source}")]
    Vision {
        /// The picture.
        image: String,
        /// What went wrong.
        source: VisionError,
    },
}

/// Analyses every picture of a dataset on the given backends, one thread each, and measures.
///
/// `progress` is called with the number of pictures done and their total.
///
/// # Errors
/// [`EvalError`] names the file.
pub fn run<B: FaceBackend>(
    options: &Options,
    backends: &mut [B],
    progress: impl Fn(usize, usize) + Sync,
) -> Result<Report, EvalError> {
    let dataset = dataset::Dataset::open(&options.dataset)?;
    let gallery = Gallery::analyse(&dataset, backends, progress)?;
    let scores = rates::Scores::of_all_pairs(&gallery)?;
    if let Some(path) = &options.det {
        write(path, &report::det_csv(&scores))?;
    }
    if let Some(path) = &options.calibrate {
        let table = calibrate::calibration(&dataset, &gallery, &scores)?;
        let mut json = serde_json::to_string_pretty(&table).unwrap_or_default();
        json.push('\n');
        write(path, &json)?;
    }
    Ok(Report::new(&dataset, &gallery, &scores))
}

fn write(path: &Path, text: &str) -> Result<(), EvalError> {
    fs::write(path, text).map_err(|source| EvalError::Io {
        path: path.to_owned(),
        source,
    })
}
