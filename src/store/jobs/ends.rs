//! How rows of a job end.

use sqlx::types::Json;
use uuid::Uuid;

use super::as_count;
use super::rows::KeptDuplicate;
use crate::domain::duplicate::Duplicate;
use crate::domain::ids::{FaceId, JobId, SubjectId};
use crate::domain::job::{RowFault, RowState};
use crate::store::{StoreError, TenantTx};

/// How a row ends.
#[derive(Debug, Clone, PartialEq)]
pub enum RowOutcome {
    /// Its face is enrolled, in the same transaction.
    Enrolled(SubjectId, FaceId),
    /// It is refused.
    Refused(RowFault),
}

/// A row and how it ends.
#[derive(Debug, Clone, PartialEq)]
pub struct FinishedRow {
    /// Its place in the job.
    pub number: u64,
    /// How it ends.
    pub outcome: RowOutcome,
    /// Whom on the list its face was found to be, best first.
    pub duplicate_of: Vec<Duplicate>,
}

impl TenantTx {
    /// Finishes rows that wait. False when one does not wait any more: somebody else has finished it, and nothing
    /// that was done for them in this transaction may last.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot do it.
    pub async fn finish_rows(
        &mut self,
        job: JobId,
        rows: &[FinishedRow],
    ) -> Result<bool, StoreError> {
        let mut ends = Ends::default();
        rows.iter().for_each(|row| ends.push(row));
        let finished = sqlx::query!(
            "update job_rows set state = finished.state, subject_id = finished.subject_id, face_id = finished.face_id, \
             error_code = finished.error_code, error_message = finished.error_message, duplicates = finished.duplicates, \
             image = null, display_name = null, metadata = null, valid_until = null, consent = null \
             from unnest($2::bigint[], $3::text[], $4::uuid[], $5::uuid[], $6::text[], $7::text[], $8::jsonb[]) \
             as finished (number, state, subject_id, face_id, error_code, error_message, duplicates) \
             where job_id = $1 and job_rows.number = finished.number and job_rows.state = 'pending'",
            job.as_uuid(),
            &ends.number,
            &ends.state as &[&str],
            &ends.subject_id as &[Option<Uuid>],
            &ends.face_id as &[Option<Uuid>],
            &ends.error_code as &[Option<&str>],
            &ends.error_message as &[Option<&str>],
            &ends.duplicates as &[Option<Json<Vec<KeptDuplicate>>>]
        )
        .execute(self.connection())
        .await?;
        Ok(finished.rows_affected() == rows.len() as u64)
    }
}

/// How rows end, turned into arrays.
#[derive(Default)]
struct Ends<'a> {
    number: Vec<i64>,
    state: Vec<&'a str>,
    subject_id: Vec<Option<Uuid>>,
    face_id: Vec<Option<Uuid>>,
    error_code: Vec<Option<&'a str>>,
    error_message: Vec<Option<&'a str>>,
    duplicates: Vec<Option<Json<Vec<KeptDuplicate>>>>,
}

impl<'a> Ends<'a> {
    fn push(&mut self, row: &'a FinishedRow) {
        let (ids, fault) = match &row.outcome {
            RowOutcome::Enrolled(subject, face) => {
                (Some((subject.as_uuid(), face.as_uuid())), None)
            }
            RowOutcome::Refused(fault) => (None, Some(fault)),
        };
        let state = match ids {
            Some(_) => RowState::Succeeded,
            None => RowState::Failed,
        };
        self.number.push(as_count(row.number));
        self.state.push(state.name());
        self.subject_id.push(ids.map(|(subject, _)| subject));
        self.face_id.push(ids.map(|(_, face)| face));
        self.error_code.push(fault.map(|fault| fault.code.name()));
        self.error_message
            .push(fault.map(|fault| fault.message.as_str()));
        let duplicates: Vec<_> = row.duplicate_of.iter().map(KeptDuplicate::from).collect();
        self.duplicates
            .push((!duplicates.is_empty()).then_some(Json(duplicates)));
    }
}
