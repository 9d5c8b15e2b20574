//! Why a model of the user's own cannot be used.

use std::path::PathBuf;

/// Why a model of the user's own cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OwnModelError {
    /// There is none of this name.
    #[error("there is no model {0}: likeness models list shows those that there are")]
    Unknown(String),
    /// A file of it cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file of it cannot be written.
    #[error("cannot write {path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Its manifest is none.
    #[error("{path} is not a manifest: {reason}")]
    Manifest {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Its file is not the one that was added.
    #[error("{path} is not the file that was added: its SHA-256 is {found}")]
    OtherFile {
        /// The file.
        path: PathBuf,
        /// Its hash.
        found: String,
    },
    /// Its calibration is none, or of another model.
    #[error("{path} is not the calibration of this model: {reason}")]
    Calibration {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// It is a detector, and an embedder is wanted.
    #[error("{0} is a detector: there is nothing to calibrate, and LIKENESS_DETECTOR chooses it")]
    Detector(String),
    /// It is an embedder, and a detector is wanted.
    #[error("{0} is an embedder: LIKENESS_EMBEDDER chooses it")]
    Embedder(String),
    /// It was not calibrated yet.
    #[error(
        "the model {0} has no calibration, so no threshold is known: likeness models calibrate {0} --dataset DIR"
    )]
    NotCalibrated(String),
}
