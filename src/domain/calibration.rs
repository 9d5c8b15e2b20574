//! From scores to error rates and back: the measured table of one embedder.
//!
//! A [`Calibration`] is made by `likeness eval --calibrate` from all non-mated comparisons of a dataset and says
//! which share of them reached a similarity (the false match rate, FMR, of ISO/IEC 19795-1). Beyond the data it
//! goes on along a straight line in log10(FMR) fitted to the tail, and says that it extrapolates.

use serde::{Deserialize, Serialize};

/// One measured point: the share of non-mated comparisons at or above a similarity.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CalibrationPoint {
    /// Cosine similarity.
    pub similarity: f64,
    /// False match rate at that threshold.
    pub fmr: f64,
}

/// Where the measured points end and how the tail goes on: `log10(fmr) = log10(fmr_0) - slope * (s - s_0)`.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Tail {
    /// Similarity above which the estimate is extrapolated.
    pub from_similarity: f64,
    /// FMR at that similarity.
    pub from_fmr: f64,
    /// Decades of FMR lost per unit of similarity, above zero.
    pub decades_per_unit: f64,
}

/// The measured relation between similarity and FMR of one embedder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// Id of the embedder that it holds for.
    pub model_id: String,
    /// What it was measured on.
    pub dataset: String,
    /// SHA-256 over the dataset's images in order of name.
    pub dataset_sha256: String,
    /// Comparisons of two different people.
    pub non_mated_pairs: u64,
    /// Different people among them.
    pub subjects: u64,
    /// By rising similarity and falling FMR.
    pub points: Vec<CalibrationPoint>,
    /// Beyond the last point.
    pub tail: Tail,
}

/// A similarity threshold and the error rate that it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Threshold {
    /// Cosine similarity; scores at or above it match.
    pub similarity: f64,
    /// The false match rate that it was chosen for.
    pub target_fmr: f64,
    /// True where the target lies beyond the calibration data.
    pub extrapolated: bool,
}

/// How often two different people reach a similarity.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FmrEstimate {
    /// False match rate, above 0 and up to 1.
    pub fmr: f64,
    /// True where the similarity lies beyond the calibration data.
    pub extrapolated: bool,
}
