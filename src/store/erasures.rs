//! The erasure of a person: everything that a tenant keeps under one key, and the receipts.

use time::OffsetDateTime;
use uuid::Uuid;

use super::error::StoreError;
use super::jobs::as_count;
use super::page::{Page, PageRequest};
use super::transaction::TenantTx;
use crate::domain::erasure::{ErasedCounts, Erasure};
use crate::domain::ids::{ErasureId, SubjectId, WatchlistId};

/// A receipt to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewErasure {
    /// Its id.
    pub id: ErasureId,
    /// Who asked for it.
    pub requested_by: String,
    /// Why.
    pub reason: Option<String>,
    /// What says whom it is about, to whoever holds the random key.
    pub commitment: [u8; 32],
    /// What was removed.
    pub counts: ErasedCounts,
}

impl TenantTx {
    /// Removes everything under a person's key: from every list, from the verifications, those that merely found them on
    /// a list included, from bulk imports, and from the answers that are kept for retries.
    ///
    /// Holds every list of the tenant until the end of the transaction, so that an enrolment of the person, by request
    /// or by job, comes as a whole before the erasure, and is undone by it, or after.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot do it.
    pub async fn erase_person(&mut self, external_id: &str) -> Result<ErasedCounts, StoreError> {
        self.lock_watchlists().await?;
        let mut counts = ErasedCounts::default();
        let subjects = self.subjects_of_key(external_id).await?;
        for (watchlist, subject) in &subjects {
            counts.faces += self.remove_faces(*watchlist, *subject, None).await?;
            counts.subjects += u64::from(self.remove_subject(*watchlist, *subject).await?);
        }
        let subjects: Vec<Uuid> = subjects.iter().map(|(_, id)| id.as_uuid()).collect();
        counts.job_rows = self.erase_job_rows(external_id, &subjects).await?;
        let own = self.delete_verifications_of(external_id).await?;
        counts.verifications = own.len() as u64;
        let of_others = self.erase_hits(external_id, &subjects).await?;
        counts.hits = of_others.len() as u64;
        let told = [subjects, own, of_others].concat();
        counts.stored_answers = self.forget_idempotent_answers(&told).await?;
        Ok(counts)
    }

    /// In one order, so that nobody else who takes several can wait for us while we wait for them.
    async fn lock_watchlists(&mut self) -> Result<(), StoreError> {
        sqlx::query!("select id from watchlists order by id for no key update")
            .fetch_all(self.connection())
            .await?;
        Ok(())
    }

    async fn subjects_of_key(
        &mut self,
        external_id: &str,
    ) -> Result<Vec<(WatchlistId, SubjectId)>, StoreError> {
        // List by list, as the index goes.
        let rows = sqlx::query!(
            r#"
            select watchlists.id as watchlist_id, found.id
            from watchlists
            cross join lateral (
                select id from subjects where watchlist_id = watchlists.id and external_id = $1 limit 1
            ) as found
            order by watchlists.id
            "#,
            external_id
        )
        .fetch_all(self.connection())
        .await?;
        let rows = rows.into_iter();
        Ok(rows
            .map(|row| (row.watchlist_id.into(), row.id.into()))
            .collect())
    }

    /// Blanks the rows of bulk imports that are of the person, or that made one of the subjects, whose key may have been
    /// another then. A row that waits is over by that.
    async fn erase_job_rows(
        &mut self,
        external_id: &str,
        subjects: &[Uuid],
    ) -> Result<u64, StoreError> {
        sqlx::query!(
            r#"
            with cancelled as (
                update job_rows
                set state = 'cancelled', image = null, display_name = null, metadata = null, valid_until = null,
                    consent = null
                where external_id = $1 and state = 'pending'
                returning job_id
            )
            update jobs
            set done = done + counted.rows
            from (select job_id, count(*) as rows from cancelled group by job_id) as counted
            where jobs.id = counted.job_id and jobs.state in ('queued', 'running')
            "#,
            external_id
        )
        .execute(self.connection())
        .await?;
        let done = sqlx::query!(
            "update job_rows set external_id = null, file = null where external_id = $1 or subject_id = any($2)",
            external_id,
            subjects
        )
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected())
    }

    async fn delete_verifications_of(
        &mut self,
        external_id: &str,
    ) -> Result<Vec<Uuid>, StoreError> {
        let deleted = sqlx::query_scalar!(
            "delete from verifications where external_id = $1 returning id",
            external_id
        );
        Ok(deleted.fetch_all(self.connection()).await?)
    }

    /// Takes the key and the name of the person out of what other verifications found. That they found somebody stays,
    /// since their decision rests on it.
    async fn erase_hits(
        &mut self,
        external_id: &str,
        subjects: &[Uuid],
    ) -> Result<Vec<Uuid>, StoreError> {
        let changed = sqlx::query_scalar!(
            r#"
            with gone as (
                delete from verification_hits where external_id = $1 or subject_id = any($2)
                returning verification_id, subject_id
            ), affected as (
                select verification_id, array_agg(subject_id) as subjects from gone group by verification_id
            )
            update verifications
            set record = jsonb_set(record, '{assessment,watchlist,searched}', (
                select jsonb_agg(jsonb_set(list, '{hits}', (
                    select coalesce(jsonb_agg(
                        case when (hit ->> 'subject_id')::uuid = any(affected.subjects)
                            then hit || '{"external_id": null, "display_name": null}'
                            else hit
                        end order by place
                    ), '[]')
                    from jsonb_array_elements(list -> 'hits') with ordinality as hits (hit, place)
                )) order by place)
                from jsonb_array_elements(record #> '{assessment,watchlist,searched}')
                    with ordinality as lists (list, place)
            ))
            from affected
            where verifications.id = affected.verification_id
            returning verifications.id
            "#,
            external_id,
            subjects
        );
        Ok(changed.fetch_all(self.connection()).await?)
    }

    /// Keeps a receipt.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot do it.
    pub async fn insert_erasure(&mut self, new: NewErasure) -> Result<Erasure, StoreError> {
        let counts = new.counts;
        let created_at = sqlx::query_scalar!(
            "insert into erasures (id, requested_by, reason, commitment, subjects, faces, verifications, hits, \
             job_rows, stored_answers) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) returning created_at",
            new.id.as_uuid(),
            new.requested_by,
            new.reason,
            new.commitment.as_slice(),
            as_count(counts.subjects),
            as_count(counts.faces),
            as_count(counts.verifications),
            as_count(counts.hits),
            as_count(counts.job_rows),
            as_count(counts.stored_answers)
        )
        .fetch_one(self.connection())
        .await?;
        Ok(Erasure {
            id: new.id,
            requested_by: new.requested_by,
            reason: new.reason,
            commitment: new.commitment,
            counts,
            audit_sequence: None,
            created_at,
        })
    }

    /// Reads a receipt.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot answer.
    pub async fn find_erasure(&mut self, id: ErasureId) -> Result<Option<Erasure>, StoreError> {
        let row = sqlx::query_as!(
            ErasureRow,
            r#"
            select id, requested_by, reason, commitment, subjects, faces, verifications, hits, job_rows,
                stored_answers, created_at,
                (select sequence from audit_events where action = 'erasure.created' and resource_id = erasures.id)
                    as audit_sequence
            from erasures
            where id = $1
            "#,
            id.as_uuid()
        )
        .fetch_optional(self.connection())
        .await?;
        row.map(Erasure::try_from).transpose()
    }

    /// Reads a page of the tenant's receipts, newest first.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot answer.
    pub async fn list_erasures(&mut self, page: PageRequest) -> Result<Page<Erasure>, StoreError> {
        let rows = sqlx::query_as!(
            ErasureRow,
            r#"
            select id, requested_by, reason, commitment, subjects, faces, verifications, hits, job_rows,
                stored_answers, created_at,
                (select sequence from audit_events where action = 'erasure.created' and resource_id = erasures.id)
                    as audit_sequence
            from erasures
            where id < $1
            order by id desc
            limit $2
            "#,
            page.before(),
            page.rows_to_fetch()
        )
        .fetch_all(self.connection())
        .await?;
        Page::cut(rows, page, |row| row.id).try_map(Erasure::try_from)
    }
}

struct ErasureRow {
    id: Uuid,
    requested_by: String,
    reason: Option<String>,
    commitment: Vec<u8>,
    subjects: i64,
    faces: i64,
    verifications: i64,
    hits: i64,
    job_rows: i64,
    stored_answers: i64,
    audit_sequence: Option<i64>,
    created_at: OffsetDateTime,
}

impl TryFrom<ErasureRow> for Erasure {
    type Error = StoreError;

    fn try_from(row: ErasureRow) -> Result<Self, StoreError> {
        let commitment = row.commitment.try_into();
        Ok(Self {
            id: row.id.into(),
            requested_by: row.requested_by,
            reason: row.reason,
            commitment: commitment
                .map_err(|_| StoreError::Corrupt("a commitment of another length".into()))?,
            counts: ErasedCounts {
                subjects: row.subjects.unsigned_abs(),
                faces: row.faces.unsigned_abs(),
                verifications: row.verifications.unsigned_abs(),
                hits: row.hits.unsigned_abs(),
                job_rows: row.job_rows.unsigned_abs(),
                stored_answers: row.stored_answers.unsigned_abs(),
            },
            audit_sequence: row.audit_sequence.map(i64::unsigned_abs),
            created_at: row.created_at,
        })
    }
}
