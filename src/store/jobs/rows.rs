//! The rows of a job: one picture each, which goes in the statement that finishes its row.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sqlx::types::Json;
use time::OffsetDateTime;
use uuid::Uuid;

use super::super::error::StoreError;
use super::super::page::{Page, PageRequest};
use super::super::subjects::NewSubject;
use super::super::transaction::TenantTx;
use super::as_count;
use crate::domain::consent::Consent;
use crate::domain::duplicate::Duplicate;
use crate::domain::ids::JobId;
use crate::domain::job::{JobRow, RowFault, RowState};
use crate::domain::metadata::Metadata;

/// Bytes of pictures that one reading of waiting rows brings, unless the first alone has more.
const MAX_READ_BYTES: i64 = 16 * 1024 * 1024;

/// A row to be stored.
#[derive(Debug)]
pub struct NewJobRow {
    /// Its place in the job, from 1.
    pub number: u64,
    /// The line that it comes from.
    pub line: Option<u64>,
    /// The file that it comes from, at most 512 characters.
    pub file: Option<String>,
    /// Whose face it is, where that can be told.
    pub external_id: Option<String>,
    /// What is to be enrolled, or why nothing can be.
    pub content: Result<RowContent, RowFault>,
}

/// What is to be enrolled.
#[derive(Debug, Clone, PartialEq)]
pub struct RowContent {
    /// Name shown with a hit.
    pub display_name: Option<String>,
    /// The caller's own data.
    pub metadata: Metadata,
    /// From this instant on the subject is no longer found.
    pub valid_until: Option<OffsetDateTime>,
    /// On what they agreed to.
    pub consent: Option<Consent>,
    /// The encoded picture.
    pub image: Vec<u8>,
}

/// A row that waits.
#[derive(Debug, Clone, PartialEq)]
pub struct PendingRow {
    /// Its place in the job.
    pub number: u64,
    /// The person, as they are made if the list does not hold them.
    pub subject: NewSubject,
    /// The encoded picture.
    pub image: Vec<u8>,
    /// How often the models failed on it.
    pub attempts: u32,
}

impl TenantTx {
    /// Stores rows of a job that is being received.
    ///
    /// # Errors
    /// [`StoreError::MissingReference`] when the job is gone.
    pub async fn insert_job_rows(
        &mut self,
        job: JobId,
        rows: Vec<NewJobRow>,
    ) -> Result<(), StoreError> {
        let mut columns = Columns::default();
        rows.into_iter().for_each(|row| columns.push(row));
        sqlx::query!(
            "insert into job_rows (job_id, number, line, file, external_id, display_name, metadata, valid_until, \
             image, error_code, error_message, consent, state) \
             select $1, row.*, case when row.error_code is null then 'pending' else 'failed' end \
             from unnest($2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::jsonb[], \
             $8::timestamptz[], $9::bytea[], $10::text[], $11::text[], $12::jsonb[]) as row (number, line, file, \
             external_id, display_name, metadata, valid_until, image, error_code, error_message, consent)",
            job.as_uuid(),
            &columns.number,
            &columns.line as &[Option<i64>],
            &columns.file as &[Option<String>],
            &columns.external_id as &[Option<String>],
            &columns.display_name as &[Option<String>],
            &columns.metadata as &[Option<Value>],
            &columns.valid_until as &[Option<OffsetDateTime>],
            &columns.image as &[Option<Vec<u8>>],
            &columns.error_code as &[Option<String>],
            &columns.error_message as &[Option<String>],
            &columns.consent as &[Option<Json<Consent>>]
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Reads the next rows that wait, in their order, with pictures of some 16 MiB at most.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot answer.
    pub async fn pending_rows(
        &mut self,
        job: JobId,
        after: u64,
        limit: u32,
    ) -> Result<Vec<PendingRow>, StoreError> {
        // The length of a picture is known without reading it.
        let rows = sqlx::query!(
            r#"
            with next as (
                select number, sum(octet_length(image)) over (order by number) as bytes
                from (
                    select number, image from job_rows
                    where job_id = $1 and state = 'pending' and number > $2 order by number limit $3
                ) as waiting
            )
            select number, external_id, display_name, metadata, valid_until, image as "image!", attempts,
                consent as "consent: Json<Consent>"
            from job_rows
            where job_id = $1 and state = 'pending'
                and number in (select number from next where bytes <= $4 or number = (select min(number) from next))
            order by number
            "#,
            job.as_uuid(),
            as_count(after),
            i64::from(limit),
            MAX_READ_BYTES
        )
        .fetch_all(self.connection())
        .await?;
        let row = rows.into_iter().map(|row| PendingRow {
            number: row.number.unsigned_abs(),
            subject: NewSubject {
                external_id: row.external_id,
                display_name: row.display_name,
                metadata: match row.metadata {
                    Some(Value::Object(metadata)) => metadata,
                    _ => Metadata::default(),
                },
                consent: row.consent.map(|consent| consent.0),
                valid_until: row.valid_until,
            },
            image: row.image,
            attempts: u32::from(row.attempts.unsigned_abs()),
        });
        Ok(row.collect())
    }

    /// Notes that the models failed on a row once more.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot do it.
    pub async fn count_attempt(&mut self, job: JobId, number: u64) -> Result<(), StoreError> {
        sqlx::query!(
            "update job_rows set attempts = attempts + 1 where job_id = $1 and number = $2 and state = 'pending'",
            job.as_uuid(),
            as_count(number)
        )
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Clears some of the rows that were not begun when their job ended. False when there are none.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot do it.
    pub async fn clear_rows(&mut self, job: JobId, limit: u32) -> Result<bool, StoreError> {
        let cleared = sqlx::query!(
            "update job_rows set state = 'cancelled', image = null, display_name = null, metadata = null, \
             valid_until = null, consent = null where job_id = $1 and number in (\
             select number from job_rows where job_id = $1 and state = 'pending' limit $2)",
            job.as_uuid(),
            i64::from(limit)
        )
        .execute(self.connection())
        .await?;
        Ok(cleared.rows_affected() > 0)
    }

    /// Removes some rows of a job. False when there are none.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot do it.
    pub async fn delete_rows(&mut self, job: JobId, limit: u32) -> Result<bool, StoreError> {
        let deleted = sqlx::query!(
            "delete from job_rows where job_id = $1 and number in (\
             select number from job_rows where job_id = $1 limit $2)",
            job.as_uuid(),
            i64::from(limit)
        )
        .execute(self.connection())
        .await?;
        Ok(deleted.rows_affected() > 0)
    }

    /// Reads a page of a job's rows in their order, without their pictures; of all or of those in one state. The
    /// page's key is the number of a row in the form of an id.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot answer.
    pub async fn list_job_rows(
        &mut self,
        job: JobId,
        state: Option<RowState>,
        page: PageRequest,
    ) -> Result<Page<JobRow>, StoreError> {
        // No row has a number that a cursor of another list would stand for.
        let after = page.after.map_or(0, |id| {
            u64::try_from(id.as_u128()).unwrap_or(i64::MAX.unsigned_abs())
        });
        self.plan_anew().await?;
        let rows = sqlx::query_as!(
            RowRecord,
            r#"
            select number, line, file, external_id, state, subject_id, face_id, error_code, error_message,
                duplicates as "duplicates: Json<Vec<KeptDuplicate>>"
            from job_rows
            where job_id = $1 and number > $2 and ($3::text is null or state = $3)
            order by number
            limit $4
            "#,
            job.as_uuid(),
            as_count(after),
            state.map(RowState::name),
            page.rows_to_fetch()
        )
        .fetch_all(self.connection())
        .await?;
        let rows = Page::cut(rows, page, |row| {
            Uuid::from_u128(row.number.unsigned_abs().into())
        });
        let people = self.keys_of_duplicates(job, &rows.items).await?;
        rows.try_map(|row| row.with_duplicates(&people))
    }

    /// Of the people whom faces of rows were found to be, those who are still on the list, with their keys.
    async fn keys_of_duplicates(
        &mut self,
        job: JobId,
        rows: &[RowRecord],
    ) -> Result<HashMap<Uuid, Option<String>>, StoreError> {
        let people = rows.iter().flat_map(RowRecord::duplicates);
        let people: Vec<Uuid> = people.map(|person| person.subject_id).collect();
        if people.is_empty() {
            return Ok(HashMap::new());
        }
        let rows = sqlx::query!(
            "select id, external_id from subjects \
             where watchlist_id = (select watchlist_id from jobs where id = $1) and id = any($2)",
            job.as_uuid(),
            &people
        )
        .fetch_all(self.connection())
        .await?;
        let keys = rows.into_iter().map(|row| (row.id, row.external_id));
        Ok(keys.collect())
    }
}

/// Somebody whom the face of a row was found to be. Their key is read with the row, so that nobody has to be erased here.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct KeptDuplicate {
    subject_id: Uuid,
    similarity: f32,
}

impl From<&Duplicate> for KeptDuplicate {
    fn from(found: &Duplicate) -> Self {
        Self {
            subject_id: found.subject_id.as_uuid(),
            similarity: found.similarity,
        }
    }
}

/// Rows turned into arrays, which one statement stores.
#[derive(Default)]
struct Columns {
    number: Vec<i64>,
    line: Vec<Option<i64>>,
    file: Vec<Option<String>>,
    external_id: Vec<Option<String>>,
    display_name: Vec<Option<String>>,
    metadata: Vec<Option<Value>>,
    valid_until: Vec<Option<OffsetDateTime>>,
    image: Vec<Option<Vec<u8>>>,
    error_code: Vec<Option<String>>,
    error_message: Vec<Option<String>>,
    consent: Vec<Option<Json<Consent>>>,
}

impl Columns {
    fn push(&mut self, row: NewJobRow) {
        let (content, fault) = match row.content {
            Ok(content) => (Some(content), None),
            Err(fault) => (None, Some(fault)),
        };
        self.number.push(as_count(row.number));
        self.line.push(row.line.map(as_count));
        self.file.push(row.file);
        self.external_id.push(row.external_id);
        self.push_content(content);
        let (code, message) = fault.map_or_else(Default::default, |fault| {
            (Some(fault.code.name().to_owned()), Some(fault.message))
        });
        self.error_code.push(code);
        self.error_message.push(message);
    }

    fn push_content(&mut self, content: Option<RowContent>) {
        let (name, metadata, valid_until, consent, image) =
            content.map_or_else(Default::default, |row| {
                let metadata = Value::Object(row.metadata);
                (
                    row.display_name,
                    Some(metadata),
                    row.valid_until,
                    row.consent.map(Json),
                    Some(row.image),
                )
            });
        self.display_name.push(name);
        self.metadata.push(metadata);
        self.valid_until.push(valid_until);
        self.consent.push(consent);
        self.image.push(image);
    }
}

struct RowRecord {
    number: i64,
    line: Option<i64>,
    file: Option<String>,
    external_id: Option<String>,
    state: String,
    subject_id: Option<Uuid>,
    face_id: Option<Uuid>,
    error_code: Option<String>,
    error_message: Option<String>,
    duplicates: Option<Json<Vec<KeptDuplicate>>>,
}

impl RowRecord {
    fn duplicates(&self) -> impl Iterator<Item = &KeptDuplicate> {
        self.duplicates.iter().flat_map(|duplicates| &duplicates.0)
    }

    fn with_duplicates(self, people: &HashMap<Uuid, Option<String>>) -> Result<JobRow, StoreError> {
        let unknown = || StoreError::Corrupt("a row of a job in an unknown state".into());
        let mut states = RowState::ALL.into_iter();
        let duplicate = |found: &KeptDuplicate| {
            Some(Duplicate {
                subject_id: found.subject_id.into(),
                external_id: people.get(&found.subject_id)?.clone(),
                similarity: found.similarity,
            })
        };
        Ok(JobRow {
            number: self.number.unsigned_abs(),
            line: self.line.map(i64::unsigned_abs),
            state: states
                .find(|state| state.name() == self.state)
                .ok_or_else(unknown)?,
            subject_id: self.subject_id.map(Into::into),
            face_id: self.face_id.map(Into::into),
            duplicate_of: self.duplicates().filter_map(duplicate).collect(),
            file: self.file,
            external_id: self.external_id,
            error: self.error_code.zip(self.error_message),
        })
    }
}
