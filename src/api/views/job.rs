//! Jobs and their rows.

use serde::Serialize;
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use super::{DuplicateView, round3};
use crate::domain::ids::{FaceId, SubjectId};
use crate::domain::job::{Job, JobKind, JobRow, JobState, RowState};

/// A job.
#[derive(Debug, Serialize, ToSchema)]
pub struct JobView {
    /// Its id.
    pub id: Uuid,
    /// `import`; `model_change`: templates of another embedder are made of kept pictures; `rekey`: templates are rewritten under
    /// another key, which cannot be cancelled.
    #[schema(value_type = String, example = "import")]
    pub kind: JobKind,
    /// The list that it fills.
    pub watchlist_id: Uuid,
    /// `queued`, `running`, `succeeded` (every row is over, some perhaps refused), `cancelled`, or `failed` (given up).
    #[schema(value_type = String, example = "running")]
    pub state: JobState,
    /// Rows in all, one picture each; of the other kinds the faces of the list.
    #[schema(example = 1200)]
    pub total: u64,
    /// Rows or faces that are over, refused ones included.
    #[schema(example = 640)]
    pub done: u64,
    /// Rows that were refused, or faces of which no template could be made.
    #[schema(example = 3)]
    pub failed: u64,
    /// Rows a second since it was begun, pauses included.
    #[schema(example = 118.0)]
    pub rate: Option<f64>,
    /// When all of it had arrived.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When its first row was begun.
    #[serde(with = "time::serde::rfc3339::option")]
    pub started_at: Option<OffsetDateTime>,
    /// When it came to its end.
    #[serde(with = "time::serde::rfc3339::option")]
    pub finished_at: Option<OffsetDateTime>,
    /// When it is deleted with its rows; null while it goes on, and where it is kept as long as its list.
    #[serde(with = "time::serde::rfc3339::option")]
    pub delete_after: Option<OffsetDateTime>,
    /// Where every row stands, as lines of JSON.
    #[schema(example = "/v1/jobs/01990000-0000-7000-8000-000000000000/result")]
    pub result: String,
}

impl From<Job> for JobView {
    fn from(job: Job) -> Self {
        Self {
            id: job.id.as_uuid(),
            kind: job.kind,
            watchlist_id: job.watchlist_id.as_uuid(),
            state: job.state,
            total: job.total,
            done: job.done,
            failed: job.failed,
            rate: job.rate(OffsetDateTime::now_utc()).map(round3),
            created_at: job.created_at,
            started_at: job.started_at,
            finished_at: job.finished_at,
            delete_after: job.delete_after,
            result: format!("/v1/jobs/{}/result", job.id),
        }
    }
}

/// Why a row was refused.
#[derive(Debug, Serialize, ToSchema)]
pub struct RowErrorView {
    /// Stable code; clients may depend on it.
    #[schema(example = "multiple_faces")]
    pub code: String,
    /// The same in words.
    #[schema(example = "2 faces were found; exactly one is wanted")]
    pub message: String,
}

/// One picture of an import, and what became of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct JobRowView {
    /// Its place in the job, from 1.
    #[schema(example = 17)]
    pub number: u64,
    /// The line of the manifest or the stream, from 1.
    #[schema(example = 17)]
    pub line: Option<u64>,
    /// The file in the archive.
    #[schema(example = "case-4711/front.jpg")]
    pub file: Option<String>,
    /// Whose face it is.
    #[schema(example = "case-4711")]
    pub external_id: Option<String>,
    /// `pending`, `succeeded`, `failed`, or `cancelled`.
    #[schema(value_type = String, example = "succeeded")]
    pub state: RowState,
    /// The person, where the face was enrolled.
    pub subject_id: Option<Uuid>,
    /// The face, where it was enrolled.
    pub face_id: Option<Uuid>,
    /// Others on the list whom the face was found to be, most alike first, at most 10; where the face was added to
    /// somebody, that person. Whoever is no longer on the list is left out.
    pub duplicate_of: Vec<DuplicateView>,
    /// Why it was refused, where it was.
    pub error: Option<RowErrorView>,
}

impl From<JobRow> for JobRowView {
    fn from(row: JobRow) -> Self {
        Self {
            number: row.number,
            line: row.line,
            file: row.file,
            external_id: row.external_id,
            state: row.state,
            subject_id: row.subject_id.map(SubjectId::as_uuid),
            face_id: row.face_id.map(FaceId::as_uuid),
            duplicate_of: row.duplicate_of.iter().map(Into::into).collect(),
            error: row
                .error
                .map(|(code, message)| RowErrorView { code, message }),
        }
    }
}
