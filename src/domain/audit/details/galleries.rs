//! What is told of lists, the people on them, and imports of people.

use serde::Serialize;
use uuid::Uuid;

use super::{Detail, about};
use crate::domain::duplicate::{Duplicate, OnDuplicate};
use crate::domain::ids::{FaceId, JobId, SubjectId, WatchlistId};
use crate::domain::job::Job;
use crate::domain::watchlist::{Watchlist, WatchlistKind};

/// The detail of `watchlist.created`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WatchlistCreated {
    /// The list.
    pub watchlist_id: WatchlistId,
    /// What a hit means.
    pub kind: WatchlistKind,
    /// Share of searches of strangers that may raise an alarm.
    pub target_fpir: f64,
    /// What becomes of a face that is on it already.
    pub on_duplicate: OnDuplicate,
    /// Whether the pictures of its faces are kept.
    pub keep_images: bool,
}

impl From<&Watchlist> for WatchlistCreated {
    fn from(list: &Watchlist) -> Self {
        Self {
            watchlist_id: list.id,
            kind: list.kind,
            target_fpir: list.target_fpir,
            on_duplicate: list.on_duplicate,
            keep_images: list.keep_images,
        }
    }
}

/// The detail of `watchlist.changed`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WatchlistChanged {
    /// The fields that were sent.
    pub fields: Vec<&'static str>,
    /// The list as it is now.
    #[serde(flatten)]
    pub list: WatchlistCreated,
}

/// The detail of `watchlist.deleted`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WatchlistDeleted {
    /// The list.
    pub watchlist_id: WatchlistId,
    /// Faces that were on it.
    pub faces: u64,
}

/// A row of a bulk import.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ImportedRow {
    /// The job.
    pub job_id: JobId,
    /// The row's number in it, from 1.
    pub row: u64,
}

/// Faces that a person was given.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EnrolledFaces {
    /// The list.
    pub watchlist_id: WatchlistId,
    /// The person.
    pub subject_id: SubjectId,
    /// Their new faces.
    pub face_ids: Vec<FaceId>,
    /// The model that made the templates, where there is one.
    pub embedder: Option<String>,
    /// Whom else on the list the faces were found to be, best first.
    pub duplicate_of: Vec<SubjectId>,
    /// The row of an import that brought them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub import: Option<ImportedRow>,
}

impl EnrolledFaces {
    /// The people among whom the faces were found.
    #[must_use]
    pub fn known(duplicates: &[Duplicate]) -> Vec<SubjectId> {
        duplicates.iter().map(|found| found.subject_id).collect()
    }
}

/// The detail of `subject.enrolled`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct SubjectEnrolled(pub EnrolledFaces);

/// The detail of `face.enrolled`.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct FaceEnrolled(pub EnrolledFaces);

/// The detail of `subject.replaced`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SubjectReplaced {
    /// What was enrolled.
    #[serde(flatten)]
    pub faces: EnrolledFaces,
    /// Faces that had to go for that.
    pub removed_faces: u64,
}

/// The detail of `subject.changed`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SubjectChanged {
    /// The list.
    pub watchlist_id: WatchlistId,
    /// The person.
    pub subject_id: SubjectId,
    /// The fields that were sent; not what they say.
    pub fields: Vec<&'static str>,
}

/// The detail of `subject.deleted`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SubjectDeleted {
    /// The list.
    pub watchlist_id: WatchlistId,
    /// The person.
    pub subject_id: SubjectId,
}

/// The detail of `face.deleted`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FaceDeleted {
    /// The list.
    pub watchlist_id: WatchlistId,
    /// The person.
    pub subject_id: SubjectId,
    /// The face.
    pub face_id: FaceId,
}

/// The detail of `import.created`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ImportCreated {
    /// The job.
    pub job_id: JobId,
    /// The list that it fills.
    pub watchlist_id: WatchlistId,
    /// Rows in all.
    pub rows: u64,
    /// Rows that were refused at once.
    pub refused: u64,
}

impl From<&Job> for ImportCreated {
    fn from(job: &Job) -> Self {
        Self {
            job_id: job.id,
            watchlist_id: job.watchlist_id,
            rows: job.total,
            refused: job.failed,
        }
    }
}

/// The detail of `job.cancelled`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JobCancelled {
    /// The job.
    pub job_id: JobId,
    /// The list that it filled.
    pub watchlist_id: WatchlistId,
    /// Rows in all.
    pub rows: u64,
    /// Rows that were over by then.
    pub done: u64,
}

impl From<&Job> for JobCancelled {
    fn from(job: &Job) -> Self {
        Self {
            job_id: job.id,
            watchlist_id: job.watchlist_id,
            rows: job.total,
            done: job.done,
        }
    }
}

about! {
    WatchlistCreated => watchlist_id;
    WatchlistChanged => list.watchlist_id;
    WatchlistDeleted => watchlist_id;
    SubjectEnrolled => 0.subject_id;
    SubjectReplaced => faces.subject_id;
    SubjectChanged => subject_id;
    SubjectDeleted => subject_id;
    FaceEnrolled => 0.subject_id;
    FaceDeleted => subject_id;
    ImportCreated => job_id;
    JobCancelled => job_id;
}
