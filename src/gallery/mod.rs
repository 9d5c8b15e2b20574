//! Galleries in memory: one-bit codes of enrolled faces, and the coarse pass that picks from them whom the database
//! then compares exactly.
//!
//! Nothing here decides who matches. A code that is missing, or one too many, costs time and never an answer: the
//! database compares by itself every face above the revision up to which a [`Shortlist`] was made, and drops whatever
//! of it is gone. This module knows neither SQL nor pictures.

mod cache;
mod code;
mod codes;
mod pages;
mod scan;

pub use cache::{Claim, Galleries, GalleryKey};
pub use codes::Codes;

/// A face of a gallery as the database tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodedFace {
    /// Its number in the gallery.
    pub revision: i64,
    /// The signs of its template, first value in the highest bit.
    pub code: Vec<u8>,
}

/// What happened to a face after its enrolment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FaceChange {
    /// The gallery's revision that brought it.
    pub revision: i64,
    /// The face's number in the gallery.
    pub face_revision: i64,
    /// It is gone.
    pub removed: bool,
    /// Otherwise: from when on it is not found, in milliseconds since 1970.
    pub valid_until_ms: Option<i64>,
}

/// Whom the coarse pass picked.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Shortlist {
    /// The gallery's revision up to which faces were looked at; 0 where none was, so that all are compared exactly.
    pub revision: i64,
    /// Faces up to there whose time has ended.
    pub expired: u64,
    /// The numbers in the gallery of the faces that came nearest.
    pub faces: Vec<i64>,
}
